"""Who holds what others wait for, and who knows it, by which name.

Nobody notes who locks a mutex. Who is in the middle of `async with mutex` has Python's reference to
`mutex.__aexit__`, for its end; and `with_lock` has attached to the promise of its function what unlocks. That is
certain. Who has called `lwt_mutex.lock` leaves no trace. Then those are named who know the mutex and
do not wait for it: one of them may hold it. If the code of some of them has the name `lock`, it is one of those: the
others have only made the mutex, or handed it on.

In the same way, who knows a condition and has the name `signal` in its code can help those who wait for it. Who knows the
output channel at the other end can send what somebody waits to read; only a world knows which end that is.

Who waits for a condition with a mutex (`lwt_condition.wait(condition, mutex=mutex)`) is in the middle of
`async with`, too, but has given the mutex up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, _AsyncGeneratorContextManager
from functools import partial
from types import BuiltinMethodType, CoroutineType, MethodType
from typing import Final, final

from lwt import lwt_mutex, lwt_pool
from lwt._core.handling import _AfterCleaning, _Cleaning
from lwt._core.promise import Callback
from lwt.lwt_stream._create import bounded_push
from lwt.lwt_stream._stream import Stream
from lwt_unix.lwt_io._channel import OutputChannel
from lwt_unix.lwt_io._operation import Operation
from lwt_unix.testing._waiting.graph import (
    CAN_BE_EMPTIED_BY,
    CAN_BE_FILLED_BY,
    CAN_BE_RESOLVED_BY,
    CAN_BE_SENT_BY,
    CAN_BE_SIGNALLED_BY,
    IS_HELD_BY,
    IS_KNOWN_TO,
    IS_USED_BY,
    MAY_BE_HELD_BY,
)
from lwt_unix.testing._waiting.heap import referents
from lwt_unix.testing._waiting.places import (
    chain_of,
    is_own_link,
    names_in_frame,
    names_in_function,
)
from lwt_unix.testing._waiting.survey import ALL_OF, FIRST_OF, Survey, near
from lwt_unix.testing._waiting.things import Thing, in_order, ranks_of


def nobody(_: int) -> Iterable[int]:
    """Say that what comes to a descriptor comes from nowhere inside of the program."""
    return ()


def add_holders(survey: Survey, senders_to: Callable[[int], Iterable[int]] = nobody) -> None:
    """Lead from each mutex, pool and channel to who has it, and from the rest to who knows it.

    `senders_to` gives the numbers of the descriptors from which something comes to another one.
    """
    holders = _Holders(survey)
    holders.look_at_calls()
    ranks = ranks_of(survey.things)
    known_to, pushed_by = _names(survey, ranks, senders_to)
    for mutex in survey.heap.all(lwt_mutex.Mutex):
        thing = survey.of.get(id(mutex))
        if thing is not None:
            holders.tell(mutex, thing, known_to.get(id(thing), []), ranks)
    for thing in survey.things:
        users = in_order(holders.users.get(id(thing), []), ranks)
        thing.edges.extend((IS_USED_BY, user) for user in users)
        if thing.kind in _USED:
            thing.can_happen = not users
            thing.needs_all = False
        elif thing.can_happen and thing.kind in _RESOLVED_BY_PROGRAM:
            others = [one for one in known_to.get(id(thing), []) if not _waits_for(one, thing)]
            thing.edges.extend(_helps(thing, others, pushed_by.get(id(thing), [])))
            if others:
                thing.needs_all = False
                if thing.kind == "promise":
                    thing.state = ""


_USED: Final = frozenset(("pool", "input channel", "output channel"))
_RESOLVED_BY_PROGRAM: Final = frozenset(("condition", "mailbox", "stream", "promise", "descriptor"))

_LOCKS: Final = frozenset(("lock",))
_SIGNALS: Final = frozenset(("signal", "broadcast", "broadcast_exn"))
_PUTS: Final = frozenset(("put",))
_TAKES: Final = frozenset(("take", "take_available"))
_PUSHES: Final = frozenset(
    ("push",)
)  # Of a bounded stream; any variable may have the function of another.
_WRITES: Final = frozenset(
    (
        *("write", "write_char", "write_chars", "write_line", "write_lines", "write_value"),
        *("write_from", "write_from_exactly", "write_from_string"),
        *("fprint", "fprintf", "fprintl", "fprintlf"),
    )
)
"""Names of the functions that lock a mutex, and so on."""


def _calls(one: Thing, names: frozenset[str]) -> bool:
    """Say whether the code of somebody has one of the names."""
    codes = [frame.f_code for frame in one.frames]
    codes += [function.__code__ for function in one.functions]
    return any(not names.isdisjoint(code.co_names) for code in codes)


def _helps(
    thing: Thing, others: list[Thing], pushed_by: list[Thing]
) -> Iterator[tuple[str, Thing]]:
    """Lead from what the program can resolve to who can do so, and to others who know it."""
    verb = CAN_BE_FILLED_BY if thing.state == "empty" else CAN_BE_EMPTIED_BY
    helpful = others
    if thing.kind == "promise":
        verb = CAN_BE_RESOLVED_BY
    elif thing.kind == "descriptor":
        verb = CAN_BE_SENT_BY
        helpful = [one for one in others if _calls(one, _WRITES)] or others
    elif thing.kind == "condition":
        verb = CAN_BE_SIGNALLED_BY
        helpful = [one for one in others if _calls(one, _SIGNALS)]
    elif thing.kind == "mailbox":
        names = _PUTS if verb == CAN_BE_FILLED_BY else _TAKES
        helpful = [one for one in others if _calls(one, names)]
    elif verb == CAN_BE_FILLED_BY:
        pushing = [one for one in others if one in pushed_by]
        helpful = [one for one in pushing if _calls(one, _PUSHES)] or pushing
    else:
        helpful = [one for one in others if one not in pushed_by]
    yield from ((verb, one) for one in helpful)
    yield from ((IS_KNOWN_TO, one) for one in others if one not in helpful)


def _waits_for(one: Thing, thing: Thing) -> bool:
    """Tell whether one waits for a thing, by itself or together with others."""
    seen: set[int] = set()
    to_visit = [one]
    while to_visit:
        for _, target in to_visit.pop().edges:
            if target is thing:
                return True
            if target.kind in (ALL_OF, FIRST_OF) and id(target) not in seen:
                seen.add(id(target))
                to_visit.append(target)
    return False


@final
class _Holders:
    """Who has what, by the identity of mutexes and of things."""

    def __init__(self, survey: Survey) -> None:
        self._survey: Final = survey

        self.users: Final[dict[int, list[Thing]]] = {}
        """Who uses a pool or a channel."""

        self._inside: Final[dict[int, list[Thing]]] = {}
        """Who is in the middle of `async with` or `with_lock` of a mutex."""

        self._given_up: Final[dict[int, set[int]]] = {}
        """The mutexes that somebody will lock again; all by the identity of their things."""

    def look_at_calls(self) -> None:
        """Find out who is inside of what."""
        survey = self._survey
        for callback, promise, thing in survey.attached:
            if thing is None:
                continue
            end, between = survey.end_of(promise)
            self._given_up.setdefault(id(thing), set()).update(_given_up(end, between, survey))
            if isinstance(callback, lwt_mutex._Unlocking):
                self._inside.setdefault(id(callback._mutex), []).append(thing)
            elif isinstance(callback, Operation):
                self._uses(survey.of.get(id(callback.channel)), thing, end)
            elif thing.kind == "lwt_pool.use":
                for pool in near(callback._body, lwt_pool.Pool):  # type: ignore[attr-defined]  # It is a loop.
                    self._uses(survey.of.get(id(pool)), thing, end)
            elif thing.frames:
                self._look_into_body(callback._body, thing, end)  # type: ignore[attr-defined]  # It is a body.
            else:
                for operation in near(getattr(callback, "_body", None), Operation):
                    self._uses(survey.of.get(id(operation.channel)), thing, end)
        for operation in survey.heap.all(Operation):
            if getattr(operation, "queue", None) is not None:
                thing = survey.of.get(id(operation))
                if thing is not None:
                    self._uses(survey.of.get(id(operation.channel)), thing, None)

    def _uses(self, used: Thing | None, thing: Thing, end: Thing | None) -> None:
        if used is not None and used is not end:
            users = self.users.setdefault(id(used), [])
            if thing not in users:
                users.append(thing)

    def _look_into_body(self, body: object, thing: Thing, end: Thing) -> None:
        chain = [*chain_of(body)]
        inside = [mutex for link in chain for mutex in exits_in(link, chain)]
        if any(_is_entering(link) for link in chain):
            # Python has the `__aexit__` already.
            entered = next(
                (one for one in reversed(inside) if self._survey.of.get(id(one)) is end), None
            )
            if entered is not None:
                inside.remove(entered)
        for mutex in {id(mutex): mutex for mutex in inside}.values():
            self._inside.setdefault(id(mutex), []).append(thing)

    def tell(
        self, mutex: lwt_mutex.Mutex, thing: Thing, known_to: list[Thing], ranks: dict[int, int]
    ) -> None:
        """Lead from a mutex that is locked to who holds it."""
        inside = [
            one
            for one in in_order(self._inside.get(id(mutex), []), ranks)
            if id(thing) not in self._given_up[id(one)]
        ]
        certain = [one for one in inside if not self._is_given_up_behind(one, thing)]
        if len(certain) == 1:
            thing.edges.append((IS_HELD_BY, certain[0]))
            return
        others = [one for one in known_to if not _waits_for(one, thing)]
        possible = certain or inside or [one for one in others if _calls(one, _LOCKS)] or others
        thing.edges.extend((MAY_BE_HELD_BY, one) for one in possible)
        thing.needs_all = False
        thing.can_happen = True  # Somebody else may hold it.
        if not possible:
            thing.state = "whose holder is not known"

    def _is_given_up_behind(self, thing: Thing, mutex: Thing) -> bool:
        """Tell whether somebody for whom one waits has given up a mutex, maybe the one's."""
        seen = {id(thing)}
        to_visit = [target for _, target in thing.edges]
        while to_visit:
            one = to_visit.pop()
            if id(one) not in seen:
                seen.add(id(one))
                if id(mutex) in self._given_up.get(id(one), ()):
                    return True
                to_visit.extend(target for _, target in one.edges)
        return False


