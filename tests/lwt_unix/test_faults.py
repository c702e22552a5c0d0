"""What goes wrong: no room, no descriptors, peers that are gone, signals, others that close, forks."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import (
    lwt_bytes,
    lwt_direct,
    lwt_engine,
    lwt_io,
    lwt_main,
    lwt_preemptive,
    lwt_process,
)
from lwt_unix._processes import signals
from tests.support.children import Gate
from tests.support.descriptors import no_more_descriptors, open_descriptors
from tests.support.programs import in_child

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

Begin = Callable[[], lwt.Promise[object]]


def triple(promise: Begin) -> tuple[int, str, str]:
    """What `unix_error` says of a call that fails."""

    async def call() -> tuple[int, str, str]:
        try:
            await promise()
        except OSError as exn:
            return lwt_unix.unix_error(exn)
        raise AssertionError

    return lwt_main.run(call())


def opened(path: Path | str, *flags: lwt_unix.Open_flag) -> lwt_unix.File_descr:
    return lwt_main.run(lwt_unix.openfile(path, flags, 0o600))


# --- No room -----------------------------------------------------------------


def test_flushing_to_a_full_disk_fails_and_keeps_the_bytes_and_so_does_the_next_time() -> None:
    async def write() -> list[int | None]:
        errors = []
        oc = await lwt_io.open_file("/dev/full", mode=lwt_io.Output)
        await lwt_io.write(oc, "abc")
        for _ in range(2):
            try:
                await lwt_io.flush(oc)
            except OSError as exn:
                errors.append(exn.errno)
        assert lwt_io.position(oc) == 3
        await lwt_io.close(oc)
        return errors

    assert lwt_main.run(write()) == [errno.ENOSPC, errno.ENOSPC]


def test_numbers_and_values_that_have_no_room_on_a_full_disk_fail() -> None:
    async def numbers(oc: lwt_io.OutputChannel) -> None:
        for number in range(10_000):
            await lwt_io.BE.write_int64(oc, number)

    def values(oc: lwt_io.OutputChannel) -> lwt.Promise[None]:
        return lwt_io.write_value(oc, bytes(100_000))

    for write in (numbers, values):
        writing = partial(lwt_io.with_file, "/dev/full", write, mode=lwt_io.Output)
        assert triple(writing) == (errno.ENOSPC, "write", "")


def test_a_number_that_waits_when_its_descriptor_is_closed_is_told_so() -> None:
    async def main() -> None:
        reading, writing = lwt_unix.pipe()
        ic = lwt_io.of_fd(reading, mode=lwt_io.Input)
        number, value = lwt_io.BE.read_int32(ic), lwt_io.read_value(ic)
        await lwt_unix.close(reading)
        with pytest.raises(OSError, match="Bad file descriptor"):
            await number
        with pytest.raises(OSError, match="Bad file descriptor"):
            await value
        await lwt_unix.close(writing)

    lwt_main.run(main())


def test_a_signal_does_not_disturb_a_number_that_waits() -> None:
    async def main() -> tuple[int, list[int]]:
        ic, oc = lwt_io.pipe()
        seen: list[int] = []
        handler = lwt_unix.on_signal(signal.SIGUSR1, seen.append)
        number = lwt_io.LE.read_int16(ic)
        os.kill(os.getpid(), signal.SIGUSR1)
        while not seen:
            await lwt.pause()
        assert lwt.is_sleeping(number)
        await lwt_io.LE.write_int16(oc, 7)
        lwt_unix.disable_signal_handler(handler)
        read = await number
        await lwt_io.close(oc)
        await lwt_io.close(ic)
        return read, seen

    assert lwt_main.run(main()) == (7, [signal.SIGUSR1])


def test_writing_more_than_the_buffer_to_a_full_disk_fails() -> None:
    assert triple(
        lambda: lwt_io.with_file(
            "/dev/full", lambda oc: lwt_io.write(oc, bytes(100_000)), mode=lwt_io.Output
        )
    ) == (errno.ENOSPC, "write", "")


def to_the_full_disk(write: Callable[[lwt_unix.File_descr], lwt.Promise[object]]) -> Begin:
    async def opened_and_written() -> None:
        async with await lwt_unix.openfile("/dev/full", [lwt_unix.O_WRONLY], 0) as fd:
            await write(fd)

    return lambda: lwt.of_coroutine(opened_and_written())


def test_each_way_of_writing_to_a_full_disk_fails_alike() -> None:
    array = lwt_bytes.create(3)
    much = "x" * 100_000  # Closing would drop the error of what is in the buffer, as in OCaml.
    ways: dict[str, Begin] = {
        "lines_to_file": lambda: lwt_io.lines_to_file("/dev/full", [much]),
        "chars_to_file": lambda: lwt_io.chars_to_file("/dev/full", much),
        "hexdump": lambda: lwt_io.with_file(
            "/dev/full",
            lambda oc: lwt.bind(lwt_io.hexdump(oc, "abc"), lambda _: lwt_io.flush(oc)),
            mode=lwt_io.Output,
        ),
        "write_bigarray": to_the_full_disk(
            lambda fd: lwt_unix.write_bigarray("lwt_unix.write", fd, array, 0, 3)
        ),
        "lwt_bytes.write": to_the_full_disk(lambda fd: lwt_bytes.write(fd, array, 0, 3)),
    }
    assert {name: triple(way)[0] for name, way in ways.items()} == dict.fromkeys(ways, errno.ENOSPC)


def in_child_with_files_of(size: int, run: Callable[[], object]) -> int:
    """Call a function in a child process that may write so many bytes to a file; return its status."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        run()

    return in_child(limited)


