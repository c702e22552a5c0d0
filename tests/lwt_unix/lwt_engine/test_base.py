"""What every engine has: counts, simulated events, methods that a user's engine defines."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import stop_event
from tests.support.builds import interpreted_only
from tests.support.engines import Pair, Recorder, User_registering, socket_pairs

# --- Counting and simulating -------------------------------------------------


def test_counts_follow_registration_and_stopping(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    fd = pair[0].fileno()

    def counts() -> tuple[int, int, int]:
        return engine.readable_count, engine.writable_count, engine.timer_count

    events = [
        engine.on_readable(fd, record("1")),
        engine.on_readable(fd, record("2")),
        engine.on_writable(fd, record("3")),
        engine.on_timer(3600, True, record("4")),
    ]
    assert counts() == (2, 1, 1)
    for event in events:
        stop_event(event)
        stop_event(event)
    assert counts() == (0, 0, 0)


def test_fake_io_calls_readers_then_writers_of_the_descriptor_oldest_first(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, _), (b, _) = two_pairs
    engine.on_writable(a.fileno(), record("writer"))
    engine.on_readable(a.fileno(), record("reader 1"))
    victim = engine.on_readable(a.fileno(), lambda _: stop_event(stopped))
    stopped = engine.on_readable(a.fileno(), record("stopped"))
    engine.on_readable(a.fileno(), lambda _: engine.on_readable(a.fileno(), record("added")))
    engine.on_readable(b.fileno(), record("other"))
    engine.fake_io(a.fileno())
    assert record.take() == ["reader 1", "writer"]
    assert not stopped.is_active
    assert victim.is_active


# --- Engines that users write ------------------------------------------------


def test_overridden_registration_methods_are_called() -> None:
    engine = User_registering()
    with socket_pairs(1) as [(front, _)]:
        events = [
            engine.on_readable(front.fileno(), lambda _: None),
            engine.on_writable(front.fileno(), lambda _: None),
            engine.on_timer(1, False, lambda _: None),
        ]
        assert engine.registered == ["readable", "writable", "timer"]
        for event in events:
            stop_event(event)
        engine.check_invariants()
    engine.destroy()


class Scripted(lwt_engine.abstract):
    """An engine without any system call."""

    id = lwt_engine.Engine_id()

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[Callable[[], object]] = []
        self.log: list[str] = []

    def iter(self, block: bool, /) -> None:
        for action in list(self.actions):
            action()

    def cleanup(self) -> None:
        self.log.append("cleanup")

    def _register(self, name: str, action: Callable[[], object]) -> Callable[[], object]:
        self.actions.append(action)

        def unregister() -> None:
            self.log.append(f"stop {name}")
            self.actions.remove(action)

        return unregister

    def register_readable(self, fd: int, action: Callable[[], object], /) -> Callable[[], object]:
        return self._register(f"readable {fd}", action)

    def register_writable(self, fd: int, action: Callable[[], object], /) -> Callable[[], object]:
        return self._register(f"writable {fd}", action)

    def register_timer(
        self, delay: float, repeat: bool, action: Callable[[], object], /
    ) -> Callable[[], object]:
        return self._register(f"timer {delay} {repeat}", action)


def test_engine_written_from_the_abstract_class_has_events_counts_and_destroy() -> None:
    engine = Scripted()
    record = Recorder()
    first = engine.on_readable(3, record("readable"))
    engine.on_writable(4, record("writable"))
    engine.on_timer(0.5, True, record("timer"))
    engine.iter(True)
    assert record.take() == ["readable", "writable", "timer"]
    assert (engine.readable_count, engine.writable_count, engine.timer_count) == (1, 1, 1)
    stop_event(first)
    stop_event(first)
    engine.destroy()
    assert engine.log == ["stop readable 3", "stop writable 4", "stop timer 0.5 True", "cleanup"]
    assert (engine.readable_count, engine.writable_count, engine.timer_count) == (0, 0, 0)


def test_abstract_engine_has_the_system_s_clock() -> None:
    assert time.monotonic() <= Scripted().now() <= time.monotonic()


def test_abstract_engine_forks_forgets_and_forwards_nothing() -> None:
    engine = Scripted()
    engine.fork()
    engine.adopt(3)
    engine.forget(3)
    assert engine.forwards_signal(15) is False


@interpreted_only("mypyc makes no abstract classes")
def test_engine_that_lacks_a_method_cannot_be_made() -> None:
    class Incomplete(lwt_engine.select_based):
        pass

    with pytest.raises(TypeError, match="select"):
        Incomplete()  # type: ignore[abstract]  # what is tested
