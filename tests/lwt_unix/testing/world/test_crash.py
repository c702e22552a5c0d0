"""Hosts that crash: nothing that runs there goes on, and the others hear nothing of it."""

from __future__ import annotations

import gc
from contextlib import suppress
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt import lwt_mutex
from lwt_unix import File_descr, lwt_engine, lwt_io, lwt_preemptive, testing
from lwt_unix.testing import Host
from tests.support.simulated_hosts import PORT, listening, outcome, read, write


def the_host(name: str = "bob") -> Host:
    return testing.network().host(name)


async def connected_to(host: Host) -> tuple[File_descr, File_descr]:
    listener = await listening(host)
    client = await connecting_to(host)

    async def accept() -> File_descr:
        return (await lwt_unix.accept(listener))[0]

    return client, await host.run(accept)


async def connecting_to(host: Host) -> File_descr:
    client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.connect(client, (host.addresses[0], PORT))
    return client


def test_nothing_that_runs_on_the_host_goes_on() -> None:
    happened: list[str] = []

    async def main() -> list[str]:
        bob = the_host()
        resolved, resolver = lwt.wait()
        reading, writing = lwt_unix.pipe()

        async def run() -> None:
            @lwt.promised
            async def body(name: str, promise: lwt.Promise[object]) -> None:
                try:
                    await promise
                    happened.append(name)
                finally:
                    happened.append(f"finally of {name}")

            body("timer", lwt_unix.sleep(1.0))
            body("pause", lwt.pause())
            body("promise", resolved)
            body("pipe", lwt_unix.wait_read(reading))
            body("job", lwt_preemptive.detach(happened.append, "did the job"))
            lwt.map(lambda _: happened.append("map"), resolved)
            lwt.on_success(resolved, lambda _: happened.append("on_success"))
            lwt.on_termination(resolved, lambda: happened.append("on_termination"))
            lwt.finalize(
                lambda: resolved, lambda: lwt.map(happened.append, lwt.return_("finalize"))
            )
            lwt.on_cancel(lwt.protected(resolved), lambda: happened.append("on_cancel"))
            lwt_engine.on_timer(2.0, True, lambda _: happened.append("on_timer"))
            own, other = lwt_unix.pipe()
            lwt_engine.on_readable(
                lwt_unix.unix_file_descr(own), lambda _: happened.append("on_readable")
            )
            await write(other)
            await lwt_unix.sleep(1_000.0)
            happened.append("the end")

        running = bob.run(run)
        await bob.crash()
        assert not bob.is_up
        with pytest.raises(testing.Crashed, match="bob has crashed"):
            await running
        lwt.wakeup(resolver, None)
        await write(writing)
        await lwt_unix.sleep(2_000.0)
        return list(happened)

    assert testing.simulate(main) == []
    assert sorted(name for name in happened if name.startswith("finally")) == [
        *("finally of job", "finally of pause", "finally of pipe"),
        *("finally of promise", "finally of timer"),
    ]
    assert "finalize" not in happened


def test_what_finally_blocks_of_a_crashed_host_do_reaches_nobody() -> None:
    tried: list[object] = []

    async def main() -> list[object]:
        bob = the_host()
        client, server = await connected_to(bob)

        async def run() -> None:
            try:
                await lwt_unix.sleep(10.0)
            finally:
                for call in (lambda: write(server), lambda: read(server), lwt_unix.pipe):
                    try:
                        tried.append(call())
                    except BaseException as exn:
                        tried.append(type(exn).__name__)
                await lwt_unix.close(server)
                await lwt_unix.sleep(1.0)
                tried.append("the end")

        lwt.dont_wait(lambda: bob.run(run), lambda _: None)
        await bob.crash()
        reading = read(client)
        await lwt_unix.sleep(100.0)
        return [lwt.is_sleeping(reading), list(tried)]

    assert testing.simulate(main) == [True, []]
    assert tried[0] == tried[2] == "Crashed"
    assert "the end" not in tried


def test_a_peer_that_waits_hears_nothing_and_one_that_sends_gives_up_after_a_long_time() -> None:
    async def main() -> list[object]:
        bob = the_host()
        client, _ = await connected_to(bob)
        await bob.crash()
        reading = read(client)
        await lwt_unix.sleep(100_000.0)
        told: list[object] = [lwt.is_sleeping(reading)]
        await write(client)
        told.append(await outcome(lambda: reading))
        told.append(round(testing.world().now - 100_000.0, 3))
        return told

    assert testing.simulate(main) == [True, "ETIMEDOUT", 924.6]


