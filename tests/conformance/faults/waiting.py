"""Faults put into mailboxes, mutexes, conditions, switches and pools on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

# What may be wrong with the queue that four of the five modules stand on.
_NEWEST_FIRST: Final = ("first = queue.next\n", "first = queue.previous\n")
_AT_ONCE: Final = (
    "promise = settle(self.value, FULFILLED, value)\n",
    """\
promise = settle(self.value, FULFILLED, value)
        depth, resolution.depth = resolution.depth, -1
        defer_callbacks(promise)
        resolution.depth = depth
        return
""",
)
_CANCELED_STAYS: Final = (
    "        remove(self)\n",
    "        pass\n",
    "return underlying(self.value)._state == PENDING",
    "return True",
    "promise = settle(self.value, FULFILLED, value)\n",
    """\
if underlying(self.value)._state != PENDING:
            return
        promise = settle(self.value, FULFILLED, value)
""",
)

_MVAR_FAULTS: Final = (
    fault(
        "Lwt_mvar",
        "who waits is served last come, first",
        *_NEWEST_FIRST,
    ),
    fault(
        "Lwt_mvar",
        "a promise that was cancelled stays in the queue",
        *_CANCELED_STAYS,
    ),
    fault(
        "Lwt_mvar",
        "who waits is woken at once, also inside of callbacks",
        *_AT_ONCE,
    ),
    fault(
        "Lwt_mvar",
        "the next value is in the mailbox only when its put has been resolved",
        """\
        mvar._contents = writer.offered
        writer.wake(None)
""",
        """\
        writer.wake(None)
        mvar._contents = writer.offered
""",
    ),
    fault(
        "Lwt_mvar",
        "take_available leaves those waiting who put",
        "    _let_next_put(mvar)\n    return Some(contents)\n",
        "    mvar._contents = _NOTHING\n    return Some(contents)\n",
    ),
    fault(
        "Lwt_mvar",
        "put does not look for who waits to take",
        "        reader = mvar._readers.take()\n",
        "        reader = None\n",
    ),
    fault(
        "Lwt_mvar",
        "a put that waits cannot be cancelled",
        "    return mvar._writers.put(writer)\n",
        "    from lwt import no_cancel\n    return no_cancel(mvar._writers.put(writer))\n",
    ),
)

_MUTEX_FAULTS: Final = (
    fault(
        "Lwt_mutex",
        "with_lock unlocks with the storage of whoever resolves the promise",
        """\
        current_storage.contents = self._storage
        unlock(self._mutex)
""",
        """\
        unlock(self._mutex)
""",
    ),
    fault(
        "Lwt_mutex",
        "the lock goes to who came last",
        *_NEWEST_FIRST,
    ),
    fault(
        "Lwt_mutex",
        "the lock is given to who was cancelled, and is lost",
        *_CANCELED_STAYS,
    ),
    fault(
        "Lwt_mutex",
        "the lock is handed over at once, also inside of callbacks",
        *_AT_ONCE,
    ),
    fault(
        "Lwt_mutex",
        "a mutex that is handed over is free for a moment",
        """\
            mutex._is_locked = False
        else:
            waiter.wake(None)
""",
        """\
            mutex._is_locked = False
        else:
            mutex._is_locked = False
            waiter.wake(None)
            mutex._is_locked = True
""",
    ),
    fault(
        "Lwt_mutex",
        "unlocking wakes who waits, also where the mutex is not locked",
        """\
    if mutex._is_locked:
        waiter = mutex._waiters.take()
        if waiter is None:
            mutex._is_locked = False
        else:
            waiter.wake(None)
""",
        """\
    mutex._is_locked = False
    waiter = mutex._waiters.take()
    if waiter is not None:
        waiter.wake(None)
""",
    ),
    fault(
        "Lwt_mutex",
        "with_lock unlocks only after the callbacks of its promise",
        """\
        unlock(self._mutex)
        return settle(self._outer, promise._state, promise._value)
