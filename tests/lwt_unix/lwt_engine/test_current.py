"""The current engine: `get`, `set`, `transfer`, and the functions of the module."""

from __future__ import annotations

import sys

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.engines import ENGINES, Clock, Engine_class, Recorder, socket_pairs
from tests.support.programs import in_child, run_code


@pytest.fixture
def engine_before() -> lwt_engine.abstract:
    return lwt_engine.get()


def test_best_engine_of_the_system_is_the_current_one_at_first() -> None:
    engine = lwt_engine.get()
    assert isinstance(engine, lwt_engine.libev)
    best = "EV_EPOLL" if sys.platform == "linux" else "EV_KQUEUE"
    assert engine.backend.name == best
    assert lwt_engine.id() == lwt_engine.Engine_id__libev(lwt_engine.Ev_backend.default)
    assert lwt_engine.t is lwt_engine.abstract


@pytest.mark.parametrize("source_class", ENGINES)
@pytest.mark.parametrize("target_class", ENGINES)
def test_set_moves_all_events_to_the_new_engine(
    source_class: Engine_class, target_class: Engine_class
) -> None:
    record = Recorder()
    clock = Clock()
    lwt_engine.set(source_class(clock=clock), transfer=False, destroy=False)
    with socket_pairs(1) as [(front, back)]:
        back.send(b"x")
        fd = front.fileno()
        lwt_engine.get().adopt(fd)
        events = [
            lwt_engine.on_readable(fd, record("older")),
            lwt_engine.on_readable(fd, record("newer")),
            lwt_engine.on_writable(fd, record("writable")),
            lwt_engine.on_timer(-1, False, record("timer")),
        ]
        target = target_class(clock=clock)
        lwt_engine.set(target)
        assert lwt_engine.get() is target
        counts = lwt_engine.readable_count(), lwt_engine.writable_count(), lwt_engine.timer_count()
        assert counts == (2, 1, 1)
        lwt_engine.iter(True)
        assert record.take() == ["timer", "newer", "older", "writable"]
        for event in events:
            stop_event(event)
        lwt_engine.iter(False)
        assert record.take() == []
        target.check_invariants()
        target.forget(fd)


def test_timers_start_afresh_in_the_new_engine() -> None:
    record = Recorder()
    clock = Clock()
    lwt_engine.set(lwt_engine.select(clock=clock), destroy=False)
    lwt_engine.on_timer(2, False, record("timer"))
    lwt_engine.iter(False)
    clock.now += 1
    lwt_engine.set(lwt_engine.poll(clock=clock))
    clock.now += 1.5
    lwt_engine.iter(False)
    assert record.take() == []
    clock.now += 0.5
    lwt_engine.iter(True)
    assert record.take() == ["timer"]


def test_event_that_was_moved_twice_is_stopped_by_its_first_handle() -> None:
    engines = [lwt_engine.select(), lwt_engine.poll(), lwt_engine.select()]
    event = engines[0].on_timer(0, True, lambda _: None)
    engines[0].transfer(engines[1])
    engines[1].transfer(engines[2])
    assert [engine.timer_count for engine in engines] == [0, 0, 1]
    stop_event(event)
    assert engines[2].timer_count == 0


def test_moving_to_the_same_engine_changes_nothing() -> None:
    engine = lwt_engine.select()
    event = engine.on_timer(1, False, print)
    engine.transfer(engine)
    assert event.is_active
    assert engine.timer_count == 1


def test_set_without_transfer_stops_what_the_old_engine_had() -> None:
    lwt_engine.set(lwt_engine.select(), transfer=False, destroy=False)
    event = lwt_engine.on_timer(0, True, print)
    lwt_engine.set(lwt_engine.poll(), transfer=False)
    assert not event.is_active
    assert lwt_engine.timer_count() == 0