def test_a_write_that_the_system_takes_in_part_gives_how_much_and_then_the_error(
    tmp_path: Path,
) -> None:
    def write() -> None:
        fd = opened(tmp_path / "file", lwt_unix.O_WRONLY, lwt_unix.O_CREAT)
        assert lwt_main.run(lwt_unix.write(fd, bytes(20), 0, 20)) == 12
        assert triple(lambda: lwt_unix.write(fd, bytes(20), 12, 8)) == (errno.EFBIG, "write", "")
        assert lwt_main.run(lwt_unix.pwrite(fd, bytes(20), 0, 20, file_offset=9)) == 3

    assert in_child_with_files_of(12, write) == 0


def test_a_channel_goes_on_after_a_write_that_the_system_takes_in_part(tmp_path: Path) -> None:
    def write() -> None:
        async def main() -> None:
            oc = await lwt_io.open_file(tmp_path / "file", mode=lwt_io.Output)
            await lwt_io.write(oc, b"0123456789abcdef")
            with pytest.raises(OSError, match="too large"):
                await lwt_io.flush(oc)
            assert lwt_io.position(oc) == 16  # Four bytes wait, for which there is no room.
            assert (tmp_path / "file").read_bytes() == b"0123456789ab"

        lwt_main.run(main())

    assert in_child_with_files_of(12, write) == 0


# --- No descriptors ----------------------------------------------------------


def test_without_descriptors_each_call_that_opens_one_says_so(tmp_path: Path) -> None:
    lwt_main.run(lwt_unix.run_job(lambda: None))  # The pipe of jobs stays open.
    path = str(tmp_path)
    calls: dict[str, Begin] = {
        "open": lambda: lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0),
        "opendir": lambda: lwt_unix.opendir(path),
    }
    with no_more_descriptors():
        for name, call in calls.items():
            assert triple(call) == (errno.EMFILE, name, path)
        listing = partial(lwt_stream.to_list, lwt_unix.files_of_directory(path))
        assert triple(listing)[0] == errno.EMFILE
        reading = partial(lwt_stream.to_list, lwt_io.lines_of_file(path))
        assert triple(reading)[0] == errno.EMFILE
        using = partial(lwt_io.with_temp_file, lwt.return_, temp_dir=path)
        assert triple(using)[0] == errno.EMFILE
    assert list(tmp_path.iterdir()) == []


