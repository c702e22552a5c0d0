"""Programs of `stream_programs.py` as source text, in OCaml and in Python.

They print what a trace tells; of bounded streams, only if there are any.
"""

from __future__ import annotations

import re
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.shared_source import (
    Python,
    ocaml_function,
    ocaml_list,
    ocaml_program,
    ocaml_steps,
    python_call,
    python_function,
    python_program,
    python_steps,
)
from tests.conformance.stream_preamble import OCAML_PREAMBLE, PYTHON_PREAMBLE

# What a statement is in each. A number in braces stands for an argument; {f} for the callback,
# {name} for the function, {show} for how its result is shown.
OCAML: Final = {
    "create": "let stream, push = Lwt_stream.create () in set {0} stream ~source:(Pushed push)",
    "create_bounded": "let stream, source = Lwt_stream.create_bounded {1} in "
    "set {0} stream ~source:(Bounded source)",
    "from": "set {0} (let f = {f} in Lwt_stream.from (fun () -> f 0))",
    "from_direct": "set {0} (let f = {f} in Lwt_stream.from_direct (fun () -> f 0))",
    "return": "set {0} (Lwt_stream.return {1})",
    "return_lwt": "set {0} (Lwt_stream.return_lwt (future {1}))",
    "of_list": "set {0} (Lwt_stream.of_list (List.init {1} succ))",
    "of_array": "set {0} (Lwt_stream.of_array (Array.init {1} succ))",
    "of_seq": "set {0} (Lwt_stream.of_seq (List.to_seq (List.init {1} succ)))",
    "of_lwt_seq": "set {0} (Lwt_stream.of_lwt_seq (Lwt_seq.of_list (List.init {1} succ)))",
    "of_string": "set {0} (Lwt_stream.map Char.code "
    "(Lwt_stream.of_string (String.init {1} (fun i -> Char.chr (60 + i)))))",
    "clone": "set {0} (Lwt_stream.clone (stream {1}))",
    "push": "push {0} {1}",
    "close": "close {0}",
    "resize": "resize {0} {1}",
    "wakeup": "Lwt.wakeup (resolver {0}) {1}",
    "wakeup_later": "Lwt.wakeup_later (resolver {0}) {1}",
    "wakeup_exn": "Lwt.wakeup_exn (resolver {0}) Oops",
    "cancel": "cancel {0}",
    "to_string": "keep Fun.id (Lwt_stream.to_string "
    "(Lwt_stream.map (fun n -> Char.chr (n mod 64 + 60)) (stream {0})))",
    "npeek": "keep show_list (Lwt_stream.npeek {1} (stream {0}))",
    "nget": "keep show_list (Lwt_stream.nget {1} (stream {0}))",
    "njunk": "keep show_unit (Lwt_stream.njunk {1} (stream {0}))",
    "junk_available": "(* junk_available of 6.1 *) match Lwt.state (Lwt_stream.junk_old (stream {0})) "
    "with Lwt.Fail exn -> raise exn | _ -> ()",
    "get_available": "print_endline (show_list (Lwt_stream.get_available (stream {0})))",
    "get_available_up_to": "print_endline "
    "(show_list (Lwt_stream.get_available_up_to {1} (stream {0})))",
    "iter_n": "keep show_unit (Lwt_stream.iter_n ~max_concurrency:({1} + 1) ({f}) (stream {0}))",
    "fold": "let f = {f} in "
    "keep string_of_int (Lwt_stream.fold (fun n sum -> f n + 2 * sum) (stream {0}) 0)",
    "fold_s": "let f = {f} in keep string_of_int "
    "(Lwt_stream.fold_s (fun n sum -> Lwt.map (fun n -> n + 2 * sum) (f n)) (stream {0}) 0)",
    "flatten": "set {0} (Lwt_stream.flatten (Lwt_stream.map ({f}) (stream {1})))",
    "append": "let first = stream {1} in set {0} (Lwt_stream.append first (stream {2}))",
    "concat": "let first = stream {1} in "
    "set {0} (Lwt_stream.concat (Lwt_stream.of_list [first; stream {2}]))",
    "combine": "let first = stream {1} in "
    "set {0} (Lwt_stream.map (fun (a, b) -> a + 10 * b) (Lwt_stream.combine first (stream {2})))",
    "choose": "let first = stream {1} in set {0} (Lwt_stream.choose [first; stream {2}])",
    "wrap_exn": "set {0} (Lwt_stream.map (value_or_error ()) (Lwt_stream.wrap_exn (stream {1})))",
    "hexdump": "set {0} (Lwt_stream.map sum "
    "(Lwt_stream.hexdump (Lwt_stream.map (fun n -> Char.chr (n mod 256)) (stream {1}))))",
    "parse": "let f = {f} in keep string_of_int (Lwt_stream.parse (stream {0}) (fun _ -> f 0))",
}
OCAML_MAKER: Final = "set {0} (Lwt_stream.{name} ({f}) (stream {1}))"
OCAML_READER: Final = "keep {show} (Lwt_stream.{name} (stream {0}))"
OCAML_READER_WITH_CALLBACK: Final = "keep {show} (Lwt_stream.{name} ({f}) (stream {0}))"
SHOWN: Final = {
    **dict.fromkeys(("peek", "get", "find", "find_s", "find_map", "find_map_s"), "show_option"),
    **dict.fromkeys(("next", "last_new"), "string_of_int"),
    **dict.fromkeys(("to_list", "get_while", "get_while_s"), "show_list"),
    "is_empty": "string_of_bool",
}
"""How OCaml shows a result that is not a unit."""

