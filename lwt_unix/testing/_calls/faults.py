"""Faults: calls of the system that fail, or move fewer bytes, because the test wants it.

A fault is for one call by its name, such as "accept". It is *planned*: after so many calls that went well,
so many fail; or it is *drawn*: the choice `FAULT` says whether the call fails. It hits a call only

- that would be done now. A call that has to wait, waits;
- of the program. The pipe by which jobs and signals wake the main loop is spared;
- on a descriptor of a kind that can give this error: ENOSPC comes from files, ECONNRESET from sockets.

While there are no faults, this costs nothing: only the first one that is for a call puts something in
the place of that call.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from typing import Any, Final

from lwt._core import choices
from lwt._core.checks import check_kind
from lwt_unix import _system as system
from lwt_unix.testing._calls.calls import Simulated_socket
from lwt_unix.testing._calls.fallible import CALLS, LATER, SHORT
from lwt_unix.testing._network.connections import Stream_socket
from lwt_unix.testing._network.datagrams import Datagram_socket
from lwt_unix.testing._network.hosts import Host, Network
from lwt_unix.testing._network.sockets import Socket
from lwt_unix.testing._world.world import Description, Owner, World, os_error


class Fault:
    """A fault, until `stop` takes it back."""

    __slots__ = ("_after", "_call", "_errors", "_faults", "_host", "_left", "_most", "count")

    def __init__(
        self,
        faults: Faults,
        call: str,
        errors: tuple[int, ...],
        most: int | None,
        times: int | None,
        after: int,
        host: Host | None,
    ) -> None:
        self.count = 0
        """How many calls it has hit."""

        self._faults = faults
        self._call = call
        self._errors = errors
        self._most = most
        self._left = times
        self._after = after
        self._host = host

    def stop(self) -> None:
        """Let the calls be from now on. Stopping it again does nothing."""
        self._left = 0
        self._faults._drop(self._call, self)

    def __repr__(self) -> str:
        what = ", ".join(errno.errorcode[error] for error in self._errors)
        if self._most is not None:
            what = f"{self._most} bytes at most"
        where = "" if self._host is None else f" on {self._host.name}"
        return f"<fault of {self._call}{where}: {what}, {self.count} so far>"


class Drawn_fault(Fault):
    """A fault that the choice FAULT makes."""

    __slots__ = ()


class Faults:
    """The faults of a simulated world: `testing.faults()` returns them.

    A call is named as in the manual pages: "accept", "connect", "socket", "pipe", "read", "write", "recv",
    "send", "open", "fsync" and so on. `read` and `write` of `lwt_unix` and all channels are "read" and
    "write", also on sockets; `readv` and `writev` count as these.
    """

    def __init__(self, world: World, network: Network) -> None:
        self._world: Final = world
        self._network: Final = network
        self._faults: Final[dict[str, list[Fault]]] = {}

    def fail(
        self,
        call: str,
        error: int,
        *,
        times: int | None = 1,
        after: int = 0,
        host: Host | str | None = None,
    ) -> Fault:
        """Let a call fail.

        >>> import errno
        >>> from lwt_unix import pipe, testing
        >>> async def main():
        ...     testing.faults().fail("pipe", errno.EMFILE, after=1)
        ...     return pipe(), pipe()
        >>> testing.simulate(main)
        Traceback (most recent call last):
            ...
        OSError: [Errno 24] Too many open files

        An operation that is waiting already when the first fault of its call is planned may not be hit.

        After EINTR Python makes a call again by itself, so that little is seen of it; an attempt to
        connect goes on. With ECONNABORTED, `accept` also loses the connection. An error that the network gives a client,
        such as ECONNREFUSED, comes later than `connect`, as from a network; ETIMEDOUT after minutes.

        Args:
            call: the name of the call.
            error: the number of the error, such as `errno.EMFILE`.
            times: how many calls fail; None for all from then on.
            after: how many calls go well first.
            host: on which host; on all by default.

        Raises:
            ValueError: there is no such call, or it can never give this error; or it is to be interrupted each time,
                for ever.
            lwt.Failure: the run is over.

        Not in OCaml.
        """
        self._check("fail", call, (error,), times, after)
        if error == errno.EINTR and times is None and call != "connect":
            raise ValueError(
                f"testing.Faults.fail: {call} would be made again for ever, since Python does so after EINTR; say "
                "how many times"
            )
        return self._add("fail", Fault(self, call, (error,), None, times, after, self._host(host)))

    def shorten(
        self,
        call: str,
        most: int,
        *,
        times: int | None = None,
        after: int = 0,
        host: Host | str | None = None,
    ) -> Fault:
        """Let a call move so many bytes at most, as the system may do at any time. Messages stay whole.

        Args:
            call: "read", "write", "recv", "send", "recvmsg" or "sendmsg".
            most: how many bytes, at least 1.
            times: how many calls; None for all from then on.
            after: how many calls go well first.
            host: on which host; on all by default.

        Raises:
            ValueError: this call moves no bytes, or `most` is less than 1.
            lwt.Failure: the run is over.

        Not in OCaml.
        """
        self._check("shorten", call, (), times, after)
        if call not in SHORT:
            raise ValueError(
                f"testing.Faults.shorten: {call!r} cannot move fewer bytes; these can: "
                f"{', '.join(SHORT)}"
            )
        check_kind("testing.Faults.shorten", most, int)
        if most < 1:
            raise ValueError(f"testing.Faults.shorten: {most} bytes would be none; 1 is the least")
        return self._add("shorten", Fault(self, call, (), most, times, after, self._host(host)))

    def may_fail(self, call: str, *errors: int, host: Host | str | None = None) -> Fault:
        """Let a choice decide whether a call fails, each time. With Lwt's own choices it never does.

        Args:
            call: the name of the call.
            errors: the numbers of the errors that it may fail with.
            host: on which host; on all by default.

        Raises:
            ValueError: there is no such call, there are no errors, or it can never give one of them.
            lwt.Failure: the run is over.

        Not in OCaml.
        """
        self._check("may_fail", call, errors, None, 0)
        if not errors:
            raise ValueError(f"testing.Faults.may_fail: give the errors with which {call} may fail")
        return self._add(
            "may_fail", Drawn_fault(self, call, errors, None, None, 0, self._host(host))
        )

    def stop_all(self) -> None:
        """Take all faults back. Not in OCaml."""
        for planned in list(self._faults.values()):
            for fault in list(planned):
                fault.stop()

    # --- Arguments -----------------------------------------------------------

    def _check(
        self, function: str, call: str, errors: Iterable[int], times: int | None, after: int
    ) -> None:
        name = f"testing.Faults.{function}"
        self._world.check_is_there(name)
        check_kind(name, call, str)
        if call not in CALLS:
            raise ValueError(f"{name}: no call {call!r} can fail; these can: {', '.join(CALLS)}")
        for error in errors:
            check_kind(name, error, int, "errno.EMFILE is one")
            if not CALLS[call].can_give(error):
                possible = sorted(errno.errorcode[number] for number in CALLS[call].all_errors())
                raise ValueError(
                    f"{name}: {call} never gives {errno.errorcode.get(error, error)}; it may give "
                    f"{', '.join(possible)}"
                )
        if times is not None:
            check_kind(name, times, int)
            if times < 1:
                raise ValueError(f"{name}: {times} times is never; 1 is the least")
        check_kind(name, after, int)
        if after < 0:
            raise ValueError(f"{name}: after {after} calls; 0 is the least")

    def _host(self, host: Host | str | None) -> Host | None:
        if isinstance(host, str):
            return self._network.host(host)
        if host is not None:
            check_kind("testing.Faults", host, Host, "network().host(name) makes one")
        return host

    # --- In the place of the calls -------------------------------------------

    def _add(self, function: str, fault: Fault) -> Fault:
        planned = self._faults.setdefault(fault._call, [])
        planned.append(fault)
        if len(planned) == 1:
            for name in CALLS[fault._call].system:
                inner = system.__dict__[name]
                if not isinstance(inner, Faulty):
                    system.__dict__[name] = Faulty(self, fault._call, inner)
        return fault

    def _drop(self, call: str, fault: Fault) -> None:
        planned = self._faults.get(call, [])
        if fault in planned:
            planned.remove(fault)
        if planned:
            return
        for name in CALLS[call].system:
            faulty = system.__dict__[name]
            if isinstance(faulty, Faulty):
                system.__dict__[name] = faulty.call


class Faulty:
    """What stands in the place of a call that has faults."""

    __slots__ = ("call", "faults", "name")

    def __init__(self, faults: Faults, name: str, call: Callable[..., Any]) -> None:
        self.faults = faults
        self.name = name
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        """Make the call, unless a fault hits it."""
        call = CALLS[self.name]
        description = self._description(arguments[0]) if call.has_descriptor else None
        direction = call.direction
        if direction and (description is None or not description.readiness(direction) & direction):
            return self.call(*arguments)
        host = self.faults._network.here()
        if call.has_descriptor:
            owner = self._owner(arguments[0], description, host)
            if not isinstance(owner, Host):
                return self.call(*arguments)
            host = owner
        views: list[memoryview] = []
        try:
            while True:
                error, arguments = self._hit(description, host, arguments, views)
                if not error:
                    break
                self._tell(error, description)
                if error != errno.EINTR or self.name == "connect":
                    return self._fail(error, description, arguments)
                # Python makes the call again.
            result = self.call(*arguments)
        finally:
            # An exception keeps the frames that it leaves; a buffer could not grow as long as it is there.
            for view in views:
                view.release()
        for fault in self.faults._faults[self.name]:
            if fault._after and (fault._host is None or fault._host is host):
                fault._after -= 1
        return result

    def _description(self, first: object) -> Description | None:
        if isinstance(first, Simulated_socket):
            return first.socket
        return self.faults._world.table.get(first) if isinstance(first, int) else None

    def _owner(self, first: object, description: Description | None, here: Host) -> Owner:
        """Return whose descriptor it is: no host's, if it is the main loop's own."""
        if isinstance(description, Socket):
            return description.host
        owners = self.faults._world.owners
        return owners.get(first, here) if isinstance(first, int) else here

    def _hit(
        self,
        description: Description | None,
        host: Host,
        arguments: tuple[Any, ...],
        views: list[memoryview],
    ) -> tuple[int, tuple[Any, ...]]:
        """Return the error that a fault gives now, or 0; and the arguments, perhaps with fewer bytes, of `views`."""
        for fault in list(self.faults._faults[self.name]):
            if fault._host is not None and fault._host is not host:
                continue
            if fault._most is None:
                error = self._error(fault, description, host)
                if error:
                    return error, arguments
            elif not fault._after and not isinstance(description, Datagram_socket):
                return 0, self._hit_short(fault, arguments, views)
        return 0, arguments

    def _error(self, fault: Fault, description: Description | None, host: Host) -> int:
        """Return the error that a fault gives now, or 0."""
        kind = None if description is None else stat.S_IFMT(description.mode)
        errors = [error for error in fault._errors if CALLS[self.name].can_give(error, kind)]
        if not errors or fault._after:
            return 0
        if isinstance(fault, Drawn_fault):
            name = host.name if description is None else description.name

            def tell(option: int) -> str:
                return f"{self.name} of {name} fails: {os.strerror(errors[option - 1])}"

            taken = choices.choose(choices.FAULT, 1 + len(errors), tell)
            if not taken:
                return 0
            error = errors[taken - 1]
        else:
            error = errors[0]
        self._count(fault)
        return error

    def _count(self, fault: Fault) -> None:
        fault.count += 1
        if fault._left is not None:
            fault._left -= 1
            if not fault._left:
                fault.stop()

    def _tell(self, error: int, description: Description | None) -> None:
        name = self.faults._network.here().name if description is None else description.name
        self.faults._world.tell("%s of %s fails: %s", self.name, name, os.strerror(error))

    def _fail(self, error: int, description: Description | None, arguments: tuple[Any, ...]) -> Any:
        """Do what a call does that gives an error."""
        if self.name == "connect":
            if error in LATER and isinstance(description, Stream_socket):
                return description.connect_in_vain(arguments[1], error)
            if error != errno.EINTR:
                return error
            result = self.call(*arguments)  # The attempt goes on nevertheless.
            return error if result == errno.EINPROGRESS else result
        if self.name == "close":
            self.call(*arguments)  # Linux has closed it all the same.
        elif error == errno.ECONNABORTED and isinstance(description, Stream_socket):
            description.abort()
        raise os_error(error)

    def _hit_short(
        self, fault: Fault, arguments: tuple[Any, ...], views: list[memoryview]
    ) -> tuple[Any, ...]:
        """Return the arguments with fewer bytes, and add the views that are made for that to `views`."""
        assert fault._most is not None
        first, data, *rest = arguments
        if isinstance(data, int):  # `read` is told a number.
            short: object = min(data, fault._most)
            is_less = data > fault._most
        elif isinstance(data, bytes | bytearray | memoryview):
            short = memoryview(data)[: fault._most]
            views.append(short)
            is_less = len(data) > fault._most
        else:
            buffers, parts, left = [memoryview(buffer) for buffer in data], [], fault._most
            for buffer in buffers:
                if left:
                    parts.append(buffer[:left])
                    left -= len(parts[-1])
            views += [*buffers, *parts]
            short = parts
            is_less = sum(map(len, buffers)) > fault._most
        if is_less:
            self._count(fault)
        return first, short, *rest
