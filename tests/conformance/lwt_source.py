"""Programs of `lwt_language` in OCaml and in Python, ready to be compiled and to be run.

They print what a trace has: the callbacks that run, and after each statement the states of
the promises in the slots. Slots are arrays: `p` of promises, `r` of resolvers, `k` of keys.
"""

from __future__ import annotations

from tests.conformance.forms import Form, Program
from tests.conformance.lwt_language import SIGNATURES

OCAML_PRELUDE = """\
exception E of int
let any = Obj.magic
let p : int Lwt.t array = Array.make 5 (Lwt.return 0)
let r : int Lwt.u array = Array.init 5 (fun _ -> snd (Lwt.wait ()))
let k : int Lwt.key array = Array.init 2 (fun _ -> Lwt.new_key ())
let sequence : int Lwt.u Lwt_sequence.t = Lwt_sequence.create ()
let keep slot (promise, resolver) = p.(slot) <- promise; r.(slot) <- resolver
let located = function E n -> E (n + 100) | exn -> exn
let take taken v = match taken with None -> () | Some u -> Lwt.wakeup u v
let run number =
  let seen key = match Lwt.get key with None -> "-" | Some v -> string_of_int v in
  Printf.printf "%d sees %s\\n" number (String.concat " " (Array.to_list (Array.map seen k)))
let state promise =
  match Lwt.state promise with
  | Lwt.Sleep -> "-" | Lwt.Return _ -> "returned" | Lwt.Fail exn -> Printexc.to_string exn
let step f =
  (try f () with exn -> Printf.printf "raises %s\\n" (Printexc.to_string exn));
  print_endline (String.concat ", " (Array.to_list (Array.map state p)))
let () = Lwt.async_exception_hook := fun exn ->
  Printf.printf "hook %s\\n" (Printexc.to_string exn)
"""

PYTHON_PRELUDE = """\
import lwt
from lwt import lwt_sequence

class E(Exception): pass
p = [lwt.return_(0)] * 5
r = [lwt.wait()[1] for _ in range(5)]
k = [lwt.new_key() for _ in range(2)]
sequence = lwt_sequence.create()
def located(exn): return E(exn.args[0] + 100) if isinstance(exn, E) else exn
def throw(exn): raise exn
def take(taken, value):
    if taken: lwt.wakeup(taken.value, value)
def run(number, *given): print(number, *given, "sees", *[lwt.get(key) for key in k])
def step(function):
    try: function()
    except Exception as exn: print("raises", repr(exn))
    print(p)
lwt.async_exception_hook.contents = lambda exn: print("hook", repr(exn))
"""

OCAML_NAMES = {
    "return_": "Lwt.return",
    "async_": "Lwt.async",
    "without_value": "Lwt.with_value",
    **{name: f"Lwt.Infix.({name})" for name in (">>=", "=<<", ">|=", "=|<", "<&>", "<?>")},
    **{name: f"Lwt.Syntax.({name})" for name in ("let*", "let+", "and*")},
    **{
        f"Let_syntax.{name}": f"Lwt.Let_syntax.Let_syntax.{name}"
        for name in ("bind", "map", "both", "return")
    },
}

WRAPPED = {f"wrap{number}": number for number in range(2, 8)}


def as_ocaml(program: Program) -> str:
    """Write a program in OCaml."""
    steps = [f"let () = step (fun () ->\n  {_ocaml(form)})" for form in program]
    return "\n".join([OCAML_PRELUDE, *steps])


def _exception(form: Form, *, ocaml: bool) -> str:
    names = {
        "canceled": ("Lwt.Canceled", "lwt.Canceled()"),
        "out_of_memory": ("Out_of_memory", "MemoryError()"),
        "stack_overflow": ("Stack_overflow", "RecursionError()"),
    }
    if form in names:
        return names[form][0 if ocaml else 1]
    return f"(E {form})" if ocaml else f"E({form})"


