"""Counts what the operations cost: instructions by callgrind, system calls by strace, memory by tracemalloc.

Each tool watches the program of `operations.py`, or of `growth.py`, in a process of its own. That process
finds the same environment each time: hashes are not random, no site-packages, paths of the same length.
The library may be that of another checkout, to compare the two.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from lwt._core import promise
from tests.budgets.growth import OPERATIONS as OF_MANY
from tests.budgets.operations import CLIENT_CALLS, LONG, MARK, OPERATIONS, SHORT

ROOT: Final = Path(__file__).parents[2]

UNTRIMMED: Final = "glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad=67108864"
"""No memory is given back to the system. Whether a buffer lies at the end of the memory depends on
what came before; to give it back and to ask for it again made four per cent of an echo."""

Counts: TypeAlias = dict[str, dict[str, float]]
"""For each operation, what was counted and how much of it was for one."""


class CannotCount(Exception):
    """A tool is missing here, or not allowed to watch; the text says which."""


def build() -> str:
    """Name what decides how many instructions this Python needs: its version and how it was compiled."""
    words = (sysconfig.get_config_var("CONFIG_ARGS") or "").replace("'", "").split()
    chosen = [word for word in words if word.startswith(("--enable-", "--with-lto", "--with-py"))]
    return " ".join(
        (
            platform.python_implementation(),
            platform.python_version(),
            platform.python_compiler(),
            platform.machine(),
            *sorted(chosen),
        )
    )


def is_compiled() -> bool:
    """Tell whether lwt runs as machine code of its own."""
    return not promise.__file__.endswith(".py")


# --- The program, watched ----------------------------------------------------


@contextmanager
def _run(
    tool: Callable[[Path], Sequence[str]], *what: str, library: Path = ROOT, seed: int = 0
) -> Iterator[tuple[Path, str]]:
    """Run a module of the tests here with a library, in this checkout or in another.

    Another seed gives other hashes, and other places in memory, since there are more variables for `os.environ`.
    """
    with tempfile.TemporaryDirectory() as folder:
        # The paths are as long as anywhere else: they decide where things are in memory, and that
        # decides where a dictionary of objects has them. (Without this, one per cent was seen.)
        here = Path(folder)
        (here / "work").mkdir()
        (here / "sources").mkdir()
        (here / "sources" / "tests").symlink_to(ROOT / "tests")
        (here / "library").symlink_to(library)
        (here / "python").symlink_to(Path(sys.executable).resolve())
        program = [str(here / "python"), "-S", "-B", "-m", *what]
        command = [*tool(here), *program]
        done = subprocess.run(
            command,
            cwd=here / "work",
            env={
                "PATH": os.defpath,
                "PYTHONPATH": f"{here / 'sources'}{os.pathsep}{here / 'library'}",
                "PYTHONHASHSEED": str(seed),
                "GLIBC_TUNABLES": UNTRIMMED,
                **{"_" * length: "" for length in range(1, 20 * seed)},
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
        yield here, done.stdout


def _need(*command: str) -> None:
    """Find out whether a tool can watch a program that does nothing."""
    if shutil.which(command[0]) is None:
        raise CannotCount(f"there is no {command[0]} here")
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise CannotCount(f"{command[0]} does not work here: {tried.stderr.strip()[-500:]}")


def of_each(parts: Sequence[Mapping[str, float]]) -> Counts:
    """Return what one of each operation costs.

    Args:
        parts: what was counted up to the first mark, then between two marks, and after the last.
            There are three marks for each operation.
    """
    if len(parts) != 3 * len(OPERATIONS) + 1:
        raise RuntimeError(
            f"{len(parts)} parts for {len(OPERATIONS)} operations: marks were missed"
        )
    found: Counts = {}
    for place, operation in enumerate(OPERATIONS):
        short, long = parts[3 * place + 1], parts[3 * place + 2]
        found[operation] = {
            name: (long.get(name, 0) - short.get(name, 0)) / (LONG - SHORT)
            for name in sorted({*short, *long})
        }
    return found


# --- The tools ---------------------------------------------------------------


def instructions(library: Path = ROOT, seed: int = 0) -> Counts:
    """Count instructions, all but the kernel's; of the library in another checkout if one is given."""
    totals, _ = _totals_of_callgrind("tests.budgets.operations", "work", library=library, seed=seed)
    return of_each([{"instructions": total} for total in totals])


def growth() -> dict[str, tuple[float, float]]:
    """Count the instructions of one of each operation that is done with few and with many."""
    totals, printed = _totals_of_callgrind("tests.budgets.growth")
    # For few, for many; for few, for many. What stands between is not counted.
    costs = [total / int(times) for total, times in zip(totals[1::2], printed.split(), strict=True)]
    return dict(zip(OF_MANY, zip(costs[::2], costs[1::2], strict=True), strict=True))


def _totals_of_callgrind(*what: str, library: Path = ROOT, seed: int = 0) -> tuple[list[int], str]:
    """Count the instructions up to the first mark, then between two marks, and after the last.

    Return also what the program has printed.
    """
    _need("valgrind", "--tool=none")

    def callgrind(folder: Path) -> list[str]:
        out = f"--callgrind-out-file={folder}/out"
        return ["valgrind", "--tool=callgrind", out, f"--dump-before={MARK}"]

    with _run(callgrind, *what, library=library, seed=seed) as (folder, printed):
        # Each mark begins a new file: out.1, out.2 and so on; the last one has no number.
        numbered = sorted(folder.glob("out.*"), key=lambda path: int(path.suffix[1:]))
        texts = [path.read_text() for path in (*numbered, folder / "out")]
    return [total_of_callgrind(text) for text in texts], printed


def total_of_callgrind(text: str) -> int:
    """Find the sum in a file that callgrind wrote."""
    found = re.search(r"^totals: (\d+)$", text, re.MULTILINE)
    assert found is not None, "no totals in what callgrind wrote"
    return int(found[1])


def system_calls() -> Counts:
    """Count the system calls on descriptors and sockets, each by its name."""
    _need("strace", "-o", "/dev/null")

    def strace(folder: Path) -> list[str]:
        return ["strace", "-o", f"{folder}/out", "-e", f"trace=%desc,%network,{MARK}"]

    with _run(strace, "tests.budgets.operations", "work") as (folder, _):
        lines = (folder / "out").read_text().splitlines()
    return of_each(parts_of_strace(lines))


def parts_of_strace(lines: Iterable[str]) -> list[Counter[str]]:
    """Count the calls between marks, without those of a client and of Python's memory."""
    parts = [Counter[str]()]
    for line in lines:
        name = line.partition("(")[0]
        if name == MARK:
            parts.append(Counter())
        elif name.isidentifier() and name not in (*CLIENT_CALLS, "mmap"):
            parts[-1][name] += 1
    return parts


def memory() -> Counts:
    """Count the bytes and the blocks of memory of one more of each that is kept."""
    with _run(lambda _: (), "tests.budgets.operations", "memory") as (_, printed):
        return {
            name: {"bytes": size, "blocks": blocks}
            for name, (size, blocks) in json.loads(printed).items()
        }


TOOLS: Final[dict[str, Callable[[], Counts]]] = {
    "instructions": instructions,
    "system_calls": system_calls,
    "memory": memory,
}