def test_without_descriptors_what_is_open_can_be_read_and_written(tmp_path: Path) -> None:
    fd = opened(tmp_path / "file", lwt_unix.O_RDWR, lwt_unix.O_CREAT)
    with no_more_descriptors():
        assert lwt_main.run(lwt_unix.write(fd, b"abc", 0, 3)) == 3
        assert lwt_main.run(lwt_unix.pread(fd, bytearray(9), 0, 9, file_offset=0)) == 3
    lwt_main.run(lwt_unix.close(fd))


def test_without_descriptors_names_are_not_known_and_nothing_hangs() -> None:
    lwt_main.run(lwt_unix.run_job(lambda: None))  # The pipe of jobs stays open.
    asking: list[Callable[[], lwt.Promise[object]]] = [
        lambda: lwt_unix.gethostbyname("a.invalid"),
        lambda: lwt_unix.getservbyname("no such service", "tcp"),
        lambda: lwt_unix.getprotobyname("no such protocol"),
        lambda: lwt_unix.getpwnam("no such user"),
    ]
    with no_more_descriptors():
        for ask in asking:
            with pytest.raises(LookupError):
                lwt_main.run(ask())
        assert lwt_main.run(lwt_unix.getaddrinfo("a.invalid", "", [])) == []


def test_without_descriptors_the_wait_for_a_child_says_so_or_a_signal_ends_it() -> None:
    gate = Gate()
    pid = gate.child(4)
    with no_more_descriptors():
        assert triple(lambda: lwt_unix.waitpid([], pid))[0] == errno.EMFILE
        assert lwt_unix.wait_count() == 0
    lwt_unix.sigchld_handler_installer()  # It has its pipe from here on.
    with no_more_descriptors():
        waiting = lwt_unix.waitpid([], pid)
    gate.open()
    assert lwt_main.run(waiting) == (pid, lwt_unix.WEXITED(4))
    signals.renew()


# --- Peers that are gone -----------------------------------------------------


def vectors_of(*buffers: bytes | bytearray) -> lwt_unix.IO_vectors.t:
    vectors = lwt_unix.IO_vectors.create()
    for buffer in buffers:
        lwt_unix.IO_vectors.append_bytes(vectors, buffer, 0, len(buffer))
    return vectors


