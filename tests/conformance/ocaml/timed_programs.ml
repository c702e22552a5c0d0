(* Programs over Lwt_timeout, Lwt_throttle and Lwt_preemptive.

   The language is described in languages/timed/programs.py; run.py beside it runs the same programs on
   our library, and the two are written alike. *)

open Programs

exception E of int

let show_exception = function
  | E code -> Printf.sprintf "E%d" code
  | Lwt.Canceled -> "Canceled"
  | Invalid_argument _ -> "ValueError"
  | exn -> Printexc.to_string exn

let over = ref true (* nothing is traced, and no function does anything *)
let event text = if not !over then add_event text

(* 1 An engine whose clock goes on only when it is told to *)

type timer = { due : float; number : int; act : unit -> unit; mutable is_active : bool }

class timed = object
  inherit Lwt_engine.abstract
  val mutable now = 0.
  val mutable timers = []
  val mutable made = 0
  val mutable readers = []

  method pass seconds = now <- now +. seconds

  method has_come =
    let ready, _, _ = Unix.select (List.map fst readers) [] [] 0. in
    ready <> []

  method iter _ =
    let is_due timer = timer.is_active && timer.due <= now in
    let due = List.sort (fun a b -> compare (a.due, a.number) (b.due, b.number)) (List.filter is_due timers) in
    timers <- List.filter (fun timer -> timer.is_active && not (List.memq timer due)) timers;
    List.iter (fun timer -> if timer.is_active then timer.act ()) due;
    let ready, _, _ = Unix.select (List.map fst readers) [] [] 0. in
    List.iter (fun (fd, act) -> if List.mem fd ready then act ()) readers

  method private cleanup = ()
  method private register_readable fd act =
    readers <- (fd, act) :: readers;
    lazy (readers <- List.filter (fun (other, _) -> other <> fd) readers)
  method private register_writable _ _ = lazy ()
  method private register_timer delay _ act =
    made <- made + 1;
    let timer = { due = now +. delay; number = made; act; is_active = true } in
    timers <- timer :: timers;
    lazy (timer.is_active <- false)
end

let engine = new timed

let turn () =
  Lwt_engine.iter false;
  Lwt.wakeup_paused ()

let wait_until is_so = while not (is_so ()) do Thread.yield () done

(* 2 One run of one program *)

(* All keys have one number, so that those of a second are looked at in the order in which they came:
   that order is left open, and this is the one of ours. *)
module Throttle = Lwt_throttle.Make (struct
  type t = int
  let equal = Int.equal
  let hash _ = 0
end)

type command = End of int | Ask of form

(* What a computation is told, and what it tells. *)
type computation = {
  commands : command Queue.t;
  mutex : Mutex.t;
  condition : Condition.t;
  mutable is_over : bool; (* its result has arrived, or it was cancelled *)
  mutable has_begun : bool;
  mutable asks : bool; (* for something in the main loop *)
  mutable is_answered : bool;
  mutable heard : string option;
}

type run = {
  promises : int Lwt.t option array;
  resolvers : int Lwt.u option array;
  mutable all_resolvers : (int Lwt.t * int Lwt.u) list;
  mutable all_promises : int Lwt.t list;
  mutable made : int;
  timeouts : Lwt_timeout.t option array;
  mutable all_timeouts : Lwt_timeout.t list;
  throttles : Throttle.t option array;
  computations : (int, computation) Hashtbl.t;
  mutable all_computations : computation list;
}

let of_bool (promise : bool Lwt.t) : int Lwt.t = Obj.magic promise
let to_unit (promise : int Lwt.t) : unit Lwt.t = Obj.magic promise

let state run =
  let letter = function
    | None -> "-"
    | Some promise -> (match Lwt.state promise with Return _ -> "r" | Fail _ -> "f" | Sleep -> "s") in
  Printf.sprintf "%s %d %d %d"
    (String.concat "" (Array.to_list (Array.map letter run.promises)))
    (Lwt_preemptive.nbthreads ()) (Lwt_preemptive.nbthreadsbusy ()) (Lwt_preemptive.nbthreadsqueued ())

let keep run slot promise =
  run.made <- run.made + 1;
  let made = run.made in
  run.promises.(slot) <- Some promise;
  run.all_promises <- promise :: run.all_promises;
  Lwt.on_any promise
    (fun value -> event (Printf.sprintf "%d is %d" made value))
    (fun exn -> event (Printf.sprintf "%d fails with %s" made (show_exception exn)))

let tell computation command =
  Mutex.lock computation.mutex;
  Queue.push command computation.commands;
  Mutex.unlock computation.mutex;
  Condition.signal computation.condition

