"""The options of sockets, each read back from the system."""

import errno
import math
import socket
from collections.abc import Iterator
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture
def sock() -> Iterator[lwt_unix.File_descr]:
    descriptor = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    yield descriptor
    lwt_main.run(lwt_unix.close(descriptor))


@pytest.mark.parametrize(
    "option",
    [
        lwt_unix.SO_REUSEADDR,
        lwt_unix.SO_REUSEPORT,
        lwt_unix.SO_KEEPALIVE,
        lwt_unix.SO_OOBINLINE,
        lwt_unix.SO_BROADCAST,
        lwt_unix.SO_DONTROUTE,
        lwt_unix.TCP_NODELAY,
    ],
)
def test_a_switch_is_turned_on_and_off(
    sock: lwt_unix.File_descr, option: lwt_unix.Socket_bool_option
) -> None:
    seen = [lwt_unix.getsockopt(sock, option)]
    for value in (True, False):
        lwt_unix.setsockopt(sock, option, value)
        seen.append(lwt_unix.getsockopt(sock, option))
    assert seen == [False, True, False]


def test_whether_a_socket_listens_is_a_switch_to_read(sock: lwt_unix.File_descr) -> None:
    before = lwt_unix.getsockopt(sock, lwt_unix.SO_ACCEPTCONN)
    lwt_unix.listen(sock, 1)
    assert (before, lwt_unix.getsockopt(sock, lwt_unix.SO_ACCEPTCONN)) == (False, True)


def test_ipv6_only_is_an_option_of_that_domain() -> None:
    descriptor = lwt_unix.socket(lwt_unix.PF_INET6, lwt_unix.SOCK_STREAM, 0)
    lwt_unix.setsockopt(descriptor, lwt_unix.IPV6_ONLY, True)
    assert lwt_unix.getsockopt(descriptor, lwt_unix.IPV6_ONLY) is True
    lwt_main.run(lwt_unix.close(descriptor))


def test_the_size_of_a_buffer_is_a_number(sock: lwt_unix.File_descr) -> None:
    lwt_unix.setsockopt_int(sock, lwt_unix.SO_RCVBUF, 20_000)
    assert lwt_unix.getsockopt_int(sock, lwt_unix.SO_RCVBUF) >= 20_000


def test_the_type_of_a_socket_is_a_number_of_the_system(sock: lwt_unix.File_descr) -> None:
    assert lwt_unix.getsockopt_int(sock, lwt_unix.SO_TYPE) == socket.SOCK_STREAM


def test_linger_is_off_or_a_number_of_seconds(sock: lwt_unix.File_descr) -> None:
    seen = [lwt_unix.getsockopt_optint(sock, lwt_unix.SO_LINGER)]
    values = [lwt.Some(5), lwt.Some(0), None]
    for value in values:
        lwt_unix.setsockopt_optint(sock, lwt_unix.SO_LINGER, value)
        seen.append(lwt_unix.getsockopt_optint(sock, lwt_unix.SO_LINGER))
    assert seen == [None, *values]


def test_linger_must_be_an_option(sock: lwt_unix.File_descr) -> None:
    with pytest.raises(TypeError, match="Some"):
        lwt_unix.setsockopt_optint(sock, lwt_unix.SO_LINGER, 5)  # type: ignore[arg-type]  # tested


def test_the_timeout_of_a_call_is_in_seconds(sock: lwt_unix.File_descr) -> None:
    before = lwt_unix.getsockopt_float(sock, lwt_unix.SO_RCVTIMEO)
    lwt_unix.setsockopt_float(sock, lwt_unix.SO_RCVTIMEO, 1.5)
    # The system rounds to its clock.
    after = lwt_unix.getsockopt_float(sock, lwt_unix.SO_RCVTIMEO)
    assert before == 0.0
    assert after == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize("seconds", [-0.5, -1.0, math.inf, math.nan])
def test_a_timeout_that_is_no_time_gives_the_error_of_the_system(
    sock: lwt_unix.File_descr, seconds: float
) -> None:
    with pytest.raises(OSError, match="out of domain") as raised:
        lwt_unix.setsockopt_float(sock, lwt_unix.SO_RCVTIMEO, seconds)
    assert raised.value.errno == errno.EDOM


@pytest.mark.parametrize("value", ["1", b"abcd", 1.0, None, True])
def test_values_of_another_type_are_refused(sock: lwt_unix.File_descr, value: object) -> None:
    wrong: Any = value
    with pytest.raises(
        TypeError, match=r"^lwt_unix\.setsockopt_int: expected an int for the value"
    ):
        lwt_unix.setsockopt_int(sock, lwt_unix.SO_RCVBUF, wrong)
    with pytest.raises(TypeError, match=r"^lwt_unix\.setsockopt_optint: expected an int"):
        lwt_unix.setsockopt_optint(sock, lwt_unix.SO_LINGER, lwt.Some(wrong))
    if value != 1.0 or value is True:
        with pytest.raises(TypeError, match=r"^lwt_unix\.setsockopt_float: expected a number"):
            lwt_unix.setsockopt_float(sock, lwt_unix.SO_RCVTIMEO, wrong)


def test_numbers_too_large_for_the_system_are_refused(sock: lwt_unix.File_descr) -> None:
    with pytest.raises(
        ValueError, match=r"^lwt_unix\.setsockopt_int: .* is 1099511627776; expected"
    ):
        lwt_unix.setsockopt_int(sock, lwt_unix.SO_RCVBUF, 2**40)
    with pytest.raises(ValueError, match=r"^lwt_unix\.setsockopt_optint: .* is 1099511627776;"):
        lwt_unix.setsockopt_optint(sock, lwt_unix.SO_LINGER, lwt.Some(2**40))


def test_a_pending_error_is_told_once(sock: lwt_unix.File_descr) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    listener.close()
    connecting = socket.socket(fileno=lwt_unix.unix_file_descr(sock))
    connecting.setblocking(False)
    assert connecting.connect_ex(address) == errno.EINPROGRESS
    lwt_main.run(lwt_unix.wait_write(sock))
    seen = [lwt_unix.getsockopt_error(sock), lwt_unix.getsockopt_error(sock)]
    connecting.detach()
    assert seen == [lwt.Some(errno.ECONNREFUSED), None]


def test_an_option_of_another_type_is_refused(sock: lwt_unix.File_descr) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.getsockopt: .* SO_RCVBUF .*SO_REUSEADDR"):
        lwt_unix.getsockopt(sock, lwt_unix.SO_RCVBUF)  # type: ignore[arg-type]  # what is tested


def test_an_option_that_the_socket_has_not_gives_the_error_of_the_system() -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    with pytest.raises(OSError, match="not supported"):
        lwt_unix.setsockopt(near, lwt_unix.TCP_NODELAY, True)
    lwt_main.run(lwt.join([lwt_unix.close(near), lwt_unix.close(far)]))


def test_the_options_of_a_pipe_are_an_error() -> None:
    reading, writing = lwt_unix.pipe()
    with pytest.raises(OSError, match="non-socket") as raised:
        lwt_unix.getsockopt(reading, lwt_unix.SO_REUSEADDR)
    assert raised.value.errno == errno.ENOTSOCK
    lwt_main.run(lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)]))
