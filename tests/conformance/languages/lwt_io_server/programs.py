"""Servers of Lwt_io, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_io_server.language import ServerMaker
from tests.conformance.languages.lwt_io_server.run import ServerRun
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.scripts.answers import answers

STATEMENTS: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(ServerRun) if name.startswith("do_"))
)

OWN: Final = (
    *("serve_sockets", "serve_channels", "shutdown_server"),
    *("open_connection", "with_connection", "exists"),
)


class ServerPrograms:
    """The language of scripts over servers."""

    name = "Lwt_io.server"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = OWN
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(
            all_pairs(
                {
                    "s": {"serve_sockets", "serve_channels"},
                    "d": {"serve_sockets", "socket"},
                    "c": {"serve_channels", "open_connection", "with_connection"},
                    "p": {*OWN, "connect"} - {"exists"},
                },
                {
                    "s": {"shutdown_server"},
                    "d": {"read", "write", "close", "abort", "shutdown"},
                    "c": {"io_read_line", "io_write_line", "io_close", "io_flush"},
                    "p": {"cancel", "then"},
                },
            )
        )
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return ServerMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(ServerRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_io.mli that servers and connections are for."""
        older = ("establish_server_1", "establish_server_2", "shutdown_server_1")
        deprecated = ["establish_server", *(f"Versioned.{name}" for name in older)]
        return {
            "establish_server_with_client_socket": "serve_sockets",
            "establish_server_with_client_address": "serve_channels",
            "shutdown_server": "shutdown_server",
            "Versioned.shutdown_server_2": "shutdown_server",  # another name for it
            "open_connection": "open_connection",
            "with_connection": "with_connection",
            "with_close_connection": ": OCaml hides it, with_connection is made of it",
            **dict.fromkeys(deprecated, ": deprecated in OCaml"),
        }

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
