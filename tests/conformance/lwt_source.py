"""Programs of `lwt_language` as source text, in OCaml and in Python.

They print what a trace tells: the callbacks that run, the storage that they see, and each time
the states of all promises made so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.conformance.forms import Form, Program, show
from tests.conformance.lwt_language import KEYS, SIGNATURES, SLOTS
from tests.conformance.lwt_preamble import OCAML_PREAMBLE, PYTHON_PREAMBLE
from tests.conformance.shared_source import (
    Python,
    indented,
    ocaml_function,
    ocaml_list,
    ocaml_program,
    ocaml_steps,
    python_call,
    python_function,
    python_program,
    python_steps,
)

AS_BEFORE_6: Final = (
    "# Since 6.0, Lwt does not make rejections of these exceptions; 5.6.1 does.\n"
    "lwt.Exception_filter.set(lwt.Exception_filter.handle_all)\n"
)

OCAML_NAMES: Final = {
    "return_": "Lwt.return",
    "async_": "Lwt.async",
    "poll": "tell_poll",
    "is_sleeping": "tell_sleeping",
    "set_hook": "set_hook",
    "nested_wakeups": "nested_wakeups",
    "chain": "chain",
    "loop": "loop",
    **{name: f"Lwt.Infix.({name})" for name in (">>=", "=<<", ">|=", "=|<", "<&>", "<?>")},
    **{name: f"Lwt.Syntax.({name})" for name in ("let*", "let+", "and*")},
    **{
        f"Let_syntax.{name}": f"Lwt.Let_syntax.Let_syntax.{name}"
        for name in ("bind", "map", "both", "return")
    },
}
PYTHON_NAMES: Final = {
    "=<<": "lwt.bind",
    "let*": "lwt.bind",
    "let+": "lwt.map",
    "=|<": "lwt.map",
    "and*": "lwt.both",
    "poll": "tell_poll",
    "is_sleeping": "tell_sleeping",
    "set_hook": "set_hook",
    "nested_wakeups": "nested_wakeups",
    "chain": "chain",
    "loop": "loop",
}
PYTHON_OPERATORS: Final = {">>=": ">>", ">|=": "|", "<&>": "&", "<?>": "^"}

CONSTANTS: Final = {"return_unit", "return_none", "return_nil", "return_true", "return_false"}
WITH_TEXT: Final = {"fail_with", "fail_invalid_arg"}
WRAPPED: Final = {f"wrap{number}": number for number in range(2, 8)}
"""How many arguments functions have that are given them as a list."""


def as_ocaml(program: Program) -> str:
    """Write a program in OCaml."""
    preamble = OCAML_PREAMBLE.replace("{slots}", str(SLOTS)).replace("{keys}", str(KEYS))
    return ocaml_program(preamble, ocaml_steps(map(_ocaml, program)))


def as_python(program: Program) -> str:
    """Write a program in Python."""
    text = show(program)
    body = python_steps(map(_python, program))
    if "out_of_memory" in text or "stack_overflow" in text:
        body = AS_BEFORE_6 + body
    return python_program(PYTHON_PREAMBLE.replace("{keys}", str(KEYS)), body)


def _exception(form: Form, *, ocaml: bool) -> str:
    names = {
        "canceled": ("Lwt.Canceled", "lwt.Canceled()"),
        "out_of_memory": ("Out_of_memory", "MemoryError()"),
        "stack_overflow": ("Stack_overflow", "RecursionError()"),
    }
    if form in names:
        return names[form][0 if ocaml else 1]
    return f"(E {form})" if ocaml else f"E({form})"


def _arguments(name: str, forms: Sequence[Form]) -> list[tuple[str, Form]]:
    """Return what the arguments of a statement are, with the destination, if any, first."""
    kinds = [kind for kind in SIGNATURES[name].split() if kind != "Q"]
    found = list(zip(kinds, forms, strict=True))
    if name in WRAPPED and WRAPPED[name] > 3:
        first = found.pop()[1]
        found += [("V", first + n) for n in range(WRAPPED[name])]
    return found


# OCaml


def _ocaml(form: Form) -> str:
    """Write a statement."""
    name, *forms = form
    match name:
        case "with_value" | "without_value":
            key, *rest = forms
            value = "None" if name == "without_value" else f"(Some {rest.pop(0)})"
            block = ocaml_function("()", _ocaml_attempts(rest) or ["()"])
            return f"Lwt.with_value keys.({key}) {value} {block}"
        case "take_l" | "take_r":
            return f"take (Lwt_sequence.take_opt_{name[-1]} sequence) {forms[0]}"
        case "await":
            return "()"  # which only a callback that owes a promise can
    arguments = _arguments(name, forms)
    words = [OCAML_NAMES.get(name, f"Lwt.{name}")]
    words += ["located"] if name.startswith("backtrace_") else []
    for kind, argument in arguments:
        if kind != "D":
            words.append(_ocaml_argument(name, kind, argument))
    if name.startswith("add_task"):
        words.append("sequence")
    if name in WITH_TEXT:
        words.append('"program"')
    if len(words) == 1 and name not in CONSTANTS:
        words.append("()")
    call = " ".join(words)
    if name == "nchoose_split":
        call = f"Lwt.map numbered ({call})"
    if not arguments or arguments[0][0] != "D":
        return call
    keep = "keep_both" if name in {"task", "wait"} else "keep"
    return f"{keep} {arguments[0][1]} ({call})"


def _ocaml_argument(name: str, kind: str, form: Form) -> str:
    match kind:
        case "P":
            return f"(promise {form})"
        case "R":
            return f"(resolver {form})"
        case "L":
            return ocaml_list([f"promise {slot}" for slot in form])
        case "V" | "N":
            return str(form)
        case "E":
            return _exception(form, ocaml=True)
        case "X":
            word, value = form
            if word == "ok":
                return f"(Ok {value})"
            return f"(Error {_exception(value, ocaml=True)})"
        case "W":
            return "Lwt.Sleep" if form == "sleep" else f"(Lwt.Return {form[1]})"
    callback = _ocaml_callback(kind, form)
    if name in WRAPPED:
        names = list("abcdefg"[: WRAPPED[name]])
        return f"(fun {' '.join(names)} -> {callback} [{'; '.join(names)}])"
    if name.startswith("Let_syntax"):
        return f"~f:{callback}"
    return f"(notifier {callback})" if name == "register_pause_notifier" else callback


def _ocaml_attempts(statements: Sequence[Form]) -> list[str]:
    return [f"attempt {ocaml_function('()', [_ocaml(form)])}" for form in statements]


def _ocaml_callback(kind: str, form: Form) -> str:
    takes, owes = kind[0], kind[1]
    _, number, *statements, end = form
    given = "(show_value x)" if takes == "1" else '""'
    steps = _ocaml_body(owes, number, statements, _ocaml_end(takes, owes, end))
    if owes == "h":
        steps = [f"handled {number} {ocaml_function('()', [f'call {number} {given}', *steps])}"]
    else:
        steps = [f"call {number} {given}", *steps]
    return ocaml_function("x" if takes == "1" else "()", steps)


def _ocaml_body(owes: str, number: int, statements: Sequence[Form], last: str) -> list[str]:
    """Return the steps of a callback; what follows an await is a function of its own."""
    steps: list[str] = []
    for place, statement in enumerate(statements):
        if statement[0] == "await" and owes == "p":
            rest = _ocaml_body(owes, number, statements[place + 1 :], last)
            return [*steps, f"await {number} {statement[1]} {ocaml_function('()', rest)}"]
        steps += _ocaml_attempts([statement])
    return [*steps, last]


def _ocaml_end(takes: str, owes: str, end: Form) -> str:
    match end:
        case ("raise", exception):
            return f"raise {_exception(exception, ocaml=True)}"
        case _ if owes in "uh":
            return "()"
        case ("rejected", exception) if owes == "p":
            return f"Lwt.fail {_exception(exception, ocaml=True)}"
        case ("promise", slot) if owes == "p":
            return f"promise_or_0 {slot}"
        case ("argument",):
            value = "any x" if takes == "1" else "any ()"
        case ("return", number):
            value = f"any {number}"
        case _:
            value = "any 0"
    return f"Lwt.return ({value})" if owes == "p" else value


# Python


def _python(form: Form) -> Python:
    """Write a statement, after the functions that it needs."""
    name, *forms = form
    match name:
        case "with_value" | "without_value":
            key, *rest = forms
            value = "None" if name == "without_value" else f"lwt.Some({rest.pop(0)})"
            block = python_function("block", "", _python_attempts(rest))
            return block, f"lwt.with_value(keys[{key}], {value}, block)"
        case "take_l" | "take_r":
            return [], f"take(lwt_sequence.take_opt_{name[-1]}(sequence), {forms[0]})"
        case "await":
            return [], "None"
    arguments = _arguments(name, forms)
    definitions: list[str] = []
    words = ["'program', 1, located"] if name.startswith("backtrace_") else []
    for kind, argument in arguments:
        if kind[0] in "01":
            definitions += _python_callback(kind, argument)
            words.append(_python_function_word(name, f"callback_{argument[1]}"))
        elif kind != "D":
            words.append(_python_argument(kind, argument))
    call = _python_expression(name, words)
    if not arguments or arguments[0][0] != "D":
        return definitions, call
    keep = "keep_both" if name in {"task", "wait"} else "keep"
    return definitions, f"{keep}({arguments[0][1]}, {call})"


def _python_function_word(name: str, callback: str) -> str:
    if name in WRAPPED:
        return f"lambda *given: {callback}([*given])"
    if name.startswith("Let_syntax"):
        return f"f={callback}"
    return f"notifier({callback})" if name == "register_pause_notifier" else callback


def _python_expression(name: str, words: list[str]) -> str:
    """Write a call of a function, given its arguments."""
    if name in PYTHON_OPERATORS:
        return f"{words[0]} {PYTHON_OPERATORS[name]} {words[1]}"
    if name in CONSTANTS:
        return f"lwt.{name}"
    if name.startswith("wrap") and name[-1].isdigit():
        return f"lwt.{name}({words[0]})({', '.join(words[1:])})"
    if name in {"=<<", "let+"}:
        words.reverse()
    if name.startswith("add_task"):
        words.append("sequence")
    if name in WITH_TEXT:
        words.append("'program'")
    function = PYTHON_NAMES.get(name, f"lwt.{name}")
    if name.startswith("Let_syntax."):
        function = f"lwt.Let_syntax.{name}".replace(".return", ".return_")
    call = f"{function}({', '.join(words)})"
    return f"lwt.map(numbered, {call})" if name == "nchoose_split" else call


def _python_argument(kind: str, form: Form) -> str:
    match kind:
        case "P":
            return f"promise({form})"
        case "R":
            return f"resolver({form})"
        case "L":
            return f"[{', '.join(f'promise({slot})' for slot in form)}]"
        case "E":
            return _exception(form, ocaml=False)
        case "X":
            word, value = form
            return (
                f"lwt.Ok({value})"
                if word == "ok"
                else f"lwt.Error({_exception(value, ocaml=False)})"
            )
        case "W":
            return "lwt.Sleep" if form == "sleep" else f"lwt.Return({form[1]})"
    return str(form)


def _python_attempts(statements: Sequence[Form]) -> list[Python]:
    return [python_call("attempt(", _python(form)) for form in statements]


def _python_callback(kind: str, form: Form) -> list[str]:
    takes, owes = kind[0], kind[1]
    _, number, *statements, end = form
    given = "show_value(x)" if takes == "1" else "''"
    body = _python_body(owes, number, statements, _python_end(takes, owes, end))
    body = [f"call({number}, {given})", *body]
    if owes == "h":
        body = ["def act():", *indented(body), f"handled({number}, act)"]
    return [f"def callback_{number}({'x' if takes == '1' else ''}):", *indented(body)]


def _python_body(owes: str, number: int, statements: Sequence[Form], last: str) -> list[str]:
    """Return the lines of a callback; what follows an await is a function of its own."""
    lines: list[str] = []
    for place, statement in enumerate(statements):
        if statement[0] == "await" and owes == "p":
            rest = _python_body(owes, number, statements[place + 1 :], last)
            lines += ["def go_on():", *indented(rest)]
            return [*lines, f"return await_({number}, {statement[1]}, go_on)"]
        for definitions, call in _python_attempts([statement]):
            lines += [*definitions, call]
    return [*lines, last]


def _python_end(takes: str, owes: str, end: Form) -> str:
    match end:
        case ("raise", exception):
            return f"raise {_exception(exception, ocaml=False)}"
        case _ if owes in "uh":
            return "return None"
        case ("rejected", exception) if owes == "p":
            return f"return lwt.fail({_exception(exception, ocaml=False)})"
        case ("promise", slot) if owes == "p":
            return f"return promise_or_0({slot})"
        case ("argument",):
            value = "x" if takes == "1" else "None"
        case ("return", number):
            value = str(number)
        case _:
            value = "0"
    return f"return lwt.return_({value})" if owes == "p" else f"return {value}"
