"""Terminals: how they are set, and what is on its way. Each has a program on its other side: this test."""

import errno
import os
import pty
import select
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_main
from tests.support.sockets import Open, unix_error_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

anything: Any = lwt_unix


@pytest.fixture
def sides() -> Iterator[tuple[lwt_unix.File_descr, int]]:
    """A terminal, and the number by which its other side is reached."""
    other, terminal = pty.openpty()
    descriptor = lwt_unix.of_unix_file_descr(terminal)
    yield descriptor, other
    os.close(other)
    if lwt_unix.state(descriptor) is not lwt_unix.Closed:
        lwt_main.run(lwt_unix.close(descriptor))


@pytest.fixture
def terminal(sides: tuple[lwt_unix.File_descr, int]) -> lwt_unix.File_descr:
    return sides[0]


def settings_of(descriptor: lwt_unix.File_descr) -> lwt_unix.Terminal_io:
    return lwt_main.run(lwt_unix.tcgetattr(descriptor))


def set_at_once(descriptor: lwt_unix.File_descr, settings: lwt_unix.Terminal_io) -> None:
    lwt_main.run(lwt_unix.tcsetattr(descriptor, lwt_unix.TCSANOW, settings))


# --- How a terminal is set ---------------------------------------------------


def test_a_new_terminal_is_set_as_the_system_does(terminal: lwt_unix.File_descr) -> None:
    found = settings_of(terminal)
    assert found.c_echo and found.c_icanon and found.c_isig and found.c_opost and found.c_icrnl
    assert not (found.c_igncr or found.c_parenb or found.c_noflsh)
    assert (found.c_vintr, found.c_veof, found.c_vkill) == (b"\x03", b"\x04", b"\x15")
    assert (found.c_csize, found.c_cstopb, found.c_vmin) == (8, 1, 1)
    assert found.c_obaud == found.c_ibaud == 38400