def connected() -> tuple[lwt_unix.File_descr, lwt_unix.File_descr]:
    """Two sockets of TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return lwt_unix.of_unix_file_descr(near.detach()), lwt_unix.of_unix_file_descr(far.detach())


@pytest.mark.parametrize("name", ["readv", "recv_msg"])
def test_a_reset_rejects_who_waits_to_receive(name: str) -> None:
    near, far = connected()
    vectors = vectors_of(bytearray(3), bytearray(3))
    receiving: lwt.Promise[object] = (
        lwt_unix.readv(near, vectors)
        if name == "readv"
        else lwt_unix.recv_msg(socket=near, io_vectors=vectors)
    )
    lwt_unix.setsockopt_optint(far, lwt_unix.SO_LINGER, lwt.Some(0))
    lwt_main.run(lwt_unix.close(far))
    assert triple(lambda: receiving) == (errno.ECONNRESET, name, "")
    lwt_main.run(lwt_unix.close(near))


def test_vectors_are_written_in_pieces_until_all_is_there() -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    lwt_unix.setsockopt_int(near, lwt_unix.SO_SNDBUF, 2048)
    data = bytes(range(256)) * 400
    vectors = vectors_of(data[:7], data[7:50_000], b"", data[50_000:])
    counts: list[int] = []

    async def write() -> None:
        while not lwt_unix.IO_vectors.is_empty(vectors):
            counts.append(await lwt_unix.writev(near, vectors))
            lwt_unix.IO_vectors.drop(vectors, counts[-1])
        await lwt_unix.close(near)

    async def main() -> bytes:
        writing = lwt.of_coroutine(write())
        received = bytearray()
        one, other = bytearray(999), bytearray(1234)
        while count := await lwt_unix.readv(far, vectors_of(one, other)):
            received += (one + other)[:count]
        await writing
        await lwt_unix.close(far)
        return bytes(received)

    assert lwt_main.run(main()) == data
    assert len(counts) > 1


# --- Closed by somebody else -------------------------------------------------


@pytest.mark.parametrize("name", ["readv", "writev", "recv_msg", "send_msg"])
def test_a_socket_that_somebody_else_has_closed_fails_each_call_with_vectors(name: str) -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    lwt_unix.getsockname(near)  # It is known to be a socket.
    os.close(lwt_unix.unix_file_descr(near))
    vectors = vectors_of(bytearray(3))
    calls: dict[str, Begin] = {
        "readv": lambda: lwt_unix.readv(near, vectors),
        "writev": lambda: lwt_unix.writev(near, vectors),
        "recv_msg": lambda: lwt_unix.recv_msg(socket=near, io_vectors=vectors),
        "send_msg": lambda: lwt_unix.send_msg(socket=near, io_vectors=vectors, fds=[]),
    }
    assert triple(calls[name])[0] == errno.EBADF
    assert triple(lambda: lwt_unix.close(near)) == (errno.EBADF, "close", "")
    lwt_main.run(lwt_unix.close(far))


def test_a_number_that_somebody_else_has_closed_fails_each_call_and_closing_too(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    fd = opened(tmp_path / "file", lwt_unix.O_RDWR)
    lwt_main.run(lwt_unix.blocking(fd))
    os.close(lwt_unix.unix_file_descr(fd))
    calls: dict[str, Begin] = {
        "read": lambda: lwt_unix.read(fd, bytearray(3), 0, 3),
        "write": lambda: lwt_unix.write(fd, b"abc", 0, 3),
        "pread": lambda: lwt_unix.pread(fd, bytearray(3), 0, 3, file_offset=0),
        "pwrite": lambda: lwt_unix.pwrite(fd, b"abc", 0, 3, file_offset=0),
        "lseek": lambda: lwt_unix.lseek(fd, 0, lwt_unix.SEEK_END),
        "ftruncate": lambda: lwt_unix.ftruncate(fd, 0),
        "fsync": lambda: lwt_unix.fsync(fd),
        "fstat": lambda: lwt_unix.fstat(fd),
        "close": lambda: lwt_unix.close(fd),
    }
    for name, call in calls.items():
        assert triple(call) == (errno.EBADF, name, "")
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_a_channel_whose_file_somebody_else_has_closed_fails_and_can_be_closed(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    fd = opened(tmp_path / "file", lwt_unix.O_RDONLY)
    lwt_main.run(lwt_unix.blocking(fd))
    ic = lwt_io.of_fd(fd, mode=lwt_io.Input)
    os.close(lwt_unix.unix_file_descr(fd))
    assert triple(lambda: lwt_io.read(ic)) == (errno.EBADF, "read", "")
    assert triple(lambda: lwt_io.close(ic)) == (errno.EBADF, "close", "")
    assert lwt_io.is_closed(ic)


# --- Signals -----------------------------------------------------------------


class Waiting:
    """A job whose thread waits in a call of the system until `let_go` is called."""

    def __init__(self, begin: Begin, let_go: Callable[[], object]) -> None:
        self.promise = begin()
        self.let_go = let_go


def opening(folder: Path) -> Waiting:
    """Open a pipe that has a name: this waits for somebody who opens it for writing."""
    path = folder / "pipe"
    os.mkfifo(path)

    def let_go() -> None:
        os.close(os.open(path, os.O_WRONLY))

    return Waiting(lambda: lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0), let_go)


def locking(folder: Path) -> Waiting:
    """Lock a file that another process has locked."""
    path = folder / "file"
    path.touch()
    reading, writing = os.pipe()
    locked_reading, locked_writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(writing)
            other = os.open(path, os.O_RDWR)
            os.lockf(other, os.F_LOCK, 0)
            os.write(locked_writing, b"x")
            os.read(reading, 1)
        finally:
            os._exit(0)
    os.read(locked_reading, 1)
    for end in reading, locked_reading, locked_writing:
        os.close(end)
    fd = opened(path, lwt_unix.O_RDWR)

    def let_go() -> None:
        os.close(writing)
        os.waitpid(child, 0)

    def lock() -> lwt.Promise[object]:
        locked = lwt_unix.lockf(fd, lwt_unix.F_LOCK, 0)
        return lwt.bind(
            locked, lambda _: lwt.map(lambda _: fd, lwt_unix.lockf(fd, lwt_unix.F_ULOCK, 0))
        )

    return Waiting(lock, let_go)


@pytest.mark.parametrize("kind", [opening, locking])
def test_a_signal_in_the_thread_of_a_job_is_handled_and_the_job_goes_on(
    kind: Callable[[Path], Waiting], tmp_path: Path
) -> None:
    came: list[int] = []
    handler = lwt_unix.on_signal(signal.SIGUSR1, came.append)
    waiting = kind(tmp_path)
    [thread] = [one for one in threading.enumerate() if one.name == "lwt_unix job"]
    assert thread.ident is not None
    for number in range(1, 4):
        signal.pthread_kill(thread.ident, signal.SIGUSR1)
        while len(came) < number:
            lwt_main.run(lwt.pause())
    assert lwt.is_sleeping(waiting.promise)
    waiting.let_go()
    fd = lwt_main.run(waiting.promise)
    assert isinstance(fd, lwt_unix.File_descr)
    lwt_main.run(lwt_unix.close(fd))
    lwt_unix.disable_signal_handler(handler)


Engine_class = type[lwt_engine.select | lwt_engine.poll | lwt_engine.libev]


@contextmanager
def engine_in_use(engine_class: Engine_class) -> Iterator[None]:
    usual = lwt_engine.get()
    lwt_engine.set(engine_class(), destroy=False)
    try:
        yield
    finally:
        lwt_engine.set(usual)


Let_go = Callable[[], object]
Wait = tuple[lwt.Promise[object], Let_go, object]
"""What waits, what ends the wait, and the result."""


def reading_a_pipe() -> Wait:
    reading, writing = lwt_unix.pipe()
    buffer = bytearray(3)
    waiting = lwt.finalize(
        lambda: lwt_unix.read(reading, buffer, 0, 3), lambda: lwt_unix.close(reading)
    )
    return waiting, partial(send_and_close, writing, b"abc"), 3


def send_and_close(fd: lwt_unix.File_descr, data: bytes) -> None:
    lwt_unix.write(fd, data, 0, len(data))
    lwt_unix.close(fd)


def writing_to_a_full_pipe() -> Wait:
    reading, writing = lwt_unix.pipe()
    much = bytes(1 << 20)
    lwt_main.run(lwt_unix.write(writing, much, 0, len(much)))  # As much as there is room for.
    written = lwt_unix.write(writing, much, 0, len(much))

    def let_go() -> None:
        lwt_unix.close(reading)

    def why(exn: Exception) -> lwt.Promise[object]:
        return lwt.map(lambda _: type(exn), lwt_unix.close(writing))

    return lwt.catch(lambda: written, why), let_go, BrokenPipeError


def accepting() -> Wait:
    server = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    lwt_main.run(lwt_unix.bind(server, lwt_unix.ADDR_INET("127.0.0.1", 0)))
    lwt_unix.listen(server, 1)

    async def accept() -> int:
        accepted, _ = await lwt_unix.accept(server)
        for fd in server, client, accepted:
            await lwt_unix.close(fd)
        return 1

    return (
        lwt.of_coroutine(accept()),
        lambda: lwt_unix.connect(client, lwt_unix.getsockname(server)),
        1,
    )


def receiving_a_datagram() -> Wait:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)
    buffer = bytearray(3)
    waiting = lwt.finalize(
        lambda: lwt_unix.recv(near, buffer, 0, 3, []), lambda: lwt_unix.close(near)
    )
    return waiting, partial(send_and_close, far, b"abc"), 3


def receiving_a_descriptor() -> Wait:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)

    async def receive() -> tuple[int, int]:
        async with near, far:
            vectors = vectors_of(bytearray(3))
            count, fds = await lwt_unix.recv_msg(socket=near, io_vectors=vectors)
            for fd in fds:
                os.close(fd)
            return count, len(fds)

    def let_go() -> None:
        lwt_unix.send_msg(socket=far, io_vectors=vectors_of(b"abc"), fds=[0])

    return lwt.of_coroutine(receive()), let_go, (3, 1)


def waiting_until_readable() -> Wait:
    reading, writing = lwt_unix.pipe()
    waiting = lwt.finalize(lambda: lwt_unix.wait_read(reading), lambda: lwt_unix.close(reading))
    return waiting, partial(send_and_close, writing, b"abc"), None


def reading_a_line() -> Wait:
    ic, oc = lwt_io.pipe()
    waiting = lwt.finalize(lambda: lwt_io.read_line(ic), lambda: lwt_io.close(ic))

    def let_go() -> None:
        lwt_io.write_line(oc, "abc")
        lwt_io.close(oc)

    return waiting, let_go, b"abc"


def sleeping() -> Wait:
    return lwt_unix.sleep(0.05), lambda: None, None


def waiting_for_a_thread() -> Wait:
    gate = threading.Event()
    return lwt_unix.run_job(gate.wait), gate.set, True


def waiting_for_a_worker() -> Wait:
    gate = threading.Event()
    return lwt_preemptive.detach(gate.wait), gate.set, True


def waiting_for_a_child() -> Wait:
    gate = Gate()
    pid = gate.child(5)
    return lwt_unix.waitpid([], pid), gate.open, (pid, lwt_unix.WEXITED(5))


def waiting_for_any_child() -> Wait:
    gate = Gate()
    pid = gate.child(5)
    return lwt_unix.wait(), gate.open, (pid, lwt_unix.WEXITED(5))


def reading_from_a_program() -> Wait:
    process = lwt_process.process(("", ["cat"]))

    async def read() -> tuple[bytes, lwt_unix.Process_status]:
        line = await lwt_io.read_line(process.stdout)
        return line, await process.close()

    def let_go() -> None:
        lwt_io.write_line(process.stdin, "abc")

    return lwt.of_coroutine(read()), let_go, (b"abc", lwt_unix.WEXITED(0))


def waiting_in_a_task() -> Wait:
    promise, resolver = lwt.wait()

    async def task() -> str:
        await lwt_direct.yield_()
        return await lwt_direct.await_(promise)

    return lwt_direct.spawn(task), lambda: lwt.wakeup(resolver, "woken"), "woken"


def waiting_for_nothing_that_the_system_knows() -> Wait:
    promise, resolver = lwt.wait()
    return promise, lambda: lwt.wakeup(resolver, "woken"), "woken"


@pytest.mark.parametrize(
    "begin",
    [
        reading_a_pipe,
        writing_to_a_full_pipe,
        accepting,
        receiving_a_datagram,
        receiving_a_descriptor,
        waiting_until_readable,
        reading_a_line,
        sleeping,
        waiting_for_a_thread,
        waiting_for_a_worker,
        waiting_for_a_child,
        waiting_for_any_child,
        reading_from_a_program,
        waiting_in_a_task,
        waiting_for_nothing_that_the_system_knows,
    ],
)
@pytest.mark.parametrize("engine_class", [lwt_engine.select, lwt_engine.poll, lwt_engine.libev])
def test_signals_while_the_main_loop_waits_are_handled_and_the_wait_goes_on(
    begin: Callable[[], Wait], engine_class: Engine_class
) -> None:
    came: list[int] = []
    with engine_in_use(engine_class):
        waiting, let_go, expected = begin()

        def on_signal(_: int) -> None:
            assert lwt.is_sleeping(waiting) or begin is sleeping
            came.append(len(came))
            if len(came) < 3:
                signal.setitimer(signal.ITIMER_REAL, 0.001)
            else:
                let_go()

        handler = lwt_unix.on_signal(signal.SIGALRM, on_signal)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        try:
            assert lwt_main.run(waiting) == expected
            while len(came) < 3:  # A sleep may end before.
                lwt_main.run(lwt_unix.sleep(0.001))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            lwt_unix.disable_signal_handler(handler)
        lwt_main.run(lwt.pause())
    signals.renew()  # What handles SIGCHLD stays, once somebody has needed it.
    assert came == [0, 1, 2]


def test_an_interrupt_while_the_main_loop_waits_for_a_job_leaves_the_job_to_the_next_run() -> None:
    gate = threading.Event()
    waiting = lwt_unix.run_job(gate.wait)
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    interrupting = lwt_unix.run_job(lambda: signal.pthread_kill(main_thread, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(waiting)
    gate.set()
    assert lwt_main.run(waiting) is True
    lwt_main.run(interrupting)


# --- Forks -------------------------------------------------------------------


def test_a_child_may_close_what_a_thread_of_its_parent_is_writing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    fd = lwt_unix.of_unix_file_descr(writing, blocking=True)
    much = bytes(1_000_000)
    written = lwt_unix.write(fd, much, 0, len(much))
    assert lwt.is_sleeping(written)

    def child() -> None:
        os.close(reading)
        assert lwt_main.run(lwt_unix.close(fd)) is None

    assert in_child(child) == 0
    left = len(much)
    while left:
        left -= len(os.read(reading, 65_536))
    assert lwt_main.run(written) == len(much)
    lwt_main.run(lwt_unix.close(fd))
    os.close(reading)


def test_a_child_that_a_body_forks_while_a_file_is_read_may_read_it_itself(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1_000_000))

    def read_all() -> lwt.Promise[bytes]:
        return lwt_io.with_file(
            path, lwt_io.read, mode=lwt_io.Input, buffer=memoryview(bytearray(300_000))
        )

    async def main() -> tuple[int, bytes]:
        reading = read_all()
        await lwt.pause()
        status = in_child(lambda: len(lwt_main.run(read_all())) // (len(path.read_bytes())) - 1)
        return status, await reading

    status, found = lwt_main.run(main())
    assert (status, len(found)) == (0, 1_000_000)


def test_a_child_that_a_body_forks_leaves_the_programs_of_its_parent_and_has_its_own() -> None:
    cat = ("", ["cat"])

    def run() -> None:
        assert lwt_unix.wait_count() == 0
        assert lwt_main.run(lwt_process.pmap(cat, "the child's")) == b"the child's"

    async def main() -> tuple[int, bytes, lwt_unix.Process_status]:
        process = lwt_process.process(cat)
        line = lwt_io.read_line(process.stdout)
        await lwt.pause()
        status = in_child(run)
        await lwt_io.write_line(process.stdin, "the parent's")
        return status, await line, await process.close()

    assert lwt_main.run(main()) == (0, b"the parent's", lwt_unix.WEXITED(0))


# --- Nothing leaks -----------------------------------------------------------


def test_a_thousand_failures_leave_no_descriptor_open(tmp_path: Path) -> None:
    lwt_main.run(lwt_unix.run_job(lambda: None))
    before = open_descriptors()

    async def fail(number: int) -> None:
        with pytest.raises(LookupError):
            await lwt_io.with_file(
                tmp_path / "file", lambda _: lwt.fail(LookupError(number)), mode=lwt_io.Output
            )
        with pytest.raises(NotADirectoryError):
            await lwt_stream.to_list(lwt_unix.files_of_directory(tmp_path / "file"))

    lwt_main.run(lwt.join([lwt.of_coroutine(fail(number)) for number in range(500)]))
    assert open_descriptors() == before
