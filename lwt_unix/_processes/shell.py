"""Running a command of the shell.

OCaml: `system` of lwt_unix.ml.
"""

from __future__ import annotations

import lwt
from lwt._core.checks import wrong_type
from lwt_unix._processes.children import Ended
from lwt_unix._processes.starting import KEPT, SHELL, Command, start_and_wait
from lwt_unix._processes.statuses import Process_status


def system(cmd: str | bytes, /) -> lwt.Promise[Process_status]:
    """Run a command of the shell, and return how it ended.

        status = await lwt_unix.system("make -s")

    It has our standard descriptors. If the promise is cancelled, the command goes on, and nobody hears
    of its end. `lwt_process` reads what a command writes, and can end it.

    Args:
        cmd: what `/bin/sh -c` is given.

    Raises:
        OSError: EAGAIN and the like, if no process can be started.

    OCaml: Lwt_unix.system : string -> process_status Lwt.t
    """
    if not isinstance(cmd, str | bytes):
        raise wrong_type("lwt_unix.system", "a command of the shell", cmd)
    command: Command = (SHELL, [SHELL, "-c", cmd])
    _, ended = start_and_wait("lwt_unix.system", command, None, None, KEPT)
    # Protected: whoever cancels this cannot wait for the child any more, and it would stay a zombie.
    return lwt.map(_status, lwt.protected(ended))


def _status(ended: Ended) -> Process_status:
    return ended[1]
