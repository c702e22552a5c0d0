"""The tools that are there, and why others are not."""

from __future__ import annotations

import importlib

from tests.museum.tools.finding import Tool

PEERS = ("detangle", "simloom")


def tools() -> tuple[list[Tool], list[str]]:
    """Find the tools: those that can be used, and a line for each of the others."""
    found: list[Tool] = []
    missing: list[str] = []
    for name in ("lwt", *PEERS):
        try:
            found.append(importlib.import_module(f"tests.museum.tools.by_{name}").TOOL)
        except ModuleNotFoundError as exn:
            if exn.name != name:
                raise
            missing.append(f"{name} is not installed, so not compared: `make museum` brings it.")
    return found, missing