def exits_in(link: object, chain: Sequence[object]) -> Iterator[lwt_mutex.Mutex]:
    """Yield the mutexes whose `async with` a coroutine is in, once for each time.

    `chain` is where it is one of: an async generator that is another one of it is not looked into.
    """
    for leave in referents(link):
        # The name of a compiled method has that of its class before it.
        if type(leave) is MethodType and leave.__name__.split(".")[-1] == "__aexit__":
            yield from _left_by(leave.__self__, chain)


def _left_by(manager: object, chain: Sequence[object]) -> Iterator[lwt_mutex.Mutex]:
    if type(manager) is lwt_mutex.Mutex:
        yield manager
    elif type(manager) is AsyncExitStack:
        for _, leave in manager._exit_callbacks:  # type: ignore[attr-defined]  # It is private.
            if type(leave) is MethodType:
                yield from _left_by(leave.__self__, chain)
    elif type(manager) is _AsyncGeneratorContextManager:
        generator = manager.gen
        if all(generator is not link for link in chain):
            yield from exits_in(generator, chain)


def _is_entering(link: object) -> bool:
    """Tell whether this is the coroutine that waits for a mutex in `async with`."""
    if isinstance(link, CoroutineType):
        return link.__qualname__ == "Mutex.__aenter__" and is_own_link(link)
    name = type(link).__name__  # It is compiled.
    return "Mutex" in name and "__aenter__" in name


