"""The constants of sockets: domains, types, flags, options.

Each enumeration is a type of OCaml's `Lwt_unix` that has constant constructors only; its members
are exported under their bare names as well. The value of a member is what the system calls it.

OCaml: the enumerations of section "Sockets" in lwt_unix.mli.
"""

import socket
from enum import Enum

from lwt._core.publish import constants


@constants
class Socket_domain(Enum):
    """The family of a socket.

    OCaml: type Lwt_unix.socket_domain
    """

    PF_UNIX = socket.AF_UNIX
    PF_INET = socket.AF_INET
    PF_INET6 = socket.AF_INET6


PF_UNIX = Socket_domain.PF_UNIX
PF_INET = Socket_domain.PF_INET
PF_INET6 = Socket_domain.PF_INET6


@constants
class Socket_type(Enum):
    """What a socket carries: a stream of bytes, or messages.

    OCaml: type Lwt_unix.socket_type
    """

    SOCK_STREAM = socket.SOCK_STREAM
    SOCK_DGRAM = socket.SOCK_DGRAM
    SOCK_RAW = socket.SOCK_RAW
    SOCK_SEQPACKET = socket.SOCK_SEQPACKET


SOCK_STREAM = Socket_type.SOCK_STREAM
SOCK_DGRAM = Socket_type.SOCK_DGRAM
SOCK_RAW = Socket_type.SOCK_RAW
SOCK_SEQPACKET = Socket_type.SOCK_SEQPACKET


@constants
class Shutdown_command(Enum):
    """Which half of a connection `shutdown` ends.

    OCaml: type Lwt_unix.shutdown_command
    """

    SHUTDOWN_RECEIVE = socket.SHUT_RD
    SHUTDOWN_SEND = socket.SHUT_WR
    SHUTDOWN_ALL = socket.SHUT_RDWR


SHUTDOWN_RECEIVE = Shutdown_command.SHUTDOWN_RECEIVE
SHUTDOWN_SEND = Shutdown_command.SHUTDOWN_SEND
SHUTDOWN_ALL = Shutdown_command.SHUTDOWN_ALL


@constants
class Msg_flag(Enum):
    """How `recv`, `send`, `recvfrom` and `sendto` are to treat a message.

    OCaml: type Lwt_unix.msg_flag
    """

    MSG_OOB = socket.MSG_OOB
    MSG_DONTROUTE = socket.MSG_DONTROUTE
    MSG_PEEK = socket.MSG_PEEK


MSG_OOB = Msg_flag.MSG_OOB
MSG_DONTROUTE = Msg_flag.MSG_DONTROUTE
MSG_PEEK = Msg_flag.MSG_PEEK


@constants
class Socket_bool_option(Enum):
    """Options that are on or off; the value is a level and a number at that level.

    OCaml: type Lwt_unix.socket_bool_option
    """

    SO_DEBUG = (socket.SOL_SOCKET, socket.SO_DEBUG)
    SO_BROADCAST = (socket.SOL_SOCKET, socket.SO_BROADCAST)
    SO_REUSEADDR = (socket.SOL_SOCKET, socket.SO_REUSEADDR)
    SO_KEEPALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    SO_DONTROUTE = (socket.SOL_SOCKET, socket.SO_DONTROUTE)
    SO_OOBINLINE = (socket.SOL_SOCKET, socket.SO_OOBINLINE)
    SO_ACCEPTCONN = (socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    TCP_NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
    IPV6_ONLY = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    SO_REUSEPORT = (socket.SOL_SOCKET, socket.SO_REUSEPORT)


SO_DEBUG = Socket_bool_option.SO_DEBUG
SO_BROADCAST = Socket_bool_option.SO_BROADCAST
SO_REUSEADDR = Socket_bool_option.SO_REUSEADDR
SO_KEEPALIVE = Socket_bool_option.SO_KEEPALIVE
SO_DONTROUTE = Socket_bool_option.SO_DONTROUTE
SO_OOBINLINE = Socket_bool_option.SO_OOBINLINE
SO_ACCEPTCONN = Socket_bool_option.SO_ACCEPTCONN
TCP_NODELAY = Socket_bool_option.TCP_NODELAY
IPV6_ONLY = Socket_bool_option.IPV6_ONLY
SO_REUSEPORT = Socket_bool_option.SO_REUSEPORT


@constants
class Socket_int_option(Enum):
    """Options that are numbers. `SO_ERROR` is better read with `getsockopt_error`.

    OCaml: type Lwt_unix.socket_int_option
    """

    SO_SNDBUF = (socket.SOL_SOCKET, socket.SO_SNDBUF)
    SO_RCVBUF = (socket.SOL_SOCKET, socket.SO_RCVBUF)
    SO_ERROR = (socket.SOL_SOCKET, socket.SO_ERROR)
    SO_TYPE = (socket.SOL_SOCKET, socket.SO_TYPE)
    SO_RCVLOWAT = (socket.SOL_SOCKET, socket.SO_RCVLOWAT)
    SO_SNDLOWAT = (socket.SOL_SOCKET, socket.SO_SNDLOWAT)


SO_SNDBUF = Socket_int_option.SO_SNDBUF
SO_RCVBUF = Socket_int_option.SO_RCVBUF
SO_ERROR = Socket_int_option.SO_ERROR
SO_TYPE = Socket_int_option.SO_TYPE
SO_RCVLOWAT = Socket_int_option.SO_RCVLOWAT
SO_SNDLOWAT = Socket_int_option.SO_SNDLOWAT


@constants
class Socket_optint_option(Enum):
    """Options that are off, or on with a number.

    OCaml: type Lwt_unix.socket_optint_option
    """

    SO_LINGER = (socket.SOL_SOCKET, socket.SO_LINGER)


SO_LINGER = Socket_optint_option.SO_LINGER


@constants
class Socket_float_option(Enum):
    """Options in seconds. They mean nothing for a socket in non-blocking mode, as sockets are here.

    OCaml: type Lwt_unix.socket_float_option
    """

    SO_RCVTIMEO = (socket.SOL_SOCKET, socket.SO_RCVTIMEO)
    SO_SNDTIMEO = (socket.SOL_SOCKET, socket.SO_SNDTIMEO)


SO_RCVTIMEO = Socket_float_option.SO_RCVTIMEO
SO_SNDTIMEO = Socket_float_option.SO_SNDTIMEO