def test_a_host_that_is_up_again_resets_what_it_does_not_know() -> None:
    async def main() -> list[object]:
        bob = the_host()
        client, _ = await connected_to(bob)
        await bob.crash()
        listener = await bob.restart(lambda: listening(bob))
        reading = read(client)
        await lwt_unix.sleep(100.0)
        told: list[object] = [lwt.is_sleeping(reading)]  # The connection is half open.
        await write(client)
        told.append(await outcome(lambda: reading))
        told.append(await outcome(lambda: write(client)))
        again = await connecting_to(bob)
        server, _ = await lwt_unix.accept(listener)
        await write(again)
        told.append(await read(server))
        return told

    assert testing.simulate(main) == [True, "ECONNRESET", "EPIPE", b"hello"]


def test_bytes_that_were_sent_while_the_host_was_down_are_answered_when_it_is_up() -> None:
    async def main() -> list[object]:
        bob = the_host()
        client, _ = await connected_to(bob)
        await bob.crash()
        await write(client)
        await lwt_unix.sleep(10.0)
        reading = read(client)
        told: list[object] = [lwt.is_sleeping(reading)]
        bob.restart(lambda: lwt.return_unit)
        told += [await outcome(lambda: reading), round(testing.world().now, 3)]
        return told

    assert testing.simulate(main) == [True, "ECONNRESET", 12.6]


def test_what_the_host_had_sent_before_still_comes() -> None:
    async def main() -> bytes:
        network, bob = testing.network(), the_host()
        client, server = await connected_to(bob)
        network.link(bob, network.localhost).latency = 1.0

        async def send() -> None:
            await write(server)

        await bob.run(send)
        await bob.crash()
        return await read(client)

    assert testing.simulate(main) == b"hello"


def test_nobody_connects_to_a_host_that_is_down() -> None:
    async def main() -> list[object]:
        bob = the_host()
        await listening(bob)
        await bob.crash()
        told = [await outcome(lambda: connecting_to(bob)), testing.world().now]
        bob.restart(lambda: lwt.return_unit)
        told.append(await outcome(lambda: connecting_to(bob)))
        return told

    assert testing.simulate(main) == ["ETIMEDOUT", 127.0, "ECONNREFUSED"]


def test_a_client_that_waits_during_a_restart_gets_through() -> None:
    async def main() -> float:
        bob = the_host()
        await bob.crash()
        connecting = lwt.of_coroutine(connecting_to(bob))
        await lwt_unix.sleep(5.0)
        await bob.restart(lambda: listening(bob))
        await connecting
        return testing.world().now

    assert testing.simulate(main) == 7.0


def test_numbers_of_a_crashed_host_are_given_to_nobody() -> None:
    async def main() -> None:
        bob = the_host()

        async def open_pipe() -> tuple[File_descr, File_descr]:
            return lwt_unix.pipe()

        reading, writing = await bob.run(open_pipe)
        await bob.crash()
        assert not bob.fds
        fresh = {lwt_unix.unix_file_descr(end) for _ in range(3) for end in lwt_unix.pipe()}
        assert not fresh & {lwt_unix.unix_file_descr(end) for end in (reading, writing)}
        with pytest.raises(OSError, match="Bad file descriptor"):
            await write(writing)
        assert "a descriptor of bob, which has crashed" in testing.world().name_of(
            lwt_unix.unix_file_descr(reading)
        )

    testing.simulate(main)


def test_ports_and_paths_are_free_after_a_crash() -> None:
    async def main() -> None:
        bob = the_host()
        for _ in range(3):
            await (bob.run if bob.is_up else bob.restart)(lambda: listening(bob))
            await bob.crash()

    testing.simulate(main)


def test_what_a_channel_had_not_written_is_lost() -> None:
    async def main() -> bytes:
        bob = the_host()
        client, server = await connected_to(bob)

        async def talk() -> None:
            channel = lwt_io.of_fd(server, mode=lwt_io.Output)
            await lwt_io.write(channel, b"one")
            await lwt_io.flush(channel)
            await lwt_io.write(channel, b"two")
            the_host().crash()
            await lwt.wait()[0]

        lwt.dont_wait(lambda: bob.run(talk), lambda _: None)
        told = await read(client)
        more = read(client)
        await lwt_unix.sleep(100.0)
        assert lwt.is_sleeping(more) or await more == b"two"
        return told

    assert testing.simulate(main) == b"one"


