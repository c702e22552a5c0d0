"""What says which engine one is.

OCaml: src/unix/lwt_engine.ml, `engine_id`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class Engine_id:
    """What says which engine this is. An engine of your own derives its identifier from it.

    OCaml: Lwt_engine.engine_id : type engine_id = ..
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class _Constant_id(Engine_id):
    __module__ = __name__.rpartition(".")[0]  # Where `pickle` looks for the name.

    name: str

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name


Engine_id__select: Final[Engine_id] = _Constant_id("Engine_id__select")
"""The identifier of engines over a select-like function.

OCaml: Lwt_engine.Engine_id__select : engine_id
"""

Engine_id__poll: Final[Engine_id] = _Constant_id("Engine_id__poll")
"""The identifier of the engine `poll`.

OCaml: Lwt_engine.Engine_id__poll : engine_id
"""
