"""Programs that run in a simulated world, and check what must hold whatever is chosen there.

What such a program does is drawn from `chance`: a `random.Random`, made from a seed or drawn by Hypothesis. What
the world does is chosen there: how many bytes move, "not now", delays, orders, which client is first, faults.

    python -m tests.properties.simulated_programs servers 0 100000

runs one of them with many seeds, and tells of those that fail.
"""

from __future__ import annotations

import errno
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import lwt
import lwt_unix
from lwt import lwt_mutex, lwt_mvar, lwt_pool, lwt_stream
from lwt_unix import lwt_engine, lwt_io, testing

T = TypeVar("T")

Program = Callable[[random.Random], Coroutine[Any, Any, None]]

DELAYS = (0.0, 0.0005, 0.001, 0.04, 0.06, 1.0, 3.0)
"""Seconds. What the network brings late is late by 0.001, 0.05 or 2."""


class Gone(Exception):
    """Why a descriptor was aborted, or something failed."""


CUT_SHORT = (lwt.Canceled, lwt_unix.Timeout)


# --- Doing something, or not to its end --------------------------------------


def cut(chance: random.Random, start: Callable[[], lwt.Promise[T]]) -> lwt.Promise[T]:
    """Do something, and perhaps cancel it after some turns, or after some time."""
    how = chance.randrange(6)
    if how == 0:
        return lwt_unix.with_timeout(chance.choice(DELAYS), start)
    promise = start()
    if how == 1:
        turns = chance.randrange(4)

        async def cancel() -> None:
            for _ in range(turns):
                await lwt.pause()
            lwt.cancel(promise)

        lwt.dont_wait(cancel, lambda _: None)
    return promise


async def some_time(chance: random.Random) -> None:
    """Wait for nothing, a turn, or some time."""
    how = chance.randrange(3)
    if how == 1:
        await lwt.pause()
    elif how == 2:
        await lwt_unix.sleep(chance.choice(DELAYS))


async def connected(
    chance: random.Random, least: int
) -> tuple[lwt_unix.File_descr, lwt_unix.File_descr]:
    """An end to write to and the end to read from: of a pipe, of a pair of sockets, of a connection."""
    limits = testing.network().here().limits
    limits.send_buffer = chance.choice([least, 5_000, 212_992])
    limits.receive_buffer = chance.choice([least, 5_000, 212_992])
    limits.pipe = chance.choice([4_096, 65_536])
    kind = chance.randrange(3)
    if kind == 0:
        reading, writing = lwt_unix.pipe()
        return writing, reading
    if kind == 1:
        return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.bind(listener, ("127.0.0.1", 0))
    lwt_unix.listen(listener, 1)
    client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    accepting = lwt_unix.accept(listener)
    await lwt_unix.connect(client, lwt_unix.getsockname(listener))
    server, _ = await accepting
    await lwt_unix.close(listener)
    return (client, server) if chance.randrange(2) else (server, client)


def check_that_nothing_is_left() -> None:
    """All descriptors are closed, and the engine waits for nothing."""
    world = testing.world()
    left = {fd: world.name_of(fd) for fd in world.table if fd > 2}
    left = {fd: name for fd, name in left.items() if "main loop's own pipe" not in name}
    assert left == {}
    engine = lwt_engine.get()
    own = sum("main loop's own pipe" in world.name_of(fd) for fd in world.watched)
    assert (engine.readable_count - own, engine.writable_count) == (0, 0)
    assert engine.timer_count == 0


async def rest() -> None:
    """Let end what ends by itself: time-outs that nobody waits for any more."""
    await lwt_unix.sleep(100.0)


# --- Descriptors -------------------------------------------------------------


def pattern(writer: int, start: int, size: int) -> bytes:
    """What a writer writes from a place on: each byte tells whose it is, and which place of 32 it has."""
    return bytes((writer << 5) | (place & 31) for place in range(start, start + size))


def counted(received: bytes) -> Counter[int]:
    """How many bytes came of each writer; they must have come in order."""
    counts: Counter[int] = Counter()
    for byte in received:
        writer = byte >> 5
        assert byte & 31 == counts[writer] & 31, (writer, counts)
        counts[writer] += 1
    return counts


