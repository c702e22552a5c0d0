"""The modules that are compared, each with its language: a new one is one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.conformance.language import Language
from tests.conformance.languages.collections.programs import (
    list_programs,
    pqueue_programs,
    result_programs,
    seq_programs,
)
from tests.conformance.languages.lwt.programs import LwtPrograms
from tests.conformance.languages.lwt_bytes.programs import BytesPrograms
from tests.conformance.languages.lwt_direct.programs import DirectPrograms
from tests.conformance.languages.lwt_fmt.programs import FmtPrograms
from tests.conformance.languages.lwt_io.programs import LwtIoPrograms
from tests.conformance.languages.lwt_io_binary.programs import BinaryPrograms
from tests.conformance.languages.lwt_io_files.programs import FilesPrograms
from tests.conformance.languages.lwt_io_server.programs import ServerPrograms
from tests.conformance.languages.lwt_process.programs import ProcessPrograms
from tests.conformance.languages.lwt_retry.programs import RetryPrograms
from tests.conformance.languages.lwt_sequence.programs import SequencePrograms
from tests.conformance.languages.lwt_stream.programs import StreamPrograms
from tests.conformance.languages.lwt_unix.programs import LwtUnixPrograms
from tests.conformance.languages.lwt_unix_jobs.programs import JobsPrograms
from tests.conformance.languages.lwt_unix_messages.programs import MessagesPrograms
from tests.conformance.languages.lwt_unix_names.programs import NamesPrograms
from tests.conformance.languages.timed.programs import (
    preemptive_programs,
    throttle_programs,
    timeout_programs,
)
from tests.conformance.languages.waiting.programs import (
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
    "Lwt_unix.jobs": JobsPrograms,
    "Lwt_unix.messages": MessagesPrograms,
    "Lwt_unix.names": NamesPrograms,
    "Lwt_preemptive": preemptive_programs,
    "Lwt_timeout": timeout_programs,
    "Lwt_throttle": throttle_programs,
    "Lwt_io": LwtIoPrograms,
    "Lwt_io.files": FilesPrograms,
    "Lwt_io.binary": BinaryPrograms,
    "Lwt_io.server": ServerPrograms,
    "Lwt_fmt": FmtPrograms,
    "Lwt_process": ProcessPrograms,
    "Lwt_direct": DirectPrograms,
    "Lwt_retry": RetryPrograms,
    "Lwt_bytes": BytesPrograms,
}
