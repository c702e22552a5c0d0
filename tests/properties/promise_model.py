"""What promises mean, as plainly as possible: a second implementation, to judge the first by.

It is written from `lwt.ml` of the original, shares nothing with package `lwt`,
and leaves out all that makes that one fast or long-running: callbacks are Python
lists that are rebuilt, recursion is free, removed callbacks stay where they are.
Read it beside `lwt.ml`; the sections stand in the same order. The last of them,
about several promises at once, are in `promise_model_concurrent`.

A `World` holds what is global in OCaml (storage, nesting depth, deferred
callbacks, paused promises), so that each program gets a fresh one. Its methods
carry the names of `lwt`, so that one program can be run by either.

In a few cases the original breaks its own invariants: it takes a promise for
pending that is not, or searches the graph of promises forever. The model then
does what was meant, and notes the case in `World.undefined_in_ocaml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random


class Canceled(Exception):
    pass


# 1. Promises and their states


@dataclass
class Fulfilled:
    value: object


@dataclass
class Rejected:
    exception: Exception


Outcome = Fulfilled | Rejected


@dataclass
class Callback:
    run: Callable[[Outcome], None]
    removed: bool = False


@dataclass
class CancelCallback:
    """Runs with the storage of the place where it was attached, if `storage` is not None."""

    run: Callable[[], object]
    storage: dict[object, object] | None


@dataclass
class Pending:
    """Callbacks run in the order of these lists; new ones are put in front.

    Cancelling the promise cancels itself if it is `cancelable`, otherwise it
    cancels those that it `waits_for`, if any.
    """

    cancelable: bool = False
    waits_for: list[Promise] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    cancel_callbacks: list[CancelCallback] = field(default_factory=list)


@dataclass
class SameAs:
    promise: Promise


@dataclass(eq=False)
class Promise:
    state: Fulfilled | Rejected | Pending | SameAs


def underlying(promise: Promise) -> Promise:
    return underlying(promise.state.promise) if isinstance(promise.state, SameAs) else promise


def pending(promise: Promise) -> Pending | None:
    state = underlying(promise).state
    return state if isinstance(state, Pending) else None


def outcome(promise: Promise) -> Outcome | None:
    state = underlying(promise).state
    return state if isinstance(state, Fulfilled | Rejected) else None


def attach(promise: Promise, callback: Callback) -> None:
    state = pending(promise)
    assert state is not None
    state.callbacks = [callback, *state.callbacks]


class SequentialWorld:
    """The promises of one program, the global state that they share, and what `bind` can do."""

    def __init__(self, choices: Random) -> None:
        self.choices = choices
        self.on_async_exception: Callable[[Exception], object] = print
        self.storage: dict[object, object] = {}
        self.depth = 0
        self.deferred: list[tuple[Pending, Outcome]] = []
        self.paused: list[Promise] = []
        self.pauses_counted = 0
        self.abandoned: list[Promise] = []
        self.undefined_in_ocaml: list[str] = []

    # 2. Storage

    def with_value(self, key: object, value: object, f: Callable[[], object]) -> object:
        """Run `f` with `key` bound to `value`, or to nothing if `value` is None."""
        saved = self.storage
        self.storage = {k: v for k, v in saved.items() if k != key}
        if value is not None:
            self.storage[key] = value
        try:
            return f()
        finally:
            self.storage = saved

    def get(self, key: object) -> object:
        return self.storage.get(key)

    # 3. Resolution

    def guarded(self, f: Callable[[], object]) -> None:
        error = None
        try:
            f()
        except Exception as exception:
            error = exception
        if error is not None:
            self.on_async_exception(error)

    def attempt(self, f: Callable[[], Promise]) -> Promise:
        try:
            return f()
        except Exception as exception:
            return self.fail(exception)

    def run_callbacks(self, state: Pending, result: Outcome) -> None:
        if isinstance(result, Rejected) and isinstance(result.exception, Canceled):
            for cancel_callback in state.cancel_callbacks:
                if cancel_callback.storage is not None:
                    self.storage = cancel_callback.storage
                self.guarded(cancel_callback.run)
        for callback in state.callbacks:
            if not callback.removed:
                callback.run(result)

    def run_in_resolution_loop(self, state: Pending, result: Outcome) -> None:
        snapshot = self.storage
        self.depth += 1
        self.run_callbacks(state, result)
        self.leave_resolution_loop(snapshot)

    def leave_resolution_loop(self, snapshot: dict[object, object]) -> None:
        if self.depth == 1:
            while self.deferred:
                self.run_callbacks(*self.deferred.pop(0))
        self.depth -= 1
        self.storage = snapshot

    def abandon_wakeups(self) -> None:
        """Leave one loop too many: the depth may come to be negative."""
        if self.depth != 0:
            self.leave_resolution_loop({})

    def resolve(self, promise: Promise, result: Outcome, *, later: bool = False) -> None:
        state = pending(promise)
        if state is None:
            self.undefined_in_ocaml.append("a promise is resolved by Lwt a second time")
            return
        underlying(promise).state = result
        if later and self.depth > 0:
            self.deferred.append((state, result))
        else:
            self.run_in_resolution_loop(state, result)

    def _wakeup(self, name: str, resolver: Promise, result: Outcome, *, later: bool) -> None:
        match outcome(resolver):
            case Rejected(Canceled()):
                pass
            case None:
                self.resolve(resolver, result, later=later)
            case _:
                raise ValueError(f"Lwt.{name}")

    def wakeup(self, resolver: Promise, value: object) -> None:
        self._wakeup("wakeup", resolver, Fulfilled(value), later=False)

    def wakeup_exn(self, resolver: Promise, exception: Exception) -> None:
        self._wakeup("wakeup_exn", resolver, Rejected(exception), later=False)

    def wakeup_later(self, resolver: Promise, value: object) -> None:
        self._wakeup("wakeup_later", resolver, Fulfilled(value), later=True)

    def wakeup_later_exn(self, resolver: Promise, exception: Exception) -> None:
        self._wakeup("wakeup_later_exn", resolver, Rejected(exception), later=True)

    def cancel(self, promise: Promise) -> None:
        """First cancel all that is found, then run the callbacks, last found first."""
        canceled = Rejected(Canceled())
        found: list[Pending] = []

        def search(promise: Promise, path: list[Promise]) -> None:
            promise = underlying(promise)
            state = pending(promise)
            if state is None:
                return
            if promise in path:
                self.undefined_in_ocaml.append("the search for promises to cancel never ends")
                return
            if state.cancelable:
                promise.state = canceled
                found.insert(0, state)
            for other in state.waits_for:
                search(other, [*path, promise])

        search(promise, [])
        for state in found:
            self.run_in_resolution_loop(state, canceled)

    # 4. Making promises

    def return_(self, value: object) -> Promise:
        return Promise(Fulfilled(value))

    def fail(self, exception: Exception) -> Promise:
        return Promise(Rejected(exception))

    def wait(self) -> tuple[Promise, Promise]:
        promise = Promise(Pending())
        return promise, promise

    def task(self) -> tuple[Promise, Promise]:
        promise = Promise(Pending(cancelable=True))
        return promise, promise

    def _add_task(self, sequence: list[Promise], place: int) -> Promise:
        promise, _ = self.task()
        sequence.insert(place, promise)
        state = pending(promise)
        assert state is not None

        def remove() -> None:
            if promise in sequence:
                sequence.remove(promise)
            if promise in self.abandoned:
                self.undefined_in_ocaml.append("an abandoned pause is cancelled")

        state.cancel_callbacks = [CancelCallback(remove, storage=None)]
        return promise

    def add_task_l(self, sequence: list[Promise]) -> Promise:
        return self._add_task(sequence, 0)

    def add_task_r(self, sequence: list[Promise]) -> Promise:
        return self._add_task(sequence, len(sequence))

    def protected(self, promise: Promise) -> Promise:
        if pending(promise) is None:
            return promise
        result, _ = self.task()
        callback = Callback(lambda outcome: self.resolve(result, outcome))
        attach(promise, callback)
        self.on_cancel(result, partial(setattr, callback, "removed", True))
        return result

    def no_cancel(self, promise: Promise) -> Promise:
        if pending(promise) is None:
            return promise
        result, _ = self.wait()
        attach(promise, Callback(lambda outcome: self.resolve(result, outcome)))
        return result

    def wrap_in_cancelable(self, promise: Promise) -> Promise:
        if pending(promise) is None:
            return promise
        result, resolver = self.task()
        self.on_cancel(result, lambda: self.cancel(promise))
        self.on_any(
            promise,
            lambda value: self.wakeup(resolver, value),
            lambda exception: self.wakeup_exn(resolver, exception),
        )
        return result

    # 5. One after the other

    def make_same(self, outer: Promise, inner: Promise) -> None:
        """Make the promise that a callback returned the same as the one promised for it."""
        outer, inner = underlying(outer), underlying(inner)
        if inner is outer:
            return
        result = outcome(inner)
        if result is not None:
            self.resolve(outer, result)
            return
        inner_state, outer_state = pending(inner), pending(outer)
        assert inner_state is not None
        assert outer_state is not None
        outer_state.callbacks = outer_state.callbacks + inner_state.callbacks
        outer_state.cancel_callbacks = outer_state.cancel_callbacks + inner_state.cancel_callbacks
        outer_state.cancelable = inner_state.cancelable
        outer_state.waits_for = inner_state.waits_for
        inner.state = SameAs(outer)

    def _compose(
        self,
        promise: Promise,
        on_value: Callable[[object], Promise] | None,
        on_exception: Callable[[Exception], Promise] | None,
    ) -> Promise:
        """Go on with the handler for what becomes of the promise; None passes it on."""
        match outcome(promise):
            case Fulfilled(value):
                return on_value(value) if on_value else self.return_(value)
            case Rejected(exception):
                return on_exception(exception) if on_exception else self.fail(exception)
        result = Promise(Pending(waits_for=[promise]))
        saved = self.storage

        def callback(outcome: Outcome) -> None:
            match outcome:
                case Fulfilled(value) if on_value:
                    self.storage = saved
                    self.make_same(result, self.attempt(lambda: on_value(value)))
                case Rejected(exception) if on_exception:
                    self.storage = saved
                    self.make_same(result, self.attempt(lambda: on_exception(exception)))
                case _:
                    self.resolve(result, outcome)

        attach(promise, Callback(callback))
        return result

    def bind(self, promise: Promise, f: Callable[[object], Promise]) -> Promise:
        return self._compose(promise, f, None)

    def map(self, f: Callable[[object], object], promise: Promise) -> Promise:
        return self._compose(
            promise, lambda value: self.attempt(lambda: self.return_(f(value))), None
        )

    def catch(self, f: Callable[[], Promise], h: Callable[[Exception], Promise]) -> Promise:
        return self._compose(self.attempt(f), None, h)

    def try_bind(
        self,
        f: Callable[[], Promise],
        g: Callable[[object], Promise],
        h: Callable[[Exception], Promise],
    ) -> Promise:
        return self._compose(self.attempt(f), g, h)

    def finalize(self, f: Callable[[], Promise], g: Callable[[], Promise]) -> Promise:
        return self.try_bind(
            f,
            lambda value: self.bind(g(), lambda _: self.return_(value)),
            lambda exception: self.bind(g(), lambda _: self.fail(exception)),
        )

    def on_cancel(self, promise: Promise, f: Callable[[], object]) -> None:
        state = pending(promise)
        if state is not None:
            state.cancel_callbacks = [CancelCallback(f, self.storage), *state.cancel_callbacks]
        else:
            match outcome(promise):
                case Rejected(Canceled()):
                    self.guarded(f)

    def on_any(
        self,
        promise: Promise,
        f: Callable[[object], object],
        g: Callable[[Exception], object],
    ) -> None:
        def run(outcome: Outcome) -> None:
            match outcome:
                case Fulfilled(value):
                    self.guarded(lambda: f(value))
                case Rejected(exception):
                    self.guarded(lambda: g(exception))

        self._on(promise, run, {Fulfilled, Rejected})

    def on_success(self, promise: Promise, f: Callable[[object], object]) -> None:
        def run(outcome: Outcome) -> None:
            assert isinstance(outcome, Fulfilled)
            self.guarded(lambda: f(outcome.value))

        self._on(promise, run, {Fulfilled})

    def on_failure(self, promise: Promise, f: Callable[[Exception], object]) -> None:
        def run(outcome: Outcome) -> None:
            assert isinstance(outcome, Rejected)
            self.guarded(lambda: f(outcome.exception))

        self._on(promise, run, {Rejected})

    def on_termination(self, promise: Promise, f: Callable[[], object]) -> None:
        self._on(promise, lambda _: self.guarded(f), {Fulfilled, Rejected})

    def _on(
        self, promise: Promise, run: Callable[[Outcome], None], kinds: set[type[Outcome]]
    ) -> None:
        """Run at the end of a promise, if it is of one of the kinds; then restore the storage."""
        saved = self.storage

        def callback(outcome: Outcome) -> None:
            if type(outcome) in kinds:
                self.storage = saved
                run(outcome)

        result = outcome(promise)
        if result is None:
            attach(promise, Callback(callback))
        else:
            callback(result)