def _ocaml(form: Form) -> str:
    """Write a statement."""
    name, *arguments = form
    match name:
        case "with_value" | "without_value":
            key, *rest = arguments
            value = "None" if name == "without_value" else f"(Some {rest.pop(0)})"
            return f"Lwt.with_value k.({key}) {value} (fun () -> {_ocaml_row(rest)})"
        case "take_l" | "take_r":
            return f"take (Lwt_sequence.take_opt_{name[-1]} sequence) {arguments[0]}"
        case "set_hook":
            return f"Lwt.async_exception_hook := {_ocaml_callback('1h', arguments[0])}"
        case "nested_wakeups":
            return (
                f"let rec wake n = let q, u = Lwt.wait () in "
                f"Lwt.on_success q (fun () -> if n = 1 then "
                f"{_ocaml_callback('0u', arguments[1])} () else wake (n - 1)); Lwt.wakeup u () "
                f"in wake {arguments[0]}"
            )
        case "chain" | "loop":
            return _ocaml_chain(name, *arguments)
    kinds = SIGNATURES[name].split()
    forms = iter(arguments)
    destination = None
    words = [OCAML_NAMES.get(name, f"Lwt.{name}")]
    if name.startswith("backtrace_"):
        words.append("located")
    for kind in kinds:
        if kind == "D":
            destination = next(forms)
        elif kind == "Q":
            words.append("sequence")
        else:
            word = _ocaml_argument(kind, next(forms))
            if name in WRAPPED and kind == "1v":
                names = " ".join("abcdefg"[: WRAPPED[name]])
                word = f"(fun {names} -> {word} [{names.replace(' ', '; ')}])"
            if name.startswith("Let_syntax") and kind[0] == "1":
                word = f"~f:{word}"
            words.append(word)
    if name in {"wrap4", "wrap5", "wrap6", "wrap7"}:
        first = int(words.pop())
        words += [str(first + n) for n in range(WRAPPED[name])]
    if name in {"fail_with", "fail_invalid_arg"}:
        words.append('"program"')
    if len(words) == 1 and not name.startswith("return_"):
        words.append("()")
    call = " ".join(words)
    if destination is None:
        return f"ignore ({call})" if name in {"poll", "is_sleeping"} else call
    if name in {"task", "wait"}:
        return f"keep {destination} ({call})"
    return f"p.({destination}) <- any ({call})"


def _ocaml_chain(name: str, destination: int, promise: int, length: int) -> str:
    if name == "chain":
        return (
            f"let resolvers = ref [] and last = ref p.({promise}) in for _ = 1 to {length} do "
            "let gate, u = Lwt.wait () in let inner = !last in resolvers := u :: !resolvers; "
            "last := Lwt.bind gate (fun () -> inner) done; "
            "List.iter (fun u -> Lwt.wakeup u ()) (List.rev !resolvers); "
            f"p.({destination}) <- !last"
        )
    return (
        "let q = Queue.create () in "
        f"let rec turn n = if n = 0 then p.({promise}) else begin let gate, u = Lwt.wait () in "
        "Queue.add u q; Lwt.bind gate (fun () -> turn (n - 1)) end in "
        f"let first = turn {length} in while not (Queue.is_empty q) do "
        f"Lwt.wakeup (Queue.pop q) () done; p.({destination}) <- first"
    )


def _ocaml_argument(kind: str, form: Form) -> str:
    match kind:
        case "P":
            return f"(any p.({form}))"
        case "R":
            return f"r.({form})"
        case "L":
            return f"[{'; '.join(f'any p.({slot})' for slot in form)}]"
        case "V" | "N":
            return str(form)
        case "E":
            return _exception(form, ocaml=True)
        case "X":
            if form[0] == "ok":
                return f"(Ok {form[1]})"
            return f"(Error {_exception(form[1], ocaml=True)})"
        case "W":
            return "Lwt.Sleep" if form == "sleep" else f"(Lwt.Return {form[1]})"
        case _:
            return _ocaml_callback(kind, form)