FLAGS = {field.name for field in fields(lwt_unix.Terminal_io) if field.type in {"bool", bool}}


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_each_flag_is_the_system_s_own_of_that_name(
    flag: str, terminal: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = getattr(termios, flag.removeprefix("c_").upper())
    before = termios.tcgetattr(lwt_unix.unix_file_descr(terminal))
    settings = settings_of(terminal)
    setattr(settings, flag, not getattr(settings, flag))
    if flag in {"c_parenb", "c_cread"}:  # A pseudoterminal cannot be set otherwise.
        told: list[list[Any]] = []
        monkeypatch.setattr(system, "tcsetattr", lambda _, __, found: told.append(found))
        set_at_once(terminal, settings)
        after = told[0]
    else:
        set_at_once(terminal, settings)
        after = termios.tcgetattr(lwt_unix.unix_file_descr(terminal))
        assert settings_of(terminal) == settings
    changed = [old ^ new for old, new in zip(before[:4], after[:4], strict=True)]
    assert sum(changed) == mask


def test_characters_and_counts_are_set(terminal: lwt_unix.File_descr) -> None:
    settings = settings_of(terminal)
    settings.c_vintr, settings.c_veol = b"\x07", b"\xff"
    settings.c_vstop = "s"  # type: ignore[assignment]  # A str of one byte is one.
    settings.c_vmin, settings.c_vtime = 4, 256 + 5  # There is room for a byte.
    set_at_once(terminal, settings)
    expected = replace(settings, c_vstop=b"s", c_vtime=5)
    assert settings_of(terminal) == expected
    set_at_once(terminal, replace(expected, c_icanon=False))
    assert settings_of(terminal) == replace(expected, c_icanon=False)


def test_speeds_and_stop_bits_are_set(terminal: lwt_unix.File_descr) -> None:
    settings = replace(settings_of(terminal), c_obaud=9600, c_ibaud=9600, c_cstopb=2)
    set_at_once(terminal, settings)
    assert settings_of(terminal) == settings
    found = termios.tcgetattr(lwt_unix.unix_file_descr(terminal))
    assert found[4:6] == [termios.B9600, termios.B9600]


def test_a_speed_that_ocaml_does_not_know_is_the_usual_one(
    terminal: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = termios.tcgetattr(lwt_unix.unix_file_descr(terminal))
    monkeypatch.setattr(system, "tcgetattr", lambda _: [*found[:4], 12345678, 12345678, found[6]])
    assert settings_of(terminal).c_obaud == settings_of(terminal).c_ibaud == 9600


@pytest.mark.parametrize(
    "wrong", [{"c_obaud": 12345}, {"c_ibaud": -1}, {"c_csize": 9}, {"c_cstopb": 0}]
)
def test_a_setting_that_no_terminal_has_rejects_and_changes_nothing(
    wrong: dict[str, int], terminal: lwt_unix.File_descr
) -> None:
    before = settings_of(terminal)
    settings = replace(before, c_echo=False, **wrong)  # type: ignore[arg-type]  # One is an int.
    setting = lwt_unix.tcsetattr(terminal, lwt_unix.TCSANOW, settings)
    assert unix_error_of(lambda: lwt_main.run(setting)) == (errno.EINVAL, "tcsetattr", "")
    assert settings_of(terminal) == before


def test_settings_are_copied_at_the_call(terminal: lwt_unix.File_descr) -> None:
    settings = replace(settings_of(terminal), c_echo=False)
    setting = lwt_unix.tcsetattr(terminal, lwt_unix.TCSANOW, settings)
    settings.c_echo = True
    lwt_main.run(setting)
    assert not settings_of(terminal).c_echo


def test_settings_may_throw_away_what_was_typed(
    sides: tuple[lwt_unix.File_descr, int],
) -> None:
    terminal, other = sides
    settings = settings_of(terminal)
    os.write(other, b"typed\n")
    select.select([lwt_unix.unix_file_descr(terminal)], [], [])
    lwt_main.run(lwt_unix.tcsetattr(terminal, lwt_unix.TCSAFLUSH, settings))
    assert not lwt_unix.readable(terminal)


@pytest.mark.parametrize("when", [lwt_unix.TCSANOW, lwt_unix.TCSADRAIN, lwt_unix.TCSAFLUSH])
def test_the_system_is_told_when_settings_take_effect(
    when: lwt_unix.Setattr_when, terminal: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(terminal)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(system, "tcsetattr", lambda fd, when, _: told.append((fd, when)))
    lwt_main.run(lwt_unix.tcsetattr(terminal, when, settings))
    assert told == [(lwt_unix.unix_file_descr(terminal), getattr(termios, when.name))]


# --- What is on its way ------------------------------------------------------


@pytest.mark.parametrize(
    ("queue", "stays"),
    [(lwt_unix.TCOFLUSH, True), (lwt_unix.TCIFLUSH, False), (lwt_unix.TCIOFLUSH, False)],
)
def test_what_was_typed_is_thrown_away(
    queue: lwt_unix.Flush_queue, stays: bool, sides: tuple[lwt_unix.File_descr, int]
) -> None:
    terminal, other = sides
    os.write(other, b"typed\n")
    select.select([lwt_unix.unix_file_descr(terminal)], [], [])
    lwt_main.run(lwt_unix.tcflush(terminal, queue))
    assert lwt_unix.readable(terminal) == stays


def test_breaks_and_draining_are_done(terminal: lwt_unix.File_descr) -> None:
    lwt_main.run(lwt_unix.tcsendbreak(terminal, 0))
    lwt_main.run(lwt_unix.tcdrain(terminal))


@pytest.mark.parametrize(
    "action", [lwt_unix.TCOOFF, lwt_unix.TCOON, lwt_unix.TCIOFF, lwt_unix.TCION]
)
def test_the_system_is_told_what_is_to_wait(
    action: lwt_unix.Flow_action, terminal: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(system, "tcflow", lambda *arguments: told.append(arguments))
    lwt_main.run(lwt_unix.tcflow(terminal, action))
    assert told == [(lwt_unix.unix_file_descr(terminal), getattr(termios, action.name))]


# --- All of them -------------------------------------------------------------

CALLS: dict[str, Callable[[Any], lwt.Promise[object]]] = {
    "tcgetattr": lwt_unix.tcgetattr,
    "tcsendbreak": lambda x: lwt_unix.tcsendbreak(x, 0),
    "tcdrain": lwt_unix.tcdrain,
    "tcflush": lambda x: lwt_unix.tcflush(x, lwt_unix.TCIFLUSH),
    "tcflow": lambda x: lwt_unix.tcflow(x, lwt_unix.TCOON),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_terminal_rejects(name: str, opened: Open) -> None:
    reading, writing = map(opened, lwt_unix.pipe())
    assert unix_error_of(lambda: lwt_main.run(CALLS[name](reading))) == (errno.ENOTTY, name, "")
    assert lwt_unix.state(writing) is lwt_unix.Opened


@pytest.mark.parametrize("name", CALLS)
def test_each_call_is_made_by_a_thread(
    name: str, terminal: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by: list[threading.Thread] = []

    def call(*_: object) -> Any:
        made_by.append(threading.current_thread())
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(system, name, call)
    calling = CALLS[name](terminal)
    assert lwt.is_sleeping(calling)
    assert unix_error_of(lambda: lwt_main.run(calling)) == (errno.EIO, name, "")
    assert made_by
    assert threading.main_thread() not in made_by


def test_a_terminal_is_not_closed_before_the_call_is_over(
    sides: tuple[lwt_unix.File_descr, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, _ = sides
    may_end = threading.Event()
    monkeypatch.setattr(system, "tcdrain", lambda _: may_end.wait())
    draining = lwt_unix.tcdrain(terminal)
    closing = lwt_unix.close(terminal)
    assert lwt.is_sleeping(closing)
    os.fstat(lwt_unix.unix_file_descr(terminal))
    may_end.set()
    lwt_main.run(lwt.join([lwt.map(lambda _: None, draining), closing]))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda t, s: anything.tcsendbreak(t, "0"), "tcsendbreak: expected an int for delay"),
        (lambda t, s: anything.tcflush(t, 0), "tcflush: expected a flush_queue, .*TCIFLUSH"),
        (lambda t, s: anything.tcflow(t, 0), "tcflow: expected a flow_action, .*TCOOFF"),
        (lambda t, s: anything.tcsetattr(t, 0, s), "tcsetattr: expected a setattr_when, .*TCSANOW"),
        (
            lambda t, s: anything.tcsetattr(t, lwt_unix.TCSANOW, [3]),
            "tcsetattr: expected a terminal_io, .*tcgetattr gives",
        ),
        (
            lambda t, s: anything.tcsetattr(t, lwt_unix.TCSANOW, replace(s, c_echo=1)),
            r"tcsetattr: expected a bool, got 1 \(int\); c_echo is on or off",
        ),
        (
            lambda t, s: anything.tcsetattr(t, lwt_unix.TCSANOW, replace(s, c_vmin="1")),
            "tcsetattr: expected an int for c_vmin",
        ),
        (
            lambda t, s: anything.tcsetattr(t, lwt_unix.TCSANOW, replace(s, c_vintr="^C")),
            "tcsetattr: expected one byte for c_vintr, got '.C'",
        ),
        (
            lambda t, s: anything.tcsetattr(t, lwt_unix.TCSANOW, replace(s, c_vintr=3)),
            r"tcsetattr: expected one byte for c_vintr, got 3 .*b'\\x03' for Ctrl-C",
        ),
    ],
)
def test_arguments_of_a_wrong_kind_are_refused(
    call: Callable[[Any, Any], object], error: str, terminal: lwt_unix.File_descr
) -> None:
    settings = settings_of(terminal)
    with pytest.raises(TypeError, match=rf"^lwt_unix\.{error}"):
        call(terminal, settings)
    assert settings_of(terminal) == settings
