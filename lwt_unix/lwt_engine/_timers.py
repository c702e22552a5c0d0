"""The timers of our engines: a heap that forgets what was cancelled.

A timer is in one of three places:

- *fresh*: registered since the last turn began. A turn does not look at timers that
  were registered during it: if a timer of 0 seconds starts another one, the turn ends
  all the same. A fresh timer that is stopped leaves no trace.
- *queued*: on the heap, ordered by the time when it is due.
- *idle*: it fired once, or it is stopped.

A queued timer that is stopped stays on the heap until it gets to the top, or until
more than half of the heap are such timers; then the heap is rebuilt. So cancelling
needs no search, and the heap has at most about twice as many timers as it needs.

OCaml: src/unix/lwt_engine.ml, Sleep_queue
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

from lwt._core import choices
from lwt_unix.lwt_engine._events import Event_callback, Timer_event

LONGEST_WAIT: Final = 24 * 3600.0
"""The longest time to wait in a system call, in seconds: not every one takes longer times.

A turn that has waited so long ends without an event, and the next one waits again.
"""

FEWEST_TO_REBUILD: Final = 64
"""A heap with fewer stopped timers than this is not worth rebuilding."""


class Timer(Timer_event):
    """A timer of one of our engines."""

    __slots__ = ("time", "is_queued", "queue")

    def __init__(
        self,
        delay: float,
        repeat: bool,
        callback: Event_callback,
        registry: dict[Timer_event, None],
        queue: Timer_queue,
    ) -> None:
        self.is_active = True
        self.moved_to = None
        self.delay = delay
        self.repeat = repeat
        self.callback = callback
        self.registry = registry
        self.time = queue.clock() + delay
        self.is_queued = False
        self.queue = queue
        registry[self] = None
        queue.fresh[self] = None

    def stop(self) -> None:
        """Stop the timer, wherever `transfer` took it; in one step, since most timers are stopped."""
        if self.is_active:
            self.is_active = False
            del self.registry[self]
            if self.is_queued:
                self.queue.note_stopped()
            else:
                self.queue.fresh.pop(self, None)
        elif self.moved_to is not None:
            self.moved_to.stop()


class Timer_queue:
    """The timers of one engine, and its clock."""

    __slots__ = ("clock", "fresh", "heap", "last_number", "stopped_count")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock: Final = clock
        self.fresh: Final[dict[Timer, None]] = {}
        # Entries are compared by time, then by rank: a timer itself is never compared. Those for the
        # same time are in the order in which they came, unless it is chosen otherwise.
        self.heap: Final[list[tuple[float, int, Timer]]] = []
        self.last_number = 0
        self.stopped_count = 0  # how many timers on the heap are stopped

    def admit(self) -> None:
        """Put the fresh timers on the heap: a turn begins."""
        fresh, heap = self.fresh, self.heap
        for timer in list(fresh):  # A finaliser may start and stop timers meanwhile.
            self.last_number += 1
            entry = (timer.time, self.last_number, timer)
            # It is on the heap already if a KeyboardInterrupt ended this loop earlier.
            if timer.is_active and not timer.is_queued:
                timer.is_queued = True
                heappush(heap, entry)
            fresh.pop(timer, None)

    def timeout(self) -> float:
        """Return how many seconds to wait for the next timer, or -1 if there is none."""
        heap = self.heap
        while heap:
            time, _, timer = heap[0]
            if timer.is_active:
                wait = time - self.clock()
                if wait <= 0.0:
                    return 0.0
                return min(wait, LONGEST_WAIT)
            self.drop_first()
        return -1.0

    def drop_first(self) -> None:
        """Take a stopped timer from the top of the heap."""
        _, _, timer = heappop(self.heap)
        timer.is_queued = False
        self.stopped_count -= 1

    def run_due(self) -> None:
        """Call the timers that are due, in order of time.

        A repeated one is started again before it is called. If a callback raises, the
        exception leaves, and those after it are called in the next turn.
        """
        heap = self.heap
        now = self.clock()
        is_open = choices.source is not None  # No source comes or goes during a turn.
        while heap:
            time, _, timer = heap[0]
            if not timer.is_active:
                self.drop_first()
                continue
            if time > now:
                return
            if is_open:
                timer = self.choose_first(time)
            if timer.repeat:
                timer.time = self.clock() + timer.delay
                self.fresh[timer] = None
            heappop(heap)
            timer.is_queued = False
            timer.callback(timer)

    def choose_first(self, time: float) -> Timer:
        """Choose which of the timers for the earliest time is first, and put it at the top."""
        heap = self.heap
        due = sorted(entry for entry in heap if entry[0] == time and entry[2].is_active)

        def tell(option: int) -> str:
            return f"of {len(due)} timers for the same time, number {option + 1} fires first"

        chosen = due[choices.choose(choices.DUE, len(due), tell)]
        if chosen is not due[0]:
            heap.remove(chosen)
            heapify(heap)
            heappush(heap, (time, due[0][1] - 1, chosen[2]))
        return chosen[2]

    def note_stopped(self) -> None:
        """Count one more timer on the heap that is stopped."""
        self.stopped_count += 1
        if self.stopped_count > FEWEST_TO_REBUILD and 2 * self.stopped_count > len(self.heap):
            self.rebuild()

    def rebuild(self) -> None:
        """Take the stopped timers from the heap."""
        entries: list[tuple[float, int, Timer]] = []
        for entry in self.heap:
            timer = entry[2]
            if timer.is_active:
                entries.append(entry)
            else:
                timer.is_queued = False
        # The list stays the same object: a loop of `run_due` may be using it.
        self.heap[:] = entries
        heapify(self.heap)
        self.stopped_count = 0

    def check_invariants(self) -> None:
        """Assert what is always true between two calls. For tests."""
        queued = [entry[2] for entry in self.heap]
        assert all(timer.is_queued for timer in queued)
        assert sum(not timer.is_active for timer in queued) == self.stopped_count
        assert all(timer.is_active and not timer.is_queued for timer in self.fresh)
        stopped = self.stopped_count
        assert stopped <= FEWEST_TO_REBUILD or 2 * stopped <= len(self.heap)
