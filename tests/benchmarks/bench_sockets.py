"""What reading, writing and echoing cost, beside the same without any library.

    python -m tests.benchmarks.bench_sockets [seconds]

It prints

- the time of one `write` and one `read` when room and data are there, beside `os.write` and
  `os.readv`; and of one `read` that has to wait and is cancelled;
- the time of three ways to read into a buffer, of which `lwt_unix.read` uses the first;
- how many messages of 64 bytes are echoed in a second of processor time. Another process has 1,
  100 or 1,000 connections, and one message waits for its echo on each. They are echoed by a bare
  epoll loop, by `lwt_unix` with `async def`, and by `lwt_unix` with `bind`. What matters is the
  ratio to the bare loop.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import time
import timeit
from collections.abc import Callable

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix.lwt_engine._current import turn

SIZE = 64
MESSAGE = b"x" * SIZE


# --- Single calls ------------------------------------------------------------


def nanoseconds(call: Callable[[], object], number: int = 20_000) -> float:
    return min(timeit.repeat(call, number=number, repeat=5)) / number * 1e9


def bench_calls() -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    near_fd, far_fd = lwt_unix.unix_file_descr(near), lwt_unix.unix_file_descr(far)
    buffer = bytearray(4096)
    view = memoryview(buffer)
    assert lwt.poll(lwt_unix.write(far, MESSAGE, 0, SIZE)) == lwt.Some(SIZE)
    assert lwt.poll(lwt_unix.read(near, buffer, 0, 4096)) == lwt.Some(SIZE)

    def bare() -> None:
        os.write(far_fd, MESSAGE)
        os.readv(near_fd, (view,))

    def ours() -> None:
        turn.number += 1  # Only so many calls are done at once in one turn.
        lwt_unix.write(far, MESSAGE, 0, SIZE)
        lwt_unix.read(near, buffer, 0, 4096)

    def waiting() -> None:
        lwt.cancel(lwt_unix.read(near, buffer, 0, 4096))

    def bare_waiting() -> None:
        try:
            os.readv(near_fd, (view,))
        except BlockingIOError:
            pass

    print(f"write and read, bare           {nanoseconds(bare):7.0f} ns")
    print(f"write and read, lwt_unix       {nanoseconds(ours):7.0f} ns")
    print(f"read that would block, bare    {nanoseconds(bare_waiting):7.0f} ns")
    print(f"read that waits, and cancel    {nanoseconds(waiting):7.0f} ns")

    python_socket = socket.socket(fileno=near_fd)

    def with_readv() -> None:
        os.write(far_fd, MESSAGE)
        os.readv(near_fd, (memoryview(buffer)[0:4096],))

    def with_read_and_copy() -> None:
        os.write(far_fd, MESSAGE)
        data = os.read(near_fd, 4096)
        buffer[0 : len(data)] = data

    def with_recv_into() -> None:
        os.write(far_fd, MESSAGE)
        python_socket.recv_into(memoryview(buffer)[0:4096])

    for candidate in (with_readv, with_read_and_copy, with_recv_into):
        print(f"  {candidate.__name__:28} {nanoseconds(candidate):7.0f} ns")
    python_socket.detach()
    lwt_main.run(lwt.join([lwt_unix.close(near), lwt_unix.close(far)]))


# --- Echo --------------------------------------------------------------------


def serve_bare(fds: list[int], until: float) -> int:
    epoll = select.epoll()
    for fd in fds:
        os.set_blocking(fd, False)
        epoll.register(fd, select.EPOLLIN)
    echoed = 0
    while time.monotonic() < until:
        for fd, _ in epoll.poll():
            os.write(fd, os.read(fd, 4096))
            echoed += 1
    epoll.close()
    for fd in fds:
        os.close(fd)
    return echoed


def serve_with_await(fds: list[int], until: float) -> int:
    echoed = 0
    stopped, stop = lwt.wait()

    @lwt.promised
    async def echo(descriptor: lwt_unix.File_descr) -> None:
        nonlocal echoed
        buffer = bytearray(4096)
        while True:
            length = await lwt_unix.read(descriptor, buffer, 0, 4096)
            await lwt_unix.write(descriptor, buffer, 0, length)
            echoed += 1
            if time.monotonic() >= until and lwt.is_sleeping(stopped):
                lwt.wakeup_later(stop, None)

    descriptors = [lwt_unix.of_unix_file_descr(fd, blocking=False) for fd in fds]
    for descriptor in descriptors:
        echo(descriptor)
    lwt_main.run(stopped)
    for descriptor in descriptors:
        lwt_unix.close(descriptor)
    return echoed


def serve_with_bind(fds: list[int], until: float) -> int:
    echoed = 0
    stopped, stop = lwt.wait()

    def echo(descriptor: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)

        def loop(_: int) -> lwt.Promise[int]:
            nonlocal echoed
            echoed += 1
            if time.monotonic() >= until and lwt.is_sleeping(stopped):
                lwt.wakeup_later(stop, None)
            return lwt.bind(lwt_unix.read(descriptor, buffer, 0, 4096), write)

        def write(length: int) -> lwt.Promise[int]:
            return lwt.bind(lwt_unix.write(descriptor, buffer, 0, length), loop)

        loop(0)

    descriptors = [lwt_unix.of_unix_file_descr(fd, blocking=False) for fd in fds]
    for descriptor in descriptors:
        echo(descriptor)
    lwt_main.run(stopped)
    for descriptor in descriptors:
        lwt_unix.close(descriptor)
    return echoed


def converse(fds: list[int]) -> None:
    """Be the other process: send again on each connection that has answered, until killed."""
    epoll = select.epoll()
    for fd in fds:
        epoll.register(fd, select.EPOLLIN)
        os.write(fd, MESSAGE)
    while True:
        for fd, _ in epoll.poll():
            os.read(fd, 4096)
            os.write(fd, MESSAGE)


def bench_echo(serve: Callable[[list[int], float], int], connections: int, seconds: float) -> float:
    pairs = [socket.socketpair() for _ in range(connections)]
    child = os.fork()
    if child == 0:
        converse([far.fileno() for _, far in pairs])
        os._exit(0)
    start = time.process_time()
    echoed = serve([near.detach() for near, _ in pairs], time.monotonic() + seconds)
    rate = echoed / (time.process_time() - start)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for _, far in pairs:
        far.close()
    return rate


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    bench_calls()
    for connections in (1, 100, 1000):
        best = {
            serve: max(bench_echo(serve, connections, seconds) for _ in range(3))
            for serve in (serve_bare, serve_with_await, serve_with_bind)
        }
        bare = best[serve_bare]
        for serve, rate in best.items():
            print(
                f"echo, {connections:5} connections, {serve.__name__:17}"
                f" {rate:9.0f} /s, {rate / bare:.2f} of the bare loop"
            )


if __name__ == "__main__":
    main()
