"""Faults put into timeouts, limits of a rate and workers on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

TIMED_FAULTS: Final = (
    fault(
        "Lwt_timeout",
        "of timeouts that are due together, the one that was started first comes first",
        "while isinstance(first := bucket.next, Node):",
        "while isinstance(first := bucket.previous, Node):",
    ),
    fault(
        "Lwt_timeout",
        "a timeout expires a second late",
        "self.seconds + timeout._delay, Sequence()",
        "self.seconds + timeout._delay + 1, Sequence()",
    ),
    fault(
        "Lwt_timeout",
        "changing the delay of a timeout that is started has no effect until it is started again",
        "    timeout._delay = delay\n    if timeout._clock is not None:\n        start(timeout)\n",
        "    timeout._delay = delay\n",
    ),
    fault(
        "Lwt_timeout",
        "starting a timeout again leaves it when it was due",
        "    _clock.add(timeout)\n    if",
        "    _clock.add(timeout) if timeout._clock is None else None\n    if",
    ),
    fault(
        "Lwt_timeout",
        "an exception of an action keeps the others of the same second from being called",
        "            self.handler(exception)\n",
        "            self.handler(exception)\n            self.buckets[self.seconds] = Sequence()\n",
        "            while isinstance(first := bucket.next, Node):",
        "            while isinstance(first := self.buckets[self.seconds].next, Node):",
    ),
    fault(
        "Lwt_throttle",
        "those of a key who are let through together are woken oldest first",
        "woken.insert(last, queue.popleft())",
        "woken.append(queue.popleft())",
    ),
    fault(
        "Lwt_throttle",
        "each key has a number of its own of those who may wait",
        "if limiter._waiting >= limiter._max:",
        "if len(channel.queue) >= limiter._max:",
    ),
    fault(
        "Lwt_throttle",
        "who was let through after waiting does not count in the new second",
        "        if channel.consumed == 0:\n            del",
        "        if channel.consumed:\n            channel.consumed = 0\n        else:\n            del",
    ),
    fault(
        "Lwt_throttle",
        "a second is over only when somebody comes",
        "    if limiter._waiting or woken:\n",
        "    if limiter._waiting:\n",
    ),
    fault(
        "Lwt_preemptive",
        "the result is told before who waits has the worker",
        """\
        try:
            self._workers.give_back()  # First: who waits begins before anybody hears of this.
        finally:
            try:
                self._resolve()
            finally:
                current_storage.contents = storage
""",
        """\
        self._resolve()
        self._workers.give_back()
        current_storage.contents = storage
""",
    ),
    fault(
        "Lwt_preemptive",
        "workers that are too many stay",
        "if self.count > self.bounds[1]:",
        "if False:",
    ),
    fault(
        "Lwt_preemptive",
        "what waits cannot be cancelled",
        "lwt.bind(workers.waiting.put(waiter), computation.begin)",
        "lwt.bind(lwt.no_cancel(workers.waiting.put(waiter)), computation.begin)",
    ),
    fault(
        "Lwt_preemptive",
        "the callbacks of a result have the storage of the main loop",
        "storage, current_storage.contents = current_storage.contents, self._storage",
        "storage = current_storage.contents",
    ),
    fault(
        "Lwt_preemptive",
        "a thread hears the value of a promise where it should hear the exception",
        "        self.answer.put((False, exception))\n",
        "        self.answer.put((True, exception.args[0] if exception.args else 0))\n",
    ),
)
