"""Sockets on the loopback interface and on paths: made, bound, accepted, connected, shut down."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import ADDR_INET, ADDR_UNIX, lwt_engine, lwt_main
from lwt_unix import _system as system
from tests.support.descriptors import no_more_descriptors, open_descriptors
from tests.support.sockets import Open, raised_by

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def failure_of(promise: lwt.Promise[object]) -> OSError:
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, OSError)
    return state.exception


# --- Making sockets ----------------------------------------------------------


@pytest.mark.parametrize("cloexec", [True, False])
def test_a_socket_is_non_blocking_and_inherited_unless_cloexec(opened: Open, cloexec: bool) -> None:
    one = opened(lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0, cloexec=cloexec))
    assert os.get_inheritable(lwt_unix.unix_file_descr(one)) is not cloexec
    assert lwt_main.run(lwt_unix.blocking(one)) is False
    assert not os.get_blocking(lwt_unix.unix_file_descr(one))


@pytest.mark.parametrize("cloexec", [True, False])
def test_the_two_of_a_socketpair_are_connected(opened: Open, cloexec: bool) -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0, cloexec=cloexec)
    opened(near), opened(far)
    lwt_main.run(lwt_unix.write(near, b"hello", 0, 5))
    assert lwt_main.run(lwt_unix.read(far, bytearray(8), 0, 8)) == 5
    assert os.get_inheritable(lwt_unix.unix_file_descr(far)) is not cloexec


def test_a_domain_a_type_and_a_protocol_must_be_what_they_are() -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.socket: expected a socket_domain"):
        lwt_unix.socket(socket.AF_INET, lwt_unix.SOCK_STREAM, 0)  # type: ignore[arg-type]  # tested
    with pytest.raises(TypeError, match=r"^lwt_unix\.socket: expected a socket_type"):
        lwt_unix.socket(lwt_unix.PF_INET, socket.SOCK_STREAM, 0)  # type: ignore[arg-type]  # tested
    with pytest.raises(TypeError, match=r"^lwt_unix\.socketpair: expected an int for the protocol"):
        lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, "tcp")  # type: ignore[arg-type]  # tested


def make_a_socket() -> object:
    return lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)


def make_a_pair() -> object:
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)


@pytest.mark.parametrize("make", [make_a_socket, make_a_pair])
def test_without_descriptors_left_making_sockets_raises_and_leaves_nothing(
    make: Callable[[], object],
) -> None:
    with no_more_descriptors(), pytest.raises(OSError, match="Too many open files") as raised:
        make()
    assert raised.value.errno == errno.EMFILE


@pytest.mark.parametrize("make", [make_a_socket, make_a_pair])
def test_sockets_that_cannot_be_made_inheritable_are_closed(
    make: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int, inheritable: bool) -> None:
        raise OSError(errno.EIO, "no")

    before = open_descriptors()
    monkeypatch.setattr(system, "set_inheritable", fail)
    with pytest.raises(OSError, match="no"):
        make()
    assert open_descriptors() == before


# --- Binding -----------------------------------------------------------------


def test_bind_to_port_0_takes_a_free_port(opened: Open) -> None:
    one = opened.socket()
    assert lwt.state(lwt_unix.bind(one, ADDR_INET("127.0.0.1", 0))) == lwt.Return(None)
    address = lwt_unix.getsockname(one)
    assert isinstance(address, ADDR_INET)
    assert address.addr == "127.0.0.1"
    assert address.port > 0


def test_an_error_of_bind_to_an_internet_address_is_raised_at_once(opened: Open) -> None:
    taken = lwt_unix.getsockname(opened.listener())
    with pytest.raises(OSError, match="in use") as raised:
        lwt_unix.bind(opened.socket(), taken)
    assert raised.value.errno == errno.EADDRINUSE
    assert isinstance(taken, ADDR_INET)
    in_use = f'Address already in use: ADDR_INET("127.0.0.1", {taken.port}) (lwt_unix.bind)'
    assert raised.value.strerror == in_use


def test_a_path_whose_server_has_gone_is_told_from_one_in_use(opened: Open, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    listener = opened.listener(path)

    def text() -> str:
        return str(failure_of(lwt_unix.bind(opened.socket(lwt_unix.PF_UNIX), path)))

    in_use = (
        f'[Errno {errno.EADDRINUSE}] Address already in use: ADDR_UNIX("{path}") (lwt_unix.bind)'
    )
    assert text() == in_use
    # The server has not noticed the question.
    assert not lwt_unix.readable(listener)

    lwt_main.run(lwt_unix.close(listener))
    assert text() == f"{in_use}; nobody listens there, remove the file"
    with pytest.raises(ConnectionRefusedError, match=f'"{path}".*; nobody listens there$'):
        lwt_unix.connect(opened.socket(lwt_unix.PF_UNIX), path)

    os.unlink(path)
    Path(path).write_text("precious")
    assert text() == f"{in_use}; a file that is no socket is there"


@pytest.mark.parametrize("type", [lwt_unix.SOCK_STREAM, lwt_unix.SOCK_DGRAM])
def test_a_path_that_is_bound_and_not_listened_on_is_in_use(
    opened: Open, tmp_path: Path, type: lwt_unix.Socket_type
) -> None:
    path = str(tmp_path / "socket")
    lwt_main.run(lwt_unix.bind(opened.socket(lwt_unix.PF_UNIX, type), path))
    problem = failure_of(lwt_unix.bind(opened.socket(lwt_unix.PF_UNIX), path))
    assert str(problem).endswith("(lwt_unix.bind)")


@pytest.mark.real_only("the path is that of a real file")
def test_without_a_descriptor_to_ask_with_a_path_is_just_in_use(
    opened: Open, tmp_path: Path
) -> None:
    path = str(tmp_path / "socket")
    lwt_main.run(lwt_unix.close(opened.listener(path)))
    unbound = opened.socket(lwt_unix.PF_UNIX)
    with no_more_descriptors():
        problem = failure_of(lwt_unix.bind(unbound, path))
    assert str(problem).endswith("(lwt_unix.bind)")


def test_an_error_of_bind_to_a_path_rejects(opened: Open) -> None:
    promise = lwt_unix.bind(opened.socket(lwt_unix.PF_UNIX), "/nonexistent/socket")
    assert failure_of(promise).errno == errno.ENOENT


def test_bind_on_a_closed_descriptor_raises_for_a_path_too(opened: Open) -> None:
    one = opened.socket(lwt_unix.PF_UNIX)
    lwt_main.run(lwt_unix.close(one))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        lwt_unix.bind(one, "/nonexistent/socket")


def test_a_host_name_is_refused_with_a_way_to_resolve_it(opened: Open) -> None:
    with pytest.raises(ValueError, match=r"^lwt_unix\.bind: host 'localhost' .* numeric") as raised:
        lwt_unix.bind(opened.socket(), ("localhost", 0))
    assert "lwt_unix.getaddrinfo('localhost', " in str(raised.value)


# --- Accepting ---------------------------------------------------------------


ADDRESSES = [("127.0.0.1", 0), ("::1", 0)]


@pytest.mark.parametrize("address", ADDRESSES)
def test_accept_gives_a_connected_socket_and_the_address_of_the_client(
    opened: Open, address: tuple[str, int]
) -> None:
    listener = opened.listener(address)
    client = opened.client_of(listener)
    accepted, client_address = lwt_main.run(lwt_unix.accept(listener))
    opened(accepted)
    assert client_address == lwt_unix.getsockname(client)
    assert lwt_unix.getpeername(client) == lwt_unix.getsockname(accepted)
    lwt_main.run(lwt_unix.write(accepted, b"hello", 0, 5))
    assert lwt_main.run(lwt_unix.read(client, bytearray(8), 0, 8)) == 5


@pytest.mark.parametrize("cloexec", [True, False])
def test_an_accepted_socket_is_non_blocking_and_inherited_unless_cloexec(
    opened: Open, cloexec: bool
) -> None:
    listener = opened.listener()
    opened.client_of(listener)
    accepted, _ = lwt_main.run(lwt_unix.accept(listener, cloexec=cloexec))
    opened(accepted)
    fd = lwt_unix.unix_file_descr(accepted)
    assert (os.get_blocking(fd), os.get_inheritable(fd)) == (False, not cloexec)


def test_accept_waits_for_a_client(opened: Open) -> None:
    listener = opened.listener()
    accepting = lwt_unix.accept(listener)
    assert lwt.is_sleeping(accepting)
    client = opened.client_of(listener)
    accepted, address = lwt_main.run(accepting)
    opened(accepted)
    assert address == lwt_unix.getsockname(client)


def test_those_who_wait_to_accept_get_the_clients_in_order(opened: Open) -> None:
    listener = opened.listener()
    accepting = [lwt_unix.accept(listener) for _ in range(2)]
    clients = [opened.client_of(listener) for _ in range(2)]
    addresses = []
    for promise in accepting:
        accepted, address = lwt_main.run(promise)
        opened(accepted)
        addresses.append(address)
    assert addresses == [lwt_unix.getsockname(client) for client in clients]


def test_a_cancelled_accept_leaves_the_client_to_the_next(opened: Open) -> None:
    listener = opened.listener()
    lwt.cancel(lwt_unix.accept(listener))
    assert lwt_engine.readable_count() == 0
    client = opened.client_of(listener)
    accepted, address = lwt_main.run(lwt_unix.accept(listener))
    opened(accepted)
    assert address == lwt_unix.getsockname(client)


def test_accept_without_descriptors_left_raises_and_the_client_is_accepted_later(
    opened: Open,
) -> None:
    listener = opened.listener()
    client = opened.client_of(listener)
    with no_more_descriptors():
        assert raised_by(lambda: lwt_unix.accept(listener)) == errno.EMFILE
    accepted, address = lwt_main.run(lwt_unix.accept(listener))
    opened(accepted)
    assert address == lwt_unix.getsockname(client)


def test_an_accepted_socket_that_cannot_be_set_up_is_closed(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int, blocking: bool) -> None:
        raise OSError(errno.EIO, "no")

    listener = opened.listener()
    opened.client_of(listener)
    lwt_main.run(lwt_unix.blocking(listener))
    before = open_descriptors()
    monkeypatch.setattr(system, "set_blocking", fail)
    assert raised_by(lambda: lwt_unix.accept(listener)) == errno.EIO
    assert open_descriptors() - before == set()


def test_accept_on_a_socket_that_does_not_listen_raises_at_once(opened: Open) -> None:
    assert raised_by(lambda: lwt_unix.accept(opened.socket())) == errno.EINVAL


def test_accept_on_a_closed_descriptor_raises_at_once(opened: Open) -> None:
    listener = opened.listener()
    lwt_main.run(lwt_unix.close(listener))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        lwt_unix.accept(listener)


def test_closing_the_listener_rejects_who_waits_to_accept(opened: Open) -> None:
    listener = opened.listener()
    accepting = lwt_unix.accept(listener)
    lwt_main.run(lwt_unix.close(listener))
    assert failure_of(accepting).errno == errno.EBADF


# --- Accepting several -------------------------------------------------------


def addresses_of(clients: list[lwt_unix.File_descr]) -> list[lwt_unix.Sockaddr]:
    return [lwt_unix.getsockname(client) for client in clients]


def open_all(
    opened: Open, accepted: list[tuple[lwt_unix.File_descr, lwt_unix.Sockaddr]]
) -> list[lwt_unix.Sockaddr]:
    return [(opened(descriptor), address)[1] for descriptor, address in accepted]


@pytest.mark.parametrize(("wanted", "expected"), [(2, 2), (3, 3), (5, 3)])
def test_accept_n_takes_those_who_are_there_up_to_the_number(
    opened: Open, wanted: int, expected: int
) -> None:
    listener = opened.listener()
    clients = [opened.client_of(listener) for _ in range(3)]
    accepted, error = lwt_main.run(lwt_unix.accept_n(listener, wanted))
    assert open_all(opened, accepted) == addresses_of(clients)[:expected]
    assert error is None


def test_accept_n_takes_those_who_are_there_in_blocking_mode_too(opened: Open) -> None:
    listener = opened.listener()
    lwt_unix.set_blocking(listener, True)
    clients = [opened.client_of(listener) for _ in range(2)]
    accepted, error = lwt_main.run(lwt_unix.accept_n(listener, 5))
    assert open_all(opened, accepted) == addresses_of(clients)
    assert error is None


def test_accept_n_waits_for_the_first(opened: Open) -> None:
    listener = opened.listener()
    accepting = lwt_unix.accept_n(listener, 5)
    assert lwt.is_sleeping(accepting)
    client = opened.client_of(listener)
    accepted, error = lwt_main.run(accepting)
    assert open_all(opened, accepted) == addresses_of([client])
    assert error is None


def test_accept_n_gives_an_error_beside_those_accepted_before_it(
    opened: Open,
) -> None:
    listener = opened.listener()
    clients = [opened.client_of(listener) for _ in range(2)]
    placeholder = os.dup(0)
    with no_more_descriptors():
        os.close(placeholder)  # room for one
        state = lwt.state(lwt_unix.accept_n(listener, 5))
    assert isinstance(state, lwt.Return)
    accepted, error = state.value
    assert open_all(opened, accepted) == addresses_of(clients)[:1]
    assert isinstance(error, lwt.Some)
    assert isinstance(error.value, OSError)
    assert error.value.errno == errno.EMFILE


def test_accept_n_gives_canceled_as_its_error(opened: Open) -> None:
    accepting = lwt_unix.accept_n(opened.listener(), 5)
    lwt.cancel(accepting)
    state = lwt.state(accepting)
    assert isinstance(state, lwt.Return)
    accepted, error = state.value
    assert accepted == []
    assert isinstance(error, lwt.Some)
    assert isinstance(error.value, lwt.Canceled)


# --- Connecting --------------------------------------------------------------


def test_connect_to_an_internet_address_waits_until_it_is_done(opened: Open) -> None:
    listener = opened.listener()
    client = opened.socket()
    connecting = lwt_unix.connect(client, lwt_unix.getsockname(listener))
    assert lwt_main.run(connecting) is None
    assert lwt_unix.getpeername(client) == lwt_unix.getsockname(listener)


def test_connect_takes_a_plain_tuple(opened: Open) -> None:
    address = lwt_unix.getsockname(opened.listener())
    assert isinstance(address, ADDR_INET)
    client = opened.socket()
    lwt_main.run(lwt_unix.connect(client, (address.addr, address.port)))
    assert lwt_unix.getpeername(client) == address


def test_a_refused_connection_rejects(opened: Open) -> None:
    listener = opened.listener()
    address = lwt_unix.getsockname(listener)
    lwt_main.run(lwt_unix.close(listener))
    with pytest.raises(
        ConnectionRefusedError,
        match=r'refused: ADDR_INET\("127.0.0.1", \d+\) \(lwt_unix\.connect\)',
    ):
        lwt_main.run(lwt_unix.connect(opened.socket(), address))


def test_connect_to_a_path(opened: Open, tmp_path: Path) -> None:
    listener = opened.listener(str(tmp_path / "socket"))
    client = opened.client_of(listener)
    assert lwt_unix.getpeername(client) == ADDR_UNIX(str(tmp_path / "socket"))
    accepted, address = lwt_main.run(lwt_unix.accept(listener))
    opened(accepted)
    assert address == ADDR_UNIX("")


@pytest.mark.skipif(not os.path.exists("/proc"), reason="abstract names are Linux's")
def test_connect_to_an_abstract_name(opened: Open) -> None:
    name = f"\0lwt-runtime-test-{os.getpid()}"
    client = opened.client_of(opened.listener(name))
    assert lwt_unix.getpeername(client) == ADDR_UNIX(name)


def test_connect_to_a_path_without_a_server_raises_at_once(opened: Open, tmp_path: Path) -> None:
    client = opened.socket(lwt_unix.PF_UNIX)
    assert raised_by(lambda: lwt_unix.connect(client, tmp_path / "socket")) == errno.ENOENT


def full_listener(opened: Open) -> lwt_unix.Sockaddr:
    """The address of a server whose queue is full, so that connecting to it takes for ever."""
    listener = opened.socket()
    lwt_main.run(lwt_unix.bind(listener, ("127.0.0.1", 0)))
    lwt_unix.listen(listener, 0)
    address = lwt_unix.getsockname(listener)
    for _ in range(8):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(tuple(address))
        opened(lwt_unix.of_unix_file_descr(sock.detach()))
    return address


@pytest.mark.skipif(not os.path.exists("/proc"), reason="how a queue overflows is Linux's")
def test_a_cancelled_connect_takes_its_interest_back(opened: Open) -> None:
    connecting = lwt_unix.connect(opened.socket(), full_listener(opened))
    assert lwt.is_sleeping(connecting)
    assert lwt_engine.writable_count() == 1
    lwt.cancel(connecting)
    assert lwt_engine.writable_count() == 0


# --- Shutting down -----------------------------------------------------------


def test_shutting_down_sending_gives_the_peer_an_end_of_file(opened: Open) -> None:
    near, far = opened.pair()
    reading = lwt_unix.read(far, bytearray(1), 0, 1)
    lwt_unix.shutdown(near, lwt_unix.SHUTDOWN_SEND)
    assert lwt_main.run(reading) == 0
    assert lwt_main.run(lwt_unix.write(far, b"x", 0, 1)) == 1
    assert lwt_main.run(lwt_unix.read(near, bytearray(1), 0, 1)) == 1


@pytest.mark.parametrize("command", [lwt_unix.SHUTDOWN_RECEIVE, lwt_unix.SHUTDOWN_ALL])
def test_shutting_down_receiving_gives_an_end_of_file(
    opened: Open, command: lwt_unix.Shutdown_command
) -> None:
    near, _ = opened.pair()
    reading = lwt_unix.read(near, bytearray(1), 0, 1)
    lwt_unix.shutdown(near, command)
    assert lwt_main.run(reading) == 0


def test_shutting_down_needs_a_connection_and_a_command(opened: Open) -> None:
    with pytest.raises(OSError, match="not connected"):
        lwt_unix.shutdown(opened.socket(), lwt_unix.SHUTDOWN_ALL)
    with pytest.raises(TypeError, match="SHUTDOWN_SEND"):
        lwt_unix.shutdown(opened.socket(), socket.SHUT_WR)  # type: ignore[arg-type]  # tested


# --- Names -------------------------------------------------------------------


def test_a_socket_of_the_unix_domain_without_a_name(opened: Open) -> None:
    near, _ = opened.pair()
    assert lwt_unix.getsockname(near) == lwt_unix.getpeername(near) == ADDR_UNIX("")


def test_a_socket_that_is_not_connected_has_no_peer(opened: Open) -> None:
    with pytest.raises(OSError, match="not connected") as raised:
        lwt_unix.getpeername(opened.socket())
    assert raised.value.errno == errno.ENOTCONN


@pytest.mark.parametrize(
    "ask",
    [
        lwt_unix.getsockname,
        lwt_unix.getpeername,
        lwt_unix.get_credentials,
        lwt_unix.getsockopt_error,
        lambda one: lwt_unix.listen(one, 1),
        lambda one: lwt_unix.shutdown(one, lwt_unix.SHUTDOWN_ALL),
        lambda one: lwt_unix.getsockopt(one, lwt_unix.SO_REUSEADDR),
        lambda one: lwt_unix.setsockopt(one, lwt_unix.SO_REUSEADDR, True),
        lambda one: lwt_unix.connect(one, "/socket"),
        lambda one: lwt_unix.recv(one, bytearray(1), 0, 1, []),
        lambda one: lwt_unix.send(one, b"x", 0, 1, []),
    ],
)
def test_a_closed_descriptor_is_refused_at_once(
    opened: Open, ask: Callable[[lwt_unix.File_descr], object]
) -> None:
    near, _ = opened.pair()
    lwt_unix.getsockname(near)
    lwt_main.run(lwt_unix.close(near))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        ask(near)


@pytest.mark.real_only("it is the user of this computer")
@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the system does not tell")
def test_credentials_tell_who_is_at_the_other_end(opened: Open) -> None:
    near, _ = opened.pair()
    assert lwt_unix.get_credentials(near) == lwt_unix.Credentials(
        cred_pid=os.getpid(), cred_uid=os.getuid(), cred_gid=os.getgid()
    )


def test_somaxconn_is_a_backlog(opened: Open) -> None:
    one = opened.socket()
    lwt_main.run(lwt_unix.bind(one, ("127.0.0.1", 0)))
    assert lwt_unix.somaxconn() >= 128
    lwt_unix.listen(one, lwt_unix.somaxconn())


# --- A server whose queue is full --------------------------------------------


class Full:
    """A server on a path whose queue is full, and a socket that is to connect to it."""

    def __init__(self, opened: Open, path: Path) -> None:
        self.address = ADDR_UNIX(str(path / "socket"))
        self.listener = opened.socket(lwt_unix.PF_UNIX)
        lwt_main.run(lwt_unix.bind(self.listener, self.address))
        lwt_unix.listen(self.listener, 0)
        self.opened = opened
        self.queued = opened.socket(lwt_unix.PF_UNIX)
        lwt_main.run(lwt_unix.connect(self.queued, self.address))
        self.client = opened.socket(lwt_unix.PF_UNIX)

    def accept(self) -> None:
        client, _ = lwt_main.run(lwt_unix.accept(self.listener))
        self.opened(client)


@pytest.fixture
def full(opened: Open, tmp_path: Path) -> Full:
    return Full(opened, tmp_path)


class Moved_time(lwt_engine.select):
    """An engine whose clock moves when it would wait, and which notes for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def select(
        self, fds_r: list[int], fds_w: list[int], timeout: float, /
    ) -> tuple[list[int], list[int]]:
        ready = super().select(fds_r, fds_w, 0.0)
        if timeout > 0 and ready == ([], []):
            self.waits.append(round(timeout, 6))
            self.seconds += timeout
        return ready


