"""One descriptor that is always ready delays the others only a little: counted, not timed."""

import os
import signal
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from lwt_unix._descriptors.actions import MOST_AT_ONCE as MOST_WRITES
from lwt_unix._descriptors.actions import OF_A_CALL
from lwt_unix.lwt_io._buffer import MOST_AT_ONCE as MOST_TAKEN
from tests.support.descriptors import a_blocking_pipe, send
from tests.support.sockets import Open

Step = Callable[[], lwt.Promise[Any]]

MOST_CALLS = MOST_WRITES // OF_A_CALL


def numbers_by_turn(step: Step, total: int) -> list[int]:
    """Do a step again and again, and return how often it was done in each turn of the engine."""
    numbers: list[int] = []
    hook = lwt_main.Enter_iter_hooks.add_first(lambda: numbers.append(0))

    async def flood() -> None:
        await lwt.pause()
        for _ in range(total):
            await step()
            numbers[-1] += 1

    lwt_main.run(flood())
    lwt_main.Enter_iter_hooks.remove(hook)
    return numbers


# --- Calls on a descriptor ---------------------------------------------------


def ready_to_read(opened: Open, length: int) -> lwt_unix.File_descr:
    near, far = opened.pair()
    send(far, b"x" * length)
    return near


def reading(opened: Open) -> Step:
    near, buffer = ready_to_read(opened, 200), bytearray(1)
    return lambda: lwt_unix.read(near, buffer, 0, 1)


def reading_in_blocking_mode(opened: Open) -> Step:
    near, far = map(opened, a_blocking_pipe())
    buffer = bytearray(1)
    os.write(lwt_unix.unix_file_descr(far), b"x" * 200)
    return lambda: lwt_unix.read(near, buffer, 0, 1)


def receiving(opened: Open) -> Step:
    near, buffer = ready_to_read(opened, 200), bytearray(1)
    return lambda: lwt_unix.recv(near, buffer, 0, 1, [])


def receiving_from(opened: Open) -> Step:
    near, buffer = ready_to_read(opened, 200), bytearray(1)
    return lambda: lwt_unix.recvfrom(near, buffer, 0, 1, [])


def to_write(opened: Open) -> tuple[lwt_unix.File_descr, int]:
    """Something that takes thousands of small writes, and the number of what to read them from."""
    reading, writing = map(opened, lwt_unix.pipe())
    return writing, lwt_unix.unix_file_descr(reading)


def writing(opened: Open) -> Step:
    descriptor, _ = to_write(opened)
    return lambda: lwt_unix.write(descriptor, b"x", 0, 1)


def sending(opened: Open) -> Step:
    near, far = opened.pair()

    def send_and_take() -> lwt.Promise[int]:
        sent = lwt_unix.send(near, b"x", 0, 1, [])
        return lwt.map(lambda _: len(os.read(lwt_unix.unix_file_descr(far), 10)), sent)

    return send_and_take


def sending_to(opened: Open) -> Step:
    sender = opened.socket(type=lwt_unix.SOCK_DGRAM)
    receiver = opened.socket(type=lwt_unix.SOCK_DGRAM)
    lwt_main.run(lwt_unix.bind(receiver, ("127.0.0.1", 0)))
    address = lwt_unix.getsockname(receiver)
    return lambda: lwt_unix.sendto(sender, b"x", 0, 1, [], address)


def waiting_clients(opened: Open) -> lwt_unix.File_descr:
    listener = opened.socket()
    lwt_main.run(lwt_unix.bind(listener, ("127.0.0.1", 0)))
    lwt_unix.listen(listener, 256)
    for _ in range(200):
        opened.client_of(listener)
    return listener


def accepting(opened: Open) -> Step:
    listener = waiting_clients(opened)
    return lambda: lwt.map(lambda accepted: opened(accepted[0]), lwt_unix.accept(listener))


def accepting_several(opened: Open) -> Step:
    listener = waiting_clients(opened)

    def accept() -> lwt.Promise[object]:
        accepted = lwt_unix.accept_n(listener, 1)
        return lwt.map(lambda value: [opened(client) for client, _ in value[0]], accepted)

    return accept


@pytest.mark.parametrize(
    "make",
    [
        reading,
        reading_in_blocking_mode,
        receiving,
        receiving_from,
        accepting,
        accepting_several,
    ],
)
def test_only_so_many_calls_on_a_descriptor_are_done_in_one_turn(
    opened: Open, make: Callable[[Open], Step]
) -> None:
    step = make(opened)
    # When a flood begins, it is found out only after the first round.
    assert numbers_by_turn(step, 200) == [2 * MOST_CALLS, MOST_CALLS, 200 - 3 * MOST_CALLS]


