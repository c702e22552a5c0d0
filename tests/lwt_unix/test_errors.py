"""Errors of the system: which call has met them, under OCaml's name; and giving up."""

import copy
import errno
import logging
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.descriptors import no_more_descriptors
from tests.support.ocaml import lines_of, needs_ocaml
from tests.support.programs import run_code
from tests.support.sockets import Open

Triple = tuple[int, str, str]

LONG = "/" + 200 * "a"
NOWHERE = "/there/is/no/such/folder"


def triple_of(call: Callable[[], object]) -> Triple:
    """The error that a call raises, or that its promise is rejected with."""
    try:
        result = call()
        if isinstance(result, lwt.Promise):
            lwt_main.run(result)
    except OSError as exn:
        return lwt_unix.unix_error(exn)
    raise AssertionError("there was no error")


def error_of(result: tuple[object, lwt.Some[Exception] | None]) -> lwt.Promise[None]:
    """Fail with the exception that `accept_n` gives as a value."""
    _, problem = result
    assert problem is not None
    return lwt.fail(problem.value)


def bad(blocking: bool = False) -> lwt_unix.File_descr:
    return lwt_unix.of_unix_file_descr(777, blocking=blocking, set_flags=False)


def pipe(opened: Open) -> lwt_unix.File_descr:
    """A descriptor that is no socket."""
    reading, writing = lwt_unix.pipe()
    opened(writing)
    return opened(reading)


def folder(opened: Open) -> lwt_unix.File_descr:
    fd = os.open("/tmp", os.O_RDONLY)
    return opened(lwt_unix.of_unix_file_descr(fd, blocking=True, set_flags=False))


def closed(opened: Open) -> lwt_unix.File_descr:
    descriptor = opened.socket()
    lwt_main.run(lwt_unix.close(descriptor))
    return descriptor


def unread(opened: Open) -> lwt_unix.File_descr:
    """The end of a pipe that nobody reads."""
    reading, writing = lwt_unix.pipe()
    lwt_main.run(lwt_unix.close(reading))
    return opened(writing)


def unix(opened: Open) -> lwt_unix.File_descr:
    return opened.socket(lwt_unix.PF_UNIX)


def datagrams(opened: Open) -> lwt_unix.File_descr:
    return opened.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM)


OF_OCAML = """
open Lwt_unix
let output, flush = Lwt_io.(output, flush)
let ( >>= ) = Lwt.bind
let () = Sys.set_signal Sys.sigpipe Sys.Signal_ignore
let buffer = Bytes.create 10
let of_number ~blocking n = of_unix_file_descr ~blocking ~set_flags:false (Obj.magic (n : int))
let bad () = of_number ~blocking:false 777
let pipe_ () = fst (pipe ())
let folder () = of_number ~blocking:true (Obj.magic (Unix.openfile "/tmp" [Unix.O_RDONLY] 0))
let tcp () = socket PF_INET SOCK_STREAM 0
let closed () = let s = tcp () in Lwt_main.run (close s); s
let unread () = let r, w = pipe () in Lwt_main.run (close r); w
let unix () = socket PF_UNIX SOCK_STREAM 0
let datagrams () = socket PF_UNIX SOCK_DGRAM 0
let long = "/" ^ String.make 200 'a'
let nowhere = "/there/is/no/such/folder"
let port n = ADDR_INET (Unix.inet_addr_loopback, n)
let elsewhere = ADDR_INET (Unix.inet_addr_of_string "192.0.2.1", 0)
let error_of = function (_, Some exn) -> Lwt.fail exn | _ -> Lwt.return_unit
let show f =
  try f (); print_endline "no error" with
  | Unix.Unix_error (code, name, arg) ->
    Printf.printf "%s|%s|%s\\n" (Unix.error_message code) name arg
let () =
"""
"""What comes before the expressions below."""

