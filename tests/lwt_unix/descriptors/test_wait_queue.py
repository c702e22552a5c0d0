"""Those who wait for a descriptor: in which order they are served, and how they are taken back."""

from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import Write, lwt_engine, lwt_main
from tests.support.builds import interpreted_only
from tests.support.descriptors import Log, Pair, counts, read_one, send

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


# --- Order -------------------------------------------------------------------


def test_those_who_wait_are_served_in_the_order_of_their_coming(pair: Pair) -> None:
    log = Log()
    for name in "123":
        log.watch(name, read_one(pair[0]))
    send(pair[1], b"abc")
    lwt_engine.iter(True)
    assert log == ["1=a", "2=b", "3=c"]


def test_however_many_wait_the_engine_has_one_event(pair: Pair) -> None:
    waiting = [read_one(pair[0]) for _ in range(3)]
    assert counts() == (1, 0)
    for promise in waiting:
        lwt.cancel(promise)


def test_callbacks_that_read_at_once_are_ahead_of_those_who_still_wait(pair: Pair) -> None:
    # The same program gives the same order with OCaml's Lwt_unix.
    log = Log()
    first, second, third = read_one(pair[0]), read_one(pair[0]), read_one(pair[0])
    log.watch("third", third)
    log.watch("first", first)
    log.watch("second", second)
    lwt.on_success(first, lambda _: log.watch("fourth", read_one(pair[0])))
    lwt.on_success(second, lambda _: log.watch("fifth", read_one(pair[0])))
    send(pair[1], b"abcdefgh")
    lwt_engine.iter(True)
    assert log == ["fourth=b", "first=a", "fifth=d", "second=c", "third=e"]


def test_one_who_waits_again_from_its_callback_is_asked_again_in_the_same_turn_if_others_wait(
    pair: Pair,
) -> None:
    log = Log()

    def action(name: str) -> Callable[[], str]:
        def tried() -> str:
            log.append(name)
            return name

        return tried

    again = lwt.bind(
        lwt_unix.register_action(Write, pair[0], action("first")),
        lambda _: lwt_unix.register_action(Write, pair[0], action("again")),
    )
    second = lwt_unix.register_action(Write, pair[0], action("second"))
    lwt_engine.iter(True)
    assert log == ["first", "second", "again"]
    assert lwt_main.run(lwt.both(again, second)) == ("again", "second")


def test_one_who_waits_again_alone_is_not_asked_again_in_the_same_turn(pair: Pair) -> None:
    log = Log()
    again = lwt.bind(
        lwt_unix.register_action(Write, pair[0], lambda: log.append("first")),
        lambda _: lwt_unix.register_action(Write, pair[0], lambda: log.append("again")),
    )
    lwt_engine.iter(True)
    after_one_turn = log[:]
    lwt_main.run(again)
    assert (after_one_turn, log) == (["first"], ["first", "again"])


@interpreted_only("it calls the functions that the test replaces without looking for their names")
def test_waiting_again_from_a_callback_keeps_the_event(pair: Pair) -> None:
    changes = Log()
    register, stop = lwt_engine.on_readable, lwt_engine.stop_event

    def on_readable(fd: int, callback: Callable[[lwt_engine.Event], object]) -> lwt_engine.Event:
        changes.append("register")
        return register(fd, callback)

    def stop_event(event: lwt_engine.Event) -> None:
        changes.append("stop")
        stop(event)

    async def read_three_times() -> str:
        await read_one(pair[0])
        await read_one(pair[0])
        return await read_one(pair[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lwt_engine, "on_readable", on_readable)
        patch.setattr(lwt_engine, "stop_event", stop_event)
        reading = lwt.of_coroutine(read_three_times())
        for _ in range(3):
            send(pair[1], b"x")
            lwt_engine.iter(True)
    assert lwt_main.run(reading) == "x"
    assert changes == ["register", "stop"]


# --- Cancelling --------------------------------------------------------------


def test_cancelling_takes_the_interest_back_at_once(pair: Pair) -> None:
    promise = read_one(pair[0])
    before = counts()
    lwt.cancel(promise)
    assert (before, counts()) == ((1, 0), (0, 0))
    assert lwt.state(promise) == lwt.Fail(lwt.Canceled())


def test_cancelling_one_leaves_the_others_waiting(pair: Pair) -> None:
    log = Log()
    promises = [read_one(pair[0]) for _ in range(3)]
    for name, promise in zip("123", promises, strict=True):
        log.watch(name, promise)
    lwt.cancel(promises[1])
    send(pair[1], b"ab")
    lwt_engine.iter(True)
    assert log == ["2!Canceled", "1=a", "3=b"]


def test_a_cancelled_read_leaves_the_bytes_to_the_next(pair: Pair) -> None:
    lwt.cancel(read_one(pair[0]))
    send(pair[1], b"x")
    assert lwt_main.run(read_one(pair[0])) == "x"


def test_cancelling_from_a_callback_of_an_earlier_one_spares_the_later_one_its_action(
    pair: Pair,
) -> None:
    log = Log()
    first, second = read_one(pair[0]), read_one(pair[0])
    log.watch("second", second)
    lwt.on_success(first, lambda _: lwt.cancel(second))
    log.watch("first", first)
    send(pair[1], b"ab")
    lwt_engine.iter(True)
    assert sorted(log) == ["first=a", "second!Canceled"]
    assert lwt_main.run(read_one(pair[0])) == "b"
