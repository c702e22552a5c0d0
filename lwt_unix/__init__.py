"""Lwt_unix: system calls that return promises.

The rule for all of them: what can be done at once is done at once, and the promise is resolved
already; otherwise the promise is pending until it is done. Most operations on sockets and pipes
can be cancelled while they wait, and then have done nothing.

Errors that every function has are told here, and not again in its docstring:

- An argument of a wrong type is a `TypeError`, raised at the call before anything has changed.
- Using a descriptor that is not opened raises what `check_descriptor` raises: an `OSError`
  (EBADF) if it is closed, the exception of `abort` if it is aborted.
- An error of the system is an `OSError`. It is raised at the call if it is met at once, and rejects
  the promise if it comes later; `await` meets both. `unix_error` tells which call has met it, under
  OCaml's name.

>>> import lwt, lwt_unix
>>> from lwt_unix import lwt_main
>>> async def first_bytes():
...     near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
...     buffer = bytearray(10)
...     async with near, far:
...         reading = lwt_unix.read(near, buffer, 0, 10)
...         await lwt_unix.write(far, b"hello", 0, 5)
...         length = await lwt.pick([lwt_unix.timeout(5.0), reading])
...     return bytes(buffer[:length])
>>> lwt_main.run(first_bytes())
b'hello'

The parts, in the order of the names below:

1. sleeping and timeouts;
2. descriptors and their states: every `File_descr` is opened, aborted or closed;
3. waiting: `wrap_syscall`, on which all I/O is built, and what one needs to build more;
4. reading, writing, several buffers at once, pipes;
5. files, directories, locks;
6. sockets, messages, addresses, options, multicast;
7. signals, handled in the main loop;
8. processes: forking, and waiting for children;
9. jobs: calls that block, done in threads; notifications, by which other threads reach the main loop;
10. names of hosts, services and protocols;
11. users, groups, terminals, processors.

The main loop is `lwt_unix.lwt_main`, what it waits with `lwt_unix.lwt_engine`; buffered channels and
servers are `lwt_unix.lwt_io`, and programs in child processes `lwt_unix.lwt_process`. Import them by
name, this package does not.

Only one thread may use all this, the one that runs the main loop. Others may call `send_notification`.

The state of the process is all that exists once and changes. `_renewal` sets it back:

- `lwt_engine._current`: `_current`, the current engine; `turn`, how often it has turned
- `lwt_engine._base`: `main_loop`, what it waits for
- `lwt_main`: `_running`, whether the main loop runs, `_thread`, where, and `_left_by`, what left it for good
- `_asyncgens`: `_begun`, `dropped` and `_closing`, the async generators that are to be closed, or are being
  closed
- `_ending`: `_ender`, whether the process ends, and with which status; `exit_patience`, how long a peer
  may hold that up
- `lwt_main`: `Enter_iter_hooks`, `Leave_iter_hooks` and `Exit_hooks`
- `_jobs.notifications`: `_sent`, what threads have sent, `_pipe`, by which it comes, and `_is_wanted`,
  whether it is opened before anybody needs it
- `_jobs.threads`: `pool`, the threads that do jobs
- `_jobs.methods`: `_default`, whether jobs are done in threads
- `_jobs.jobs`: `_jobs`, those that are not over
- `lwt_preemptive._workers`: `workers`, those and who waits for one, and `at_work`, what is computed
- `lwt_timeout`: `_clock`, the timeouts that are started
- `_descriptors.emptied`: `emptied`, the descriptor that has nothing more to read
- `_descriptors.file_descr`: `stdin`, `stdout` and `stderr`, the standard descriptors
- `_processes.signals`: `_signals`, those that are handled, and `_pipe`, by which they come
- `_processes.children`: `_waits`, who waits for children, and how they learn of the end
- `_processes.interrupts`: `_current`, whether signals cancel what the main loop runs
- `_processes.parting`: `_kept`, what waited in the parent of this process
- `lwt_io._channel`: `_outputs`, the channels that are flushed at the exit
- `lwt_io._create`: `_default_buffer_size`
- `lwt_io._create`: `zero`, `null`, `stdin`, `stdout` and `stderr`, the well-known channels
- `lwt_fmt._formatters`: `_of_channels`, whose text waits; `stdout` and `stderr`, the well-known formatters
- `lwt_direct`: `_tasks`, those that are ready, and `_is_hooked`, whether the main loop runs them
- `testing._simulate`: `_current`, the simulated world in which the program runs; it ends with the run
- `testing._outside`: `_run`, the run whose program may not leave the world; it ends with the run

OCaml: Lwt_unix (src/unix/lwt_unix.ml)
"""

