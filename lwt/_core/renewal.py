"""A fresh beginning: all state of the process as it was when `lwt` was imported.

This is for tests, and for a child process that should have nothing from its parent. The guide of this
folder lists the state. Each file that has some state has a function `renew`; all of these are called
here. Promises that were made before stay as they are, and so does what waits for them. Functions that
are still running do not learn of it: call it where none is running, or where none will be returned to.
"""

from lwt._core import choices, exceptions, pause, promise, resolution, storage


def renew() -> None:
    """Begin again."""
    promise.renew()
    exceptions.renew()
    storage.renew()
    choices.renew()
    resolution.renew()
    pause.renew()


def forget_waiting() -> object:
    """Forget what waits to run, and return it. What runs already, and all else, stays as it is.

    This is for a child process, where what waits is its parent's. Whoever drops the result lets Python
    close the bodies that wait.
    """
    waiting = (
        [*pause.paused.promises],
        [*resolution.resolution.deferred],
        [*resolution.resolution.postponed],
    )
    pause.abandon_paused()
    resolution.resolution.deferred.clear()
    resolution.resolution.postponed.clear()
    return waiting