async def descriptors(chance: random.Random) -> None:
    """Several write and several read, each perhaps cut short: what was accepted comes once, in order."""
    near, far = await connected(chance, 1)
    sent: Counter[int] = Counter()
    received = bytearray()
    is_over = False
    is_disturbed = chance.randrange(4) == 0

    @lwt.promised
    async def write_some(writer: int) -> None:
        for _ in range(chance.randrange(6)):
            size = chance.choice([1, 1, 3, 50, 5_000])
            data = pattern(writer, sent[writer], size)
            try:
                count = await cut(chance, partial(lwt_unix.write, near, data, 0, size))
            except CUT_SHORT:
                await some_time(chance)
            except (OSError, Gone):
                assert is_disturbed
                return
            else:
                assert 0 < count <= size
                sent[writer] += count

    def note(buffer: bytearray, count: int) -> int:
        received.extend(buffer[:count])
        return count

    @lwt.promised
    async def read_some() -> None:
        nonlocal is_over
        while not is_over:
            size = chance.choice([1, 7, 100, 10_000])
            buffer = bytearray(size)

            def read(buffer: bytearray = buffer, size: int = size) -> lwt.Promise[int]:
                return lwt.map(partial(note, buffer), lwt_unix.read(far, buffer, 0, size))

            try:
                if chance.randrange(3) == 0:
                    await cut(chance, lambda: lwt_unix.wait_read(far))
                count = await cut(chance, read)
            except CUT_SHORT:
                await some_time(chance)
            except (OSError, Gone):
                assert is_disturbed
                return
            else:
                is_over = count == 0

    @lwt.promised
    async def disturb() -> None:
        await lwt_unix.sleep(chance.choice(DELAYS))
        for _ in range(chance.randrange(1, 3)):
            one = near if chance.randrange(2) else far
            if lwt_unix.state(one) is lwt_unix.Closed:
                continue
            if chance.randrange(2):
                lwt_unix.abort(one, Gone())
            else:
                await lwt_unix.close(one)
        for one in (near, far):
            if lwt_unix.state(one) is not lwt_unix.Closed:
                await lwt_unix.close(one)

    writers = [write_some(writer) for writer in range(chance.randrange(1, 5))]
    readers = [read_some() for _ in range(chance.randrange(1, 4))]
    disturbing = disturb() if is_disturbed else lwt.return_unit
    await lwt.join(writers)
    await disturbing
    if lwt_unix.state(near) is not lwt_unix.Closed:
        await lwt_unix.close(near)
    await lwt.join(readers)
    for one in (near, far):
        if lwt_unix.state(one) is not lwt_unix.Closed:
            await lwt_unix.close(one)
    counts = counted(bytes(received))
    if is_disturbed:
        assert all(counts[writer] <= sent[writer] for writer in counts)
    else:
        assert counts == sent


# --- Channels ----------------------------------------------------------------


