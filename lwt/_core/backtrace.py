"""What OCaml's syntax extension calls: `bind` and its siblings, with their place in the program.

Each takes a file and a line, which only the event log of OCaml uses, and a function that adds
the location to every exception that passes or arises.

OCaml: src/core/lwt.ml, Sequential_composition, the functions `backtrace_…`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lwt._core.checks import check_callback, check_promise
from lwt._core.creation import fail, return_
from lwt._core.driver import to_promise
from lwt._core.handling import AddLocation, TryBind, handle, located, try_bind_located
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    new_promise,
    underlying,
)
from lwt._core.sequential import bind

A = TypeVar("A")
B = TypeVar("B")


def backtrace_bind(
    file: str,
    line: int,
    add_location: AddLocation,
    promise: Promise[A],
    callback: Callable[[A], PromiseOrCoroutine[B]],
    /,
) -> Promise[B]:
    """`bind` that applies `add_location` to rejections that pass or arise later.

    OCaml: Lwt.backtrace_bind
        : string -> int -> (exn -> exn) -> 'a t -> ('a -> 'b t) -> 'b t
    """
    check_promise("lwt.backtrace_bind", promise)
    check_callback("lwt.backtrace_bind", callback, ("value",))
    source = underlying(promise)
    if source._state == FULFILLED:
        return bind(source, callback)
    if source._state == REJECTED:
        return new_promise(REJECTED, located(source._value, add_location))
    outer: Promise[B] = new_promise(PENDING, source)
    add_callback(source, TryBind("lwt.backtrace_bind", outer, callback, None, add_location))
    return outer


def backtrace_catch(
    file: str,
    line: int,
    add_location: AddLocation,
    function: Callable[[], PromiseOrCoroutine[A]],
    handler: Callable[[Exception], PromiseOrCoroutine[B]],
    /,
) -> Promise[A | B]:
    """`catch` that applies `add_location` to exceptions.

    OCaml: Lwt.backtrace_catch
        : string -> int -> (exn -> exn) -> (unit -> 'a t) -> (exn -> 'a t) -> 'a t
    """
    check_callback("lwt.backtrace_catch", function, ())
    check_callback("lwt.backtrace_catch", handler, ("exception",))
    return try_bind_located("lwt.backtrace_catch", function, None, handler, add_location)


def backtrace_try_bind(
    file: str,
    line: int,
    add_location: AddLocation,
    function: Callable[[], PromiseOrCoroutine[A]],
    on_fulfilled: Callable[[A], PromiseOrCoroutine[B]],
    on_rejected: Callable[[Exception], PromiseOrCoroutine[B]],
    /,
) -> Promise[B]:
    """`try_bind` that applies `add_location` to exceptions.

    OCaml: Lwt.backtrace_try_bind
        : string -> int -> (exn -> exn) -> (unit -> 'a t) -> ('a -> 'b t) -> (exn -> 'b t) -> 'b t
    """
    check_callback("lwt.backtrace_try_bind", function, ())
    check_callback("lwt.backtrace_try_bind", on_fulfilled, ("value",))
    check_callback("lwt.backtrace_try_bind", on_rejected, ("exception",))
    return try_bind_located(
        "lwt.backtrace_try_bind", function, on_fulfilled, on_rejected, add_location
    )


def backtrace_finalize(
    file: str,
    line: int,
    add_location: AddLocation,
    function: Callable[[], PromiseOrCoroutine[A]],
    cleanup: Callable[[], PromiseOrCoroutine[object]],
    /,
) -> Promise[A]:
    """`finalize` that applies `add_location` to exceptions.

    OCaml: Lwt.backtrace_finalize
        : string -> int -> (exn -> exn) -> (unit -> 'a t) -> (unit -> unit t) -> 'a t
    """
    check_callback("lwt.backtrace_finalize", function, ())
    check_callback("lwt.backtrace_finalize", cleanup, ())
    name = "lwt.backtrace_finalize"

    return try_bind_located(
        name,
        function,
        lambda value: bind(to_promise(name, cleanup, cleanup()), lambda _: return_(value)),
        lambda exception: bind(
            handle(name, cleanup, exception), lambda _: fail(add_location(exception))
        ),
        add_location,
    )
