"""Digests of the states of programs, for tests of them."""

from lwt_unix.testing._explore.known import Known
from lwt_unix.testing._explore.states import States, Walk

KNOWN = Known(is_due_open=True, counts_turns=False)
STATES = States(KNOWN)


def written(*things: object) -> bytes:
    """The digest of some objects, and of all that they lead to."""
    return Walk(KNOWN, {}).write(*things)
