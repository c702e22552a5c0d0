"""Scripts of `server_language.py` as source text: servers, connections. See `script_source.py`."""

from __future__ import annotations

from typing import Final

OCAML_PREAMBLE: Final = r"""
let servers : (int, Lwt_io.server) Hashtbl.t = Hashtbl.create 4

let keep_server slot server = Hashtbl.replace servers slot server; "a server"

(* OCaml does not close a socket of its own if that cannot be bound. *)
let listening () = Lwt_unix.socket Unix.PF_UNIX Unix.SOCK_STREAM 0

let clients = ref 0

let check_clients () = if !clients >= 8 then raise Empty_slot

let serve handlers keep =
  let client = !clients in
  incr clients;
  keep client;
  event (sprintf "client %d" client);
  List.nth handlers (client mod List.length handlers) client

let connected ci co (ic, oc) = keep_input ci ic; keep_output co oc; "connected"
"""

PYTHON_PREAMBLE: Final = r"""
servers = {}

def keep_server(slot, server):
    servers[slot] = server
    return "a server"

# OCaml does not close a socket of its own if that cannot be bound.
def listening(): return lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)

clients = 0

def check_clients():
    if clients >= 8: raise EmptySlot

def serve(handlers, keep):
    global clients
    client, clients = clients, clients + 1
    keep(client)
    event(f"client {client}")
    return handlers[client % len(handlers)](client)

def keep_channels(ci, co, channels):
    keep_channel(ci, channels[0])
    keep_channel(co, channels[1])

def connected(ci, co, channels):
    keep_channels(ci, co, channels)
    return "connected"
"""

# Besides the arguments: {handlers}, {no_close}
OCAML: Final = {
    "serve_sockets": "let handlers = {handlers} in\n"
    "watch {0} (keep_server {1}) (Lwt_io.establish_server_with_client_socket\n"
    "  ~server_fd:(listening ()) {no_close}(address {2})\n"
    "  (fun _ fd -> serve handlers (fun client -> keep (40 + client) fd)))",
    "serve_channels": "let handlers = {handlers} in\n"
    "watch {0} (keep_server {1}) (Lwt_io.establish_server_with_client_address\n"
    "  ~fd:(listening ()) ~buffer_size:{3} {no_close}(address {2})\n"
    "  (fun _ (ic, oc) -> serve handlers (fun client ->\n"
    "    keep_input (40 + 2 * client) ic; keep_output (41 + 2 * client) oc)))",
    "shutdown_server": "watch {0} show_unit (Lwt_io.shutdown_server (find servers {1}))",
    "open_connection": "check_clients ();\n"
    "watch {0} (connected {1} {2}) (Lwt_io.open_connection\n"
    "  ~in_buffer:(buffer {4}) ~out_buffer:(buffer {4}) (address {3}))",
    "with_connection": "check_clients ();\n"
    "watch {0} show_unit (Lwt_io.with_connection (address {3}) {body})",
    "exists": 'event (sprintf "path {0} %s" '
    '(if Sys.file_exists (path {0}) then "exists" else "does not exist"))',
}
PYTHON: Final = {
    "serve_sockets": "handlers = {handlers}\n"
    "watch({0}, lambda server: keep_server({1}, server), "
    "lwt_io.establish_server_with_client_socket(\n"
    "    address({2}), lambda _, fd: serve(handlers, lambda client: keep(40 + client, fd)),\n"
    "    server_fd=listening(){no_close}))",
    "serve_channels": "handlers = {handlers}\n"
    "watch({0}, lambda server: keep_server({1}, server), "
    "lwt_io.establish_server_with_client_address(\n"
    "    address({2}), lambda _, channels: serve(\n"
    "        handlers, lambda client: keep_channels(40 + 2 * client, 41 + 2 * client, channels)),\n"
    "    fd=listening(), buffer_size={3}{no_close}))",
    "shutdown_server": "watch({0}, show_unit, lwt_io.shutdown_server(find(servers, {1})))",
    "open_connection": "check_clients()\n"
    "watch({0}, lambda channels: connected({1}, {2}, channels), lwt_io.open_connection(\n"
    "    address({3}), in_buffer=buffer({4}), out_buffer=buffer({4})))",
    "with_connection": "check_clients()\n"
    "watch({0}, show_unit, lwt_io.with_connection(address({3}), {body}))",
    "exists": "event(f\"path {0} {{'exists' if os.path.exists(path({0})) "
    "else 'does not exist'}}\")",
}
