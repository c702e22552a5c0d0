"""Find the bugs of the museum by all tools that are installed: `python -m tests.museum --help`."""

from __future__ import annotations

import argparse
import sys
import warnings

from tests.museum.listed import NAMES, bug
from tests.museum.report import table
from tests.museum.tools.listed import tools


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.museum", description=__doc__)
    parser.add_argument(
        "bugs", nargs="*", metavar="BUG", help="all by default", choices=[[], *NAMES]
    )
    parser.add_argument("--starts", type=int, default=11, help="searches for each bug (11)")
    parser.add_argument("--limit", type=int, default=1000, help="runs of a search (1000)")
    parser.add_argument("--mended", type=int, default=200, help="runs of a mended form (200)")
    given = parser.parse_args()
    # Programs that fail leave open what they would have closed.
    warnings.simplefilter("ignore", ResourceWarning)
    found, missing = tools()
    for line in missing:
        print(line)
    print(", ".join(f"{tool.name} {tool.version}" for tool in found))
    print(
        table(
            [bug(name) for name in given.bugs or NAMES],
            found,
            starts=given.starts,
            limit=given.limit,
            mended=given.mended,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
    )


_main()