@pytest.mark.parametrize("make", [writing, sending, sending_to])
def test_only_so_many_writes_to_a_descriptor_are_done_in_one_turn(
    opened: Open, make: Callable[[Open], Step]
) -> None:
    numbers = numbers_by_turn(make(opened), 3 * MOST_WRITES + 10)
    assert numbers == [2 * MOST_WRITES, MOST_WRITES, 10]


def test_a_long_write_counts_once_more_for_each_4096_bytes(opened: Open) -> None:
    near, far = opened.pair()
    data = bytearray(8192)

    def write_and_take() -> lwt.Promise[int]:
        written = lwt_unix.write(near, data, 0, len(data))
        return lwt.map(lambda _: len(os.read(lwt_unix.unix_file_descr(far), 10_000)), written)

    bound = MOST_WRITES // 3
    numbers = numbers_by_turn(write_and_take, 3 * bound + 10)
    assert numbers == [2 * bound, bound + 1, 9]  # The one that had to wait counts as a short one.


def test_reads_and_writes_are_counted_together(opened: Open) -> None:
    near, buffer = ready_to_read(opened, 200), bytearray(1)

    def echo() -> lwt.Promise[int]:
        read = lwt_unix.read(near, buffer, 0, 1)
        return lwt.bind(read, lambda length: lwt_unix.write(near, buffer, 0, length))

    most = MOST_WRITES // (OF_A_CALL + 1)
    numbers = numbers_by_turn(echo, 200)
    assert numbers[1:] == [most, 200 - numbers[0] - most]
    assert 2 * most <= numbers[0] <= 2 * most + 2


def test_each_descriptor_is_counted_for_itself(opened: Open) -> None:
    buffer = bytearray(1)
    descriptors = [ready_to_read(opened, MOST_CALLS) for _ in range(3)]
    for descriptor in descriptors:
        reads = [lwt_unix.read(descriptor, buffer, 0, 1) for _ in range(MOST_CALLS)]
        assert all(lwt.state(promise) == lwt.Return(1) for promise in reads)


def test_calls_beyond_the_bound_are_done_in_their_order(opened: Open) -> None:
    descriptor, reading = to_write(opened)
    data = [number.to_bytes(2) for number in range(2 * MOST_WRITES + 10)]
    written = [lwt_unix.write(descriptor, two, 0, 2) for two in data]
    assert sum(lwt.is_sleeping(promise) for promise in written) >= 10
    lwt_main.run(lwt.join(lwt.map(lambda _: None, promise) for promise in written))
    assert os.read(reading, 65536) == b"".join(data)


def test_the_next_turn_tries_again_also_what_the_system_does_not_report(opened: Open) -> None:
    near, far = opened.pair()
    buffer = bytearray()
    lwt_unix.set_blocking(near, False)
    # Nothing is there to read, and a Unix-domain socket is not writable when a quarter of its buffer
    # is full.
    assert sum(numbers_by_turn(lambda: lwt_unix.read(near, buffer, 0, 0), 200)) == 200
    assert sum(numbers_by_turn(lambda: lwt_unix.write(near, b"x", 0, 1), 250)) == 250
    assert sum(numbers_by_turn(lambda: lwt_unix.wrap_syscall(lwt_unix.Read, far, list), 200)) == 200


def test_an_action_that_waits_for_the_next_turn_is_rejected_when_its_descriptor_is_closed(
    opened: Open,
) -> None:
    near, _ = opened.pair()
    buffer = bytearray()
    lwt_unix.set_blocking(near, False)
    promises = [lwt_unix.read(near, buffer, 0, 0) for _ in range(2 * MOST_CALLS + 1)]
    lwt_main.run(lwt_unix.close(near))
    assert isinstance(lwt.state(promises[-1]), lwt.Fail)


def test_an_action_that_waits_for_the_next_turn_can_be_cancelled(opened: Open) -> None:
    descriptor, reading = to_write(opened)
    promises = [lwt_unix.write(descriptor, b"x", 0, 1) for _ in range(2 * MOST_WRITES + 1)]
    number = [lwt.is_sleeping(promise) for promise in promises].index(True)
    lwt.cancel(promises[-1])
    lwt_main.run(lwt.join(lwt.map(lambda _: None, promise) for promise in promises[:-1]))
    assert len(os.read(reading, 65536)) == 2 * MOST_WRITES
    assert number >= MOST_WRITES


