"""Changes of texts: those of our library, for seeded faults, and of OCaml's, for known differences.

A change finds its place by the text that it replaces, so it survives a move to another file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path


def changed_files(
    files: Mapping[Path, str], changes: Iterable[tuple[str, str]], what: str
) -> dict[Path, str]:
    """Return the files in which something is replaced, with their new text.

    Args:
        files: all that are searched, with their text.
        changes: what is there, and what replaces it.
        what: whose changes these are, for the error.

    Raises:
        ValueError: a text is not there exactly once in all files.
    """
    changed = dict(files)
    for old, new in changes:
        places = {path: text.count(old) for path, text in changed.items() if old in text}
        if sum(places.values()) != 1:
            raise ValueError(
                f"{what}: what is to be replaced is there {sum(places.values())} times, not once, "
                f"in {', '.join(map(str, places)) or 'any file'}:\n{old}"
            )
        (path,) = places
        changed[path] = changed[path].replace(old, new)
    return {path: text for path, text in changed.items() if text != files[path]}
