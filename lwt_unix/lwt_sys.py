"""What this system can do. For now this is only the exception for what it cannot do.

OCaml: Lwt_sys (src/unix/lwt_sys.ml)
"""

from __future__ import annotations

__all__ = ["Not_available"]


class Not_available(Exception):
    """Say that a feature does not exist on this system; its argument names the feature.

    OCaml: Lwt_sys.Not_available : exn
    """
