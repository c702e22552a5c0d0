"""Names of hosts, services and protocols. What the system would answer is given, not asked for."""

import errno
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import ADDR_INET, ADDR_UNIX, PF_INET, PF_INET6, PF_UNIX, lwt_main
from lwt_unix import _system as system

pytestmark = [
    pytest.mark.real_only("these ask the resolver of this computer"),
    pytest.mark.usefixtures("nothing_left_behind"),
]

anything: Any = lwt_unix

Replace = Callable[[str, Callable[..., Any]], None]


@pytest.fixture
def replace(monkeypatch: pytest.MonkeyPatch) -> Replace:
    """Let the system answer as a function does."""

    def replace(name: str, answer: Callable[..., Any]) -> None:
        monkeypatch.setattr(system, name, answer)

    return replace


def raising(error: Exception) -> Callable[..., Any]:
    def answer(*_: object) -> Any:
        raise error

    return answer


# --- Nobody is delayed -------------------------------------------------------


def test_a_resolver_that_hangs_delays_nobody(replace: Replace) -> None:
    answers, has_been_asked = threading.Event(), threading.Event()

    def hang(*_: object) -> Any:
        has_been_asked.set()
        answers.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]

    replace("getaddrinfo", hang)
    replace("gethostname", lambda: "here")
    done: list[object] = []

    async def others() -> None:
        reading, writing = lwt_unix.pipe()
        async with reading, writing:
            for _ in range(3):
                await lwt_unix.write(writing, b"hello", 0, 5)
                done.append(await lwt_unix.read(reading, bytearray(8), 0, 8))
            await lwt_unix.sleep(0.0)
            done.append(await lwt_unix.gethostname())

    async def main() -> list[lwt_unix.Addr_info]:
        asking = lwt_unix.getaddrinfo("slow.example", "http", [])
        await lwt_unix.run_job(has_been_asked.wait)
        await others()
        assert lwt.is_sleeping(asking)
        answers.set()
        return await asking

    found = lwt_main.run(main())
    assert done == [5, 5, 5, "here"]
    assert [one.ai_addr for one in found] == [ADDR_INET("192.0.2.1", 80)]


ASKING: dict[str, Callable[[], lwt.Promise[Any]]] = {
    "getaddrinfo": lambda: lwt_unix.getaddrinfo("a.org", "", []),
    "gethostbyaddr": lambda: lwt_unix.gethostbyaddr("192.0.2.1"),
    "gethostbyname_ex": lambda: lwt_unix.gethostbyname("a.org"),
    "gethostname": lwt_unix.gethostname,
    "getnameinfo": lambda: lwt_unix.getnameinfo(("192.0.2.1", 80), []),
    "getprotobyname": lambda: lwt_unix.getprotobyname("tcp"),
    "getprotobynumber": lambda: lwt_unix.getprotobynumber(6),
    "getservbyname": lambda: lwt_unix.getservbyname("ssh", "tcp"),
    "getservbyport": lambda: lwt_unix.getservbyport(22, "tcp"),
}


@pytest.mark.parametrize("name", ASKING)
def test_each_question_is_asked_by_a_thread(name: str, replace: Replace) -> None:
    asked_by: list[threading.Thread] = []

    def ask(*_: object) -> Any:
        asked_by.append(threading.current_thread())
        raise OSError(errno.EIO, "no answer")

    replace(name, ask)
    asking = ASKING[name]()
    assert lwt.is_sleeping(asking)
    lwt_main.run(lwt.catch(lambda: lwt.map(lambda _: None, asking), lambda _: lwt.return_(None)))
    assert asked_by
    assert threading.main_thread() not in asked_by


# --- Hosts -------------------------------------------------------------------


def test_the_name_of_this_host_is_that_of_the_system() -> None:
    assert lwt_main.run(lwt_unix.gethostname()) == socket.gethostname()


