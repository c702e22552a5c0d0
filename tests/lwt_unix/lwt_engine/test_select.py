"""Engines over functions like select and poll, ours and those that users write."""

from __future__ import annotations

import errno

import pytest

from lwt_unix import lwt_engine
from tests.support.engines import (
    Engine_class,
    Libev_select,
    Recorder,
    User_poll,
    User_select,
    socket_pairs,
)


@pytest.mark.parametrize("engine_class", [lwt_engine.select, Libev_select])
@pytest.mark.parametrize("method", ["on_readable", "on_writable"])
def test_select_refuses_descriptors_above_1023_and_names_the_engines_to_use(
    engine_class: Engine_class, method: str
) -> None:
    engine = engine_class()
    engine.adopt(1024)  # by itself no reason to fail
    with pytest.raises(ValueError, match=rf"^lwt_engine\.{method}: descriptor 1024 .*epoll\(\)"):
        getattr(engine, method)(1024, print)
    assert (engine.readable_count, engine.writable_count) == (0, 0)
    engine.iter(False)
    getattr(engine, method)(1023, print)
    engine.destroy()


def test_events_above_1023_are_not_moved_to_select_and_none_is_lost() -> None:
    source, target = lwt_engine.poll(), lwt_engine.select()
    events = [
        source.on_readable(3, print),
        source.on_writable(1024, print),
        source.on_timer(1, False, print),
    ]
    with pytest.raises(ValueError, match=r"^lwt_engine\.transfer: descriptor 1024"):
        source.transfer(target)
    assert (source.readable_count, source.writable_count, source.timer_count) == (1, 1, 1)
    assert (target.readable_count, target.writable_count, target.timer_count) == (0, 0, 0)
    assert all(event.is_active for event in events)
    source.destroy()


def test_user_select_gets_descending_descriptors_and_a_negative_timeout_for_no_limit() -> None:
    asked: list[tuple[list[int], list[int], float]] = []

    class Asked(User_select):
        def select(
            self, fds_r: list[int], fds_w: list[int], timeout: float, /
        ) -> tuple[list[int], list[int]]:
            asked.append((fds_r, fds_w, timeout))
            return [], []

    engine = Asked()
    for fd in (5, 9, 7):
        engine.on_readable(fd, print)
        engine.on_writable(fd + 1, print)
    engine.iter(True)
    engine.iter(False)
    assert asked == [([9, 7, 5], [10, 8, 6], -1.0), ([9, 7, 5], [10, 8, 6], 0.0)]


def test_user_poll_gets_what_to_write_first_and_is_followed_in_its_order() -> None:
    asked: list[list[tuple[int, bool, bool]]] = []
    record = Recorder()

    class Asked(User_poll):
        def poll(
            self, fds: list[tuple[int, bool, bool]], timeout: float, /
        ) -> list[tuple[int, bool, bool]]:
            asked.append(fds)
            return [(9, False, True), (5, True, True), (7, False, False), (100, True, True)]

    engine = Asked()
    for fd in (5, 9, 7):
        engine.on_readable(fd, record(f"{fd} readable"))
        engine.on_writable(fd, record(f"{fd} writable"))
    engine.iter(True)
    wanted = [(fd, False, True) for fd in (9, 7, 5)] + [(fd, True, False) for fd in (9, 7, 5)]
    assert asked == [wanted]
    assert record.take() == ["9 writable", "5 readable", "5 writable"]


@pytest.mark.parametrize("base", [User_select, User_poll])
def test_interrupted_wait_counts_as_nothing_ready(base: Engine_class) -> None:
    class Interrupted(base):  # type: ignore[misc,valid-type]  # one of two classes
        def select(self, *_: object) -> object:
            raise InterruptedError(errno.EINTR, "interrupted")

        poll = select

    engine = Interrupted()
    record = Recorder()
    engine.on_readable(0, record("readable"))
    engine.on_timer(0, False, record("timer"))
    engine.iter(True)
    assert record.take() == ["timer"]


@pytest.mark.parametrize("base", [User_select, User_poll])
def test_other_errors_of_the_wait_leave_the_turn(base: Engine_class) -> None:
    class Failing(base):  # type: ignore[misc,valid-type]  # one of two classes
        def select(self, *_: object) -> object:
            raise OSError(errno.EINVAL, "invalid")

        poll = select

    with pytest.raises(OSError, match="invalid"):
        Failing().iter(True)


def test_of_several_descriptors_only_closed_ones_are_called_when_select_says_so() -> None:
    record = Recorder()
    engine = lwt_engine.select()
    with socket_pairs(3) as [(a, a_back), (b, _), (c, _)]:
        a_back.send(b"x")
        for name, each in (("a", a), ("b", b), ("c", c)):
            engine.on_readable(each.fileno(), record(name))
        b.close()
        c.close()
        engine.iter(True)
    # In OCaml's order, which is descending here, and only here.
    assert record.take() == ["c", "b"]


def test_select_engines_say_so_in_their_identifier() -> None:
    assert User_select().id == User_poll().id == lwt_engine.Engine_id__select
    assert lwt_engine.select().id is lwt_engine.Engine_id__select
    assert lwt_engine.poll().id is lwt_engine.Engine_id__poll
    assert repr(lwt_engine.Engine_id__poll) == "Engine_id__poll"
