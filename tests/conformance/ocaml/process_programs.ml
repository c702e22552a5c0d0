(* Programs over child processes, run by Lwt_process and Lwt_unix.

   The statements are described in languages/lwt_process/programs.py; run.py there runs the same
   programs on our library. *)

open Programs
open Printf

let event = add_event

let show_data text = sprintf "%S" text

let show_exception = function
  | Unix.Unix_error (error, name, _) ->
    sprintf "%s %s" (match error with
      | Unix.ECHILD -> "ECHILD" | EBADF -> "EBADF" | EPIPE -> "EPIPE" | _ -> "another error") name
  | Lwt.Canceled -> "Canceled"
  | End_of_file -> "End_of_file"
  | Lwt_io.Channel_closed _ -> "Channel_closed"
  | exn -> Printexc.to_string exn

(* The numbers of signals as the system has them. *)
let signal number = if number = Sys.sigkill then 9 else if number = Sys.sigterm then 15 else number

let show_status = function
  | Unix.WEXITED code -> sprintf "exited %d" code
  | Unix.WSIGNALED number -> sprintf "killed by %d" (signal number)
  | Unix.WSTOPPED number -> sprintf "stopped by %d" (signal number)

let commands = [|
  ("", [| "true" |]);
  Lwt_process.shell "exit 3";
  ("", [| "cat" |]);
  Lwt_process.shell "echo one; printf two";
  ("", [| "no_such_program" |]);
  Lwt_process.shell "kill -9 $$";
  Lwt_process.shell "read x; echo got $x; exit 4";
  Lwt_process.shell "case \"$(pwd)\" in /) echo root;; *) echo elsewhere;; esac";
  Lwt_process.shell "echo $A-$B";
  Lwt_process.shell "echo error >&2; echo out";
  ("/bin/sh", [| "name"; "-c"; "echo $0 $1"; "zero"; "one" |]);
  ("", [| "" |]);
  ("", [| "/" |]);
  Lwt_process.shell "cat; echo end; exit 5";
  Lwt_process.shell "kill -15 $$";
  ("", [| "echo"; "a  b"; "$HOME"; "" |]);
|]

let texts = [| ""; "a"; "one\ntwo\n"; String.make 5000 'x'; String.make 100_000 'y' |]

let command_of = function Number n -> commands.(n) | _ -> raise (Malformed "command")
let env_of = function
  | Number 0 -> None
  | Number 1 -> Some [| "A=7" |]
  | Number 2 -> Some [| "A=7"; "B=x=y"; "PATH=/no/such" |]
  | _ -> Some [||]
let cwd_of = function Number 0 -> None | Number 1 -> Some "/" | _ -> Some "/no/such/directory"

let name = Filename.temp_file "lwt" ""

let redirection fd = function
  | Number 0 -> `Dev_null
  | Number 1 -> `Close
  | Number 2 -> `FD_copy fd
  | _ -> `FD_copy Unix.stdout

(* Turn until a promise is resolved; tell what became of it. *)
let finish show promise =
  let promise = Lwt.catch (fun () -> Lwt.map show promise) (fun exn -> Lwt.return (show_exception exn)) in
  while Lwt.is_sleeping promise do Lwt_engine.iter true; Lwt.wakeup_paused () done;
  (match Lwt.poll promise with Some text -> event text | None -> ())

(* Turn until all children were waited for. *)
let reap () = while Lwt_unix.wait_count () > 0 do Lwt_engine.iter true; Lwt.wakeup_paused () done

let chars text = Lwt_stream.of_string text
let lines text = Lwt_stream.of_list (String.split_on_char '\n' text)
let show_lines l = String.concat "|" (List.map show_data l)
let of_chars l = show_data (String.of_seq (List.to_seq l))
let all f = Lwt.catch (fun () -> Lwt_stream.to_list (f ())) Lwt.fail

let written fd =
  ignore (Unix.lseek fd 0 Unix.SEEK_SET);
  let ic = Unix.in_channel_of_descr (Unix.dup fd) in
  let text = really_input_string ic (in_channel_length ic) in
  close_in ic;
  Unix.ftruncate fd 0;
  ignore (Unix.lseek fd 0 Unix.SEEK_SET);
  if text <> "" then
    event (if String.length text > 100 then sprintf "%d bytes" (String.length text) else show_data text)

let short text = if String.length text > 100 then sprintf "%d bytes" (String.length text) else show_data text

let is_over pid =
  try
    let ic = open_in (sprintf "/proc/%d/stat" pid) in
    let line = input_line ic in
    close_in ic;
    line.[String.rindex line ')' + 2] = 'Z'
  with Sys_error _ -> true

