"""What a turn of the engine costs, beside asyncio's loop and a bare epoll loop.

    python -m tests.benchmarks.bench_engine [rounds]

Each row is the best of some repetitions, in nanoseconds of processor time for one round:

- *ping*: one byte goes through a socket pair in each turn: send, wait, receive. The
  bare loop does the same with nothing but `select.epoll`. What an engine takes more than
  the bare loop is what the engine adds.
- *ping, re-registered*: the same, but the event is stopped and registered again in each
  turn, as a server does that stops its event after a read and registers it for the next.
- *timers*: 1,000 timers of random delays are started, half of them are cancelled, and the
  others run. The time is for one timer.

The bare row needs Linux.
"""

from __future__ import annotations

import asyncio
import random
import select
import socket
import sys
import time
from collections.abc import Callable

from lwt_unix import lwt_engine

REPETITIONS = 5
TIMERS = 1_000


def best(rounds: int, run: Callable[[int], object]) -> float:
    """Return nanoseconds a round, of the best repetition."""
    times = []
    for _ in range(REPETITIONS):
        start = time.process_time_ns()
        run(rounds)
        times.append(time.process_time_ns() - start)
    return min(times) / rounds


def bare_ping(rounds: int) -> None:
    ours, theirs = socket.socketpair()
    epoll = select.epoll()
    with ours, theirs:
        epoll.register(ours.fileno(), select.EPOLLIN)
        for _ in range(rounds):
            theirs.send(b"x")
            for _fd, _bits in epoll.poll():
                ours.recv(1)
    epoll.close()


def engine_ping(make: Callable[[], lwt_engine.abstract]) -> Callable[[int], None]:
    def run(rounds: int) -> None:
        engine = make()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            receive = ours.recv
            engine.on_readable(ours.fileno(), lambda _: receive(1))
            for _ in range(rounds):
                theirs.send(b"x")
                engine.iter(True)
        engine.destroy()

    return run


def engine_ping_again(make: Callable[[], lwt_engine.abstract]) -> Callable[[int], None]:
    def run(rounds: int) -> None:
        engine = make()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            fd = ours.fileno()
            receive = ours.recv
            engine.adopt(fd)

            def callback(event: lwt_engine.Event) -> None:
                lwt_engine.stop_event(event)
                receive(1)
                engine.on_readable(fd, callback)

            engine.on_readable(fd, callback)
            for _ in range(rounds):
                theirs.send(b"x")
                engine.iter(True)
            engine.forget(fd)
        engine.destroy()

    return run


def asyncio_ping(rounds: int) -> None:
    loop = asyncio.new_event_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        left = rounds

        def callback() -> None:
            nonlocal left
            ours.recv(1)
            left -= 1
            if left:
                theirs.send(b"x")
            else:
                loop.stop()

        loop.add_reader(ours.fileno(), callback)
        theirs.send(b"x")
        loop.run_forever()
        loop.remove_reader(ours.fileno())
    loop.close()


def engine_timers(make: Callable[[], lwt_engine.abstract]) -> Callable[[int], None]:
    def run(rounds: int) -> None:
        delays = random.Random(1)
        for _ in range(rounds // TIMERS):
            engine = make()
            left = TIMERS // 2

            def callback(event: lwt_engine.Event) -> None:
                nonlocal left
                lwt_engine.stop_event(event)
                left -= 1

            events = [
                engine.on_timer(delays.random() / 1000, False, callback) for _ in range(TIMERS)
            ]
            engine.iter(False)
            for event in events[::2]:
                if event.is_active:
                    lwt_engine.stop_event(event)
            while engine.timer_count:
                engine.iter(True)
            engine.destroy()

    return run


def asyncio_timers(rounds: int) -> None:
    delays = random.Random(1)
    for _ in range(rounds // TIMERS):
        loop = asyncio.new_event_loop()
        handles = [loop.call_later(delays.random() / 1000, int) for _ in range(TIMERS)]
        loop.call_later(0, loop.stop)
        loop.run_forever()
        for handle in handles[::2]:
            handle.cancel()
        loop.call_later(0.001, loop.stop)
        loop.run_forever()
        loop.close()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    engines = {"select": lwt_engine.select, "poll": lwt_engine.poll}
    rows: list[tuple[str, str, float]] = []
    if sys.platform == "linux":
        engines["epoll"] = lwt_engine.epoll
        rows.append(("ping", "bare epoll", best(rounds, bare_ping)))
    rows.append(("ping", "asyncio", best(rounds, asyncio_ping)))
    rows += [("ping", name, best(rounds, engine_ping(make))) for name, make in engines.items()]
    rows += [
        ("ping, re-registered", name, best(rounds, engine_ping_again(make)))
        for name, make in engines.items()
    ]
    rows.append(("timers", "asyncio", best(rounds, asyncio_timers)))
    rows += [("timers", name, best(rounds, engine_timers(make))) for name, make in engines.items()]
    for what, who, nanoseconds in rows:
        print(f"{what:20} {who:12} {nanoseconds:8.0f} ns")


if __name__ == "__main__":
    main()
