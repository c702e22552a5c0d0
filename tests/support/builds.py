"""The pure build and the compiled one."""

import pytest

import lwt


def interpreted_only(reason: str) -> pytest.MarkDecorator:
    """Skip a test on the compiled build: it is about how the interpreter runs the source."""
    return pytest.mark.skipif(lwt.__compiled__, reason=f"compiled: {reason}")