from typing import TypeAlias

from lwt._core.publish import publish as _publish
from lwt_unix._descriptors.actions import (
    Retry,
    Retry_read,
    Retry_write,
    readable,
    register_action,
    wait_read,
    wait_write,
    wrap_syscall,
    writable,
)
from lwt_unix._descriptors.copies import clear_close_on_exec, dup, dup2, set_close_on_exec
from lwt_unix._descriptors.file_descr import (
    File_descr,
    abort,
    check_descriptor,
    close,
    of_unix_file_descr,
    state,
    stderr,
    stdin,
    stdout,
    unix_file_descr,
)
from lwt_unix._descriptors.io_event import Io_event, Read, Write
from lwt_unix._descriptors.mode import blocking, set_blocking
from lwt_unix._descriptors.read_write import pipe, pipe_in, pipe_out, read, write, write_string
from lwt_unix._descriptors.state import Aborted, Closed, Opened, State
from lwt_unix._descriptors.vectors import (
    IO_vectors,
    read_bigarray,
    readv,
    write_bigarray,
    writev,
)
from lwt_unix._errors import handle_unix_error, log_exception, unix_error
from lwt_unix._files.directories import (
    Dir_handle,
    chdir,
    chroot,
    closedir,
    files_of_directory,
    getcwd,
    mkdir,
    opendir,
    readdir,
    readdir_n,
    rewinddir,
    rmdir,
)
from lwt_unix._files.locks import (
    F_LOCK,
    F_RLOCK,
    F_TEST,
    F_TLOCK,
    F_TRLOCK,
    F_ULOCK,
    Lock_command,
    lockf,
)
from lwt_unix._files.names import (
    F_OK,
    R_OK,
    W_OK,
    X_OK,
    Access_permission,
    access,
    chmod,
    chown,
    fchmod,
    fchown,
    link,
    mkfifo,
    readlink,
    rename,
    symlink,
    unlink,
)
from lwt_unix._files.open import (
    O_APPEND,
    O_CLOEXEC,
    O_CREAT,
    O_DSYNC,
    O_EXCL,
    O_KEEPEXEC,
    O_NOCTTY,
    O_NONBLOCK,
    O_RDONLY,
    O_RDWR,
    O_RSYNC,
    O_SHARE_DELETE,
    O_SYNC,
    O_TRUNC,
    O_WRONLY,
    Open_flag,
    openfile,
)
from lwt_unix._files.positions import (
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
    Seek_command,
    fdatasync,
    fsync,
    ftruncate,
    lseek,
    pread,
    pwrite,
    pwrite_string,
    truncate,
)
from lwt_unix._files.stat import (
    S_BLK,
    S_CHR,
    S_DIR,
    S_FIFO,
    S_LNK,
    S_REG,
    S_SOCK,
    File_kind,
    LargeFile,
    Stats,
    file_exists,
    fstat,
    isatty,
    lstat,
    stat,
    utimes,
)
from lwt_unix._jobs.jobs import (
    abort_jobs,
    cancel_jobs,
    job,
    run_job,
    wait_for_jobs,
    write_job_count_runtimte_event,
)
from lwt_unix._jobs.methods import (
    Async_detach,
    Async_method,
    Async_none,
    async_method,
    async_method_key,
    default_async_method,
    set_default_async_method,
    with_async_detach,
    with_async_none,
)
from lwt_unix._jobs.notifications import (
    Notification,
    call_notification,
    make_notification,
    send_notification,
    set_notification,
    stop_notification,
)
from lwt_unix._jobs.threads import pool_size, set_pool_size, thread_count, thread_waiting_count
from lwt_unix._processes.affinity import get_affinity, get_cpu, set_affinity
from lwt_unix._processes.children import (
    has_wait4,
    sigchld_handler_installer,
    wait,
    wait4,
    wait_count,
    waitpid,
)
from lwt_unix._processes.fork import fork
from lwt_unix._processes.shell import system
from lwt_unix._processes.signals import (
    Signal_handler_id,
    disable_signal_handler,
    handle_signal,
    on_signal,
    on_signal_full,
    reinstall_signal_handler,
    signal_count,
)
from lwt_unix._processes.statuses import (
    WEXITED,
    WNOHANG,
    WSIGNALED,
    WSTOPPED,
    WUNTRACED,
    Process_status,
    Resource_usage,
    Wait_flag,
)
from lwt_unix._processes.terminals import (
    TCIFLUSH,
    TCIOFF,
    TCIOFLUSH,
    TCION,
    TCOFLUSH,
    TCOOFF,
    TCOON,
    TCSADRAIN,
    TCSAFLUSH,
    TCSANOW,
    Flow_action,
    Flush_queue,
    Setattr_when,
    Terminal_io,
    tcdrain,
    tcflow,
    tcflush,
    tcgetattr,
    tcsendbreak,
    tcsetattr,
)
from lwt_unix._processes.users import (
    Group_entry,
    Passwd_entry,
    getgrgid,
    getgrnam,
    getlogin,
    getpwnam,
    getpwuid,
)
from lwt_unix._sockets.constants import (
    IPV6_ONLY,
    MSG_DONTROUTE,
    MSG_OOB,
    MSG_PEEK,
    PF_INET,
    PF_INET6,
    PF_UNIX,
    SHUTDOWN_ALL,
    SHUTDOWN_RECEIVE,
    SHUTDOWN_SEND,
    SO_ACCEPTCONN,
    SO_BROADCAST,
    SO_DEBUG,
    SO_DONTROUTE,
    SO_ERROR,
    SO_KEEPALIVE,
    SO_LINGER,
    SO_OOBINLINE,
    SO_RCVBUF,
    SO_RCVLOWAT,
    SO_RCVTIMEO,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SO_SNDBUF,
    SO_SNDLOWAT,
    SO_SNDTIMEO,
    SO_TYPE,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    TCP_NODELAY,
    Msg_flag,
    Shutdown_command,
    Socket_bool_option,
    Socket_domain,
    Socket_float_option,
    Socket_int_option,
    Socket_optint_option,
    Socket_type,
)
from lwt_unix._sockets.hosts import (
    AI_CANONNAME,
    AI_FAMILY,
    AI_NUMERICHOST,
    AI_PASSIVE,
    AI_PROTOCOL,
    AI_SOCKTYPE,
    NI_DGRAM,
    NI_NAMEREQD,
    NI_NOFQDN,
    NI_NUMERICHOST,
    NI_NUMERICSERV,
    Addr_info,
    Getaddrinfo_option,
    Getnameinfo_option,
    Host_entry,
    Name_info,
    Protocol_entry,
    Service_entry,
    getaddrinfo,
    gethostbyaddr,
    gethostbyname,
    gethostname,
    getnameinfo,
    getprotobyname,
    getprotobynumber,
    getservbyname,
    getservbyport,
)
from lwt_unix._sockets.messages import recv, recvfrom, send, sendto
from lwt_unix._sockets.multicast import (
    mcast_add_membership,
    mcast_drop_membership,
    mcast_set_loop,
    mcast_set_ttl,
)
from lwt_unix._sockets.options import (
    getsockopt,
    getsockopt_error,
    getsockopt_float,
    getsockopt_int,
    getsockopt_optint,
    setsockopt,
    setsockopt_float,
    setsockopt_int,
    setsockopt_optint,
)
from lwt_unix._sockets.passing import recv_msg, send_msg, send_msgto
from lwt_unix._sockets.sockaddr import (
    ADDR_INET,
    ADDR_UNIX,
    Address,
    Sockaddr,
    domain_of_sockaddr,
    inet6_addr_any,
    inet6_addr_loopback,
    inet_addr_any,
    inet_addr_loopback,
    inet_addr_of_string,
    string_of_inet_addr,
)
from lwt_unix._sockets.sockets import (
    Credentials,
    accept,
    accept_n,
    bind,
    connect,
    get_credentials,
    getpeername,
    getsockname,
    listen,
    shutdown,
    socket,
    socketpair,
    somaxconn,
)
from lwt_unix._sockets.versioned import Versioned
from lwt_unix._time import (
    Timeout,
    auto_pause,
    auto_yield,
    sleep,
    timeout,
    with_timeout,
    yield_,
)

