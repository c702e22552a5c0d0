"""Scripts of input and output as source text, in OCaml and in Python.

They print what a trace tells, except that errors have the system's words, and data is shown in
full. The tables of `lwt_unix_source.py`, `lwt_io_source.py` and `server_source.py` say what
each statement is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.conformance import lwt_io_source, lwt_unix_source, server_source
from tests.conformance.forms import Form, Program, show
from tests.conformance.lwt_unix_run import PATHS, text_of
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

OCAML: Final = lwt_unix_source.OCAML | lwt_io_source.OCAML | server_source.OCAML
PYTHON: Final = lwt_unix_source.PYTHON | lwt_io_source.PYTHON | server_source.PYTHON

# At the end: what the descriptors and promises have come to. Nothing is flushed any more.
OCAML_END: Final = r"""
let () =
  let each slots f =
    List.iter f (List.sort (fun (a, _) (b, _) -> compare a b) (List.of_seq (Hashtbl.to_seq slots))) in
  each descriptors (fun (slot, fd) ->
    event (sprintf "d%d %s" slot (show_state (Lwt_unix.state fd))));
  each promises (fun (slot, promise) ->
    if Lwt.is_sleeping promise then event (sprintf "p%d waits" slot));"""
OCAML_UNLINK: Final = f"""
  List.iter (fun number -> try Unix.unlink (path number) with _ -> ()) {[*range(PATHS)]};"""
PYTHON_END: Final = """
for slot, fd in sorted(descriptors.items()): event(f"d{slot} {show_state(lwt_unix.state(fd))}")
for slot in sorted(promises):
    if lwt.is_sleeping(promises[slot]): event(f"p{slot} waits")"""
PYTHON_UNLINK: Final = f"""
for number in range({PATHS}):
    if os.path.exists(path(number)): os.unlink(path(number))"""


def as_ocaml(program: Program) -> str:
    preambles = (lwt_unix_source, lwt_io_source, server_source)
    preamble = "\n\n".join(part.OCAML_PREAMBLE.strip() for part in preambles)
    body = ocaml_steps(map(_Ocaml(program).statement, program)) + OCAML_END
    body += OCAML_UNLINK.replace(", ", "; ") if "address " in body else ""
    return ocaml_program(preamble, f"{body}\n  Unix._exit 0")


def as_python(program: Program) -> str:
    preambles = (lwt_unix_source, lwt_io_source, server_source)
    preamble = "\n\n".join(part.PYTHON_PREAMBLE.strip() for part in preambles)
    body = python_steps(map(_Python(program).statement, program)) + PYTHON_END
    body += PYTHON_UNLINK if "address(" in body else ""
    return python_program(preamble, f"{body}\nos._exit(0)")


def _words_of(form: Form) -> dict[str, str]:
    """Return what the words of a statement are called in both languages."""
    words = {
        "read": ("direction", "Read"),
        "write": ("direction", "Write"),
        "receive": ("command", "SHUTDOWN_RECEIVE"),
        "send": ("command", "SHUTDOWN_SEND"),
        "all": ("command", "SHUTDOWN_ALL"),
        "input": ("mode", "Input"),
        "output": ("mode", "Output"),
    }
    return dict(words[part] for part in form[1:] if isinstance(part, str) and part in words)


def _texts(form: Form) -> dict[str, str]:
    """Return the text that a statement writes, as both languages write it."""
    name, last = form[0], form[-1]
    if name in {"write_text", "io_write", "io_write_line", "io_write_char"}:
        text = text_of(str(last)).decode()
        if name == "io_write_char":
            text = text[:1]
        escaped = text.replace("\n", "\\n").replace("\r", "\\r")
        return {"text": f'"{escaped}"', "length": str(len(text))}
    return {}


def _slot_of_waiting(name: str, form: Form) -> int:
    """Return the slot of the promise that a function of a statement waits for."""
    return {"io_of_fd": 80, "io_make": 60}.get(name, 100) + int(form[1])


def _memory(name: str, arguments: list[Form]) -> list[Form]:
    """Return the arguments of a statement; buffers of channels are not smaller than Lwt's."""
    places = {"io_pipe": (2, 3), "io_of_fd": (3,), "io_make": (2,), "open_connection": (4,)}
    places["serve_channels"] = (3,)
    for place in places.get(name, ()):
        arguments[place] = max(16, arguments[place])
    return arguments