async def channels(chance: random.Random) -> None:
    """Several write records to a channel, several read from the other one, each perhaps cut short.

    A record that was written comes, once, in one piece, and in its writer's order. Of one that was cut short,
    a part may come. What a read that was cut short did not give is given to the next one.
    """
    near, far = await connected(chance, 300)
    oc = lwt_io.of_fd(
        near, mode=lwt_io.Output, buffer=memoryview(bytearray(chance.choice([16, 64, 5_000])))
    )
    ic = lwt_io.of_fd(
        far, mode=lwt_io.Input, buffer=memoryview(bytearray(chance.choice([16, 64, 5_000])))
    )
    written: list[str] = []
    may_be: dict[int, list[str]] = {}
    received = bytearray()
    is_over = False
    is_closed_early = chance.randrange(4) == 0
    busy = 0

    @lwt.promised
    async def write_some(writer: int) -> None:
        nonlocal busy
        for number in range(chance.randrange(6)):
            body = "x" * chance.choice([0, 1, 10, 30, 30, 6_000])
            record = f"<{writer}:{number}:{body}>"

            @lwt.promised
            async def in_two(oc: lwt_io.output_channel, record: str = record) -> None:
                nonlocal busy
                busy += 1
                try:
                    assert busy == 1
                    half = chance.randrange(len(record))
                    await lwt_io.write(oc, record[:half])
                    await some_time(chance)
                    if chance.randrange(2):
                        await lwt_io.flush(oc)
                    await lwt_io.write(oc, record[half:])
                finally:
                    busy -= 1

            @lwt.promised
            async def byte_by_byte(record: str = record) -> None:
                memory = memoryview(record.encode())
                await lwt_io.write_from_exactly(oc, memory, 0, len(memory))

            starts: list[Callable[[], lwt.Promise[None]]] = [
                lambda record=record: lwt_io.write(oc, record),  # type: ignore[misc]
                lambda record=record: lwt_io.atomic(in_two)(oc),  # type: ignore[misc]
                byte_by_byte,
            ]
            may_be.setdefault(writer, []).append(record)
            try:
                await cut(chance, chance.choice(starts))
            except CUT_SHORT:
                await some_time(chance)
            except lwt_io.Channel_closed:
                assert is_closed_early
                return
            else:
                written.append(record)
            if chance.randrange(4) == 0:
                try:
                    await cut(chance, lambda: lwt_io.flush(oc))
                except CUT_SHORT:
                    await some_time(chance)
                except lwt_io.Channel_closed:
                    assert is_closed_early

    def note(data: bytes) -> bytes:
        received.extend(data)
        return data

    def read_count() -> lwt.Promise[bytes]:
        return lwt.map(note, lwt_io.read(ic, count=chance.choice([1, 5, 100, 10_000])))

    def read_char() -> lwt.Promise[bytes]:
        return lwt.map(
            lambda char: b"" if char is None else note(char.value), lwt_io.read_char_opt(ic)
        )

    def read_into() -> lwt.Promise[bytes]:
        target = bytearray(chance.choice([1, 20, 9_000]))
        reading = lwt_io.read_into(ic, target, 0, len(target))
        return lwt.map(lambda count: note(bytes(target[:count])), reading)

    def access() -> lwt.Promise[bytes]:
        """Take some of what is in the buffer."""

        @lwt.promised
        async def take(view: lwt_io.Direct_access) -> bytes:
            if view.da_ptr == view.da_max:
                await view.da_perform()
            count = min(view.da_max - view.da_ptr, chance.choice([1, 10, 100]))
            taken = bytes(view.da_buffer[view.da_ptr : view.da_ptr + count])
            view.da_ptr += count
            note(taken)
            return taken

        return lwt_io.direct_access(ic, take)

    @lwt.promised
    async def read_some() -> None:
        nonlocal is_over
        while not is_over:
            try:
                data = await cut(chance, chance.choice([read_count, read_char, read_into, access]))
            except CUT_SHORT:
                await some_time(chance)
            else:
                is_over = not data

    @lwt.promised
    async def close_early() -> None:
        await some_time(chance)
        await lwt_io.close(oc)

    writers = [write_some(writer) for writer in range(chance.randrange(1, 5))]
    readers = [read_some() for _ in range(chance.randrange(1, 4))]
    closing = close_early() if is_closed_early else lwt.return_unit
    await lwt.join([*writers, closing])
    await lwt_io.close(oc)
    await lwt.join(readers)
    await lwt_io.close(ic)
    check_records(received.decode(), written, may_be)


def check_records(text: str, written: list[str], may_be: dict[int, list[str]]) -> None:
    """Check that of each record that was written all came, once, and of the others a part at most."""
    tokens = ["<" + token for token in text.split("<")[1:]]
    assert "".join(tokens) == text
    whole = [token for token in tokens if token.endswith(">")]
    assert len(whole) == len(set(whole))
    assert set(whole) >= set(written), (whole, written)
    all_records = [record for records in may_be.values() for record in records]
    cut_short = [record for record in all_records if record not in whole]
    for token in tokens:
        if token not in whole:
            assert any(record.startswith(token) for record in cut_short), token
    for writer, records in may_be.items():
        own = [token for token in whole if token.startswith(f"<{writer}:")]
        assert own == [record for record in records if record in own]


# --- Servers -----------------------------------------------------------------


