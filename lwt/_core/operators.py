"""What the operators of `Promise` do: `>>`, `|`, `&` and `^`.

A class carries its operators, and these need functions that are built on the class. So they are
handed in here.
"""

from lwt._core.concurrent import choose, join
from lwt._core.promise import operators
from lwt._core.sequential import bind, map

__all__ = ["operators"]

operators.bind = bind
operators.map = map
operators.join = join
operators.choose = choose