class _Ocaml:
    """The statements of a script in OCaml."""

    def __init__(self, program: Program) -> None:
        self._has_servers = "(serve_" in show(program)

    def statement(self, form: Form) -> str:
        name, *arguments = form
        numbers = [
            f"({part})" if isinstance(part, int) and part < 0 else part
            for part in _memory(name, list(arguments))
        ]
        text = OCAML[name].format(
            *numbers, **_words_of(form), **_texts(form), **self._parts(name, form)
        )
        return f"check_clients ();\n{text}" if name == "connect" and self._has_servers else text

    def _parts(self, name: str, form: Form) -> dict[str, str]:
        match name:
            case "then":
                return {"block": self._function("()", form[2])}
            case "recv":
                return {"flags": "[Unix.MSG_PEEK]" if form[-1] == 1 else "[]"}
            case "wrap_syscall" | "register_action":
                return {"calls": ocaml_list([self._outcome(outcome) for outcome in form[4]])}
            case "abort" | "wakeup_exn":
                return {"exn": f"(E {form[2]})" if form[2] else "Not_found"}
            case "pick":
                return {"slots": ocaml_list([f"promise {slot}" for slot in form[2]])}
            case "io_of_fd":
                return {"close": self._close(form, form[-1])}
            case "io_make":
                steps = [self._step(form, step) for step in form[-1]]
                transfer = "reads" if form[2] == "input" else "writes"
                close = self._close(form, "quiet")
                return {"steps": ocaml_list(steps), "transfer": transfer, "close": close}
            case "io_atomic":
                borrowing = f"borrow {form[2]} {form[3]} is_of_input borrowed"
                slot = _slot_of_waiting(name, form)
                return {
                    "body": self._function("borrowed", form[-1][1:], form[-1][0], slot, borrowing)
                }
            case "with_connection":
                keeping = (
                    f"keep_input {form[2]} ic;\nkeep_output {form[3]} oc;\n" + 'event "connected"'
                )
                slot = _slot_of_waiting(name, form)
                return {
                    "body": self._function("(ic, oc)", form[-1][1:], form[-1][0], slot, keeping)
                }
            case "serve_sockets" | "serve_channels":
                handlers = form[-1] or (("returns",),)
                written = [
                    self._function("client", handler[1:], handler[0], "(140 + client)")
                    for handler in handlers
                ]
                no_close = "~no_close:true " if form[-2] == 1 else ""
                return {"handlers": ocaml_list(written), "no_close": no_close}
        return {}

    def _attempts(self, statements: Iterable[Form]) -> list[str]:
        written = map(self.statement, statements)
        return [f"attempt {ocaml_function('()', [statement])}" for statement in written]

    def _function(
        self,
        argument: str,
        statements: Iterable[Form],
        end: str = "",
        slot: int | str = 0,
        first: str = "",
    ) -> str:
        steps = self._attempts(statements)
        if end:
            ends = lwt_io_source.OCAML_ENDS
            steps.append(ends.get(end, ends["returns"]).format(slot=slot))
        if end == "joins":
            steps[0] = f"let before = !started in\n{steps[0]}"
        return ocaml_function(argument, [*([first] if first else []), *steps] or ["()"])

    def _outcome(self, outcome: Form) -> str:
        name, *statements = outcome
        end = {
            "retry": "raise Lwt_unix.Retry",
            "retry_read": "raise Lwt_unix.Retry_read",
            "retry_write": "raise Lwt_unix.Retry_write",
            "again": 'raise (Unix.Unix_error (Unix.EAGAIN, "", ""))',
            "fail": "raise (E 1)",
        }.get(name, "1")
        function = ocaml_function("()", [*self._attempts(statements), end])
        return f'"{name}", {function}'

    def _step(self, form: Form, step: Form) -> str:
        if isinstance(step, int):
            return f"gives {step}"
        if isinstance(step, tuple):
            steps = [*self._attempts(step[1:]), "Lwt.return (give 3)"]
            return ocaml_function("give _", steps)
        template = lwt_io_source.OCAML_STEPS.get(step, lwt_io_source.OCAML_STEPS["wait"])
        return template.format(slot=_slot_of_waiting("io_make", form))

    def _close(self, form: Form, how: str) -> str:
        if how == "default":
            return ""
        end = lwt_io_source.OCAML_CLOSES[how].format(slot=_slot_of_waiting("io_of_fd", form))
        steps = [f'event "c{form[1]} is closed, {how}"', end]
        return f"~close:{ocaml_function('()', steps)} "