def test_a_host_is_known_with_its_names_and_addresses(replace: Replace) -> None:
    asked: list[object] = []

    def answer(name: object) -> Any:
        asked.append(name)
        return "www.a.org", ["a.org"], ["192.0.2.1", "192.0.2.2"]

    replace("gethostbyname_ex", answer)
    addresses = ["192.0.2.1", "192.0.2.2"]
    expected = lwt_unix.Host_entry("www.a.org", ["a.org"], PF_INET, addresses)
    assert lwt_main.run(lwt_unix.gethostbyname("a.org")) == expected
    assert asked == [b"a.org"]


def test_a_numeric_host_needs_no_resolver() -> None:
    found = lwt_main.run(lwt_unix.gethostbyname("127.0.0.1"))
    assert found == lwt_unix.Host_entry("127.0.0.1", [], PF_INET, ["127.0.0.1"])


def test_the_host_of_an_address_may_have_one_of_ipv6(replace: Replace) -> None:
    replace("gethostbyaddr", lambda address: ("six", [], [address]))
    assert lwt_main.run(lwt_unix.gethostbyaddr("2001:db8::1")) == lwt_unix.Host_entry(
        "six", [], PF_INET6, ["2001:db8::1"]
    )


def test_a_name_that_is_no_domain_is_asked_for_as_it_is(replace: Replace) -> None:
    asked: list[object] = []

    def answer(*arguments: object) -> Any:
        asked.append(arguments[0])
        return []

    replace("getaddrinfo", answer)
    for name in ("a..b", "b\u00fccher.example", "a" * 70, ""):
        assert lwt_main.run(lwt_unix.getaddrinfo(name, "", [])) == []
    assert asked == [b"a..b", "b\u00fccher.example".encode(), b"a" * 70, None]


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.herror(1, "Unknown host"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
)
def test_what_is_not_known_is_a_lookup_error_that_says_why(
    error: OSError, replace: Replace
) -> None:
    for name in ("gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        replace(name, raising(error))
        with pytest.raises(LookupError, match=rf"is not known \({error.strerror}\)$") as raised:
            lwt_main.run(ASKING[name]())
        assert not isinstance(raised.value, KeyError | IndexError)


def test_no_addresses_are_an_empty_list(replace: Replace) -> None:
    replace("getaddrinfo", raising(socket.gaierror(socket.EAI_AGAIN, "try again")))
    assert lwt_main.run(lwt_unix.getaddrinfo("a.org", "http", [])) == []


# --- Services and protocols --------------------------------------------------


def test_services_and_protocols_are_records(replace: Replace) -> None:
    replace("getservbyname", lambda *asked: ("http", ["www"], 80, "tcp"))
    replace("getservbyport", lambda *asked: ("http", ["www"], 80, "tcp"))
    replace("getprotobyname", lambda asked: ("tcp", ["TCP"], 6))
    replace("getprotobynumber", lambda asked: ("tcp", ["TCP"], 6))
    service = lwt_unix.Service_entry("http", ["www"], 80, "tcp")
    protocol = lwt_unix.Protocol_entry("tcp", ["TCP"], 6)
    assert lwt_main.run(lwt_unix.getservbyname("www", "tcp")) == service
    assert lwt_main.run(lwt_unix.getservbyport(80, "tcp")) == service
    assert lwt_main.run(lwt_unix.getprotobyname("TCP")) == protocol
    assert lwt_main.run(lwt_unix.getprotobynumber(6)) == protocol


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda: lwt_unix.getservbyname("no such", "tcp"), "service 'no such' of 'tcp'"),
        (lambda: lwt_unix.getservbyport(1, "no such"), "the service on port 1 of 'no such'"),
        (lambda: lwt_unix.getprotobyname("no such"), "protocol 'no such'"),
        (lambda: lwt_unix.getprotobynumber(-1), "protocol -1"),
    ],
)
def test_a_service_or_protocol_that_is_not_known_is_a_lookup_error(
    ask: Callable[[], lwt.Promise[object]], error: str
) -> None:
    with pytest.raises(LookupError, match=rf"^lwt_unix\.get\w+: {error} is not known$"):
        lwt_main.run(ask())


# --- From names to addresses -------------------------------------------------


