"""What there is in the process that waits: found, without anything having been noted before.

A promise does not know who will resolve it, and a mutex does not know who holds it. To have them note that would
cost every program something. So all objects are looked at that the collector knows, when somebody asks.
That takes about as long as a collection of all of them.

A pending promise has callbacks, and most of these resolve another promise. So nearly each promise that somebody
waits for has a *maker*: a body, a call of the library, a queue in which it stands, or another promise
that it follows, of which nothing has to be told.

This file and `holders` know private attributes of nearly all the library, as a debugger does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, CoroutineType, GeneratorType
from typing import Any, Final, TypeAlias, final

from lwt import lwt_condition, lwt_mutex, lwt_mvar, lwt_pool
from lwt._core import choices
from lwt._core.concurrent import _Element, _Join
from lwt._core.driver import Suspended
from lwt._core.pause import paused
from lwt._core.promise import (
    CANCEL_THIS,
    PENDING,
    REJECTED,
    Callback,
    Callbacks,
    Promise,
    Resolver,
    underlying,
)
from lwt._core.removable import RemovableCallback
from lwt._core.ring import nodes_l
from lwt._core.waiters import Waiters
from lwt.lwt_list._traversal import _Appending
from lwt.lwt_mutex import _Unlocking
from lwt.lwt_stream._push import Push, Push_bounded
from lwt_unix import lwt_direct
from lwt_unix._descriptors.actions import ActionQueue
from lwt_unix._descriptors.io_event import Read, Write
from lwt_unix._descriptors.wait_queue import PendingCall, WaitQueue
from lwt_unix._jobs import jobs
from lwt_unix._processes.children import _Wait
from lwt_unix._time import _Sleep
from lwt_unix.lwt_engine import Event
from lwt_unix.lwt_engine._base import _NEVER, main_loop
from lwt_unix.lwt_io._operation import Operation
from lwt_unix.lwt_io._server_loop import _Accepting
from lwt_unix.lwt_io._turns import Channel
from lwt_unix.lwt_preemptive import _workers
from lwt_unix.testing._waiting.graph import WAITS_FOR
from lwt_unix.testing._waiting.heap import Dropped, Heap, referents
from lwt_unix.testing._waiting.places import (
    frames_of,
    function_of_program,
    name_of_code,
    place_of_frame,
    place_of_function,
)
from lwt_unix.testing._waiting.things import Thing

Relay: TypeAlias = tuple[Callback, Promise[Any]]
"""A callback of ours, which resolves a promise as soon as another one is resolved: that one."""


@final
class Survey:
    """All that waits, and what it waits for."""

    def __init__(self, heap: Heap) -> None:
        self.heap: Final = heap

        self.things: Final[list[Thing]] = []

        self.of: Final[dict[int, Thing]] = {}
        """The thing of a callback, a mutex and so on, by its identity."""

        self.of_resolvers: Final[dict[int, Thing]] = {}
        """The thing of the promise of a resolver, by the identity of the resolver."""

        self.makers: Final[dict[int, Thing | Relay]] = {}
        """By the identity of a promise that is pending."""

        self.awaited: Final[list[tuple[Thing, Promise[Any]]]] = []
        """Who waits for which promises, in order."""

        self.attached: Final[list[tuple[Callback, Promise[Any], Thing | None]]] = []
        """The callbacks of promises, and what they became."""

        self.inputs: Final[list[tuple[Thing, int]]] = []
        """What is waited for from outside, and by the numbers of which descriptors."""

        self._interrupts: Final[set[int]] = set()
        """Promises that are rejected if a channel is aborted: who uses it does not wait for that."""

        self._resolvers: Final[dict[int, Resolver[Any]]] = {}
        for resolver in self.heap.all(Resolver):
            promise = _pending(getattr(resolver, "_promise", None))
            if promise is not None:
                self._resolvers[id(promise)] = resolver

        self._look_at_resources()
        self._look_at_callbacks()
        self._look_at_events()
        self._look_at_the_detached()
        self.main: Final = self._main()
        for thing, promise in self.awaited:
            thing.edges.append((WAITS_FOR, self.end_of(promise)[0]))
        self._note_lost_promises()

    def add(self, key: object, thing: Thing) -> Thing:
        """Note a thing, and of what it is."""
        self.things.append(thing)
        self.of[id(key)] = thing
        return thing

    def end_of(self, promise: Promise[Any]) -> tuple[Thing, list[Callback]]:
        """Give what has to happen for a promise, and the callbacks of ours that lie between."""
        between: list[Callback] = []
        seen: set[int] = set()
        promise = underlying(promise)
        while id(promise) not in seen:
            seen.add(id(promise))
            maker = self.makers.get(id(promise))
            if isinstance(maker, Thing):
                return maker, between
            if maker is None:
                break
            between.append(maker[0])
            promise = maker[1]
        thing = self.makers[id(promise)] = self._promise(promise)
        return thing, between

    def _main(self) -> Thing | None:
        if main_loop.awaited is _NEVER or _pending(main_loop.awaited) is None:
            return None
        thing = self.add(main_loop, Thing("main", title="lwt_main.run", is_root=True))
        self.awaited.append((thing, main_loop.awaited))
        return thing

    def _promise(self, promise: Promise[Any]) -> Thing:
        """Tell of a promise that nothing makes which is known here."""
        thing = self.add(promise, Thing("promise"))
        thing.can_happen = True
        if id(promise) in self._resolvers:
            thing.state = "whose resolver is kept somewhere"
            self.of_resolvers[id(self._resolvers[id(promise)])] = thing
        return thing

    def _note_lost_promises(self) -> None:
        """Tell of the promises that nothing will ever resolve, where that is certain."""
        left = {
            id(promise): (promise, self.of[id(promise)])
            for promise in self.heap.all(Promise)
            if id(promise) in self.of
            and id(promise) not in self._resolvers
            and not self.heap.is_frozen(promise)  # Its resolver might be where nobody sees it.
        }
        for one in self.heap.others if left else ():
            for item in referents(one):
                left.pop(id(item), None)  # This may resolve it without a resolver.
        for promise, thing in left.values():
            thing.can_happen = False
            thing.state = "whose resolver is gone, so that nobody can resolve it"
            if promise._value is CANCEL_THIS:
                thing.state = "whose resolver is gone, so that only a cancel can end it"

    # --- Mutexes and the like --------------------------------------------------

    def _look_at_resources(self) -> None:
        for mutex in self.heap.all(lwt_mutex.Mutex):
            self._queue(mutex, Thing("mutex"), mutex._waiters)
        for condition in self.heap.all(lwt_condition.Condition):
            thing = Thing("condition", state="not signalled")
            thing.can_happen = True
            self._queue(condition, thing, condition._waiters)
        for mvar in self.heap.all(lwt_mvar.Mvar):
            is_empty = mvar._writers.is_empty()
            thing = Thing("mailbox", state="empty" if is_empty else "full")
            thing.can_happen = True
            self._queue(mvar, thing, mvar._readers if is_empty else mvar._writers)
        for pool in self.heap.all(lwt_pool.Pool):
            state = f"{pool._count} of {pool._maximum} places taken"
            self._queue(pool, Thing("pool", state=state), pool._waiters)
        for source in self.heap.all(Push):
            self._stream(source, source._signal, "empty")
        for source in self.heap.all(Push_bounded):
            self._stream(source, source._signal, "empty")
            self._stream(source, source.waiter, "full")
        for channel in self.heap.all(Channel):
            self._channel(channel)
        workers = Thing("workers", title="a free worker")
        workers.can_happen = True
        self._queue(_workers.workers, workers, _workers.workers.waiting)

    def _queue(self, owner: object, thing: Thing, waiters: Waiters[Any]) -> None:
        """Note those who wait in the queue of a mutex or the like, if there are any."""
        for waiter in nodes_l(waiters._queue):
            promise = _pending(waiter.value)
            if promise is not None:
                self.makers[id(promise)] = self.of.get(id(owner)) or self.add(owner, thing)

    def _stream(self, source: object, signal: Promise[Any], state: str) -> None:
        promise = _pending(signal)
        if promise is not None and promise._callbacks is not None:
            thing = self.add(source, Thing("stream", state=state))
            thing.can_happen = True
            self.makers[id(promise)] = thing

    def _channel(self, channel: Channel) -> None:
        interrupted = channel._buffer._interrupted
        if interrupted is not None:
            self._interrupts.add(id(underlying(interrupted[0])))
        queue = channel._queue
        for node in nodes_l(queue) if queue is not None else ():
            promise = _pending(node.value._promise)
            if promise is not None:
                kind = "input channel" if channel._buffer.is_input else "output channel"
                thing = self.of.get(id(channel)) or self.add(channel, Thing(kind))
                self.makers[id(promise)] = thing

    # --- Bodies, calls and callbacks -------------------------------------------

    def _look_at_callbacks(self) -> None:
        operations = [
            one for one in self.heap.all(Operation) if getattr(one, "queue", None) is not None
        ]
        for operation in operations:
            thing = self._operation(operation)
            if operation.queue is not None and thing is not None:
                thing.edges.append((WAITS_FOR, self._descriptor(operation.queue)))
        for promise in self.heap.all(Promise):
            if getattr(promise, "_state", None) == PENDING:
                for callback in _callbacks_of(promise):
                    if not getattr(callback, "removed", False):
                        self._attached(callback, promise)

    def _look_at_the_detached(self) -> None:
        """Note the callbacks that are attached to no promise that is pending.

        They run just now, or are about to; or their host has crashed.
        """
        attached = {id(callback) for callback, _, _ in self.attached}
        dropped = {id(callback) for callbacks in self.heap.all(Dropped) for callback in callbacks}
        for callback in self.heap.all(Callback):
            result = _result_of(callback)
            if result is None or id(callback) in attached or id(result) in self.makers:
                continue
            thing = self._thing_of(callback, result) or self.add(callback, Thing("callback"))
            self.makers[id(result)] = thing
            if id(callback) in dropped:
                thing.state = "whose host has crashed"
                thing.is_root = False
            else:
                thing.state = "which goes on now"
                thing.can_happen = True
            thing.frames, thing.functions = [], []

    def _attached(self, callback: Callback, promise: Promise[Any]) -> None:
        result = _result_of(callback)
        thing = self._thing_of(callback, promise)
        self.attached.append((callback, promise, thing))
        if thing is None:
            if result is not None:
                self.makers[id(result)] = (callback, promise)
            return
        if result is not None:
            self.makers[id(result)] = thing
        is_in_queue = isinstance(callback, Operation) and callback.queue is not None
        if thing.kind not in (ALL_OF, FIRST_OF) and not is_in_queue:
            self.awaited.append((thing, promise))

    def _thing_of(self, callback: Callback, promise: Promise[Any]) -> Thing | None:
        """Tell what a callback is; None if it is a relay."""
        if isinstance(callback, Suspended | lwt_direct._Task):
            return self._body(callback, promise)
        if isinstance(callback, _Join | _Element | RemovableCallback | _Appending):
            return self._several(callback, promise)
        if isinstance(callback, _Unlocking):
            return self.add(callback, Thing("lwt_mutex.with_lock", is_root=True))
        if isinstance(callback, Operation):
            return self._operation(callback)
        if isinstance(callback, _Accepting):
            return self.add(callback, Thing("server", is_root=True))
        for attribute in _FUNCTIONS:
            function = function_of_program(getattr(callback, attribute, None))
            if function is not None:
                thing = self.add(callback, Thing("callback", is_root=True))
                thing.name = name_of_code(function.__code__)
                thing.places = (place_of_function(function),)
                thing.functions.append(function)
                return thing
        return None

    def _body(self, callback: Suspended | lwt_direct._Task, promise: Promise[Any]) -> Thing | None:
        body = callback._body
        frames = frames_of(body)
        if frames:
            kind = "body" if isinstance(callback, Suspended) else "task"
            thing = self.add(callback, Thing(kind, is_root=True))
            thing.name = name_of_code(frames[0].f_code)
            thing.places = tuple(place_of_frame(frame) for frame in frames)
            thing.frames = frames
            return thing
        if is_of_function(body, "_values"):  # Of `lwt_list.map_p` and the like.
            thing = self.add(callback, Thing(ALL_OF))
            for promises in near(body, list):
                self._several_for(thing, [*promises, promise])
            return thing
        if is_of_function(body, "_use"):
            return self.add(callback, Thing("lwt_pool.use", is_root=True))
        if is_of_function(body, "_to_its_end"):
            for operation in near(body, Operation):
                return self.add(callback, Thing(operation.function, is_root=True))
        return None

    def _several(self, callback: Callback, attached_to: Promise[Any]) -> Thing:
        """Tell of one that waits for several promises: all of them, or the first."""
        key = callback._gathering if isinstance(callback, _Element) else callback
        thing = self.of.get(id(key))
        if thing is None:
            is_first = isinstance(callback, RemovableCallback)
            thing = self.add(key, Thing(FIRST_OF if is_first else ALL_OF))
            thing.needs_all = not is_first
            self._several_for(thing, _several_of(callback, attached_to))
        return thing

    def _several_for(self, thing: Thing, promises: list[Promise[Any]]) -> None:
        rejected: list[str] = []
        for promise in promises:
            pending = _pending(promise)
            if pending is None:
                rejected.extend(_rejection_of(promise))
            elif id(pending) not in self._interrupts:
                self.awaited.append((thing, promise))
        if len(rejected) == 1:
            thing.state = f"of which one is rejected already with {rejected[0]}"
        elif rejected:
            count = len(rejected)
            thing.state = f"of which {count:,} are rejected already, one with {rejected[0]}"

    def _operation(self, operation: Operation) -> Thing | None:
        thing = self.of.get(id(operation))
        promise = _pending(operation._promise)
        if thing is None and promise is not None and operation.function:
            descriptor = operation.buffer.descriptor
            is_over = descriptor is not None and any(
                queue is not None and _is_stopped(queue.engine_event)
                for queue in (descriptor._readers, descriptor._writers, descriptor._retrying)
            )
            thing = self.add(operation, Thing(operation.function, is_root=not is_over))
            self.makers[id(promise)] = thing
        return thing

    # --- What the system, the clock or a thread has to say ---------------------

    def _look_at_events(self) -> None:
        for call in self.heap.all(PendingCall):
            if call.queue is not None:
                self._made(call.promise, self._descriptor(call.queue))
        for sleep in self.heap.all(_Sleep):
            delay = getattr(sleep.event, "delay", None)
            if delay is not None:
                is_stopped = _is_stopped(sleep.event)
                state = f"of {delay:g} s{', whose timer is stopped' * is_stopped}"
                self._event(sleep, sleep.promise, Thing("sleep", state=state))
                if is_stopped or math.isinf(delay):
                    self.of[id(sleep)].can_happen = False
        for pause in paused.promises:
            if isinstance(pause, Promise):
                self._event(paused, pause, Thing("pause", title="the next turn"))
        for job in [*jobs._jobs]:
            self._event(job, job.promise, Thing("job", name=job.name or _name_of_call(job)))
        for call in [*_workers.at_work]:
            resolver = getattr(call, "_resolver", None)
            if resolver is not None:
                self._event(call, resolver._promise, Thing("job", name=_name_of_call(call)))
        for wait in self.heap.all(_Wait):
            promise = wait.resolver._promise
            self._event(wait, promise, Thing("child", title=f"child process {wait.pid}"))
        for task in [*lwt_direct._tasks]:
            if task._promise is not None:
                self._event(task, task._promise, Thing("task", state="about to run"))

    def _event(self, key: object, promise: Promise[Any], thing: Thing) -> None:
        pending = _pending(promise)
        if pending is not None:
            known = self.of.get(id(key)) or self.add(key, thing)
            known.can_happen = True
            self.makers[id(pending)] = known

    def _made(self, promise: Promise[Any], thing: Thing) -> None:
        pending = _pending(promise)
        if pending is not None:
            self.makers[id(pending)] = thing

    def _descriptor(self, queue: WaitQueue) -> Thing:
        thing = self.of.get(id(queue))
        if thing is None:
            assert isinstance(queue, ActionQueue)  # There are no others.
            what = "input" if queue.event is Read else "a later try"
            if queue.event is Write:
                what = "room"
            is_watched = not _is_stopped(queue.engine_event)
            # Otherwise the number may be that of something in another world by now.
            where = "a descriptor that is not watched any more"
            if is_watched:
                where = choices.name_of(queue.descriptor._fd)
            thing = self.add(queue, Thing("descriptor", title=f"{what} on {where}"))
            thing.can_happen = is_watched
            if queue.event is Read and is_watched:
                self.inputs.append((thing, queue.descriptor._fd))
        return thing


ALL_OF: Final = "all of"
FIRST_OF: Final = "the first of"

_RESULTS: Final = ("_outer", "_follower", "_appended", "_joined", "_result", "_promise")
"""Where callbacks keep the promise that they resolve. One that has several keeps it in the first of these."""

_FUNCTIONS: Final = ("_callback", "_function", "_on_fulfilled", "_on_rejected", "_cleanup")
"""Where callbacks keep functions of the program."""


def _pending(promise: Promise[Any] | None) -> Promise[Any] | None:
    """Give the underlying promise, if it is pending."""
    if promise is None or getattr(promise, "_state", None) is None:
        return None  # It is none, or no function of lwt has made it.
    promise = underlying(promise)
    return promise if promise._state == PENDING else None


def _rejection_of(promise: Promise[Any]) -> Iterator[str]:
    """Yield the exception of a promise as text, if it is rejected. Nothing of the program is called for that."""
    promise = underlying(promise)
    if promise._state == REJECTED:
        exception: Exception = promise._value.exception
        arguments = vars(BaseException)["args"].__get__(exception)
        if all(type(argument) in _PLAIN for argument in arguments):
            yield BaseException.__repr__(exception)
        else:
            yield f"{type(exception).__name__}(...)"


_PLAIN: Final = frozenset((str, bytes, bool, int, float, type(None)))


def _is_stopped(event: Event | None) -> bool:
    """Tell whether the engine was made to forget an event: its world is over, or its host has crashed."""
    while event is not None and event.moved_to is not None:
        event = event.moved_to
    return event is not None and not event.is_active


def _callbacks_of(promise: Promise[Any]) -> list[Callback]:
    callbacks = promise._callbacks
    if callbacks is None:
        return []
    return [*callbacks.oldest_first] if isinstance(callbacks, Callbacks) else [callbacks]


def _result_of(callback: Callback) -> Promise[Any] | None:
    """Give the promise that a callback resolves, if it resolves one."""
    if isinstance(callback, _Element):
        return _pending(callback._gathering.gathered)
    for name in _RESULTS:
        promise = getattr(callback, name, None)
        if isinstance(promise, Promise):
            return _pending(promise)
    return None


def _several_of(callback: Callback, attached_to: Promise[Any]) -> list[Promise[Any]]:
    """Give the promises that a callback waits for, in the order of the program's list."""
    if isinstance(callback, _Appending):
        before = callback._before
        return [attached_to] if before is None else [before, attached_to]
    result = _result_of(callback)
    promises = result._value if result is not None else ()
    return [*promises] if isinstance(promises, list | tuple) else []


def _name_of_call(call: object) -> str:
    """Name the function that a thread calls, if that is known."""
    called = getattr(call, "call", None)  # It runs in a context.
    function = called.args[0] if isinstance(called, partial) and called.args else None
    if isinstance(function, BuiltinFunctionType):
        return function.__name__
    function = function_of_program(function)
    return "" if function is None else name_of_code(function.__code__)


def near(one: object, kind: type) -> list[Any]:
    """Give the objects of a class to which code of ours that waits refers."""
    found = [item for item in referents(one) if issubclass(type(item), kind)]
    if not found:
        # What is compiled keeps its variables in an object between.
        further = referents(*referents(one))
        found = [item for item in further if issubclass(type(item), kind)]
    return found


def is_of_function(body: object, name: str) -> bool:
    """Tell whether a body or a loop of ours is that of a certain function."""
    if isinstance(body, CoroutineType | GeneratorType):
        return body.__name__ == name
    return name in type(body).__name__  # It is compiled.