async def servers(chance: random.Random) -> None:
    """Clients of a server get back what they send; a server that is shut down leaves nothing."""
    network = testing.network()
    limits = network.here().limits
    limits.send_buffer = chance.choice([100, 212_992])
    limits.receive_buffer = chance.choice([100, 212_992])
    is_short = chance.randrange(3) == 0
    if is_short:
        limits.descriptors = chance.randrange(3, 12)
    if chance.randrange(3) == 0:
        faults = testing.faults()
        faults.may_fail("accept", errno.ECONNABORTED, errno.EMFILE, errno.EINTR, errno.EPROTO)
        faults.may_fail("connect", errno.ECONNREFUSED, errno.EINTR)
        if chance.randrange(2):
            faults.may_fail("read", errno.ECONNRESET, errno.EINTR)
    on_path = chance.randrange(4) == 0
    elsewhere = [network.here(), network.host("alice"), network.host("bob")]
    reported: list[Exception] = []
    lwt.async_exception_hook.contents = reported.append
    serving = served = 0

    @lwt.promised
    async def echo(_: object, channels: tuple[lwt_io.input_channel, lwt_io.output_channel]) -> None:
        nonlocal serving, served
        reading, writing = channels
        serving += 1
        try:
            while (line := await lwt_io.read_line_opt(reading)) is not None:
                await some_time(chance)
                await lwt_io.write_line(writing, line.value.upper())
        finally:
            serving -= 1
            served += 1

    domain = lwt_unix.PF_UNIX if on_path else lwt_unix.PF_INET
    listener = lwt_unix.socket(domain, lwt_unix.SOCK_STREAM, 0)
    server = await lwt_io.establish_server_with_client_address(
        "\0server" if on_path else ("0.0.0.0", 0),
        echo,
        fd=listener,
        backlog=chance.choice([0, 1, 5]),
    )
    address = lwt_unix.getsockname(listener)
    if isinstance(address, lwt_unix.ADDR_INET):
        address = lwt_unix.ADDR_INET(network.here().addresses[0], address.port)

    async def talk(name: str, channels: tuple[lwt_io.input_channel, lwt_io.output_channel]) -> None:
        reading, writing = channels
        for number in range(chance.randrange(4)):
            line = f"{name} {number} " + "x" * chance.choice([0, 10, 1_000])
            await lwt_io.write_line(writing, line)
            answer = await lwt_io.read_line(reading)
            assert answer.decode() == line.upper()
            await some_time(chance)

    @lwt.promised
    async def client(name: str) -> None:
        await some_time(chance)
        try:
            connect = partial(lwt_io.with_connection, address, partial(talk, name))
            if is_short:  # Clients may have all descriptors, and wait for a server that has none.
                connect = partial(lwt_unix.with_timeout, 60.0, connect)
            await cut(chance, connect)
        except (*CUT_SHORT, OSError, EOFError, lwt_io.Channel_closed):
            pass

    clients = [
        chance.choice(elsewhere).run(lambda name=name: client(name))  # type: ignore[misc]
        if not on_path
        else client(name)
        for name in ("ann", "bob", "cid", "dan", "eve")[: chance.randrange(1, 6)]
    ]
    if chance.randrange(2):
        await lwt.join(clients)
    else:
        await some_time(chance)
    stopped = [lwt_io.shutdown_server(server) for _ in range(chance.randrange(1, 3))]
    await lwt.join(stopped)
    assert lwt_unix.state(listener) is lwt_unix.Closed
    await lwt.join(clients)
    await rest()
    assert serving == 0
    for exception in reported:
        assert isinstance(exception, (OSError, EOFError, lwt_io.Channel_closed)), exception


# --- Waiting for each other --------------------------------------------------


async def mutexes(chance: random.Random) -> None:
    """Whoever is cancelled, one holds the mutex at most, and in the end nobody does."""
    mutex = lwt_mutex.create()
    holders = 0

    @lwt.promised
    async def work() -> None:
        nonlocal holders
        holders += 1
        try:
            assert holders == 1
            await some_time(chance)
            assert holders == 1
        finally:
            holders -= 1

    @lwt.promised
    async def user() -> None:
        for _ in range(chance.randrange(4)):
            try:
                if chance.randrange(2):
                    await cut(chance, lambda: lwt_mutex.with_lock(mutex, work))
                else:
                    await cut(chance, lambda: lwt_mutex.lock(mutex))
                    try:
                        await cut(chance, work)
                    finally:
                        lwt_mutex.unlock(mutex)
            except CUT_SHORT:
                await some_time(chance)

    await lwt.join([user() for _ in range(chance.randrange(1, 6))])
    assert not lwt_mutex.is_locked(mutex)
    assert lwt_mutex.is_empty(mutex)


