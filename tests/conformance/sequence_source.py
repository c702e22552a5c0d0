"""Programs of `sequence_programs.py` as source text, in OCaml and in Python.

They print what a trace tells. The statements of visits stand in a list of functions, one for each
visit.
"""

from __future__ import annotations

from typing import Final

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

OCAML_PREAMBLE: Final = r"""
[@@@alert "-deprecated"]

exception Stop

let show_exn = function
  | Lwt_sequence.Empty -> "Empty" | Not_found -> "Not_found" | Stop -> "Stop"
  | exn -> Printexc.to_string exn

let sequences : int Lwt_sequence.t array = Array.init 3 (fun _ -> Lwt_sequence.create ())

let nodes : int Lwt_sequence.node option array = Array.make 6 None

let node slot = match nodes.(slot) with Some node -> node | None -> raise Empty_slot

let log event =
  let show values = String.concat " " (List.rev_map string_of_int values) in
  let contents sequence =
    sprintf "%d: %s / %s" (Lwt_sequence.length sequence)
      (show (Lwt_sequence.fold_l List.cons sequence []))
      (show (Lwt_sequence.fold_r List.cons sequence [])) in
  print_endline (String.concat " | " (event :: List.map contents (Array.to_list sequences)))

let show_option = function None -> "None" | Some value -> string_of_int value

let keep_found slot = function None -> log "none found" | found -> nodes.(slot) <- found

let attempt f = try f () with Empty_slot -> ()

(* What happens at each visit of a traversal *)
let visits functions =
  let rest = ref functions in
  fun value ->
    log (sprintf "visit %d" value);
    match !rest with [] -> () | f :: others -> rest := others; attempt f

let step number f =
  match attempt f with
  | () -> log (sprintf "statement %d ends" number)
  | exception exn -> log (sprintf "statement %d raises %s" number (show_exn exn))
"""

PYTHON_PREAMBLE: Final = r"""
class Stop(Exception): pass

def show_exn(exn): return "Not_found" if isinstance(exn, LookupError) else type(exn).__name__

sequences = [lwt_sequence.create() for _ in range(3)]

nodes = {}

def node(slot): return nodes[slot] if slot in nodes else throw(EmptySlot())

def set_node(slot, node): nodes[slot] = node

def contents(sequence):
    shown = []
    for fold in (lwt_sequence.fold_l, lwt_sequence.fold_r):
        values = []
        fold(lambda value, _: values.append(str(value)), sequence, None)
        shown.append(" ".join(values))
    return f"{lwt_sequence.length(sequence)}: {' / '.join(shown)}"

def log(event): print(event, *map(contents, sequences), sep=" | ")

def show_option(value): return str(value.value) if value else "None"

def keep_found(slot, found):
    if found: nodes[slot] = found.value
    else: log("none found")

def attempt(function):
    try: function()
    except EmptySlot: pass

# What happens at each visit of a traversal
def visits(functions):
    rest = iter(functions)
    return lambda value: log(f"visit {value}") or attempt(next(rest, lambda: None))

def step(number, function):
    end = "ends"
    try: attempt(function)
    except Exception as exn: end = f"raises {show_exn(exn)}"
    log(f"statement {number} {end}")
"""

