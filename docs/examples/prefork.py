"""A server on all processors: a process for each, all on one port.

    python docs/examples/prefork.py --port 9000
    nc 127.0.0.1 9000

It answers each line with the number of the process that serves, and the line in capitals.

One process runs Python on one processor. So the *parent* starts a *worker* for each, and starts another
one when one dies. Each worker has a socket of its own on the same port (`SO_REUSEPORT`), and the system
deals the clients out to them. On SIGTERM or Ctrl-C the workers accept nobody any more, and finish what
they are doing for those who are connected; the parent waits for them, but not for ever.

In reading order: `Worker` serves; `Parent` starts workers and waits for them; `main` puts them together.
"""

import argparse
import os
import signal
import sys

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

PATIENCE = 60.0  # seconds for a client to send a line
DRAIN = 10.0  # seconds for a worker to finish what it is doing
PAUSE = 0.5  # seconds before a worker is started again that died at once
SOON = 0.5  # seconds that count as at once
STOPPING = (signal.SIGTERM, signal.SIGINT)


def new_socket() -> lwt_unix.File_descr:
    """Make a socket that shares its port with others."""
    made = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0, cloexec=True)
    lwt_unix.setsockopt(made, lwt_unix.SO_REUSEADDR, True)
    lwt_unix.setsockopt(made, lwt_unix.SO_REUSEPORT, True)
    return made


class Worker:
    """What serves clients, in a process of its own."""

    def __init__(self) -> None:
        self._stopping: lwt.Promise[None]
        self._stop: lwt.Resolver[None]
        self._stopping, self._stop = lwt.wait()
        self._clients: set[lwt.Promise[None]] = set()

    def run(self, address: lwt_unix.ADDR_INET) -> int:
        """Serve until a signal comes; return the status with which the process ends."""
        # A client that does harm ends its own service, and not the worker.
        lwt.async_exception_hook.contents = lwt_unix.log_exception
        lwt_main.run(self._run(address), cancel_on_signals=True)
        return 0

    async def _run(self, address: lwt_unix.ADDR_INET) -> None:
        # Not decorated: so it begins inside of `lwt_main.run`, which hears signals.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        listener = await lwt_io.establish_server_with_client_address(
            address, self._serve, fd=new_socket()
        )
        forever, _ = lwt.task()
        try:
            await forever
        except lwt.Canceled:
            pass
        await lwt_io.shutdown_server(listener)
        lwt.wakeup_later(self._stop, None)
        await lwt.pick([lwt.join(self._clients), lwt_unix.sleep(DRAIN)])

    def _serve(
        self,
        _address: lwt_unix.Sockaddr,
        channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel],
    ) -> lwt.Promise[None]:
        served = self._answer(*channels)
        self._clients.add(served)
        lwt.on_termination(served, lambda: self._clients.discard(served))
        return served

    @lwt.promised
    async def _answer(self, input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        try:
            while (line := await self._next_line(input)) is not None:
                await lwt_io.write(output, b"%d: %s\n" % (os.getpid(), line.upper()))
                await lwt_io.flush(output)
            await lwt_io.close(output)
        except (lwt_unix.Timeout, OSError, lwt_io.Channel_closed, lwt_io.Line_too_long):
            await lwt_io.abort(output)

    @lwt.promised
    async def _next_line(self, input: lwt_io.InputChannel) -> bytes | None:
        """Read a line; None when the client has hung up, or the worker stops."""
        line = lwt_io.read_line_opt(input, limit=4096)
        read = await lwt.pick([line, self._stopping, lwt_unix.timeout(PATIENCE)])
        return None if read is None else read.value


class Parent:
    """What starts the workers, and starts them again."""

    def __init__(self, address: lwt_unix.ADDR_INET, workers: int) -> None:
        self._address = address
        self._count = workers
        self._pids: set[int] = set()
        self._stopping: lwt.Promise[None]
        self._stop: lwt.Resolver[None]
        self._stopping, self._stop = lwt.wait()

    @lwt.promised
    async def run(self) -> None:
        """Keep the workers running until this is cancelled; then have them end."""
        keeping = [self._keep() for _ in range(self._count)]
        forever, _ = lwt.task()
        try:
            await lwt.pick([forever, *map(lwt.no_cancel, keeping)])
        except lwt.Canceled:
            pass
        await lwt_io.printl("Stopping.")
        lwt.wakeup_later(self._stop, None)
        self._signal(signal.SIGTERM)
        ended = lwt.join(keeping)
        await lwt.pick([lwt.no_cancel(ended), lwt_unix.sleep(DRAIN + 1.0)])
        self._signal(signal.SIGKILL)  # To whoever is still there.
        await ended

    def _signal(self, signum: int) -> None:
        for pid in self._pids:
            os.kill(pid, signum)

    @lwt.promised
    async def _keep(self) -> None:
        """Start a worker, again and again, until we stop."""
        while lwt.is_sleeping(self._stopping):
            lives = lwt_unix.sleep(SOON)
            try:
                end: object = await self._run_worker()
            except OSError as exn:  # The system starts no process just now.
                end = exn
            if lwt.is_sleeping(self._stopping):
                await lwt_io.printl(f"A worker has ended: {end}.")
            if lwt.is_sleeping(lives):  # It would do so again at once, and keep a processor busy.
                await lwt.pick([lwt_unix.sleep(PAUSE), self._stopping])

    @lwt.promised
    async def _run_worker(self) -> lwt_unix.process_status:
        """Start a worker, and wait until it ends."""
        await lwt_io.flush_all()  # Else the child would have a copy of what is not written yet.
        # A signal to a worker waits until that can hear it.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            pid = lwt_unix.fork()
            if pid == 0:
                # Of all that the parent was doing, only this body goes on here.
                os._exit(exit_status(self._address))
            self._pids.add(pid)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        _, status = await lwt_unix.waitpid([], pid)
        self._pids.discard(pid)
        return status


def exit_status(address: lwt_unix.ADDR_INET) -> int:
    """Be a worker; return the status with which its process ends. Nothing may leave this."""
    try:
        return Worker().run(address)
    except SystemExit as exn:
        return exn.code if isinstance(exn.code, int) else 1
    except BaseException as exn:
        sys.excepthook(type(exn), exn, exn.__traceback__)
        return 1


async def main() -> None:
    """Serve until a signal comes."""
    # Not decorated: so it begins inside of `lwt_main.run`, where a child has only the body that forks.
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    # This socket does not listen. It keeps the port, also while no worker lives.
    async with new_socket() as reserved:
        await lwt_unix.bind(reserved, lwt_unix.ADDR_INET(options.host, options.port))
        address = lwt_unix.getsockname(reserved)
        assert isinstance(address, lwt_unix.ADDR_INET)
        await lwt_io.printl(f"Serving on {address.addr}:{address.port}, {options.workers} workers.")
        await Parent(address, options.workers).run()
    await lwt_io.printl("Stopped.")


if __name__ == "__main__":
    lwt_main.run(main(), cancel_on_signals=True)
