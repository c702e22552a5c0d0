"""The public names are those of OCaml's interface, translated by the conventions."""

import inspect
import subprocess
import sys

import pytest

import lwt

# Every value, type, exception and module of lwt.mli 6.1, in its order; not the operators.
LWT_MLI = [
    "t",
    "u",
    "wait",
    "wakeup_later",
    "wakeup_later_exn",
    "return",
    "fail",
    "bind",
    "reraise",
    "catch",
    "finalize",
    "try_bind",
    "dont_wait",
    "async",
    "async_exception_hook",
    "both",
    "join",
    "all",
    "pick",
    "choose",
    "npick",
    "nchoose",
    "nchoose_split",
    "Canceled",
    "task",
    "cancel",
    "on_cancel",
    "protected",
    "no_cancel",
    "wrap_in_cancelable",
    "map",
    "on_success",
    "on_failure",
    "on_termination",
    "on_any",
    "Infix",
    "Let_syntax",
    "Syntax",
    "return_unit",
    "return_none",
    "return_nil",
    "return_true",
    "return_false",
    "return_some",
    "return_ok",
    "return_error",
    "fail_with",
    "fail_invalid_arg",
    "of_result",
    "wakeup_later_result",
    "state",
    "Return",
    "Fail",
    "Sleep",
    "key",
    "new_key",
    "get",
    "with_value",
    "wakeup",
    "wakeup_exn",
    "wakeup_result",
    "add_task_r",
    "add_task_l",
    "pause",
    "wakeup_paused",
    "paused_count",
    "register_pause_notifier",
    "abandon_paused",
    "wrap",
    "wrap1",
    "wrap2",
    "wrap3",
    "wrap4",
    "wrap5",
    "wrap6",
    "wrap7",
    "is_sleeping",
    "ignore_result",
    "Exception_filter",
    "with_tracing_context",
    "poll",
    "apply",
    "backtrace_bind",
    "backtrace_catch",
    "backtrace_finalize",
    "backtrace_try_bind",
    "abandon_wakeups",
    "debug_state_is",
    "Private",
]

# Keywords of Python get an underscore.
IN_PYTHON = {"return": "return_", "async": "async_"}

# Classes behind OCaml's `t`, `u`, `key`, `state`; values of other OCaml modules; async functions;
# the generator that OCaml keeps hidden.
OURS = [
    "Promise",
    "Resolver",
    "Key",
    "State",
    "Some",
    "Ok",
    "Error",
    "Ref",
    "Failure",
    "promised",
    "of_coroutine",
    "prng",
]

NAMESPACES = {
    "Exception_filter": {"t", "handle_all", "handle_all_except_runtime", "set", "run"},
    "Let_syntax": {"Let_syntax"},
    "Infix": {"Let_syntax"},
    "Syntax": set(),
    "Private": {"storage", "Sequence_associated_storage", "tracing_context"},
}

NOT_FROM_OCAML = {"promised", "of_coroutine", "prng"}
"""What has no line about OCaml, or says it in other words."""


def test_the_public_names_are_those_of_the_interface() -> None:
    expected = {IN_PYTHON.get(name, name) for name in LWT_MLI} | set(OURS)
    assert sorted(lwt.__all__) == sorted(expected)


def test_every_public_name_is_there() -> None:
    assert [name for name in lwt.__all__ if not hasattr(lwt, name)] == []


def test_nothing_else_is_there_but_modules_and_private_names() -> None:
    others = {
        name
        for name, value in vars(lwt).items()
        if name not in lwt.__all__ and not name.startswith("_") and not inspect.ismodule(value)
    }
    assert others == set()


@pytest.mark.parametrize(("name", "names"), NAMESPACES.items(), ids=NAMESPACES.keys())
def test_a_nested_module_has_the_names_of_the_interface(name: str, names: set[str]) -> None:
    assert public_names(getattr(lwt, name)) == names


def test_the_inner_let_syntax_has_the_names_of_the_interface() -> None:
    for inner in (lwt.Let_syntax.Let_syntax, lwt.Infix.Let_syntax):
        assert public_names(inner) == {"return_", "map", "bind", "both", "Open_on_rhs"}


def test_the_storage_for_insiders_has_the_names_of_the_interface() -> None:
    assert public_names(lwt.Private.Sequence_associated_storage) == {
        "get_from_storage",
        "modify_storage",
        "empty_storage",
        "current_storage",
    }


def public_names(namespace: object) -> set[str]:
    return {name for name in vars(namespace) if not name.startswith("_")}


def is_documented_by_its_object(name: str) -> bool:
    value = getattr(lwt, name)
    return inspect.isfunction(value) or inspect.isclass(value)


DOCUMENTED = [name for name in lwt.__all__ if is_documented_by_its_object(name)]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_has_a_docstring_that_ends_with_its_ocaml_form(name: str) -> None:
    docstring = inspect.getdoc(getattr(lwt, name))
    assert docstring is not None
    assert docstring.splitlines()[0].endswith((".", "`"))
    if name not in NOT_FROM_OCAML:
        last_paragraph = docstring.strip().split("\n\n")[-1]
        assert last_paragraph.startswith("OCaml: ")


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENTED if inspect.isfunction(getattr(lwt, name))]
)
def test_the_ocaml_form_of_a_function_has_its_name_and_type(name: str) -> None:
    if name in NOT_FROM_OCAML:
        return
    docstring = inspect.getdoc(getattr(lwt, name))
    assert docstring is not None
    ocaml = docstring.strip().split("\n\n")[-1]
    assert f"Lwt.{name.rstrip('_')}" in ocaml
    assert " : " in ocaml


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENTED if inspect.isfunction(getattr(lwt, name))]
)
def test_a_function_has_annotations_and_positional_arguments(name: str) -> None:
    signature = inspect.signature(getattr(lwt, name))
    assert signature.return_annotation is not signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty
        assert parameter.kind is parameter.POSITIONAL_ONLY


def test_importing_lwt_brings_no_input_or_output() -> None:
    program = (
        "import sys; before = set(sys.modules); import lwt; "
        "print(sorted(set(sys.modules) - before & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for module in ("lwt_unix", "select", "selectors", "socket", "asyncio", "threading"):
        assert f"'{module}'" not in out
