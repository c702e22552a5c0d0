"""Where the comparison of input and output knows our library to differ from the installed one.

Some are told apart while a script runs: such a script is excused if it differs (`OCAML_IS_BROKEN`,
`LEFT_TO_CHANCE`, `OURS_ON_PURPOSE`). The others are made the same by the interpreters
(`EVENED_OUT`). Nothing else may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Difference:
    """Something that differs, and why that is as it should be."""

    what: str
    reason: str


# What OCaml does not do sanely

ENDS_ITSELF: Final = Difference(
    what="an action that ends what it is waiting for",
    reason=(
        "an action of wrap_syscall or register_action that closes or aborts its own descriptor: "
        "OCaml resolves its promise a second time, and Invalid_argument leaves the main loop; if "
        "it asks to be tried again, it waits for ever. If it was cancelled, it is tried again"
    ),
)
CIRCLE: Final = Difference(
    what="a mode that is found by asking itself",
    reason=(
        "OCaml finds the mode of what dup2 made by asking its source when it is first used: if "
        "the two are copies of each other, CamlinternalLazy.Undefined leaves"
    ),
)
MODE_OF_CLOSED: Final = Difference(
    what="the mode of a closed descriptor",
    reason=(
        "OCaml sets the mode by the descriptor's number when it is first used, also after it was "
        "closed, when the number may be another file's; ours is not touched then"
    ),
)
STILL_BLOCKING: Final = Difference(
    what="dup2 of a file in blocking mode onto a descriptor that somebody waits for",
    reason=(
        "OCaml sets the mode when the descriptor is next used; a waiter that is asked before may "
        "stop the program. Ours sets it at once"
    ),
)
OUTLIVES: Final = Difference(
    what="an operation on a temporary channel that outlives it",
    reason=(
        "an assertion of OCaml's fails in it, or it waits for ever; if it is an automatic flush, whoever "
        "comes then may write the same bytes a second time, while ours waits for its end"
    ),
)
ABORTED_WITHIN: Final = Difference(
    what="a channel that is aborted through a temporary one",
    reason="OCaml's channel does not notice, and uses the closed descriptor",
)
IDLE_FOR_A_MOMENT: Final = Difference(
    what="a channel that is idle for a moment after an automatic flush",
    reason=(
        "OCaml makes the channel idle and wakes who waits for it a little later: who comes in "
        "between slips in, and an assertion fails in the one that was woken"
    ),
)
CLOSED_WITHIN: Final = Difference(
    what="a connection that is closed while its other channel waits",
    reason=(
        "closing it rejects who waits on the other channel, who may close that in turn, while the "
        "first closing is still at work: CamlinternalLazy.Undefined in OCaml"
    ),
)

EMPTIED: Final = Difference(
    what="going elsewhere in a byte array from which more was copied than there was",
    reason=(
        "a read that copies, and finds nothing more, has OCaml forget how long the array is: "
        "set_position then leaves a channel that has fewer bytes than none"
    ),
)

# What depends on chance in OCaml

AT_ONCE: Final = Difference(
    what="a transfer that is over when its channel is aborted",
    reason="OCaml picks one of the two at random; ours takes what was transferred",
)

PIPE_IN_BETWEEN: Final = Difference(
    what="a notification that comes in one turn with a descriptor that somebody waits for",
    reason=(
        "which is first depends on the number of the pipe for notifications, which is another one in the "
        "two processes"
    ),
)

STOPPED_IN_HANDLER: Final = Difference(
    what="a server that is shut down while it serves a client and another one waits",
    reason="OCaml decides at random whether to accept that one first; ours does not accept it",
)

# Where ours is otherwise on purpose

LATE_INTEREST: Final = Difference(
    what="an interest that OCaml takes back a pause later",
    reason=(
        "a wait that begins in the middle of a turn of the engine on a descriptor whose last "
        "wait ended since the turn before: OCaml still watches it, and serves it in this turn, "
        "ours in the next. The price of not turning the main loop once more after each wait"
    ),
)
REPLACED: Final = Difference(
    what="a descriptor that dup2 replaces while its waiters are served",
    reason=(
        "ours are asked again in the next turn, when the kernel has been told of the new file; "
        "OCaml goes on asking them, since the old one was ready"
    ),
)
REUSED: Final = Difference(
    what="a wait for a file whose number had another file in the same turn, which was ready",
    reason=(
        "OCaml's select goes by the number, and serves it at once; OCaml's libev does not, and none "
        "of ours does, since nobody has said that the new file is ready"
    ),
)

UNFLUSHED: Final = Difference(
    what="a client's function that ends and leaves something unflushed",
    reason="OCaml drops it; ours offers it to the system once before the socket is closed",
)

QUEUE_FULL: Final = Difference(
    what="a connection to a path whose queue is full",
    reason=(
        "OCaml tries again each time that the socket is writable, which it is all the time; ours by a "
        "timer. The clock of scripts stands still, so that ours does not try again"
    ),
)

# What the interpreters even out

RAISED_AT_ONCE: Final = Difference(
    what="an error that a system call meets at its first attempt, or a close function at once",
    reason=(
        "since 6.0 it is raised at the call (Lwt.reraise), in 5.6.1 it rejects the promise; the "
        "Python side makes a rejected promise of it"
    ),
)
TURNS: Final = Difference(
    what="how often the main loop resolves paused promises",
    reason="6.1 does it once a turn, 5.6.1 twice; the OCaml side has a loop of its own, as 6.1's",
)
CHECKED_BY_CALLER: Final = Difference(
    what="register_action on a descriptor that is not opened",
    reason="OCaml leaves the check to its caller, ours makes it; the OCaml side checks before",
)

CLOSED_BY_ITSELF: Final = Difference(
    what="a channel whose closing closes it again",
    reason=(
        "OCaml raises CamlinternalLazy.Undefined, which has no counterpart in Python: ours raises "
        "Failure; in the trace both have OCaml's name"
    ),
)

OCAML_IS_BROKEN: Final = (
    *(ENDS_ITSELF, CIRCLE, MODE_OF_CLOSED, STILL_BLOCKING, OUTLIVES, ABORTED_WITHIN),
    *(IDLE_FOR_A_MOMENT, CLOSED_WITHIN, EMPTIED),
)
LEFT_TO_CHANCE: Final = (AT_ONCE, PIPE_IN_BETWEEN, STOPPED_IN_HANDLER)
OURS_ON_PURPOSE: Final = (LATE_INTEREST, REPLACED, REUSED, UNFLUSHED, QUEUE_FULL)
EVENED_OUT: Final = (RAISED_AT_ONCE, TURNS, CHECKED_BY_CALLER, CLOSED_BY_ITSELF)