def _ocaml_row(statements: list[Form]) -> str:
    return "; ".join(f"({_ocaml(form)})" for form in statements) or "()"


def _ocaml_callback(kind: str, form: Form) -> str:
    _, number, *statements, end = form
    takes, owes = kind[0], kind[1]
    is_promise = owes == "p"
    argument = "any x" if takes == "1" else "any ()"
    match end:
        case ("raise", exception):
            last = f"raise {_exception(exception, ocaml=True)}"
        case ("rejected", exception) if is_promise:
            last = f"Lwt.fail {_exception(exception, ocaml=True)}"
        case ("promise", slot) if is_promise:
            last = f"any p.({slot})"
        case ("argument",):
            last = f"Lwt.return ({argument})" if is_promise else argument
        case _:
            value = end[1] if end[0] == "return" else 0
            last = f"any (Lwt.return {value})" if is_promise else f"any {value}"
    if owes in "uh":
        last = last if end[0] == "raise" else "()"
    body = last
    for statement in reversed(statements):
        if statement[0] == "await":
            body = f"Lwt.bind p.({statement[1]}) (fun _ -> run {number}; {body})"
        else:
            body = f"({_ocaml(statement)}); {body}"
    if owes == "h":
        body = f"try {body} with _ -> ()"
    return f"(fun {'x' if takes == '1' else '()'} -> run {number}; {body})"


# Python


def as_python(program: Program) -> str:
    """Write a program in Python."""
    lines = [PYTHON_PRELUDE]
    for form in program:
        lines.append("def statement():")
        lines += [f"    {line}" for line in _python(form)]
        lines.append("step(statement)")
    return "\n".join(lines)


PYTHON_OPERATORS = {">>=": ">>", ">|=": "|", "<&>": "&", "<?>": "^"}
PYTHON_NAMES = {"=<<": "bind", "let*": "bind", "let+": "map", "=|<": "map", "and*": "both"}


def _python(form: Form) -> list[str]:
    """Write a statement, after the functions that it needs."""
    name, *arguments = form
    lines: list[str] = []
    match name:
        case "with_value" | "without_value":
            key, *rest = arguments
            value = "None" if name == "without_value" else f"lwt.Some({rest.pop(0)})"
            lines.append("def block():")
            lines += [f"    {line}" for statement in rest for line in _python(statement)]
            lines += ["    pass", f"lwt.with_value(k[{key}], {value}, block)"]
            return lines
        case "take_l" | "take_r":
            return [f"take(lwt_sequence.take_opt_{name[-1]}(sequence), {arguments[0]})"]
        case "set_hook":
            lines += _python_callback("1h", arguments[0])
            return [*lines, f"lwt.async_exception_hook.contents = callback_{arguments[0][1]}"]
        case "nested_wakeups":
            lines += _python_callback("0u", arguments[1])
            return [
                *lines,
                "def wake(n):",
                "    q, u = lwt.wait()",
                f"    then = callback_{arguments[1][1]} if n == 1 else lambda: wake(n - 1)",
                "    lwt.on_success(q, lambda _: then())",
                "    lwt.wakeup(u, None)",
                f"wake({arguments[0]})",
            ]
        case "chain" | "loop":
            return _python_chain(name, *arguments)
    kinds = SIGNATURES[name].split()
    forms = iter(arguments)
    destination = None
    words: list[str] = ["'program', 1, located"] if name.startswith("backtrace_") else []
    for kind in kinds:
        if kind == "D":
            destination = next(forms)
        elif kind == "Q":
            words.append("sequence")
        else:
            form = next(forms)
            if kind[0] in "01":
                lines += _python_callback(kind, form)
                word = f"callback_{form[1]}"
                if name in WRAPPED:
                    word = f"lambda *given: {word}(list(given))"
                words.append(word)
            else:
                words.append(_python_argument(kind, form))
    if name in {"fail_with", "fail_invalid_arg"}:
        words.append("'program'")
    if name in PYTHON_OPERATORS:
        call = f"{words[0]} {PYTHON_OPERATORS[name]} {words[1]}"
    elif name.startswith("Let_syntax."):
        function = name.removeprefix("Let_syntax.").replace("return", "return_")
        if function in {"bind", "map"}:
            words[1] = f"f={words[1]}"
        call = f"lwt.Let_syntax.Let_syntax.{function}({', '.join(words)})"
    elif name in {"return_unit", "return_none", "return_nil", "return_true", "return_false"}:
        call = f"lwt.{name}"
    elif name.startswith("wrap") and name[-1].isdigit():
        if name[-1] in "4567":
            words[1:] = [str(int(words[1]) + n) for n in range(int(name[-1]))]
        call = f"lwt.{name}({words[0]})({', '.join(words[1:])})"
    else:
        if name in {"=<<", "let+"}:
            words.reverse()
        call = f"lwt.{PYTHON_NAMES.get(name, name)}({', '.join(words)})"
    if name in {"task", "wait"}:
        return [*lines, f"p[{destination}], r[{destination}] = {call}"]
    return [*lines, call if destination is None else f"p[{destination}] = {call}"]


