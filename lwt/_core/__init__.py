"""What module `Lwt` is made of. The names that users see are in `lwt/__init__.py`.

The source reads in this order, one idea a file:

1. `values`: options, results, states; `ref`: references
2. `promise`: what a promise is made of; the functions that change its state
3. `storage`: values that follow a computation (a side topic)
4. `resolution`: the loop in which all callbacks run
5. `creation`: `return_`, `fail`, `wait`, `task`, the `wakeup` family
6. `driver`: it runs what waits, puts the storage back and goes on; on it, `coroutine`, which is
   `await` (`interpreted` wraps coroutines of others for it), and `loop`, which is there instead of OCaml's recursion
7. `sequential`: `bind`, the model, and `map`; `handling`: `catch` and functions like it; `watching`:
   `on_success` and so on
8. `cancellation`, on `removable`: `cancel` and what guards against it (a side topic)
9. `concurrent`: `join`, `both`, `all`, `choose`, `pick`; `background`: `async_`; `choices`: what
   Lwt leaves open, for the engine too
10. `pause`, `query`, `lifting`, `backtrace`, `namespaces`: the rest

Below them are `publish` (names as users see them), `identity` (what cannot be copied), `slips` (what
common slips mean), `ring` (linked rings, which `lwt_sequence` offers), `checks` (of arguments), and
`exceptions` (`Canceled`, the exception filter, and how an exception becomes a rejection). `waiters` is the queue of mailboxes, mutexes, conditions and
pools. `operators` hands `Promise` what its operators call. `compiling` and `refused` are for the compiled
build; in the pure one they do nothing.

A finaliser may run in the middle of all this. When the collector finds a body that nobody can wake, the
body's `finally` runs; so do `__del__` and callbacks of weak references. They may do anything: resolve,
cancel or wait for the promise that is being worked on. Python 3.11 runs them wherever an object is made
that the collector tracks: an instance, tuple, list, closure, iterator, generator, bound method, `*args`.
From 3.12 on, they run a little after that: where a function is entered, where a loop begins again, and
where a call of a C function ends. Counts of references run them, too, where a user's value is dropped.
So *what others see is read and written without making an object, and without a call, in between*:

- First make what is needed. Then look at the state (again), and write. (`queue.append(Node(x))` looks up
  the queue before it makes the node.)
- Between the look and the last write there are only loads and stores of attributes, comparisons and
  branches. One call of a C method (`append`, `popleft`) may be the last step. What may be dropped by a
  store is dropped by the last one, or kept in a variable until then.
- A loop that looks and writes begins with `while True`, and looks inside: Python may run finalisers
  between a condition and what it guards, when a loop begins again.
- What is not finished is not given out: a node is linked last.
- Whoever waits uses `add_callback`, which does all this: what it attaches runs even if a finaliser has
  resolved the promise since the caller looked.

`tests/support/collecting.py` makes the collector run at each place of an operation.

The state of the process is all that exists once and changes. `renewal` sets it back:

- `promise`: `deferred`, resolved promises whose callbacks are still to run
- `promise`: `_is_in_repr`, whether a promise is being shown, so that those inside it are not
- `exceptions`: `_filter`, the exception filter
- `storage`: `current_storage`, the storage
- `choices`: `prng`, the generator that choices are drawn from
- `choices`: `source`, what decides in Lwt's place, and `names`, what descriptors are called in its words
- `resolution`: `resolution`, which callbacks run, one inside another, and which wait
- `resolution`: `async_exception_hook`, what takes the exceptions that nobody waits for
- `pause`: `paused`, the promises that are paused, and who is notified of them
"""
