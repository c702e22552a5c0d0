"""All faults that are put into our library on purpose, to show that the comparison finds them.

`python -m tests.conformance faults` puts them in, one at a time, and tells after how many
programs each is found. `fault.py` says what a fault is.
"""

from __future__ import annotations

from typing import Final

from tests.conformance.collections_faults import COLLECTIONS_FAULTS
from tests.conformance.fault import Fault
from tests.conformance.lwt_faults import LWT_FAULTS
from tests.conformance.lwt_unix_faults import IO_FAULTS
from tests.conformance.sequence_faults import SEQUENCE_FAULTS
from tests.conformance.stream_faults import STREAM_FAULTS
from tests.conformance.waiting_faults import WAITING_FAULTS

FAULTS: Final[tuple[Fault, ...]] = (
    *LWT_FAULTS,
    *SEQUENCE_FAULTS,
    *COLLECTIONS_FAULTS,
    *STREAM_FAULTS,
    *WAITING_FAULTS,
    *IO_FAULTS,
)
