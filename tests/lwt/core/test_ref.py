"""References."""

import lwt


def test_a_reference_holds_what_was_last_assigned() -> None:
    reference = lwt.Ref(1)
    reference.contents = 2
    assert reference.contents == 2


def test_references_are_compared_by_identity() -> None:
    first, second = lwt.Ref(1), lwt.Ref(1)
    assert first != second
    assert first == first  # noqa: PLR0124  # that is the claim


def test_the_repr_of_a_reference_shows_what_it_holds() -> None:
    assert repr(lwt.Ref(1)) == "Ref(1)"
