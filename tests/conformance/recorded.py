"""Programs with the answers of OCaml, kept in files, so that everyone has the judge.

`python -m tests.conformance record` writes them, `test_recorded.py` holds our library to them.
A file is compressed text, two lines for each program: the program, and the trace.
"""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path
from typing import Final

from tests.conformance.comparison import random_programs
from tests.conformance.forms import Program, parse, show
from tests.conformance.judge import Judge
from tests.conformance.language import Language

FOLDER: Final = Path(__file__).parent / "recorded"


def recorded_file(module: str) -> Path:
    return FOLDER / f"{module.lower()}.txt.xz"


def record(language: Language, judge: Judge, number: int, seed: int) -> int:
    """Write programs with OCaml's answers; return how many there are."""
    programs = random_programs(language, number, seed)
    texts = [show(program) for program in programs if not language.run(program).undefined]
    lines = []
    for text, trace in zip(texts, judge.ask(texts), strict=True):
        assert trace is not None, text
        lines += [text, "\t".join(trace)]
    FOLDER.mkdir(exist_ok=True)
    compressed = lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    recorded_file(language.name).write_bytes(compressed)
    return len(texts)


@cache
def recorded(module: str) -> tuple[tuple[Program, list[str]], ...]:
    """Return the recorded programs of a module and their traces."""
    lines = lzma.decompress(recorded_file(module).read_bytes()).decode().split("\n")
    return tuple(
        (parse(program), trace.split("\t") if trace else [])
        for program, trace in zip(lines[::2], lines[1::2], strict=True)
    )
