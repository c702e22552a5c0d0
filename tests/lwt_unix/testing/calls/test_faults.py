"""Calls that fail, or move fewer bytes, because a test wants it."""

from __future__ import annotations

import errno
import signal

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_io, lwt_preemptive, testing

PORT = 9000


async def listening(host: testing.Host | None = None) -> lwt_unix.File_descr:
    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.bind(listener, ("0.0.0.0", PORT))
    lwt_unix.listen(listener, 5)
    return listener


async def client_of(address: str = "127.0.0.1") -> lwt_unix.File_descr:
    client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.connect(client, (address, PORT))
    return client


def name(exn: OSError) -> str:
    return errno.errorcode[exn.errno or 0]


def test_a_call_fails_as_often_as_planned_after_so_many_that_go_well() -> None:
    async def main() -> list[str]:
        fault = testing.faults().fail("socket", errno.EMFILE, times=2, after=1)
        told = []
        for _ in range(5):
            try:
                lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
                told.append("made")
            except OSError as exn:
                told.append(name(exn))
        assert fault.count == 2
        return told

    assert testing.simulate(main) == ["made", "EMFILE", "EMFILE", "made", "made"]


def test_what_waits_is_not_hit_before_it_could_be_done() -> None:
    async def main() -> list[object]:
        listener = await listening()
        testing.faults().fail("accept", errno.EMFILE)
        accepting = lwt.catch(
            lambda: lwt.map(lambda _: "accepted", lwt_unix.accept(listener)),
            lambda exn: lwt.return_(str(exn)),
        )
        told: list[object] = [lwt.is_sleeping(accepting)]
        await client_of()
        told.append(await accepting)
        await lwt_unix.accept(listener)  # The client still waits.
        return told

    assert testing.simulate(main) == [True, "[Errno 24] Too many open files"]


def test_a_connection_that_is_aborted_is_lost() -> None:
    async def main() -> list[object]:
        listener = await listening()
        testing.faults().fail("accept", errno.ECONNABORTED)
        client = await client_of()
        told: list[object] = []
        with pytest.raises(ConnectionAbortedError):
            await lwt_unix.accept(listener)
        with pytest.raises(ConnectionResetError):
            await lwt_unix.read(client, bytearray(1), 0, 1)
        accepting = lwt_unix.accept(listener)
        told.append(lwt.is_sleeping(accepting))
        await client_of()
        await accepting
        return told

    assert testing.simulate(main) == [True]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(errno.ECONNREFUSED, 0.0), (errno.EHOSTUNREACH, 0.0), (errno.ETIMEDOUT, 127.0)],
)
def test_an_error_of_the_network_comes_to_a_client_from_the_network(
    error: int, seconds: float
) -> None:
    async def main() -> tuple[str, float]:
        listener = await listening()
        testing.faults().fail("connect", error)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        connecting = lwt_unix.connect(client, ("127.0.0.1", PORT))
        assert lwt.is_sleeping(connecting)
        with pytest.raises(OSError) as caught:  # noqa: PT011  (the number is compared)
            await connecting
        when = testing.world().now
        await client_of()  # The next one gets through.
        await lwt_unix.accept(listener)
        return name(caught.value), when

    assert testing.simulate(main) == (errno.errorcode[error], seconds)


def test_a_fault_may_be_for_one_host() -> None:
    async def main() -> list[str]:
        network = testing.network()
        testing.faults().fail("pipe", errno.EMFILE, times=None, host="alice")
        told = []
        for host in ("bob", "alice", "alice", "localhost"):

            async def make() -> str:
                try:
                    lwt_unix.pipe()
                except OSError as exn:
                    return name(exn)
                return "made"

            told.append(await network.host(host).run(make))
        return told

    assert testing.simulate(main) == ["made", "EMFILE", "EMFILE", "made"]


@pytest.mark.parametrize("call", ["accept", "connect", "read", "write"])
def test_an_interrupted_call_is_made_again(call: str) -> None:
    async def main() -> bytes:
        listener = await listening()
        times = 1 if call == "connect" else 3
        fault = testing.faults().fail(call, errno.EINTR, times=times)
        client = await client_of()
        server, _ = await lwt_unix.accept(listener)
        await lwt_unix.write(client, b"hello", 0, 5)
        buffer = bytearray(5)
        await lwt_unix.read(server, buffer, 0, 5)
        assert fault.count == times
        return bytes(buffer)

    assert testing.simulate(main) == b"hello"


def test_short_reads_and_writes_move_so_many_bytes_at_most() -> None:
    async def main() -> list[int]:
        listener = await listening()
        client = await client_of()
        server, _ = await lwt_unix.accept(listener)
        testing.faults().shorten("write", 4)
        reads = testing.faults().shorten("read", 3, times=1)
        told = [await lwt_unix.write(client, b"0123456789", 0, 10)]
        told.append(await lwt_unix.write(client, b"45", 0, 2))
        told += [await lwt_unix.read(server, bytearray(9), 0, 9) for _ in range(2)]
        assert reads.count == 1
        return told

    assert testing.simulate(main) == [4, 2, 3, 3]


def test_channels_bear_short_reads_and_writes_and_interruptions() -> None:
    async def main() -> list[bytes]:
        faults = testing.faults()
        faults.shorten("write", 3)
        faults.shorten("read", 2)
        faults.fail("write", errno.EAGAIN, times=2, after=3)
        faults.fail("read", errno.EAGAIN, times=2, after=2)
        reading, writing = lwt_io.pipe()
        told = []
        for text in (b"hello", b"world of short transfers"):
            await lwt_io.write_line(writing, text)
            told.append(await lwt_io.read_line(reading))
        await lwt.join([lwt_io.close(writing), lwt_io.close(reading)])
        return told

    assert testing.simulate(main) == [b"hello", b"world of short transfers"]


