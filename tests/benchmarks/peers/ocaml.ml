(* OCaml's Lwt. The same programs as those of ours.py, and the same command line as program.py. *)

open Lwt.Syntax

(* Servers. *)

let here = Unix.(ADDR_INET (inet_addr_loopback, 0))

let tell number = Printf.printf "%d\n%!" number

let tell_port fd =
  match Lwt_unix.getsockname fd with
  | Unix.ADDR_INET (_, port) -> tell port
  | Unix.ADDR_UNIX _ -> assert false

let socket () = Lwt_unix.socket Unix.PF_INET Unix.SOCK_STREAM 0

let for_ever fd =
  tell_port fd;
  fst (Lwt.wait ())

let serve_sockets handle () =
  let fd = socket () in
  let* _ =
    Lwt_io.establish_server_with_client_socket ~server_fd:fd ~backlog:4096 here (fun _ -> handle)
  in
  for_ever fd

(* Servers of the other libraries set TCP_NODELAY. *)
let serve_channels handle =
  serve_sockets (fun fd ->
      Lwt_unix.setsockopt fd Unix.TCP_NODELAY true;
      let close = Lwt.return in
      let ic = Lwt_io.of_fd ~mode:Lwt_io.Input ~close fd in
      let oc = Lwt_io.of_fd ~mode:Lwt_io.Output ~close fd in
      handle (ic, oc))

let rec echo buffer client =
  let* count = Lwt_unix.read client buffer 0 4096 in
  if count = 0 then Lwt.return_unit
  else
    let* _ = Lwt_unix.write client buffer 0 count in
    echo buffer client

let echo_sockets client = echo (Bytes.create 4096) client

let idle =
  let buffer = Bytes.create 4096 in
  echo buffer

let rec echo_lines (ic, oc) =
  let* line = Lwt_io.read_line_opt ic in
  match line with
  | None -> Lwt.return_unit
  | Some line ->
    let* () = Lwt_io.write_line oc line in
    echo_lines (ic, oc)

let rec http (ic, oc) =
  let rec headers () =
    let* line = Lwt_io.read_line ic in
    if line = "" then Lwt.return_unit else headers ()
  in
  let* request = Lwt_io.read_line_opt ic in
  match request with
  | None -> Lwt.return_unit
  | Some _ ->
    let* () = headers () in
    let* () = Lwt_io.write oc "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!" in
    http (ic, oc)

let echo_large (ic, oc) =
  let size = 1 lsl 16 in
  let block = Bytes.create size in
  let rec go () =
    let* () = Lwt_io.read_into_exactly ic block 0 size in
    let* () = Lwt_io.write_from_exactly oc block 0 size in
    let* () = Lwt_io.flush oc in
    go ()
  in
  Lwt.catch go (fun _ -> Lwt.return_unit)

let send_large (ic, oc) =
  let block = String.make (1 lsl 16) 'x' in
  let* _ = Lwt_io.read_line ic in
  let rec go () =
    let* () = Lwt_io.write oc block in
    go ()
  in
  go ()

let servers =
  [
    ("echo_sockets", serve_sockets echo_sockets);
    ("connect", serve_sockets echo_sockets);
    ("idle", serve_sockets idle);
    ("echo_lines", serve_channels echo_lines);
    ("http", serve_channels http);
    ("echo_large", serve_channels echo_large);
    ("send_large", serve_channels send_large);
  ]

(* In the process. Each is given how many operations to do, and how many at once. *)

let times number f =
  for _ = 1 to number do
    f ()
  done

let resolved_bind number _ =
  let promise = Sys.opaque_identity (Lwt.return 1) in
  times number (fun () -> ignore (Sys.opaque_identity (Lwt.bind promise Lwt.return)));
  Lwt.return_unit

let with_waiters wait attach number at_once =
  times (number / at_once) (fun () ->
      let resolvers =
        List.init at_once (fun _ ->
            let promise, resolver = wait () in
            attach promise;
            resolver)
      in
      List.iter (fun resolver -> Lwt.wakeup resolver 1) resolvers);
  Lwt.return_unit

let pending_bind =
  with_waiters Lwt.wait (fun promise -> ignore (Lwt.bind promise Lwt.return : int Lwt.t))

let body =
  let waiting promise =
    let* value = promise in
    Lwt.return value
  in
  with_waiters Lwt.wait (fun promise -> ignore (waiting promise : int Lwt.t))

let callbacks number at_once =
  times (number / at_once) (fun () ->
      let promise, resolver = Lwt.wait () in
      times at_once (fun () -> Lwt.on_success promise ignore);
      Lwt.wakeup resolver 1);
  Lwt.return_unit

let rec repeat number f =
  if number = 0 then Lwt.return_unit
  else
    let* () = f () in
    repeat (number - 1) f

let bodies at_once f = Lwt.join (List.init at_once (fun _ -> f ()))

let pause number at_once = bodies at_once (fun () -> repeat (number / at_once) Lwt.pause)

let together combine number at_once =
  repeat (number / at_once) (fun () ->
      let pairs = List.init at_once (fun _ -> Lwt.wait ()) in
      let all = combine (List.map fst pairs) in
      List.iter (fun (_, resolver) -> Lwt.wakeup resolver ()) pairs;
      Lwt.map ignore all)

let join number at_once = together Lwt.join number at_once
let all number at_once = together Lwt.all number at_once

let pick number at_once =
  repeat (number / at_once) (fun () ->
      let pairs = List.init at_once (fun _ -> Lwt.task ()) in
      let picked = Lwt.pick (List.map fst pairs) in
      Lwt.wakeup (snd (List.nth pairs (at_once / 2))) ();
      picked)

let sleeps number at_once =
  repeat (number / at_once) (fun () ->
      bodies at_once (fun () -> Lwt_unix.sleep (Random.float (float at_once *. 1e-5))))

let mailbox number _ =
  let there = Lwt_mvar.create_empty () and back = Lwt_mvar.create_empty () in
  let pong () =
    repeat number (fun () ->
        let* value = Lwt_mvar.take there in
        Lwt_mvar.put back value)
  in
  let other = pong () in
  let* () =
    repeat number (fun () ->
        let* () = Lwt_mvar.put there 1 in
        Lwt.map ignore (Lwt_mvar.take back))
  in
  other

let mutex number at_once =
  let lock = Lwt_mutex.create () in
  bodies at_once (fun () ->
      repeat (number / at_once) (fun () ->
          Lwt_mutex.with_lock lock (fun () ->
              if at_once > 1 then Lwt.pause () else Lwt.return_unit)))

let condition number at_once =
  let told = Lwt_condition.create () in
  let others =
    bodies at_once (fun () -> repeat (number / at_once) (fun () -> Lwt_condition.wait told))
  in
  let* () =
    repeat (number / at_once) (fun () ->
        let* () = Lwt.pause () in
        Lwt_condition.broadcast told ();
        Lwt.return_unit)
  in
  others

let pool number at_once =
  let members = Lwt_pool.create 2 (fun () -> Lwt.return 0) in
  bodies at_once (fun () ->
      repeat (number / at_once) (fun () -> Lwt_pool.use members (fun _ -> Lwt.pause ())))

let stream number at_once =
  let elements, push = Lwt_stream.create () in
  let rec take () =
    let* element = Lwt_stream.get elements in
    match element with None -> Lwt.return_unit | Some _ -> take ()
  in
  let rec take_until last =
    let* element = Lwt_stream.next elements in
    if element = last then Lwt.return_unit else take_until last
  in
  let taking = if at_once = 1 then take () else Lwt.return_unit in
  let* () =
    repeat (number / at_once) (fun () ->
        for n = 1 to at_once do
          push (Some n)
        done;
        if at_once = 1 then Lwt.return_unit else take_until at_once)
  in
  push None;
  taking

let stream_map number _ =
  let doubled = Lwt_stream.map (fun n -> 2 * n) (Lwt_stream.of_list (List.init number Fun.id)) in
  Lwt_stream.iter ignore (Lwt_stream.filter (fun n -> n mod 3 = 0) doubled)

let later _ = Lwt.pause ()
let list_iter_s number _ = Lwt_list.iter_s later (List.init number Fun.id)
let list_map_p number _ = Lwt.map ignore (Lwt_list.map_p later (List.init number Fun.id))

let timed =
  [
    ("resolved_bind", resolved_bind);
    ("pending_bind", pending_bind);
    ("callbacks", callbacks);
    ("body", body);
    ("pause", pause);
    ("join", join);
    ("all_", all);
    ("pick", pick);
    ("sleeps", sleeps);
    ("mailbox", mailbox);
    ("mutex", mutex);
    ("condition", condition);
    ("pool", pool);
    ("stream", stream);
    ("stream_map", stream_map);
    ("list_iter_s", list_iter_s);
    ("list_map_p", list_map_p);
  ]

(* Memory. *)

let memory_bind () =
  let promise, resolver = Lwt.wait () in
  (Obj.repr resolver, Obj.repr (Lwt.bind promise Lwt.return))

let memory_body () =
  let waiting promise =
    let* value = promise in
    Lwt.return value
  in
  let promise, resolver = Lwt.wait () in
  (Obj.repr resolver, Obj.repr (waiting promise))

let memory = [ ("memory_bind", memory_bind); ("memory_body", memory_body) ]

let live_bytes () =
  Gc.full_major ();
  (Gc.stat ()).live_words * (Sys.word_size / 8)

(* The command line. *)

let print_time function_ number at_once repetitions =
  let once () =
    Gc.full_major ();
    let start = Sys.time () in
    Lwt_main.run (function_ number at_once);
    Sys.time () -. start
  in
  let best = ref infinity in
  times repetitions (fun () -> best := min !best (once ()));
  Printf.printf "%f\n" (!best /. float number *. 1e9)

let print_memory make number =
  let kept = Array.make (2 * number) (Obj.repr 0) in
  let before = live_bytes () in
  for i = 0 to number - 1 do
    let resolver, promise = make () in
    kept.(2 * i) <- resolver;
    kept.((2 * i) + 1) <- promise
  done;
  let after = live_bytes () in
  ignore (Sys.opaque_identity kept);
  Printf.printf "%f\n" (float (after - before) /. float number)

let () =
  Lwt.async_exception_hook := ignore;
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  match List.tl (Array.to_list Sys.argv) with
  | [ "names" ] ->
    let first list = List.map fst list in
    print_endline (String.concat " " (first servers @ first timed @ first memory))
  | [ "serve"; name ] -> Lwt_main.run (List.assoc name servers ())
  | [ "time"; name; number; at_once; repetitions ] ->
    print_time (List.assoc name timed) (int_of_string number) (int_of_string at_once)
      (int_of_string repetitions)
  | [ "memory"; name; number ] -> print_memory (List.assoc name memory) (int_of_string number)
  | _ -> exit 2