# What a statement is in each. A number in braces stands for an argument, {name} for the name of
# the function, {visit} for what happens at a visit.
OCAML: Final = {
    "add": "nodes.({0}) <- Some (Lwt_sequence.{name} {1} sequences.({2}))",
    "take": 'log (sprintf "{name} %d" (Lwt_sequence.{name} sequences.({0})))',
    "take_opt": 'log ("{name} " ^ show_option (Lwt_sequence.{name} sequences.({0})))',
    "is_empty": 'log (if Lwt_sequence.is_empty sequences.({0}) then "is empty" else "is not empty")',
    "get": 'log (sprintf "get %d" (Lwt_sequence.get (node {0})))',
    "set": "Lwt_sequence.set (node {0}) {1}",
    "remove": "Lwt_sequence.remove (node {0})",
    "create": "sequences.({0}) <- Lwt_sequence.create ()",
    "clear": "Lwt_sequence.clear sequences.({0})",
    "transfer": "Lwt_sequence.{name} sequences.({0}) sequences.({1})",
    "iter": "let visit = {visit} in\nLwt_sequence.{name} visit sequences.({0})",
    "iter_node": "let visit = {visit} in\n"
    "let visit_node node = nodes.({1}) <- Some node; visit (Lwt_sequence.get node) in\n"
    "Lwt_sequence.{name} visit_node sequences.({0})",
    "fold": "let visit = {visit} in\n"
    "let add value sum = visit value; value + 2 * sum in\n"
    'log (sprintf "{name} %d" (Lwt_sequence.{name} add sequences.({0}) 0))',
    "find_node": "let visit = {visit} in\n"
    "let is_wanted value = visit value; value = {2} in\n"
    "nodes.({1}) <- Some (Lwt_sequence.{name} is_wanted sequences.({0}))",
    "find_node_opt": "let visit = {visit} in\n"
    "let is_wanted value = visit value; value = {2} in\n"
    "keep_found {1} (Lwt_sequence.{name} is_wanted sequences.({0}))",
    "stop": "raise Stop",
}
PYTHON: Final = {
    "add": "nodes[{0}] = lwt_sequence.{name}({1}, sequences[{2}])",
    "take": 'log(f"{name} {{lwt_sequence.{name}(sequences[{0}])}}")',
    "take_opt": 'log("{name} " + show_option(lwt_sequence.{name}(sequences[{0}])))',
    "is_empty": 'log("is empty" if lwt_sequence.is_empty(sequences[{0}]) else "is not empty")',
    "get": 'log(f"get {{lwt_sequence.get(node({0}))}}")',
    "set": "lwt_sequence.set(node({0}), {1})",
    "remove": "lwt_sequence.remove(node({0}))",
    "create": "sequences[{0}] = lwt_sequence.create()",
    "clear": "lwt_sequence.clear(sequences[{0}])",
    "transfer": "lwt_sequence.{name}(sequences[{0}], sequences[{1}])",
    "iter": "lwt_sequence.{name}({visit}, sequences[{0}])",
    "iter_node": "visit = {visit}\n"
    "visit_node = lambda node: set_node({1}, node) or visit(lwt_sequence.get(node))\n"
    "lwt_sequence.{name}(visit_node, sequences[{0}])",
    "fold": "visit = {visit}\n"
    "add = lambda value, total: visit(value) or value + 2 * total\n"
    'log(f"{name} {{lwt_sequence.{name}(add, sequences[{0}], 0)}}")',
    "find_node": "visit = {visit}\n"
    "is_wanted = lambda value: visit(value) or value == {2}\n"
    "nodes[{1}] = lwt_sequence.{name}(is_wanted, sequences[{0}])",
    "find_node_opt": "visit = {visit}\n"
    "is_wanted = lambda value: visit(value) or value == {2}\n"
    "keep_found({1}, lwt_sequence.{name}(is_wanted, sequences[{0}]))",
    "stop": "throw(Stop())",
}


def as_ocaml(program: Program) -> str:
    return ocaml_program(OCAML_PREAMBLE, ocaml_steps(map(_ocaml, program)))


def as_python(program: Program) -> str:
    return python_program(PYTHON_PREAMBLE, python_steps(map(_python, program)))


def _parts(form: Form) -> tuple[str, list[int], list[Form]]:
    """Return the name of a template, the numbers, and the statements of visits."""
    name, *arguments = form
    visits = [argument for argument in arguments if isinstance(argument, tuple)]
    return name.removesuffix("_l").removesuffix("_r"), numbers_of(arguments), visits


def _is_nothing(form: Form) -> bool:
    """Tell whether a statement does nothing: transferring a sequence to itself never ends."""
    return bool(form[0].startswith("transfer") and form[1] == form[2])


def _ocaml(form: Form) -> str:
    name, numbers, visits = _parts(form)
    if _is_nothing(form):
        return "()"
    if name == "at":
        steps = [f"attempt {ocaml_function('()', [_ocaml(visit)])}" for visit in visits]
        return ";\n".join(steps) or "()"
    functions = ocaml_list([ocaml_function("()", [_ocaml(visit)]) for visit in visits])
    return OCAML[name].format(*numbers, name=form[0], visit=f"visits {functions}")


def _python(form: Form) -> Python:
    name, numbers, visits = _parts(form)
    if _is_nothing(form):
        return [], "None"
    if name == "at":
        lines: list[str] = []
        for visit in visits:
            definitions, call = python_call("attempt(", _python(visit))
            lines += [*definitions, call]
        return lines[:-1], lines[-1] if lines else "None"
    definitions, functions = [], []
    for number, visit in enumerate(visits, 1):
        functions.append(f"visit_{number}")
        definitions += python_function(functions[-1], "", [_python(visit)])
    template = PYTHON[name].format(
        *numbers, name=form[0], visit=f"visits([{', '.join(functions)}])"
    )
    *assignments, last = template.splitlines()
    return [*definitions, *assignments], last