def test_set_without_destroy_leaves_the_old_engine_usable() -> None:
    record = Recorder()
    old = lwt_engine.select()
    lwt_engine.set(old, transfer=False, destroy=False)
    lwt_engine.on_timer(0, True, record("timer"))
    lwt_engine.set(lwt_engine.poll(), transfer=False, destroy=False)
    old.iter(True)
    assert record.take() == ["timer"]


def test_setting_the_current_engine_again_does_nothing(engine_before: lwt_engine.abstract) -> None:
    event = lwt_engine.on_timer(1, False, print)
    lwt_engine.set(engine_before)
    assert lwt_engine.get() is engine_before
    assert event.is_active
    stop_event(event)
    lwt_engine.iter(False)


def test_callback_may_replace_the_engine_in_the_middle_of_a_turn() -> None:
    record = Recorder()
    lwt_engine.set(lwt_engine.libev(), transfer=False, destroy=False)
    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        a_back.send(b"x")
        b_back.send(b"x")

        def replace(event: Event) -> None:
            record.calls.append("replacing")
            stop_event(event)
            lwt_engine.set(lwt_engine.poll())

        lwt_engine.on_readable(a.fileno(), replace)
        lwt_engine.on_readable(b.fileno(), record("b"))
        lwt_engine.iter(True)
        assert record.take() == ["replacing"]
        lwt_engine.iter(True)
        assert record.take() == ["b"]


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (lwt_engine.select, r"expected an engine, got .*; pass an instance, select\(\)"),
        ("epoll", "expected an engine, got 'epoll' \\(str\\)"),
    ],
)
def test_setting_something_else_is_a_type_error(
    engine: lwt_engine.abstract, message: str, engine_before: lwt_engine.abstract
) -> None:
    with pytest.raises(TypeError, match=f"^lwt_engine.set: {message}"):
        lwt_engine.set(engine)
    assert lwt_engine.get() is engine_before


def test_functions_of_the_module_are_those_of_the_current_engine() -> None:
    log: list[str] = []

    class Logging(lwt_engine.select):
        def iter(self, block: bool, /) -> None:
            log.append(f"iter {block}")

        def fork(self) -> None:
            log.append("fork")

        def fake_io(self, fd: int, /) -> None:
            log.append(f"fake_io {fd}")

        def forwards_signal(self, signum: int, /) -> bool:
            return signum == 17

    lwt_engine.set(Logging(), destroy=False)
    lwt_engine.iter(False)
    lwt_engine.fork()
    lwt_engine.fake_io(3)
    assert log == ["iter False", "fork", "fake_io 3"]
    assert lwt_engine.forwards_signal(17)
    assert not lwt_engine.forwards_signal(15)
    assert lwt_engine.id() == lwt_engine.Engine_id__select


def test_engine_is_imported_without_the_main_loop_and_channels() -> None:
    # It stands below the rest of the package. What `lwt_unix` itself imports aside.
    program = (
        "import sys, types; package = types.ModuleType('lwt_unix'); "
        "package.__path__ = ['lwt_unix']; sys.modules['lwt_unix'] = package; "
        "import lwt_unix.lwt_engine; "
        "print(sorted(name for name in sys.modules if name.startswith('lwt_unix.') "
        "and not name.startswith('lwt_unix.lwt_engine._')))"
    )
    output = run_code(program)
    expected = "['lwt_unix._checks', 'lwt_unix.lwt_engine', 'lwt_unix.lwt_sys']"
    assert output.stdout.strip() == expected


def test_current_engine_is_made_anew_in_every_child_process() -> None:
    record = Recorder()
    with socket_pairs(1) as [(front, back)]:
        event = lwt_engine.on_readable(front.fileno(), record("readable"))
        lwt_engine.iter(False)

        def child() -> None:
            stop_event(event)
            lwt_engine.iter(False)

        assert in_child(child) == 0
        back.send(b"x")
        lwt_engine.iter(True)
        assert record.take() == ["readable"]
        stop_event(event)
