"""Run the Python blocks of a Markdown page as one program, from top to bottom.

    python tests/support/run_page.py PAGE

What a block prints is followed by a line with `END_OF_BLOCK` alone. Tracebacks
name the page and its lines, without the folder: so what they say is the same everywhere.
"""

import linecache
import re
import sys
from pathlib import Path
from typing import Any

END_OF_BLOCK = "\x1e"


def blocks(page: str, language: str) -> list[tuple[int, str]]:
    """Return each block of a language, with the number of its first line."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [(page.count("\n", 0, block.start()) + 2, block[1]) for block in found]


def run_blocks(path: Path) -> dict[str, Any]:
    """Run a page; return the names that it defines."""
    names: dict[str, Any] = {"__name__": "__main__"}
    page = path.read_text()
    linecache.cache[path.name] = (len(page), None, page.splitlines(keepends=True), path.name)
    for line, source in blocks(page, "python"):
        exec(compile("\n" * (line - 1) + source, path.name, "exec"), names)
        if "lwt_unix.lwt_io" in sys.modules:
            from lwt_unix import lwt_io, lwt_main  # noqa: PLC0415 - only if the page uses it

            lwt_main.run(lwt_io.flush_all())
        print(END_OF_BLOCK, flush=True)
    return names


if __name__ == "__main__":
    run_blocks(Path(sys.argv[1]))
