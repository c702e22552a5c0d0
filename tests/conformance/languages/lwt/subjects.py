"""Who runs the programs of `language.py` in Python: package `lwt`, and the model of it.

Both are those of the property tests, with all that the language has besides, and with
choices that can be dictated: where `choose` or `pick` would take one of several promises at
random, a `Choices` says which one, and `every_choice` goes through all that it could be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lwt
from lwt import lwt_sequence
from tests.conformance.languages.lwt.run import located
from tests.properties import promise_model
from tests.properties.promise_subjects import ByLwt, ByModel

Promising = Callable[..., Any]


class Choices:
    """Chooses as it is told, and the first of several where it was told nothing."""

    def __init__(self, told: list[int]) -> None:
        self._told = told
        self.made: list[tuple[int, int]] = []  # the number taken, and of how many

    def seed(self, seed: object) -> None:
        """Do nothing: these choices are repeatable as they are."""

    def randrange(self, number: int) -> int:
        index = len(self.made)
        taken = self._told[index] if index < len(self._told) else 0
        self.made.append((taken, number))
        return taken

    def next(self) -> list[int] | None:
        """What to tell the next ones, so that all possible choices are made in turn."""
        for index in reversed(range(len(self.made))):
            taken, number = self.made[index]
            if taken + 1 < number:
                return [taken for taken, _ in self.made[:index]] + [taken + 1]
        return None


class Lwt(ByLwt):
    """Package `lwt`. Its handling of exceptions is that of 5.6.1: see `known_differences`."""

    def __init__(self, choices: Choices | None = None, *, coroutines: bool = False) -> None:
        super().__init__(coroutines=coroutines)
        if choices:
            self.choices: Any = choices
            vars(lwt.prng)["randrange"] = choices.randrange
        for name, function in LWT_FUNCTIONS.items():
            setattr(self, name, function)

    def take_r(self, value: object) -> None:
        taken = lwt_sequence.take_opt_r(self.sequence)
        if taken:
            lwt.wakeup(taken.value, value)

    def close(self) -> None:
        super().close()
        vars(lwt.prng).pop("randrange", None)
        lwt.register_pause_notifier(lambda _: None)


def _debug_state_is(state: lwt.Some[object] | None, promise: lwt.Promise[object]) -> Any:
    return lwt.debug_state_is(lwt.Return(state.value) if state else lwt.Sleep, promise)


LWT_FUNCTIONS: dict[str, Any] = {
    ">>=": lambda p, f: p >> f,
    "=<<": lambda f, p: lwt.bind(p, f),
    ">|=": lambda p, f: p | f,
    "=|<": lwt.map,
    "<&>": lambda p, q: p & q,
    "<?>": lambda p, q: p ^ q,
    "let*": lwt.bind,
    "let+": lambda p, f: lwt.map(f, p),
    "and*": lwt.both,
    "Let_syntax.return": lwt.Let_syntax.Let_syntax.return_,
    "Let_syntax.bind": lambda p, f: lwt.Let_syntax.Let_syntax.bind(p, f=f),
    "Let_syntax.map": lambda p, f: lwt.Let_syntax.Let_syntax.map(p, f=f),
    "Let_syntax.both": lwt.Let_syntax.Let_syntax.both,
    "backtrace_bind": lambda p, f: lwt.backtrace_bind("program", 1, located, p, f),
    "backtrace_catch": lambda f, h: lwt.backtrace_catch("program", 1, located, f, h),
    "backtrace_try_bind": lambda f, g, h: lwt.backtrace_try_bind("program", 1, located, f, g, h),
    "backtrace_finalize": lambda f, g: lwt.backtrace_finalize("program", 1, located, f, g),
    "fail_with": lambda: lwt.fail_with("program"),
    "fail_invalid_arg": lambda: lwt.fail_invalid_arg("program"),
    "debug_state_is": _debug_state_is,
}


class Model(ByModel):
    """The model, with what can be said in its own words."""

    return_unit = return_none = property(lambda self: self.return_(None))
    return_nil = property(lambda self: self.return_([]))
    return_true = property(lambda self: self.return_(True))
    return_false = property(lambda self: self.return_(False))

    def __init__(self, choices: Choices | None = None, *, coroutines: bool = False) -> None:
        super().__init__(coroutines=coroutines)
        if choices:
            self.choices: Any = choices
        self._notifier: Callable[[int], object] = lambda _: None
        others: dict[str, Any] = {
            ">>=": self.bind,
            "=<<": lambda f, p: self.bind(p, f),
            ">|=": lambda p, f: self.map(f, p),
            "=|<": self.map,
            "<&>": lambda p, q: self.join([p, q]),
            "<?>": lambda p, q: self.choose([p, q]),
            "let*": self.bind,
            "let+": lambda p, f: self.map(f, p),
            "and*": self.both,
            "Let_syntax.return": self.return_,
            "Let_syntax.bind": self.bind,
            "Let_syntax.map": lambda p, f: self.map(f, p),
            "Let_syntax.both": self.both,
        }
        for number in range(1, 8):
            others[f"wrap{number}"] = self._wrapping
        for name, function in others.items():
            setattr(self, name, function)

    def async_(self, f: Promising) -> None:
        def report(exception: Exception) -> None:
            self.on_async_exception(exception)  # the hook of the time when this happens

        self.dont_wait(f, report)

    def pause(self) -> promise_model.Promise:
        promise = super().pause()
        self._notifier(self.paused_count())
        return promise

    def register_pause_notifier(self, notifier: Callable[[int], object]) -> None:
        self._notifier = notifier

    def return_some(self, value: object) -> promise_model.Promise:
        return self.return_(lwt.Some(value))

    def return_ok(self, value: object) -> promise_model.Promise:
        return self.return_(lwt.Ok(value))

    def return_error(self, error: object) -> promise_model.Promise:
        return self.return_(lwt.Error(error))

    def fail_with(self) -> promise_model.Promise:
        return self.fail(lwt.Failure("program"))

    def fail_invalid_arg(self) -> promise_model.Promise:
        return self.fail(ValueError("program"))

    def of_result(self, result: lwt.Ok[object] | lwt.Error[Exception]) -> promise_model.Promise:
        return promise_model.Promise(self._outcome(result))

    def _outcome(self, result: lwt.Ok[object] | lwt.Error[Exception]) -> promise_model.Outcome:
        match result:
            case lwt.Ok(value):
                return promise_model.Fulfilled(value)
            case lwt.Error(error):
                return promise_model.Rejected(error)

    def wakeup_result(self, resolver: promise_model.Promise, result: Any) -> None:
        self._wakeup("wakeup_result", resolver, self._outcome(result), later=False)

    def wakeup_later_result(self, resolver: promise_model.Promise, result: Any) -> None:
        self._wakeup("wakeup_later_result", resolver, self._outcome(result), later=True)

    def take_r(self, value: object) -> None:
        if self.sequence:
            self.wakeup(self.sequence.pop(), value)

    def apply(self, f: Promising, value: object) -> promise_model.Promise:
        return self.attempt(lambda: f(value))

    def wrap(self, f: Callable[..., object], *arguments: object) -> promise_model.Promise:
        return self.attempt(lambda: self.return_(f(*arguments)))

    def _wrapping(self, f: Callable[..., object]) -> Any:
        """Stand for `wrap1` and so on, which take the arguments later."""
        return lambda *given: self.wrap(f, *given)

    def poll(self, promise: promise_model.Promise) -> lwt.Some[object] | None:
        match promise_model.outcome(promise):
            case promise_model.Fulfilled(value):
                return lwt.Some(value)
            case promise_model.Rejected(exception):
                raise exception
        return None

    def is_sleeping(self, promise: promise_model.Promise) -> bool:
        return promise_model.outcome(promise) is None

    def debug_state_is(
        self, state: lwt.Some[object] | None, promise: promise_model.Promise
    ) -> promise_model.Promise:
        expected = None if state is None else promise_model.Fulfilled(state.value)
        return self.return_(promise_model.outcome(promise) == expected)

    # The functions behind the syntax extension: what a rejection goes through, it is marked
    # by, except where a handler turns it away while it is new.

    def _marking(self, f: Promising) -> Promising:
        def run(argument: object) -> Any:
            try:
                return f(argument)
            except Exception as exception:
                error = exception
            raise located(error)

        return run

    def backtrace_bind(self, promise: promise_model.Promise, f: Promising) -> Any:
        match promise_model.outcome(promise):
            case promise_model.Fulfilled(value):
                return f(value)
            case promise_model.Rejected(exception):
                return self.fail(located(exception))
        result = promise_model.Promise(promise_model.Pending(waits_for=[promise]))
        saved = self.storage

        def run(outcome: promise_model.Outcome) -> None:
            match outcome:
                case promise_model.Fulfilled(value):
                    self.storage = saved
                    self.make_same(result, self.attempt(lambda: self._marking(f)(value)))
                case promise_model.Rejected(exception):
                    self.resolve(result, promise_model.Rejected(located(exception)))

        promise_model.attach(promise, promise_model.Callback(run))
        return result

    def backtrace_catch(self, f: Promising, h: Promising) -> Any:
        promise = self.attempt(f)
        match promise_model.outcome(promise):
            case promise_model.Fulfilled():
                return promise
            case promise_model.Rejected(exception):
                return h(located(exception))
        return self.catch(lambda: promise, self._marking(h))

    def backtrace_try_bind(self, f: Promising, g: Promising, h: Promising) -> Any:
        promise = self.attempt(f)
        match promise_model.outcome(promise):
            case promise_model.Fulfilled(value):
                return g(value)
            case promise_model.Rejected(exception):
                return h(located(exception))
        return self.try_bind(lambda: promise, self._marking(g), self._marking(h))

    def backtrace_finalize(self, f: Promising, g: Promising) -> Any:
        return self.backtrace_try_bind(
            f,
            lambda value: self.bind(g(), lambda _: self.return_(value)),
            lambda exception: self.bind(g(), lambda _: self.fail(located(exception))),
        )


def every_choice(run: Callable[[Choices], None], at_most: int) -> bool:
    """Run something once for every way in which its choices can go; tell whether that was all."""
    told: list[int] = []
    for _ in range(at_most):
        choices = Choices(told)
        run(choices)
        following = choices.next()
        if following is None:
            return True
        told = following
    return False
