"""A callback that cannot be called as it will be: the error says how it is called, what to write."""

import re
from abc import ABC
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest

import lwt
from lwt import (
    lwt_list,
    lwt_mutex,
    lwt_pool,
    lwt_seq,
    lwt_sequence,
    lwt_stream,
    lwt_switch,
)
from lwt._core.checks import check_callback, name_of

Function = Callable[..., Any]


def loop() -> lwt.Promise[None]:
    return lwt.return_unit


def handler(exception: Exception) -> lwt.Promise[None]:
    return lwt.return_unit


def two(x: object, y: object) -> lwt.Promise[None]:
    return lwt.return_unit


def message_of(promise: lwt.Promise[Any]) -> str:
    """What the exception says that a promise is rejected with."""
    match lwt.state(promise):
        case lwt.Fail(TypeError() as exception):
            return str(exception)
    raise AssertionError(promise)


# --- The hot paths: told when the call has failed ----------------------------


def test_what_promised_made_is_told_like_the_function_in_it() -> None:
    promise: lwt.Promise[Any] = lwt.return_(3)
    wrong: Any = promised_loop
    takes: Any = promised_handler
    called: list[Callable[[], object]] = [
        lambda: promise >> wrong,
        lambda: lwt.catch(lambda: lwt.fail(ValueError()), wrong),
        lambda: lwt.finalize(promised_loop, takes),
    ]
    told = []
    for call in called:
        with pytest.raises(TypeError) as caught:
            call()
        told.append(str(caught.value))
    assert told == [
        (
            "lwt.bind: callback promised_loop is called with the value, but takes none; "
            "write lambda _: promised_loop()"
        ),
        (
            "lwt.catch: callback promised_loop is called with the exception, but takes none; "
            "write lambda _: promised_loop()"
        ),
        "lwt.finalize: callback handle is called with no argument, but takes 1; write lambda: ...",
    ]


OF_A_VALUE: dict[str, Callable[[lwt.Promise[int], Function], lwt.Promise[Any]]] = {
    "lwt.bind": lambda p, f: p >> f,
    "lwt.map": lambda p, f: p | f,
    "lwt.try_bind": lambda p, f: lwt.try_bind(lambda: p, f, handler),
}


@pytest.mark.parametrize("function", OF_A_VALUE)
def test_a_callback_that_takes_no_value_is_told_to_be_put_in_a_lambda(function: str) -> None:
    expected = f"{function}: callback loop is called with the value, but takes none; write lambda _: loop()"
    if function == "lwt.map":
        assert message_of(OF_A_VALUE[function](lwt.return_(3), loop)) == expected
    else:
        with pytest.raises(TypeError, match=f"^{re.escape(expected)}$"):
            OF_A_VALUE[function](lwt.return_(3), loop)
    promise, resolver = lwt.wait()
    result = OF_A_VALUE[function](promise, loop)
    lwt.wakeup(resolver, 3)
    assert message_of(result) == expected


WITHOUT_ARGUMENT: dict[str, Callable[[Function], lwt.Promise[Any]]] = {
    "lwt.catch": lambda f: lwt.catch(f, lwt.fail),
    "lwt.try_bind": lambda f: lwt.try_bind(f, lwt.return_, lwt.fail),
    "lwt.finalize": lambda f: lwt.finalize(f, loop),
    "lwt.wrap": lwt.wrap,
    "lwt_mutex.with_lock": lambda f: lwt_mutex.with_lock(lwt_mutex.create(), f),
}


@pytest.mark.parametrize("function", WITHOUT_ARGUMENT)
def test_a_callback_that_takes_a_value_is_told_that_there_is_none(function: str) -> None:
    assert message_of(WITHOUT_ARGUMENT[function](handler)) == (
        f"{function}: callback handler is called with no argument, but takes 1; write lambda: ..."
    )


def test_the_cleaning_up_is_called_without_an_argument() -> None:
    promise, resolver = lwt.wait()
    result = lwt.finalize(lambda: promise, lambda _: lwt.return_unit)  # type: ignore[arg-type, misc]
    lwt.wakeup(resolver, None)
    with pytest.raises(TypeError) as caught:
        lwt.finalize(loop, lambda _: lwt.return_unit)  # type: ignore[arg-type, misc]
    for message in (message_of(result), str(caught.value)):
        assert re.fullmatch(
            r"lwt\.finalize: callback <lambda> \(test_checks_callbacks\.py:\d+\) is called with no "
            r"argument, but takes 1; write lambda: \.\.\.",
            message,
        )


