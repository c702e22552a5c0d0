"""Faults put into lists, lazy sequences, results and priority queues on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

_LIST_FAULTS: Final = (
    fault(
        "Lwt_list",
        "iter_p is rejected by the first of the list that is rejected already",
        "join(reversed(call_on_each(name, callback, elements, function)))",
        "join(call_on_each(name, callback, elements, function))",
    ),
    fault(
        "Lwt_list",
        "functions are not called any more after one that raises",
        """\
                inner = new_promise(REJECTED, rejection_of(exception))
            promises.append(inner)
""",
        """\
                promises.append(new_promise(REJECTED, rejection_of(exception)))
                break
            promises.append(inner)
""",
    ),
    fault(
        "Lwt_list",
        "map_p waits for the promises from the first to the last",
        "call_on_each(name, callback, elements, function), values.append, lambda: values[::-1]",
        "call_on_each(name, callback, elements, function)[::-1], values.append, lambda: values",
    ),
    fault(
        "Lwt_list",
        "rev_map_p waits only when all functions were called, as map_p does",
        """_rev_map_p(f, snapshot("lwt_list.rev_map_p", elements))""",
        """map(lambda l: l[::-1], map_p_("rev_map_p", f, snapshot("rev_map_p", elements)))""",
    ),
    fault(
        "Lwt_list",
        "a traversal that goes on sees the storage of whoever resolves the promise",
        "            return Suspended.run(self, resolved)",
        "            self._storage = current_storage.contents\n"
        "            return Suspended.run(self, resolved)",
    ),
    fault(
        "Lwt_list",
        "rev_map_p appends a value when it has arrived, also if those before it have not",
        "            if before._state == PENDING:\n                self._appended",
        "            if False:\n                self._appended",
    ),
    fault(
        "Lwt_list",
        "cancelling rev_map_p does not reach what it waits for after the first promise",
        "self._appended._value = before",
        "pass",
    ),
    fault(
        "Lwt_list",
        "cancelling reaches the first promise that a traversal waited for, also later on",
        "            promise._value = awaited  # How it is cancelled.",
        "            if not self.is_loop:\n                promise._value = awaited",
    ),
    fault(
        "Lwt_list",
        "for_all_s and exists_s test all elements",
        """\
        found = bool(holds) is stop_at
        return found
""",
        """\
        found = found or bool(holds) is stop_at
        return False
""",
    ),
    fault(
        "Lwt_list",
        "partition_p starts a test when the one before is over",
        """    elements = snapshot("lwt_list.partition_p", elements)\n""",
        """    return partition_s(f, elements)\n""",
    ),
    fault(
        "Lwt_list",
        "find_s goes on testing, and gives the last element of which the test holds",
        """\
            found.append(element)
        return bool(found)
""",
        """\
            found[:] = [element]
        return False
""",
    ),
    fault(
        "Lwt_list",
        "fold_right_s gives its function the accumulator first",
        "lambda accumulator, x: f(x, accumulator)",
        "lambda accumulator, x: f(accumulator, x)",
    ),
)

_SEQ_FAULTS: Final = (
    fault(
        "Lwt_seq",
        "cons evaluates the sequence that it is put before",
        """    following = _seq("lwt_seq.cons", seq)\n""",
        """\
    node = evaluate_first("lwt_seq.cons", seq)
    following = lambda: node
""",
    ),
    fault(
        "Lwt_seq",
        "append evaluates the second sequence when the first is",
        """\
    return lambda: bind(evaluate_1("lwt_seq.append", seq1), follow)
""",
        """\
    def both() -> Promise[Node[A]]:
        nonlocal seq2
        node, second = evaluate_1("lwt_seq.append", seq1), evaluate_first("", seq2)
        seq2 = lambda: second
        return bind(node, follow)

    return both
""",
    ),
    fault(
        "Lwt_seq",
        "map remembers its nodes",
        """return lambda: map_of(apply, evaluate_1("lwt_seq.map", seq))""",
        """\
return __import__("functools").cache(
            lambda: map_of(apply, evaluate_1("lwt_seq.map", seq))
        )""",
    ),
    fault(
        "Lwt_seq",
        "filter_map_s evaluates the next node before its function's promise is fulfilled",
        """\
                option: Some[B] | None = yield choose(cons.element)
""",
        """\
                chosen_1 = choose(cons.element)
                following = evaluate(name, cons.next)
                cons = Cons(cons.element, lambda: following)
                option: Some[B] | None = yield chosen_1
""",
    ),
    fault(
        "Lwt_seq",
        "what the first node raises leaves",
        "    return attempt(name, seq)\n",
        "    return to_promise(name, seq, call(seq))\n",
    ),
    fault(
        "Lwt_seq",
        "iter_n makes one call more than it may",
        "            if available == 0:\n",
        "            if available < 0:\n",
    ),
    fault(
        "Lwt_seq",
        "iter_n has room for one call only when several promises were fulfilled",
        "                available = len(complete)\n",
        "                available = 1\n",
    ),
    fault(
        "Lwt_seq",
        "iter_n evaluates the next node before it has room for a call",
        """\
            if available == 0:
                complete, running = yield nchoose_split(running)
                available = len(complete)
            node: Node[A] = yield evaluate_next("lwt_seq.iter_n", following)