class _Python:
    """The statements of a script in Python."""

    def __init__(self, program: Program) -> None:
        self._has_servers = "(serve_" in show(program)

    def statement(self, form: Form) -> Python:
        name, *arguments = form
        definitions, parts = self._parts(name, form)
        text = PYTHON[name].format(
            *_memory(name, list(arguments)), **_words_of(form), **_texts(form), **parts
        )
        if name == "connect" and self._has_servers:
            text = f"check_clients()\n{text}"
        *lines, last = text.splitlines()
        return [*definitions, *lines], last

    def _parts(self, name: str, form: Form) -> tuple[list[str], dict[str, str]]:
        """Return functions, and what the templates have besides arguments."""
        match name:
            case "then":
                after = f"after_p{form[1]}"
                return self._function(after, "", form[2]), {"block": after}
            case "recv":
                return [], {"flags": "[lwt_unix.MSG_PEEK]" if form[-1] == 1 else "[]"}
            case "wrap_syscall" | "register_action":
                return self._calls(form)
            case "abort" | "wakeup_exn":
                return [], {"exn": f"E({form[2]})" if form[2] else "LookupError()"}
            case "pick":
                slots = ", ".join(f"promise({slot})" for slot in form[2])
                return [], {"slots": f"[{slots}]"}
            case "io_of_fd":
                return self._close(form, form[-1])
            case "io_make":
                return self._steps(form)
            case "io_atomic":
                body, slot = f"use_c{form[3]}", _slot_of_waiting(name, form)
                borrowing = [f"borrow({form[2]}, {form[3]}, borrowed)"]
                return (
                    self._function(body, "borrowed", form[-1][1:], form[-1][0], slot, borrowing),
                    {"body": body},
                )
            case "with_connection":
                body, slot = f"use_c{form[2]}_c{form[3]}", _slot_of_waiting(name, form)
                keeping = [
                    f"keep_channels({form[2]}, {form[3]}, channels)",
                    'event("connected")',
                ]
                return (
                    self._function(body, "channels", form[-1][1:], form[-1][0], slot, keeping),
                    {"body": body},
                )
            case "serve_sockets" | "serve_channels":
                return self._handlers(form)
        return [], {}

    def _handlers(self, form: Form) -> tuple[list[str], dict[str, str]]:
        definitions: list[str] = []
        names: list[str] = []
        for number, (end, *statements) in enumerate(form[-1] or (("returns",),)):
            names.append(f"handler_{number}")
            slot = "140 + client"
            definitions += self._function(names[-1], "client", statements, end, slot)
        no_close = ", no_close=True" if form[-2] == 1 else ""
        return definitions, {"handlers": f"[{', '.join(names)}]", "no_close": no_close}

    def _attempts(self, statements: Iterable[Form]) -> list[Python]:
        return [python_call("attempt(", self.statement(statement)) for statement in statements]

    def _function(
        self,
        name: str,
        argument: str,
        statements: Iterable[Form],
        end: str = "",
        slot: int | str = 0,
        first: Iterable[str] = (),
    ) -> list[str]:
        steps: list[Python] = [([], line) for line in first]
        if end == "joins":
            steps.append(([], "before = len(started)"))
        steps += self._attempts(statements)
        ends = lwt_io_source.PYTHON_ENDS
        last = ends.get(end, ends["returns"]).format(slot=slot) if end else ""
        return python_function(name, argument, steps, last)

    def _calls(self, form: Form) -> tuple[list[str], dict[str, str]]:
        definitions: list[str] = []
        calls: list[str] = []
        for number, (name, *statements) in enumerate(form[4], 1):
            end = {
                "retry": "throw(lwt_unix.Retry())",
                "retry_read": "throw(lwt_unix.Retry_read())",
                "retry_write": "throw(lwt_unix.Retry_write())",
                "again": 'throw(BlockingIOError(errno.EAGAIN, ""))',
                "fail": "throw(E(1))",
            }.get(name, "1")
            function = f"lambda: {end}"
            if statements:
                function = f"p{form[1]}_{name}_{number}"
                attempts = self._attempts(statements)
                definitions += python_function(function, "", attempts, f"return {end}")
            calls.append(f'("{name}", {function})')
        return definitions, {"calls": f"[{', '.join(calls)}]"}

    def _steps(self, form: Form) -> tuple[list[str], dict[str, str]]:
        definitions: list[str] = []
        steps: list[str] = []
        for number, step in enumerate(form[-1], 1):
            if isinstance(step, int):
                steps.append(f"gives({step})")
            elif isinstance(step, tuple):
                steps.append(f"c{form[1]}_step_{number}")
                attempts, last = self._attempts(step[1:]), "return lwt.return_(give(3))"
                definitions += python_function(steps[-1], "give, _", attempts, last)
            else:
                template = lwt_io_source.PYTHON_STEPS.get(step, lwt_io_source.PYTHON_STEPS["wait"])
                steps.append(template.format(slot=_slot_of_waiting("io_make", form)))
        closing, parts = self._close(form, "quiet")
        transfer = "reads" if form[2] == "input" else "writes"
        parts |= {"steps": f"[{', '.join(steps)}]", "transfer": transfer}
        return [*definitions, *closing], parts

    def _close(self, form: Form, how: str) -> tuple[list[str], dict[str, str]]:
        if how == "default":
            return [], {"close": ""}
        end = lwt_io_source.PYTHON_CLOSES[how].format(slot=_slot_of_waiting("io_of_fd", form))
        body = [f'event("c{form[1]} is closed, {how}")', f"return {end}"]
        definitions = ["def close():", *indented(body)]
        return definitions, {"close": ", close=close"}
