"""All faults that are put into our library on purpose, to show that the comparison finds them.

`python -m tests.conformance faults` puts them in, one at a time, and tells after how many
programs each is found. `fault.py` says what a fault is.
"""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.collections import COLLECTIONS_FAULTS
from tests.conformance.faults.fault import Fault
from tests.conformance.faults.lwt import LWT_FAULTS
from tests.conformance.faults.lwt_direct import DIRECT_FAULTS
from tests.conformance.faults.lwt_fmt import FMT_FAULTS
from tests.conformance.faults.lwt_process import PROCESS_FAULTS
from tests.conformance.faults.lwt_retry import RETRY_FAULTS
from tests.conformance.faults.lwt_sequence import SEQUENCE_FAULTS
from tests.conformance.faults.lwt_stream import STREAM_FAULTS
from tests.conformance.faults.scripts import IO_FAULTS
from tests.conformance.faults.timed import TIMED_FAULTS
from tests.conformance.faults.waiting import WAITING_FAULTS

FAMILIES: Final[dict[str, tuple[Fault, ...]]] = {
    "The core": LWT_FAULTS,
    "Collections": (*SEQUENCE_FAULTS, *COLLECTIONS_FAULTS),
    "Streams": STREAM_FAULTS,
    "What waits": WAITING_FAULTS,
    "Input and output": (*IO_FAULTS, *FMT_FAULTS, *DIRECT_FAULTS, *RETRY_FAULTS),
    "Threads and time": TIMED_FAULTS,
    "Processes": PROCESS_FAULTS,
}
FAULTS: Final = tuple(fault for faults in FAMILIES.values() for fault in faults)
