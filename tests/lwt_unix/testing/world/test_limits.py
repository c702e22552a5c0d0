"""What a host of a simulated world has no more of."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import File_descr, lwt_main, testing


def errors_of_opening() -> list[str]:
    """What comes of making things until there are no more numbers."""
    told: list[str] = []
    opened: list[File_descr] = []

    def attempt(make: Callable[[], tuple[File_descr, ...]]) -> None:
        try:
            opened.extend(make())
            told.append("made")
        except OSError as exn:
            told.append(errno.errorcode[exn.errno or 0])

    stream = lwt_unix.SOCK_STREAM
    attempt(lambda: (lwt_unix.socket(lwt_unix.PF_INET, stream, 0),))  # 1 of 4
    attempt(lwt_unix.pipe)  # 3 of 4
    attempt(lwt_unix.pipe)
    attempt(lambda: lwt_unix.socketpair(lwt_unix.PF_UNIX, stream, 0))
    attempt(lambda: (lwt_unix.dup(opened[0]),))  # 4 of 4
    attempt(lambda: (lwt_unix.dup(opened[0]),))
    attempt(lambda: (lwt_unix.socket(lwt_unix.PF_INET, stream, 0),))
    for descriptor in opened:
        lwt_main_close(descriptor)
    return told


def lwt_main_close(descriptor: File_descr) -> None:
    assert not lwt.is_sleeping(lwt_unix.close(descriptor))


def with_four_numbers_left(function: Callable[[], list[str]]) -> list[str]:
    """Call a function while this process may open four more descriptors."""
    filling = [os.open(os.devnull, os.O_RDONLY)]
    while filling[-1] + 1 < max(
        map(int, os.listdir("/proc/self/fd"))
    ):  # The last is the folder itself.
        filling.append(os.open(os.devnull, os.O_RDONLY))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (filling[-1] + 5, hard))
    try:
        return function()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in filling:
            os.close(fd)


def test_a_host_that_has_no_more_descriptors_is_told_what_the_system_says() -> None:
    async def main() -> list[str]:
        testing.network().localhost.limits.descriptors = 4
        return errors_of_opening()

    expected = ["made", "made", "EMFILE", "EMFILE", "made", "EMFILE", "EMFILE"]
    assert testing.simulate(main) == expected
    lwt_main.run(lwt_unix.sleep(0.0))  # What wakes the main loop is open by now.
    assert with_four_numbers_left(errors_of_opening) == expected


def test_accept_leaves_the_client_waiting_when_there_are_no_more_descriptors() -> None:
    async def main() -> list[str]:
        server, alice = (testing.network().host(name) for name in ("server", "alice"))
        told: list[str] = []

        async def serve() -> None:
            listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
            await lwt_unix.bind(listener, ("0.0.0.0", 9000))
            lwt_unix.listen(listener, 5)
            await lwt_unix.sleep(1.0)
            server.limits.descriptors = 1
            for _ in range(2):
                try:
                    accepted, _ = await lwt_unix.accept(listener)
                    told.append("accepted")
                    await lwt_unix.close(accepted)
                except OSError as exn:
                    told.append(str(exn.strerror))
                server.limits.descriptors = 2
            await lwt_unix.close(listener)

        async def visit() -> None:
            await lwt_unix.sleep(0.5)
            client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
            await lwt_unix.connect(client, (server.addresses[0], 9000))
            told.append("connected")
            await lwt_unix.close(client)

        await lwt.join([server.run(serve), alice.run(visit)])
        return told

    assert testing.simulate(main) == ["connected", "Too many open files", "accepted"]


def test_each_host_has_its_own_descriptors() -> None:
    async def main() -> tuple[int, int]:
        alice = testing.network().host("alice")
        alice.limits.descriptors = 2

        async def take_all() -> None:
            lwt_unix.pipe()
            with pytest.raises(OSError, match="Too many open files"):
                lwt_unix.pipe()

        await alice.run(take_all)
        lwt_unix.pipe()
        return len(alice.fds), len(testing.network().localhost.fds)

    assert testing.simulate(main) == (2, 2)


def sizes_of(type: lwt_unix.Socket_type, domain: lwt_unix.Socket_domain) -> list[int]:
    """What a socket says of its buffers, when they are set."""
    socket = lwt_unix.socket(domain, type, 0)
    told: list[int] = []
    for option in (lwt_unix.SO_SNDBUF, lwt_unix.SO_RCVBUF):
        for size in (0, 1, 3_000, 100_000):
            lwt_unix.setsockopt_int(socket, option, size)
            told.append(lwt_unix.getsockopt_int(socket, option))
    lwt_main_close(socket)
    return told


@pytest.mark.parametrize("type", [lwt_unix.SOCK_STREAM, lwt_unix.SOCK_DGRAM], ids=str)
def test_the_sizes_of_buffers_are_set_as_in_the_real_world(type: lwt_unix.Socket_type) -> None:
    async def main() -> list[int]:
        return sizes_of(type, lwt_unix.PF_INET)

    assert testing.simulate(main) == sizes_of(type, lwt_unix.PF_INET)


def test_so_much_as_both_buffers_hold_is_sent_to_somebody_who_does_not_read() -> None:
    async def main() -> tuple[int, int]:
        network = testing.network()
        network.localhost.limits.send_buffer = 5_000
        network.localhost.limits.receive_buffer = 3_000
        listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(listener, ("127.0.0.1", 0))
        lwt_unix.listen(listener, 5)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        lwt_unix.setsockopt_int(client, lwt_unix.SO_SNDBUF, 4_000)
        await lwt_unix.connect(client, lwt_unix.getsockname(listener))
        server, _ = await lwt_unix.accept(listener)
        sent = []
        for descriptor in (client, server):
            count = 0
            while (
                await lwt.pick(
                    [
                        lwt_unix.write(descriptor, bytes(100), 0, 100),
                        lwt.map(lambda _: 0, lwt_unix.sleep(1.0)),
                    ]
                )
                > 0
            ):
                count += 100
            sent.append(count)
        return sent[0], sent[1]

    assert testing.simulate(main) == (7_000, 8_000)


def test_the_backlog_is_never_more_than_the_limit() -> None:
    async def main() -> list[float]:
        network = testing.network()
        network.localhost.limits.backlog = 1
        network.localhost.limits.syn_retries = 2
        listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(listener, ("127.0.0.1", 0))
        lwt_unix.listen(listener, 100)
        told = []
        for _ in range(3):
            client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
            try:
                await lwt_unix.connect(client, lwt_unix.getsockname(listener))
                told.append(0.0)
            except TimeoutError:
                told.append(testing.world().now)
        return told

    assert testing.simulate(main) == [0.0, 0.0, 1.0 + 2.0 + 4.0]


def test_a_limit_that_makes_no_sense_is_an_error_and_changes_nothing() -> None:
    limits = testing.Limits()
    with pytest.raises(ValueError, match="send_buffer: 0 is too small; 1 is the least"):
        limits.send_buffer = 0
    with pytest.raises(TypeError, match="descriptors: expected an int"):
        limits.descriptors = 1.5  # type: ignore[assignment]
    assert (limits.send_buffer, limits.descriptors) == (212_992, 1_048_576)
