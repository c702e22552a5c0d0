"""The pure build and the compiled one."""

import pytest

import lwt


def interpreted_only(reason: str) -> pytest.MarkDecorator:
    """Skip a test on the compiled build: it looks at the interpreter's steps, of which there are none."""
    return pytest.mark.skipif(lwt.__compiled__, reason=f"compiled: {reason}")
