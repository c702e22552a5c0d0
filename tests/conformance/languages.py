"""The modules that are compared, each with its language: a new one is one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.conformance.language import Language
from tests.conformance.lwt_programs import LwtPrograms
from tests.conformance.sequence_programs import SequencePrograms

LANGUAGES: Final[dict[str, Callable[[], Language]]] = {
    "Lwt": LwtPrograms,
    "Lwt_sequence": SequencePrograms,
}
