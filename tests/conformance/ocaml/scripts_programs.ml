(* Scripts of input and output, run by Lwt_unix and Lwt_io themselves.

   The statements are described in language.py of languages/lwt_unix/, lwt_io/ and lwt_io_server/.
   run.py in languages/scripts/ and in these three runs the same scripts on our library; the
   sections here follow them, in this order. *)

open Programs
open Printf

exception Oops of int

(* 1 What is written to the trace *)

let over = ref true (* nothing is traced, and no callback does anything *)
let event text = if not !over then add_event text

let error_name = function
  | Unix.EBADF -> "EBADF" | EPIPE -> "EPIPE" | EAGAIN | EWOULDBLOCK -> "EAGAIN"
  | EINTR -> "EINTR" | ENOTCONN -> "ENOTCONN" | ECONNRESET -> "ECONNRESET"
  | ECONNREFUSED -> "ECONNREFUSED" | EINVAL -> "EINVAL" | ENOENT -> "ENOENT"
  | EADDRINUSE -> "EADDRINUSE" | EISCONN -> "EISCONN" | ENOTSOCK -> "ENOTSOCK"
  | EOPNOTSUPP -> "EOPNOTSUPP" | EINPROGRESS -> "EINPROGRESS" | EALREADY -> "EALREADY"
  | EPROTOTYPE -> "EPROTOTYPE" | EDESTADDRREQ -> "EDESTADDRREQ" | EMSGSIZE -> "EMSGSIZE"
  | EPERM -> "EPERM" | EACCES -> "EACCES" | EAFNOSUPPORT -> "EAFNOSUPPORT"
  | EEXIST -> "EEXIST" | ESPIPE -> "ESPIPE" | ENOTDIR -> "ENOTDIR" | EISDIR -> "EISDIR"
  | ENOTEMPTY -> "ENOTEMPTY" | ELOOP -> "ELOOP" | EBUSY -> "EBUSY" | EMLINK -> "EMLINK"
  | EOVERFLOW -> "EOVERFLOW" | ENOTTY -> "ENOTTY" | ENXIO -> "ENXIO" | EXDEV -> "EXDEV"
  | EUNKNOWNERR number -> sprintf "errno %d" number
  | error -> Unix.error_message error

let first_word text =
  let word = List.hd (String.split_on_char ' ' text) in
  List.hd (String.split_on_char ':' word)

let show_exception = function
  | Oops number -> sprintf "E%d" number
  | Unix.Unix_error (error, _, _) -> error_name error
  | Lwt.Canceled -> "Canceled"
  | Invalid_argument text -> "Invalid_argument " ^ first_word text
  | Failure text -> "Failure " ^ first_word text
  | Lwt_io.Channel_closed kind -> "Channel_closed " ^ kind
  | exn -> Printexc.to_string exn

let sum text =
  let total = ref 0 in
  String.iter (fun c -> total := (!total * 31 + Char.code c) land 0xffffff) text;
  !total

let show_data text =
  if String.length text > 40 then sprintf "%d bytes (%d)" (String.length text) (sum text)
  else begin
    let shown = Buffer.create 50 in
    Buffer.add_char shown '"';
    String.iter (function
      | '\n' -> Buffer.add_string shown "\\n"
      | '\r' -> Buffer.add_string shown "\\r"
      | ' ' .. '~' as c -> Buffer.add_char shown c
      | c -> bprintf shown "\\x%02x" (Char.code c)) text;
    Buffer.add_char shown '"';
    Buffer.contents shown
  end

let show_unit () = "()"
let show_option = function None -> "None" | Some text -> "Some " ^ show_data text
let show_char c = show_data (String.make 1 c)

let show_state = function
  | Lwt_unix.Opened -> "Opened"
  | Lwt_unix.Closed -> "Closed"
  | Lwt_unix.Aborted exn -> "Aborted " ^ show_exception exn

(* Numbers: ints in decimal, floats by their bits; of those that are no numbers, there is one here. *)
let show_float number =
  if Float.is_nan number then "nan" else sprintf "%016Lx" (Int64.bits_of_float number)

let value_of word =
  let digits = String.sub word 1 (String.length word - 1) in
  Int64.of_string (if word.[0] = 'f' then "0x" ^ digits else digits)

(* Any bytes, in hexadecimal. *)
let data_of word =
  String.init (String.length word / 2) (fun i ->
    Char.chr (int_of_string ("0x" ^ String.sub word (1 + 2 * i) 2)))

let numbers_in = function
  | "LE" -> (module Lwt_io.LE : Lwt_io.NumberIO)
  | "BE" -> (module Lwt_io.BE)
  | _ -> (module Lwt_io)

(* 2 One run of one script *)

type channel = In of Lwt_io.input_channel | Out of Lwt_io.output_channel

type vectors = {
  io_vectors : Lwt_unix.IO_vectors.t;
  mutable contents : (unit -> string) list; (* of all buffers, the last one first *)
  mutable uses : unit Lwt.t list; (* the calls that were made with them *)
  mutable has_bytes : bool;
}

type run = {
  descriptors : (int, Lwt_unix.file_descr) Hashtbl.t;
  mutable opened : Lwt_unix.file_descr list; (* all that were ever made *)
  promises : (int, unit Lwt.t) Hashtbl.t;
  mutable started : unit Lwt.t list; (* all that were ever made *)
  resolvers : (int, (int, exn) result -> unit) Hashtbl.t;
  channels : (int, channel) Hashtbl.t;
  mutable made : channel list;
  servers : (int, Lwt_io.server) Hashtbl.t;
  notifications : (int, int) Hashtbl.t;
  mutable notified : int;
  jobs : (int, unit Lwt.t) Hashtbl.t; (* those that go on *)
  vectors : (int, vectors) Hashtbl.t;
  arrays : (int, Lwt_bytes.t) Hashtbl.t;
  mutable written : int; (* bytes, so that no two of them are alike for long *)
  mutable clients : int;
}

exception Empty_slot

external any_promise : 'a Lwt.t -> unit Lwt.t = "%identity"

let find table slot = match Hashtbl.find_opt table slot with Some x -> x | None -> raise Empty_slot
let descriptor run slot = find run.descriptors slot
let input run slot = match find run.channels slot with In ic -> ic | Out _ -> raise Empty_slot
let output run slot = match find run.channels slot with Out oc -> oc | In _ -> raise Empty_slot

let keep_descriptor run slot fd =
  run.opened <- fd :: run.opened;
  Hashtbl.replace run.descriptors slot fd

let keep_channel run slot channel =
  run.made <- channel :: run.made;
  Hashtbl.replace run.channels slot channel

(* Trace what becomes of a promise; it can be cancelled and waited for from now on. *)
let rec watch run slot show promise =
  run.started <- any_promise promise :: run.started;
  watch_derived run slot show promise

(* The same for one that waits for others: joining those could be waiting for itself. *)
and watch_derived : 'a. run -> int -> ('a -> string) -> 'a Lwt.t -> unit = fun run slot show promise ->
  Hashtbl.replace run.promises slot (any_promise promise);
  Lwt.on_any promise
    (fun value -> event (sprintf "p%d = %s" slot (show value)))
    (fun exn -> event (sprintf "p%d fails, %s" slot (show_exception exn)))

(* A promise for `wakeup`. *)
let waiting run slot value =
  let promise, resolver = Lwt.task () in
  Lwt.on_cancel promise (fun () -> event (sprintf "p%d is cancelled" slot));
  run.started <- any_promise promise :: run.started;
  Hashtbl.replace run.promises slot (any_promise promise);
  Hashtbl.replace run.resolvers slot (function
    | Ok number -> Lwt.wakeup_later resolver (value number)
    | Error exn -> Lwt.wakeup_later_exn resolver exn);
  promise

let letters run count =
  let start = run.written in
  run.written <- start + count;
  Bytes.init count (fun i -> Char.chr (97 + (start + i) mod 26))

let text_of word =
  String.concat "" (List.map (function
    | 'N' -> "\n" | 'R' -> "\r" | '_' -> "" | c -> String.make 1 c)
    (List.of_seq (String.to_seq word)))

(* Memory of a channel; nothing of what happened to be there is seen. *)
let new_buffer size =
  let buffer = Lwt_bytes.create (max 16 size) in
  Lwt_bytes.fill buffer 0 (Lwt_bytes.length buffer) '.';
  buffer

let folder = Filename.temp_file "lwt" "" (* only the name is used *)
let () = Sys.remove folder
let path number = sprintf "%s.%d" folder number
let paths = 3

(* Files have paths of their own, behind those of sockets. *)
let file number = path (paths + number)
let files = 4

