"""Lazy sequences: what comes next is computed when it is asked for, and may take its time.

A sequence is a function without arguments. Calling it evaluates the first node: a promise
of `Nil`, or of `Cons(element, next)`, where `next` is the sequence of the others. Nothing
is remembered: what is called twice is computed twice. Only an iterator, made into a
sequence by `of_seq` or `of_seq_lwt`, is read once, and what came from it is kept for as
long as it can be asked for.

Functions that return a sequence (`map`, `filter`, `append`, …) evaluate nothing. A call of
their result evaluates nodes of their arguments until it has found one. Functions that return
a promise (`fold_left`, `iter`, `to_list`, …) begin at once, and go through all nodes, one
after the other; they do not end on a sequence without an end.

Exceptions go where they go in OCaml. If the first node of a sequence raises, that is a
rejection. If a later node raises, or a function given to this module, that is a rejection if
something had to be waited for before; otherwise the exception leaves through the call.

Every traversal is a loop: sequences of any length take no stack, and memory only for what
is kept.

    seq = lwt_seq.unfold(lambda n: Some((n, n + 1)), 0)         # 0, 1, 2, …
    seq = lwt_seq.filter(lambda n: n % 2 == 1, seq)             # 1, 3, 5, …

The source: `_nodes` has what a sequence is made of; `_making` makes sequences, `_transforming`
makes one of another, and `_traversing` goes through a whole one.

OCaml: Lwt_seq (src/core/lwt_seq.ml)
"""

from lwt._core.publish import publish as _publish
from lwt.lwt_seq._making import (
    append,
    cons,
    cons_lwt,
    empty,
    of_list,
    of_seq,
    of_seq_lwt,
    return_,
    return_lwt,
    unfold,
    unfold_lwt,
)
from lwt.lwt_seq._nodes import Cons, Nil, Node, Seq, node, t
from lwt.lwt_seq._transforming import (
    filter,
    filter_map,
    filter_map_s,
    filter_s,
    flat_map,
    map,
    map_s,
)
from lwt.lwt_seq._traversing import fold_left, fold_left_s, iter, iter_n, iter_p, iter_s, to_list

__all__ = [
    # Types
    "Seq",
    "t",
    "Node",
    "node",
    "Nil",
    "Cons",
    # Making sequences
    "empty",
    "return_",
    "return_lwt",
    "cons",
    "cons_lwt",
    "append",
    "of_list",
    "of_seq",
    "of_seq_lwt",
    "unfold",
    "unfold_lwt",
    # From sequence to sequence
    "map",
    "map_s",
    "filter",
    "filter_s",
    "filter_map",
    "filter_map_s",
    "flat_map",
    # Going through
    "fold_left",
    "fold_left_s",
    "iter",
    "iter_s",
    "iter_p",
    "iter_n",
    "to_list",
]

_publish(__name__)
