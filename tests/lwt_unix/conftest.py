"""Fixtures for tests that meet the kernel."""

from collections import Counter
from collections.abc import Iterator

import pytest

import lwt_unix
from lwt._core.renewal import renew as renew_lwt
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._jobs import notifications
from lwt_unix._processes import children
from lwt_unix._renewal import renew as renew_lwt_unix
from lwt_unix.testing._leaks.leaks import belongings
from tests.support.descriptors import Pair, open_descriptors
from tests.support.engines import Clock
from tests.support.leftovers import left_since
from tests.support.simulated import simulated
from tests.support.sockets import Open


@pytest.fixture(autouse=True)
def _all_begins_afresh() -> Iterator[None]:
    """Begin again, and fail a test that leaves a descriptor open then, a thread or a child process."""
    notifications.renew()  # Who was imported first may want its pipe.
    usual, before = lwt_engine.get(), belongings()
    yield
    renew_lwt_unix()
    renew_lwt()
    usual.destroy()  # Another one may have taken its place.
    assert left_since(before) == {}


IN_BOTH_WORLDS = {"sockets", "descriptors", "lwt_io", "files"}
"""Folders whose quick tests run in the real and in the simulated world, except for those marked `real_only`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have tests run in both worlds."""
    test = metafunc.definition
    outer, folder = test.path.parts[-3:-1]
    is_in_both = outer == "lwt_unix" and folder in IN_BOTH_WORLDS
    if is_in_both and not any(map(test.get_closest_marker, ("real_only", "slow"))):
        metafunc.parametrize("world", ["real", "simulated"], indirect=True)


@pytest.fixture(autouse=True)
def world(_all_begins_afresh: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """The world in which the test runs: "real", or "simulated", where nothing may be left open either."""
    kind: str = getattr(request, "param", "real")
    if kind == "real":
        yield kind
        return
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    with simulated(folder) as its_world:
        notifications.renew()
        before = Counter(map(its_world.name_of, its_world.table))
        yield kind
        renew_lwt_unix(lwt_engine.get())
        renew_lwt()
        assert Counter(map(its_world.name_of, its_world.table)) - before == {}


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves an event registered or a descriptor open, also before all begins afresh."""

    def registered() -> tuple[int, int, int]:
        engine = lwt_engine.get()
        return engine.readable_count, engine.writable_count, engine.timer_count

    notifications.renew()  # Its pipe stays, once somebody has needed it.
    children.renew()  # So does its epoll.
    events_before, before = registered(), open_descriptors()
    yield
    notifications.renew()
    children.renew()
    assert open_descriptors() - before == set()
    assert registered() == events_before


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two sockets that are connected to each other."""
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    yield near, far
    for descriptor in (near, far):
        if lwt_unix.state(descriptor) is not lwt_unix.Closed:
            lwt_main.run(lwt_unix.close(descriptor))


@pytest.fixture
def opened() -> Iterator[Open]:
    """Makes sockets that are closed at the end."""
    opened = Open()
    yield opened
    for descriptor in opened.descriptors:
        if lwt_unix.state(descriptor) is not lwt_unix.Closed:
            lwt_main.run(lwt_unix.close(descriptor))


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock of the current engine."""
    usual = lwt_engine.get()
    clock = Clock()
    lwt_engine.set(lwt_engine.select(clock=clock), destroy=False)
    yield clock
    lwt_engine.set(usual)
