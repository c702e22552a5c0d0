"""Functions on lists that call functions that return promises.

- Those that end in `_s` are sequential: the function is called on an element when the
  promise of the one before is fulfilled. The first rejection ends all.
- Those that end in `_p` are concurrent: the function is called on all elements first, in
  order; then the promises are waited for.

If the function raises, this counts as a rejected promise. Cancelling the result cancels
what it waits for. With `_s` this is the promise of the current element. With `iter_p`
and `iteri_p` it is all promises. The other `_p` functions wait for one promise after the
other, beginning with the last, as in OCaml. So a rejection of the last one shows at once,
and a rejection of another one when those after it are fulfilled.

All take any iterable. If it is a container that may change, it is copied at the call. The
`_s` functions read an iterator, such as a generator, as they go. So what comes from it
need not fit into memory.

All take time proportional to the number of elements, and no stack. `iter_s`, `iteri_s`,
`fold_left_s`, `for_all_s`, `exists_s` and `find_s` do not keep elements that they are
done with.

    import lwt
    from lwt import lwt_list

    lengths = lwt_list.map_p(fetch, addresses)    # all at once
    lwt_list.iter_s(show, addresses)              # one after the other

The source: `_traversal` has the loops; on them, `_iterating` iterates, maps and folds, and
`_searching` tests elements.

OCaml: Lwt_list (src/core/lwt_list.ml)
"""

from lwt._core.publish import publish as _publish
from lwt.lwt_list._iterating import (
    fold_left_s,
    fold_right_s,
    iter_p,
    iter_s,
    iteri_p,
    iteri_s,
    map_p,
    map_s,
    mapi_p,
    mapi_s,
    rev_map_p,
    rev_map_s,
)
from lwt.lwt_list._searching import (
    exists_p,
    exists_s,
    filter_map_p,
    filter_map_s,
    filter_p,
    filter_s,
    find_s,
    for_all_p,
    for_all_s,
    partition_p,
    partition_s,
)

__all__ = [
    # Iterating
    "iter_s",
    "iter_p",
    "iteri_s",
    "iteri_p",
    # Mapping
    "map_s",
    "map_p",
    "mapi_s",
    "mapi_p",
    "rev_map_s",
    "rev_map_p",
    # Folding
    "fold_left_s",
    "fold_right_s",
    # Scanning
    "for_all_s",
    "for_all_p",
    "exists_s",
    "exists_p",
    # Searching
    "find_s",
    "filter_s",
    "filter_p",
    "filter_map_s",
    "filter_map_p",
    "partition_s",
    "partition_p",
]

_publish(__name__)