@pytest.mark.parametrize("is_pending", [False, True])
def test_a_handler_is_called_with_the_exception(is_pending: bool) -> None:
    promise, resolver = lwt.wait()
    expected = (
        "lwt.catch: callback loop is called with the exception, but takes none; "
        "write lambda _: loop()"
    )
    if is_pending:
        result = lwt.catch(lambda: promise, loop)  # type: ignore[arg-type]
        lwt.wakeup_exn(resolver, ValueError())
        assert message_of(result) == expected
    else:
        with pytest.raises(TypeError, match=re.escape(expected)):
            lwt.catch(lambda: lwt.fail(ValueError()), loop)  # type: ignore[arg-type]


def test_what_nobody_waits_for_tells_it_to_the_hook() -> None:
    told: list[str] = []
    previous = lwt.async_exception_hook.contents
    lwt.async_exception_hook.contents = lambda exception: told.append(str(exception))
    wrong: Any = loop
    takes: Any = handler
    task, _ = lwt.task()
    lwt.on_cancel(task, takes)
    lwt.async_(takes)
    lwt.on_success(lwt.return_unit, wrong)
    lwt.on_failure(lwt.fail(ValueError()), wrong)
    lwt.on_termination(lwt.return_unit, takes)
    lwt.on_any(lwt.return_unit, wrong, wrong)
    lwt.on_any(lwt.fail(ValueError()), wrong, wrong)
    lwt.cancel(task)
    lwt.async_exception_hook.contents = previous
    assert [re.sub("callback .* with", "with", one).partition(";")[0] for one in told] == [
        "lwt.async_: with no argument, but takes 1",
        "lwt.on_success: with the value, but takes none",
        "lwt.on_failure: with the exception, but takes none",
        "lwt.on_termination: with no argument, but takes 1",
        "lwt.on_any: with the value, but takes none",
        "lwt.on_any: with the exception, but takes none",
        "lwt.on_cancel: with no argument, but takes 1",
    ]


def test_other_functions_that_tell_it_when_the_call_has_failed() -> None:
    wrong: Any = loop
    takes: Any = handler
    key: lwt.Key[int] = lwt.new_key()
    pool = lwt_pool.create(1, lambda: lwt.return_(3))
    calls: list[Callable[[], object]] = [
        lambda: lwt.with_value(key, None, takes),
        lambda: lwt.dont_wait(lambda: lwt.fail(ValueError()), wrong),
    ]
    for call, name in zip(calls, ("with_value", "dont_wait"), strict=True):
        with pytest.raises(TypeError, match=rf"^lwt\.{name}: callback \w+ is called with"):
            call()
    assert message_of(lwt.apply(wrong, 3)).startswith("lwt.apply: callback loop is called with")
    assert message_of(lwt_pool.use(pool, wrong)).startswith(
        "lwt_pool.use: callback loop is called with the member, but takes none"
    )


def test_a_type_error_of_the_callback_itself_stays_as_it_is() -> None:
    def raises(_: object) -> lwt.Promise[None]:
        return two(3)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match=r"^two\(\) missing 1 required positional argument: 'y'$"):
        lwt.return_(3) >> raises
    assert message_of(lwt.catch(lambda: raises(3), lwt.fail)).startswith("two() missing")


def test_the_traceback_of_the_call_is_kept() -> None:
    wrong: Any = loop
    with pytest.raises(TypeError) as caught:
        lwt.return_(3) >> wrong
    assert [entry.name for entry in caught.traceback][-2:] == ["__rshift__", "bind"]


# --- All others: told at the call --------------------------------------------

