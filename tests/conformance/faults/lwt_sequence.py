"""Faults put into sequences on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

SEQUENCE_FAULTS: Final = (
    fault(
        "Lwt_sequence",
        "traversals from the right meet removed nodes",
        """\
        if link.active:
            yield link
        link = link.previous
""",
        """\
        yield link
        link = link.previous
""",
    ),
    fault(
        "Lwt_sequence",
        "traversals from the left look for the next node before the visit",
        """\
        if link.active:
            yield link
        link = link.next
""",
        """\
        active, current, link = link.active, link, link.next
        if active:
            yield current
""",
    ),
    fault(
        "Lwt_sequence",
        "transfer_l puts the elements to the right end",
        "splice(source, target, target.next)",
        "splice(source, target.previous, target)",
    ),
    fault(
        "Lwt_sequence",
        "a node can be removed twice",
        "    if node.active:\n        node.active = False\n",
        "    if True:\n        node.active = False\n",
    ),
    fault(
        "Lwt_sequence",
        "traversals from the left do not meet what is added meanwhile",
        """\
    link = sequence.next
    while isinstance(link, Node):
        if link.active:
            yield link
        link = link.next
""",
        """\
    nodes = []
    link = sequence.next
    while isinstance(link, Node):
        nodes.append(link)
        link = link.next
    for node in nodes:
        if node.active:
            yield node
""",
    ),
)
