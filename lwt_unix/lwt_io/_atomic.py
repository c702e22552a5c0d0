"""Operations whose work is a coroutine: a function of the program, or something of ours that is rare.

`atomic` lends the channel to a function of the program. `exclusively` runs a coroutine of ours.

OCaml: Lwt_io.atomic (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, final

import lwt
from lwt._core.checks import check_callback, check_kind
from lwt._core.coroutine import run_for_value
from lwt._core.promise import Promise, Rejection, make_into_proxy
from lwt_unix._checks import promise_of
from lwt_unix.lwt_io._buffer import note_operation
from lwt_unix.lwt_io._operation import Operation
from lwt_unix.lwt_io._turns import ATOMIC, INVALID, Channel, PromiseOrCoroutine

T = TypeVar("T")
AnyChannel = TypeVar("AnyChannel", bound=Channel)


@final
class _Body(Operation):
    """An operation whose steps are a coroutine of ours."""

    __slots__ = ("_coroutine",)

    def __init__(
        self, channel: Channel, function: str, coroutine: Coroutine[Any, Any, Any]
    ) -> None:
        super().__init__(channel, function)
        self._coroutine = coroutine

    def work(self, transferred: Promise[int] | None) -> Promise[Any] | None:
        ended = run_for_value(self._to_its_end())
        return ended if self._promise is None else make_into_proxy(self._promise, ended)

    async def _to_its_end(self) -> object:
        try:
            result = await self._coroutine
        except GeneratorExit:
            raise  # nobody will ever run this again: the promise that it waits for is lost
        except BaseException as exn:
            self.end()
            note_operation(exn, self.function)
            raise
        self.end()
        return result

    def _interrupted(self, rejection: Rejection) -> Promise[Any]:
        self.abandon()
        return super()._interrupted(rejection)

    def abandon(self) -> None:
        self._coroutine.close()


def exclusively(
    channel: Channel, function: str, coroutine: Coroutine[Any, Any, T]
) -> lwt.Promise[T]:
    """Run a coroutine on the channel's buffer, while no other operation runs."""
    return _Body(channel, function, coroutine).start()


@final
class _Atomic(Operation):
    """A function of the program that uses the channel through a temporary one."""

    __slots__ = ("_call",)

    def __init__(self, channel: Channel, call: Callable[[Any], PromiseOrCoroutine[Any]]) -> None:
        super().__init__(channel, "lwt_io.atomic")
        self._call = call

    def work(self, transferred: Promise[int] | None) -> Promise[Any] | None:
        channel = self.channel
        root = channel if channel._root is None else channel._root
        inner = type(channel)(channel._buffer, root)
        channel._state = ATOMIC
        channel._inner = inner
        ended = run_for_value(self._with(inner))
        return ended if self._promise is None else make_into_proxy(self._promise, ended)

    async def _with(self, inner: Channel) -> object:
        try:
            return await promise_of("lwt_io.atomic", self._call, inner)
        finally:
            inner._state = INVALID
            self.channel._inner = None
            self.end()


def atomic(
    function: Callable[[AnyChannel], PromiseOrCoroutine[T]], /
) -> Callable[[AnyChannel], lwt.Promise[T]]:
    """Make one atomic operation of several operations.

    The result is a function that takes a channel. It waits for its turn, and then calls
    `function` with a temporary channel. Until the promise of `function` is resolved, only
    the temporary channel can use the channel's buffer; after that, it is invalid. `atomic`
    may be used again inside, on the temporary channel.

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def write_pair(channel: lwt_io.OutputChannel) -> None:
    ...     await lwt_io.write_line(channel, "one")
    ...     await lwt_io.write_line(channel, "two")
    >>> lwt_main.run(lwt_io.atomic(write_pair)(lwt_io.null))

    OCaml: Lwt_io.atomic : ('a channel -> 'b Lwt.t) -> ('a channel -> 'b Lwt.t)
    """
    check_callback("lwt_io.atomic", function, ("channel",))

    def run(channel: AnyChannel, /) -> lwt.Promise[T]:
        check_kind("lwt_io.atomic", channel, Channel)
        return _Atomic(channel, function).start()

    return run
