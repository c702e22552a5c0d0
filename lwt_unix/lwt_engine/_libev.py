"""The engines that keep their interest in the kernel, under the names that users know.

OCaml has them all in one class, `libev`, which is told the system call to use. Here the
class of that name does the same, without the C library. `epoll`, `kqueue` and `poll` are
`libev` with a fixed system call.

OCaml: src/unix/lwt_engine.ml, The libev engine
"""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, TypeAlias

from lwt._core.checks import check_kind
from lwt._core.exceptions import Failure
from lwt_unix.lwt_engine._base import system_clock
from lwt_unix.lwt_engine._identifiers import Engine_id, Engine_id__poll
from lwt_unix.lwt_engine._kernel import Poller, kernel_based
from lwt_unix.lwt_engine._kqueue import Kqueue_poller, kqueue_api
from lwt_unix.lwt_engine._pollers import Epoll_poller, Poll_poller, Select_poller, epoll_maker
from lwt_unix.lwt_sys import Not_available

# --- Backends ----------------------------------------------------------------


class Backend(Enum):
    """A system call that an engine can use. `Ev_backend` names them.

    OCaml: Lwt_engine.Ev_backend.t : type t
    """

    __qualname__ = "Ev_backend.t"

    EV_DEFAULT = "default"
    EV_SELECT = "select"
    EV_POLL = "poll"
    EV_EPOLL = "epoll"
    EV_KQUEUE = "kqueue"
    EV_DEVPOLL = "devpoll"
    EV_PORT = "port"

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__


class _Output(Protocol):
    def write(self, text: str, /) -> object: ...


class Ev_backend:
    """The system calls that `libev` can be told to use.

    OCaml: module Lwt_engine.Ev_backend
    """

    t: TypeAlias = Backend

    default: Final = Backend.EV_DEFAULT
    """The best one of this system."""
    select: Final = Backend.EV_SELECT
    poll: Final = Backend.EV_POLL
    epoll: Final = Backend.EV_EPOLL
    kqueue: Final = Backend.EV_KQUEUE
    devpoll: Final = Backend.EV_DEVPOLL
    port: Final = Backend.EV_PORT

    @staticmethod
    def equal(backend: Backend, other: Backend, /) -> bool:
        """Say whether two backends are the same.

        OCaml: Lwt_engine.Ev_backend.equal : t -> t -> bool
        """
        return backend == other

    @staticmethod
    def pp(out: _Output, backend: Backend, /) -> None:
        """Write the name of a backend, such as EV_EPOLL.

        OCaml: Lwt_engine.Ev_backend.pp : Format.formatter -> t -> unit
        """
        out.write(backend.name)


class _Backend_not_available(Not_available, Failure):
    """The system does not have the system call.

    OCaml has two exceptions: `Not_available` if libev is missing, `Failure "lwt_libev_init"`
    if the system call is missing. Here libev is not used, and this exception is both.
    """


def _open_epoll() -> Poller | None:
    make = epoll_maker()
    return None if make is None else Epoll_poller(make)


def _open_kqueue() -> Poller | None:
    api = kqueue_api()
    return None if api is None else Kqueue_poller(api)


def _open_poll() -> Poller | None:
    return Poll_poller() if hasattr(select, "poll") else None


# Best first. The other two backends of libev, devpoll and port, are Solaris's.
_OPENERS: Final[dict[Backend, Callable[[], Poller | None]]] = {
    Backend.EV_EPOLL: _open_epoll,
    Backend.EV_KQUEUE: _open_kqueue,
    Backend.EV_POLL: _open_poll,
    Backend.EV_SELECT: Select_poller,
}


def _open(backend: Backend) -> tuple[Backend, Poller]:
    """Return the backend that is used, and its poller."""
    hint = "pass one of lwt_engine.Ev_backend, such as Ev_backend.epoll"
    check_kind("lwt_engine.libev", backend, Backend, hint)
    candidates = list(_OPENERS) if backend is Backend.EV_DEFAULT else [backend]
    for candidate in candidates:
        open_poller = _OPENERS.get(candidate)
        poller = None if open_poller is None else open_poller()
        if poller is not None:
            return candidate, poller
    raise _Backend_not_available(
        f"lwt_libev_init: {backend.name} is not available on this system; "
        "Ev_backend.default takes the best one that is"
    )


# --- Engines -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Engine_id__libev(Engine_id):
    """The identifier of a `libev` engine: the backend that was asked for.

    OCaml: Lwt_engine.Engine_id__libev : Ev_backend.t -> engine_id
    """

    backend: Backend


class libev(kernel_based):
    """An engine that keeps its interest in the kernel.

    Args:
        backend: the system call to use.
        clock: what `now` returns, unless a class of your own overrides that.

    Raises:
        lwt_sys.Not_available: the system does not have it. Also a lwt.Failure.

    Unlike OCaml's, it needs no libev, and calls ready descriptors in the order of `select`.

    OCaml: class Lwt_engine.libev : ?backend:Ev_backend.t -> unit
    """

    def __init__(
        self,
        *,
        backend: Backend = Backend.EV_DEFAULT,
        clock: Callable[[], float] = system_clock,
    ) -> None:
        used, poller = _open(backend)
        super().__init__(poller, clock=clock)
        self._backend: Final = used
        self._id: Final = Engine_id__libev(backend)

    @property
    def id(self) -> Engine_id:
        """What identifies the engine: Engine_id__libev, with what was asked for.

        OCaml: method id : engine_id
        """
        return self._id

    @property
    def backend(self) -> Backend:
        """The system call that is used.

        OCaml: method backend : Ev_backend.t
        """
        return self._backend

    @property
    def loop(self) -> object:
        """The object that makes the system call. Do not rely on anything about it.

        OCaml: method loop : ev_loop
        """
        return self._poller


class epoll(libev):
    """The engine over epoll: Linux.

    Raises:
        lwt_sys.Not_available: the system does not have it.

    Not in OCaml: libev ~backend:Ev_backend.epoll ()
    """

    def __init__(self, *, clock: Callable[[], float] = system_clock) -> None:
        super().__init__(backend=Backend.EV_EPOLL, clock=clock)


class kqueue(libev):
    """The engine over kqueue: the BSDs and macOS.

    Raises:
        lwt_sys.Not_available: the system does not have it.

    Not in OCaml: libev ~backend:Ev_backend.kqueue ()
    """

    def __init__(self, *, clock: Callable[[], float] = system_clock) -> None:
        super().__init__(backend=Backend.EV_KQUEUE, clock=clock)


class poll(libev):
    """The engine over poll: almost everywhere, for any descriptor, slow with very many.

    Raises:
        lwt_sys.Not_available: the system does not have it.

    Not in OCaml: libev ~backend:Ev_backend.poll (); but its identifier is.
    """

    def __init__(self, *, clock: Callable[[], float] = system_clock) -> None:
        super().__init__(backend=Backend.EV_POLL, clock=clock)

    @property
    def id(self) -> Engine_id:
        """What identifies the engine: Engine_id__poll.

        OCaml: method id : engine_id
        """
        return Engine_id__poll


class Versioned:
    """Old names of `libev`. Deprecated: use `libev`.

    OCaml: module Lwt_engine.Versioned
    """

    class libev_1(libev):
        """`libev` with the default backend. Deprecated: use `libev`.

        OCaml: class Lwt_engine.Versioned.libev_1
        """

        def __init__(self) -> None:
            super().__init__()

    libev_2: TypeAlias = libev
