"""A fresh beginning: all state of the process as it was when `lwt` was imported.

For tests, and for a child process that is to have nothing from its parent. The guide of this folder
lists the state; each file that has some has a function `renew`, and they are all called here. Promises
that were made before stay as they are, and what waits for them with them. Functions that are still
running know nothing of it: call it where none is, or where none will be returned to.
"""

from lwt._core import choices, driver, exceptions, pause, promise, resolution, storage


def renew() -> None:
    """Begin afresh."""
    promise.renew()
    exceptions.renew()
    storage.renew()
    choices.renew()
    resolution.renew()
    driver.renew()
    pause.renew()