let next_command computation =
  Mutex.lock computation.mutex;
  while Queue.is_empty computation.commands do Condition.wait computation.condition computation.mutex done;
  let command = Queue.pop computation.commands in
  Mutex.unlock computation.mutex;
  command

(* Those that have a worker have begun, or will in a moment. *)
let settle_threads run =
  let at_work c = c.has_begun && not c.is_over in
  wait_until (fun () ->
    List.length (List.filter at_work run.all_computations) = Lwt_preemptive.nbthreadsbusy ())

let rec execute run = function
  | Row (Word ("with_value" | "without_value") :: _) as form -> under_storage (execute run) form
  | Row [Word "ignore_result"; Number q] ->
    (match run.promises.(q) with None -> () | Some promise -> Lwt.ignore_result promise)
  | Row [Word "cancel"; Number q] ->
    (match run.promises.(q) with None -> () | Some promise -> Lwt.cancel promise)
  | Row [Word "cancel_both"; Number q; Number r] ->
    (match run.promises.(q), run.promises.(r) with
     | Some p, Some q -> Lwt.cancel (Lwt.join [to_unit p; to_unit q])
     | _ -> ())
  | Row [Word "when"; Number q; act] ->
    (match run.promises.(q) with
     | None -> ()
     | Some promise ->
       let act _ = if not !over then Lwt.ignore_result (call run act) in
       Lwt.on_any promise act act)
  | Row [Word ("wakeup" | "wakeup_later" | "wakeup_later_exn" as name); Number w; Number n] ->
    let resolver = run.resolvers.(w) in
    run.resolvers.(w) <- None;
    (match resolver, name with
     | None, _ -> ()
     | Some resolver, "wakeup" -> Lwt.wakeup resolver n
     | Some resolver, "wakeup_later" -> Lwt.wakeup_later resolver n
     | Some resolver, _ -> Lwt.wakeup_later_exn resolver (E n))
  | Row [Word "pass"; Number halves] -> engine#pass (float_of_int halves *. 0.5); turn ()
  | Row [Word "timeout_create"; Number s; Number delay; f] ->
    let timeout =
      Lwt_timeout.create delay (fun () -> if not !over then ignore (call run f)) in
    run.all_timeouts <- timeout :: run.all_timeouts;
    run.timeouts.(s) <- Some timeout
  | Row [Word "timeout_start"; Number s] -> Option.iter Lwt_timeout.start run.timeouts.(s)
  | Row [Word "timeout_stop"; Number s] -> Option.iter Lwt_timeout.stop run.timeouts.(s)
  | Row [Word "timeout_change"; Number s; Number delay] ->
    Option.iter (fun timeout -> Lwt_timeout.change timeout delay) run.timeouts.(s)
  | Row [Word "timeout_set_exn_handler"; Number v] ->
    Lwt_timeout.set_exn_handler (fun exn ->
      if v mod 2 = 0 then event ("handler " ^ show_exception exn) else !Lwt.async_exception_hook exn)
  | Row [Word "throttle_create"; Number s; Number rate; Number max; Number n] ->
    run.throttles.(s) <- Some (Throttle.create ~rate ~max ~n)
  | Row [Word "throttle_wait"; Number p; Number s; Number key] ->
    Option.iter (fun throttle -> keep run p (of_bool (Throttle.wait throttle key))) run.throttles.(s)
  | Row [Word "preemptive_detach"; Number p; Number t] -> detach run p t
  | Row [Word "preemptive_finish"; Number t; Number v] ->
    (match Hashtbl.find_opt run.computations t with
     | Some c when c.has_begun && not c.is_over && not c.asks ->
       tell c (End v);
       wait_until (fun () -> engine#has_come);
       turn ()
     | _ -> ())
  | Row [Word "preemptive_run_in_main"; Number t; f] ->
    (match Hashtbl.find_opt run.computations t with
     | Some c when c.has_begun && not c.is_over && not c.asks ->
       c.asks <- true;
       tell c (Ask f);
       wait_until (fun () -> engine#has_come);
       turn ()
     | _ -> ())
  | Row [Word "preemptive_init"; Number least; Number most] -> Lwt_preemptive.init least most ignore
  | Row [Word "preemptive_simple_init"] -> Lwt_preemptive.simple_init ()
  | Row [Word "preemptive_set_bounds"; Number least; Number most] ->
    Lwt_preemptive.set_bounds (least, most)
  | Row [Word "preemptive_get_bounds"] ->
    let least, most = Lwt_preemptive.get_bounds () in
    event (Printf.sprintf "bounds %d %d" least most)
  | Row [Word "preemptive_set_max_number_of_threads_queued"; Number n] ->
    Lwt_preemptive.set_max_number_of_threads_queued (n - 1)
  | Row [Word "preemptive_get_max_number_of_threads_queued"] ->
    event (Printf.sprintf "at most %d" (Lwt_preemptive.get_max_number_of_threads_queued ()))
  | Row (Word name :: _) -> raise (Malformed name)
  | _ -> raise (Malformed "statement")

and call run = function
  | Row (Word "do" :: Number number :: body) ->
    event (Printf.sprintf "call %d" number);
    let rec continue = function
      | [Row [Word "raise"; Number code]] -> raise (E code)
      | [Row [Word "rejected"; Number code]] -> Lwt.fail (E code)
      | [Row [Word ("wait" | "task" as kind); Number slot]] ->
        let promise, resolver = if kind = "wait" then Lwt.wait () else Lwt.task () in
        run.all_resolvers <- (promise, resolver) :: run.all_resolvers;
        run.resolvers.(slot) <- Some resolver;
        promise
      | [Row [Word "return"; Number value]] -> Lwt.return value
      | statement :: rest -> execute run statement; continue rest
      | [] -> raise (Malformed "do")
    in
    continue body
  | _ -> raise (Malformed "function")

and detach run p t =
  match Hashtbl.find_opt run.computations t with
  | Some c when not c.is_over -> ()
  | _ ->
    let c = {
      commands = Queue.create (); mutex = Mutex.create (); condition = Condition.create ();
      is_over = false; has_begun = false; asks = false; is_answered = false; heard = None } in
    let rec work () =
      match next_command c with
      | End v -> if v mod 2 = 0 then v else raise (E v)
      | Ask f ->
        c.heard <-
          (match Lwt_preemptive.run_in_main (fun () -> asked f) with
           | value -> Some (string_of_int value)
           | exception exn -> Some (show_exception exn));
        work ()
    and asked f =
      let promise = Lwt.apply (call run) f in
      Lwt.on_any promise (fun _ -> c.is_answered <- true) (fun _ -> c.is_answered <- true);
      promise in
    Hashtbl.replace run.computations t c;
    run.all_computations <- c :: run.all_computations;
    let promise = Lwt_preemptive.detach (fun () -> c.has_begun <- true; work ()) () in
    let note _ = c.is_over <- true in
    Lwt.on_any promise note note;
    keep run p promise

(* What the threads have heard, when they have. *)
let listen run =
  settle_threads run;
  for t = 0 to 3 do
    match Hashtbl.find_opt run.computations t with
    | Some c when c.asks && c.is_answered ->
      wait_until (fun () -> c.heard <> None);
      event (Printf.sprintf "%d hears %s" t (Option.get c.heard));
      c.asks <- false; c.is_answered <- false; c.heard <- None
    | _ -> ()
  done

let clean_up run =
  over := true;
  List.iter Lwt_timeout.stop run.all_timeouts;
  List.iter (fun promise -> Lwt.cancel promise) run.all_promises;
  List.iter (fun (promise, resolver) -> if Lwt.is_sleeping promise then Lwt.wakeup resolver 0)
    run.all_resolvers;
  List.iter (fun c -> tell c (End 0)) run.all_computations;
  for _ = 1 to 6 do engine#pass 10.; turn () done;
  Lwt_preemptive.set_bounds (0, 0);
  while Lwt_preemptive.nbthreadsbusy () > 0 do turn () done;
  while Lwt_preemptive.nbthreads () > 0 do
    let last = Lwt_preemptive.detach ignore () in
    while Lwt.is_sleeping last do turn () done
  done

let run_program program =
  let run = {
    promises = Array.make 8 None; resolvers = Array.make 3 None; all_resolvers = []; all_promises = [];
    made = 0; timeouts = Array.make 3 None; all_timeouts = []; throttles = Array.make 2 None;
    computations = Hashtbl.create 4; all_computations = [] } in
  over := false;
  Lwt.async_exception_hook := (fun exn -> event ("hook " ^ show_exception exn));
  Lwt_timeout.set_exn_handler (fun exn -> !Lwt.async_exception_hook exn);
  Lwt_preemptive.set_max_number_of_threads_queued 1000;
  Lwt_preemptive.init 0 2 ignore;
  List.iteri (fun number statement ->
    let finished =
      match execute run statement with
      | () -> "ends"
      | exception (Malformed _ as exn) -> raise exn
      | exception exn -> "raises " ^ show_exception exn in
    listen run;
    event (Printf.sprintf "statement %d %s %s" number finished (state run))) program;
  clean_up run

let () =
  Lwt_engine.set engine;
  serve run_program