PYTHON: Final = {
    "create": "set_({0}, *lwt_stream.create())",
    "create_bounded": "set_({0}, *lwt_stream.create_bounded({1}))",
    "from": "set_({0}, lwt_stream.from_(partial({f}, 0)))",
    "from_direct": "set_({0}, lwt_stream.from_direct(partial({f}, 0)))",
    "return": "set_({0}, lwt_stream.return_({1}))",
    "return_lwt": "set_({0}, lwt_stream.return_lwt(future({1})))",
    "of_list": "set_({0}, lwt_stream.of_list(range(1, {1} + 1)))",
    "of_array": "set_({0}, lwt_stream.of_array(range(1, {1} + 1)))",
    "of_seq": "set_({0}, lwt_stream.of_seq(range(1, {1} + 1)))",
    "of_lwt_seq": "set_({0}, lwt_stream.of_lwt_seq(lwt_seq.of_list(range(1, {1} + 1))))",
    "of_string": "set_({0}, lwt_stream.map(ord, lwt_stream.of_string(bytes(range(60, 60 + {1})))))",
    "clone": "set_({0}, lwt_stream.clone(stream({1})))",
    "push": "push({0}, {1})",
    "close": "close({0})",
    "resize": "resize({0}, {1})",
    "wakeup": "lwt.wakeup(resolver({0}), {1})",
    "wakeup_later": "lwt.wakeup_later(resolver({0}), {1})",
    "wakeup_exn": "lwt.wakeup_exn(resolver({0}), Oops())",
    "cancel": "cancel({0})",
    "to_string": "keep(lwt_stream.to_string("
    "lwt_stream.map(lambda n: bytes([n % 64 + 60]), stream({0}))))",
    "npeek": "keep(lwt_stream.npeek({1}, stream({0})))",
    "nget": "keep(lwt_stream.nget({1}, stream({0})))",
    "njunk": "keep(lwt_stream.njunk({1}, stream({0})))",
    "junk_available": "lwt_stream.junk_available(stream({0}))",
    "get_available": "print(show(lwt_stream.get_available(stream({0}))))",
    "get_available_up_to": "print(show(lwt_stream.get_available_up_to({1}, stream({0}))))",
    "iter_n": "keep(lwt_stream.iter_n({f}, stream({0}), max_concurrency={1} + 1))",
    "fold": "keep(lwt_stream.fold(lambda n, total, f={f}: f(n) + 2 * total, stream({0}), 0))",
    "fold_s": "keep(lwt_stream.fold_s(lambda n, total, f={f}: "
    "lwt.map(lambda m: m + 2 * total, f(n)), stream({0}), 0))",
    "flatten": "set_({0}, lwt_stream.flatten(lwt_stream.map({f}, stream({1}))))",
    "append": "set_({0}, lwt_stream.append(stream({1}), stream({2})))",
    "concat": "set_({0}, lwt_stream.concat(lwt_stream.of_list([stream({1}), stream({2})])))",
    "combine": "set_({0}, lwt_stream.map(lambda pair: pair[0] + 10 * pair[1], "
    "lwt_stream.combine(stream({1}), stream({2}))))",
    "choose": "set_({0}, lwt_stream.choose([stream({1}), stream({2})]))",
    "wrap_exn": "set_({0}, lwt_stream.map(value_or_error(), lwt_stream.wrap_exn(stream({1}))))",
    "hexdump": "set_({0}, lwt_stream.map(sum_, "
    "lwt_stream.hexdump(lwt_stream.map(lambda n: bytes([n % 256]), stream({1})))))",
    "parse": "keep(lwt_stream.parse(stream({0}), lambda _, f={f}: f(0)))",
}
PYTHON_MAKER: Final = "set_({0}, lwt_stream.{name}({f}, stream({1})))"
PYTHON_READER: Final = "keep(lwt_stream.{name}(stream({0})))"
PYTHON_READER_WITH_CALLBACK: Final = "keep(lwt_stream.{name}({f}, stream({0})))"

