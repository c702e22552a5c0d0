"""Which values of Lwt_unix and Lwt_io no script calls, and why."""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType
from typing import Final

import lwt_unix
from lwt_unix import lwt_bytes, lwt_io
from tests.conformance.values import values

NOT_HERE: Final = "it is not here, which is a difference that we accept"

MODULES: Final[dict[str, ModuleType]] = {
    "Lwt_unix": lwt_unix,
    "Lwt_io": lwt_io,
    "Lwt_bytes": lwt_bytes,
}

NUMBERS: Final = ("int", "int16", "int32", "int64", "float32", "float64")
OF_NUMBERS: Final = {
    f"{order}{verb}_{kind}": f"io_{verb}_number"
    for order in ("", "LE.", "BE.", "NumberIO.")
    for verb in ("read", "write")
    for kind in NUMBERS
}

SAME_FUNCTION: Final = {
    "Lwt_unix": {
        "yield": "pause",
        "unix_file_descr": "state",
        "make_notification": "notification",
        "pwrite_string": "pwrite",
        "fdatasync": "fsync",
        "fchmod": "chmod",
        **{
            f"LargeFile.{name}": name
            for name in ("lseek", "truncate", "ftruncate", "stat", "lstat", "fstat", "file_exists")
        },
        **dict.fromkeys(("opendir", "readdir_n", "closedir"), "files_of_directory"),
        "run_job": "job",
        "IO_vectors.create": "vectors",
        "IO_vectors.append_bytes": "append",
        "IO_vectors.append_bigarray": "append_bigarray",
        "IO_vectors.drop": "drop",
        **dict.fromkeys(("IO_vectors.is_empty", "IO_vectors.byte_count"), "count"),
        "Versioned.bind_1": "bind_1",
        "Versioned.recv_msg_2": "recv_msg",
        "Versioned.send_msg_2": "send_msg",
        "set_default_async_method": "set_method",
        **dict.fromkeys(("default_async_method", "async_method"), "method"),
        **dict.fromkeys(("with_async_none", "with_async_detach"), "under"),
        **dict.fromkeys(("thread_count", "thread_waiting_count"), "busy"),
    },
    "Lwt_io": {
        "read_into_bigstring": "io_read_into",
        "write_from_string": "io_write_from",
        "read_into_exactly_bigstring": "io_read_into_exactly",
        "write_from_bigstring": "io_write_from",
        "fprint": "io_write",
        "write_from_exactly_bigstring": "io_write_from_exactly",
        "write_from_string_exactly": "io_write_from_exactly",
        "fprintl": "io_write_line",
        "read": "io_read",
        "of_unix_fd": "io_of_fd",
        "input": "io_make",
        "output": "io_make",
        **dict.fromkeys(("is_busy", "is_closed", "buffered", "buffer_size"), "io_state"),
        "position": "io_state",
        **OF_NUMBERS,
        "hexdump_stream": "io_hexdump",
    },
    "Lwt_bytes": {
        **dict.fromkeys(("length", "to_string", "to_bytes", "mapped"), "bytes_look"),
        "io_vector": "bytes_send_msg",
    },
}
"""Values that a statement of another name calls, or that come to the same."""

