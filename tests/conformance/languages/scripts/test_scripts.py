"""Scripts of input and output: the languages, and the comparison where OCaml is installed."""

from __future__ import annotations

import pytest

import lwt
from lwt_unix import lwt_engine
from tests.conformance.api.ocaml import installed_version
from tests.conformance.comparison import random_programs
from tests.conformance.forms import parse
from tests.conformance.language import Language, Met
from tests.conformance.languages.lwt_io.programs import LwtIoPrograms
from tests.conformance.languages.lwt_io_binary.run import BinaryRun
from tests.conformance.languages.lwt_io_server.programs import ServerPrograms
from tests.conformance.languages.lwt_io_server.run import ServerRun
from tests.conformance.languages.lwt_unix.programs import LwtUnixPrograms
from tests.conformance.languages.scripts import differences

needs_ocaml = pytest.mark.skipif(
    installed_version() is None, reason="OCaml's Lwt is not installed: see make conformance"
)
in_each_language = pytest.mark.parametrize(
    "language", [LwtUnixPrograms(), LwtIoPrograms(), ServerPrograms()], ids=lambda x: x.name
)


def trace(script: str) -> list[str]:
    return ServerRun().run(parse(script))


def test_a_trace_tells_what_came_when() -> None:
    script = "(pipe 0 1) (read 0 0 5 0 5) (write 1 1 3 0 3) (settle) (close 2 0) (write 1 1 1 0 1)"
    assert trace(script) == [
        *("0", "1", "2", "p1 = 3", "3", 'p0 = "abc"', "4", "p2 = ()", "5", "p1 fails, EPIPE"),
        *("d0 Closed", "d1 Opened"),
    ]


def test_a_trace_tells_what_the_function_of_a_channel_was_asked_for() -> None:
    script = "(io_make 0 output 16 (2)) (io_write 0 0 seventeenletters1) (io_state 0)"
    assert trace(script) == [
        *("0", "1", 'c0 writes "seventeenletters" at 0', "p0 = ()"),
        *("2", "c0 not busy, not closed, 15 buffered of 16, at 17"),
    ]


def test_a_trace_tells_what_a_server_does() -> None:
    script = "(serve_sockets 0 0 0 0 ((raises))) (socket 1) (connect 1 1 0) (settle)"
    assert trace(script) == [
        *("0", "p0 = a server", "1", "2", "p1 = ()", "3", "client 0", "hook E6"),
        *("d1 Opened", "d40 Closed"),
    ]


def test_a_script_leaves_engine_and_hook_as_they_were() -> None:
    engine, hook = lwt_engine.get(), lwt.async_exception_hook.contents
    trace("(pipe 0 1) (read 0 0 1 0 1) (serve_sockets 1 0 0 0 ((waits))) (pause 2)")
    assert lwt_engine.get() is engine
    assert lwt.async_exception_hook.contents is hook
    assert lwt.paused_count() == 0


@in_each_language
def test_a_script_has_the_same_trace_each_time(language: Language) -> None:
    for program in random_programs(language, 50):
        assert language.run(program).traces == language.run(program).traces


@in_each_language
def test_a_thousand_scripts_meet_most_pairs(language: Language) -> None:
    met: Met = Met()
    for program in random_programs(language, 1_000):
        language.run(program, met)
    assert sum(pair in met for pair in language.pairs) > 0.8 * len(language.pairs)


@pytest.mark.parametrize(
    ("script", "known"),
    [
        ("(pipe 0 1) (dup2 0 0)", "CIRCLE"),
        ("(pipe 0 1) (wrap_syscall 0 1 write ((retry (close 1 1))))", "ENDS_ITSELF"),
        ("(socket 0) (close 0 0) (accept_n 1 0 1 2)", "MODE_OF_CLOSED"),
        ("(pipe 0 1) (read 0 0 1 0 1) (socket 2) (dup2 2 0)", "STILL_BLOCKING"),
        (f"(socket 0) (bind 0 0 0) (listen 0 0) {2 * '(socket 1) (connect 1 1 0)'}", "QUEUE_FULL"),
        ("(io_make 0 input 16 ()) (io_atomic 0 0 1 (returns (io_read_char 2 1)))", "OUTLIVES"),
        ("(io_make 0 output 16 ()) (io_atomic 0 0 1 (returns (io_abort 2 0)))", "ABORTED_WITHIN"),
        ("(io_make 0 input 16 ((run (io_abort 0 0)))) (io_read_char 1 0)", "AT_ONCE"),
        (
            (
                "(pipe 0 1) (pipe 2 3) (read 4 0 1 0 1) (read 5 2 1 0 1)"
                "(then 4 ((close 6 2) (pipe 6 7) (read 7 6 1 0 1)))"
                "(write_text 8 1 a) (write_text 8 3 a) (turn)"
            ),
            "REUSED",
        ),
    ],
)
def test_a_known_difference_is_noticed(script: str, known: str) -> None:
    run = ServerRun()
    run.run(parse(script))
    assert getattr(differences, known).what in run.doubtful


def test_going_elsewhere_in_an_array_that_ocaml_has_forgotten_is_noticed() -> None:
    run = BinaryRun()
    run.run(parse("(io_of_bytes 0 input x61) (io_read_into 0 0 2 0 2) (io_read_into 1 0 2 0 2)"))
    assert run.doubtful == []
    run = BinaryRun()
    run.run(
        parse(
            "(io_of_bytes 0 input x61) (io_read_into 0 0 2 0 2) (io_read_into 1 0 2 0 2)"
            " (io_set_position 2 0 0)"
        )
    )
    assert run.doubtful == [differences.EMPTIED.what]


def test_a_channel_that_its_closing_closes_has_an_exception_of_ocamls_name() -> None:
    script = (
        "(pipe 0 1) (io_of_fd 0 1 output 16 close) (fill 1) (write_text 4 1 a)"
        "(then 4 ((io_abort 1 0))) (io_abort 2 0)"
    )
    trace = LwtIoPrograms().run(parse(script)).traces[0]
    assert "raises CamlinternalLazy.Undefined" in trace


@in_each_language
def test_few_scripts_are_doubtful(language: Language) -> None:
    programs = random_programs(language, 250)
    assert sum(bool(language.run(program).doubtful) for program in programs) < 25