def test_a_host_may_crash_itself() -> None:
    happened: list[str] = []

    async def main() -> None:
        bob = the_host()

        async def run() -> None:
            happened.append("before")
            await bob.crash()
            happened.append("after")

        with pytest.raises(testing.Crashed):
            await bob.run(run)

    testing.simulate(main)
    assert happened == ["before"]


def test_other_hosts_go_on_even_where_they_wait_for_the_same_promise() -> None:
    happened: list[str] = []

    async def main() -> None:
        promise, resolver = lwt.wait()
        for name in ("alice", "bob", "carol"):

            async def run(name: str = name) -> None:
                await promise
                happened.append(name)

            lwt.dont_wait(partial(the_host(name).run, run), lambda _: None)
        await the_host("bob").crash()
        lwt.wakeup(resolver, None)
        await lwt_unix.sleep(1.0)

    testing.simulate(main)
    assert happened == ["carol", "alice"]


def test_what_a_crash_and_a_restart_need() -> None:
    async def main() -> None:
        bob = the_host()
        with pytest.raises(lwt.Failure, match="localhost runs the program itself"):
            testing.network().localhost.crash()
        with pytest.raises(lwt.Failure, match="bob is up; crash it first"):
            bob.restart(lambda: lwt.return_unit)
        await lwt.join([bob.crash(), bob.crash()])
        assert bob.life == 1
        with pytest.raises(lwt.Failure, match="bob has crashed; restart it first"):
            bob.run(lambda: lwt.return_unit)
        assert [words for _, _, words in testing.world().trace][-1] == "bob crashes"

    testing.simulate(main)


def test_timers_that_have_fired_are_forgotten() -> None:
    async def main() -> int:
        bob = the_host()

        async def run() -> None:
            for _ in range(1_000):
                await lwt_unix.sleep(0.001)

        await bob.run(run)
        return len(bob.timers)

    assert testing.simulate(main) < 10


def test_who_waits_in_a_queue_that_hosts_share_leaves_it() -> None:
    async def main() -> list[str]:
        mutex, told = lwt_mutex.create(), list[str]()

        async def program(name: str) -> None:
            async with mutex:
                told.append(name)
                await lwt_unix.sleep(1.0)

        for name in ("alice", "bob", "carol"):
            lwt.dont_wait(partial(the_host(name).run, partial(program, name)), lambda _: None)
        await the_host("bob").crash()
        await lwt_unix.sleep(10.0)
        return told

    assert testing.simulate(main) == ["alice", "carol"]


def test_a_mutex_that_the_program_makes_anew_is_free() -> None:
    async def main() -> list[float]:
        bob, told = the_host(), list[float]()

        async def program() -> None:
            mutex = lwt_mutex.create()
            for _ in range(5):
                async with mutex:
                    told.append(testing.world().now)
                    await lwt_unix.sleep(1.0)

        lwt.dont_wait(lambda: bob.run(program), lambda _: None)
        await lwt_unix.sleep(2.5)
        await bob.crash()
        await lwt_unix.sleep(10.0)
        await bob.restart(program)
        return told

    assert testing.simulate(main) == [0.0, 1.0, 2.0, 12.5, 13.5, 14.5, 15.5, 16.5]


@pytest.mark.parametrize("seed", range(8))
def test_crashes_at_any_time_leave_the_others_in_order(seed: int) -> None:
    """A client that connects anew and sends its numbers until each is acknowledged."""

    async def main() -> list[int]:
        bob = the_host()
        stored: list[int] = []  # Bob's disk.

        async def serve() -> None:
            async def handle(
                _: object, channels: tuple[lwt_io.input_channel, lwt_io.output_channel]
            ) -> None:
                with suppress(OSError):
                    while (line := await lwt_io.read_line_opt(channels[0])) is not None:
                        number = int(line.value)
                        if number == len(stored):
                            stored.append(number)
                        await lwt_io.write_line(channels[1], line.value)

            await lwt_io.establish_server_with_client_address(("0.0.0.0", PORT), handle)
            await lwt.wait()[0]

        @lwt.promised
        async def send_all() -> None:
            number = 0
            while number < 15:
                try:
                    async with lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0) as socket:
                        await lwt_unix.with_timeout(
                            3.0, partial(lwt_unix.connect, socket, (bob.addresses[0], PORT))
                        )
                        while number < 15:
                            line = b"%d\n" % number
                            await write(socket, line)
                            got = await lwt_unix.with_timeout(3.0, partial(read, socket))
                            if got != line:
                                break
                            number += 1
                            await lwt_unix.sleep(0.1)
                except (OSError, lwt_unix.Timeout):
                    await lwt_unix.sleep(0.2)

        lwt.dont_wait(lambda: bob.run(serve), lambda _: None)
        sending = send_all()
        for pause in (0.35, 0.2, 1.0):
            await lwt_unix.sleep(pause)
            await bob.crash()
            await lwt_unix.sleep(pause)
            lwt.dont_wait(lambda: bob.restart(serve), lambda _: None)
        await sending
        return stored

    assert testing.simulate(main, choices=testing.seeded(seed)) == list(range(15))


