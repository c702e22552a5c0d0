"""The rest of the model of promises: several at once, and pauses.

`first_of` is what all of `choose`, `pick`, `nchoose`, `npick` and `nchoose_split`
do when nothing is resolved yet; they differ in what they conclude.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from tests.properties.promise_model import (
    Callback,
    Fulfilled,
    Outcome,
    Pending,
    Promise,
    Rejected,
    SequentialWorld,
    attach,
    outcome,
    pending,
    underlying,
)


def nonempty(name: str, promises: Iterable[Promise]) -> list[Promise]:
    result = list(promises)
    if not result:
        raise ValueError(f"Lwt.{name} [] would return a promise that is pending forever")
    return result


class World(SequentialWorld):
    """All that programs can do."""

    # 6. Several at once

    def dont_wait(self, f: Callable[[], Promise], h: Callable[[Exception], object]) -> None:
        """Let `h` run with whatever storage is current then."""

        def callback(outcome: Outcome) -> None:
            match outcome:
                case Rejected(exception):
                    h(exception)

        promise = self.attempt(f)
        result = outcome(promise)
        if result is None:
            attach(promise, Callback(callback))
        else:
            callback(result)

    def async_(self, f: Callable[[], Promise]) -> None:
        self.dont_wait(f, self.on_async_exception)

    def ignore_result(self, promise: Promise) -> None:
        match outcome(promise):
            case Rejected(exception):
                raise exception
        self.async_(lambda: promise)

    def join(self, promises: Iterable[Promise]) -> Promise:
        """Wait for all; the result is the first rejection: those present at once come first."""
        promises = list(promises)
        failures = [o for p in promises if isinstance(o := outcome(p), Rejected)]
        waiting = [p for p in promises if pending(p)]
        result = Promise(Pending(waits_for=promises))

        def result_of_all() -> Outcome:
            return failures[0] if failures else Fulfilled(None)

        def callback(outcome: Outcome) -> None:
            if isinstance(outcome, Rejected):
                failures.append(outcome)
            waiting.pop()  # whichever: only their number counts
            if not waiting:
                self.resolve(result, result_of_all())

        if not waiting:
            return Promise(result_of_all())
        for promise in list(waiting):
            attach(promise, Callback(callback))
        return result

    def all(self, promises: Iterable[Promise]) -> Promise:
        promises = list(promises)
        if len(promises) == 1:
            return self.map(lambda value: [value], promises[0])
        values: dict[int, object] = {}

        def keep(index: int, value: object) -> Promise:
            values[index] = value
            return self.return_(None)

        parts = [self.bind(p, partial(keep, index)) for index, p in enumerate(promises)]
        return self.map(lambda _: [values[index] for index in range(len(parts))], self.join(parts))

    def both(self, first: Promise, second: Promise) -> Promise:
        def pair(values: object) -> object:
            assert isinstance(values, list)
            return tuple(values)

        return self.map(pair, self.all([first, second]))

    def first_of(self, promises: list[Promise], conclude: Callable[[], Outcome | None]) -> Promise:
        """Wait for the first of several pending promises; `conclude` says what the result is.

        None stands for the outcome of that first promise.
        """
        result = Promise(Pending(waits_for=promises))

        def run(outcome: Outcome) -> None:
            callback.removed = True
            self.resolve(result, conclude() or outcome)

        callback = Callback(run)
        for promise in promises:
            attach(promise, callback)
        return result

    def _cancel_all(self, promises: list[Promise]) -> None:
        for promise in promises:
            self.cancel(promise)

    def candidates(self, promises: list[Promise]) -> list[Promise]:
        """Return those from which choose and pick take one at random: rejected ones go first.

        The order of the rejected ones, from right to left, decides which one a number means.
        """
        rejected = [p for p in promises if isinstance(outcome(p), Rejected)]
        return rejected[::-1] or [p for p in promises if isinstance(outcome(p), Fulfilled)]

    def _chosen(self, candidates: list[Promise]) -> Promise:
        if len(candidates) == 1:
            return candidates[0]
        return candidates[self.choices.randrange(len(candidates))]

    def choose(self, promises: Iterable[Promise]) -> Promise:
        promises = nonempty("choose", promises)
        candidates = self.candidates(promises)
        if candidates:
            return self._chosen(candidates)
        return self.first_of(promises, lambda: None)

    def pick(self, promises: Iterable[Promise]) -> Promise:
        """Choose, cancel all others first, and let their callbacks run before those of the result.

        A fulfilled one is taken as soon as the search from the left meets it,
        with the pending ones on its left cancelled by then; but it was counted
        out before anything was cancelled, and cancelling may have resolved others.
        """
        promises = nonempty("pick", promises)
        candidates = self.candidates(promises)
        if not candidates:

            def conclude() -> None:
                self._cancel_all(promises)

            return self.first_of(promises, conclude)
        if isinstance(outcome(candidates[0]), Rejected):
            self._cancel_all(promises)
            return self._chosen(candidates)
        number = 0 if len(candidates) == 1 else self.choices.randrange(len(candidates))
        for index, promise in enumerate(promises):
            if pending(promise):
                self.cancel(promise)
            elif number == 0:
                self._cancel_all(promises[index + 1 :])
                return promise
            else:
                number -= 1
        raise AssertionError("a resolved promise is never pending again")

    def _fulfilled_or_first_rejected(self, promises: list[Promise]) -> Outcome:
        outcomes = [outcome(p) for p in promises]
        for result in outcomes:
            if isinstance(result, Rejected):
                return result
        return Fulfilled([o.value for o in outcomes if isinstance(o, Fulfilled)])

    def nchoose(self, promises: Iterable[Promise]) -> Promise:
        promises = nonempty("nchoose", promises)
        if any(outcome(p) for p in promises):
            return Promise(self._fulfilled_or_first_rejected(promises))
        return self.first_of(promises, lambda: self._fulfilled_or_first_rejected(promises))

    def npick(self, promises: Iterable[Promise]) -> Promise:
        """As nchoose, but the results are collected before the others are cancelled."""
        promises = nonempty("npick", promises)

        def collect_and_cancel() -> Outcome:
            collected = self._fulfilled_or_first_rejected(promises)
            self._cancel_all(promises)
            return collected

        def conclude() -> Outcome:
            found_before = underlying(result)
            collected = collect_and_cancel()
            if underlying(result) is not found_before:
                self.undefined_in_ocaml.append("npick resolves a promise that became a proxy")
            return collected

        if any(outcome(p) for p in promises):
            return Promise(collect_and_cancel())
        result = self.first_of(promises, conclude)
        return result

    def nchoose_split(self, promises: Iterable[Promise]) -> Promise:
        """As nchoose, with those that are pending: from right to left if it need not wait."""
        promises = nonempty("nchoose_split", promises)

        def split() -> tuple[Outcome, list[Promise]]:
            return (
                self._fulfilled_or_first_rejected(promises),
                [p for p in promises if pending(p)],
            )

        def conclude() -> Outcome:
            match split():
                case Fulfilled(values), rest:
                    return Fulfilled((values, rest))
                case rejected, _:
                    return rejected

        if not any(outcome(p) for p in promises):
            return self.first_of(promises, conclude)
        match split():
            case Fulfilled(values), rest:
                return Promise(Fulfilled((values, rest[::-1])))
            case rejected, _:
                return Promise(rejected)

    # 7. Pausing

    def pause(self) -> Promise:
        promise = self.add_task_r(self.paused)
        self.pauses_counted += 1
        return promise

    def wakeup_paused(self) -> None:
        waking = list(self.paused)
        self.paused.clear()
        self.pauses_counted = 0
        for promise in waking:
            self.wakeup(promise, None)

    def abandon_paused(self) -> None:
        self.abandoned.extend(self.paused)
        self.paused.clear()
        self.pauses_counted = 0

    def paused_count(self) -> int:
        return self.pauses_counted
