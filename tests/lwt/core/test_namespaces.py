"""The nested modules, and the short names of types."""

from __future__ import annotations

import lwt


def test_types_have_two_names() -> None:
    assert (lwt.t, lwt.u, lwt.key) == (lwt.Promise, lwt.Resolver, lwt.Key)


def test_let_syntax_binds_maps_and_joins_with_a_label() -> None:
    syntax = lwt.Let_syntax.Let_syntax
    assert lwt.state(syntax.return_(1)) == lwt.Return(1)
    assert lwt.state(syntax.map(lwt.return_(1), f=str)) == lwt.Return("1")
    assert lwt.state(syntax.bind(lwt.return_(1), f=lwt.return_some)) == lwt.Return(lwt.Some(1))
    assert lwt.state(syntax.both(lwt.return_(1), lwt.return_(2))) == lwt.Return((1, 2))


def test_infix_holds_the_same_let_syntax() -> None:
    assert lwt.Infix.Let_syntax is lwt.Let_syntax.Let_syntax