async def pools(chance: random.Random) -> None:
    """Whatever is cut short or fails, a pool has no more members than it may, and loses no place."""
    most = chance.randrange(1, 4)
    living: set[int] = set()
    used: set[int] = set()
    count = 0

    @lwt.promised
    async def make() -> int:
        nonlocal count
        await some_time(chance)
        if chance.randrange(5) == 0:
            raise Gone
        count += 1
        living.add(count)
        assert len(living) <= most
        return count

    @lwt.promised
    async def dispose(member: int) -> None:
        try:
            await some_time(chance)
        finally:
            living.remove(member)

    @lwt.promised
    async def validate(_: int) -> bool:
        await some_time(chance)
        if chance.randrange(8) == 0:
            raise Gone
        return chance.randrange(5) > 0

    pool = lwt_pool.create(
        most,
        make,
        validate=validate,
        check=lambda _, tell: tell(chance.randrange(3) > 0),
        dispose=dispose,
    )

    @lwt.promised
    async def use(member: int) -> None:
        assert member not in used
        assert member in living
        used.add(member)
        try:
            await some_time(chance)
            if chance.randrange(4) == 0:
                raise Gone
        finally:
            used.remove(member)

    @lwt.promised
    async def user() -> None:
        for _ in range(chance.randrange(5)):
            try:
                await cut(chance, lambda: lwt_pool.use(pool, use))
            except (*CUT_SHORT, Gone):
                await some_time(chance)

    users = [user() for _ in range(chance.randrange(1, 6))]
    if chance.randrange(3) == 0:
        await some_time(chance)
        try:
            await lwt_pool.clear(pool)
        except Gone:
            pass
    await lwt.join(users)
    await rest()
    assert used == set()
    assert lwt_pool.wait_queue_length(pool) == 0
    # All places are still there: so many users are served at once.
    at_once, (all_here, resolver) = 0, lwt.wait()

    @lwt.promised
    async def meet(_: int) -> None:
        nonlocal at_once
        at_once += 1
        if at_once == most:
            lwt.wakeup_later(resolver, None)
        await all_here

    @lwt.promised
    async def come() -> None:
        while True:
            try:
                return await lwt_pool.use(pool, meet)
            except Gone:
                pass

    await lwt.join([come() for _ in range(most)])


async def mailboxes(chance: random.Random) -> None:
    """What was put is taken, once and in order, also from a bounded stream."""
    is_stream = chance.randrange(2)
    box: lwt_mvar.Mvar[tuple[int, int]] = lwt_mvar.create_empty()
    stream, push = lwt_stream.create_bounded(chance.randrange(1, 3))
    put: list[tuple[int, int]] = []
    perhaps: set[tuple[int, int]] = set()
    taken: list[tuple[int, int]] = []
    left = 0

    @lwt.promised
    async def putter(who: int) -> None:
        nonlocal left
        for number in range(chance.randrange(6)):
            value = (who, number)
            try:
                if is_stream:
                    await cut(chance, partial(push.push, value))
                else:
                    await cut(chance, partial(lwt_mvar.put, box, value))
            except CUT_SHORT:
                perhaps.add(value)
                await some_time(chance)
            else:
                put.append(value)
        left -= 1

    def note(value: tuple[int, int]) -> None:
        taken.append(value)

    def take() -> lwt.Promise[None]:
        if is_stream:
            return lwt.map(lambda some: note(some.value) if some else None, lwt_stream.get(stream))
        return lwt.map(note, lwt_mvar.take(box))

    @lwt.promised
    async def taker() -> None:
        while left or len(taken) < len(put):
            try:
                await lwt_unix.with_timeout(chance.choice(DELAYS), lambda: cut(chance, take))
            except CUT_SHORT:
                await some_time(chance)
            await lwt_unix.sleep(0.01)
            assert testing.world().now < 1_000.0, (put, taken)

    left = 1 if is_stream else chance.randrange(1, 4)
    putters = [putter(who) for who in range(left)]
    # Of several who get from a stream at once, each gets the same.
    takers = [taker() for _ in range(1 if is_stream else chance.randrange(1, 4))]
    await lwt.join([*putters, *takers])
    assert len(taken) == len(set(taken))
    assert set(put) <= set(taken) <= {*put, *perhaps}
    for who in range(3):
        own = [value for value in taken if value[0] == who]
        assert own == sorted(own)


# --- Running -----------------------------------------------------------------

PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (descriptors, channels, servers, mutexes, pools, mailboxes)
}


async def checked(program: Program, chance: random.Random) -> None:
    """Run a program, and check that it leaves nothing."""
    await program(chance)
    await rest()
    check_that_nothing_is_left()


def run_with_seed(program: Program, seed: int) -> testing.Choices:
    """Run a program with what a seed makes of it."""
    choices = testing.seeded(seed)
    testing.simulate(lambda: checked(program, random.Random(seed)), choices=choices)
    return choices


def search(name: str, first: int, count: int) -> int:
    """Run a program with many seeds, and tell of those that fail; return how many these are."""
    program, failures = PROGRAMS[name], 0
    for seed in range(first, first + count):
        try:
            run_with_seed(program, seed)
        except Exception as exception:
            failures += 1
            print(f"{name} {seed}: {type(exception).__name__} {str(exception)[:300]}", flush=True)
            if failures == 1:
                print(traceback.format_exc()[-2_000:])
            if failures == 20:
                break
    print(f"{name}: {count} runs from {first}, {failures} failures", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(bool(search(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