file_descr = File_descr
io_event = Io_event
socket_domain = Socket_domain
socket_type = Socket_type
shutdown_command = Shutdown_command
msg_flag = Msg_flag
credentials = Credentials
sockaddr = Sockaddr
socket_bool_option = Socket_bool_option
socket_int_option = Socket_int_option
socket_optint_option = Socket_optint_option
socket_float_option = Socket_float_option
signal_handler_id = Signal_handler_id
notification = Notification
process_status = Process_status
wait_flag = Wait_flag
resource_usage = Resource_usage
open_flag = Open_flag
seek_command = Seek_command
file_kind = File_kind
stats = Stats
access_permission = Access_permission
dir_handle = Dir_handle
lock_command = Lock_command
host_entry = Host_entry
protocol_entry = Protocol_entry
service_entry = Service_entry
addr_info = Addr_info
getaddrinfo_option = Getaddrinfo_option
name_info = Name_info
getnameinfo_option = Getnameinfo_option
passwd_entry = Passwd_entry
group_entry = Group_entry
terminal_io = Terminal_io
setattr_when = Setattr_when
flush_queue = Flush_queue
flow_action = Flow_action

inet_addr: TypeAlias = str
"""A numeric host, IPv4 or IPv6.

OCaml: type Lwt_unix.inet_addr = Unix.inet_addr
"""