LEFT_OUT: Final = {
    "Lwt_unix": {
        "its time is the clock's": ("sleep auto_yield auto_pause timeout with_timeout"),
        "it does not wait, and asks the system for a fact": (
            "somaxconn get_credentials getsockopt getsockopt_int getsockopt_optint "
            "getsockopt_float getsockopt_error setsockopt setsockopt_optint setsockopt_float "
            "setsockopt_int set_close_on_exec clear_close_on_exec handle_unix_error "
            "mcast_set_loop mcast_set_ttl mcast_add_membership mcast_drop_membership "
            "get_cpu get_affinity set_affinity IO_vectors.system_limit has_wait4"
        ),
        "it belongs to the whole process": (
            "stdin stdout stderr on_signal on_signal_full disable_signal_handler signal_count "
            "reinstall_signal_handler run fork"
        ),
        "see Lwt_process": "wait waitpid wait4 wait_count system",
        "see Lwt_unix.jobs": (
            "run_job abort_jobs cancel_jobs wait_for_jobs with_async_none with_async_detach "
            "default_async_method set_default_async_method async_method "
            "thread_count thread_waiting_count"
        ),
        "see Lwt_unix.messages": (
            "IO_vectors.create IO_vectors.append_bytes IO_vectors.append_bigarray IO_vectors.drop "
            "IO_vectors.is_empty IO_vectors.byte_count readv writev recv_msg send_msg send_msgto "
            "read_bigarray write_bigarray Versioned.bind_1 Versioned.recv_msg_2 "
            "Versioned.send_msg_2"
        ),
        "it is bind, which Lwt_unix has": "Versioned.bind_2",
        "see Lwt_unix.names": (
            "gethostname gethostbyname gethostbyaddr getservbyname getservbyport getprotobyname "
            "getprotobynumber getaddrinfo getnameinfo getlogin getpwnam getpwuid getgrnam getgrgid"
        ),
        "the tests of terminals ask a pseudoterminal what it was told": (
            "tcgetattr tcsetattr tcsendbreak tcdrain tcflush tcflow"
        ),
        "the threads of earlier scripts are still there": "pool_size set_pool_size",
        "with_async_none is made of it": "async_method_key",
        "the tests of files compare it with what Python says": (
            "utimes chown fchown chdir getcwd chroot readdir rewinddir mkfifo lockf"
        ),
        "it makes what the scripts have otherwise": "of_unix_file_descr pipe_in pipe_out",
    },
    "Lwt_io": {
        "it belongs to the whole process": (
            "stdin stdout stderr print printl printf printlf eprint eprintl eprintf eprintlf "
            "flush_all default_buffer_size set_default_buffer_size"
        ),
        "it needs no script": "mode zero null fprintf fprintlf",
        "its arguments are other types in Python": "write_chars write_lines",
        "see Lwt_io.files": (
            "file_length set_position length open_file with_file with_temp_file with_temp_dir "
            "lines_of_file lines_to_file chars_of_file chars_to_file"
        ),
        "see Lwt_io.binary": (f"of_bytes read_chars hexdump hexdump_stream {' '.join(OF_NUMBERS)}"),
        "pickle is not Marshal": "read_value write_value",
        "it is a fact": "system_byte_order",
        "with_temp_file and with_temp_dir are made of it": "open_temp_file create_temp_dir",
        "see Lwt_io.server": (
            "open_connection with_connection with_close_connection shutdown_server "
            "establish_server_with_client_socket establish_server_with_client_address "
            "establish_server Versioned.establish_server_1 Versioned.establish_server_2 "
            "Versioned.shutdown_server_1 Versioned.shutdown_server_2"
        ),
    },
    "Lwt_bytes": {
        "it is the same function here, and has no bounds in OCaml": (
            "unsafe_get unsafe_set unsafe_fill unsafe_blit unsafe_blit_from_bytes "
            "unsafe_blit_from_string unsafe_blit_to_bytes"
        ),
        "it is a fact": "page_size",
        "what is in memory is left to the system, and OCaml to chance": "mincore",
    },
}


def covered(module: str, statements: Collection[str], prefix: str = "") -> dict[str, str]:
    """Return the statement for each value of a module's interface, or why there is none."""
    reasons = {name: reason for reason, names in LEFT_OUT[module].items() for name in names.split()}
    found = {}
    for value in values(module):
        statement = SAME_FUNCTION[module].get(value, prefix + value)
        if statement in statements:
            found[value] = statement
        elif value in reasons:
            found[value] = f": {reasons[value]}"
        elif not hasattr(MODULES[module], value.split(".")[0]):
            found[value] = f": {NOT_HERE}"
        else:
            found[value] = ": no script calls it yet"
    return found
