"""A fresh beginning: all state of the process as it was when `lwt_unix` was imported.

This is for tests, and for a child process that should have nothing from its parent. The guide of
`lwt_unix` lists the state. Each file that has some state has a function `renew`; all of these are
called here. What was registered, hooked or buffered is lost; descriptors that programs opened stay
open. For the state of `lwt` there is `lwt._core.renewal`.
"""

from lwt_unix import (
    _asyncgens,
    _ending,
    lwt_direct,
    lwt_main,
    lwt_timeout,
)
from lwt_unix._descriptors import emptied, file_descr
from lwt_unix._jobs import jobs, methods, notifications, threads
from lwt_unix._processes import children, interrupts, parting, signals
from lwt_unix.lwt_engine import _current, abstract
from lwt_unix.lwt_fmt import _formatters
from lwt_unix.lwt_io import _at_exit, _channel, _create
from lwt_unix.lwt_preemptive import _workers


def renew(engine: abstract | None = None) -> None:
    """Begin again. Only the main thread may, if signals are handled.

    With an engine, that is the current one then, and the old one is left to who has it. Otherwise the old
    one is destroyed.
    """
    interrupts.renew()  # First: it tells `signals`, which tells the engine.
    signals.renew()
    children.renew()
    parting.renew()
    jobs.renew()
    threads.renew()
    _workers.renew()
    notifications.renew()
    methods.renew()
    _current.renew(engine)
    _ending.renew()
    _asyncgens.renew()
    lwt_timeout._renew()
    lwt_main._renew()
    lwt_direct._renew()
    file_descr.renew()
    emptied.renew()
    _channel.renew()
    _create.renew()
    _formatters.renew()
    _at_exit.renew()  # After the main loop, whose hook it is.