""",
        "        return settle(self._outer, promise._state, promise._value)\n",
        "add_callback(promise, _Unlocking(mutex, outer))\n",
        "add_callback(promise, _Unlocking(mutex, outer)); "
        "from lwt import on_termination; on_termination(outer, lambda: unlock(mutex))\n",
    ),
    fault(
        "Lwt_mutex",
        "with_lock does not unlock after a failure",
        "        unlock(self._mutex)\n",
        """\
        from lwt import Fail, state
        if type(state(promise)) is not Fail:
            unlock(self._mutex)
""",
    ),
)

_CONDITION_FAULTS: Final = (
    fault(
        "Lwt_condition",
        "who came last is told first",
        *_NEWEST_FIRST,
    ),
    fault(
        "Lwt_condition",
        "who was cancelled is told, and the others are not",
        *_CANCELED_STAYS,
    ),
    fault(
        "Lwt_condition",
        "who waits is told at once, also inside of callbacks",
        *_AT_ONCE,
    ),
    fault(
        "Lwt_condition",
        "broadcast tells also those who begin to wait meanwhile",
        "    waiters = condition._waiters.take_all()\n",
        "    waiters = condition._waiters\n",
        "        condition._waiters.put_back(waiters)\n",
        "        pass\n",
    ),
    fault(
        "Lwt_condition",
        "a mutex is not locked again after a cancellation or broadcast_exn",
        "    return finalize(lambda: waiter, partial(lwt_mutex.lock, mutex))\n",
        """\
    import lwt
    return lwt.bind(waiter, lambda value: lwt.map(lambda _: value, lwt_mutex.lock(mutex)))
""",
    ),
    fault(
        "Lwt_condition",
        "wait does not wait until the mutex is locked again",
        "    return finalize(lambda: waiter, partial(lwt_mutex.lock, mutex))\n",
        """\
    import lwt
    lwt.on_termination(waiter, partial(lwt_mutex.lock, mutex))
    return waiter
""",
    ),
    fault(
        "Lwt_condition",
        "broadcast_exn rejects only the first",
        "    _tell_all(condition, lambda waiter: waiter.wake_exn(exception))\n",
        """\
    waiter = condition._waiters.take()
    if waiter is not None:
        waiter.wake_exn(exception)
""",
    ),
    fault(
        "Lwt_condition",
        "the mutex is unlocked before its user is in the queue",
        "    waiter = condition._waiters.add()\n    lwt_mutex.unlock(mutex)\n",
        "    lwt_mutex.unlock(mutex)\n    waiter = condition._waiters.add()\n",
    ),
)

_SWITCH_FAULTS: Final = (
    fault(
        "Lwt_switch",
        "hooks are called oldest first",
        "for hook in reversed(hooks)]",
        "for hook in hooks]",
    ),
    fault(
        "Lwt_switch",
        "a hook that raises keeps the others from being called",
        """apply(partial(_call, "lwt_switch.turn_off"), hook)""",
        """_call("lwt_switch.turn_off", hook)""",
    ),
    fault(
        "Lwt_switch",
        "a hook is called only when the one before has ended",
        """    return join([apply(partial(_call, "lwt_switch.turn_off"), hook) for hook in reversed(hooks)])\n""",
        """\
    from lwt import lwt_list

    return lwt_list.iter_s(partial(_call, "lwt_switch.turn_off"), reversed(hooks))
""",
    ),
    fault(
        "Lwt_switch",
        "a switch is on while its hooks are called",
        """\
    switch._hooks = None
    return join([apply(partial(_call, "lwt_switch.turn_off"), hook) for hook in reversed(hooks)])
""",
        """\
    switch._hooks = []
    result = join([apply(partial(_call, "lwt_switch.turn_off"), hook) for hook in reversed(hooks)])
    switch._hooks = None
    return result
""",
    ),
    fault(
        "Lwt_switch",
        "add_hook calls the hook if the switch is off",
        """\
        raise Off(
            "lwt_switch.add_hook: the switch is off; add_hook_or_exec would call the hook now"
        )
""",
        """\
        return None if add_hook_or_exec(switch, hook) else None
""",
    ),
    fault(
        "Lwt_switch",
        "add_hook_or_exec does not wait for the hook that it calls",
        """        return _call("lwt_switch.add_hook_or_exec", hook)\n""",
        """\
        _call("lwt_switch.add_hook_or_exec", hook)