def test_each_way_to_a_host_says_which_socket_to_make(replace: Replace) -> None:
    answer = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "www.a.org", ("2001:db8::1", 80, 0, 0)),
        (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("fe80::1", 80, 0, 3)),
        (socket.AF_INET, socket.SOCK_RAW, 0, "", ("192.0.2.1", 80)),
    ]
    replace("getaddrinfo", lambda *_: answer)
    info = lwt_unix.Addr_info
    assert lwt_main.run(lwt_unix.getaddrinfo("a.org", "http", [])) == [
        info(PF_INET6, lwt_unix.SOCK_STREAM, 6, ADDR_INET("2001:db8::1", 80), "www.a.org"),
        info(PF_INET6, lwt_unix.SOCK_DGRAM, 17, ADDR_INET("fe80::1%3", 80), ""),
        info(PF_INET, lwt_unix.SOCK_RAW, 0, ADDR_INET("192.0.2.1", 80), ""),
    ]


def test_the_system_is_asked_as_the_options_say(replace: Replace) -> None:
    asked: list[tuple[object, ...]] = []

    def answer(*arguments: object) -> Any:
        asked.append(arguments)
        return []

    replace("getaddrinfo", answer)
    stream, datagram = lwt_unix.SOCK_STREAM, lwt_unix.SOCK_DGRAM
    several: list[list[lwt_unix.Getaddrinfo_option]] = [
        [],
        [lwt_unix.AI_FAMILY(PF_INET6), lwt_unix.AI_SOCKTYPE(stream), lwt_unix.AI_PROTOCOL(6)],
        [lwt_unix.AI_SOCKTYPE(stream), lwt_unix.AI_SOCKTYPE(datagram)],  # The last one counts.
        [lwt_unix.AI_NUMERICHOST, lwt_unix.AI_CANONNAME, lwt_unix.AI_PASSIVE],
    ]
    for opts in several:
        assert lwt_main.run(lwt_unix.getaddrinfo("a.org", "80", opts)) == []
    flags = socket.AI_NUMERICHOST | socket.AI_CANONNAME | socket.AI_PASSIVE
    assert [arguments[2:] for arguments in asked] == [
        (0, 0, 0, 0),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, 0),
        (0, socket.SOCK_DGRAM, 0, 0),
        (0, 0, 0, flags),
    ]


def test_a_numeric_address_is_found_without_a_resolver() -> None:
    stream = lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM)
    opts: list[lwt_unix.Getaddrinfo_option] = [lwt_unix.AI_NUMERICHOST, stream]
    for host in ("127.0.0.1", "::1"):
        found = lwt_main.run(lwt_unix.getaddrinfo(host, "80", opts))
        assert [one.ai_addr for one in found] == [ADDR_INET(host, 80)]
    assert lwt_main.run(lwt_unix.getaddrinfo("a.org", "80", opts)) == []
    family = [lwt_unix.AI_FAMILY(PF_UNIX)]
    assert lwt_main.run(lwt_unix.getaddrinfo("127.0.0.1", "80", family)) == []


# --- From addresses to names -------------------------------------------------


def test_an_address_has_names_of_a_host_and_a_service(replace: Replace) -> None:
    asked: list[tuple[object, ...]] = []

    def answer(*arguments: object) -> Any:
        asked.append(arguments)
        return "www.a.org", "http"

    replace("getnameinfo", answer)
    opts = [lwt_unix.NI_NOFQDN, lwt_unix.NI_DGRAM]
    expected = lwt_unix.Name_info("www.a.org", "http")
    assert lwt_main.run(lwt_unix.getnameinfo(("192.0.2.1", 80), opts)) == expected
    assert asked == [(("192.0.2.1", 80), socket.NI_NOFQDN | socket.NI_DGRAM)]


def test_names_in_numeric_form_need_no_resolver() -> None:
    opts = [lwt_unix.NI_NUMERICHOST, lwt_unix.NI_NUMERICSERV]
    for host in ("127.0.0.1", "::1"):
        found = lwt_main.run(lwt_unix.getnameinfo((host, 80), opts))
        assert found == lwt_unix.Name_info(host, "80")