MAKERS_WITH_CALLBACK: Final = {
    *("map", "map_s", "filter", "filter_s", "filter_map", "filter_map_s"),
    *("map_list", "map_list_s"),
}
READERS: Final = {"peek", "get", "next", "last_new", "junk", "is_empty", "closed", "to_list"}


def as_ocaml(program: Program) -> str:
    body = ocaml_steps(map(_ocaml, program))
    sources = "(show_sources ())" if "Bounded" in body else '""'
    return ocaml_program(OCAML_PREAMBLE.replace("{sources}", sources), body)


def as_python(program: Program) -> str:
    body = python_steps(map(_python, program))
    sources = "show_sources()" if "bounded" in body else '""'
    return python_program(PYTHON_PREAMBLE.replace("{sources}", sources), body)


# Callbacks: what they give for a number that is written in the program


def _kind(name: str) -> str:
    """Return the name of the function that makes what a callback gives of a number."""
    stem = name.removesuffix("_s").removesuffix("_p").removesuffix("_n")
    kinds = {
        **dict.fromkeys(("find", "filter", "get_while", "junk_while"), "is_odd"),
        **dict.fromkeys(("find_map", "filter_map"), "option"),
        **dict.fromkeys(("map_list", "flatten"), "elements"),
        **dict.fromkeys(("from", "from_direct"), "unless_zero"),
        "iter": "ignore",
    }
    return kinds.get(stem, "number")


def _gives_promise(name: str) -> bool:
    return name in {"from", "parse"} or name.endswith(("_s", "_p", "_n"))


def _value(kind: str, number: int, *, ocaml: bool) -> str:
    match kind:
        case "ignore":
            return "()" if ocaml else "None"
        case "is_odd":
            return ("false", "true")[number % 2] if ocaml else str(number % 2 == 1)
        case "option" | "unless_zero":
            if number % 3 == 0 if kind == "option" else number == 0:
                return "None"
            return f"Some {number}" if ocaml else f"lwt.Some({number})"
        case "elements":
            elements = [str(number + i) for i in range(number % 3)]
            return f"[{('; ' if ocaml else ', ').join(elements)}]"
    return str(number)


def _flat(ending: Form) -> tuple[list[Form], Form]:
    """Return the statements of an ending, and what comes after them."""
    statements: list[Form] = []
    while isinstance(ending, tuple) and ending[0] == "do":
        statements += ending[1:-1]
        ending = ending[-1] if len(ending) > 1 else 1
    return statements, ending