def test_a_short_write_that_fails_lets_go_of_the_buffer_though_its_error_is_kept() -> None:
    async def main() -> list[str]:
        reading, writing = lwt_io.pipe()
        await lwt_io.close(reading)
        testing.faults().shorten("write", 3)
        kept: list[OSError] = []
        for text in ("hello", "and more", "and more"):  # The buffer has to grow.
            await lwt_io.write(writing, text)
            try:
                await lwt_io.flush(writing)
            except BrokenPipeError as exn:
                kept.append(exn)
        await lwt_io.abort(writing)
        return [type(exn).__name__ for exn in kept]

    assert testing.simulate(main) == ["BrokenPipeError"] * 3


def test_datagrams_stay_whole() -> None:
    async def main() -> int:
        one, other = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)
        testing.faults().shorten("send", 2)
        testing.faults().shorten("recv", 2)
        await lwt_unix.send(one, b"hello", 0, 5, [])
        return await lwt_unix.recv(other, bytearray(9), 0, 9, [])

    assert testing.simulate(main) == 5


def test_a_choice_decides_about_a_fault_that_may_be() -> None:
    def main_with(told: list[str]) -> None:
        async def main() -> None:
            testing.faults().may_fail("pipe", errno.EMFILE, errno.ENFILE)
            for _ in range(20):
                try:
                    lwt_unix.pipe()
                    told.append("made")
                except OSError as exn:
                    told.append(name(exn))

        told.clear()
        testing.simulate(main, choices=choices)

    told: list[str] = []
    choices = testing.lwt_choices()
    main_with(told)
    assert told == ["made"] * 20
    seen = set()
    for seed in range(20):
        choices = testing.seeded(seed)
        main_with(told)
        seen.update(told)
        deviations = choices.deviations
        before = list(told)
        choices = testing.replayed(choices.replay_text())
        main_with(told)
        assert (told, choices.deviations) == (before, deviations)
    assert seen == {"made", "EMFILE", "ENFILE"}
    choices = testing.replayed("fault 2:1/3")
    main_with(told)
    assert str(choices) == "turn 0: pipe of localhost fails: Too many open files"
    assert told[:3] == ["made", "EMFILE", "made"]


def test_a_fault_is_told_in_the_trace() -> None:
    async def main() -> str:
        listener = await listening()
        testing.faults().fail("accept", errno.EMFILE)
        await client_of()
        with pytest.raises(OSError, match="Too many"):
            await lwt_unix.accept(listener)
        return testing.world().trace[-1][2]

    assert testing.simulate(main) == (
        "accept of localhost's listener 0.0.0.0:9000 fails: Too many open files"
    )


def test_what_is_stopped_does_not_hit_and_leaves_the_calls_as_they_were() -> None:
    async def main() -> None:
        before = dict(vars(system))
        faults = testing.faults()
        one, other = faults.fail("pipe", errno.EMFILE), faults.shorten("read", 1)
        faults.fail("read", errno.EINTR)
        assert dict(vars(system)) != before
        one.stop()
        one.stop()
        lwt_unix.pipe()
        assert vars(system)["readv"] is not before["readv"]
        faults.stop_all()
        assert dict(vars(system)) == before
        assert repr(other) == "<fault of read: 1 bytes at most, 0 so far>"

    testing.simulate(main)


def test_after_the_run_nothing_is_left_of_a_fault() -> None:
    before = dict(vars(system))

    async def main() -> None:
        testing.faults().fail("read", errno.EIO, times=None)

    testing.simulate(main)
    assert dict(vars(system)) == before


def test_numbers_that_make_no_sense_are_refused() -> None:
    async def main() -> None:
        faults = testing.faults()
        with pytest.raises(ValueError, match="0 times is never"):
            faults.fail("read", errno.EINTR, times=0)
        with pytest.raises(ValueError, match="after -1 calls"):
            faults.fail("read", errno.EINTR, after=-1)
        with pytest.raises(ValueError, match="0 bytes would be none"):
            faults.shorten("read", 0)
        with pytest.raises(ValueError, match="'accept' cannot move fewer bytes"):
            faults.shorten("accept", 1)
        with pytest.raises(ValueError, match="give the errors with which read may fail"):
            faults.may_fail("read")
        with pytest.raises(TypeError, match="expected a host"):
            faults.fail("read", errno.EINTR, host=3)  # type: ignore[arg-type]

    testing.simulate(main)


def test_a_call_may_be_interrupted_thousands_of_times_but_not_for_ever() -> None:
    async def main() -> list[object]:
        interrupted = testing.faults().fail("read", errno.EINTR, times=5_000)
        reading, writing = lwt_unix.pipe()
        await lwt_unix.write(writing, b"x", 0, 1)
        count = await lwt_unix.read(reading, bytearray(9), 0, 9)
        with pytest.raises(ValueError, match="read would be made again for ever"):
            testing.faults().fail("read", errno.EINTR, times=None)
        return [count, interrupted.count]

    assert testing.simulate(main) == [1, 5_000]


@pytest.mark.parametrize(("call", "error"), [("write", errno.EPIPE), ("read", errno.ENOMEM)])
def test_the_pipe_that_wakes_the_main_loop_is_spared(call: str, error: int) -> None:
    async def main() -> list[object]:
        fault = testing.faults().fail(call, error, times=None)
        told: list[object] = [await lwt_preemptive.detach(lambda: "done")]
        lwt_unix.on_signal(signal.SIGUSR1, told.append)
        testing.send_signal(signal.SIGUSR1)
        await lwt_unix.sleep(1.0)
        return [*told, fault.count]

    assert testing.simulate(main) == ["done", signal.SIGUSR1, 0]