CASES: list[tuple[str, Callable[[Open], object], Triple]] = [
    # The expression in OCaml, the same in Python, and the error.
    (
        "read (bad ()) buffer 0 1",
        lambda _: lwt_unix.read(bad(), bytearray(10), 0, 1),
        (errno.EBADF, "read", ""),
    ),
    (
        "read (folder ()) buffer 0 1",
        lambda opened: lwt_unix.read(folder(opened), bytearray(10), 0, 1),
        (errno.EISDIR, "read", ""),
    ),
    (
        "write (folder ()) buffer 0 1",
        lambda opened: lwt_unix.write(folder(opened), b"x", 0, 1),
        (errno.EBADF, "write", ""),
    ),
    (
        "write (unread ()) buffer 0 1",
        lambda opened: lwt_unix.write(unread(opened), b"x", 0, 1),
        (errno.EPIPE, "write", ""),
    ),
    (
        'write_string (unread ()) "x" 0 1',
        lambda opened: lwt_unix.write_string(unread(opened), "x", 0, 1),
        (errno.EPIPE, "write", ""),
    ),
    ("close (bad ())", lambda _: lwt_unix.close(bad()), (errno.EBADF, "close", "")),
    (
        "close (closed ())",
        lambda opened: lwt_unix.close(closed(opened)),
        (errno.EBADF, "check_descriptor", ""),
    ),
    (
        "listen (closed ()) 1; Lwt.return_unit",
        lambda opened: lwt_unix.listen(closed(opened), 1),
        (errno.EBADF, "check_descriptor", ""),
    ),
    (
        "dup (bad ()) |> ignore; Lwt.return_unit",
        lambda _: lwt_unix.dup(bad()),
        (errno.EBADF, "dup", ""),
    ),
    (
        "dup2 (bad ()) (tcp ()); Lwt.return_unit",
        lambda opened: lwt_unix.dup2(bad(), opened.socket()),
        (errno.EBADF, "dup2", ""),
    ),
    (
        "set_close_on_exec (bad ()); Lwt.return_unit",
        lambda _: lwt_unix.set_close_on_exec(bad()),
        (errno.EBADF, "set_close_on_exec", ""),
    ),
    (
        "clear_close_on_exec (bad ()); Lwt.return_unit",
        lambda _: lwt_unix.clear_close_on_exec(bad()),
        (errno.EBADF, "set_close_on_exec", ""),
    ),
    (
        "blocking (of_unix_file_descr ~blocking:false (Obj.magic 777))",
        lambda _: lwt_unix.blocking(lwt_unix.of_unix_file_descr(777, blocking=False)),
        (errno.EBADF, "set_nonblock", ""),
    ),
    (
        "blocking (of_unix_file_descr ~blocking:true (Obj.magic 777))",
        lambda _: lwt_unix.blocking(lwt_unix.of_unix_file_descr(777, blocking=True)),
        (errno.EBADF, "clear_nonblock", ""),
    ),
    (
        "socket PF_INET SOCK_STREAM 12345 |> ignore; Lwt.return_unit",
        lambda _: lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 12345),
        (errno.EINVAL, "socket", ""),
    ),
    (
        "socketpair PF_INET SOCK_STREAM 0 |> ignore; Lwt.return_unit",
        lambda _: lwt_unix.socketpair(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0),
        (errno.EOPNOTSUPP, "socketpair", ""),
    ),
    (
        "bind (tcp ()) elsewhere",
        lambda opened: lwt_unix.bind(opened.socket(), ("192.0.2.1", 0)),
        (errno.EADDRNOTAVAIL, "bind", ""),
    ),
    (
        "bind (unix ()) (ADDR_UNIX nowhere)",
        lambda opened: lwt_unix.bind(unix(opened), NOWHERE),
        (errno.ENOENT, "bind", ""),
    ),
    (
        "bind (unix ()) (ADDR_UNIX long)",
        lambda opened: lwt_unix.bind(unix(opened), LONG),
        (errno.ENAMETOOLONG, "", LONG),
    ),
    (
        "bind (unix ()) (port 0)",
        lambda opened: lwt_unix.bind(unix(opened), ("127.0.0.1", 0)),
        (errno.EINVAL, "bind", ""),
    ),
    (
        "bind (pipe_ ()) (port 0)",
        lambda opened: lwt_unix.bind(pipe(opened), ("127.0.0.1", 0)),
        (errno.ENOTSOCK, "bind", ""),
    ),
    (
        "listen (pipe_ ()) 1; Lwt.return_unit",
        lambda opened: lwt_unix.listen(pipe(opened), 1),
        (errno.ENOTSOCK, "listen", ""),
    ),
    (
        "accept (tcp ())",
        lambda opened: lwt_unix.accept(opened.socket()),
        (errno.EINVAL, "accept", ""),
    ),
    (
        "accept (pipe_ ())",
        lambda opened: lwt_unix.accept(pipe(opened)),
        (errno.ENOTSOCK, "accept", ""),
    ),
    (
        "Lwt.bind (accept_n (tcp ()) 2) error_of",
        lambda opened: lwt.bind(lwt_unix.accept_n(opened.socket(), 2), error_of),
        (errno.EINVAL, "accept", ""),
    ),
    (
        "connect (tcp ()) (port 1)",
        lambda opened: lwt_unix.connect(opened.socket(), ("127.0.0.1", 1)),
        (errno.ECONNREFUSED, "connect", ""),
    ),
    (
        "connect (unix ()) (ADDR_UNIX nowhere)",
        lambda opened: lwt_unix.connect(unix(opened), NOWHERE),
        (errno.ENOENT, "connect", ""),
    ),
    (
        "connect (unix ()) (ADDR_UNIX long)",
        lambda opened: lwt_unix.connect(unix(opened), LONG),
        (errno.ENAMETOOLONG, "", LONG),
    ),
    (
        "connect (pipe_ ()) (port 1)",
        lambda opened: lwt_unix.connect(pipe(opened), ("127.0.0.1", 1)),
        (errno.ENOTSOCK, "connect", ""),
    ),
    (
        "shutdown (tcp ()) SHUTDOWN_ALL; Lwt.return_unit",
        lambda opened: lwt_unix.shutdown(opened.socket(), lwt_unix.SHUTDOWN_ALL),
        (errno.ENOTCONN, "shutdown", ""),
    ),
    (
        "getsockname (pipe_ ()) |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getsockname(pipe(opened)),
        (errno.ENOTSOCK, "getsockname", ""),
    ),
    (
        "getpeername (tcp ()) |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getpeername(opened.socket()),
        (errno.ENOTCONN, "getpeername", ""),
    ),
    (
        "get_credentials (pipe_ ()) |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.get_credentials(pipe(opened)),
        (errno.ENOTSOCK, "get_credentials", ""),
    ),
    (
        "recv (tcp ()) buffer 0 1 []",
        lambda opened: lwt_unix.recv(opened.socket(), bytearray(10), 0, 1, []),
        (errno.ENOTCONN, "recv", ""),
    ),
    (
        "send (tcp ()) buffer 0 1 []",
        lambda opened: lwt_unix.send(opened.socket(), b"x", 0, 1, []),
        (errno.EPIPE, "send", ""),
    ),
    (
        "recvfrom (pipe_ ()) buffer 0 1 []",
        lambda opened: lwt_unix.recvfrom(pipe(opened), bytearray(10), 0, 1, []),
        (errno.ENOTSOCK, "recvfrom", ""),
    ),
    (
        "sendto (datagrams ()) buffer 0 1 [] (ADDR_UNIX nowhere)",
        lambda opened: lwt_unix.sendto(datagrams(opened), b"x", 0, 1, [], NOWHERE),
        (errno.ENOENT, "send", ""),
    ),
    (
        "getsockopt (pipe_ ()) SO_REUSEADDR |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getsockopt(pipe(opened), lwt_unix.SO_REUSEADDR),
        (errno.ENOTSOCK, "getsockopt", ""),
    ),
    (
        "setsockopt (unix ()) TCP_NODELAY true; Lwt.return_unit",
        lambda opened: lwt_unix.setsockopt(unix(opened), lwt_unix.TCP_NODELAY, True),
        (errno.EOPNOTSUPP, "setsockopt", ""),
    ),
    (
        "getsockopt_int (pipe_ ()) SO_RCVBUF |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getsockopt_int(pipe(opened), lwt_unix.SO_RCVBUF),
        (errno.ENOTSOCK, "getsockopt_int", ""),
    ),
    (
        "setsockopt_int (tcp ()) SO_TYPE 4; Lwt.return_unit",
        lambda opened: lwt_unix.setsockopt_int(opened.socket(), lwt_unix.SO_TYPE, 4),
        (errno.ENOPROTOOPT, "setsockopt_int", ""),
    ),
    (
        "getsockopt_optint (pipe_ ()) SO_LINGER |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getsockopt_optint(pipe(opened), lwt_unix.SO_LINGER),
        (errno.ENOTSOCK, "getsockopt_optint", ""),
    ),
    (
        "setsockopt_optint (pipe_ ()) SO_LINGER None; Lwt.return_unit",
        lambda opened: lwt_unix.setsockopt_optint(pipe(opened), lwt_unix.SO_LINGER, None),
        (errno.ENOTSOCK, "setsockopt_optint", ""),
    ),
    (
        "getsockopt_float (pipe_ ()) SO_RCVTIMEO |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getsockopt_float(pipe(opened), lwt_unix.SO_RCVTIMEO),
        (errno.ENOTSOCK, "getsockopt_float", ""),
    ),
    (
        "setsockopt_float (pipe_ ()) SO_RCVTIMEO 1.0; Lwt.return_unit",
        lambda opened: lwt_unix.setsockopt_float(pipe(opened), lwt_unix.SO_RCVTIMEO, 1.0),
        (errno.ENOTSOCK, "setsockopt_float", ""),
    ),
    (
        "getsockopt_error (pipe_ ()) |> ignore; Lwt.return_unit",
        lambda opened: lwt_unix.getsockopt_error(pipe(opened)),
        (errno.ENOTSOCK, "getsockopt_error", ""),
    ),
    (
        "on_signal Sys.sigkill ignore |> ignore; Lwt.return_unit",
        lambda _: lwt_unix.on_signal(9, lambda _: None),
        (errno.EINVAL, "sigaction", ""),
    ),
    (
        'let oc = Lwt_io.of_fd ~mode:output (unread ()) in Lwt_io.write oc "x" >>= fun () -> flush oc',
        lambda opened: written_and_flushed(lwt_io.of_fd(unread(opened), mode=lwt_io.Output)),
        (errno.EPIPE, "write", ""),
    ),
    (
        "Lwt_io.open_connection (port 1)",
        lambda _: lwt_io.open_connection(("127.0.0.1", 1)),
        (errno.ECONNREFUSED, "connect", ""),
    ),
    (
        "Lwt_io.establish_server_with_client_address (ADDR_UNIX nowhere) (fun _ _ -> Lwt.return_unit)",
        lambda _: lwt_io.establish_server_with_client_address(NOWHERE, serve_nobody),
        (errno.ENOENT, "bind", ""),
    ),
    (
        "Lwt_io.establish_server_with_client_address elsewhere (fun _ _ -> Lwt.return_unit)",
        lambda _: lwt_io.establish_server_with_client_address(("192.0.2.1", 0), serve_nobody),
        (errno.EADDRNOTAVAIL, "bind", ""),
    ),
]


