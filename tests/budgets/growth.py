"""The operations whose cost must not grow with how many others there are, and the program that does them.

    python -m tests.budgets.growth      # watched by callgrind

An operation is a function of how many promises, waiters, timers or connections there are. It prepares
them, and returns what is to be counted, and how often that does the operation. Either this is done
with all of them, or with a few (`some`) among many. The program does each with `FEW` and with `MANY`,
and marks where what is counted begins and ends.

Nothing can hide in the margin, `budget.GROWTH_MARGIN`. Eight per cent of ten thousand instructions are less
than one for each other promise. To look at an element of a list, or to move it, takes several.

What costs more among many, as in OCaml, is not here: of several calls that wait for one descriptor, each
is tried when that is ready.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar

import lwt
import lwt_unix
from lwt import (
    lwt_condition,
    lwt_list,
    lwt_mutex,
    lwt_mvar,
    lwt_pool,
    lwt_pqueue,
    lwt_sequence,
    lwt_stream,
    lwt_switch,
)
from lwt_unix import lwt_engine, lwt_io, lwt_main
from tests.budgets.operations import addresses, connect, on_sockets, wait_for

FEW: Final = 100
MANY: Final = 1_000

CHOSEN: Final = 50
"""With how many of them something is done, where it is not done with all."""

T = TypeVar("T")

Work: TypeAlias = tuple[Callable[[], object], int]
"""What is counted, and how many times it does the operation."""


def some(things: Sequence[T]) -> list[T]:
    """Choose some, here and there among all."""
    step = len(things) // CHOSEN
    return list(things[step // 2 :: step][:CHOSEN])


def each(function: Callable[[T], object], things: Sequence[T]) -> Work:
    """Call a function with each."""

    def work() -> None:
        for thing in things:
            function(thing)

    return work, len(things)


def tasks(number: int) -> list[lwt.Promise[Any]]:
    return [lwt.task()[0] for _ in range(number)]


def waits(number: int) -> tuple[list[lwt.Promise[Any]], list[lwt.Resolver[Any]]]:
    pairs: list[tuple[lwt.Promise[Any], lwt.Resolver[Any]]] = [lwt.wait() for _ in range(number)]
    return [promise for promise, _ in pairs], [resolver for _, resolver in pairs]


def wake(resolver: lwt.Resolver[Any]) -> None:
    lwt.wakeup(resolver, None)


# --- Promises ----------------------------------------------------------------


def promises(number: int) -> Work:
    def work() -> None:
        pending, resolvers = waits(number)
        for promise in pending:
            lwt.bind(promise, lwt.return_)
        for resolver in resolvers:
            wake(resolver)

    return work, number


def callbacks_on_one_promise(number: int) -> Work:
    promise, resolver = lwt.wait()

    def work() -> None:
        for _ in range(number):
            lwt.bind(promise, lwt.return_)
        wake(resolver)

    return work, number


def bodies_that_await_one_promise(number: int) -> Work:
    promise, resolver = lwt.wait()

    def work() -> None:
        for _ in range(number):
            lwt.of_coroutine(wait_for(promise))
        wake(resolver)

    return work, number


def chain_of_binds(number: int) -> Work:
    first, resolver = lwt.wait()

    def work() -> None:
        last: lwt.Promise[Any] = first
        for _ in range(number):
            last = lwt.bind(last, lwt.return_)
        wake(resolver)

    return work, number


def tail_calls(number: int) -> Work:
    pending, resolvers = waits(number)

    async def body(place: int) -> Any:
        await pending[place]
        return lwt.return_unit if place + 1 == number else lwt.of_coroutine(body(place + 1))

    lwt.of_coroutine(body(0))
    return each(wake, resolvers)


def pauses_at_once(number: int) -> Work:
    def work() -> None:
        for _ in range(number):
            lwt.bind(lwt.pause(), lwt.return_)
        lwt.wakeup_paused()

    return work, number


def of_many(combine: Callable[[list[lwt.Promise[Any]]], object]) -> Callable[[int], Work]:
    def prepare(number: int) -> Work:
        pending, resolvers = waits(number)

        def work() -> None:
            combine(pending)
            for resolver in resolvers:
                wake(resolver)

        return work, number

    return prepare


def cancelled_of_many(
    combine: Callable[[list[lwt.Promise[Any]]], lwt.Promise[Any]],
) -> Callable[[int], Work]:
    def prepare(number: int) -> Work:
        pending = tasks(number)
        return lambda: lwt.cancel(combine(pending)), number

    return prepare


def protected_cancelled(number: int) -> Work:
    shared = lwt.wait()[0]
    return each(lwt.cancel, some([lwt.protected(shared) for _ in range(number)]))


def race_with_one_promise(number: int) -> Work:
    shared = lwt.wait()[0]
    pending, resolvers = waits(number)
    for promise in pending:
        lwt.choose([shared, promise])
    return each(wake, some(resolvers))


# --- Who waits for what ------------------------------------------------------


Waiting: TypeAlias = tuple[Callable[[], lwt.Promise[Any]], Callable[[], object]]
"""How to wait for something, and how to serve who waits first."""


def served_one_by_one(make: Callable[[], Waiting]) -> Callable[[int], Work]:
    """Let so many wait; then serve one after the other."""

    def prepare(number: int) -> Work:
        wait, serve = make()

        def work() -> None:
            for _ in range(number):
                wait()
            for _ in range(number):
                serve()

        return work, number

    return prepare


def cancelled_among(make: Callable[[], Waiting]) -> Callable[[int], Work]:
    """Let so many wait; then cancel some."""

    def prepare(number: int) -> Work:
        wait, _ = make()
        return each(lwt.cancel, some([wait() for _ in range(number)]))

    return prepare


def takers() -> Waiting:
    mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    return partial(lwt_mvar.take, mailbox), partial(lwt_mvar.put, mailbox, 1)


def putters() -> Waiting:
    mailbox = lwt_mvar.create(1)
    return partial(lwt_mvar.put, mailbox, 1), partial(lwt_mvar.take, mailbox)


def lockers() -> Waiting:
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    return partial(lwt_mutex.lock, mutex), partial(lwt_mutex.unlock, mutex)


def waiters() -> Waiting:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    return partial(lwt_condition.wait, condition), partial(lwt_condition.signal, condition, 1)


def users() -> Waiting:
    pool = lwt_pool.create(1, lambda: lwt.return_(1))
    resolvers: list[lwt.Resolver[Any]] = []

    def use(_: int) -> lwt.Promise[Any]:
        promise: lwt.Promise[Any]
        promise, resolver = lwt.task()
        resolvers.append(resolver)
        return promise

    lwt_pool.use(pool, use)
    return partial(lwt_pool.use, pool, use), lambda: wake(resolvers.pop())


def readers() -> Waiting:
    stream, push = lwt_stream.create()
    return partial(lwt_stream.get, stream), partial(push, lwt.Some(1))


def broadcast(number: int) -> Work:
    condition: lwt_condition.Condition[int] = lwt_condition.create()

    def work() -> None:
        for _ in range(number):
            lwt_condition.wait(condition)
        lwt_condition.broadcast(condition, 1)

    return work, number


def backlog(number: int) -> Work:
    stream, push = lwt_stream.create()

    def work() -> None:
        for _ in range(number):
            push(lwt.Some(1))
        for _ in range(number):
            lwt_stream.get(stream)

    return work, number


def bounded_pushes(number: int) -> Work:
    stream, push = lwt_stream.create_bounded(number)

    def work() -> None:
        for _ in range(number):
            push.push(1)
        for _ in range(number):
            lwt_stream.get(stream)

    return work, number


def hooks_of_a_switch(number: int) -> Work:
    switch = lwt_switch.create()

    def work() -> None:
        for _ in range(number):
            lwt_switch.add_hook(lwt.Some(switch), lambda: lwt.return_unit)
        lwt_switch.turn_off(switch)

    return work, number


def nodes_removed(number: int) -> Work:
    sequence: lwt_sequence.Sequence[int] = lwt_sequence.create()
    return each(lwt_sequence.remove, some([lwt_sequence.add_r(1, sequence) for _ in range(number)]))


def priorities(number: int) -> Work:
    kind: lwt_pqueue.S[int] = lwt_pqueue.Make()
    queue = kind.empty
    for place in range(number):
        queue = kind.add(place * 7919 % number, queue)

    def work() -> None:
        nonlocal queue
        for place in range(CHOSEN):
            queue = kind.remove_min(kind.add(place * number // CHOSEN, queue))

    return work, CHOSEN


def map_p_of_many(number: int) -> Work:
    pending, resolvers = waits(number)
    lwt_list.map_p(lambda promise: promise, pending)
    return each(wake, resolvers)


def iter_s_of_many(number: int) -> Work:
    pending, resolvers = waits(number)
    lwt_list.iter_s(lambda promise: promise, pending)
    return each(wake, resolvers)


# --- Timers, events and hooks ------------------------------------------------


def with_own_engine(prepare: Callable[[int], Work]) -> Callable[[int], Work]:
    """Use an engine whose clock goes on by a second whenever it is looked at."""

    def prepare_with_it(number: int) -> Work:
        lwt_engine.set(lwt_engine.epoll(clock=count(1.0, 1.0).__next__), transfer=False)
        return prepare(number)

    return prepare_with_it


def sleeps(number: int) -> Work:
    return lambda: lwt_main.run(lwt.join([lwt_unix.sleep(0.0) for _ in range(number)])), number


def sleep_cancelled(number: int) -> Work:
    sleeping = [lwt_unix.sleep(1e9) for _ in range(number)]
    lwt_engine.iter(False)
    return each(lwt.cancel, some(sleeping))


def sleeps_all_cancelled(number: int) -> Work:
    sleeping = [lwt_unix.sleep(1e9) for _ in range(number)]
    lwt_engine.iter(False)

    def work() -> None:
        for promise in sleeping:
            lwt.cancel(promise)
        lwt_engine.iter(False)

    return work, number


def hook_removed(number: int) -> Work:
    hooks = lwt_main.Enter_iter_hooks
    return each(hooks.remove, [hooks.add_last(lambda: None) for _ in range(number)])


# --- Connections -------------------------------------------------------------


opened: Final[list[lwt_unix.File_descr]] = []
"""Both ends of all connections."""

servers: Final[list[lwt_io.Server]] = []


def close_all() -> None:
    """Close what is still open of servers and connections."""
    while servers:
        lwt_main.run(lwt_io.shutdown_server(servers.pop()))
    while opened:
        descriptor = opened.pop()
        if lwt_unix.state(descriptor) is lwt_unix.Opened:
            lwt_unix.close(descriptor)


def connections(number: int) -> tuple[list[lwt_unix.File_descr], list[int]]:
    """Make descriptors that are connected to others, of which the numbers are given."""
    pairs = [lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0) for _ in range(number)]
    for pair in pairs:
        opened.extend(pair)
    return [one for one, _ in pairs], [lwt_unix.unix_file_descr(other) for _, other in pairs]


memory: Final = bytearray(64)


def one_of_many_active(serve: Callable[[lwt_unix.File_descr], Any]) -> Callable[[int], Work]:
    """Let one client after the other send a line; a turn of the engine serves it."""

    def prepare(number: int) -> Work:
        ours, others = connections(number)
        for descriptor in ours:
            lwt.of_coroutine(serve(descriptor))

        def request(other: int) -> None:
            os.write(other, b"x" * 63 + b"\n")
            lwt_engine.iter(False)
            lwt.wakeup_paused()

        for other in others[:2]:
            request(other)
        return each(request, some(others))

    return prepare


async def by_sockets(descriptor: lwt_unix.File_descr) -> None:
    while number := await lwt_unix.read(descriptor, memory, 0, 64):
        await lwt_unix.write(descriptor, memory, 0, number)


async def by_channels(descriptor: lwt_unix.File_descr) -> None:
    ic = lwt_io.of_fd(descriptor, mode=lwt_io.Input, buffer=new_memory())
    oc = lwt_io.of_fd(descriptor, mode=lwt_io.Output, buffer=new_memory())
    async for line in ic:
        await lwt_io.write_line(oc, line)


def new_memory() -> memoryview:
    return memoryview(bytearray(128))


def connection_closed(number: int) -> Work:
    ours, _others = connections(number)
    for descriptor in ours:
        lwt_unix.read(descriptor, memory, 0, 64)
    lwt_engine.iter(False)
    return each(lwt_unix.close, some(ours))


def client_accepted(number: int) -> Work:
    ours, _others = connections(number)
    for descriptor in ours:
        lwt_unix.read(descriptor, memory, 0, 64)
    address = f"{next(addresses):06}"

    async def leave(*_: object) -> None:
        pass

    servers.append(lwt_main.run(on_sockets(leave)(address)))

    def arrive(_: int) -> None:
        client = connect(address)
        lwt_engine.iter(False)
        lwt.wakeup_paused()
        client.close()

    arrive(0)
    return each(arrive, range(CHOSEN))


def event_stopped(number: int) -> Work:
    ours, _others = connections(number)
    events = [
        lwt_engine.on_readable(lwt_unix.unix_file_descr(descriptor), lambda _: None)
        for descriptor in ours
    ]
    lwt_engine.iter(False)
    chosen = some(events)

    def work() -> None:
        for event in chosen:
            lwt_engine.stop_event(event)
        lwt_engine.iter(False)

    return work, len(chosen)


def channel_closed(number: int) -> Work:
    ours, _others = connections(number)
    channels = [
        lwt_io.of_fd(descriptor, mode=lwt_io.Output, buffer=new_memory()) for descriptor in ours
    ]
    return each(lwt_io.close, some(channels))


def readers_of_one_descriptor() -> Waiting:
    (ours,), _other = connections(1)
    return partial(lwt_unix.read, ours, memory, 0, 1), lambda: None


def lines_of_one_channel() -> Waiting:
    (ours,), (other,) = connections(1)
    ic = lwt_io.of_fd(ours, mode=lwt_io.Input)

    def serve() -> None:
        os.write(other, b"x\n")
        lwt_engine.iter(False)

    return partial(lwt_io.read_line, ic), serve


OPERATIONS: Final[dict[str, Callable[[int], Work]]] = {
    "promises": promises,
    "callbacks on one promise": callbacks_on_one_promise,
    "bodies that await one promise": bodies_that_await_one_promise,
    "binds in a chain": chain_of_binds,
    "tail calls": tail_calls,
    "pauses at once": pauses_at_once,
    "join": of_many(lwt.join),
    "all": of_many(lwt.all),
    "choose": of_many(lwt.choose),
    "nchoose": of_many(lwt.nchoose),
    "nchoose_split": of_many(lwt.nchoose_split),
    "pick": of_many(lwt.pick),
    "npick": of_many(lwt.npick),
    "join, cancelled": cancelled_of_many(lwt.join),
    "pick, cancelled": cancelled_of_many(lwt.pick),
    "protected, one cancelled": protected_cancelled,
    "choose, one with its own": race_with_one_promise,
    "mailbox, who takes": served_one_by_one(takers),
    "mailbox, who puts": served_one_by_one(putters),
    "mutex": served_one_by_one(lockers),
    "condition": served_one_by_one(waiters),
    "condition, broadcast": broadcast,
    "pool": served_one_by_one(users),
    "stream, who gets": served_one_by_one(readers),
    "stream, backlog": backlog,
    "stream, bounded": bounded_pushes,
    "mailbox, one cancelled": cancelled_among(takers),
    "mailbox, one who puts cancelled": cancelled_among(putters),
    "mutex, one cancelled": cancelled_among(lockers),
    "condition, one cancelled": cancelled_among(waiters),
    "pool, one cancelled": cancelled_among(users),
    "stream, one cancelled": cancelled_among(readers),
    "hooks of a switch": hooks_of_a_switch,
    "node removed": nodes_removed,
    "priority queue": priorities,
    "map_p": map_p_of_many,
    "iter_s": iter_s_of_many,
    "sleeps": with_own_engine(sleeps),
    "sleep, one cancelled": with_own_engine(sleep_cancelled),
    "sleep, all cancelled": with_own_engine(sleeps_all_cancelled),
    "hook of the main loop, removed": hook_removed,
    "read, one cancelled": with_own_engine(cancelled_among(readers_of_one_descriptor)),
    "lines of one channel": with_own_engine(served_one_by_one(lines_of_one_channel)),
    "line, one cancelled": with_own_engine(cancelled_among(lines_of_one_channel)),
    "one connection active, sockets": with_own_engine(one_of_many_active(by_sockets)),
    "one connection active, channels": with_own_engine(one_of_many_active(by_channels)),
    "client accepted": with_own_engine(client_accepted),
    "connection closed": with_own_engine(connection_closed),
    "event stopped": with_own_engine(event_stopped),
    "channel closed": with_own_engine(channel_closed),
}

HEAPS: Final = ("priority queue", "sleeps")
"""The operations whose cost may grow as a logarithm does."""


def work() -> None:
    """Do each operation with few and with many, and mark where what is counted begins and ends."""
    gc.disable()
    gc.freeze()  # So that to collect what an operation has left takes no longer than that.
    for prepare in OPERATIONS.values():
        prepare(FEW)[0]()  # Unobserved: what is done only once is done.
        for number in (FEW, MANY):
            gc.collect()
            counted, times = prepare(number)
            os.getpriority(os.PRIO_PROCESS, 0)
            counted()
            os.getpriority(os.PRIO_PROCESS, 0)
            print(times)
            close_all()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # A connection has two descriptors.
    work()
    sys.stdout.flush()
    os._exit(0)