AT_THE_CALL: dict[str, tuple[Callable[[Function], object], str]] = {
    "lwt_list.iter_s": (lambda f: lwt_list.iter_s(f, []), "element"),
    "lwt_list.mapi_p": (lambda f: lwt_list.mapi_p(f, []), "index element"),
    "lwt_list.fold_right_s": (lambda f: lwt_list.fold_right_s(f, [], 0), "element accumulator"),
    "lwt_stream.map": (lambda f: lwt_stream.map(f, lwt_stream.of_list([])), "element"),
    "lwt_stream.from_": (lwt_stream.from_, ""),
    "lwt_seq.fold_left": (lambda f: lwt_seq.fold_left(f, 0, lwt_seq.empty), "accumulator element"),
    "lwt_sequence.iter_l": (lambda f: lwt_sequence.iter_l(f, lwt_sequence.create()), "element"),
    "lwt_switch.with_switch": (lwt_switch.with_switch, "switch"),
    "lwt_switch.add_hook": (lambda f: lwt_switch.add_hook(None, f), ""),
    "lwt_pool.create": (lambda f: lwt_pool.create(1, f), ""),
    "lwt.backtrace_bind": (
        lambda f: lwt.backtrace_bind("f", 1, lambda e: e, lwt.return_unit, f),
        "value",
    ),
    "lwt.Exception_filter.set": (lwt.Exception_filter.set, "exception"),
}


def many(a: object, b: object, c: object) -> None: ...


@pytest.mark.parametrize("function", AT_THE_CALL)
def test_a_function_tells_at_the_call_how_it_calls_its_callback(function: str) -> None:
    call, arguments = AT_THE_CALL[function]
    with pytest.raises(TypeError) as caught:
        call(many)
    names = arguments.split()
    called = " and ".join(f"the {name}" for name in names) or "no argument"
    written = f"lambda {', '.join(names)}: ..." if names else "lambda: ..."
    assert str(caught.value) == (
        f"{function}: callback many is called with {called}, but takes 3; write {written}"
    )


def test_arguments_whose_names_say_nothing_are_counted() -> None:
    takes_none: Any = lambda: 1  # noqa: E731
    with pytest.raises(TypeError, match=r"^lwt\.wrap1: .* with 1 argument, but takes none; .* a: "):
        lwt.wrap1(takes_none)
    with pytest.raises(TypeError, match=r"^lwt\.wrap2: .* 2 arguments, but takes 3; .* a, b: "):
        lwt.wrap2(many)  # type: ignore[arg-type]


# --- What can be called how --------------------------------------------------


class Callback:
    def __call__(self, x: object) -> None: ...
    def method(self, x: object) -> None: ...
    @staticmethod
    def static(x: object) -> None: ...


async def one(x: object) -> None: ...
def with_default(x: object, y: object = 1) -> None: ...
def any_number(*xs: object) -> None: ...
def with_label(x: object, *, label: object = 1) -> None: ...
def labelled(x: object, *, label: object) -> None: ...


@wraps(loop)
def decorated(x: object) -> lwt.Promise[None]:
    """Its signature is said to be that of `loop`, but it is not."""
    return loop()


@lwt.promised
async def promised_loop() -> None: ...


async def handle(exception: object) -> None: ...


promised_handler = lwt.promised(handle)


@wraps(promised_loop)
def given_nothing(x: object) -> lwt.Promise[None]:
    return promised_loop()


class Request:
    def __init__(self, text: str) -> None: ...

    @lwt.promised
    async def answer(self, text: str) -> None: ...

    @lwt.promised
    async def close(self) -> None: ...


class Plain:
    async def answer(self, text: str) -> None: ...

    async def close(self) -> None: ...


class Derived(Request, ABC): ...


class MadeByNew(Request):
    def __new__(cls, text: str, other: str) -> "MadeByNew":
        return super().__new__(cls)


class Meta(type):
    def __call__(cls, *arguments: object) -> object:
        return super().__call__("text")


class MadeByMeta(Request, metaclass=Meta): ...


CALLABLE_WITH_ONE = [
    promised_handler,
    given_nothing,
    lwt.promised(partial(handle)),
    Request("").answer,
    lwt.promised(Plain().answer),
    Request,
    Derived,
    MadeByNew,
    MadeByMeta,
    partial(Request),
    handler,
    one,
    with_default,
    any_number,
    with_label,
    decorated,
    partial(two, 1),
    partial(labelled, label=2),
    Callback(),
    Callback().method,
    Callback.static,
    lambda x: x,
    len,
    int,
    [].append,
    ValueError,
]