""",
        """\
            node: Node[A] = yield evaluate_next("lwt_seq.iter_n", following)
            if available == 0:
                complete, running = yield nchoose_split(running)
                available = len(complete)
""",
    ),
    fault(
        "Lwt_seq",
        "iter_n goes on after a rejection",
        "                complete, running = yield nchoose_split(running)\n",
        """\
                from lwt import catch, return_

                handled = [catch(lambda p=p: p, return_) for p in running]
                complete, running = yield nchoose_split(handled)
""",
    ),
    fault(
        "Lwt_seq",
        "iter_p ends with the first rejection",
        "        yield join(reversed(running))\n",
        """\
        for promise in reversed(running):
            yield promise
""",
    ),
    fault(
        "Lwt_seq",
        "iter_p is rejected by the first promise that is rejected already",
        "        yield join(reversed(running))\n",
        "        yield join(running)\n",
    ),
    fault(
        "Lwt_seq",
        "iter_n is rejected by the first promise that is rejected already",
        "running.insert(0, ",
        "running.append(",
    ),
    fault(
        "Lwt_seq",
        "fold_left_s evaluates the next node before its function's promise is fulfilled",
        """\
            accumulator = yield to_promise("lwt_seq.fold_left_s", f, combined)
            node = yield evaluate("lwt_seq.fold_left_s", cons.next)
""",
        """\
            following = evaluate("lwt_seq.fold_left_s", cons.next)
            accumulator = yield to_promise("lwt_seq.fold_left_s", f, combined)
            node = yield following
""",
    ),
)

_RESULT_FAULTS: Final = (
    fault(
        "Lwt_result",
        "both gives the first Error where there are two already",
        """\
    second_noted = map_error(errors.append, second)
    first_noted = map_error(errors.append, first)
""",
        """\
    first_noted = map_error(errors.append, first)
    second_noted = map_error(errors.append, second)
""",
    ),
    fault(
        "Lwt_result",
        "both gives the Error of the first promise, also when that of the second came before",
        "first_noted = map_error(errors.append, first)",
        "first_noted = map_error(lambda error: errors.insert(0, error), first)",
    ),
    fault(
        "Lwt_result",
        "bind_lwt makes an Error of a rejection",
        """_bind("lwt_result.bind_lwt", promise, Ok, f, ok)""",
        """_bind("lwt_result.bind_lwt", promise, Ok, f, lambda inner: catch(lambda: inner))""",
    ),
    fault(
        "Lwt_result",
        "what the function of map raises becomes an Error",
        "            return Ok(f(result.value))\n",
        """\
            try:
                return Ok(f(result.value))
            except Exception as exception:
                return Error(exception)
""",
    ),
    fault(
        "Lwt_result",
        "what the function of bind_result raises leaves",
        """\
        return next_result

    return map_of(apply, promise)
""",
        """\
        return next_result

    return bind_of(promise, lambda result: return_of(apply(result)))
""",
    ),
    fault(
        "Lwt_result",
        "get_exn raises the exception of an Error",
        "            return rejected(result.error)\n",
        "            raise result.error\n",
    ),
    fault(
        "Lwt_result",
        "catch makes no Error of a cancellation",
        """    return catch_of(lambda: ok(to_promise("lwt_result.catch", f, f())), fail)\n""",
        """\
    from lwt import Canceled

    return catch_of(
        lambda: ok(to_promise("lwt_result.catch", f, f())),
        lambda exn: rejected(exn) if isinstance(exn, Canceled) else fail(exn),
    )
""",
    ),
    fault(
        "Lwt_result",
        "iter and iter_error do not wait for the promise of their function",
        "        return to_promise(function, f, f(content)) if type(result) is kind else return_unit\n",
        """\
        if type(result) is kind:
            to_promise(function, f, f(content))
        return return_unit
""",
    ),
)

_PQUEUE_FAULTS: Final = (
    fault(
        "Lwt_pqueue",
        "of two equal elements the second comes to the top",
        "if self._compare(first.root, second.root) <= 0:",
        "if self._compare(first.root, second.root) < 0:",
    ),
    fault(
        "Lwt_pqueue",
        "of the trees with the least root the first counts",
        "if self._compare(tree.root, least.root) < 0:",
        "if self._compare(tree.root, least.root) <= 0:",
    ),
    fault(
        "Lwt_pqueue",
        "remove_min changes its queue",
        "        return Queue(self._union(children, others))\n",
        """\
        queue._trees = self._union(children, others)
        return queue
""",
    ),
    fault(
        "Lwt_pqueue",
        "union changes the first queue",
        """\
        return Queue(self._union(trees, _trees_of("lwt_pqueue.union", second)))
""",
        """\
        first._trees = self._union(trees, _trees_of("lwt_pqueue.union", second))
        return first
""",
    ),
    fault(
        "Lwt_pqueue",
        "union compares the roots of the second queue with those of the first",
        "self._insert(self._link(*item), trees)",
        "self._insert(self._link(*reversed(item)), trees)",
    ),
    fault(
        "Lwt_pqueue",
        "remove_min leaves the children of the least root in falling order",
        """\
        children: _Trees[T] | None = None
        for tree in _each(least.children):
            children = _Trees(tree, children)
""",
        """\
        children = least.children
""",
    ),
)

COLLECTIONS_FAULTS: Final = (*_LIST_FAULTS, *_SEQ_FAULTS, *_RESULT_FAULTS, *_PQUEUE_FAULTS)
