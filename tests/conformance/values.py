"""Which values of OCaml's interfaces a language is for."""

from __future__ import annotations

from typing import Final

from tests.conformance.api.interface import recorded

PARTS: Final = {
    "Lwt_unix.jobs": ("Lwt_unix", "job", "notification", "async_method", "with_async", "thread"),
    "Lwt_unix.messages": ("Lwt_unix", "IO_vectors", "readv", "writev", "_msg", "bigarray", "bind_"),
    "Lwt_unix.names": (
        "Lwt_unix",
        "gethost",
        "getserv",
        "getproto",
        "info",
        "getpw",
        "getgr",
        "getlogin",
    ),
    "Lwt_io.binary": (
        *("Lwt_io", "_int", "_float", "of_bytes", "read_chars", "hexdump", "byte_order", "_value"),
    ),
    "Lwt_io.files": ("Lwt_io", "file", "temp", "position", "length"),
    "Lwt_io.server": ("Lwt_io", "server", "connection"),
}
"""Languages of a part of a module: the module, and words in the names of the values."""


def values(language: str) -> list[str]:
    """Return the names of the values, those of nested modules with their path."""
    module, *words = PARTS.get(language, (language,))
    names = [
        item.path.removeprefix(f"{module}.")
        for item in recorded()
        if item.module == module and item.kind == "value"
    ]
    return [name for name in names if not words or any(word in name for word in words)]