@pytest.mark.parametrize(
    "callback", CALLABLE_WITH_ONE, ids=lambda callback: name_of(callback).partition(" at 0x")[0]
)
def test_what_can_be_called_is_no_error(callback: object) -> None:
    check_callback("lwt.f", callback, ("x",))


@pytest.mark.parametrize(
    ("callback", "takes"),
    [
        (two, "takes 2"),
        (loop, "takes none"),
        (lambda x, y, z=1: x, "takes 2 to 3"),
        (lambda x, y, *z: x, "takes 2 or more"),
        (partial(two, 1, 2), "takes none"),
        (partial(one, 1), "takes none"),
        (partial(two), "takes 2"),
        (Callback.method, "takes 2"),
        (promised_loop, "takes none"),
        (partial(promised_handler, 1), "takes none"),
        (lwt.promised(partial(handle, 1)), "takes none"),
        (Request.answer, "takes 2"),
        (Request("").close, "takes none"),
        (lwt.promised(Plain().close), "takes none"),
        (partial(Request, "text"), "takes none"),
        (partial(Derived, "text"), "takes none"),
    ],
    ids=lambda value: value if isinstance(value, str) else name_of(value),
)
def test_what_cannot_be_called_is_an_error(callback: object, takes: str) -> None:
    with pytest.raises(TypeError, match=f" is called with 1 argument, but {takes}; write lambda"):
        check_callback("lwt.f", callback, ("x",))


def test_what_promised_made_is_not_taken_for_a_function_of_no_argument() -> None:
    check_callback("lwt.f", promised_loop, ())
    for callback in (promised_handler, Request, Derived):
        with pytest.raises(
            TypeError, match="is called with no argument, but takes 1; write lambda: "
        ):
            check_callback("lwt.f", callback, ())


def test_what_a_method_or_a_partial_has_been_given_does_not_count() -> None:
    for callback in (Callback(), Callback().method, partial(two, 1)):
        with pytest.raises(TypeError, match="is called with 2 arguments, but takes 1; "):
            check_callback("lwt.f", callback, ("x", "y"))


# --- The names of callbacks --------------------------------------------------


def test_a_message_names_the_users_function() -> None:
    named = {
        name_of(loop),
        name_of(partial(loop)),
        name_of(partial(partial(loop))),
    }
    assert named == {"loop"}
    assert name_of(Callback().method) == "Callback.method"
    assert name_of(len) == "len"
    assert name_of(Callback) == "Callback"
    assert re.fullmatch(r"<.*Callback object at 0x\w+>", name_of(Callback()))
    assert name_of(promised_loop) == "promised_loop"
    promised: Any = lwt.promised
    for function in (lambda: 3, promised(lambda: handle(3))):
        assert re.fullmatch(r"<lambda> \(test_checks_callbacks\.py:\d+\)", name_of(function))


def test_a_result_of_a_partial_is_named_after_its_function() -> None:
    def parse(separator: str, text: str) -> int:
        return 3

    name = re.escape(parse.__qualname__)
    with pytest.raises(TypeError, match=rf"^lwt\.bind: callback {name} returned 3 \(int\), not"):
        lwt.bind(lwt.return_("x"), partial(parse, ","))  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=rf"^lwt\.bind: expected a promise, got the function {name};"
    ):
        lwt.bind(partial(parse, ","), lwt.return_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda p: lwt.catch(p, handler), "lambda: ..."),
        (lwt.async_, "lambda: ..."),
        (lambda p: lwt.finalize(loop, p), "lambda: ..."),
        (lwt.wrap, "lambda: ..."),
        (lambda p: lwt.bind(p, p), "lambda _: ..."),
        (lambda p: lwt_list.iteri_s(p, []), "lambda _, __: ..."),
    ],
)
def test_a_promise_instead_of_a_function_is_told_which_lambda_to_write(
    function: Callable[[Any], object], hint: str
) -> None:
    with pytest.raises(TypeError) as caught:
        function(lwt.return_unit)
    assert str(caught.value).endswith(
        f"expected a function, got <Promise fulfilled: None> (Promise); "
        f"pass a function that returns it, such as {hint}"
    )
