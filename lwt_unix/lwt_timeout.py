"""Timeouts that can be stopped and started again, many at little cost; their grain is one second.

A timeout calls its action once, between `delay` and `delay + 1` seconds after it was started. One timer, of
one second, serves them all; it goes on as long as one of them is started. So a thousand connections, each
with a timeout that starts again at each message, set no timer for that.

    idle = lwt_timeout.create(30, give_up)
    lwt_timeout.start(idle)                         # again at each message
    lwt_timeout.stop(idle)

OCaml: Lwt_timeout (src/unix/lwt_timeout.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, final

import lwt
from lwt._core import ring
from lwt._core.checks import check_bounds, check_callback, check_kind
from lwt._core.identity import refuse_copy
from lwt._core.ring import Node, Sequence, put_after
from lwt_unix import _time
from lwt_unix._processes import parting

__all__ = [
    # The type
    "Timeout",
    "t",
    # Making one
    "create",
    # Using it
    "start",
    "stop",
    "change",
    # Exceptions of actions
    "set_exn_handler",
]


@final
class Timeout:
    """An action that is called some seconds after it was started. Made by `create`.

    OCaml: type Lwt_timeout.t
    """

    __slots__ = ("__weakref__", "_action", "_clock", "_delay", "_node")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, delay: int, action: Callable[[], object]) -> None:
        self._delay = delay
        self._action = action

        self._clock: _Clock | None = None
        """The clock by which it expires; None if it is not started."""

        self._node: Node[Timeout]
        """Its place there."""

    def __repr__(self) -> str:
        return f"<Timeout of {self._delay} s{', not started' if self._clock is None else ''}>"


t = Timeout

_MAKE_ONE: Final = "make one with lwt_timeout.create(delay, action)"


@final
class _Clock:
    """What counts the seconds while a timeout is started."""

    __slots__ = ("buckets", "count", "handler", "is_running", "seconds")

    def __init__(self) -> None:
        self.seconds = 0
        self.is_running = False
        self.buckets: dict[int, Sequence[Timeout]] = {}
        """The timeouts that are started, by the second in which they are due, the newest first."""

        self.count = 0
        """How many are started."""

        self.handler: Callable[[Exception], object] = _to_the_hook

    def add(self, timeout: Timeout) -> None:
        """Put a timeout into the bucket of its second, wherever it is now."""
        node = Node(timeout)
        bucket = self.buckets.setdefault(self.seconds + timeout._delay, Sequence())
        _remove(timeout)  # From here on nothing is made: no finaliser runs.
        put_after(node, bucket)
        timeout._node = node
        timeout._clock = self
        self.count += 1

    def run(self) -> None:
        """Begin to count, in the background."""
        self.is_running = True
        lwt.async_(self._wait)

    def _wait(self) -> lwt.Promise[None]:
        return lwt.bind(_time.sleep(1.0), self._go_on)

    def _go_on(self, _: None) -> lwt.Promise[None]:
        """Call the actions that are due, the one that was started last first."""
        try:
            bucket = self.buckets.setdefault(self.seconds, Sequence())
            while isinstance(first := bucket.next, Node):
                timeout = first.value
                _remove(timeout)
                self._call(timeout._action)
        except BaseException:
            self.run()  # The others are called a second later.
            raise
        del self.buckets[self.seconds]
        self.seconds += 1
        if self.count:
            return self._wait()
        self.is_running = False
        return lwt.return_unit

    def _call(self, action: Callable[[], object]) -> None:
        try:
            action()
            return
        except Exception as exn:
            if not lwt.Exception_filter.run(exn):
                raise
            exception = exn
        try:
            self.handler(exception)
        finally:
            del exception  # Its traceback leads to this frame: close no circle.


def _remove(timeout: Timeout) -> None:
    """Take a timeout off its clock, if it is started."""
    clock = timeout._clock
    if clock is not None:
        timeout._clock = None
        clock.count -= 1
        ring.remove(timeout._node)


def _to_the_hook(exception: Exception) -> None:
    lwt.async_exception_hook.contents(exception)


_clock = _Clock()


def _renew() -> None:  # pyright: ignore[reportUnusedFunction]  # `_renewal` calls it.
    """Begin again: no timeout is started, and exceptions go to the hook."""
    global _clock
    _clock = _Clock()


def _forget() -> object:
    """In a child of the main loop, the timeouts that are started are its parent's."""
    global _clock
    left = _clock
    _clock = _Clock()
    _clock.handler = left.handler
    return left


parting.also(_forget)


def _check(function: str, timeout: object) -> None:
    check_kind(function, timeout, Timeout, _MAKE_ONE)


def create(delay: int, action: Callable[[], object], /) -> Timeout:
    """Return a timeout, which is not started.

    Args:
        delay: in whole seconds.
        action: is called once each time that the timeout expires. Its exceptions go to the handler of
            `set_exn_handler`.

    Raises:
        ValueError: `delay` is less than 1.

    OCaml: Lwt_timeout.create : int -> (unit -> unit) -> t
    """
    check_bounds("lwt_timeout.create", "delay", delay, 1, ocaml="Lwt_timeout.create")
    check_callback("lwt_timeout.create", action, ())
    return Timeout(delay, action)


def start(timeout: Timeout, /) -> None:
    """Start a timeout; if it is started already, begin again with its whole delay.

    OCaml: Lwt_timeout.start : t -> unit
    """
    _check("lwt_timeout.start", timeout)
    _clock.add(timeout)
    if not _clock.is_running:
        _clock.run()


def stop(timeout: Timeout, /) -> None:
    """Stop a timeout: its action is not called. It may be started again.

    OCaml: Lwt_timeout.stop : t -> unit
    """
    _check("lwt_timeout.stop", timeout)
    _remove(timeout)


def change(timeout: Timeout, delay: int, /) -> None:
    """Change the delay of a timeout; if it is started, begin again with that.

    Args:
        timeout: started or not.
        delay: in whole seconds.

    Raises:
        ValueError: `delay` is less than 1.

    OCaml: Lwt_timeout.change : t -> int -> unit
    """
    _check("lwt_timeout.change", timeout)
    check_bounds("lwt_timeout.change", "delay", delay, 1, ocaml="Lwt_timeout.change")
    timeout._delay = delay
    if timeout._clock is not None:
        start(timeout)


def set_exn_handler(f: Callable[[Exception], object], /) -> None:
    """Set what is called with the exceptions of actions; at first they go to `lwt.async_exception_hook`.

    An exception of the handler itself goes to that hook, and the other timeouts go on; in OCaml, no action
    is called any more.

    OCaml: Lwt_timeout.set_exn_handler : (exn -> unit) -> unit
    """
    check_callback("lwt_timeout.set_exn_handler", f, ("exception",))
    _clock.handler = f