let children statuses waits =
  let reading, writing = Unix.pipe () in
  let start status =
    match Unix.fork () with
    | 0 ->
      ignore (Unix.read reading (Bytes.create 1) 0 1);
      if status >= 100 then Unix.kill (Unix.getpid ()) Sys.sigkill;
      Unix._exit status
    | pid -> pid in
  let pids = Array.of_list (List.map (function Number s -> start s | _ -> raise (Malformed "status")) statuses) in
  let number pid =
    let found = ref (-1) in
    Array.iteri (fun i other -> if other = pid then found := i) pids;
    !found in
  let waiting = Array.make (List.length waits) (Lwt.return_unit) in
  List.iteri (fun i wait ->
    let show (pid, status) =
      event (sprintf "w%d: c%d %s" i (number pid) (show_status status)) in
    let keep promise =
      waiting.(i) <- Lwt.catch (fun () -> Lwt.map show promise)
        (fun exn -> event (sprintf "w%d: %s" i (show_exception exn)); Lwt.return_unit) in
    match wait with
    | Row [Word "wait"] -> keep (Lwt_unix.wait ())
    | Row [Word "waitpid"; Number c] -> keep (Lwt_unix.waitpid [] pids.(c))
    | Row [Word "wait4"; Number c] ->
      keep (Lwt.map (fun (pid, status, _) -> (pid, status)) (Lwt_unix.wait4 [] pids.(c)))
    | Row [Word "untraced"; Number c] -> keep (Lwt_unix.waitpid [Unix.WUNTRACED] pids.(c))
    | Row [Word "nohang"; Number c] ->
      keep (Lwt.map (fun (pid, status) -> (if pid = 0 then -1 else pid), status)
        (Lwt_unix.waitpid [Unix.WNOHANG] pids.(c)))
    | Row [Word "cancel"; Number w] -> if w < i then Lwt.cancel waiting.(w)
    | Row [Word "then"; Number w; Number c] ->
      if w < i then keep (Lwt.bind waiting.(w) (fun () -> Lwt_unix.waitpid [] pids.(c)))
    | _ -> raise (Malformed "wait")) waits;
  event (sprintf "%d wait" (Lwt_unix.wait_count ()));
  ignore (Unix.write writing (Bytes.make (Array.length pids) '.') 0 (Array.length pids));
  Array.iter (fun pid -> while not (is_over pid) do Unix.sleepf 0.0002 done) pids;
  Unix.close reading;
  Unix.close writing;
  (* A child counts as over a moment before its signal comes. This one surely comes after that. *)
  Unix.kill (Unix.getpid ()) Sys.sigchld;
  let rounds = ref 0 in
  while Array.exists Lwt.is_sleeping waiting && !rounds < 50 do
    incr rounds; Lwt_engine.iter false; Lwt.wakeup_paused () done;
  Array.iter (fun promise -> if Lwt.is_sleeping promise then Lwt.cancel promise) waiting;
  Array.iter (fun pid -> try ignore (Unix.waitpid [] pid) with Unix.Unix_error _ -> ()) pids

