"""Programs with the answers of OCaml, kept in files, so that everyone has the judge.

`python -m tests.conformance record` writes them, `test_recorded.py` holds our library to them.
There is a file for each language, and one with small programs over promises.
A file is compressed text, two lines for each program: the program, and the trace.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from tests.conformance.comparison import asked, is_excused, judged
from tests.conformance.forms import Program, parse, show
from tests.conformance.judge import Judge
from tests.conformance.language import Language

FOLDER: Final = Path(__file__).parent / "recorded"
SMALL: Final = "Lwt.small"
"""The name for the file of small programs; their language is that of `Lwt`."""


def recorded_file(name: str) -> Path:
    return FOLDER / f"{name.lower()}.txt.xz"


def record(name: str, language: Language, judge: Judge, programs: Iterable[Program]) -> int:
    """Write programs with OCaml's answers; return how many there are."""
    lines = []
    for program in programs:
        answers = language.run(program)
        trace = asked(judge, program, answers)
        if is_excused(judged(program, answers, trace), answers):
            continue
        assert trace is not None, show(program)
        lines += [show(program), "\t".join(trace)]
    FOLDER.mkdir(exist_ok=True)
    compressed = lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    recorded_file(name).write_bytes(compressed)
    return len(lines) // 2


@cache
def recorded(name: str) -> tuple[tuple[Program, list[str]], ...]:
    """Return the recorded programs of that name and their traces."""
    lines = lzma.decompress(recorded_file(name).read_bytes()).decode().split("\n")
    return tuple(
        (parse(program), trace.split("\t") if trace else [])
        for program, trace in zip(lines[::2], lines[1::2], strict=True)
    )
