"""Events of descriptors, on every engine: `lwt_unix.lwt_engine`."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.engines import (
    ENGINES,
    Engine_class,
    Recorder,
    User_poll,
    User_registering,
    User_select,
    fill,
    socket_pairs,
)

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=ENGINES, ids=lambda engine_class: engine_class.__name__)
def engine(request: pytest.FixtureRequest) -> Iterator[lwt_engine.abstract]:
    engine_class: Engine_class = request.param
    engine = engine_class()
    yield engine
    engine.check_invariants()
    engine.destroy()
    engine.check_invariants()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket_pairs(1) as pairs:
        yield pairs[0]


@pytest.fixture
def two_pairs() -> Iterator[list[Pair]]:
    with socket_pairs(2) as pairs:
        yield pairs


# --- When callbacks are called -----------------------------------------------


def test_readable_callback_is_called_with_its_event_while_there_is_data(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    seen: list[Event] = []
    event = engine.on_readable(pair[0].fileno(), seen.append)
    engine.iter(False)
    assert seen == []
    pair[1].send(b"x")
    engine.iter(True)
    engine.iter(True)
    assert seen == [event, event]
    pair[0].recv(1)
    engine.iter(False)
    assert seen == [event, event]


def test_writable_callback_is_called_while_there_is_room(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    engine.on_writable(pair[0].fileno(), record("writable"))
    engine.iter(True)
    assert record.take() == ["writable"]
    pair[0].setblocking(False)
    fill(pair[0].send)
    engine.iter(False)
    assert record.take() == []


def test_turn_that_may_not_block_returns_when_nothing_is_ready(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    engine.on_readable(pair[0].fileno(), record("readable"))
    engine.on_timer(3600, False, record("timer"))
    engine.iter(False)
    assert record.take() == []


def test_end_of_file_makes_a_descriptor_readable(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    engine.on_readable(pair[0].fileno(), record("readable"))
    pair[1].close()
    engine.iter(True)
    assert record.take() == ["readable"]


def test_lost_reader_makes_the_writing_end_of_a_pipe_writable(engine: lwt_engine.abstract) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fill(lambda data: os.write(writing, data))
    record = Recorder()
    event = engine.on_writable(writing, record("writable"))
    engine.iter(False)
    assert record.take() == []
    os.close(reading)
    engine.iter(True)
    assert record.take() == ["writable"]
    stop_event(event)
    os.close(writing)


# --- In which order ----------------------------------------------------------


def test_timers_come_first_then_readers_then_writers_each_by_descriptor(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    engine.on_writable(b.fileno(), record("b writable"))
    engine.on_readable(b.fileno(), record("b readable"))
    engine.on_writable(a.fileno(), record("a writable"))
    engine.on_readable(a.fileno(), record("a readable"))
    engine.on_timer(0, False, record("timer"))
    engine.iter(True)
    assert record.take() == ["timer", "a readable", "b readable", "a writable", "b writable"]


def test_newest_event_of_a_descriptor_is_called_first(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    pair[1].send(b"x")
    for name in ("first", "second", "third"):
        engine.on_readable(pair[0].fileno(), record(name))
    engine.iter(True)
    assert record.take() == ["third", "second", "first"]


# --- What callbacks change in their own turn ---------------------------------


def test_event_stopped_by_an_earlier_callback_of_the_same_turn_is_not_called(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    victims = [
        engine.on_readable(b.fileno(), record("other descriptor")),
        engine.on_writable(a.fileno(), record("other direction")),
        engine.on_readable(a.fileno(), record("same descriptor")),
    ]

    def stop_them(_: Event) -> None:
        record.calls.append("stopping")
        for victim in victims:
            stop_event(victim)

    engine.on_readable(a.fileno(), stop_them)
    engine.iter(True)
    assert record.take() == ["stopping"]


def test_timer_stops_the_event_of_a_descriptor_that_is_ready(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    pair[1].send(b"x")
    event = engine.on_readable(pair[0].fileno(), record("readable"))

    def stop_it(_: Event) -> None:
        record.calls.append("timer")
        stop_event(event)

    engine.on_timer(0, False, stop_it)
    engine.iter(True)
    assert record.take() == ["timer"]


def test_event_added_by_a_callback_of_the_same_descriptor_waits_for_the_next_turn(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    pair[1].send(b"x")

    def replace(event: Event) -> None:
        record.calls.append("old")
        stop_event(event)
        engine.on_readable(pair[0].fileno(), record("new"))

    engine.on_readable(pair[0].fileno(), replace)
    engine.iter(True)
    assert record.take() == ["old"]
    engine.iter(True)
    assert record.take() == ["new"]


def test_event_added_to_a_later_ready_descriptor_is_called_in_the_same_turn(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    old = engine.on_readable(b.fileno(), record("old"))

    def replace(_: Event) -> None:
        record.calls.append("replacing")
        stop_event(old)
        engine.on_readable(b.fileno(), record("new"))

    engine.on_readable(a.fileno(), replace)
    engine.iter(True)
    assert record.take() == ["replacing", "new"]


def test_reader_added_to_a_descriptor_that_was_watched_for_writing_only_waits(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.close()  # b reports a hang-up, whatever it was asked for
    engine.on_writable(b.fileno(), record("b writable"))

    def add(event: Event) -> None:
        record.calls.append("adding")
        stop_event(event)
        engine.on_readable(b.fileno(), record("b readable"))

    engine.on_readable(a.fileno(), add)
    engine.iter(True)
    assert record.take() == ["adding", "b writable"]
    engine.iter(True)
    assert record.take() == ["b readable", "b writable"]


def test_writer_added_to_a_descriptor_that_was_watched_for_reading_only_waits(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.close()  # b reports a hang-up, whatever it was asked for
    engine.on_readable(b.fileno(), record("b readable"))
    engine.on_writable(a.fileno(), record("a writable"))

    def add(event: Event) -> None:
        record.calls.append("adding")
        stop_event(event)
        engine.on_writable(b.fileno(), record("b writable"))

    engine.on_readable(a.fileno(), add)
    engine.iter(True)
    assert record.take() == ["adding", "b readable", "a writable"]
    engine.iter(True)
    assert record.take() == ["b readable", "a writable", "b writable"]


def test_exception_of_a_callback_leaves_the_turn_and_what_is_left_is_called_in_the_next(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")

    def interrupt(event: Event) -> None:
        stop_event(event)
        raise KeyboardInterrupt

    engine.on_readable(a.fileno(), interrupt)
    engine.on_readable(b.fileno(), record("b readable"))
    engine.on_writable(b.fileno(), record("b writable"))
    with pytest.raises(KeyboardInterrupt):
        engine.iter(True)
    assert record.take() == []
    engine.iter(True)
    assert record.take() == ["b readable", "b writable"]


def test_callback_may_perform_a_turn_of_its_own(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")

    def turn(event: Event) -> None:
        stop_event(event)
        engine.iter(True)
        record.calls.append("a")

    engine.on_readable(a.fileno(), turn)
    engine.on_readable(b.fileno(), record("b"))
    engine.iter(True)
    assert record.take() == ["b", "a", "b"]


# --- Stopping, counting, simulating ------------------------------------------


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


def test_fake_event_can_be_stopped_and_does_nothing() -> None:
    stop_event(lwt_engine.fake_event)
    stop_event(lwt_engine.fake_event)
    assert repr(lwt_engine.fake_event) == "<Event stopped>"


def test_stopping_something_else_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"lwt_engine\.stop_event: expected an event, got 3"):
        stop_event(3)  # type: ignore[arg-type]  # what is tested


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


def test_destroy_stops_every_event(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    events = [
        engine.on_readable(pair[0].fileno(), record("readable")),
        engine.on_writable(pair[0].fileno(), record("writable")),
        engine.on_timer(0, True, record("timer")),
    ]
    engine.destroy()
    assert [event.is_active for event in events] == [False, False, False]
    assert (engine.readable_count, engine.writable_count, engine.timer_count) == (0, 0, 0)


# --- Descriptors that are closed ---------------------------------------------


def test_closed_descriptor_counts_as_ready_so_that_its_callbacks_find_out(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    found: list[int | None] = []
    fd = pair[0].fileno()

    def try_it(event: Event) -> None:
        try:
            os.read(fd, 1)
        except OSError as error:
            found.append(error.errno)
            stop_event(event)

    engine.on_readable(fd, try_it)
    engine.on_writable(fd, try_it)
    pair[0].close()
    engine.iter(True)
    assert found == [errno.EBADF, errno.EBADF]


def test_closed_descriptor_goes_on_being_ready_until_its_events_are_stopped(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    event = engine.on_readable(pair[0].fileno(), record("bad"))
    pair[0].close()
    engine.iter(True)
    engine.iter(True)
    assert record.take() == ["bad", "bad"]
    stop_event(event)
    engine.iter(False)
    assert record.take() == []


def test_other_descriptors_are_served_beside_a_closed_one(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, _), (b, b_back) = two_pairs
    b_back.send(b"x")
    bad = engine.on_readable(a.fileno(), stop_event)
    engine.on_readable(b.fileno(), record("good"))
    a.close()
    engine.iter(True)
    engine.iter(True)
    assert "good" in record.take()
    assert not bad.is_active


def test_forget_stops_what_waits_for_a_descriptor(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    fd = pair[0].fileno()
    engine.adopt(fd)
    event = engine.on_readable(fd, record("readable"))
    pair[1].send(b"x")
    engine.iter(True)
    engine.forget(fd)
    assert not event.is_active
    engine.iter(False)
    assert record.take() == ["readable"]


def test_forgetting_an_unknown_descriptor_does_nothing(engine: lwt_engine.abstract) -> None:
    engine.forget(1_000_000)
    engine.iter(False)


def test_descriptor_forgotten_and_reused_within_a_turn_is_not_called_for_the_old_file(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    fd = b.fileno()
    engine.on_readable(fd, record("old"))
    reading, writing = os.pipe()

    def reuse(event: Event) -> None:
        stop_event(event)
        engine.forget(fd)
        os.dup2(reading, fd)
        engine.on_readable(fd, record("new"))

    engine.on_readable(a.fileno(), reuse)
    engine.iter(True)
    engine.iter(False)
    assert record.take() == []
    os.write(writing, b"x")
    engine.iter(True)
    assert record.take() == ["new"]
    engine.forget(fd)
    os.close(reading)
    os.close(writing)


def test_writer_of_a_reused_descriptor_is_not_called_for_the_old_file(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, _) = two_pairs
    a_back.send(b"x")
    fd = b.fileno()
    engine.on_writable(fd, record("old"))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fill(lambda data: os.write(writing, data))

    def reuse(event: Event) -> None:
        stop_event(event)
        engine.forget(fd)
        os.dup2(writing, fd)
        engine.on_writable(fd, record("new"))

    engine.on_readable(a.fileno(), reuse)
    engine.iter(True)
    engine.iter(False)
    assert record.take() == []
    os.close(reading)
    engine.iter(True)
    assert record.take() == ["new"]
    engine.forget(fd)
    os.close(writing)


def test_descriptor_reused_after_its_event_was_stopped_is_watched(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    # Nobody adopted it and nobody tells the engine, as with a library of its own.
    record = Recorder()
    fd = pair[0].fileno()
    reading, writing = os.pipe()
    event = engine.on_readable(fd, record("old"))
    engine.iter(False)
    stop_event(event)
    os.dup2(reading, fd)
    engine.on_readable(fd, record("new"))
    engine.iter(False)
    assert record.take() == []
    os.write(writing, b"x")
    engine.iter(True)
    assert record.take() == ["new"]
    os.close(reading)
    os.close(writing)


def test_regular_file_is_always_ready(
    engine: lwt_engine.abstract, tmp_path: os.PathLike[str]
) -> None:
    record = Recorder()
    fd = os.open(os.path.join(tmp_path, "file"), os.O_RDWR | os.O_CREAT)
    engine.on_readable(fd, record("readable"))
    engine.on_writable(fd, record("writable"))
    engine.iter(True)
    engine.iter(True)
    assert record.take() == ["readable", "writable"] * 2
    engine.forget(fd)
    os.close(fd)


# --- Arguments ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["on_readable", "on_writable"])
@pytest.mark.parametrize(
    ("fd", "callback", "error", "message"),
    [
        (-1, print, ValueError, "-1 is not a file descriptor; the fileno\\(\\) of a closed"),
        (2**31, print, ValueError, "2147483648 is not a file descriptor; none is above"),
        ("0", print, TypeError, "expected a file descriptor, got '0' \\(str\\)"),
        (True, print, TypeError, "expected a file descriptor, got True \\(bool\\)"),
        (0, None, TypeError, "expected a function of one argument, the event, got None"),
    ],
)
def test_bad_registration_is_refused_and_changes_nothing(
    engine: lwt_engine.abstract,
    method: str,
    fd: int,
    callback: Callable[[Event], object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=f"^lwt_engine.{method}: {message}"):
        getattr(engine, method)(fd, callback)
    assert (engine.readable_count, engine.writable_count) == (0, 0)
    engine.iter(False)


def test_socket_in_place_of_its_number_is_refused_with_a_hint(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    with pytest.raises(TypeError, match=r"pass its number, or its fileno\(\)"):
        engine.on_readable(pair[0], print)  # type: ignore[arg-type]  # what is tested


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


def test_engine_that_lacks_a_method_cannot_be_made() -> None:
    class Incomplete(lwt_engine.select_based):
        pass

    with pytest.raises(TypeError, match="select"):
        Incomplete()  # type: ignore[abstract]  # what is tested


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