let execute fd = function
  | Row [Word "system"; Number c] ->
    let line = match commands.(c) with
      | _, [| "/bin/sh"; "-c"; line |] -> line | _ -> "exit 6" in
    finish show_status (Lwt_unix.system (sprintf "(%s) </dev/null >/dev/null 2>&1" line))
  | Row [Word "exec"; c; env; cwd; err] ->
    finish show_status (Lwt_process.exec ?env:(env_of env) ?cwd:(cwd_of cwd) ~stdin:`Dev_null
      ~stdout:(`FD_copy fd) ~stderr:(redirection fd err) (command_of c))
  | Row [Word "timeout"] ->
    finish show_status (Lwt_process.exec ~timeout:0.005 ~stdin:`Dev_null ("", [| "sleep"; "60" |]))
  | Row [Word "pread"; c; env; cwd; err] ->
    finish short (Lwt_process.pread ?env:(env_of env) ?cwd:(cwd_of cwd) ~stdin:`Dev_null
      ~stderr:(redirection fd err) (command_of c))
  | Row [Word "pread_line"; c; env; cwd; err] ->
    finish short (Lwt_process.pread_line ?env:(env_of env) ?cwd:(cwd_of cwd) ~stdin:`Dev_null
      ~stderr:(redirection fd err) (command_of c))
  | Row [Word "pread_lines"; c; env; cwd; err] ->
    finish show_lines (all (fun () -> Lwt_process.pread_lines ?env:(env_of env) ?cwd:(cwd_of cwd)
      ~stdin:`Dev_null ~stderr:(redirection fd err) (command_of c)))
  | Row [Word "pread_chars"; c; env; cwd; err] ->
    finish of_chars (all (fun () -> Lwt_process.pread_chars ?env:(env_of env) ?cwd:(cwd_of cwd)
      ~stdin:`Dev_null ~stderr:(redirection fd err) (command_of c)))
  | Row [Word "pwrite"; c; Number t] ->
    finish (fun () -> "()") (Lwt_process.pwrite ~stdout:(`FD_copy fd) ~stderr:`Dev_null (command_of c) texts.(t))
  | Row [Word "pwrite_line"; c; Number t] ->
    finish (fun () -> "()") (Lwt_process.pwrite_line ~stdout:(`FD_copy fd) ~stderr:`Dev_null (command_of c) texts.(t))
  | Row [Word "pwrite_lines"; c; Number t] ->
    finish (fun () -> "()") (Lwt_process.pwrite_lines ~stdout:(`FD_copy fd) ~stderr:`Dev_null (command_of c) (lines texts.(t)))
  | Row [Word "pwrite_chars"; c; Number t] ->
    finish (fun () -> "()") (Lwt_process.pwrite_chars ~stdout:(`FD_copy fd) ~stderr:`Dev_null (command_of c) (chars texts.(t)))
  | Row [Word "pmap"; c; Number t; err] ->
    finish short (Lwt_process.pmap ~stderr:(redirection fd err) (command_of c) texts.(t))
  | Row [Word "pmap_line"; c; Number t; err] ->
    finish short (Lwt_process.pmap_line ~stderr:(redirection fd err) (command_of c) texts.(t))
  | Row [Word "pmap_lines"; c; Number t; err] ->
    finish (fun l -> sprintf "%d lines" (List.length l))
      (all (fun () -> Lwt_process.pmap_lines ~stderr:(redirection fd err) (command_of c) (lines texts.(t))))
  | Row [Word "pmap_chars"; c; Number t; err] ->
    finish (fun l -> sprintf "%d chars" (List.length l))
      (all (fun () -> Lwt_process.pmap_chars ~stderr:(redirection fd err) (command_of c) (chars texts.(t))))
  | Row [Word "with_process_none"; c] ->
    finish show_status (Lwt_process.with_process_none ~stdin:`Dev_null ~stdout:(`FD_copy fd) ~stderr:`Dev_null
      (command_of c) (fun p -> p#status))
  | Row [Word "with_process_in"; c] ->
    finish short (Lwt_process.with_process_in ~stdin:`Dev_null ~stderr:`Dev_null (command_of c)
      (fun p -> Lwt_io.read p#stdout))
  | Row [Word "with_process_out"; c; Number t] ->
    finish (fun () -> "()") (Lwt_process.with_process_out ~stdout:(`FD_copy fd) ~stderr:`Dev_null (command_of c)
      (fun p -> Lwt_io.write p#stdin texts.(t)))
  | Row [Word "with_process"; c; Number t] ->
    finish short (Lwt_process.with_process ~stderr:`Dev_null (command_of c) (fun p ->
      Lwt.bind (Lwt_io.write p#stdin texts.(t)) (fun () ->
        Lwt.bind (Lwt_io.close p#stdin) (fun () -> Lwt_io.read p#stdout))))
  | Row [Word "with_process_full"; c; Number t] ->
    finish (fun s -> s) (Lwt_process.with_process_full (command_of c) (fun p ->
      Lwt.bind (Lwt_io.write p#stdin texts.(t)) (fun () ->
      Lwt.bind (Lwt_io.close p#stdin) (fun () ->
      Lwt.bind (Lwt_io.read p#stdout) (fun out ->
      Lwt.bind (Lwt_io.read p#stderr) (fun error ->
      Lwt.bind p#close (fun status ->
      Lwt.return (String.concat " " [short out; short error; show_status status;
        (match p#state with Lwt_process.Running -> "Running" | Exited s -> show_status s)]))))))))
  | Row [Word "terminate"; Number again] ->
    let p = Lwt_process.open_process Lwt_process.(shell "cat; exit 2") in
    p#terminate;
    finish show_status p#close;
    if again = 1 then p#terminate;
    finish show_status p#close
  | Row [Word "children"; Row statuses; Row waits] -> children statuses waits
  | _ -> raise (Malformed "statement")

let run_program program =
  let fd = Unix.openfile name [Unix.O_RDWR; Unix.O_CREAT; Unix.O_TRUNC; Unix.O_CLOEXEC; Unix.O_APPEND] 0o600 in
  List.iteri (fun i statement ->
    event (string_of_int i);
    (try execute fd statement with
     | Malformed _ as exn -> raise exn
     | exn -> event (show_exception exn));
    reap ();
    written fd) program;
  Unix.close fd

let () =
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  at_exit (fun () -> try Sys.remove name with Sys_error _ -> ());
  Lwt_engine.set (new Lwt_engine.select);
  Lwt_unix.set_default_async_method Lwt_unix.Async_none;
  serve run_program