def written_and_flushed(oc: lwt_io.OutputChannel) -> lwt.Promise[None]:
    return lwt.bind(lwt_io.write(oc, "x"), lambda _: lwt_io.flush(oc))


def serve_nobody(_address: lwt_unix.Sockaddr, _channels: object) -> lwt.Promise[None]:
    return lwt.return_unit


@pytest.mark.parametrize(
    ("call", "triple"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_an_error_carries_the_number_the_call_and_its_argument(
    call: Callable[[Open], object], triple: Triple, opened: Open
) -> None:
    assert triple_of(lambda: call(opened)) == triple


@needs_ocaml
@pytest.mark.slow
def test_ocaml_gives_the_same_errors(tmp_path: Path) -> None:
    shown = "".join(
        f"  show (fun () -> Lwt_main.run ({ocaml}) |> ignore);\n" for ocaml, *_ in CASES
    )
    lines = [f"{os.strerror(number)}|{name}|{arg}" for *_, (number, name, arg) in CASES]
    assert lines_of(f"{OF_OCAML}{shown}", tmp_path) == lines


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lwt_unix.pipe, "pipe"),
        (lambda: lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0), "socket"),
        (lambda: lwt_unix.dup(lwt_unix.stdin), "dup"),
    ],
)
def test_a_lack_of_descriptors_names_the_call(call: Callable[[], object], name: str) -> None:
    with no_more_descriptors():
        assert triple_of(call) == (errno.EMFILE, name, "")