def test_nothing_is_left_of_crashed_bodies_after_the_run() -> None:
    class Mark:
        pass

    async def main() -> None:
        bob = the_host()

        async def run(mark: Mark) -> None:
            await lwt_unix.sleep(10.0)

        lwt.dont_wait(lambda: bob.run(lambda: run(Mark())), lambda _: None)
        await bob.crash()
        gc.collect()
        assert any(type(one) is Mark for one in gc.get_objects())

    testing.simulate(main)
    gc.collect()
    assert not any(type(one) is Mark for one in gc.get_objects())


def test_files_are_there_after_a_restart_and_those_that_were_open_are_not() -> None:
    async def main() -> tuple[bytes, int]:
        bob = the_host()

        async def store() -> None:
            for text in (b"one\n", b"two\n"):
                file = await lwt_unix.openfile(
                    "/data", [lwt_unix.O_WRONLY, lwt_unix.O_CREAT, lwt_unix.O_APPEND], 0o600
                )
                await write(file, text)
                await lwt_unix.sleep(1.0)

        async def load() -> bytes:
            return await read(await lwt_unix.openfile("/data", [lwt_unix.O_RDONLY], 0))

        lwt.dont_wait(lambda: bob.run(store), lambda _: None)
        await lwt_unix.sleep(0.5)
        await bob.crash()
        await lwt_unix.sleep(5.0)
        return await bob.restart(load), len(bob.fds)

    assert testing.simulate(main) == (b"one\n", 1)


def test_jobs_of_a_crashed_host_give_their_threads_back() -> None:
    async def main() -> list[object]:
        bob = the_host()
        done: list[object] = []

        async def work() -> None:
            for number in range(10):
                lwt.dont_wait(
                    partial(lwt_preemptive.detach, done.append, number),
                    done.append,
                )
            await lwt.wait()[0]

        lwt.dont_wait(lambda: bob.run(work), lambda _: None)
        await bob.crash()
        await lwt_unix.sleep(10.0)
        assert lwt_preemptive.nbthreadsbusy() == 0
        return done

    assert testing.simulate(main) == []


def test_a_crash_leaves_nothing_that_a_test_may_not_leave() -> None:
    async def main() -> None:
        bob = the_host()

        async def run() -> None:
            lwt_unix.pipe()
            await lwt.join([lwt_unix.sleep(5.0), lwt_preemptive.detach(lambda: None)])

        with testing.nothing_left():
            lwt.dont_wait(lambda: bob.run(run), lambda _: None)
            await bob.crash()
            await lwt.pause()

    testing.simulate(main)


def test_what_others_print_is_written_although_a_host_crashes_that_has_just_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def main() -> None:
        server = testing.network().host("server")
        await server.run(lambda: lwt_io.print("server "))
        await server.crash()
        await lwt_io.print("main")
        await lwt_unix.sleep(1.0)
        assert capfd.readouterr().out == "server main"

    testing.simulate(main)


def test_who_waits_for_a_mutex_of_a_crashed_host_does_not_go_on_when_the_run_is_over() -> None:
    told: list[str] = []

    async def main() -> None:
        mutex, server = lwt_mutex.create(), testing.network().host("server")

        async def hold() -> None:
            await lwt_mutex.lock(mutex)
            try:
                await lwt.wait()[0]
            finally:
                told.append("unlocked")
                lwt_mutex.unlock(mutex)

        async def wait() -> None:
            await lwt_mutex.lock(mutex)
            told.append("locked")

        lwt.dont_wait(lambda: server.run(hold), lambda _: None)
        lwt.dont_wait(wait, lambda exn: told.append(repr(exn)))
        await server.crash()

    testing.simulate(main)
    assert told == ["unlocked"]