def _split(template: str, form: Form) -> tuple[list[Form], list[Form]]:
    """Return the numbers of a statement, and after them the endings of its callback."""
    numbers = 1 + len(set(re.findall(r"\{\d\}", template)))
    return list(form[1:numbers]), list(form[numbers:])


def _last(name: str) -> int:
    """Return what a callback gives when it is called more often than the program says."""
    return 0 if name.startswith("from") else 1


def _is_nothing(form: Form) -> bool:
    """Tell whether a statement does nothing: choosing between a stream and itself never ends."""
    return bool(form[0] == "choose" and form[2] == form[3])


# OCaml


def _ocaml(form: Form) -> str:
    if _is_nothing(form):
        return "()"
    name = form[0]
    default = OCAML_READER if name in READERS else OCAML_READER_WITH_CALLBACK
    template = OCAML.get(name, OCAML_MAKER if name in MAKERS_WITH_CALLBACK else default)
    numbers, endings = _split(template, form)
    callback = _ocaml_callback(name, endings) if "{f}" in template else ""
    show = SHOWN.get(name, "show_unit")
    return template.format(*numbers, f=callback, name=name, show=show)


def _ocaml_callback(name: str, endings: list[Form]) -> str:
    functions = ocaml_list([_ocaml_function(name, *_flat(ending)) for ending in endings])
    return f'calls "{name}" {functions} {_ocaml_function(name, [], _last(name))}'


def _ocaml_function(name: str, statements: list[Form], ending: Form) -> str:
    kind, gives_promise = _kind(name), _gives_promise(name)
    convert = {"ignore": "ignore", "number": "Fun.id"}.get(kind, kind)
    match ending:
        case "fail" if gives_promise:
            end = "Lwt.fail Oops"
        case "raise" | "fail":
            end = "raise Oops"
        case int() | ("wait", _) if not gives_promise:
            end = _value(kind, ending if isinstance(ending, int) else 1, ocaml=True)
        case int():
            value = _value(kind, ending, ocaml=True)
            end = f"Lwt.return ({value})" if " " in value else f"Lwt.return {value}"
        case _:
            end = f"Lwt.map {convert} (future {ending[1]})"
    steps = [f"attempt {ocaml_function('()', [_ocaml(statement)])}" for statement in statements]
    return ocaml_function("()", [*steps, end])


# Python


def _python(form: Form) -> Python:
    if _is_nothing(form):
        return [], "None"
    name = form[0]
    default = PYTHON_READER if name in READERS else PYTHON_READER_WITH_CALLBACK
    template = PYTHON.get(name, PYTHON_MAKER if name in MAKERS_WITH_CALLBACK else default)
    numbers, endings = _split(template, form)
    definitions, callback = _python_callback(name, endings) if "{f}" in template else ([], "")
    return definitions, template.format(*numbers, f=callback, name=name)


def _python_callback(name: str, endings: list[Form]) -> Python:
    definitions: list[str] = []
    functions: list[str] = []
    for number, ending in enumerate(endings, 1):
        statements, end = _flat(ending)
        result = _python_result(name, end)
        if statements:
            calls = [python_call("attempt(", _python(statement)) for statement in statements]
            functions.append(f"{name}_{number}")
            definitions += python_function(functions[-1], "", calls, f"return {result}")
        else:
            functions.append(f"lambda: {result}")
    last = _python_result(name, _last(name))
    return definitions, f'calls("{name}", [{", ".join(functions)}], lambda: {last})'


def _python_result(name: str, ending: Form) -> str:
    kind, gives_promise = _kind(name), _gives_promise(name)
    match ending:
        case "fail" if gives_promise:
            return "lwt.fail(Oops())"
        case "raise" | "fail":
            return "throw(Oops())"
        case int() | ("wait", _) if not gives_promise:
            return _value(kind, ending if isinstance(ending, int) else 1, ocaml=False)
        case int():
            return f"lwt.return_({_value(kind, ending, ocaml=False)})"
    return f"lwt.map({kind}, future({ending[1]}))"