def test_an_error_that_comes_after_waiting_names_the_call_too(opened: Open) -> None:
    near, far = opened.pair()
    waiting = lwt_unix.recv(near, bytearray(1), 0, 1, [])
    reading = lwt_unix.read(near, bytearray(1), 0, 1)
    # What was not read makes the other end a reset one when this one is closed.
    lwt_main.run(lwt_unix.write(near, b"unread", 0, 6))
    lwt_main.run(lwt_unix.close(far))
    assert triple_of(lambda: waiting) == (errno.ECONNRESET, "recv", "")
    assert lwt_main.run(reading) == 0


def test_those_who_wait_when_a_descriptor_is_closed_are_told_by_its_check(opened: Open) -> None:
    near, _ = opened.pair()
    waiting = lwt_unix.read(near, bytearray(1), 0, 1)
    lwt_main.run(lwt_unix.close(near))
    assert triple_of(lambda: waiting) == (errno.EBADF, "check_descriptor", "")


def test_an_exception_of_abort_is_the_program_s_and_stays_as_it_is(opened: Open) -> None:
    near, _ = opened.pair()
    lwt_unix.abort(near, OSError(errno.EIO, "broken"))
    assert triple_of(lambda: lwt_unix.read(near, bytearray(1), 0, 1)) == (errno.EIO, "", "")
    assert triple_of(lambda: lwt_unix.listen(near, 1)) == (errno.EIO, "", "")


