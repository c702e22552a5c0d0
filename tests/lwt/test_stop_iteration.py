"""StopIteration and StopAsyncIteration of a user's function come out as they are: they are no end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import lwt
from lwt import Promise, Some, lwt_list, lwt_seq, lwt_stream
from tests.support.builds import interpreted_only

each_kind = pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration])

Function = Callable[..., Any]


def outcome_of(call: Callable[[], object]) -> Exception:
    """The exception that a call raises, or that its promise is rejected with."""
    try:
        result = call()
    except Exception as exception:
        return exception
    assert isinstance(result, Promise), result
    state = lwt.state(result)
    assert isinstance(state, lwt.Fail), state
    return state.exception


# --- Functions that call a function of the user's ----------------------------


def over_stream(name: str) -> Callable[[Function, lwt_stream.Stream[Any]], object]:
    """Call a function of `lwt_stream` with a function and a stream; read what it makes."""
    function: Any = getattr(lwt_stream, name)
    match name:
        case "fold" | "fold_s":
            return lambda f, stream: function(f, stream, 0)
        case "parse":
            return lambda f, stream: function(stream, f)
        case "from_" | "from_direct" | "of_lwt_seq":
            return lambda f, _: lwt_stream.get(function(f))
    if name.startswith(("map", "filter")):
        return lambda f, stream: lwt_stream.to_list(function(f, stream))
    return function  # type: ignore[no-any-return]  # It takes a function and a stream.


def over_list(name: str) -> Callable[[Function], object]:
    function: Any = getattr(lwt_list, name)
    if name == "fold_left_s":
        return lambda f: function(f, 0, [1, 2])
    if name == "fold_right_s":
        return lambda f: function(f, [1, 2], 0)
    return lambda f: function(f, [1, 2])


def over_seq(name: str) -> Callable[[Function], object]:
    function: Any = getattr(lwt_seq, name)
    match name:
        case "fold_left" | "fold_left_s":
            return lambda f: function(f, 0, lwt_seq.of_list([1, 2]))
        case "unfold" | "unfold_lwt":
            return lambda f: lwt_seq.to_list(function(f, 0))
        case "append":
            return lambda f: lwt_seq.to_list(function(f, lwt_seq.empty))
        case "cons":
            return lambda f: lwt_seq.to_list(function(0, f))
        case "cons_lwt":
            return lambda f: lwt_seq.to_list(function(lwt.return_(0), f))
        case "to_list":
            return function  # type: ignore[no-any-return]  # It takes a sequence, a function.
    if name.startswith(("map", "filter", "flat_map")):
        return lambda f: lwt_seq.to_list(function(f, lwt_seq.of_list([1, 2])))
    return lambda f: function(f, lwt_seq.of_list([1, 2]))


def calling(module: Any, *others: str) -> list[str]:
    """The public functions of a module that take a function, and some that call one otherwise."""
    return [
        name
        for name in module.__all__
        if inspect.isfunction(function := getattr(module, name))
        and any(
            "Callable" in str(parameter.annotation) or "Seq" in str(parameter.annotation)
            for parameter in inspect.signature(function).parameters.values()
        )
    ]


# `empty` is a sequence itself, which takes nothing.
OVER_STREAM = {name: over_stream(name) for name in calling(lwt_stream)}
OVER_LIST = {name: over_list(name) for name in calling(lwt_list)}
OVER_SEQ = {name: over_seq(name) for name in calling(lwt_seq)}


@interpreted_only("its functions do not tell the types of their arguments")
def test_the_functions_are_found() -> None:
    assert {"map", "iter_p", "parse", "from_", "of_lwt_seq"} <= set(OVER_STREAM)
    assert len(OVER_STREAM) >= 25
    assert {"iter_s", "map_p", "fold_left_s"} <= set(OVER_LIST)
    assert set(lwt_list.__all__) == set(OVER_LIST)
    assert {"unfold", "iter_n", "append", "to_list"} <= set(OVER_SEQ)


def functions(kind: type[Exception], name: str) -> list[Function]:
    """Functions that raise an exception, or give a promise of it where a promise is expected."""

    def stop(*_: object) -> Any:
        raise kind("mine")

    if name.endswith(("_s", "_p", "_n", "_lwt", "from_", "parse")):
        return [stop, lambda *_: lwt.fail(kind("mine"))]
    return [stop]


def check(kind: type[Exception], call: Callable[[], object]) -> None:
    exception = outcome_of(call)
    assert (type(exception), exception.args) == (kind, ("mine",))


@each_kind
@pytest.mark.parametrize("name", OVER_STREAM)
def test_what_a_function_given_to_a_stream_raises_comes_out_as_it_is(
    name: str, kind: type[Exception]
) -> None:
    for function in functions(kind, name):
        check(kind, lambda: OVER_STREAM[name](function, lwt_stream.of_list([1])))  # noqa: B023  # called at once
        stream, push = lwt_stream.create()
        waiting: list[object] = []
        with_exception = outcome_of(
            partial(_push_while_reading, OVER_STREAM[name], function, stream, push, waiting)
        )
        assert (type(with_exception), with_exception.args) == (kind, ("mine",))


def _push_while_reading(
    read: Callable[[Function, lwt_stream.Stream[Any]], object],
    function: Function,
    stream: lwt_stream.Stream[Any],
    push: Callable[[Some[int]], None],
    waiting: list[object],
) -> object:
    """Let a reader wait before the function is called."""
    result = read(function, stream)
    push(Some(1))
    return result


@each_kind
@pytest.mark.parametrize("name", OVER_LIST)
def test_what_a_function_given_to_a_list_raises_comes_out_as_it_is(
    name: str, kind: type[Exception]
) -> None:
    for function in functions(kind, name):
        check(kind, lambda: OVER_LIST[name](function))  # noqa: B023  # called at once


@each_kind
@pytest.mark.parametrize("name", OVER_SEQ)
def test_what_a_function_given_to_a_sequence_raises_comes_out_as_it_is(
    name: str, kind: type[Exception]
) -> None:
    for function in functions(kind, name):
        check(kind, lambda: OVER_SEQ[name](function))  # noqa: B023  # called at once


# --- Sources -----------------------------------------------------------------

READERS: dict[str, Callable[[lwt_stream.Stream[Any]], object]] = {
    "get": lwt_stream.get,
    "peek": lwt_stream.peek,
    "next": lwt_stream.next,
    "last_new": lwt_stream.last_new,
    "junk": lwt_stream.junk,
    "is_empty": lwt_stream.is_empty,
    "to_list": lwt_stream.to_list,
    "to_string": lwt_stream.to_string,
    "npeek": partial(lwt_stream.npeek, 2),
    "nget": partial(lwt_stream.nget, 2),
    "njunk": partial(lwt_stream.njunk, 2),
    "get_available": lwt_stream.get_available,
    "get_available_up_to": partial(lwt_stream.get_available_up_to, 2),
    "junk_available": lwt_stream.junk_available,
    "junk_old": lwt_stream.junk_old,
    "iter": partial(lwt_stream.iter, bool),
    "iter_s": partial(lwt_stream.iter_s, lwt.return_),
    "iter_p": partial(lwt_stream.iter_p, lwt.return_),
    "iter_n": partial(lwt_stream.iter_n, lwt.return_),
    "find": partial(lwt_stream.find, bool),
    "append": lambda stream: lwt_stream.get(lwt_stream.append(stream, stream)),
    "concat": lambda stream: lwt_stream.get(lwt_stream.concat(stream)),
    "choose": lambda stream: lwt_stream.get(lwt_stream.choose([stream])),
    "combine": lambda stream: lwt_stream.get(lwt_stream.combine(stream, stream)),
    "flatten": lambda stream: lwt_stream.get(lwt_stream.flatten(stream)),
    "hexdump": lambda stream: lwt_stream.get(lwt_stream.hexdump(stream)),
}


@each_kind
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_a_source_raises_leaves_through_the_reader_as_it_is(
    read: Callable[[lwt_stream.Stream[Any]], object], kind: type[Exception]
) -> None:
    for make in lwt_stream.from_, lwt_stream.from_direct:
        for function in functions(kind, "from_direct"):
            check(kind, lambda: read(make(function)))  # noqa: B023  # called at once


def test_what_an_iterator_raises_comes_out_and_is_not_the_end() -> None:
    class Broken:
        def __iter__(self) -> Broken:
            return self

        def __next__(self) -> Any:
            raise StopAsyncIteration("mine")

    for call in (
        lambda: lwt_stream.to_list(lwt_stream.of_seq(Broken())),
        lambda: lwt_stream.of_list(Broken()),
        lambda: lwt_stream.to_list(
            lwt_stream.map_list(lambda _: Broken(), lwt_stream.of_list([1]))
        ),
        lambda: lwt_list.iter_s(lwt.return_, Broken()),
        lambda: lwt_list.map_p(lwt.return_, Broken()),
        lambda: lwt_seq.to_list(lwt_seq.of_seq(Broken())),
        lambda: lwt_seq.to_list(lwt_seq.of_seq_lwt(Broken())),
    ):
        check(StopAsyncIteration, call)


@each_kind
@pytest.mark.parametrize("is_there", [True, False])
def test_async_for_does_not_take_it_for_the_end(kind: type[Exception], is_there: bool) -> None:
    async def read(stream: lwt_stream.Stream[int]) -> str:
        async for _ in stream:
            pass
        return "the end"

    def stop(_: int) -> int:
        raise kind("mine")

    stream, push = lwt_stream.create()
    if is_there:
        push(Some(1))
    reading = lwt.of_coroutine(read(lwt_stream.map(stop, stream)))
    if not is_there:
        push(Some(1))
    exception = outcome_of(lambda: reading)
    assert type(exception) is RuntimeError
    assert isinstance(exception.__cause__, kind)
