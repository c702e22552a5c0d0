"""Programs of `collections_programs.py` as source text, in OCaml and in Python.

They print what a trace tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.conformance.collections_preamble import OCAML_PREAMBLE, PYTHON_PREAMBLE
from tests.conformance.forms import Form, Program
from tests.conformance.shared_source import (
    Python,
    numbers_of,
    ocaml_function,
    ocaml_list,
    ocaml_program,
    ocaml_steps,
    python_call,
    python_function,
    python_program,
    python_steps,
)

# What a statement is in each. A number in braces stands for an argument, {l} for a list of so
# many numbers; {f} for the functions that the program gives, one for each call; {seq} for a lazy
# sequence; {p} for the promise that the first function of a result gives, {g} for the second.
# Where {f}, {p} and {g} stand for functions that give no promise, it is said in `PLAIN`.
OCAML: Final = {
    "cancel": "cancel {0}",
    "when": "after {0} {g}",
    "wakeup": "resolve {0} (fun resolver -> Lwt.wakeup resolver {1})",
    "wakeup_later": "resolve {0} (fun resolver -> Lwt.wakeup_later resolver {1})",
    "wakeup_exn": "resolve {0} (fun resolver -> Lwt.wakeup_exn resolver (E {1}))",
    "with": "Lwt.with_value key (Some {0}) (fun () -> {statement})",
    "queue_add": "set {0} (Queues.add {1} queues.({0}))",
    "queue_union": "set {0} (Queues.union queues.({1}) queues.({2}))",
    "queue_remove_min": "set {0} (Queues.remove_min queues.({1}))",
    "queue_find_min": 'log (sprintf "find_min %d" (Queues.find_min queues.({0})))',
    "queue_empty": "set {0} Queues.empty",
}
PYTHON: Final = {
    "cancel": "cancel({0})",
    "when": "after({0}, {g})",
    "wakeup": "resolve({0}, lambda resolver: lwt.wakeup(resolver, {1}))",
    "wakeup_later": "resolve({0}, lambda resolver: lwt.wakeup_later(resolver, {1}))",
    "wakeup_exn": "resolve({0}, lambda resolver: lwt.wakeup_exn(resolver, E({1})))",
    "queue_add": "set_({0}, Queues.add({1}, queues[{0}]))",
    "queue_union": "set_({0}, Queues.union(queues[{1}], queues[{2}]))",
    "queue_remove_min": "set_({0}, Queues.remove_min(queues[{1}]))",
    "queue_find_min": 'log(f"find_min {{Queues.find_min(queues[{0}])}}")',
    "queue_empty": "set_({0}, Queues.empty)",
}

# By the name of the function without `_s` or `_p`: how its result is shown, and the call
OCAML_LISTS: Final = {
    "iter": ("show_unit", "{name} (fun x -> Lwt.map ignore (f x)) {l}"),
    "iteri": ("show_unit", "{name} (fun i x -> Lwt.map ignore (f (10 * i + x))) {l}"),
    "map": ("show_list", "{name} f {l}"),
    "rev_map": ("show_list", "{name} f {l}"),
    "mapi": ("show_list", "{name} (fun i x -> f (10 * i + x)) {l}"),
    "fold_left": ("show_int", "{name} (fun a x -> f (10 * a + x)) 0 {l}"),
    "fold_right": ("show_int", "{name} (fun x a -> f (10 * a + x)) {l} 0"),
    "for_all": ("show_bool", "{name} (fun x -> Lwt.map is_odd (f x)) {l}"),
    "exists": ("show_bool", "{name} (fun x -> Lwt.map is_odd (f x)) {l}"),
    "find": ("show_int", "{name} (fun x -> Lwt.map is_odd (f x)) {l}"),
    "filter": ("show_list", "{name} (fun x -> Lwt.map is_odd (f x)) {l}"),
    "partition": ("show_pair", "{name} (fun x -> Lwt.map is_odd (f x)) {l}"),
    "filter_map": ("show_list", "{name} (fun x -> Lwt.map option (f x)) {l}"),
}
PYTHON_LISTS: Final = {
    "iter": ("str", "{name}(lambda x: lwt.map(ignore, {f}(x)), {l})"),
    "iteri": ("str", "{name}(lambda i, x: lwt.map(ignore, {f}(10 * i + x)), {l})"),
    "map": ("show_list", "{name}({f}, {l})"),
    "rev_map": ("show_list", "{name}({f}, {l})"),
    "mapi": ("show_list", "{name}(lambda i, x: {f}(10 * i + x), {l})"),
    "fold_left": ("str", "{name}(lambda a, x: {f}(10 * a + x), 0, {l})"),
    "fold_right": ("str", "{name}(lambda x, a: {f}(10 * a + x), {l}, 0)"),
    "for_all": ("str", "{name}(lambda x: lwt.map(is_odd, {f}(x)), {l})"),
    "exists": ("str", "{name}(lambda x: lwt.map(is_odd, {f}(x)), {l})"),
    "find": ("str", "{name}(lambda x: lwt.map(is_odd, {f}(x)), {l})"),
    "filter": ("show_list", "{name}(lambda x: lwt.map(is_odd, {f}(x)), {l})"),
    "partition": ("show_pair", "{name}(lambda x: lwt.map(is_odd, {f}(x)), {l})"),
    "filter_map": ("show_list", "{name}(lambda x: lwt.map(option, {f}(x)), {l})"),
}

OCAML_SOURCES: Final = {
    "empty": "Lwt_seq.empty",
    "return": "(Lwt_seq.return {0})",
    "of_list": "(Lwt_seq.of_list {l})",
    "of_seq": "(Lwt_seq.of_seq (List.to_seq {l}))",
    "nodes": "(nodes {functions})",
    "of_seq_lwt": "(Lwt_seq.of_seq_lwt (promised {functions}))",
    "unfold": "(Lwt_seq.unfold next {functions})",
    "unfold_lwt": "(Lwt_seq.unfold_lwt next_lwt {functions})",
    "return_lwt": "(Lwt_seq.return_lwt (early {g}))",
    "cons": "(Lwt_seq.cons {0} {seq})",
    "cons_lwt": "(let rest = {seq} in Lwt_seq.cons_lwt (early {g}) rest)",
    "append": "(let first = {seq} in Lwt_seq.append first {other})",
    "flat_map": "(Lwt_seq.flat_map (flat {inner}) {seq})",
    "map": "(Lwt_seq.map ({f}) {seq})",
    "map_s": "(Lwt_seq.map_s ({f}) {seq})",
    "filter": "(Lwt_seq.filter (let f = {f} in fun x -> is_odd (f x)) {seq})",
    "filter_s": "(Lwt_seq.filter_s (let f = {f} in fun x -> Lwt.map is_odd (f x)) {seq})",
    "filter_map": "(Lwt_seq.filter_map (let f = {f} in fun x -> option (f x)) {seq})",
    "filter_map_s": "(Lwt_seq.filter_map_s (let f = {f} in fun x -> Lwt.map option (f x)) {seq})",
}
PYTHON_SOURCES: Final = {
    "empty": "lwt_seq.empty",
    "return": "lwt_seq.return_({0})",
    "of_list": "lwt_seq.of_list({l})",
    "of_seq": "lwt_seq.of_seq({l})",
    "nodes": "nodes({functions})",
    "of_seq_lwt": "lwt_seq.of_seq_lwt(promised({functions}))",
    "unfold": "lwt_seq.unfold(next_, {functions})",
    "unfold_lwt": "lwt_seq.unfold_lwt(next_lwt, {functions})",
    "return_lwt": "lwt_seq.return_lwt(early({g}))",
    "cons": "lwt_seq.cons({0}, {seq})",
    "cons_lwt": "(lambda rest: lwt_seq.cons_lwt(early({g}), rest))({seq})",
    "append": "lwt_seq.append({seq}, {other})",
    "flat_map": "lwt_seq.flat_map(flat({inner}), {seq})",
    "map": "lwt_seq.map({f}, {seq})",
    "map_s": "lwt_seq.map_s({f}, {seq})",
    "filter": "lwt_seq.filter(lambda x: is_odd({f}(x)), {seq})",
    "filter_s": "lwt_seq.filter_s(lambda x: lwt.map(is_odd, {f}(x)), {seq})",
    "filter_map": "lwt_seq.filter_map(lambda x: option({f}(x)), {seq})",
    "filter_map_s": "lwt_seq.filter_map_s(lambda x: lwt.map(option, {f}(x)), {seq})",
}
OCAML_CONSUMERS: Final = {
    "to_list": ("show_list", "Lwt_seq.to_list seq"),
    "iter": ("show_unit", "Lwt_seq.iter (fun x -> ignore (f x)) seq"),
    "iter_s": ("show_unit", "Lwt_seq.iter_s (fun x -> Lwt.map ignore (f x)) seq"),
    "iter_p": ("show_unit", "Lwt_seq.iter_p (fun x -> Lwt.map ignore (f x)) seq"),
    "iter_n": (
        "show_unit",
        "Lwt_seq.iter_n ~max_concurrency:{0} (fun x -> Lwt.map ignore (f x)) seq",
    ),
    "fold_left": ("show_int", "Lwt_seq.fold_left (fun a x -> f (10 * a + x)) 0 seq"),
    "fold_left_s": ("show_int", "Lwt_seq.fold_left_s (fun a x -> f (10 * a + x)) 0 seq"),
    "nodes": ("", "go_through {0} seq"),
}
PYTHON_CONSUMERS: Final = {
    "to_list": ("show_list", "lwt_seq.to_list({seq})"),
    "iter": ("str", "lwt_seq.iter({f}, {seq})"),
    "iter_s": ("str", "lwt_seq.iter_s(lambda x: lwt.map(ignore, {f}(x)), {seq})"),
    "iter_p": ("str", "lwt_seq.iter_p(lambda x: lwt.map(ignore, {f}(x)), {seq})"),
    "iter_n": (
        "str",
        "lwt_seq.iter_n(lambda x: lwt.map(ignore, {f}(x)), {seq}, max_concurrency={0})",
    ),
    "fold_left": ("str", "lwt_seq.fold_left(lambda a, x: {f}(10 * a + x), 0, {seq})"),
    "fold_left_s": ("str", "lwt_seq.fold_left_s(lambda a, x: {f}(10 * a + x), 0, {seq})"),
    "nodes": ("", "go_through({0}, {seq})"),
}

OCAML_RESULTS: Final = {
    "map": ("show_result", "map {g} (Lwt.map result {p})"),
    "map_error": ("show_result", "map_error {g} (Lwt.map result {p})"),
    "bind": ("show_result", "bind (Lwt.map result {p}) (fun x -> Lwt.map result ({g} x))"),
    "bind_error": (
        "show_result",
        "bind_error (Lwt.map result {p}) (fun x -> Lwt.map result ({g} x))",
    ),
    "bind_lwt": ("show_result", "bind_lwt (Lwt.map result {p}) {g}"),
    "bind_lwt_error": ("show_result", "bind_lwt_error (Lwt.map result {p}) {g}"),
    "bind_result": ("show_result", "bind_result (Lwt.map result {p}) (fun x -> result ({g} x))"),
    "both": ("show_both", "both first (Lwt.map result ({g} 0))"),
    "iter": ("show_unit", "iter (fun x -> Lwt.map ignore ({g} x)) (Lwt.map result {p})"),
    "iter_error": (
        "show_unit",
        "iter_error (fun x -> Lwt.map ignore ({g} x)) (Lwt.map result {p})",
    ),
    "ok": ("show_result", "ok {p}"),
    "error": ("show_result", "error {p}"),
    "catch": ("show_caught", "catch (early {function})"),
    "get_exn": ("show_int", "get_exn (Lwt.map result_or_exn {p})"),
    "return": ("show_result", "return 1"),
    "fail": ("show_result", "fail 1"),
    "lift": ("show_result", "lift (Ok 1)"),
}
PYTHON_RESULTS: Final = {
    "map": ("show_result", "map({g}, lwt.map(result, {p}))"),
    "map_error": ("show_result", "map_error({g}, lwt.map(result, {p}))"),
    "bind": ("show_result", "bind(lwt.map(result, {p}), lambda x: lwt.map(result, {g}(x)))"),
    "bind_error": (
        "show_result",
        "bind_error(lwt.map(result, {p}), lambda x: lwt.map(result, {g}(x)))",
    ),
    "bind_lwt": ("show_result", "bind_lwt(lwt.map(result, {p}), {g})"),
    "bind_lwt_error": ("show_result", "bind_lwt_error(lwt.map(result, {p}), {g})"),
    "bind_result": ("show_result", "bind_result(lwt.map(result, {p}), lambda x: result({g}(x)))"),
    "both": ("show_both", "both(lwt.map(result, {p}), lwt.map(result, {g}(0)))"),
    "iter": ("str", "iter(lambda x: lwt.map(ignore, {g}(x)), lwt.map(result, {p}))"),
    "iter_error": ("str", "iter_error(lambda x: lwt.map(ignore, {g}(x)), lwt.map(result, {p}))"),
    "ok": ("show_result", "ok({p})"),
    "error": ("show_result", "error({p})"),
    "catch": ("show_caught", "catch(lambda promise=early({function}): promise)"),
    "get_exn": ("str", "get_exn(lwt.map(result_or_exn, {p}))"),
    "return": ("show_result", "return_(1)"),
    "fail": ("show_result", "fail(1)"),
    "lift": ("show_result", "lift(lwt.Ok(1))"),
}

PLAIN: Final = {
    "seq": {"map", "filter", "filter_map", "unfold", "iter", "fold_left"},
    "result": {"map", "map_error", "bind_result"},
}
"""Where the functions give no promises; as those of `when` do."""


def as_ocaml(program: Program) -> str:
    return ocaml_program(OCAML_PREAMBLE, ocaml_steps(map(_ocaml, program)))


def as_python(program: Program) -> str:
    return python_program(PYTHON_PREAMBLE, python_steps(map(_python, program)))


# OCaml


def _ocaml(form: Form) -> str:
    match form:
        case ("list", name, slot, length, *functions):
            show, call = OCAML_LISTS[name.rpartition("_")[0]]
            call = call.format(name=f"Lwt_list.{name}", l=_ocaml_numbers(length))
            f = _ocaml_in_turn(functions, is_plain=False)
            return f"let f = {f} in\nkeep {slot} (Lwt.map {show} ({call}))"
        case ("seq", name, slot, number, source, functions):
            show, call = OCAML_CONSUMERS[name]
            call = call.format(number)
            call = f"Lwt.map {show} ({call})" if show else call
            text = f"let seq = {_ocaml_source(source)} in\n"
            if name not in {"to_list", "nodes"}:
                f = _ocaml_in_turn(functions, is_plain=name in PLAIN["seq"])
                text += f"let f = {f} in\n"
            return f"{text}keep {slot} ({call})"
        case ("result", name, slot, first, second):
            show, call = OCAML_RESULTS[name]
            function = _ocaml_function(first, is_plain=False)
            p = f"({function} 0)"
            g = _ocaml_function(second, is_plain=name in PLAIN["result"])
            before = f"let first = Lwt.map result {p} in\n" if name == "both" else ""
            call = call.format(p=p, g=g, function=function)
            return f"{before}keep {slot} (Lwt.map {show} (Lwt_result.{call}))"
        case ("with", _):
            return "()"
        case ("with", value, inner):
            return OCAML["with"].format(value, statement=_ocaml(inner))
        case ("when", slot, function):
            return OCAML["when"].format(slot, g=_ocaml_function(function, is_plain=True))
        case (name, *numbers):
            return OCAML[name].format(*numbers)
    raise ValueError(form)


def _ocaml_numbers(length: int) -> str:
    return f"[{'; '.join(str(number) for number in range(1, length + 1))}]"


def _ocaml_function(form: Form, *, is_plain: bool) -> str:
    _, number, *statements, end = form
    last = {
        "return": "{0}" if is_plain else "Lwt.return {0}",
        "argument": "x" if is_plain else "Lwt.return x",
        "raise": "raise (E {0})",
        "rejected": "raise (E {0})" if is_plain else "Lwt.fail (E {0})",
        "wait": "0" if is_plain else "pending {0} (Lwt.wait ())",
        "task": "0" if is_plain else "pending {0} (Lwt.task ())",
        "same": "0" if is_plain else "given.({0})",
    }[end[0]].format(*end[1:])
    steps = [text if "\n" not in text else f"({text})" for text in map(_ocaml, statements)]
    return ocaml_function("x", [f"call {number} x", *steps, last])


def _ocaml_in_turn(functions: Iterable[Form], *, is_plain: bool) -> str:
    last = "Fun.id" if is_plain else "Lwt.return"
    written = [_ocaml_function(function, is_plain=is_plain) for function in functions]
    return f"in_turn {ocaml_list(written)} {last}" if written else last


def _ocaml_source(source: Form) -> str:
    name, *rest = source
    is_plain = name in PLAIN["seq"]
    sources = [part for part in rest if isinstance(part, tuple) and part[0] != "do"]
    functions = [part for part in rest if isinstance(part, tuple) and part[0] == "do"]
    written = [_ocaml_source(part) for part in sources]
    one = _ocaml_function(functions[0], is_plain=is_plain) if functions else ""
    return OCAML_SOURCES[name].format(
        *numbers_of(rest),
        l=_ocaml_numbers(rest[0]) if name in {"of_list", "of_seq"} else "",
        functions=ocaml_list([_ocaml_function(part, is_plain=is_plain) for part in functions]),
        g=one,
        f=_ocaml_in_turn(functions, is_plain=is_plain),
        seq=written[0] if written else "",
        other=written[1] if len(written) > 1 else "",
        inner=ocaml_list([f"(fun _ -> {part})" for part in written[1:]]),
    )


# Python


class _PythonText:
    """What a statement is made of: expressions, and the functions that stand before them."""

    def __init__(self) -> None:
        self.definitions: list[str] = []

    def function(self, form: Form, *, is_plain: bool) -> str:
        """Define a function, and return its name."""
        _, number, *statements, end = form
        last = {
            "return": "return {0}" if is_plain else "return lwt.return_({0})",
            "argument": "return x" if is_plain else "return lwt.return_(x)",
            "raise": "raise E({0})",
            "rejected": "raise E({0})" if is_plain else "return lwt.fail(E({0}))",
            "wait": "return 0" if is_plain else "return pending({0}, lwt.wait())",
            "task": "return 0" if is_plain else "return pending({0}, lwt.task())",
            "same": "return 0" if is_plain else "return given[{0}]",
        }[end[0]].format(*end[1:])
        steps = [([], f"call({number}, x)"), *map(_python, statements)]
        self.definitions += python_function(f"function_{number}", "x", steps, last)
        return f"function_{number}"

    def functions(self, forms: Iterable[Form], *, is_plain: bool) -> str:
        return f"[{', '.join(self.function(form, is_plain=is_plain) for form in forms)}]"

    def in_turn(self, forms: Iterable[Form], *, is_plain: bool) -> str:
        last = "same" if is_plain else "lwt.return_"
        forms = list(forms)
        if not forms:
            return last
        functions, name = self.functions(forms, is_plain=is_plain), f"functions_{forms[0][1]}"
        self.definitions.append(f"{name} = in_turn({functions}, {last})")
        return name

    def source(self, source: Form) -> str:
        """Return the expression for a lazy sequence."""
        name, *rest = source
        is_plain = name in PLAIN["seq"]
        sources = [part for part in rest if isinstance(part, tuple) and part[0] != "do"]
        functions = [part for part in rest if isinstance(part, tuple) and part[0] == "do"]
        written = [self.source(part) for part in sources]
        template = PYTHON_SOURCES[name]
        in_turn = self.in_turn(functions, is_plain=is_plain) if "{f}" in template else ""
        names = "" if in_turn else self.functions(functions, is_plain=is_plain)
        return template.format(
            *numbers_of(rest),
            l=_python_numbers(rest[0]) if name in {"of_list", "of_seq"} else "",
            functions=names,
            g=names[1:-1],
            f=in_turn,
            seq=written[0] if written else "",
            other=written[1] if len(written) > 1 else "",
            inner=f"[{', '.join(f'lambda _: {part}' for part in written[1:])}]",
        )


def _python_numbers(length: int) -> str:
    return str([*range(1, length + 1)])


def _python(form: Form) -> Python:
    text = _PythonText()
    match form:
        case ("list", name, slot, length, *functions):
            show, call = PYTHON_LISTS[name.rpartition("_")[0]]
            f = text.in_turn(functions, is_plain=False)
            call = call.format(name=f"lwt_list.{name}", l=_python_numbers(length), f=f)
            return text.definitions, f"keep({slot}, lwt.map({show}, {call}))"
        case ("seq", name, slot, number, source, functions):
            show, call = PYTHON_CONSUMERS[name]
            seq = text.source(source)
            f = text.in_turn(functions, is_plain=name in PLAIN["seq"]) if "{f}" in call else ""
            call = call.format(number, seq=seq, f=f)
            call = f"lwt.map({show}, {call})" if show else call
            return text.definitions, f"keep({slot}, {call})"
        case ("result", name, slot, first, second):
            show, call = PYTHON_RESULTS[name]
            function = p = g = ""
            if "{p}" in call or "{function}" in call:
                function = text.function(first, is_plain=False)
                p = f"{function}(0)"
            if "{g}" in call:
                g = text.function(second, is_plain=name in PLAIN["result"])
            call = call.format(p=p, g=g, function=function)
            return text.definitions, f"keep({slot}, lwt.map({show}, lwt_result.{call}))"
        case ("with", _):
            return [], "None"
        case ("with", value, inner):
            return python_call(f"lwt.with_value(key, lwt.Some({value}), ", _python(inner))
        case ("when", slot, function):
            name = text.function(function, is_plain=True)
            return text.definitions, PYTHON["when"].format(slot, g=name)
        case (name, *numbers):
            return [], PYTHON[name].format(*numbers)
    raise ValueError(form)