(* 3 The main loop of 6.1, which resolves paused promises once a turn *)

let turn () =
  Lwt_engine.iter false;
  Lwt.wakeup_paused ()

(* Turn until nothing happens any more. *)
let settle () =
  let quiet = ref 0 and turns = ref 0 in
  while !quiet < 4 && !turns < 60 do
    let before = Buffer.length trace in
    turn ();
    incr turns;
    if Buffer.length trace = before then incr quiet else quiet := 0
  done

(* 4 Descriptors *)

let io_event = function "read" -> Lwt_unix.Read | _ -> Lwt_unix.Write

let oops = function 0 -> Not_found | number -> Oops number

let shutdown_command = function
  | "receive" -> Unix.SHUTDOWN_RECEIVE | "send" -> Unix.SHUTDOWN_SEND | _ -> Unix.SHUTDOWN_ALL

let watch_read run p buffer offset promise =
  watch run p (fun count -> show_data (Bytes.sub_string buffer offset count)) promise

(* Anything more depends on the kernel. *)
let amount total = if total < 4096 then string_of_int total else "much"

(* Write until the system takes no more. *)
let fill fd =
  let piece = Bytes.make 4096 'x' in
  let rec go_on total =
    let writing = Lwt_unix.write fd piece 0 4096 in
    match Lwt.state writing with
    | Lwt.Return count -> go_on (total + count)
    | Lwt.Fail exn -> sprintf "%s, %s" (amount total) (show_exception exn)
    | Lwt.Sleep -> Lwt.cancel writing; amount total
  in
  go_on 0

(* Read until there is no more. *)
let drain fd =
  let buffer = Bytes.create 65536 in
  let rec go_on total =
    let reading = Lwt_unix.read fd buffer 0 65536 in
    match Lwt.state reading with
    | Lwt.Return 0 -> sprintf "%s, end" (amount total)
    | Lwt.Return count -> go_on (total + count)
    | Lwt.Fail exn -> sprintf "%s, %s" (amount total) (show_exception exn)
    | Lwt.Sleep -> Lwt.cancel reading; amount total
  in
  go_on 0

let open_flags = function
  | "read" -> [Unix.O_RDONLY]
  | "write" -> [Unix.O_WRONLY; O_CREAT; O_TRUNC]
  | "both" -> [Unix.O_RDWR; O_CREAT]
  | "append" -> [Unix.O_WRONLY; O_APPEND]
  | _ -> [Unix.O_RDWR; O_CREAT; O_EXCL]

let whence = function "set" -> Unix.SEEK_SET | "cur" -> Unix.SEEK_CUR | _ -> Unix.SEEK_END

let show_stats (stats : Unix.stats) =
  match stats.st_kind with
  | Unix.S_REG -> sprintf "S_REG %o, %d names, %d bytes" stats.st_perm stats.st_nlink stats.st_size
  | S_DIR -> sprintf "S_DIR %o" stats.st_perm
  | S_LNK -> "S_LNK"
  | S_SOCK -> "S_SOCK"
  | S_FIFO -> "S_FIFO"
  | _ -> "other"

(* What would never end, or depends on chance, with a file. *)
let refuse_file fd =
  if Lwt_unix.state fd = Lwt_unix.Opened && (Unix.fstat (Lwt_unix.unix_file_descr fd)).st_kind = Unix.S_REG
  then raise Empty_slot

(* A job waits until somebody opens the other end of its pipe. *)
let busy () = Lwt_unix.thread_count () - Lwt_unix.thread_waiting_count ()

let wait_until is_so = while not (is_so ()) do Thread.yield () done

let pipe_of number = path (paths + files + number)

(* OCaml leaves open what an aborted openfile has opened. *)
let close_opened name =
  Array.iter (fun entry ->
    match Unix.readlink ("/proc/self/fd/" ^ entry) with
    | target when target = name -> Unix.close (Obj.magic (int_of_string entry) : Unix.file_descr)
    | _ | exception Unix.Unix_error _ -> ()) (Sys.readdir "/proc/self/fd")

let let_end run number =
  let name = pipe_of number and before = busy () in
  Unix.close (Unix.openfile name [Unix.O_WRONLY] 0);
  wait_until (fun () -> busy () < before);
  if not (Lwt.is_sleeping (Hashtbl.find run.jobs number)) then close_opened name;
  Hashtbl.remove run.jobs number;
  Unix.unlink name

