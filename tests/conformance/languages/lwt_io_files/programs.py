"""Files and channels on them, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_io_files.language import FilesMaker
from tests.conformance.languages.lwt_io_files.run import FilesRun
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered
from tests.conformance.values import values

ALL: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(FilesRun) if name.startswith("do_"))
)
ON_CHANNELS: Final = (
    *("io_open_file", "io_with_file", "io_set_position", "io_length", "io_file_length"),
    *("io_lines_of_file", "io_chars_of_file", "io_lines_to_file", "io_chars_to_file"),
    *("io_with_temp_file", "io_with_temp_dir"),
)
ON_FILES: Final = (
    *("openfile", "pread", "pwrite", "lseek", "truncate", "ftruncate", "fsync", "fstat", "stat"),
    *("lstat", "file_exists", "unlink", "rename", "link", "symlink", "readlink", "chmod", "access"),
    *("mkdir", "rmdir", "files_of_directory", "isatty"),
)


class FilesPrograms:
    """The language of scripts over files."""

    name = "Lwt_io.files"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = (*ON_CHANNELS, *ON_FILES, "fill_file", "look", "io_state")
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(
            all_pairs(
                {"c": {"io_open_file", "io_with_file"}, "d": {"openfile"}},
                {
                    "c": {"io_set_position", "io_length", "io_read_line", "io_write", "io_close"},
                    "d": {"read", "write", "pread", "pwrite", "lseek", "ftruncate", "fstat"},
                },
            )
        )
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return FilesMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(FilesRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_io.mli that files are for."""
        here = covered("Lwt_io", self.statements, "io_")
        return {name: statement for name, statement in here.items() if name in values(self.name)}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in ALL
