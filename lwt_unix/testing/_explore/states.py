"""The state of a simulated program, as a few bytes: programs in the same state do the same from there on.

Between two turns of the main loop nothing of a program runs. So all that it can still do follows from
objects: what the library and the world hold, and all that these lead to, such as the bodies that wait, and
their variables. `States.digest` walks through them in an order that depends on nothing but them, and writes
down of each its type, what it holds, and which of those that were met before it leads to. Equal writing means
equal graphs: the same objects, shared in the same way. (Numbers and texts count as the same if they are equal.)

It has to be certain. An object may hide something from Python, if its type is made in C and is not in the
tables of `contents`. Then the state is like no other: `Incomparable`.

What no program can see is left out, or written otherwise (`views`).

Functions are code, and what their code can reach: closures, defaults, and the global variables that it
names. The functions of installed packages are code alone; the state of this library is listed in `ROOTS`. So
what does not count is what another installed package keeps in variables of its modules, unless the
program names it.
"""

from __future__ import annotations

import contextvars
import marshal
import sys
import types
from collections import deque
from hashlib import blake2b
from typing import Final, final

from lwt_unix.testing._explore.contents import ATOMS, Plan, contents_of
from lwt_unix.testing._explore.known import Known
from lwt_unix.testing._explore.writer import Unordered, Writer

ROOTS: Final = (
    *("lwt._core.promise.deferred", "lwt._core.exceptions._filter"),
    *("lwt._core.storage.current_storage", "lwt._core.choices.prng", "lwt._core.pause.paused"),
    *("lwt._core.resolution.resolution", "lwt._core.resolution.async_exception_hook"),
    *("lwt_unix.lwt_engine._base.main_loop", "lwt_unix.lwt_engine._current._current"),
    *("lwt_unix._asyncgens._begun", "lwt_unix._asyncgens.dropped", "lwt_unix._asyncgens._closing"),
    *("lwt_unix._ending._ender", "lwt_unix._ending.exit_patience"),
    *("lwt_unix.lwt_main.Enter_iter_hooks", "lwt_unix.lwt_main.Leave_iter_hooks"),
    *("lwt_unix.lwt_main.Exit_hooks", "lwt_unix._jobs.notifications._sent"),
    *("lwt_unix._jobs.notifications._pipe", "lwt_unix._jobs.notifications._is_wanted"),
    *("lwt_unix._jobs.threads.pool", "lwt_unix._jobs.methods._default"),
    *("lwt_unix._jobs.jobs._jobs", "lwt_unix.lwt_preemptive._workers.workers"),
    *("lwt_unix.lwt_preemptive._workers.at_work", "lwt_unix.lwt_timeout._clock"),
    *("lwt_unix._descriptors.emptied.emptied", "lwt_unix._descriptors.file_descr.stdin"),
    *("lwt_unix._descriptors.file_descr.stdout", "lwt_unix._descriptors.file_descr.stderr"),
    *("lwt_unix._processes.signals._signals", "lwt_unix._processes.signals._pipe"),
    *("lwt_unix._processes.children._waits", "lwt_unix._processes.interrupts._current"),
    *("lwt_unix._processes.parting._kept", "lwt_unix.lwt_io._channel._outputs"),
    *("lwt_unix.lwt_io._create._default_buffer_size", "lwt_unix.lwt_io._create.zero"),
    *("lwt_unix.lwt_io._create.null", "lwt_unix.lwt_io._create.stdin"),
    *("lwt_unix.lwt_io._create.stdout", "lwt_unix.lwt_io._create.stderr"),
    *("lwt_unix.lwt_fmt._formatters._of_channels", "lwt_unix.lwt_fmt._formatters.stdout"),
    *("lwt_unix.lwt_fmt._formatters.stderr", "lwt_unix.lwt_direct._tasks"),
    *("lwt_unix.lwt_direct._is_hooked", "lwt_unix.testing._simulate._current"),
    "lwt_unix.testing._outside._run",
)
"""What the guides of `lwt._core` and `lwt_unix` list as state of the process, without `LEFT_OUT`."""

