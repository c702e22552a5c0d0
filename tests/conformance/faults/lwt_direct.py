"""Faults put into tasks on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

DIRECT_FAULTS: Final = (
    fault(
        "Lwt_direct",
        "a task goes on inside of who resolves what it waits for",
        '        """Come into the queue: what the task waited for is resolved."""\n'
        "        _tasks.append(self)\n",
        "        self.go_on()\n",
    ),
    fault(
        "Lwt_direct",
        "a task that yields goes before those that are ready",
        "                else:\n                    _tasks.append(self)\n",
        "                else:\n                    _tasks.appendleft(self)\n",
    ),
    fault(
        "Lwt_direct",
        "a turn runs only the tasks that were ready at its beginning",
        "most = min(_MOST_STEPS, 2 * len(_tasks))",
        "most = min(_MOST_STEPS, len(_tasks))",
    ),
    fault(
        "Lwt_direct",
        "the main loop is not kept from waiting while tasks are ready",
        "    if _tasks and not paused.promises:\n        pause()",
        "    if False:\n        pause()",
    ),
    fault(
        "Lwt_direct",
        "a pause is made also where somebody has made one",
        "    if _tasks and not paused.promises:\n",
        "    if _tasks:\n",
    ),
    fault(
        "Lwt_direct",
        "a task begins with the storage of who spawned it",
        "self._storage = empty_storage\n",
        "self._storage = current_storage.contents\n",
    ),
    fault(
        "Lwt_direct",
        "a task goes on with the storage that it had at its beginning",
        "                self._storage = current_storage.contents\n                if type(awaited) is Promise:\n",
        "                if type(awaited) is Promise:\n",
    ),
    fault(
        "Lwt_direct",
        "the storage is put back when a task waits or ends",
        "            _tasks.popleft().go_on()\n",
        "            saved = current_storage.contents\n"
        "            try:\n"
        "                _tasks.popleft().go_on()\n"
        "            finally:\n"
        "                current_storage.contents = saved\n",
    ),
    fault(
        "Lwt_direct",
        "waiting for what is resolved takes a turn of the task",
        "    if lwt.is_sleeping(promise):\n        await _Effect(is_yield=False)\n",
        "    await _Effect(is_yield=lwt.is_sleeping(promise) is False)\n",
    ),
    fault(
        "Lwt_direct",
        "cancelling the promise of spawn rejects it",
        "    promise: Promise[Any] = new_promise(PENDING, None)\n    _tasks.append(_Task(f, promise))\n",
        "    from lwt._core.promise import CANCEL_THIS\n"
        "    promise: Promise[Any] = new_promise(PENDING, CANCEL_THIS)\n"
        "    _tasks.append(_Task(f, promise))\n",
    ),
    fault(
        "Lwt_direct",
        "spawn runs the task up to its first wait",
        "    _tasks.append(_Task(f, promise))\n    return promise\n",
        "    _Task(f, promise).go_on()\n    return promise\n",
    ),
    fault(
        "Lwt_direct",
        "an exception in the background is dropped",
        "                if rejection is not None:\n                    report(rejection)\n",
        "                if rejection is not None:\n                    pass\n",
    ),
)
