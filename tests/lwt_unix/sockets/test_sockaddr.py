"""Addresses: what is taken for one, and what they become."""

import ast
import errno
import os
import re
import socket
import sys
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import ADDR_INET, ADDR_UNIX
from lwt_unix._sockets.sockaddr import from_python, to_python, to_sockaddr, written

pytestmark = pytest.mark.real_only("nearly all of these meet no descriptor")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ADDR_INET("127.0.0.1", 80), ADDR_INET("127.0.0.1", 80)),
        (("127.0.0.1", 80), ADDR_INET("127.0.0.1", 80)),
        (("::1", 0), ADDR_INET("::1", 0)),
        (("fe80::1%lo", 65535), ADDR_INET("fe80::1%lo", 65535)),
        (ADDR_UNIX("/socket"), ADDR_UNIX("/socket")),
        ("/socket", ADDR_UNIX("/socket")),
        ("\0abstract", ADDR_UNIX("\0abstract")),
        (b"/socket", ADDR_UNIX("/socket")),
        (ADDR_UNIX(b"/socket"), ADDR_UNIX("/socket")),  # type: ignore[arg-type]  # taken all the same
        (ADDR_UNIX(Path("/socket")), ADDR_UNIX("/socket")),  # type: ignore[arg-type]  # the same
        (Path("/socket"), ADDR_UNIX("/socket")),
    ],
)
def test_what_is_taken_for_an_address(given: lwt_unix.Address, expected: lwt_unix.Sockaddr) -> None:
    assert to_sockaddr("f", given) == expected
    assert type(to_sockaddr("f", given)) is type(expected)


@pytest.mark.parametrize(
    "host",
    ["localhost", "", "127.1", "256.0.0.1", "::1::", "1.2.3.4\0", "[::1]", "é",
     "127.0.0.1%lo", "127.0.0.1%localhost", "fe80::1%", "%lo"],
)  # fmt: skip
def test_a_host_that_is_not_numeric_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"^f: host .* is not a numeric address"):
        to_sockaddr("f", (host, 80))
    with pytest.raises(ValueError, match=r"^f: host"):
        to_sockaddr("f", ADDR_INET(host, 80))


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("localhost:8080", '("127.0.0.1", 8080)? A host must be numeric: lwt_unix.getaddrinfo '),
        (b"localhost:8080", '("127.0.0.1", 8080)? A host must be numeric: lwt_unix.getaddrinfo '),
        ("a.org:80", '(the address of "a.org", 80)? A host must be numeric: '),
        ("[::1]:80", '("::1", 80)? Such a path is written ADDR_UNIX("[::1]:80")'),
        ("[fe80::1%lo]:80", '("fe80::1%lo", 80)?'),
        ("2001:db8::5", '("2001:db8::5", port)?'),
        ("*:80", '("0.0.0.0", 80)?'),
        ("127.0.0.1:080", '("127.0.0.1", 80)?'),
        ("127.0.0.1:65536", '("127.0.0.1", port)?'),
        ("1:2:3", "a tuple (host, port)?"),
        ("127.0.0.1:80", '("127.0.0.1", 80)'),
        ("::1:80", '("::1", 80)'),
        (":8080", '("0.0.0.0", 8080)'),
    ],
)
def test_a_host_and_a_port_where_a_path_belongs_are_asked_about(
    path: str | bytes, meant: str
) -> None:
    with pytest.raises(ValueError, match=r"^f: .* did you mean ") as raised:
        to_sockaddr("f", path)
    expected = f"f: {path!r} would be the path of a Unix-domain socket; did you mean {meant}"
    assert str(raised.value).startswith(expected)
    unix = ADDR_UNIX(os.fsdecode(path))
    assert str(raised.value).endswith(f" Such a path is written {written(unix)}")
    assert to_sockaddr("f", unix) == unix


@pytest.mark.parametrize(
    "path", ["localhost:80", "[::1]:80", "::1:80", "10.0.0.1:080", ":80", "*:80", "0.0.0.0:8080"]
)
def test_what_the_question_shows_is_an_address(path: str) -> None:
    with pytest.raises(ValueError, match="did you mean") as raised:
        to_sockaddr("f", path)
    shown = re.search(r"did you mean (\(.*?\))\?", str(raised.value))
    assert shown is not None
    host, port = ast.literal_eval(shown[1])
    assert to_sockaddr("f", (host, port)) == ADDR_INET(host, port)


def test_a_host_in_brackets_is_told_to_leave_them_out() -> None:
    with pytest.raises(ValueError, match=r"write '::1', without brackets$"):
        to_sockaddr("f", ("[::1]", 80))


