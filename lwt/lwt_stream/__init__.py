"""Streams: elements that arrive over time, to be read one by one, mapped, filtered, joined.

    from lwt import Some, lwt_stream

    stream, push = lwt_stream.create()
    doubled = lwt_stream.map(lambda n: 2 * n, stream)
    first = lwt_stream.next(doubled)              # pending
    push(Some(21))                                # now it is fulfilled: 42
    push(None)                                    # the end

A stream is a place in a queue. Its source adds to the end of the queue. The source is a
function that is called when an element is needed (`from_`, `from_direct`), or somebody who
pushes (`create`, `create_bounded`). Clones are places in the same queue.

Functions whose name ends in `_s` take a function that returns promises. They wait for each
promise before they call the function again; `iter_p` does not wait, and `iter_n` waits when too
many promises are pending.

What a source fails with at once leaves through the reader, as an exception of its call. What it
fails with later rejects the promise of the reader. For the reader of a stream that is made of
another one, by `map` for example, the function that it was made with is part of the source.

A stream keeps the elements that are still to be read, and nothing of those that were read. A
clone does so, too: if nobody reads it, it keeps everything that comes; if it is dropped, it keeps
nothing. A push function does not keep its stream alive. `parse` keeps what is read until it is
done, so that it can be put back.

The source reads in this order: `_source` (the queue), `_push` and `_asked` (where elements come
from), `_stream` (the type, `get`), `lwt/_core/loop.py` (how readers wait without recursion),
`_create`, `_read`, `_traverse`, `_transform`, `_join`.

OCaml: Lwt_stream (src/core/lwt_stream.mli, lwt_stream.ml)
"""

from lwt._core.publish import publish as _publish
from lwt.lwt_stream._create import (
    Full,
    bounded_push,
    create,
    create_bounded,
    create_with_reference,
    from_,
    from_direct,
    of_array,
    of_list,
    of_lwt_seq,
    of_seq,
    of_string,
    return_,
    return_lwt,
)
from lwt.lwt_stream._join import append, choose, combine, concat
from lwt.lwt_stream._push import Closed
from lwt.lwt_stream._read import (
    Empty,
    get_available,
    get_available_up_to,
    get_while,
    get_while_s,
    is_empty,
    junk,
    junk_available,
    junk_old,
    junk_while,
    junk_while_s,
    last_new,
    next,
    nget,
    njunk,
    npeek,
    peek,
    to_list,
    to_string,
)
from lwt.lwt_stream._stream import Stream, clone, closed, get, is_closed
from lwt.lwt_stream._transform import (
    filter,
    filter_map,
    filter_map_s,
    filter_s,
    flatten,
    hexdump,
    map,
    map_list,
    map_list_s,
    map_s,
    wrap_exn,
)
from lwt.lwt_stream._traverse import (
    find,
    find_map,
    find_map_s,
    find_s,
    fold,
    fold_s,
    iter,
    iter_n,
    iter_p,
    iter_s,
    parse,
)

t = Stream

__all__ = [
    # The type
    "Stream",
    "t",
    # Construction
    "from_",
    "from_direct",
    "Closed",
    "create",
    "create_with_reference",
    "Full",
    "bounded_push",
    "create_bounded",
    "return_",
    "return_lwt",
    "of_seq",
    "of_lwt_seq",
    "of_list",
    "of_array",
    "of_string",
    "clone",
    # Destruction
    "to_list",
    "to_string",
    # Reading
    "Empty",
    "peek",
    "npeek",
    "get",
    "nget",
    "get_while",
    "get_while_s",
    "next",
    "last_new",
    "junk",
    "njunk",
    "junk_while",
    "junk_while_s",
    "junk_available",
    "get_available",
    "get_available_up_to",
    "is_empty",
    "is_closed",
    "closed",
    "junk_old",
    # Streams of streams
    "choose",
    "map",
    "map_s",
    "filter",
    "filter_s",
    "filter_map",
    "filter_map_s",
    "map_list",
    "map_list_s",
    "fold",
    "fold_s",
    "iter",
    "iter_p",
    "iter_s",
    "iter_n",
    "find",
    "find_s",
    "find_map",
    "find_map_s",
    "combine",
    "append",
    "concat",
    "flatten",
    "wrap_exn",
    "parse",
    "hexdump",
]

_publish(__name__)
