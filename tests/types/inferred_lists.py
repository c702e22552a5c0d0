"""What type checkers infer of lists, sequences, results and priority queues. Never run."""

from typing import assert_type

import lwt
from lwt import (
    Error,
    Ok,
    Promise,
    Some,
    lwt_list,
    lwt_pqueue,
    lwt_result,
    lwt_seq,
    lwt_sequence,
)
from lwt.lwt_seq import Cons, Node, Seq


def length(word: str) -> Promise[int]:
    return lwt.return_(len(word))


async def is_long(word: str) -> bool:
    return len(word) > 3


async def number(index: int, word: str) -> tuple[int, str]:
    return index, word


async def total(sum: int, word: str) -> int:
    return sum + len(word)


async def total_right(word: str, sum: int) -> int:
    return sum + len(word)


async def parse(word: str) -> Some[int] | None:
    return Some(int(word)) if word.isdigit() else None


def lists(words: list[str]) -> None:
    assert_type(lwt_list.iter_s(length, words), Promise[None])
    assert_type(lwt_list.iteri_p(number, words), Promise[None])
    assert_type(lwt_list.map_s(length, words), Promise[list[int]])
    assert_type(lwt_list.map_p(is_long, iter(words)), Promise[list[bool]])
    assert_type(lwt_list.mapi_p(number, words), Promise[list[tuple[int, str]]])
    assert_type(lwt_list.rev_map_p(length, words), Promise[list[int]])
    assert_type(lwt_list.fold_left_s(total, 0, words), Promise[int])
    assert_type(lwt_list.fold_right_s(total_right, words, 0), Promise[int])
    assert_type(lwt_list.for_all_p(is_long, words), Promise[bool])
    assert_type(lwt_list.find_s(is_long, words), Promise[str])
    assert_type(lwt_list.filter_p(is_long, words), Promise[list[str]])
    assert_type(lwt_list.filter_map_s(parse, words), Promise[list[int]])
    assert_type(lwt_list.partition_s(is_long, words), Promise[tuple[list[str], list[str]]])


async def sequences(words: Seq[str]) -> None:
    assert_type(lwt_seq.map(len, words), Seq[int])
    assert_type(lwt_seq.map_s(length, words), Seq[int])
    assert_type(lwt_seq.filter_s(is_long, words), Seq[str])
    assert_type(lwt_seq.filter_map_s(parse, words), Seq[int])
    assert_type(lwt_seq.append(words, words), Seq[str])
    assert_type(lwt_seq.cons("a", words), Seq[str])
    assert_type(lwt_seq.of_list(["a"]), Seq[str])
    assert_type(lwt_seq.of_seq_lwt([lwt.return_(1)]), Seq[int])
    assert_type(lwt_seq.to_list(words), Promise[list[str]])
    assert_type(lwt_seq.fold_left_s(total, 0, words), Promise[int])
    assert_type(lwt_seq.iter_n(length, words, max_concurrency=3), Promise[None])
    node: Node[str] = await words()
    match node:
        case Cons(word, following):
            assert_type(word, str)
            assert_type(following, Seq[str])
        case lwt_seq.Nil:
            pass


def results(result: lwt_result.t[str, OSError]) -> None:
    assert_type(lwt_result.map(len, result), Promise[Ok[int] | Error[OSError]])
    assert_type(lwt_result.map_error(str, result), Promise[Ok[str] | Error[str]])
    assert_type(lwt_result.bind_lwt(result, length), Promise[Ok[int] | Error[OSError]])
    assert_type(lwt_result.catch(lambda: length("a")), Promise[Ok[int] | Error[Exception]])
    assert_type(lwt_result.both(result, result), Promise[Ok[tuple[str, str]] | Error[OSError]])
    assert_type(lwt_result.iter(length, result), Promise[None])


def priority_queues() -> None:
    queues: lwt_pqueue.S[int] = lwt_pqueue.Make()
    assert_type(queues.find_min(queues.empty), int)
    assert_type(queues.lookup_min(queues.empty), Some[int] | None)
    queues.add("a", queues.empty)  # type: ignore[arg-type]


def linked_sequences(sequence: lwt_sequence.Sequence[str]) -> None:
    node = lwt_sequence.add_l("a", sequence)
    assert_type(node, lwt_sequence.Node[str])
    assert_type(lwt_sequence.get(node), str)
    assert_type(lwt_sequence.take_opt_r(sequence), Some[str] | None)
    assert_type(lwt_sequence.fold_l(lambda word, sum: sum + len(word), sequence, 0), int)
    assert_type(
        lwt_sequence.find_node_opt_l(str.isdigit, sequence), Some[lwt_sequence.Node[str]] | None
    )
    lwt_sequence.set(node, 3)  # type: ignore[misc]
    lwt_sequence.transfer_l(sequence, node)  # type: ignore[arg-type]


def refused(words: list[str]) -> None:
    lwt_list.map_s(len, words)  # type: ignore[arg-type]
    lwt_list.filter_s(length, words)  # type: ignore[arg-type]
    lwt_seq.map(len, words)  # type: ignore[arg-type]
