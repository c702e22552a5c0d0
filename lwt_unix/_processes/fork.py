"""Forking.

What a child process has to begin anew is done after any fork, in the files that have it: the engine, the
pipes of signals and notifications, jobs, waits for children. So `os.fork` and multiprocessing do the
same. What waits in the parent's main loop is forgotten: see `parting`.

OCaml: `fork` of lwt_unix.ml.
"""

from __future__ import annotations

import signal

from lwt_unix import _system as system
from lwt_unix._errors import call_named


def fork() -> int:
    """Fork, like `os.fork`: return 0 in the child process, and the child's identifier in the parent.

    The child has an engine and pipes of its own. The promises of jobs are rejected there with
    `lwt.Canceled` in the next turn, and those of who waits for children with ECHILD. If the main loop
    runs, only the body that forks goes on there, and may call `lwt_main.run`. What else waits is the
    parent's, and nothing of it goes on in the child. (In OCaml all goes on in both.) A body that has waited
    for nothing yet may have begun before the main loop: `await lwt.pause()` in it before.

    What is in the buffers of channels is written by both, unless the main loop runs: so
    `lwt_io.flush_all` first. End the child by `os._exit`, unless the parent's exit hooks are to run
    there, too.

    To run a program, `lwt_process` and `system` do not fork, and are safe where there are threads.

    Raises:
        OSError: EAGAIN, if there are too many processes.

    OCaml: Lwt_unix.fork : unit -> int
    """
    # What a child begins anew is not left half done by a signal: it comes when that is over.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with call_named("fork"):
            return system.fork()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
