"""The pipe that wakes the main loop: opened, closed by others, replaced."""

import errno
import os

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._jobs.wakeup import MOST_KEPT, WakeupPipe
from tests.support.descriptors import is_open, no_more_descriptors

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Counting(WakeupPipe):
    """A pipe that counts what came."""

    def __init__(self) -> None:
        self.came = b""
        super().__init__()

    def deliver(self, event: lwt_engine.Event) -> None:
        self.came += os.read(self._reading, MOST_KEPT)


def turn() -> None:
    lwt_main.run(lwt.pause())


def test_what_is_written_wakes_the_main_loop() -> None:
    pipe = Counting()
    pipe.write(b"ab")
    turn()
    assert pipe.came == b"ab"
    pipe.close()


def test_what_there_is_no_room_for_is_dropped() -> None:
    pipe = Counting()
    for _ in range(MOST_KEPT + 10):
        pipe.write(b"a")
    turn()
    assert pipe.came == b"a" * MOST_KEPT
    pipe.close()


def test_one_that_is_there_is_not_replaced() -> None:
    pipe = Counting()
    assert not pipe.replace_if_gone()
    pipe.close()


def test_one_whose_numbers_belong_to_others_is_replaced_and_leaves_those_alone() -> None:
    pipe = Counting()
    numbers = pipe._reading, pipe._writing
    for number in numbers:
        os.close(number)
    others = [os.open("/dev/null", os.O_RDWR) for _ in numbers]
    assert set(others) == set(numbers)
    assert not pipe.is_there()
    assert pipe.replace_if_gone()
    pipe.write(b"a")
    turn()
    assert pipe.came == b"a"
    pipe.close()
    for other in others:
        assert is_open(other)
        os.close(other)


@pytest.mark.parametrize("end", ["_reading", "_writing"])
def test_to_write_while_others_close_it_is_no_error(end: str) -> None:
    pipe = Counting()
    os.close(getattr(pipe, end))
    pipe.write(b"a")
    assert pipe.replace_if_gone()
    pipe.write(b"b")
    turn()
    assert pipe.came == b"b"
    pipe.close()


def test_without_descriptors_the_error_tells_which_call_met_it() -> None:
    with no_more_descriptors(), pytest.raises(OSError, match="many") as raised:
        Counting()
    assert lwt_unix.unix_error(raised.value) == (errno.EMFILE, "pipe", "")