def _python_chain(name: str, destination: int, promise: int, length: int) -> list[str]:
    if name == "chain":
        return [
            f"resolvers, last = [], p[{promise}]",
            f"for _ in range({length}):",
            "    gate, u = lwt.wait()",
            "    resolvers.append(u)",
            "    last = lwt.bind(gate, lambda _, inner=last: inner)",
            "for u in resolvers: lwt.wakeup(u, None)",
            f"p[{destination}] = last",
        ]
    return [
        "resolvers = []",
        "def turn(n):",
        f"    if n == 0: return p[{promise}]",
        "    gate, u = lwt.wait()",
        "    resolvers.append(u)",
        "    return lwt.bind(gate, lambda _: turn(n - 1))",
        f"first = turn({length})",
        "for u in resolvers: lwt.wakeup(u, None)",
        f"p[{destination}] = first",
    ]


def _python_argument(kind: str, form: Form) -> str:
    match kind:
        case "P":
            return f"p[{form}]"
        case "R":
            return f"r[{form}]"
        case "L":
            return f"[{', '.join(f'p[{slot}]' for slot in form)}]"
        case "E":
            return _exception(form, ocaml=False)
        case "X":
            if form[0] == "ok":
                return f"lwt.Ok({form[1]})"
            return f"lwt.Error({_exception(form[1], ocaml=False)})"
        case "W":
            return "lwt.Sleep" if form == "sleep" else f"lwt.Return({form[1]})"
        case _:
            return str(form)


def _python_callback(kind: str, form: Form) -> list[str]:
    _, number, *statements, end = form
    takes, owes = kind[0], kind[1]
    argument = "x" if takes == "1" else "None"
    match end:
        case ("raise", exception):
            last = f"throw({_exception(exception, ocaml=False)})"
        case ("rejected", exception) if owes == "p":
            last = f"lwt.fail({_exception(exception, ocaml=False)})"
        case ("promise", slot) if owes == "p":
            last = f"p[{slot}]"
        case _:
            value = argument if end[0] == "argument" else str(end[1] if end[0] == "return" else 0)
            last = f"lwt.return_({value})" if owes == "p" else value
    lines = [f"def callback_{number}({'x' if takes == '1' else ''}):"]
    indent = "    "
    lines.append(f"{indent}run({number}{', x' if takes == '1' else ''})")
    ends: list[str] = []
    for count, statement in enumerate(statements):
        if statement[0] == "await":
            lines.append(f"{indent}def go_on_{count}(_):")
            ends.append(f"{indent}return lwt.bind(p[{statement[1]}], go_on_{count})")
            indent += "    "
            lines.append(f"{indent}run({number})")
        else:
            lines += [indent + line for line in _python(statement)]
    return [*lines, f"{indent}return {last}", *reversed(ends)]
