"""What module `Lwt` is made of. The names that users see are in `lwt/__init__.py`.

The source reads in this order, one idea a file:

1. `values`: options, results, states
2. `promise`: what a promise is made of; the functions that change its state
3. `storage`: values that follow a computation (a side topic)
4. `resolution`: the loop in which all callbacks run
5. `creation`: `return_`, `fail`, `wait`, `task`, the `wakeup` family
6. `driver`: it runs what waits, puts the storage back and goes on; on it, `coroutine`, which is
   `await`, and `loop`, which is there instead of OCaml's recursion
7. `sequential`: `bind`, the model, and functions like it; `watching`: `on_success` and so on
8. `cancellation`, on `removable`: `cancel` and what guards against it (a side topic)
9. `concurrent`: `join`, `both`, `all`, `choose`, `pick`; `background`: `async_`; `choices`: what
   Lwt leaves open, for the engine too
10. `pause`, `query`, `lifting`, `backtrace`, `namespaces`: the rest

Below them are `publish` (names as users see them), `identity` (what cannot be copied), `ring` (linked rings, which `lwt_sequence`
offers), `checks` (of arguments), and `exceptions` (`Canceled`, the exception filter, and how an
exception becomes a rejection). `waiters` is the queue of mailboxes, mutexes, conditions and
pools. `operators` hands `Promise` what its operators call.

The state of the process is all that exists once and changes. `renewal` sets it back:

- `promise`: `_is_in_repr`, whether a promise is being shown, so that those inside it are not
- `exceptions`: `_filter`, the exception filter
- `storage`: `current_storage`, the storage
- `choices`: `prng`, the generator that choices are drawn from
- `resolution`: `resolution`, which callbacks run, one inside another, and which wait
- `resolution`: `async_exception_hook`, what takes the exceptions that nobody waits for
- `driver`: `_returned`, what the body that has just ended has returned
- `driver`: `_drivers`, generators that are kept to run the next bodies
- `pause`: `_paused`, the promises that are paused, and who is notified of them
"""