# --- What is read ahead ------------------------------------------------------


def of_bytes(opened: Open, data: bytes) -> lwt_io.InputChannel:
    near, far = opened.pair()
    send(far, data)
    return lwt_io.of_fd(near, mode=lwt_io.Input)


def read_into(channel: lwt_io.InputChannel) -> lwt.Promise[int]:
    return lwt_io.read_into(channel, bytearray(1), 0, 1)


def read_exactly(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
    return lwt_io.read_into_exactly(channel, bytearray(1), 0, 1)


def block(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
    return lwt_io.block(channel, 1, lambda _memory, _offset: lwt.return_unit)


TAKING: list[Callable[[lwt_io.InputChannel], lwt.Promise[Any]]] = [
    lwt_io.read_line,
    lwt_io.read_line_opt,
    lwt_io.read_char,
    lwt_io.read_char_opt,
    lwt_io.InputChannel.__anext__,
    lambda channel: lwt_io.read(channel, count=1),
    read_into,
    read_exactly,
    block,
]


@pytest.mark.parametrize("take", TAKING)
def test_only_so_much_of_one_packet_is_taken_from_a_channel_in_one_turn(
    opened: Open, take: Callable[[lwt_io.InputChannel], lwt.Promise[Any]]
) -> None:
    channel = of_bytes(opened, b"\n" * 3 * MOST_TAKEN)
    numbers = numbers_by_turn(lambda: take(channel), 3 * MOST_TAKEN - 1)
    assert numbers == [MOST_TAKEN, MOST_TAKEN, MOST_TAKEN - 1]


def test_a_channel_on_a_function_of_the_program_is_not_bounded() -> None:
    assert numbers_by_turn(lambda: lwt_io.read_char(lwt_io.zero), 1000) == [1000]


def test_a_channel_that_has_waited_begins_to_count_again(opened: Open) -> None:
    near, far = opened.pair()
    channel = lwt_io.of_fd(near, mode=lwt_io.Input)
    for _ in range(3):
        line = lwt_io.read_line(channel)
        send(far, b"\n" * MOST_TAKEN)
        lwt_main.run(line)
        for _ in range(MOST_TAKEN - 1):
            assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"")


def a_channel_at_its_bound(opened: Open) -> lwt_io.InputChannel:
    channel = of_bytes(opened, b"\n" * MOST_TAKEN + b"first\nsecond\n")
    for _ in range(MOST_TAKEN):
        assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"")
    return channel


def test_cancelling_an_operation_that_lets_others_go_on_takes_nothing(opened: Open) -> None:
    channel = a_channel_at_its_bound(opened)
    cancelled, other = lwt_io.read_line(channel), lwt_io.read_line(channel)
    lwt.cancel(cancelled)
    assert lwt.state(cancelled) == lwt.Fail(lwt.Canceled())
    assert lwt_main.run(other) == b"first"
    assert lwt_main.run(lwt_io.read_line(channel)) == b"second"


def test_operations_that_let_others_go_on_keep_their_order(opened: Open) -> None:
    channel = a_channel_at_its_bound(opened)
    lines = [lwt_io.read_line(channel), lwt_io.read_line(channel)]
    assert [lwt.state(line) for line in lines] == [lwt.Sleep, lwt.Sleep]
    assert lwt_main.run(lwt.all(lines)) == [b"first", b"second"]


def test_aborting_a_channel_rejects_the_operation_that_lets_others_go_on(opened: Open) -> None:
    channel = a_channel_at_its_bound(opened)
    line = lwt_io.read_line(channel)
    lwt_main.run(lwt_io.abort(channel))
    assert lwt.state(line) == lwt.Fail(lwt_io.Channel_closed("input"))


# --- The others --------------------------------------------------------------


class Flood:
    """Reads without end: for each byte that is read, the next one is there already."""

    def __init__(self, opened: Open, bodies: int = 1) -> None:
        self.steps = 0
        self.stopped = False
        self._near, self._far = opened.pair()
        send(self._far, b"x" * bodies)
        self.ended = lwt.join([lwt.of_coroutine(self._read()) for _ in range(bodies)])

    async def _read(self) -> None:
        buffer = bytearray(1)
        await lwt.pause()
        while not self.stopped:
            await lwt_unix.read(self._near, buffer, 0, 1)
            send(self._far, b"x")
            self.steps += 1


