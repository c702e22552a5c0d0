r"""Lwt_process: programs in child processes, and what they read and write.

A *command* is the name of a program and its arguments, `("", ["ls", "-l"])`, or a line for the shell,
`shell("ls | wc -l")`. Nothing in a command is read by a shell, unless you write `shell`.

>>> from lwt_unix import lwt_main, lwt_process
>>> async def main():
...     text = await lwt_process.pread(("", ["echo", "hello"]))
...     upper = await lwt_process.pmap(("", ["tr", "a-z", "A-Z"]), text)
...     status = await lwt_process.exec(lwt_process.shell("exit 3"))
...     return upper, status
>>> lwt_main.run(main())
(b'HELLO\n', WEXITED(code=3))

The parts, in the order of the names below:

1. commands, and redirections of what a program has as its standard descriptors;
2. `exec`, which runs a program to its end; `pread` and its kin read what it writes, `pwrite` write what
   it reads, and `pmap` do both at once;
3. the classes of processes, with their channels. They are started by their own names, or by
   `open_process_none` and its kin, and closed by `async with`, or by `with_process_none` and its kin.

A program that cannot be run is a process that ends with 127, as in the shell and in OCaml. No program
inherits descriptors but its standard ones, and those that you have made inheritable. The end of a
process is waited for, whoever asks for it; nothing stays a zombie. Children that others have started,
such as `subprocess`, are left to them.

OCaml: Lwt_process (src/unix/lwt_process.ml)
"""

from lwt._core.publish import publish as _publish
from lwt_unix.lwt_process._commands import command, redirection, shell
from lwt_unix.lwt_process._opening import (
    open_process,
    open_process_full,
    open_process_in,
    open_process_none,
    open_process_out,
    with_process,
    with_process_full,
    with_process_in,
    with_process_none,
    with_process_out,
)
from lwt_unix.lwt_process._processes import (
    Exited,
    Running,
    State,
    process,
    process_full,
    process_in,
    process_none,
    process_out,
)
from lwt_unix.lwt_process._running import (
    exec,
    pmap,
    pmap_chars,
    pmap_line,
    pmap_lines,
    pread,
    pread_chars,
    pread_line,
    pread_lines,
    pwrite,
    pwrite_chars,
    pwrite_line,
    pwrite_lines,
)

state = State

__all__ = [
    # 1 Commands
    "command",
    "shell",
    "redirection",
    # 2 Running a program to its end
    "exec",
    "pread",
    "pread_chars",
    "pread_line",
    "pread_lines",
    "pwrite",
    "pwrite_chars",
    "pwrite_line",
    "pwrite_lines",
    "pmap",
    "pmap_chars",
    "pmap_line",
    "pmap_lines",
    # 3 Processes
    "State",
    "state",
    "Running",
    "Exited",
    "process_none",
    "open_process_none",
    "with_process_none",
    "process_in",
    "open_process_in",
    "with_process_in",
    "process_out",
    "open_process_out",
    "with_process_out",
    "process",
    "open_process",
    "with_process",
    "process_full",
    "open_process_full",
    "with_process_full",
]

_publish(__name__)
