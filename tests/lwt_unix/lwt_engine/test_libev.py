"""libev and its backends."""

from __future__ import annotations

import sys

import pytest

from lwt import Failure
from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Ev_backend
from lwt_unix.lwt_sys import Not_available
from tests.support.engines import on_linux


def test_libev_takes_the_best_backend_and_is_identified_by_what_was_asked_for() -> None:
    engine = lwt_engine.libev()
    assert engine.id == lwt_engine.Engine_id__libev(Ev_backend.default)
    assert engine.backend is ENGINES_BACKEND
    assert engine.loop is not None
    engine.destroy()


def test_a_backend_prints_as_ocaml_writes_it() -> None:
    engine = lwt_engine.libev()
    shown = f"{Ev_backend.epoll} {Ev_backend.default!r} {engine.id}"
    assert shown == "EV_EPOLL EV_DEFAULT Engine_id__libev(backend=EV_DEFAULT)"
    engine.destroy()


ENGINES_BACKEND = Ev_backend.epoll if sys.platform == "linux" else Ev_backend.kqueue


@pytest.mark.parametrize("backend", [Ev_backend.select, Ev_backend.poll])
def test_libev_uses_the_backend_that_it_is_given(backend: Ev_backend.t) -> None:
    engine = lwt_engine.libev(backend=backend)
    assert engine.backend is backend
    assert engine.id == lwt_engine.Engine_id__libev(backend)
    engine.destroy()


@pytest.mark.parametrize("backend", [Ev_backend.devpoll, Ev_backend.port])
@pytest.mark.parametrize("expected", [Not_available, Failure])
def test_backend_that_the_system_lacks_is_said_to_be_so(
    backend: Ev_backend.t, expected: type[Exception]
) -> None:
    with pytest.raises(expected, match=f"^lwt_libev_init: {backend.name} is not available"):
        lwt_engine.libev(backend=backend)


@on_linux
def test_kqueue_is_not_available_on_linux() -> None:
    with pytest.raises(Not_available, match="EV_KQUEUE is not available"):
        lwt_engine.kqueue()


def test_backend_by_its_name_only_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"expected a backend, got 'epoll' .*Ev_backend\.epoll"):
        lwt_engine.libev(backend="epoll")  # type: ignore[arg-type]  # what is tested


def test_old_names_of_libev_are_there() -> None:
    old = lwt_engine.Versioned.libev_1()
    assert isinstance(old, lwt_engine.libev)
    assert old.id == lwt_engine.Engine_id__libev(Ev_backend.default)
    assert lwt_engine.Versioned.libev_2 is lwt_engine.libev
    old.destroy()


def test_backends_are_compared_and_printed() -> None:
    written: list[str] = []

    class Output:
        def write(self, text: str, /) -> None:
            written.append(text)

    Ev_backend.pp(Output(), Ev_backend.kqueue)
    assert written == ["EV_KQUEUE"]
    assert Ev_backend.equal(Ev_backend.poll, Ev_backend.poll)
    assert not Ev_backend.equal(Ev_backend.poll, Ev_backend.default)
