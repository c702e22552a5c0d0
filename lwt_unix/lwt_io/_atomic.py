"""Operations whose work is a coroutine: a function of the program, or something of ours that is rare.

`atomic` lends the channel to a function of the program. `exclusively` runs a body of ours.

OCaml: Lwt_io.atomic (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar, final

import lwt
from lwt._core.checks import check_callback, check_kind
from lwt._core.coroutine import run_for_value
from lwt._core.promise import Promise
from lwt_unix._checks import promise_of
from lwt_unix.lwt_io._buffer import note_operation
from lwt_unix.lwt_io._operation import Operation
from lwt_unix.lwt_io._turns import ATOMIC, INVALID, Channel, PromiseOrCoroutine, outlive

T = TypeVar("T")
AnyChannel = TypeVar("AnyChannel", bound=Channel)


class _Body(Operation):
    """An operation whose steps are a body, which is begun when it is the operation's turn.

    A body that nobody will ever resume, since the promise that it waits for is lost, keeps the channel, as in OCaml.
    """

    __slots__ = ("_begin",)

    def __init__(
        self, channel: Channel, function: str, begin: Callable[[], Awaitable[Any]]
    ) -> None:
        super().__init__(channel, function)
        self._begin = begin

    def work(self, transferred: Promise[int] | None) -> Promise[Any] | None:
        return self.hand_over_to(run_for_value(self._to_its_end()))

    async def _to_its_end(self) -> object:
        try:
            result = await self._begin()
        except GeneratorExit:
            raise  # The body is dropped.
        except BaseException as exn:
            self.end()
            note_operation(exn, self.function)
            raise
        self.end()
        return result


def exclusively(
    channel: Channel, function: str, body: Callable[[], Coroutine[Any, Any, T]]
) -> lwt.Promise[T]:
    """Run a body on the channel's buffer, while no other operation runs."""
    return _Body(channel, function, body).start()


@final
class _Atomic(_Body):
    """A function of the program that uses the channel through a temporary one."""

    __slots__ = ("_inner",)

    def __init__(self, channel: Channel, call: Callable[[Any], PromiseOrCoroutine[Any]]) -> None:
        root = channel if channel._root is None else channel._root
        self._inner = type(channel)(channel._buffer, root)
        super().__init__(
            channel, "lwt_io.atomic", partial(promise_of, "lwt_io.atomic", call, self._inner)
        )

    def work(self, transferred: Promise[int] | None) -> Promise[Any] | None:
        self.channel._state = ATOMIC
        self.channel._inner = self._inner
        return super().work(transferred)

    def end(self) -> None:
        self._inner._state = INVALID
        self.channel._inner = None
        if not outlive(self._inner, self.channel):
            super().end()


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