@pytest.mark.parametrize(
    "path", ["./localhost:80", "/tmp/a:80", "\0host:80", "a:b", "a:123456", "a:"]
)
def test_other_paths_with_a_colon_are_paths(path: str) -> None:
    assert to_sockaddr("f", path) == ADDR_UNIX(path)


@pytest.mark.parametrize("path", ["a\0b", b"a\0b", ADDR_UNIX("a\0"), Path("a\0b")])
def test_a_path_with_a_nul_is_refused(path: lwt_unix.Address) -> None:
    with pytest.raises(ValueError, match=r"^f: the path 'a\\x00b?' has a NUL in it"):
        to_sockaddr("f", path)


def test_an_abstract_name_may_have_any_nul() -> None:
    assert to_sockaddr("f", "\0a\0b") == ADDR_UNIX("\0a\0b")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=r"^f: the port is .*; expected 0 to 65535"):
        to_sockaddr("f", ("127.0.0.1", port))


@pytest.mark.parametrize(
    "wrong",
    [None, 80, (), ("127.0.0.1",), ("::1", 80, 0, 0), ["127.0.0.1", 80], ("127.0.0.1", "80"),
     (b"127.0.0.1", 80), ("127.0.0.1", True), ("127.0.0.1", 80.0)],
)  # fmt: skip
def test_what_has_not_the_shape_of_an_address_is_refused(wrong: lwt_unix.Address) -> None:
    with pytest.raises(TypeError, match=r"^f: expected"):
        to_sockaddr("f", wrong)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^f: expected a socket address, got ADDR_UNIX\(path=80\)"):
        to_sockaddr("f", ADDR_UNIX(80))  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize(
    "sockaddr",
    [ADDR_INET("127.0.0.1", 80), ADDR_INET("::1", 80), ADDR_INET("fe80::1%1", 80), ADDR_UNIX("/s")],
)
def test_an_address_comes_back_from_python_as_it_went(sockaddr: lwt_unix.Sockaddr) -> None:
    assert from_python(to_python(sockaddr)[1]) == sockaddr


@pytest.mark.parametrize("path", ["/" + 107 * "x", "/" + 54 * "é", "\0" + 108 * "x"])
def test_a_path_that_is_too_long_is_the_error_that_the_system_has_for_it(path: str) -> None:
    with pytest.raises(OSError, match=r"^\[Errno \d+\] File name too long") as raised:
        to_python(ADDR_UNIX(path))
    assert raised.value.errno == errno.ENAMETOOLONG


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is less room")
def test_the_longest_path_is_taken() -> None:
    longest = ADDR_UNIX("/tmp/" + 102 * "x")
    with socket.socket(socket.AF_UNIX) as client:
        assert client.connect_ex(to_python(longest)[1]) == errno.ENOENT


@pytest.mark.parametrize("interface", ["nonesuch", "99999999999", "²"])
def test_an_interface_that_is_not_there_is_the_error_that_the_system_has_for_it(
    interface: str,
) -> None:
    with pytest.raises(OSError, match="No such device") as raised:
        to_python(ADDR_INET(f"fe80::1%{interface}", 80))
    assert raised.value.errno == errno.ENODEV


def test_an_address_of_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown family"):
        from_python((1, 2, 3))


def test_addresses_are_tuples() -> None:
    host, port = ADDR_INET("127.0.0.1", 80)
    (path,) = ADDR_UNIX("/socket")
    assert (host, port, path) == ("127.0.0.1", 80, "/socket")


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        (("127.0.0.1", 80), lwt_unix.PF_INET),
        (("::1", 80), lwt_unix.PF_INET6),
        ("/socket", lwt_unix.PF_UNIX),
    ],
)
def test_the_domain_of_an_address(
    address: lwt_unix.Address, domain: lwt_unix.Socket_domain
) -> None:
    assert lwt_unix.domain_of_sockaddr(address) is domain


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1", "127.0.0.1"), ("0:0:0:0:0:0:0:1", "::1"), ("FE80::1%lo", "fe80::1%lo")],
)
def test_a_numeric_address_is_put_in_its_usual_form(text: str, expected: str) -> None:
    assert lwt_unix.inet_addr_of_string(text) == expected
    assert lwt_unix.string_of_inet_addr(expected) == expected


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1%lo", "fe80::1%", "1\0"])
def test_what_is_no_numeric_address_is_a_failure(text: str) -> None:
    with pytest.raises(lwt.Failure, match="inet_addr_of_string"):
        lwt_unix.inet_addr_of_string(text)


def test_the_well_known_addresses_are_numeric() -> None:
    known = [
        lwt_unix.inet_addr_any,
        lwt_unix.inet_addr_loopback,
        lwt_unix.inet6_addr_any,
        lwt_unix.inet6_addr_loopback,
    ]
    assert [lwt_unix.inet_addr_of_string(one) for one in known] == known