""",
        "    given._hooks.append(hook)\n    return return_unit\n",
        """\
    else:
        given._hooks.append(hook)
    return return_unit
""",
    ),
    fault(
        "Lwt_switch",
        "with_switch does not wait for the hooks",
        """\
    return finalize(
        lambda: to_promise("lwt_switch.with_switch", f, f(switch)), partial(turn_off, switch)
    )
""",
        """\
    import lwt
    promise = lwt.apply(lambda _: to_promise("lwt_switch.with_switch", f, f(switch)), None)
    lwt.on_termination(promise, partial(turn_off, switch))
    return promise
""",
    ),
    fault(
        "Lwt_switch",
        "with_switch does not turn the switch off after a failure",
        """\
    return finalize(
        lambda: to_promise("lwt_switch.with_switch", f, f(switch)), partial(turn_off, switch)
    )
""",
        """\
    import lwt
    return lwt.bind(
        lwt.apply(lambda _: to_promise("lwt_switch.with_switch", f, f(switch)), None),
        lambda value: lwt.map(lambda _: value, turn_off(switch)),
    )
""",
    ),
)

_POOL_FAULTS: Final = (
    fault(
        "Lwt_pool",
        "a user's function is called with nothing in the storage",
        """\
    member = yield acquire(pool)
""",
        """\
    member = yield acquire(pool)
    from lwt._core.storage import current_storage
    current_storage.contents = {}
""",
    ),
    fault(
        "Lwt_pool",
        "a member goes to who came last",
        *_NEWEST_FIRST,
    ),
    fault(
        "Lwt_pool",
        "a member is lent at once, also inside of callbacks",
        *_AT_ONCE,
    ),
    fault(
        "Lwt_pool",
        "the member that became idle last is lent first",
        "self._idle: deque[T] = deque()",
        """self._idle = type("Stack", (deque,), {"popleft": deque.pop})()""",
    ),
    fault(
        "Lwt_pool",
        "a member that was waited for is not validated",
        "    return bind(promise, partial(_validated, pool))\n",
        "    return promise\n",
    ),
    fault(
        "Lwt_pool",
        "a member that was idle is not validated",
        "        return _validated(pool, pool._idle.popleft())\n",
        "        return return_(pool._idle.popleft())\n",
    ),
    fault(
        "Lwt_pool",
        "a place is lost when the making of a member fails",
        """\
        is_over = True
        free_place(pool)
""",
        """\
        is_over = True
""",
    ),
    fault(
        "Lwt_pool",
        "a member that is in use when the pool is cleared is used again",
        "    pool._was_cleared.contents = True\n",
        "",
    ),
    fault(
        "Lwt_pool",
        "a member whose use has failed is not checked",
        "    if is_cleared or not is_good:\n",
        "    if is_cleared:\n",
    ),
    fault(
        "Lwt_pool",
        "a member whose use has failed is no longer good where nothing checks it",
        "    tell(True)\n",
        "    tell(False)\n",
    ),
    fault(
        "Lwt_pool",
        "whether the pool was cleared is asked after the check",
        "    if is_cleared or not is_good:\n",
        "    if was_cleared.contents or not is_good:\n",
    ),
    fault(
        "Lwt_pool",
        "a member that was disposed of is idle again",
        """\
    if is_cleared or not is_good:
        return dispose_and_free(pool, member)
""",
        """\
    if is_cleared or not is_good:
        disposed = dispose_and_free(pool, member)
        from lwt import on_success
        on_success(disposed, lambda _: pool._idle.append(member))
        return disposed
""",
    ),
    fault(
        "Lwt_pool",
        "clear disposes of the member first that became idle first",
        "await dispose_and_free(pool, members.pop())",
        "await dispose_and_free(pool, members.popleft())",
    ),
)

WAITING_FAULTS: Final = (
    *_MVAR_FAULTS,
    *_MUTEX_FAULTS,
    *_CONDITION_FAULTS,
    *_SWITCH_FAULTS,
    *_POOL_FAULTS,
)
