"""Notifications: sent by any thread, called in the main loop."""

import os
import signal
import threading
from collections.abc import Callable
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._jobs import notifications
from tests.support.collecting import for_every_collection
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def turn() -> None:
    """Let the main loop turn once, and not wait."""
    lwt_main.run(lwt.pause())


def in_a_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@pytest.fixture
def log() -> list[str]:
    return []


def test_what_a_thread_sends_is_called_in_the_main_loop(log: list[str]) -> None:
    thread = threading.get_ident()
    here = lwt_unix.make_notification(lambda: log.append(str(threading.get_ident() == thread)))
    in_a_thread(lambda: lwt_unix.send_notification(here))
    assert log == []
    turn()
    assert log == ["True"]


def test_the_main_loop_that_waits_is_woken() -> None:
    promise, resolver = lwt.wait()
    done = lwt_unix.make_notification(lambda: lwt.wakeup(resolver, 3))
    threading.Timer(0.01, lwt_unix.send_notification, args=(done,)).start()
    assert lwt_main.run(promise) == 3


def test_notifications_are_called_in_the_order_and_as_often_as_they_were_sent(
    log: list[str],
) -> None:
    a, b = (lwt_unix.make_notification(partial(log.append, name)) for name in "ab")
    for one in a, b, b, a:
        lwt_unix.send_notification(one)
    turn()
    assert log == ["a", "b", "b", "a"]


def test_a_hundred_thousand_that_nobody_looks_at_are_all_called() -> None:
    count = lwt.Ref(0)

    def add() -> None:
        count.contents += 1

    one = lwt_unix.make_notification(add)

    def send() -> None:
        for _ in range(25_000):
            lwt_unix.send_notification(one)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turn()
    assert count.contents == 100_000


def test_once_means_once(log: list[str]) -> None:
    one = lwt_unix.make_notification(lambda: log.append("called"), once=True)
    for _ in range(2):
        lwt_unix.send_notification(one)
    turn()
    lwt_unix.call_notification(one)
    assert log == ["called"]


def test_once_is_stopped_before_the_call(log: list[str]) -> None:
    def function() -> None:
        with pytest.raises(LookupError):
            lwt_unix.set_notification(one, print)
        log.append("called")

    one = lwt_unix.make_notification(function, once=True)
    lwt_unix.call_notification(one)
    assert log == ["called"]


def test_one_that_is_stopped_is_not_called_though_it_was_sent(log: list[str]) -> None:
    one = lwt_unix.make_notification(lambda: log.append("called"))
    lwt_unix.send_notification(one)
    lwt_unix.stop_notification(one)
    lwt_unix.stop_notification(one)
    turn()
    lwt_unix.call_notification(one)
    assert log == []
    assert repr(one).endswith("(stopped)>")


def test_another_function_takes_the_place_of_the_first_also_for_what_was_sent(
    log: list[str],
) -> None:
    one = lwt_unix.make_notification(lambda: log.append("first"))
    lwt_unix.send_notification(one)
    lwt_unix.set_notification(one, lambda: log.append("second"))
    turn()
    assert log == ["second"]


def test_a_function_cannot_be_given_to_one_that_is_stopped() -> None:
    one = lwt_unix.make_notification(print)
    lwt_unix.stop_notification(one)
    with pytest.raises(LookupError, match=r"^lwt_unix\.set_notification: <notification .*stopped"):
        lwt_unix.set_notification(one, print)


def test_one_that_sends_itself_delays_nobody(log: list[str]) -> None:
    def again() -> None:
        log.append("again")
        lwt_unix.send_notification(one)

    one = lwt_unix.make_notification(again)
    lwt_unix.send_notification(one)
    turn()
    turn()
    assert log == ["again"] * 2