def test_an_action_of_the_program_has_no_call_of_ours(opened: Open) -> None:
    near, _ = opened.pair()

    def fail() -> None:
        raise OSError(errno.EIO, "broken")

    wrapped = lambda: lwt_unix.wrap_syscall(lwt_unix.Write, near, fail)  # noqa: E731
    registered = lambda: lwt_unix.register_action(lwt_unix.Write, near, fail)  # noqa: E731
    assert triple_of(wrapped) == triple_of(registered) == (errno.EIO, "", "")


def test_a_path_that_cannot_be_removed_is_the_argument(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    reported: list[Exception] = []
    lwt.async_exception_hook.contents = reported.append
    server = lwt_main.run(lwt_io.establish_server_with_client_address(path, serve_nobody))
    os.unlink(path)
    lwt_main.run(lwt_io.shutdown_server(server))
    (problem,) = reported
    assert isinstance(problem, OSError)
    assert lwt_unix.unix_error(problem) == (errno.ENOENT, "unlink", path)


@pytest.mark.parametrize(
    ("exn", "triple"),
    [
        (FileNotFoundError(errno.ENOENT, "no", "/etc/x"), (errno.ENOENT, "", "/etc/x")),
        (FileNotFoundError(errno.ENOENT, "no", b"/etc/x"), (errno.ENOENT, "", "/etc/x")),
        (FileNotFoundError(errno.ENOENT, "no", Path("/etc/x")), (errno.ENOENT, "", "/etc/x")),
        (OSError(errno.EBADF, "no", 7), (errno.EBADF, "", "")),
        (OSError(errno.EIO, "no"), (errno.EIO, "", "")),
        (OSError("no number"), (0, "", "")),
        (OSError("not a number", "no"), (0, "", "")),
        (ConnectionResetError(), (0, "", "")),
    ],
)
def test_an_error_that_is_not_from_us_has_no_call(exn: OSError, triple: Triple) -> None:
    assert lwt_unix.unix_error(exn) == triple


def test_the_call_is_kept_in_copies_and_pickles() -> None:
    with pytest.raises(OSError, match="descriptor") as raised:
        lwt_unix.dup(bad())
    exn = raised.value
    copies = [copy.copy(exn), copy.deepcopy(exn), pickle.loads(pickle.dumps(exn))]
    assert {lwt_unix.unix_error(one) for one in copies} == {(errno.EBADF, "dup", "")}


def test_unix_error_refuses_what_is_no_error_of_the_system() -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.unix_error: expected an OSError, got KeyErr"):
        lwt_unix.unix_error(KeyError())  # type: ignore[arg-type]  # what is tested


# --- handle_unix_error -------------------------------------------------------


def fail_with(exn: Exception) -> lwt.Promise[int]:
    return lwt.fail(exn)


def raise_(exn: Exception) -> lwt.Promise[int]:
    raise exn


@pytest.mark.parametrize("f", [fail_with, raise_])
@pytest.mark.parametrize(
    ("exn", "line"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file", "/etc/x"),
            'program: failed on "/etc/x": No such file\n',
        ),
        (OSError("odd"), "program: failed: odd\n"),
    ],
)
def test_an_error_of_the_system_is_printed_and_ends_the_process(
    f: object,
    exn: OSError,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert callable(f)
    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(SystemExit) as raised:
        lwt_unix.handle_unix_error(f, exn)
    assert raised.value.code == 2
    assert capsys.readouterr().err == line


def test_the_call_that_failed_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(SystemExit):
        lwt_unix.handle_unix_error(lwt_unix.close, bad())
    assert capsys.readouterr().err == f'program: "close" failed: {os.strerror(errno.EBADF)}\n'


def test_the_process_ends_with_status_2_also_where_nobody_can_be_told() -> None:
    result = run_code(
        "import os, sys, lwt_unix\n"
        "os.dup2(os.open('/dev/full', os.O_WRONLY), 2)\n"
        "lwt_unix.handle_unix_error(os.stat, '/there/is/no/such/file')\n"
    )
    assert (result.returncode, result.stderr) == (2, "")


def test_other_exceptions_and_values_pass() -> None:
    failed = lwt_unix.handle_unix_error(fail_with, LookupError())
    assert lwt.state(failed) == lwt.Fail(LookupError())
    assert lwt_main.run(lwt_unix.handle_unix_error(lwt.return_, 3)) == 3


def test_what_is_no_function_is_refused_and_what_returns_no_promise_is_named() -> None:
    with pytest.raises(
        TypeError, match=r"^lwt_unix\.handle_unix_error: expected a function, got 3"
    ):
        lwt_unix.handle_unix_error(3, 4)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match="no_promise"):
        lwt_main.run(lwt_unix.handle_unix_error(no_promise, 4))  # type: ignore[arg-type]  # the same