let rec execute run name arguments =
  match name, arguments with
  | "openfile", [Number p; Number d; Number number; Word flags] ->
    watch run p (fun fd -> keep_descriptor run d fd; "opened")
      (Lwt_unix.openfile (file number) (open_flags flags) 0o640)
  | "pread", [Number p; Number d; Number size; Number offset; Number length; Number place] ->
    let buffer = Bytes.make size '.' in
    watch_read run p buffer offset
      (Lwt_unix.pread (descriptor run d) buffer ~file_offset:place offset length)
  | "pwrite", [Number p; Number d; Number size; Number offset; Number length; Number place] ->
    let fd = descriptor run d in
    watch run p string_of_int (Lwt_unix.pwrite fd (letters run size) ~file_offset:place offset length)
  | "lseek", [Number p; Number d; Number offset; Word from] ->
    watch run p string_of_int (Lwt_unix.lseek (descriptor run d) offset (whence from))
  | "truncate", [Number p; Number number; Number length] ->
    watch run p show_unit (Lwt_unix.truncate (file number) length)
  | "ftruncate", [Number p; Number d; Number length] ->
    watch run p show_unit (Lwt_unix.ftruncate (descriptor run d) length)
  | "fsync", [Number p; Number d] -> watch run p show_unit (Lwt_unix.fsync (descriptor run d))
  | "stat", [Number p; Number number] -> watch run p show_stats (Lwt_unix.stat (file number))
  | "lstat", [Number p; Number number] -> watch run p show_stats (Lwt_unix.lstat (file number))
  | "fstat", [Number p; Number d] -> watch run p show_stats (Lwt_unix.fstat (descriptor run d))
  | "file_exists", [Number p; Number number] ->
    watch run p string_of_bool (Lwt_unix.file_exists (file number))
  | "unlink", [Number p; Number number] -> watch run p show_unit (Lwt_unix.unlink (file number))
  | "rename", [Number p; Number a; Number b] ->
    watch run p show_unit (Lwt_unix.rename (file a) (file b))
  | "link", [Number p; Number a; Number b] -> watch run p show_unit (Lwt_unix.link (file a) (file b))
  | "symlink", [Number p; Number a; Number b] ->
    watch run p show_unit (Lwt_unix.symlink (file a) (file b))
  | "readlink", [Number p; Number number] ->
    watch run p
      (fun target ->
        let rec find n = if n = files then "elsewhere" else if file n = target then string_of_int n else find (n + 1) in
        find 0)
      (Lwt_unix.readlink (file number))
  | "chmod", [Number p; Number number; Number perms] ->
    watch run p show_unit (Lwt_unix.chmod (file number) perms)
  | "access", [Number p; Number number] ->
    watch run p show_unit (Lwt_unix.access (file number) [Unix.F_OK])
  | "mkdir", [Number p; Number number] -> watch run p show_unit (Lwt_unix.mkdir (file number) 0o750)
  | "rmdir", [Number p; Number number] -> watch run p show_unit (Lwt_unix.rmdir (file number))
  | "files_of_directory", [Number p; Number number] ->
    watch run p string_of_int
      (Lwt.bind (Lwt_stream.to_list (Lwt_unix.files_of_directory (file number)))
        (fun names -> Lwt.return (List.length names)))
  | "isatty", [Number p; Number d] ->
    watch run p string_of_bool (Lwt_unix.isatty (descriptor run d))
  | "notification", [Number n; Number once; Row statements] ->
    let call () = event (sprintf "n%d comes" n); notified run statements in
    Hashtbl.replace run.notifications n (Lwt_unix.make_notification ~once:(once = 1) call)
  | "send_notification", [Number n] -> Lwt_unix.send_notification (find run.notifications n)
  | "stop_notification", [Number n] -> Lwt_unix.stop_notification (find run.notifications n)
  | "call_notification", [Number n] -> Lwt_unix.call_notification (find run.notifications n)
  | "set_notification", [Number n; Row statements] ->
    let call () = event (sprintf "n%d comes anew" n); notified run statements in
    Lwt_unix.set_notification (find run.notifications n) call
  | "socketpair", [Number a; Number b] ->
    let one, other = Lwt_unix.socketpair Unix.PF_UNIX Unix.SOCK_STREAM 0 in
    keep_descriptor run a one;
    keep_descriptor run b other
  | "small_socketpair", [Number a; Number b] ->
    let one, other = Lwt_unix.socketpair Unix.PF_UNIX Unix.SOCK_STREAM 0 in
    Lwt_unix.setsockopt_int one Unix.SO_SNDBUF 2048;
    Lwt_unix.setsockopt_int other Unix.SO_SNDBUF 2048;
    keep_descriptor run a one;
    keep_descriptor run b other
  | "datagrams", [Number a; Number b] ->
    let one, other = Lwt_unix.socketpair Unix.PF_UNIX Unix.SOCK_DGRAM 0 in
    keep_descriptor run a one;
    keep_descriptor run b other
  | "pipe", [Number a; Number b] ->
    let reading, writing = Lwt_unix.pipe () in
    keep_descriptor run a reading;
    keep_descriptor run b writing
  | "dup", [Number a; Number b] -> keep_descriptor run b (Lwt_unix.dup (descriptor run a))
  | "dup2", [Number a; Number b] ->
    let target = descriptor run b in
    if Lwt_unix.state target <> Lwt_unix.Closed then Lwt_unix.dup2 (descriptor run a) target
  | "read", [Number p; Number d; Number size; Number offset; Number length] ->
    let buffer = Bytes.make size '.' in
    watch_read run p buffer offset (Lwt_unix.read (descriptor run d) buffer offset length)
  | "recv", [Number p; Number d; Number size; Number offset; Number length; Number peek] ->
    let buffer = Bytes.make size '.' in
    let flags = if peek = 1 then [Unix.MSG_PEEK] else [] in
    watch_read run p buffer offset (Lwt_unix.recv (descriptor run d) buffer offset length flags)
  | "recvfrom", [Number p; Number d; Number length] ->
    let buffer = Bytes.make length '.' in
    let promise = Lwt_unix.recvfrom (descriptor run d) buffer 0 length [] in
    watch run p (fun (count, _) -> show_data (Bytes.sub_string buffer 0 count)) promise
  | "write", [Number p; Number d; Number size; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p string_of_int (Lwt_unix.write fd (letters run size) offset length)
  | "write_string", [Number p; Number d; Number size; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p string_of_int
      (Lwt_unix.write_string fd (Bytes.to_string (letters run size)) offset length)
  | "write_text", [Number p; Number d; Word word] ->
    let text = text_of word in
    watch run p string_of_int
      (Lwt_unix.write_string (descriptor run d) text 0 (String.length text))
  | "send", [Number p; Number d; Number size; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p string_of_int (Lwt_unix.send fd (letters run size) offset length [])
  | "sendto", [Number p; Number d; Number size; Number number] ->
    let fd = descriptor run d in
    let address = Unix.ADDR_UNIX (path number) in
    watch run p string_of_int (Lwt_unix.sendto fd (letters run size) 0 size [] address)
  | "fill", [Number d] -> refuse_file (descriptor run d); event ("filled " ^ fill (descriptor run d))
  | "drain", [Number d] -> event ("drained " ^ drain (descriptor run d))
  | "wait_read", [Number p; Number d] ->
    watch run p show_unit (Lwt_unix.wait_read (descriptor run d))
  | "wait_write", [Number p; Number d] ->
    watch run p show_unit (Lwt_unix.wait_write (descriptor run d))
  | "readable", [Number d] ->
    event (sprintf "readable %b" (Lwt_unix.readable (descriptor run d)))
  | "writable", [Number d] ->
    event (sprintf "writable %b" (Lwt_unix.writable (descriptor run d)))
  | "wrap_syscall", [Number p; Number d; Word direction; Row outcomes] ->
    watch run p string_of_int
      (Lwt_unix.wrap_syscall (io_event direction) (descriptor run d) (action run p outcomes))
  | "register_action", [Number p; Number d; Word direction; Row outcomes] ->
    let fd = descriptor run d in
    Lwt_unix.check_descriptor fd; (* ours does it, OCaml leaves it to the caller *)
    watch run p string_of_int
      (Lwt_unix.register_action (io_event direction) fd (action run p outcomes))
  | "close", [Number p; Number d] -> watch run p show_unit (Lwt_unix.close (descriptor run d))
  | "abort", [Number d; Number e] -> Lwt_unix.abort (descriptor run d) (oops e)
  | "state", [Number d] -> event ("state " ^ show_state (Lwt_unix.state (descriptor run d)))
  | "check_descriptor", [Number d] -> Lwt_unix.check_descriptor (descriptor run d)
  | "shutdown", [Number d; Word command] ->
    Lwt_unix.shutdown (descriptor run d) (shutdown_command command)
  | "blocking", [Number p; Number d] ->
    watch run p string_of_bool (Lwt_unix.blocking (descriptor run d))
  | "set_blocking", [Number d; Number blocking] ->
    Lwt_unix.set_blocking (descriptor run d) (blocking = 1)
  (* sockets with addresses *)
  | "socket", [Number d] ->
    keep_descriptor run d (Lwt_unix.socket Unix.PF_UNIX Unix.SOCK_STREAM 0)
  | "datagram_socket", [Number d] ->
    keep_descriptor run d (Lwt_unix.socket Unix.PF_UNIX Unix.SOCK_DGRAM 0)
  | "bind", [Number p; Number d; Number number] ->
    watch run p show_unit (Lwt_unix.bind (descriptor run d) (Unix.ADDR_UNIX (path number)))
  | "listen", [Number d; Number backlog] -> Lwt_unix.listen (descriptor run d) backlog
  | "connect", [Number p; Number d; Number number] ->
    check_clients run;
    watch run p show_unit (Lwt_unix.connect (descriptor run d) (Unix.ADDR_UNIX (path number)))
  | "accept", [Number p; Number d; Number client] ->
    watch run p
      (fun (fd, _) -> keep_descriptor run client fd; "a client")
      (Lwt_unix.accept (descriptor run d))
  | "accept_n", [Number p; Number d; Number count; Number client] ->
    watch run p
      (fun (clients, exn) ->
        List.iteri (fun i (fd, _) -> keep_descriptor run (client + i) fd) clients;
        sprintf "%d clients%s" (List.length clients)
          (match exn with None -> "" | Some exn -> ", " ^ show_exception exn))
      (Lwt_unix.accept_n (descriptor run d) count)
  | "getsockname", [Number d] ->
    event (match Lwt_unix.getsockname (descriptor run d) with
      | Unix.ADDR_UNIX "" -> "unnamed" | _ -> "named")
  | "getpeername", [Number d] ->
    event (match Lwt_unix.getpeername (descriptor run d) with
      | Unix.ADDR_UNIX "" -> "unnamed" | _ -> "named")
  (* promises and the main loop *)
  | "cancel", [Number p] -> Lwt.cancel (find run.promises p)
  | "then", [Number p; Row statements] ->
    let go_on _ = List.iter (perform run) statements in
    Lwt.on_any (find run.promises p) go_on go_on
  | "pick", [Number p; Row slots] ->
    let promises = List.map (function Number q -> find run.promises q | _ -> raise Empty_slot) slots in
    let resolved = List.filter (fun promise -> not (Lwt.is_sleeping promise)) promises in
    if List.length resolved > 1 then raise Empty_slot; (* it would be chosen at random *)
    watch_derived run p (fun _ -> "picked") (Lwt.pick promises)
  | "ignore_result", [Number p] -> Lwt.ignore_result (find run.promises p)
  | ("with_value" | "without_value"), _ ->
    under_storage (perform run) (Row (Word name :: arguments))
  | "protected", [Number p; Number q] ->
    watch_derived run p (fun _ -> "protected") (Lwt.protected (find run.promises q))
  | "pause", [Number p] -> watch run p show_unit (Lwt.pause ())
  | "wakeup", [Number p; Number value] -> resolve run p (Ok value)
  | "wakeup_exn", [Number p; Number e] -> resolve run p (Error (oops e))
  | "turn", [] -> turn ()
  | "settle", [] -> settle ()
  | _ -> execute_on_channels run name arguments

and resolve run slot result =
  let resolver = find run.resolvers slot in
  Hashtbl.remove run.resolvers slot;
  if Lwt.state (find run.promises slot) = Lwt.Sleep then resolver result

(* A system call of the script's own: what happens each time it is tried. *)
and action run p outcomes =
  let rest = ref outcomes in
  fun () ->
    match !rest with
    | [] -> event (sprintf "p%d tries, done" p); 0
    | Row (Word outcome :: statements) :: others ->
      rest := others;
      event (sprintf "p%d tries, %s" p outcome);
      List.iter (perform run) statements;
      (match outcome with
       | "retry" -> raise Lwt_unix.Retry
       | "retry_read" -> raise Lwt_unix.Retry_read
       | "retry_write" -> raise Lwt_unix.Retry_write
       | "again" -> raise (Unix.Unix_error (Unix.EAGAIN, "", ""))
       | "fail" -> raise (Oops 1)
       | _ -> 1)
    | _ -> raise (Malformed "action")

(* 5 Channels *)

and make_input run c size steps =
  let rest = ref steps and position = ref 0 in
  let source = "ab\ncd\r\ne\rf\n\nghijklmnopqrstuvwxyz0123456789 end of the line\r\n" in
  let give buffer offset count =
    for i = 0 to count - 1 do
      Lwt_bytes.set buffer (offset + i) source.[(!position + i) mod String.length source]
    done;
    position := !position + count;
    count
  in
  let transfer buffer offset length =
    event (sprintf "c%d reads %d at %d" c length offset);
    next_step run c rest (fun count -> give buffer offset (min count length)) length
  in
  Lwt_io.make ~buffer:(new_buffer size) ~close:(closing run c "quiet") ~mode:Lwt_io.input
    transfer

and make_output run c size steps =
  let rest = ref steps in
  let transfer buffer offset length =
    let data = Lwt_bytes.to_string (Lwt_bytes.proxy buffer offset length) in
    event (sprintf "c%d writes %s at %d" c (show_data data) offset);
    next_step run c rest (fun count -> min (max 1 count) length) length
  in
  Lwt_io.make ~buffer:(new_buffer size) ~close:(closing run c "quiet") ~mode:Lwt_io.output
    transfer

(* What the function of a channel does when it is called next. *)
and next_step run c rest transferred length =
  match !rest with
  | [] -> Lwt.map transferred (waiting run (60 + c) Fun.id)
  | step :: others ->
    rest := others;
    match step with
    | Number count -> Lwt.return (transferred count)
    | Word "end" -> Lwt.return 0
    | Word "raise" -> raise (Oops 2)
    | Word "reject" -> Lwt.fail (Oops 3)
    | Word "much" -> Lwt.return (length + 1)
    | Word "negative" -> Lwt.return (-1)
    | Word "later" -> Lwt.bind (Lwt.pause ()) (fun () -> Lwt.return (transferred 5))
    | Row (Word "run" :: statements) ->
      List.iter (perform run) statements;
      Lwt.return (transferred 3)
    | _ -> Lwt.map transferred (waiting run (60 + c) Fun.id)

and closing run c how () =
  event (sprintf "c%d is closed, %s" c how);
  match how with
  | "raise" -> raise (Oops 4)
  | "reject" -> Lwt.fail (Oops 5)
  | "wait" -> waiting run (80 + c) ignore
  | _ -> Lwt.return_unit

and channel_of_fd : 'a. run -> int -> 'a Lwt_io.mode -> int -> string -> Lwt_unix.file_descr -> 'a Lwt_io.channel =
  fun run c mode size how fd ->
  let buffer = new_buffer size in
  if how = "default" then Lwt_io.of_fd ~buffer ~mode fd
  else if how = "close" then
    let close () = event (sprintf "c%d is closed, close" c); Lwt_unix.close fd in
    Lwt_io.of_fd ~buffer ~close ~mode fd
  else Lwt_io.of_fd ~buffer ~close:(closing run c how) ~mode fd

and on_channel : 'b. run -> int -> < f : 'a. 'a Lwt_io.channel -> 'b > -> 'b = fun run c using ->
  match find run.channels c with In ic -> using#f ic | Out oc -> using#f oc

and execute_on_channels run name arguments =
  match name, arguments with
  | "io_pipe", [Number ci; Number co; Number in_size; Number out_size] ->
    let ic, oc = Lwt_io.pipe ~in_buffer:(new_buffer in_size)
        ~out_buffer:(new_buffer out_size) () in
    keep_channel run ci (In ic);
    keep_channel run co (Out oc)
  | "io_of_fd", [Number c; Number d; Word "input"; Number size; Word how] ->
    keep_channel run c (In (channel_of_fd run c Lwt_io.input size how (descriptor run d)))
  | "io_of_fd", [Number c; Number d; Word _; Number size; Word how] ->
    keep_channel run c (Out (channel_of_fd run c Lwt_io.output size how (descriptor run d)))
  | "io_make", [Number c; Word "input"; Number size; Row steps] ->
    keep_channel run c (In (make_input run c size steps))
  | "io_make", [Number c; Word _; Number size; Row steps] ->
    keep_channel run c (Out (make_output run c size steps))
  | "io_read_line", [Number p; Number c] ->
    watch run p show_data (Lwt_io.read_line (input run c))
  | "io_read_line_opt", [Number p; Number c] ->
    watch run p show_option (Lwt_io.read_line_opt (input run c))
  | "io_read_char", [Number p; Number c] ->
    watch run p show_char (Lwt_io.read_char (input run c))
  | "io_read_char_opt", [Number p; Number c] ->
    watch run p (function None -> "None" | Some c -> "Some " ^ show_char c)
      (Lwt_io.read_char_opt (input run c))
  | "io_read_all", [Number p; Number c] -> watch run p show_data (Lwt_io.read (input run c))
  | "io_read", [Number p; Number c; Number count] ->
    watch run p show_data (Lwt_io.read ~count (input run c))
  | "io_read_into", [Number p; Number c; Number size; Number offset; Number length] ->
    let buffer = Bytes.make (max 0 size) '.' in
    watch run p (fun count -> sprintf "%d %s" count (show_data (Bytes.to_string buffer)))
      (Lwt_io.read_into (input run c) buffer offset length)
  | "io_read_into_exactly", [Number p; Number c; Number size; Number offset; Number length] ->
    let buffer = Bytes.make (max 0 size) '.' in
    watch run p (fun () -> show_data (Bytes.to_string buffer))
      (Lwt_io.read_into_exactly (input run c) buffer offset length)
  | "io_write", [Number p; Number c; Word text] ->
    watch run p show_unit (Lwt_io.write (output run c) (text_of text))
  | "io_write_letters", [Number p; Number c; Number count] ->
    let oc = output run c in
    watch run p show_unit (Lwt_io.write oc (Bytes.to_string (letters run count)))
  | "io_write_line", [Number p; Number c; Word text] ->
    watch run p show_unit (Lwt_io.write_line (output run c) (text_of text))
  | "io_write_char", [Number p; Number c; Word text] ->
    watch run p show_unit (Lwt_io.write_char (output run c) (text_of text).[0])
  | "io_write_from", [Number p; Number c; Number size; Number offset; Number length] ->
    let oc = output run c in
    watch run p string_of_int (Lwt_io.write_from oc (letters run size) offset length)
  | "io_write_from_exactly", [Number p; Number c; Number size; Number offset; Number length] ->
    let oc = output run c in
    watch run p show_unit (Lwt_io.write_from_exactly oc (letters run size) offset length)
  | "io_flush", [Number p; Number c] -> watch run p show_unit (Lwt_io.flush (output run c))
  | "io_close", [Number p; Number c] ->
    watch run p show_unit
      (on_channel run c (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.close end))
  | "io_abort", [Number p; Number c] ->
    watch run p show_unit
      (on_channel run c (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.abort end))
  | "io_state", [Number c] ->
    let busy = match on_channel run c
        (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.is_busy end) with
      | true -> "busy" | false -> "not busy"
      | exception exn -> show_exception exn in
    let number f = f in
    event (sprintf "c%d %s, %s, %d buffered of %d, at %Ld" c busy
        (if on_channel run c (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.is_closed end)
         then "closed" else "not closed")
        (number (on_channel run c
          (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.buffered end)))
        (on_channel run c (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.buffer_size end))
        (on_channel run c (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.position end)))
  | "io_resize_buffer", [Number p; Number c; Number size] ->
    watch run p show_unit
      (on_channel run c
        (object method f : 'a. 'a Lwt_io.channel -> _ = fun c -> Lwt_io.resize_buffer c size end))
  | "io_block", [Number p; Number c; Number size] ->
    let using buffer offset =
      event (sprintf "block at %d" offset);
      Lwt.return
        (match find run.channels c with
         | In _ -> Lwt_bytes.to_string (Lwt_bytes.proxy buffer offset size)
         | Out _ ->
           Lwt_bytes.fill buffer offset size '#';
           "") in
    watch run p show_data
      (on_channel run c
        (object method f : 'a. 'a Lwt_io.channel -> _ = fun c -> Lwt_io.block c size using end))
  | "io_direct_access", [Number p; Number c; Number move; Number times] ->
    let is_output = match find run.channels c with In _ -> false | Out _ -> true in
    let using (access : Lwt_io.direct_access) =
      let rec go_on times =
        let start = access.da_ptr in
        access.da_ptr <- min (start + move) access.da_max;
        if is_output then Lwt_bytes.fill access.da_buffer start (access.da_ptr - start) '@';
        event (sprintf "from %d to %d" access.da_ptr access.da_max);
        if times = 0 then Lwt.return_unit
        else
          Lwt.bind (access.da_perform ()) (fun count ->
            event (sprintf "performed %d" count);
            go_on (times - 1)) in
      go_on times in
    watch run p show_unit
      (on_channel run c
        (object method f : 'a. 'a Lwt_io.channel -> _ = fun c -> Lwt_io.direct_access c using end))
  | "io_atomic", [Number p; Number c; Number temporary; Row (Word ending :: statements)] ->
    let body channel =
      event (sprintf "c%d is borrowed as c%d" c temporary);
      Hashtbl.replace run.channels temporary channel;
      let before = run.started in
      List.iter (perform run) statements;
      ended run p ending before in
    watch run p show_unit
      (match find run.channels c with
       | In ic -> Lwt_io.atomic (fun ic -> body (In ic)) ic
       | Out oc -> Lwt_io.atomic (fun oc -> body (Out oc)) oc)
  | _ -> execute_on_files run name arguments

(* Channels on files *)

and open_file_channel number direction size flags =
  let buffer = new_buffer size and flags = if flags = "default" then None else Some (open_flags flags) in
  if direction = "input" then `In (Lwt_io.open_file ~buffer ?flags ~mode:Lwt_io.input (file number))
  else `Out (Lwt_io.open_file ~buffer ?flags ~mode:Lwt_io.output (file number))

and with_block run p c ending statements channel =
  keep_channel run c channel;
  let before = run.started in
  List.iter (perform run) statements;
  ended run p ending before

and number_in path = Array.length (Sys.readdir (Filename.dirname path))

and execute_on_files run name arguments =
  let quietly f = try f () with Sys_error _ | Unix.Unix_error _ -> () in
  match name, arguments with
  | "fill_file", [Number number; Word text; Number count] ->
    quietly (fun () ->
      let oc = open_out_bin (file number) in
      for _ = 1 to count do output_string oc (text_of text) done;
      close_out oc)
  | "look", [Number number] ->
    let name = file number in
    event (
      if not (Sys.file_exists name) then sprintf "file %d is not there" number
      else if Sys.is_directory name then
        sprintf "file %d has %d in it" number (Array.length (Sys.readdir name))
      else begin
        let ic = open_in_bin name in
        let text = really_input_string ic (in_channel_length ic) in
        close_in ic;
        sprintf "file %d is %s" number (show_data text)
      end)
  | "io_open_file", [Number p; Number c; Number number; Word direction; Number size; Word flags] ->
    (match open_file_channel number direction size flags with
     | `In opening -> watch run p (fun ic -> keep_channel run c (In ic); "opened") opening
     | `Out opening -> watch run p (fun oc -> keep_channel run c (Out oc); "opened") opening)
  | "io_with_file", [Number p; Number c; Number number; Word direction; Number size;
                     Row (Word ending :: statements)] ->
    let buffer = new_buffer size and body = with_block run p c ending statements in
    watch run p show_unit
      (if direction = "input" then
         Lwt_io.with_file ~buffer ~mode:Lwt_io.input (file number) (fun ic -> body (In ic))
       else Lwt_io.with_file ~buffer ~mode:Lwt_io.output (file number) (fun oc -> body (Out oc)))
  | "io_set_position", [Number p; Number c; Number place] ->
    watch run p show_unit
      (on_channel run c
        (object method f : 'a. 'a Lwt_io.channel -> _ =
           fun c -> Lwt_io.set_position c (Int64.of_int place) end))
  | "io_length", [Number p; Number c] ->
    watch run p Int64.to_string
      (on_channel run c (object method f : 'a. 'a Lwt_io.channel -> _ = Lwt_io.length end))
  | "io_file_length", [Number p; Number number] ->
    watch run p Int64.to_string (Lwt_io.file_length (file number))
  | "io_lines_of_file", [Number p; Number number] ->
    watch run p (fun lines -> show_data (String.concat "/" lines))
      (Lwt.catch (fun () -> Lwt_stream.to_list (Lwt_io.lines_of_file (file number))) Lwt.fail)
  | "io_chars_of_file", [Number p; Number number] ->
    watch run p (fun chars -> show_data (String.concat "/" (List.map (String.make 1) chars)))
      (Lwt.catch (fun () -> Lwt_stream.to_list (Lwt_io.chars_of_file (file number))) Lwt.fail)
  | "io_lines_to_file", [Number p; Number number; Row words] ->
    let line = function
      | Word text -> text_of text | Number number -> string_of_int number
      | Row _ -> raise (Malformed "line") in
    watch run p show_unit
      (Lwt_io.lines_to_file (file number) (Lwt_stream.of_list (List.map line words)))
  | "io_chars_to_file", [Number p; Number number; Word text] ->
    watch run p show_unit (Lwt_io.chars_to_file (file number) (Lwt_stream.of_string (text_of text)))
  | "io_with_temp_file", [Number p; Number c; Number number; Row (Word ending :: statements)] ->
    let use (path, oc) =
      event (sprintf "there are %d" (number_in path));
      with_block run p c ending statements (Out oc) in
    watch run p show_unit (Lwt_io.with_temp_file ~temp_dir:(file number) use)
  | "io_with_temp_dir", [Number p; Number number; Row (Word ending :: statements)] ->
    let use path =
      event (sprintf "there are %d" (number_in path));
      close_out (open_out (Filename.concat path "file"));
      Unix.symlink "." (Filename.concat path "link");
      Unix.mkdir (Filename.concat path "directory") 0o755;
      let before = run.started in
      List.iter (perform run) statements;
      ended run p ending before in
    watch run p show_unit (Lwt_io.with_temp_dir ~parent:(file number) use)
  | _ -> execute_on_numbers run name arguments

(* Numbers on channels, and channels on byte arrays *)

and execute_on_numbers run name arguments =
  match name, arguments with
  | "io_read_number", [Number p; Number c; Word order; Word kind] ->
    let module N = (val numbers_in order) in
    let ic = input run c in
    (match kind with
     | "int" -> watch run p string_of_int (N.read_int ic)
     | "int16" -> watch run p string_of_int (N.read_int16 ic)
     | "int32" -> watch run p Int32.to_string (N.read_int32 ic)
     | "int64" -> watch run p Int64.to_string (N.read_int64 ic)
     | "float32" -> watch run p show_float (N.read_float32 ic)
     | _ -> watch run p show_float (N.read_float64 ic))
  | "io_write_number", [Number p; Number c; Word order; Word kind; Word value] ->
    let module N = (val numbers_in order) in
    let oc = output run c in
    let bits = value_of value in
    watch run p show_unit
      (match kind with
       | "int" -> N.write_int oc (Int64.to_int bits)
       | "int16" -> N.write_int16 oc (Int64.to_int bits)
       | "int32" -> N.write_int32 oc (Int64.to_int32 bits)
       | "int64" -> N.write_int64 oc bits
       | "float32" -> N.write_float32 oc (Int64.float_of_bits bits)
       | _ -> N.write_float64 oc (Int64.float_of_bits bits))
  | "io_of_bytes", [Number c; Word direction; Word word] ->
    let array = Lwt_bytes.of_string (data_of word) in
    Hashtbl.replace run.arrays c array;
    keep_channel run c
      (if direction = "input" then In (Lwt_io.of_bytes ~mode:Lwt_io.input array)
       else Out (Lwt_io.of_bytes ~mode:Lwt_io.output array))
  | "array", [Number c] ->
    event ("array " ^ show_data (Lwt_bytes.to_string (find run.arrays c)))
  | "io_read_chars", [Number p; Number c; Number count] ->
    watch run p (fun chars -> show_data (String.of_seq (List.to_seq chars)))
      (Lwt_stream.nget count (Lwt_io.read_chars (input run c)))
  | "io_hexdump", [Number p; Number c; Word word] ->
    watch run p show_unit (Lwt_io.hexdump (output run c) (data_of word))
  | "write_data", [Number p; Number d; Word word] ->
    let data = data_of word in
    watch run p string_of_int
      (Lwt_unix.write_string (descriptor run d) data 0 (String.length data))
  | _ -> execute_on_arrays run name arguments

(* Byte arrays *)

and execute_on_arrays run name arguments =
  let array a = find run.arrays a and keep a array = Hashtbl.replace run.arrays a array in
  match name, arguments with
  | "bytes_create", [Number a; Number size] ->
    let array = Lwt_bytes.create size in
    Lwt_bytes.fill array 0 (Lwt_bytes.length array) '.';
    keep a array
  | "bytes_of_string", [Number a; Word text] -> keep a (Lwt_bytes.of_string (text_of text))
  | "bytes_of_bytes", [Number a; Word text] ->
    keep a (Lwt_bytes.of_bytes (Bytes.of_string (text_of text)))
  | "bytes_proxy", [Number a; Number b; Number offset; Number length] ->
    keep a (Lwt_bytes.proxy (array b) offset length)
  | "bytes_extract", [Number a; Number b; Number offset; Number length] ->
    keep a (Lwt_bytes.extract (array b) offset length)
  | "bytes_copy", [Number a; Number b] -> keep a (Lwt_bytes.copy (array b))
  | "bytes_get", [Number a; Number offset] ->
    event ("get " ^ show_char (Lwt_bytes.get (array a) offset))
  | "bytes_set", [Number a; Number offset; Word text] ->
    Lwt_bytes.set (array a) offset (text_of text).[0]
  | "bytes_fill", [Number a; Number offset; Number length; Word text] ->
    Lwt_bytes.fill (array a) offset length (text_of text).[0]
  | "bytes_blit", [Number a; Number offset; Number b; Number target_offset; Number length] ->
    let source = array a in
    Lwt_bytes.blit source offset (array b) target_offset length
  | "bytes_blit_from_string",
    [Word text; Number offset; Number a; Number target_offset; Number length] ->
    Lwt_bytes.blit_from_string (text_of text) offset (array a) target_offset length
  | "bytes_blit_from_bytes",
    [Word text; Number offset; Number a; Number target_offset; Number length] ->
    Lwt_bytes.blit_from_bytes (Bytes.of_string (text_of text)) offset (array a) target_offset
      length
  | "bytes_blit_to_bytes",
    [Number a; Number offset; Number size; Number target_offset; Number length] ->
    let target = Bytes.make size '.' in
    Lwt_bytes.blit_to_bytes (array a) offset target target_offset length;
    event ("blit " ^ show_data (Bytes.to_string target))
  | "bytes_look", [Number a] ->
    let array = array a in
    event (sprintf "a%d %d bytes, %b, %s" a (Lwt_bytes.length array) (Lwt_bytes.mapped array)
      (show_data (Lwt_bytes.to_string array)))
  | "bytes_read", [Number p; Number d; Number a; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p string_of_int (Lwt_bytes.read fd (array a) offset length)
  | "bytes_write", [Number p; Number d; Number a; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p string_of_int (Lwt_bytes.write fd (array a) offset length)
  | "bytes_recv", [Number p; Number d; Number a; Number offset; Number length; Number peek] ->
    let fd = descriptor run d and flags = if peek = 1 then [Unix.MSG_PEEK] else [] in
    watch run p string_of_int (Lwt_bytes.recv fd (array a) offset length flags)
  | "bytes_send", [Number p; Number d; Number a; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p string_of_int (Lwt_bytes.send fd (array a) offset length [])
  | "bytes_recvfrom", [Number p; Number d; Number a; Number offset; Number length] ->
    let fd = descriptor run d in
    watch run p (fun (count, _) -> string_of_int count)
      (Lwt_bytes.recvfrom fd (array a) offset length [])
  | "bytes_sendto", [Number p; Number d; Number a; Number offset; Number length; Number number] ->
    let fd = descriptor run d in
    watch run p string_of_int
      (Lwt_bytes.sendto fd (array a) offset length [] (Unix.ADDR_UNIX (path number)))
  | "bytes_send_msg", Number p :: Number d :: parts ->
    let socket = descriptor run d in
    let io_vectors = List.map (vector_of run) parts in
    watch run p string_of_int
      ((Lwt_bytes.send_msg [@ocaml.warning "-3"]) ~socket ~io_vectors ~fds:[])
  | "bytes_recv_msg", Number p :: Number d :: parts ->
    let socket = descriptor run d in
    let io_vectors = List.map (vector_of run) parts in
    watch run p
      (fun (count, fds) -> sprintf "%d, %d descriptors" count (List.length fds))
      ((Lwt_bytes.recv_msg [@ocaml.warning "-3"]) ~socket ~io_vectors)
  | "bytes_map_file",
    [Number a; Number number; Number place; Number shared; Number size; Word flags] ->
    let flag = match flags with
      | "both" -> Unix.O_RDWR | "read" -> Unix.O_RDONLY | _ -> Unix.O_WRONLY in
    let fd = Unix.openfile (file number) [flag] 0 in
    let mapped =
      try Lwt_bytes.map_file ~fd ~pos:(Int64.of_int place) ~shared:(shared = 1) ~size ()
      with exn -> Unix.close fd; raise exn in
    Unix.close fd;
    keep a mapped
  | "bytes_madvise", [Number a; Number offset; Number length; Word name] ->
    let array = array a in
    if not (Lwt_bytes.mapped array) then raise Empty_slot; (* by chance, it begins with a page *)
    Lwt_bytes.madvise array offset length
      (match name with
       | "NORMAL" -> Lwt_bytes.MADV_NORMAL
       | "RANDOM" -> MADV_RANDOM
       | "SEQUENTIAL" -> MADV_SEQUENTIAL
       | "WILLNEED" -> MADV_WILLNEED
       | _ -> MADV_DONTNEED);
    event "advised"
  | "bytes_wait_mincore", [Number p; Number a; Number offset] ->
    watch run p show_unit (Lwt_bytes.wait_mincore (array a) offset)
  | _ -> execute_with_jobs run name arguments

and vector_of run = function
  | Row [Number a; Number offset; Number length] ->
    let buffer = find run.arrays a in
    (Lwt_bytes.io_vector [@ocaml.warning "-3"]) ~buffer ~offset ~length
  | _ -> raise (Malformed "vector")

(* Jobs *)

(* Notifications that send each other would never settle. *)
and notified run statements =
  run.notified <- run.notified + 1;
  if run.notified < 20 then List.iter (perform run) statements

and execute_with_jobs run name arguments =
  match name, arguments with
  | "job", [Number p; Number number] ->
    if Hashtbl.mem run.jobs number then raise Empty_slot;
    let name = pipe_of number and before = busy () in
    Unix.mkfifo name 0o600;
    let opening =
      Lwt_unix.with_async_detach (fun () -> Lwt_unix.openfile name [Unix.O_RDONLY] 0) in
    Hashtbl.replace run.jobs number (any_promise opening);
    watch run p (fun fd -> run.opened <- fd :: run.opened; sprintf "j%d" number) opening;
    wait_until (fun () -> busy () > before)
  | "finish", [Number number] ->
    ignore (find run.jobs number);
    turn ();
    if Hashtbl.mem run.jobs number then let_end run number;
    turn ()
  | "busy", [] -> event (sprintf "%d busy" (busy ()))
  | "at_once", [Number p; Number number] ->
    watch run p (fun _ -> "done")
      (Lwt_unix.with_async_none (fun () ->
        Lwt_unix.stat (if number mod 2 = 0 then "/" else "/no such file")))
  | "under", Word "none" :: statements ->
    Lwt_unix.with_async_none (fun () -> List.iter (perform run) statements)
  | "under", Word _ :: statements ->
    Lwt_unix.with_async_detach (fun () -> List.iter (perform run) statements)
  | "set_method", [Word name] ->
    Lwt_unix.set_default_async_method
      (if name = "none" then Lwt_unix.Async_none else Lwt_unix.Async_detach)
  | "method", [] ->
    event (if Lwt_unix.async_method () = Lwt_unix.Async_none then "none" else "detach")
  | "abort_jobs", [Number e] -> Lwt_unix.abort_jobs (oops e)
  | "cancel_jobs", [] -> Lwt_unix.cancel_jobs ()
  | "wait_for_jobs", [Number p] -> watch_derived run p show_unit (Lwt_unix.wait_for_jobs ())
  | _ -> execute_with_vectors run name arguments

(* Several buffers at once; messages *)

(* The vectors of a slot, to be changed: not while a call waits with them. *)
and idle_vectors run v =
  let vectors = find run.vectors v in
  if List.exists Lwt.is_sleeping vectors.uses then raise Empty_slot;
  vectors

and append ?(is_bytes = true) run v buffer add =
  let vectors = idle_vectors run v in
  add vectors.io_vectors;
  if is_bytes then vectors.has_bytes <- true;
  vectors.contents <- (fun () -> Bytes.to_string (buffer ())) :: vectors.contents

and use : 'a. run -> int -> int -> ('a -> string) -> (Lwt_unix.IO_vectors.t -> 'a Lwt.t) -> unit =
  fun run p v show call ->
  let vectors = find run.vectors v in
  let promise = call vectors.io_vectors in
  vectors.uses <- any_promise promise :: vectors.uses;
  let contents () = String.concat "" (List.rev_map (fun content -> content ()) vectors.contents) in
  watch run p (fun value -> show value ^ " " ^ show_data (contents ())) promise

(* The numbers of descriptors that are sure to be open. *)
and numbers run slots =
  List.map (function
    | Number d ->
      let fd = descriptor run d in
      if Lwt_unix.state fd <> Lwt_unix.Opened then raise Empty_slot;
      Lwt_unix.unix_file_descr fd
    | _ -> raise (Malformed "slot")) slots

and execute_with_vectors run name arguments =
  match name, arguments with
  | "vectors", [Number v] ->
    Hashtbl.replace run.vectors v
      { io_vectors = Lwt_unix.IO_vectors.create (); contents = []; uses = []; has_bytes = false }
  | "append", [Number v; Number size; Number offset; Number length] ->
    let buffer = letters run size in
    append run v (fun () -> buffer) (fun vectors ->
      Lwt_unix.IO_vectors.append_bytes vectors buffer offset length)
  | "append_bigarray", [Number v; Number size; Number offset; Number length] ->
    let buffer = Lwt_bytes.of_bytes (letters run size) in
    append ~is_bytes:false run v (fun () -> Lwt_bytes.to_bytes buffer) (fun vectors ->
      Lwt_unix.IO_vectors.append_bigarray vectors buffer offset length)
  | "append_many", [Number v; Number count] ->
    let buffer = letters run 8 in
    append run v (fun () -> buffer) (fun vectors ->
      for i = 1 to count do
        Lwt_unix.IO_vectors.append_bytes vectors buffer (i mod 8) 1
      done)
  | "drop", [Number v; Number count] -> Lwt_unix.IO_vectors.drop (idle_vectors run v).io_vectors count
  | "count", [Number v] ->
    let vectors = (find run.vectors v).io_vectors in
    event (sprintf "v%d has %d bytes, empty %b" v (Lwt_unix.IO_vectors.byte_count vectors)
      (Lwt_unix.IO_vectors.is_empty vectors))
  | "readv", [Number p; Number d; Number v] ->
    (* From a file, OCaml fills the rest of bytes with whatever was in memory. *)
    if (find run.vectors v).has_bytes then refuse_file (descriptor run d);
    use run p v string_of_int (Lwt_unix.readv (descriptor run d))
  | "writev", [Number p; Number d; Number v] ->
    use run p v string_of_int (Lwt_unix.writev (descriptor run d))
  | "recv_msg", [Number p; Number d; Number v; Number first] ->
    use run p v
      (fun (count, fds) ->
        List.iteri (fun i fd -> keep_descriptor run (first + i) (Lwt_unix.of_unix_file_descr fd)) fds;
        sprintf "%d, %d descriptors" count (List.length fds))
      (fun io_vectors -> Lwt_unix.recv_msg ~socket:(descriptor run d) ~io_vectors)
  | "send_msg", [Number p; Number d; Number v; Row slots] ->
    let fds = numbers run slots in
    use run p v string_of_int
      (fun io_vectors -> Lwt_unix.send_msg ~socket:(descriptor run d) ~io_vectors ~fds)
  | "send_msgto", [Number p; Number d; Number v; Row slots; Number number] ->
    let fds = numbers run slots and dest = Unix.ADDR_UNIX (path number) in
    use run p v string_of_int
      (fun io_vectors -> Lwt_unix.send_msgto ~socket:(descriptor run d) ~io_vectors ~fds ~dest)
  | "bind_1", [Number d; Number number] ->
    Lwt_unix.Versioned.bind_1 (descriptor run d) (Unix.ADDR_UNIX (path number))
  | "read_bigarray", [Number p; Number d; Number size; Number offset; Number length] ->
    let buffer = Lwt_bytes.of_bytes (Bytes.make size '.') in
    watch run p (fun count -> show_data (Bytes.sub_string (Lwt_bytes.to_bytes buffer) offset count))
      (Lwt_unix.read_bigarray "Lwt_bytes.read" (descriptor run d) buffer offset length)
  | "write_bigarray", [Number p; Number d; Number size; Number offset; Number length] ->
    let fd = descriptor run d in
    let buffer = Lwt_bytes.of_bytes (letters run size) in
    watch run p string_of_int
      (Lwt_unix.write_bigarray "Lwt_bytes.write" fd buffer offset length)
  | _ -> execute_on_names run name arguments

(* Names of hosts, services, protocols, users and groups *)

and execute_on_names run name arguments =
  (* A name has a sign before it, so that it is no number, and not empty. *)
  let plain word = String.sub word 1 (String.length word - 1) in
  let names aliases = String.concat "," (Array.to_list aliases) in
  let show_domain = function
    | Unix.PF_UNIX -> "PF_UNIX" | PF_INET -> "PF_INET" | PF_INET6 -> "PF_INET6" in
  let show_type = function
    | Unix.SOCK_STREAM -> "SOCK_STREAM" | SOCK_DGRAM -> "SOCK_DGRAM" | SOCK_RAW -> "SOCK_RAW"
    | SOCK_SEQPACKET -> "SOCK_SEQPACKET" in
  let show_address = function
    | Unix.ADDR_INET (host, port) -> sprintf "%s:%d" (Unix.string_of_inet_addr host) port
    | ADDR_UNIX path -> "path " ^ path in
  let show_host (host : Unix.host_entry) =
    sprintf "%s [%s] %s [%s]" host.h_name (names host.h_aliases) (show_domain host.h_addrtype)
      (names (Array.map Unix.string_of_inet_addr host.h_addr_list)) in
  let show_service (service : Unix.service_entry) =
    sprintf "%s [%s] %d %s" service.s_name (names service.s_aliases) service.s_port service.s_proto in
  let show_protocol (protocol : Unix.protocol_entry) =
    sprintf "%s [%s] %d" protocol.p_name (names protocol.p_aliases) protocol.p_proto in
  let show_info (info : Unix.addr_info) =
    sprintf "%s %s %d %s %s" (show_domain info.ai_family) (show_type info.ai_socktype)
      info.ai_protocol (show_address info.ai_addr) info.ai_canonname in
  let show_user (user : Unix.passwd_entry) =
    String.concat ":" [user.pw_name; user.pw_passwd; string_of_int user.pw_uid;
      string_of_int user.pw_gid; user.pw_gecos; user.pw_dir; user.pw_shell] in
  let show_group (group : Unix.group_entry) =
    sprintf "%s:%s:%d:%s" group.gr_name group.gr_passwd group.gr_gid (names group.gr_mem) in
  let domain = function "unix" -> Unix.PF_UNIX | "inet" -> Unix.PF_INET | _ -> Unix.PF_INET6 in
  let kind = function
    | "stream" -> Unix.SOCK_STREAM | "dgram" -> SOCK_DGRAM | "raw" -> SOCK_RAW | _ -> SOCK_SEQPACKET in
  let info_option = function
    | Row [Word "family"; Word name] -> Unix.AI_FAMILY (domain name)
    | Row [Word "socktype"; Word name] -> Unix.AI_SOCKTYPE (kind name)
    | Row [Word "protocol"; Number number] -> Unix.AI_PROTOCOL number
    | Word "numerichost" -> Unix.AI_NUMERICHOST
    | Word "canonname" -> Unix.AI_CANONNAME
    | _ -> Unix.AI_PASSIVE in
  let name_option = function
    | Word "nofqdn" -> Unix.NI_NOFQDN | Word "numerichost" -> Unix.NI_NUMERICHOST
    | Word "namereqd" -> Unix.NI_NAMEREQD | Word "numericserv" -> Unix.NI_NUMERICSERV
    | _ -> Unix.NI_DGRAM in
  match name, arguments with
  | "gethostname", [Number p] -> watch run p Fun.id (Lwt_unix.gethostname ())
  | "gethostbyname", [Number p; Word name] ->
    watch run p show_host (Lwt_unix.gethostbyname (plain name))
  | "gethostbyaddr", [Number p; Word host] ->
    watch run p show_host (Lwt_unix.gethostbyaddr (Unix.inet_addr_of_string (plain host)))
  | "getservbyname", [Number p; Word name; Word protocol] ->
    watch run p show_service (Lwt_unix.getservbyname (plain name) (plain protocol))
  | "getservbyport", [Number p; Number port; Word protocol] ->
    watch run p show_service (Lwt_unix.getservbyport port (plain protocol))
  | "getprotobyname", [Number p; Word name] ->
    watch run p show_protocol (Lwt_unix.getprotobyname (plain name))
  | "getprotobynumber", [Number p; Number number] ->
    watch run p show_protocol (Lwt_unix.getprotobynumber number)
  | "getaddrinfo", [Number p; Word host; Word service; Row options] ->
    watch run p (fun found -> String.concat "; " (List.map show_info found))
      (Lwt_unix.getaddrinfo (plain host) (plain service) (List.map info_option options))
  | "getnameinfo", [Number p; Word host; Number port; Row options] ->
    let host = plain host in
    let address =
      if host <> "" && host.[0] = '/' then Unix.ADDR_UNIX host
      else Unix.ADDR_INET (Unix.inet_addr_of_string host, port) in
    watch run p (fun (found : Unix.name_info) -> found.ni_hostname ^ " " ^ found.ni_service)
      (Lwt_unix.getnameinfo address (List.map name_option options))
  | "getlogin", [Number p] -> watch run p Fun.id (Lwt_unix.getlogin ())
  | "getpwnam", [Number p; Word name] -> watch run p show_user (Lwt_unix.getpwnam (plain name))
  | "getpwuid", [Number p; Number number] -> watch run p show_user (Lwt_unix.getpwuid number)
  | "getgrnam", [Number p; Word name] -> watch run p show_group (Lwt_unix.getgrnam (plain name))
  | "getgrgid", [Number p; Number number] -> watch run p show_group (Lwt_unix.getgrgid number)
  | _ -> execute_with_servers run name arguments

(* The end of a function that owes a promise; `before` are the promises that were there. *)
and ended run slot ending before =
  match ending with
  | "joins" ->
    let rec since started = if started == before then [] else List.hd started :: since (List.tl started) in
    Lwt.join (since run.started)
  | "raises" -> raise (Oops 6)
  | "rejects" -> Lwt.fail (Oops 7)
  | "pauses" -> Lwt.pause ()
  | "waits" -> waiting run (100 + slot) ignore
  | _ -> Lwt.return_unit

(* 6 Servers *)

(* A socket to listen on. OCaml does not close its own one if that cannot be bound. *)
and listening run =
  let fd = Lwt_unix.socket Unix.PF_UNIX Unix.SOCK_STREAM 0 in
  run.opened <- fd :: run.opened;
  fd

and check_clients run = if run.clients >= 8 then raise Empty_slot

and execute_with_servers run name arguments =
  match name, arguments with
  | "serve_sockets", [Number p; Number s; Number number; Number no_close; Row handlers] ->
    let serve address fd =
      let client = run.clients in
      run.clients <- client + 1;
      keep_descriptor run (40 + client) fd;
      served run client handlers
    in
    let promise =
      Lwt_io.establish_server_with_client_socket ~server_fd:(listening run) ~no_close:(no_close = 1)
        (Unix.ADDR_UNIX (path number)) serve in
    watch run p (fun server -> Hashtbl.replace run.servers s server; "a server") promise
  | "serve_channels",
    [Number p; Number s; Number number; Number size; Number no_close; Row handlers] ->
    let serve address (ic, oc) =
      let client = run.clients in
      run.clients <- client + 1;
      keep_channel run (40 + 2 * client) (In ic);
      keep_channel run (41 + 2 * client) (Out oc);
      served run client handlers
    in
    let promise =
      Lwt_io.establish_server_with_client_address ~fd:(listening run) ~buffer_size:(max 16 size) ~no_close:(no_close = 1)
        (Unix.ADDR_UNIX (path number)) serve in
    watch run p (fun server -> Hashtbl.replace run.servers s server; "a server") promise
  | "shutdown_server", [Number p; Number s] ->
    watch run p show_unit (Lwt_io.shutdown_server (find run.servers s))
  | "open_connection", [Number p; Number ci; Number co; Number number; Number size] ->
    check_clients run;
    watch run p
      (fun (ic, oc) ->
        keep_channel run ci (In ic);
        keep_channel run co (Out oc);
        "connected")
      (Lwt_io.open_connection ~in_buffer:(new_buffer size)
        ~out_buffer:(new_buffer size) (Unix.ADDR_UNIX (path number)))
  | "with_connection", [Number p; Number ci; Number co; Number number; Row (Word ending :: statements)] ->
    check_clients run;
    watch run p show_unit
      (Lwt_io.with_connection (Unix.ADDR_UNIX (path number)) (fun (ic, oc) ->
        keep_channel run ci (In ic);
        keep_channel run co (Out oc);
        event "connected";
        let before = run.started in
        List.iter (perform run) statements;
        ended run p ending before))
  | "exists", [Number number] ->
    event (sprintf "path %d %s" number
      (if Sys.file_exists (path number) then "exists" else "does not exist"))
  | _ -> raise (Malformed name)

and served run client handlers =
  event (sprintf "client %d" client);
  match if handlers = [] then Row [Word "returns"] else List.nth handlers (client mod List.length handlers) with
  | Row (Word ending :: statements) ->
    let before = run.started in
    List.iter (perform run) statements;
    ended run (40 + client) ending before
  | _ -> raise (Malformed "handler")

and perform run = function
  | Row (Word name :: arguments) ->
    if not !over then begin
      try execute run name arguments with
      | Empty_slot -> ()
      | Malformed _ as exn -> raise exn
      | exn -> event ("raises " ^ show_exception exn)
    end
  | _ -> raise (Malformed "statement")

(* 7 Scripts *)

let summary run =
  let sorted table = List.sort compare (List.of_seq (Hashtbl.to_seq table)) in
  List.iter (fun (slot, fd) -> event (sprintf "d%d %s" slot (show_state (Lwt_unix.state fd))))
    (sorted run.descriptors |> List.map (fun x -> x));
  List.iter (fun (slot, promise) ->
    if Lwt.is_sleeping promise then event (sprintf "p%d waits" slot))
    (List.sort (fun (a, _) (b, _) -> compare a b) (List.of_seq (Hashtbl.to_seq run.promises)))

let rec remove_all name =
  if (Unix.lstat name).st_kind = Unix.S_DIR then begin
    Array.iter (fun entry -> remove_all (Filename.concat name entry)) (Sys.readdir name);
    Unix.rmdir name
  end
  else Unix.unlink name

let clean_up run =
  over := true;
  let quietly f = try ignore (f ()) with _ -> () in
  List.iter (function
    | In ic -> quietly (fun () -> Lwt_io.abort ic)
    | Out oc -> quietly (fun () -> Lwt_io.abort oc)) run.made;
  Hashtbl.iter (fun _ server -> quietly (fun () -> Lwt_io.shutdown_server server)) run.servers;
  List.iter (fun promise -> quietly (fun () -> Lwt.cancel promise)) run.started;
  List.iter (fun number -> let_end run number)
    (List.of_seq (Hashtbl.to_seq_keys run.jobs));
  turn ();
  Lwt_unix.set_default_async_method Lwt_unix.Async_none;
  List.iter (fun fd -> quietly (fun () -> Lwt_unix.close fd)) run.opened;
  for _ = 1 to 3 do turn () done;
  Lwt.abandon_paused ();
  Hashtbl.iter (fun _ notification -> Lwt_unix.stop_notification notification) run.notifications;
  for number = 0 to paths - 1 do quietly (fun () -> Unix.unlink (path number)) done;
  for number = 0 to files - 1 do
    quietly (fun () -> Unix.unlink (file number));
    quietly (fun () -> remove_all (file number))
  done

let run_script script =
  let run = {
    descriptors = Hashtbl.create 16; opened = []; promises = Hashtbl.create 16; started = [];
    resolvers = Hashtbl.create 16; channels = Hashtbl.create 16; made = [];
    servers = Hashtbl.create 4; notifications = Hashtbl.create 4; vectors = Hashtbl.create 4;
    notified = 0; jobs = Hashtbl.create 4; arrays = Hashtbl.create 4; written = 0; clients = 0 } in
  over := false;
  Lwt.async_exception_hook := (fun exn -> event ("hook " ^ show_exception exn));
  List.iteri (fun number statement ->
    event (string_of_int number);
    perform run statement) script;
  summary run;
  clean_up run

let () =
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  Lwt_engine.set (new Lwt_engine.select);
  Lwt_unix.set_default_async_method Lwt_unix.Async_none;
  serve run_script