file_perm: TypeAlias = int
"""The permissions of a file.

OCaml: type Lwt_unix.file_perm = Unix.file_perm
"""

__all__ = [
    # Errors
    "unix_error",
    "handle_unix_error",
    "log_exception",
    # 1 Sleeping
    "sleep",
    "timeout",
    "with_timeout",
    "Timeout",
    "auto_pause",
    "yield_",
    "auto_yield",
    # 2 Descriptors
    "File_descr",
    "file_descr",
    "State",
    "Opened",
    "Closed",
    "Aborted",
    "state",
    "of_unix_file_descr",
    "unix_file_descr",
    "blocking",
    "set_blocking",
    "check_descriptor",
    "abort",
    "close",
    "stdin",
    "stdout",
    "stderr",
    "dup",
    "dup2",
    "set_close_on_exec",
    "clear_close_on_exec",
    # 3 Waiting
    "wrap_syscall",
    "register_action",
    "Io_event",
    "io_event",
    "Read",
    "Write",
    "Retry",
    "Retry_read",
    "Retry_write",
    "readable",
    "writable",
    "wait_read",
    "wait_write",
    # 4 Reading and writing
    "read",
    "write",
    "write_string",
    "IO_vectors",
    "readv",
    "writev",
    "read_bigarray",
    "write_bigarray",
    "pipe",
    "pipe_in",
    "pipe_out",
    # 5 Files
    "file_perm",
    "Open_flag",
    "open_flag",
    "O_RDONLY",
    "O_WRONLY",
    "O_RDWR",
    "O_NONBLOCK",
    "O_APPEND",
    "O_CREAT",
    "O_TRUNC",
    "O_EXCL",
    "O_NOCTTY",
    "O_DSYNC",
    "O_SYNC",
    "O_RSYNC",
    "O_SHARE_DELETE",
    "O_CLOEXEC",
    "O_KEEPEXEC",
    "openfile",
    "pread",
    "pwrite",
    "pwrite_string",
    "Seek_command",
    "seek_command",
    "SEEK_SET",
    "SEEK_CUR",
    "SEEK_END",
    "lseek",
    "truncate",
    "ftruncate",
    "fsync",
    "fdatasync",
    # What is known of a file
    "File_kind",
    "file_kind",
    "S_REG",
    "S_DIR",
    "S_CHR",
    "S_BLK",
    "S_LNK",
    "S_FIFO",
    "S_SOCK",
    "Stats",
    "stats",
    "stat",
    "lstat",
    "fstat",
    "file_exists",
    "utimes",
    "isatty",
    "LargeFile",
    # Names, owners, permissions
    "unlink",
    "rename",
    "link",
    "symlink",
    "readlink",
    "mkfifo",
    "chmod",
    "fchmod",
    "chown",
    "fchown",
    "Access_permission",
    "access_permission",
    "R_OK",
    "W_OK",
    "X_OK",
    "F_OK",
    "access",
    # Directories
    "mkdir",
    "rmdir",
    "chdir",
    "getcwd",
    "chroot",
    "Dir_handle",
    "dir_handle",
    "opendir",
    "readdir",
    "readdir_n",
    "rewinddir",
    "closedir",
    "files_of_directory",
    # Locks
    "Lock_command",
    "lock_command",
    "F_ULOCK",
    "F_LOCK",
    "F_TLOCK",
    "F_TEST",
    "F_RLOCK",
    "F_TRLOCK",
    "lockf",
    # 6 Sockets
    "Socket_domain",
    "socket_domain",
    "PF_UNIX",
    "PF_INET",
    "PF_INET6",
    "Socket_type",
    "socket_type",
    "SOCK_STREAM",
    "SOCK_DGRAM",
    "SOCK_RAW",
    "SOCK_SEQPACKET",
    "socket",
    "socketpair",
    "bind",
    "listen",
    "somaxconn",
    "accept",
    "accept_n",
    "connect",
    "shutdown",
    "Shutdown_command",
    "shutdown_command",
    "SHUTDOWN_RECEIVE",
    "SHUTDOWN_SEND",
    "SHUTDOWN_ALL",
    "recv",
    "send",
    "recvfrom",
    "sendto",
    "Msg_flag",
    "msg_flag",
    "MSG_OOB",
    "MSG_DONTROUTE",
    "MSG_PEEK",
    "recv_msg",
    "send_msg",
    "send_msgto",
    "getsockname",
    "getpeername",
    "Credentials",
    "credentials",
    "get_credentials",
    # Addresses
    "Address",
    "Sockaddr",
    "sockaddr",
    "ADDR_INET",
    "ADDR_UNIX",
    "domain_of_sockaddr",
    "inet_addr",
    "inet_addr_any",
    "inet_addr_loopback",
    "inet6_addr_any",
    "inet6_addr_loopback",
    "inet_addr_of_string",
    "string_of_inet_addr",
    # Options
    "Socket_bool_option",
    "socket_bool_option",
    "SO_DEBUG",
    "SO_BROADCAST",
    "SO_REUSEADDR",
    "SO_KEEPALIVE",
    "SO_DONTROUTE",
    "SO_OOBINLINE",
    "SO_ACCEPTCONN",
    "TCP_NODELAY",
    "IPV6_ONLY",
    "SO_REUSEPORT",
    "getsockopt",
    "setsockopt",
    "Socket_int_option",
    "socket_int_option",
    "SO_SNDBUF",
    "SO_RCVBUF",
    "SO_ERROR",
    "SO_TYPE",
    "SO_RCVLOWAT",
    "SO_SNDLOWAT",
    "getsockopt_int",
    "setsockopt_int",
    "Socket_optint_option",
    "socket_optint_option",
    "SO_LINGER",
    "getsockopt_optint",
    "setsockopt_optint",
    "Socket_float_option",
    "socket_float_option",
    "SO_RCVTIMEO",
    "SO_SNDTIMEO",
    "getsockopt_float",
    "setsockopt_float",
    "getsockopt_error",
    # Multicast
    "mcast_set_loop",
    "mcast_set_ttl",
    "mcast_add_membership",
    "mcast_drop_membership",
    # Older and newer versions
    "Versioned",
    # 7 Signals
    "Signal_handler_id",
    "signal_handler_id",
    "on_signal",
    "on_signal_full",
    "disable_signal_handler",
    "signal_count",
    "reinstall_signal_handler",
    "handle_signal",
    # 8 Processes
    "fork",
    "Process_status",
    "process_status",
    "WEXITED",
    "WSIGNALED",
    "WSTOPPED",
    "Wait_flag",
    "wait_flag",
    "WNOHANG",
    "WUNTRACED",
    "wait",
    "waitpid",
    "Resource_usage",
    "resource_usage",
    "wait4",
    "has_wait4",
    "wait_count",
    "system",
    "sigchld_handler_installer",
    # 9 Jobs
    "job",
    "run_job",
    "Async_method",
    "Async_none",
    "Async_detach",
    "default_async_method",
    "set_default_async_method",
    "async_method",
    "async_method_key",
    "with_async_none",
    "with_async_detach",
    "abort_jobs",
    "cancel_jobs",
    "wait_for_jobs",
    "pool_size",
    "set_pool_size",
    "thread_count",
    "thread_waiting_count",
    "write_job_count_runtimte_event",
    # Notifications
    "Notification",
    "notification",
    "make_notification",
    "send_notification",
    "stop_notification",
    "set_notification",
    "call_notification",
    # 10 Names of hosts
    "gethostname",
    "Getaddrinfo_option",
    "getaddrinfo_option",
    "AI_FAMILY",
    "AI_SOCKTYPE",
    "AI_PROTOCOL",
    "AI_NUMERICHOST",
    "AI_CANONNAME",
    "AI_PASSIVE",
    "Addr_info",
    "addr_info",
    "getaddrinfo",
    "Getnameinfo_option",
    "getnameinfo_option",
    "NI_NOFQDN",
    "NI_NUMERICHOST",
    "NI_NAMEREQD",
    "NI_NUMERICSERV",
    "NI_DGRAM",
    "Name_info",
    "name_info",
    "getnameinfo",
    "Host_entry",
    "host_entry",
    "gethostbyname",
    "gethostbyaddr",
    # Services and protocols
    "Service_entry",
    "service_entry",
    "getservbyname",
    "getservbyport",
    "Protocol_entry",
    "protocol_entry",
    "getprotobyname",
    "getprotobynumber",
    # 11 Users and groups
    "Passwd_entry",
    "passwd_entry",
    "Group_entry",
    "group_entry",
    "getlogin",
    "getpwnam",
    "getpwuid",
    "getgrnam",
    "getgrgid",
    # Terminals
    "Terminal_io",
    "terminal_io",
    "tcgetattr",
    "Setattr_when",
    "setattr_when",
    "TCSANOW",
    "TCSADRAIN",
    "TCSAFLUSH",
    "tcsetattr",
    "tcsendbreak",
    "tcdrain",
    "Flush_queue",
    "flush_queue",
    "TCIFLUSH",
    "TCOFLUSH",
    "TCIOFLUSH",
    "tcflush",
    "Flow_action",
    "flow_action",
    "TCOOFF",
    "TCOON",
    "TCIOFF",
    "TCION",
    "tcflow",
    # Processors
    "get_cpu",
    "get_affinity",
    "set_affinity",
]

_publish(__name__)