def no_promise(x: int) -> int:
    return x


# --- Going on ----------------------------------------------------------------


def test_what_nobody_handles_is_logged_with_its_traceback_and_the_program_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lwt.async_exception_hook.contents = lwt_unix.log_exception

    async def failing() -> None:
        raise ValueError("of one client")

    async def main() -> str:
        lwt.async_(failing)
        await lwt.pause()
        return "went on"

    assert lwt_main.run(main()) == "went on"
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("lwt_unix", "ERROR")
    assert "in failing\n" in caplog.text
    assert "ValueError: of one client\n" in caplog.text


def test_a_log_that_fails_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def emit(_: object, record: logging.LogRecord) -> None:
        raise RecursionError("in a handler of the program")

    monkeypatch.setattr(logging.NullHandler, "handle", emit)
    logger, handler = logging.getLogger("lwt_unix"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        lwt_unix.log_exception(ValueError())
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize(
    "standard_error",
    [
        pytest.param("sys.stderr = None", id="there is none"),
        pytest.param("sys.stderr.close()", id="it is closed"),
        pytest.param("os.close(2)", id="its descriptor is closed"),
        pytest.param("sys.stderr = Full()", id="it is full"),
        pytest.param("sys.stderr = object()", id="it is something else"),
        pytest.param("pass", id="it is a pipe"),
    ],
)
def test_a_program_goes_on_whatever_its_standard_error_is(standard_error: str) -> None:
    ran = run_code(f"""
import os, sys, lwt, lwt_unix

class Full:
    def write(self, text):
        raise OSError(28, "No space left on device")
    def flush(self):
        raise OSError(28, "No space left on device")

lwt.async_exception_hook.contents = lwt_unix.log_exception
{standard_error}
lwt.async_(lambda: lwt.fail(ValueError("of one client")))
print("went on", flush=True)
os._exit(0)
""")
    assert (ran.returncode, ran.stdout) == (0, "went on\n")
    expected = ["An exception that nobody handles:", "ValueError: of one client"]
    assert ran.stderr.splitlines() == (expected if standard_error == "pass" else [])
