"""Users and groups."""

import errno
import grp
import os
import pwd
import threading
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_main
from tests.support.sockets import unix_error_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

anything: Any = lwt_unix


def test_a_user_is_known_by_name_and_by_number() -> None:
    wanted = lwt_unix.Passwd_entry(*pwd.getpwuid(os.getuid()))
    assert lwt_main.run(lwt_unix.getpwuid(os.getuid())) == wanted
    assert lwt_main.run(lwt_unix.getpwnam(wanted.pw_name)).pw_name == wanted.pw_name
    assert wanted.pw_dir == pwd.getpwuid(os.getuid()).pw_dir


def test_a_group_is_known_by_name_and_by_number() -> None:
    found = grp.getgrgid(os.getgid())
    wanted = lwt_unix.Group_entry(found.gr_name, str(found.gr_passwd), found.gr_gid, found.gr_mem)
    assert lwt_main.run(lwt_unix.getgrgid(os.getgid())) == wanted
    assert lwt_main.run(lwt_unix.getgrnam(wanted.gr_name)) == wanted


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda: lwt_unix.getpwnam("no such user"), "getpwnam: user 'no such user'"),
        (lambda: lwt_unix.getpwnam(""), "getpwnam: user ''"),
        (lambda: lwt_unix.getpwuid(-1), "getpwuid: user -1"),
        (lambda: lwt_unix.getgrnam("no such group"), "getgrnam: group 'no such group'"),
        (lambda: lwt_unix.getgrgid(2**32 - 1), "getgrgid: group 4294967295"),
    ],
)
def test_who_is_not_known_is_a_lookup_error(
    ask: Callable[[], lwt.Promise[object]], what: str
) -> None:
    with pytest.raises(LookupError, match=rf"^lwt_unix\.{what} is not known$") as raised:
        lwt_main.run(ask())
    assert not isinstance(raised.value, KeyError)


def test_a_negative_number_is_the_large_one_that_it_stands_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def answer(number: int) -> Any:
        asked.append(number)
        return "nobody", "*", number, number, "", "/", "/bin/false"

    monkeypatch.setattr(system, "getpwuid", answer)
    assert lwt_main.run(lwt_unix.getpwuid(-2)).pw_name == "nobody"
    assert asked == [2**32 - 2]


def test_an_error_of_the_system_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(system, "getgrnam", fail)
    asked = unix_error_of(lambda: lwt_main.run(lwt_unix.getgrnam("adm")))
    assert asked == (errno.EMFILE, "getgrnam", "")
    monkeypatch.setattr(system, "getlogin", fail)
    asked = unix_error_of(lambda: lwt_main.run(lwt_unix.getlogin()))
    assert asked == (errno.EMFILE, "getlogin", "")


def test_the_user_of_the_terminal_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "getlogin", lambda: "somebody")
    assert lwt_main.run(lwt_unix.getlogin()) == "somebody"


ASKING: dict[str, Callable[[], lwt.Promise[Any]]] = {
    "getlogin": lwt_unix.getlogin,
    "getpwnam": lambda: lwt_unix.getpwnam("root"),
    "getpwuid": lambda: lwt_unix.getpwuid(0),
    "getgrnam": lambda: lwt_unix.getgrnam("root"),
    "getgrgid": lambda: lwt_unix.getgrgid(0),
}


@pytest.mark.parametrize("name", ASKING)
def test_each_question_is_asked_by_a_thread(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_by: list[threading.Thread] = []

    def ask(*_: object) -> Any:
        asked_by.append(threading.current_thread())
        raise OSError(errno.EIO, "no answer")

    monkeypatch.setattr(system, name, ask)
    asking = ASKING[name]()
    assert lwt.is_sleeping(asking)
    assert unix_error_of(lambda: lwt_main.run(asking)) == (errno.EIO, name, "")
    assert asked_by
    assert threading.main_thread() not in asked_by


@pytest.mark.parametrize("name", ["getpwnam", "getgrnam"])
def test_what_is_no_name_is_refused(name: str) -> None:
    ask = getattr(anything, name)
    with pytest.raises(TypeError, match=rf"^lwt_unix\.{name}: expected a str for the name, got 0 "):
        ask(0)
    with pytest.raises(ValueError, match=rf"^lwt_unix\.{name}: the name 'ro\\x00ot' has a NUL"):
        ask("ro\0ot")


@pytest.mark.parametrize("name", ["getpwuid", "getgrgid"])
def test_what_is_no_number_is_refused(name: str) -> None:
    ask = getattr(anything, name)
    with pytest.raises(TypeError, match=rf"^lwt_unix\.{name}: expected an int for [ug]id"):
        ask("root")
    with pytest.raises(ValueError, match=rf"^lwt_unix\.{name}: [ug]id is 4294967296"):
        ask(2**32)