def test_the_host_of_a_path_is_this_one_and_its_service_the_path() -> None:
    here = system.uname().nodename
    path, numeric = ADDR_UNIX("/a/path"), [lwt_unix.NI_NUMERICHOST]
    assert lwt_main.run(lwt_unix.getnameinfo(path, [])) == lwt_unix.Name_info(here, "/a/path")
    named = lwt_main.run(lwt_unix.getnameinfo(path, numeric))
    assert named == lwt_unix.Name_info("localhost", "/a/path")
    with pytest.raises(LookupError, match=r"getnameinfo: the name of ADDR_UNIX\(\"/a/path\"\) is"):
        lwt_main.run(lwt_unix.getnameinfo(path, [*numeric, lwt_unix.NI_NAMEREQD]))
    abstract = lwt_main.run(lwt_unix.getnameinfo(ADDR_UNIX("\0name"), numeric))
    assert abstract == lwt_unix.Name_info("localhost", "")


# --- Arguments ---------------------------------------------------------------

NAMES: dict[str, Callable[[Any], object]] = {
    "gethostbyname: expected a str for the name": lwt_unix.gethostbyname,
    "getprotobyname: expected a str for the name": lwt_unix.getprotobyname,
    "getservbyname: expected a str for the name": lambda x: lwt_unix.getservbyname(x, "tcp"),
    "getservbyname: expected a str for the protocol": lambda x: lwt_unix.getservbyname("a", x),
    "getservbyport: expected a str for the protocol": lambda x: lwt_unix.getservbyport(1, x),
    "getaddrinfo: expected a str for the host": lambda x: lwt_unix.getaddrinfo(x, "", []),
    "getaddrinfo: expected a str for the service": lambda x: lwt_unix.getaddrinfo("", x, []),
}


@pytest.mark.parametrize("expected", NAMES)
def test_what_is_no_name_is_refused(expected: str) -> None:
    function, _, what = expected.partition(": expected a str for ")
    with pytest.raises(TypeError, match=rf"^lwt_unix\.{expected}, got 80 \(int\)"):
        NAMES[expected](80)
    with pytest.raises(ValueError, match=rf"^lwt_unix\.{function}: {what} 'a\\x00b' has a NUL"):
        NAMES[expected]("a\0b")
    with pytest.raises(ValueError, match=rf"^lwt_unix\.{function}: {what} .* written in bytes"):
        NAMES[expected]("\ud800")


@pytest.mark.parametrize(
    ("option", "error"),
    [
        (lwt_unix.SOCK_STREAM, r"expected an option, .*; use AI_SOCKTYPE\(SOCK_STREAM\)"),
        (lwt_unix.NI_DGRAM, "expected an option"),
        (lwt_unix.AI_FAMILY, "expected an option"),
        (lwt_unix.AI_FAMILY(anything.SOCK_STREAM), "expected a socket_domain"),
        (lwt_unix.AI_SOCKTYPE(anything.PF_INET), "expected a socket_type"),
        (lwt_unix.AI_PROTOCOL(anything.PF_INET), "expected an int for the protocol"),
    ],
)
def test_what_is_no_option_is_refused(option: Any, error: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_unix\.getaddrinfo: {error}"):
        lwt_unix.getaddrinfo("a.org", "", [option])


def test_other_arguments_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.getaddrinfo: expected an iterable of options"):
        anything.getaddrinfo("a.org", "", lwt_unix.AI_PASSIVE)
    with pytest.raises(TypeError, match=r"^lwt_unix\.getnameinfo: expected an iterable of options"):
        anything.getnameinfo(("127.0.0.1", 80), lwt_unix.NI_DGRAM)
    with pytest.raises(TypeError, match=r"^lwt_unix\.getnameinfo: expected .*NI_NUMERICHOST"):
        anything.getnameinfo(("127.0.0.1", 80), [lwt_unix.AI_PASSIVE])
    with pytest.raises(
        ValueError, match=r"^lwt_unix\.gethostbyaddr: host 'a.org' is not a numeric"
    ):
        lwt_unix.gethostbyaddr("a.org")
    with pytest.raises(OSError, match="File name too long"):
        lwt_unix.getnameinfo(ADDR_UNIX("x" * 200), [])
