"""The names of files: removing, renaming, linking; who may use a file, and who owns it.

OCaml: sections "Operations on file names", "File permissions and ownership" and "Symbolic links" of
lwt_unix.ml, and `mkfifo`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import Enum
from functools import partial
from typing import Final, Never

import lwt
from lwt._core.checks import check_bounds, check_iterable, check_kind, given_by_position
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import Path
from lwt_unix._descriptors.file_descr import File_descr, check_opened, run_on
from lwt_unix._files.paths import check_permissions, path_of, run_at

# --- Names -------------------------------------------------------------------


def unlink(name: Path, /) -> lwt.Promise[None]:
    """Remove a name. The file itself goes when it has no name left and nobody has it open.

    Raises:
        OSError: by rejection: ENOENT, if there is none.

    OCaml: Lwt_unix.unlink : string -> unit Lwt.t
    """
    path = path_of("lwt_unix.unlink", name)
    return run_at("unlink", path, partial(system.unlink, path))


def rename(name1: Path, name2: Path, /) -> lwt.Promise[None]:
    """Give a file another name, on the same file system. What had that name before is replaced.

    OCaml: Lwt_unix.rename : string -> string -> unit Lwt.t
    """
    old, new = (path_of("lwt_unix.rename", name) for name in (name1, name2))
    return run_at("rename", old, partial(system.rename, old, new))


def link(oldpath: Path, newpath: Path, /) -> lwt.Promise[None]:
    """Give a file one more name, on the same file system.

    OCaml: Lwt_unix.link : string -> string -> unit Lwt.t
    """
    old, new = (path_of("lwt_unix.link", name) for name in (oldpath, newpath))
    return run_at("link", old, partial(system.link, old, new))


def symlink(
    target: Path, name: Path, /, *_wrong: Never, to_dir: bool | None = None
) -> lwt.Promise[None]:
    """Make a symbolic link, which leads to another path.

    Args:
        target: where it leads to; it need not exist.
        name: the path of the link itself.
        to_dir: ignored: only Windows has two kinds of links.

    OCaml: Lwt_unix.symlink : ?to_dir:bool -> string -> string -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(symlink, _wrong)
    if to_dir is not None:
        check_kind("lwt_unix.symlink", to_dir, bool)
    target_path, path = (path_of("lwt_unix.symlink", one) for one in (target, name))
    return run_at("symlink", target_path, partial(system.symlink, target_path, path))


def readlink(name: Path, /) -> lwt.Promise[str]:
    """Return where a symbolic link leads to.

    Raises:
        OSError: by rejection: EINVAL, if it is not one.

    OCaml: Lwt_unix.readlink : string -> string Lwt.t
    """
    path = path_of("lwt_unix.readlink", name)
    return run_at("readlink", path, partial(system.readlink, path))


def mkfifo(name: Path, perms: int, /) -> lwt.Promise[None]:
    """Make a pipe that has a name.

    Args:
        name: its path.
        perms: its permissions, less those of the process's umask.

    OCaml: Lwt_unix.mkfifo : string -> file_perm -> unit Lwt.t
    """
    path = path_of("lwt_unix.mkfifo", name)
    check_permissions("lwt_unix.mkfifo", perms)
    return run_at("mkfifo", path, partial(system.mkfifo, path, perms))


# --- Permissions and owners --------------------------------------------------


def chmod(name: Path, perms: int, /) -> lwt.Promise[None]:
    """Change the permissions of a file.

    OCaml: Lwt_unix.chmod : string -> file_perm -> unit Lwt.t
    """
    path = path_of("lwt_unix.chmod", name)
    check_permissions("lwt_unix.chmod", perms)
    return run_at("chmod", path, partial(system.chmod, path, perms))


def fchmod(descriptor: File_descr, perms: int, /) -> lwt.Promise[None]:
    """Change the permissions of the file of a descriptor.

    OCaml: Lwt_unix.fchmod : file_descr -> file_perm -> unit Lwt.t
    """
    check_opened("lwt_unix.fchmod", descriptor)
    check_permissions("lwt_unix.fchmod", perms)
    return run_on("fchmod", descriptor, partial(system.fchmod, descriptor._fd, perms))


_MOST_ID: Final = 2**32 - 1


def _check_owner(function: str, uid: int, gid: int) -> None:
    hint = "-1 leaves it as it is"
    check_bounds(function, "uid", uid, -1, _MOST_ID, hint=hint)
    check_bounds(function, "gid", gid, -1, _MOST_ID, hint=hint)


def chown(name: Path, uid: int, gid: int, /) -> lwt.Promise[None]:
    """Change the owner and the group of a file; -1 leaves one as it is.

    OCaml: Lwt_unix.chown : string -> int -> int -> unit Lwt.t
    """
    path = path_of("lwt_unix.chown", name)
    _check_owner("lwt_unix.chown", uid, gid)
    return run_at("chown", path, partial(system.chown, path, uid, gid))


def fchown(descriptor: File_descr, uid: int, gid: int, /) -> lwt.Promise[None]:
    """Change the owner and the group of the file of a descriptor; -1 leaves one as it is.

    OCaml: Lwt_unix.fchown : file_descr -> int -> int -> unit Lwt.t
    """
    check_opened("lwt_unix.fchown", descriptor)
    _check_owner("lwt_unix.fchown", uid, gid)
    return run_on("fchown", descriptor, partial(system.fchown, descriptor._fd, uid, gid))


@constants
class Access_permission(Enum):
    """What `access` asks for.

    OCaml: type Lwt_unix.access_permission
    """

    R_OK = os.R_OK
    W_OK = os.W_OK
    X_OK = os.X_OK
    F_OK = os.F_OK


R_OK: Final = Access_permission.R_OK
"""It may be read.

OCaml: Lwt_unix.R_OK
"""

W_OK: Final = Access_permission.W_OK
"""It may be written.

OCaml: Lwt_unix.W_OK
"""

X_OK: Final = Access_permission.X_OK
"""It may be executed; a directory may be entered.

OCaml: Lwt_unix.X_OK
"""

F_OK: Final = Access_permission.F_OK
"""It exists.

OCaml: Lwt_unix.F_OK
"""


def access(name: Path, mode: Iterable[Access_permission], /) -> lwt.Promise[None]:
    """Reject the promise unless this process may use a file in all these ways.

    Raises:
        OSError: by rejection: EACCES if it may not, ENOENT if there is no such file.

    OCaml: Lwt_unix.access : string -> access_permission list -> unit Lwt.t
    """
    path = path_of("lwt_unix.access", name)
    bits = 0
    for permission in check_iterable("lwt_unix.access", mode, "an iterable of permissions"):
        hint = "use lwt_unix.R_OK or the like"
        check_kind("lwt_unix.access", permission, Access_permission, hint)
        bits |= permission.value
    return run_at("access", path, partial(system.check_access, path, bits))