def steps_between(flood: Flood, others: Callable[[], lwt.Promise[Any]]) -> list[int]:
    """How many steps of the flood there were between ten steps of others."""
    seen: list[int] = []

    async def count() -> None:
        for _ in range(10):
            await others()
            seen.append(flood.steps)
        flood.stopped = True

    lwt_main.run(lwt.join([lwt.of_coroutine(count()), flood.ended]))
    # The first time, the flood begins.
    return [later - earlier for earlier, later in pairwise(seen)][1:]


def test_timers_run_between_rounds_of_a_flood(opened: Open) -> None:
    assert max(steps_between(Flood(opened), lambda: lwt_unix.sleep(0.0))) == MOST_CALLS


def test_paused_promises_run_between_rounds_of_a_flood(opened: Open) -> None:
    assert max(steps_between(Flood(opened), lwt.pause)) == MOST_CALLS


def test_two_bodies_that_read_from_one_descriptor_do_not_keep_a_turn_from_its_end(
    opened: Open,
) -> None:
    assert max(steps_between(Flood(opened, bodies=2), lambda: lwt_unix.sleep(0.0))) == MOST_CALLS


def test_others_get_their_answers_between_rounds_of_a_flood(opened: Open) -> None:
    server, client = opened.pair()

    async def echo() -> None:
        buffer = bytearray(10)
        while length := await lwt_unix.read(server, buffer, 0, 10):
            await lwt_unix.write(server, buffer, 0, length)

    async def ask() -> None:
        await lwt_unix.write(client, b"hello", 0, 5)
        await lwt_unix.read(client, bytearray(10), 0, 10)

    answering = lwt.of_coroutine(echo())
    # A turn for the request to be read, and one for its answer.
    assert max(steps_between(Flood(opened), lambda: lwt.of_coroutine(ask()))) <= 2 * MOST_CALLS
    lwt.cancel(answering)


class ChannelFlood(Flood):
    """Reads from a channel without end, by one of its functions."""

    def __init__(
        self, opened: Open, read: Callable[[lwt_io.InputChannel], lwt.Promise[Any]], packet: bytes
    ) -> None:
        self.steps = 0
        self.stopped = False
        near, self._far = opened.pair()
        self._channel = lwt_io.of_fd(near, mode=lwt_io.Input)
        self._read_one = read
        self._packet = packet
        self.ended = lwt.of_coroutine(self._read())

    async def _read(self) -> None:
        await lwt.pause()
        while not self.stopped:
            if lwt_io.buffered(self._channel) == 0:
                send(self._far, self._packet)
            await self._read_one(self._channel)
            self.steps += 1


@pytest.mark.parametrize(
    "read",
    [
        lwt_io.InputChannel.__anext__,
        lwt_io.read_line,
        lambda channel: lwt_io.read(channel, count=4096),
    ],
)
@pytest.mark.parametrize("packet", [b"\n", b"x\n", b"\n" * 4096])
def test_others_get_their_answers_between_rounds_of_a_flood_of_a_channel(
    opened: Open, read: Callable[[lwt_io.InputChannel], lwt.Promise[Any]], packet: bytes
) -> None:
    server, client = opened.pair()

    async def echo() -> None:
        output = lwt_io.of_fd(server, mode=lwt_io.Output, close=lambda: lwt.return_unit)
        async for line in lwt_io.of_fd(server, mode=lwt_io.Input):
            await lwt_io.write_line(output, line)

    async def ask() -> None:
        await lwt_unix.write(client, b"hello\n", 0, 6)
        await lwt_unix.read(client, bytearray(10), 0, 10)

    answering = lwt.of_coroutine(echo())
    flood = ChannelFlood(opened, read, packet)
    # With 100 microseconds for each step, and as much for its answer, this is 13 milliseconds.
    assert max(steps_between(flood, lambda: lwt.of_coroutine(ask()))) <= 2 * MOST_TAKEN <= 64
    lwt.cancel(answering)


def test_signals_are_handled_between_rounds_of_a_flood(opened: Open) -> None:
    flood = Flood(opened)
    handler = None

    def next_signal() -> lwt.Promise[None]:
        nonlocal handler
        if handler is not None:
            lwt_unix.disable_signal_handler(handler)
        promise, resolver = lwt.wait()
        handler = lwt_unix.on_signal(signal.SIGUSR1, lambda _: lwt.wakeup(resolver, None))
        os.kill(os.getpid(), signal.SIGUSR1)
        return promise

    assert max(steps_between(flood, next_signal)) <= 2 * MOST_CALLS
    assert handler is not None
    lwt_unix.disable_signal_handler(handler)
