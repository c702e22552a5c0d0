"""What module `Lwt` is made of. The names that users see are in `lwt/__init__.py`.

The source reads in this order, one idea a file:

1. `values`, `exceptions`: options, results, states; `Canceled`, the exception filter
2. `promise`: what a promise is made of; the functions that change its state
3. `storage`: values that follow a computation (a side topic)
4. `resolution`: the loop in which all callbacks run
5. `creation`: `return_`, `fail`, `wait`, `task`, the `wakeup` family
6. `coroutine`: `await`; `loop`: the same for generators, which stands for OCaml's recursion
7. `sequential`: `bind`, the model, and its siblings; `watching`: `on_success` and so on
8. `cancellation`, on `removable`: `cancel` and what guards against it (a side topic)
9. `concurrent`: `join`, `both`, `all`, `choose`, `pick`; `background`: `async_`; `choices`: what
   Lwt leaves open, for the engine too
10. `pause`, `query`, `lifting`, `backtrace`, `namespaces`: the rest

Below them lie `publish` (names as users see them), `ring` (linked rings, which `lwt_sequence`
offers), and `checks` (of arguments). `waiters` is what mailboxes, mutexes, conditions and pools
stand on. `operators` hands `Promise` what its operators call.
"""
