"""Commands, and what a program is started with.

OCaml: the types `command` and `redirection` of lwt_process.ml, and `shell`.
"""

from __future__ import annotations

from lwt._core.checks import wrong_type
from lwt_unix._processes.starting import Command, Redirection

command = Command
"""A program: its name, and the list of its arguments, of which the first is its own name again.

    ("ls", ["ls", "-l"])
    ("", ["ls", "-l"])      # the same

An empty name stands for the first argument. A name without a `/` is looked for where the variable PATH
says, that of this process.

OCaml: type Lwt_process.command = string * string array
"""

redirection = Redirection
"""What a standard descriptor of a program is:

- `"Keep"`: ours;
- `"Dev_null"`: `/dev/null`;
- `"Close"`: closed;
- `("FD_copy", fd)`: a copy of a descriptor of ours, by its number (`lwt_unix.unix_file_descr`);
- `("FD_move", fd)`: the same, and ours is closed when the program has been started.

Standard input comes first, then standard output, then standard error: `stderr=("FD_copy", 1)` is what
standard output has become.

OCaml: type Lwt_process.redirection
"""


def shell(cmd: str | bytes, /) -> Command:
    """Return the command that has the shell run a line: `/bin/sh -c` of it.

    >>> from lwt_unix import lwt_main, lwt_process
    >>> lwt_main.run(lwt_process.pread_line(lwt_process.shell("echo 1 2 | wc -w")))
    b'2'

    A name of a file that is put into the line must be quoted (`shlex.quote`); better give it to a
    program as an argument.

    OCaml: Lwt_process.shell : string -> command
    """
    if not isinstance(cmd, str | bytes):
        raise wrong_type("lwt_process.shell", "a command of the shell", cmd)
    return "", ["/bin/sh", "-c", cmd]