LEFT_OUT: Final = types.MappingProxyType(
    {
        "lwt._core.promise._is_in_repr": "False between two turns",
        "lwt._core.choices.source": "the search itself",
        "lwt._core.choices.names": "the same in all runs",
        "lwt_unix.lwt_engine._current.turn": "absolute; `views` has what is relative to it",
        "lwt_unix.lwt_main._running": "held in all runs",
        "lwt_unix.lwt_main._thread": "the same in all runs",
        "lwt_unix.lwt_main._left_by": "None while the main loop runs",
    }
)


@final
class _Rest:
    """What an object holds, to be written after its class."""

    __slots__ = ("thing", "write")

    def __init__(self, write: Plan, thing: object) -> None:
        self.write = write
        self.thing = thing


@final
class Walk(Writer):
    """One walk through a state."""

    __slots__ = ("is_outer", "kept", "later", "numbers", "own_plans", "plans")

    def __init__(self, known: Known, plans: dict[type, Plan], outer: Walk | None = None) -> None:
        super().__init__(known)
        self.plans = plans
        """How objects are written whose class is the same in all runs."""

        self.own_plans: dict[type, Plan] = {}
        """And those of the program's own classes."""

        self.is_outer = outer is None
        self.numbers: dict[int, int] = {} if outer is None else dict(outer.numbers)
        self.kept: list[object] = []
        self.later: deque[Unordered] = deque()

    def write(self, *things: object) -> bytes:
        """Walk through all that some objects lead to, and return the digest of what is written."""
        stack, out, numbers, later = self.stack, self.out, self.numbers, self.later
        plans = self.plans
        self.push(*things)
        while True:
            while stack:
                thing = stack.pop()
                kind = type(thing)
                if kind in ATOMS:
                    out.append(thing)
                    continue
                if kind is Unordered:
                    out.append(len(thing.things))  # type: ignore[attr-defined]
                    later.append(thing)  # type: ignore[arg-type]
                    continue
                if kind is _Rest:
                    thing.write(self, thing.thing)  # type: ignore[attr-defined]
                    continue
                number = numbers.get(id(thing))
                if number is not None:
                    out.append((number,))
                    continue
                numbers[id(thing)] = len(numbers)
                self.kept.append(thing)
                plan = plans.get(kind) or self.own_plans.get(kind) or self._new_plan(kind)
                plan(self, thing)
            if not later or not self.is_outer:
                break
            self.push(*self._in_some_order(later.popleft().things))
        return blake2b(marshal.dumps(out, 2), digest_size=16).digest()

    def _new_plan(self, kind: type) -> Plan:
        write = contents_of(kind)
        if self.known.is_own(kind):

            def plan(writer: Writer, thing: object) -> None:
                writer.out.append("own")
                writer.push(kind, _Rest(write, thing))

            self.own_plans[kind] = plan
        else:
            number = self.known.number_of(kind)

            def plan(writer: Writer, thing: object) -> None:
                writer.out.append((number, None))
                write(writer, thing)

            self.plans[kind] = plan
        return plan

    def _in_some_order(self, things: list[object]) -> list[object]:
        """Order things by what they are. Any order would be right; so, equal states have the same."""
        return things if len(things) < 2 else sorted(things, key=self._rank)

    def _rank(self, thing: object) -> tuple[int, bytes]:
        number = self.numbers.get(id(thing))
        if number is not None:
            return number, b""
        return -1, Walk(self.known, self.plans, self).write(thing)


@final
class States:
    """Digests of the states of one search."""

    __slots__ = ("_known", "_plans", "_roots")

    def __init__(self, known: Known) -> None:
        self._known = known
        self._plans: dict[type, Plan] = {}
        self._roots = [
            (vars(sys.modules[module]), name)
            for module, _, name in (root.rpartition(".") for root in ROOTS)
        ]

    def digest(self, *things: object) -> bytes:
        """Return a digest of the state: of some objects, and of all that the library holds.

        Raises:
            Incomparable: there is an object that may hide something.
        """
        held = [variables[name] for variables, name in self._roots]
        walk = Walk(self._known, self._plans)
        return walk.write(*things, contextvars.copy_context(), *held)