@pytest.mark.real_only("it has an engine of its own, on real descriptors")
def test_connecting_to_a_path_whose_queue_is_full_is_tried_again_after_longer_and_longer_delays(
    full: Full,
) -> None:
    engine = Moved_time()
    lwt_engine.set(engine)
    connecting = lwt_unix.connect(full.client, full.address)
    for _ in range(100):
        lwt_engine.iter(True)
        if len(engine.waits) == 9:
            break
    assert lwt.is_sleeping(connecting)
    assert engine.waits == [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.1, 0.1]
    full.accept()
    lwt_main.run(connecting)
    assert lwt_engine.timer_count() == 0


def test_closing_rejects_who_tries_to_connect_to_a_path_whose_queue_is_full(full: Full) -> None:
    connecting = lwt_unix.connect(full.client, full.address)
    lwt_main.run(lwt_unix.close(full.client))
    assert failure_of(connecting).errno == errno.EBADF
    assert lwt_engine.timer_count() == 0


def test_cancelling_ends_the_attempts_to_connect_to_a_path_whose_queue_is_full(full: Full) -> None:
    connecting = lwt_unix.connect(full.client, full.address)
    lwt.cancel(connecting)
    assert lwt.state(connecting) == lwt.Fail(lwt.Canceled())
    assert lwt_engine.timer_count() == 0


def test_who_tries_to_connect_learns_that_the_server_is_gone(full: Full) -> None:
    connecting = lwt_unix.connect(full.client, full.address)
    lwt_main.run(lwt_unix.close(full.listener))
    with pytest.raises(ConnectionRefusedError):
        lwt_main.run(connecting)
