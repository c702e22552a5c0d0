"""Faults put into child processes on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

PROCESS_FAULTS: Final = (
    fault(
        "Lwt_process",
        "the oldest wait for a child comes first",
        "    return -wait.number\n",
        "    return wait.number\n",
    ),
    fault(
        "Lwt_process",
        "a child that was killed has exited",
        "    if os.WIFSIGNALED(status):\n        return WSIGNALED(os.WTERMSIG(status))\n",
        "",
    ),
    fault(
        "Lwt_process",
        "what cannot be run is an error",
        "    if problem.errno in _NO_CHILD:\n",
        "    if True:\n",
    ),
)