def _given_up(end: Thing, between: list[Callback], survey: Survey) -> Iterator[int]:
    """Yield the mutexes that are to be locked again after what is waited for."""
    for callback in between:
        if isinstance(callback, _Cleaning):
            cleanup = callback._cleanup
            if isinstance(cleanup, partial) and cleanup.func is lwt_mutex.lock:
                yield id(survey.of.get(id(cleanup.args[0])))
        elif isinstance(callback, _AfterCleaning):
            yield id(end)  # If it is a mutex, it is being locked again.


# --- Names ----------------------------------------------------------------------


@final
class _Wanted:
    """What the program may know by a name."""

    def __init__(self, survey: Survey, senders_to: Callable[[int], Iterable[int]]) -> None:
        self.things: Final = {
            key: thing for key, thing in survey.of.items() if thing.kind in _NAMED
        }
        """By the identity of what is known."""

        self.indirect: Final[set[int]] = {*survey.of_resolvers}
        """The identities of what stands for a thing, but is another one: what pushes into a stream, say."""

        self.things.update(survey.of_resolvers)
        for stream in survey.heap.all(Stream):
            self._also(stream, stream._source)
        for push in survey.heap.all(bounded_push):
            self._also(push, push._source, is_indirect=True)
        for kind in (MethodType, BuiltinMethodType):
            for method in survey.heap.all(kind):
                self._also(method, method.__self__, is_indirect=True)  # What pushes into a stream.
        inputs = {fd: thing for thing, number in survey.inputs for fd in senders_to(number)}
        for output in survey.heap.all(OutputChannel) if inputs else ():
            descriptor = output._buffer.descriptor
            thing = None if descriptor is None else inputs.get(descriptor._fd)
            if thing is not None and id(output) not in self.things:
                self.things[id(output)] = thing
                self.indirect.add(id(output))

    def _also(self, known: object, stands_for: object, *, is_indirect: bool = False) -> None:
        thing = self.things.get(id(stands_for))
        if thing is not None and thing.kind == "stream":
            self.things[id(known)] = thing
            if is_indirect:
                self.indirect.add(id(known))


def _names(
    survey: Survey, ranks: dict[int, int], senders_to: Callable[[int], Iterable[int]]
) -> tuple[dict[int, list[Thing]], dict[int, list[Thing]]]:
    """Give each thing the name by which all call it who know it.

    Return who does; and who knows what pushes into it, if it is a stream.
    """
    wanted = _Wanted(survey, senders_to)
    names: dict[int, set[str]] = {}
    known_to: dict[int, list[Thing]] = {}
    pushed_by: dict[int, list[Thing]] = {}
    for one in in_order(survey.things, ranks):
        found = [item for frame in one.frames for item in names_in_frame(frame, wanted.things)]
        for function in one.functions:
            found.extend(names_in_function(function, wanted.things))
        for name, value in found:
            thing = wanted.things[id(value)]
            who = known_to.setdefault(id(thing), [])
            if one not in who:
                who.append(one)
            if id(value) in wanted.indirect:
                pushed_by.setdefault(id(thing), []).append(one)
            else:
                names.setdefault(id(thing), set()).add(name)
    for thing in survey.things:
        known_as = names.get(id(thing), set())
        if len(known_as) == 1 and not thing.name:
            thing.name = known_as.pop()
    return known_to, pushed_by


_NAMED: Final = _USED | {"mutex", "condition", "mailbox", "stream"}