def test_an_exception_leaves_through_the_main_loop_and_the_others_are_called_then(
    log: list[str],
) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    bad = lwt_unix.make_notification(fail)
    good = lwt_unix.make_notification(lambda: log.append("good"))
    for one in bad, good, bad, good:
        lwt_unix.send_notification(one)
    for expected in [], ["good"]:
        with pytest.raises(KeyboardInterrupt):
            turn()
        assert log == expected
    turn()
    assert log == ["good"] * 2


def test_a_signal_handler_of_python_s_may_send_one(log: list[str]) -> None:
    one = lwt_unix.make_notification(lambda: log.append("came"))
    before = signal.signal(signal.SIGUSR1, lambda *_: lwt_unix.send_notification(one))
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        turn()
        assert log == ["came"]
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("transfer", [True, False])
def test_a_new_engine_hears_of_notifications(log: list[str], transfer: bool) -> None:
    usual = lwt_engine.get()
    one = lwt_unix.make_notification(lambda: log.append("called"))
    lwt_unix.send_notification(one)
    lwt_engine.set(lwt_engine.select(), transfer=transfer, destroy=False)
    turn()
    lwt_unix.send_notification(one)
    turn()
    assert log == ["called"] * 2
    lwt_engine.set(usual)


def test_a_child_process_has_a_pipe_of_its_own_and_nothing_of_what_was_sent(log: list[str]) -> None:
    one = lwt_unix.make_notification(lambda: log.append("called"))
    lwt_unix.send_notification(one)

    def child() -> None:
        turn()
        assert log == []
        in_a_thread(lambda: lwt_unix.send_notification(one))
        turn()
        assert log == ["called"]

    assert in_child(child) == 0
    turn()
    assert log == ["called"]


def test_a_child_that_a_body_forks_hears_of_notifications(log: list[str]) -> None:
    one = lwt_unix.make_notification(lambda: log.append("called"))

    def child() -> None:
        in_a_thread(lambda: lwt_unix.send_notification(one))
        turn()
        assert log == ["called"]

    async def main() -> int:
        await lwt.pause()
        return in_child(child)

    assert lwt_main.run(main()) == 0


def test_a_program_that_closes_all_descriptors_hears_of_notifications() -> None:
    program = """
import os, threading, lwt, lwt_unix
from lwt_unix import lwt_engine, lwt_main
promise, resolver = lwt.wait()
one = lwt_unix.make_notification(lambda: lwt.wakeup(resolver, "called"))
os.closerange(3, 100)
others = [os.open("/dev/null", os.O_RDWR) for _ in range(20)]
lwt_unix.send_notification(one)
lwt_engine.set(lwt_engine.libev())
print(lwt_main.run(promise))
"""
    run = run_code(program)
    assert (run.stdout, run.stderr) == ("called\n", "")


def test_a_finaliser_may_send_or_stop_one_at_any_place() -> None:
    class Notified:
        def __init__(self) -> None:
            self.log: list[str] = []
            self.other = lwt_unix.make_notification(lambda: self.log.append("other"))
            self.stopped = lwt_unix.make_notification(lambda: self.log.append("stopped"))
            self.one = lwt_unix.make_notification(lambda: self.log.append("one"))

        def interfere(self) -> None:
            lwt_unix.stop_notification(self.stopped)
            lwt_unix.send_notification(self.other)

    def operation(notified: Notified) -> None:
        lwt_unix.send_notification(notified.one)
        lwt_engine.iter(False)

    def check(notified: Notified, _: object) -> None:
        turn()
        assert sorted(notified.log) == ["one", "other"]

    for_every_collection(Notified, operation, Notified.interfere, check)


def test_a_finaliser_may_open_the_pipe_while_it_is_opened() -> None:
    def check(_: object, one: lwt_unix.Notification) -> None:
        lwt_unix.send_notification(one)
        turn()
        assert called
        called.clear()

    called: list[int] = []
    for_every_collection(
        notifications.renew,
        lambda _: lwt_unix.make_notification(lambda: called.append(1)),
        lambda _: notifications.open_way(),
        check,
    )
