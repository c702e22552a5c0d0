"""Lwt_timeout, Lwt_throttle, Lwt_preemptive: their languages of random programs.

They are like those of `waiting/`, which has the common statements, and differ by what they wait for.

    (pass HALVES)    half seconds go by on a clock of the program's own; then the main loop turns once

A computation of `Lwt_preemptive` is told what to do, statement by statement; so its thread never does
anything by itself. It waits until `(preemptive_finish T V)` has it return V if that is even, or raise,
or until `(preemptive_run_in_main T DO)` has it ask for something in the main loop. After each
statement that has come through, the main loop has turned, and what a computation has heard is in the trace.

`run.py` runs the programs, `ocaml/timed_programs.ml` the same on OCaml's Lwt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from random import Random
from typing import Final

from tests.conformance.forms import Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.timed.run import TimedRun
from tests.conformance.languages.waiting.programs import SIGNATURES, WEIGHTS, WaitingPrograms

# A a delay in seconds, H half seconds, K a key, T a computation, L a bound; U a timeout
OWN: Final[dict[str, str]] = {
    "pass": "H",
    "timeout_create": "U A D",
    "timeout_start": "U",
    "timeout_stop": "U",
    "timeout_change": "U A",
    "timeout_set_exn_handler": "V",
    "throttle_create": "S N N V",
    "throttle_wait": "P S K",
    "preemptive_detach": "P T",
    "preemptive_finish": "T V",
    "preemptive_run_in_main": "T D",
    "preemptive_init": "L L",
    "preemptive_simple_init": "",
    "preemptive_set_bounds": "L L",
    "preemptive_get_bounds": "",
    "preemptive_set_max_number_of_threads_queued": "V",
    "preemptive_get_max_number_of_threads_queued": "",
}
MORE: Final[dict[str, int]] = {
    "pass": 8,
    "timeout_create": 4,
    "timeout_start": 10,
    "timeout_stop": 3,
    "timeout_change": 3,
    "throttle_wait": 24,
    "preemptive_detach": 16,
    "preemptive_finish": 14,
    "preemptive_run_in_main": 8,
    "preemptive_set_bounds": 2,
}
THREADS: Final = ("preemptive_finish", "preemptive_run_in_main")


class TimedPrograms(WaitingPrograms):
    """The language of one of the three modules."""

    interpreter = "timed_programs.ml"
    package = "lwt.unix"
    signatures: Mapping[str, str] = {**SIGNATURES, **OWN}
    weights: Mapping[str, int] = {**WEIGHTS, **MORE}
    limits: Mapping[str, int] = {
        **WaitingPrograms.limits,
        "U": 3,
        "A": 5,
        "H": 5,
        "K": 3,
        "T": 4,
        "L": 4,
    }
    not_in_functions: Collection[str] = ("pass", *THREADS)

    def make(self, random: Random) -> Program:
        numbers = iter(range(1, 1_000))
        if self.name == "Lwt_preemptive":
            begun = (("preemptive_detach", 0, 0), ("preemptive_detach", 1, 1))
            return (*begun, *self._statements(random, numbers, 0, 24))
        # What has to happen happens before the end.
        return (*super().make(random), *[("pass", 2)] * 3)

    def run(self, program: Program, met: Met | None = None) -> Answers:
        run = TimedRun(met)
        return Answers([run.run(program)], doubtful=run.doubtful)

    def covered(self) -> dict[str, str]:
        found = super().covered()
        if self.name == "Lwt_throttle":
            return {
                f"{module}.{name}": word for module in ("S", "Make") for name, word in found.items()
            }
        told = ": it is told after each statement"
        return found | dict.fromkeys(("nbthreads", "nbthreadsbusy", "nbthreadsqueued"), told)


class TimeoutPrograms(TimedPrograms):
    """That of timeouts, which have no promises."""

    on_promises: Collection[str] = ()


def timeout_programs() -> TimedPrograms:
    return TimeoutPrograms("timeout", "pass")


def throttle_programs() -> TimedPrograms:
    return TimedPrograms("throttle", "pass")


def preemptive_programs() -> TimedPrograms:
    return TimedPrograms("preemptive")
