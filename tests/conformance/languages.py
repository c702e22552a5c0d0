"""The modules that are compared, each with its language: a new one is one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.conformance.collections_programs import (
    list_programs,
    pqueue_programs,
    result_programs,
    seq_programs,
)
from tests.conformance.language import Language
from tests.conformance.lwt_io_programs import LwtIoPrograms
from tests.conformance.lwt_programs import LwtPrograms
from tests.conformance.lwt_unix_programs import LwtUnixPrograms
from tests.conformance.sequence_programs import SequencePrograms
from tests.conformance.server_programs import ServerPrograms
from tests.conformance.stream_programs import StreamPrograms
from tests.conformance.waiting_programs import (
    condition_programs,
    mutex_programs,
    mvar_programs,
    pool_programs,
    switch_programs,
)

LANGUAGES: Final[dict[str, Callable[[], Language]]] = {
    "Lwt": LwtPrograms,
    "Lwt_sequence": SequencePrograms,
    "Lwt_list": list_programs,
    "Lwt_seq": seq_programs,
    "Lwt_result": result_programs,
    "Lwt_pqueue": pqueue_programs,
    "Lwt_stream": StreamPrograms,
    "Lwt_mvar": mvar_programs,
    "Lwt_mutex": mutex_programs,
    "Lwt_condition": condition_programs,
    "Lwt_switch": switch_programs,
    "Lwt_pool": pool_programs,
    "Lwt_unix": LwtUnixPrograms,
    "Lwt_io": LwtIoPrograms,
    "Lwt_io.server": ServerPrograms,
}
