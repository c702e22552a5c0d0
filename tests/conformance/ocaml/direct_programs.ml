(* Programs over Lwt_direct.

   The language is described in languages/lwt_direct/programs.py; run.py beside it runs the same
   programs on our library, and the two are written alike.

   Lwt_direct came with Lwt 6.0 and needs the effects of OCaml 5; the release that judges has neither. So
   what it does is told here once more, over that release's promises and storage: Whole_lwt is its module Lwt,
   with all that is in it. A task is a thread, of which one runs at a time; to go on with a continuation is to
   let its thread through. *)

open Programs
open Printf
module Lwt = Whole_lwt

let storage = Whole_lwt.Sequence_associated_storage.current_storage

(* 1 Threads that hand over to each other *)

module Fiber = struct
  type gate = { mutex : Mutex.t; condition : Condition.t; mutable is_open : bool }

  let gate () = { mutex = Mutex.create (); condition = Condition.create (); is_open = false }

  let pass gate =
    Mutex.lock gate.mutex;
    while not gate.is_open do Condition.wait gate.condition gate.mutex done;
    gate.is_open <- false;
    Mutex.unlock gate.mutex

  let let_through gate =
    Mutex.lock gate.mutex;
    gate.is_open <- true;
    Condition.signal gate.condition;
    Mutex.unlock gate.mutex

  type t = {
    inside : gate;
    outside : gate;
    mutable asks : (t -> unit) option; (* what is to be done now that it waits; None at its end *)
    mutable failure : exn option;
    mutable is_stopped : bool;
  }

  exception Stopped

  let current : t option ref = ref None
  let waiting : t list ref = ref []

  (* Let it run until it waits or ends. *)
  let go_on fiber =
    let before = !current in
    current := Some fiber;
    waiting := List.filter (fun other -> other != fiber) !waiting;
    let_through fiber.inside;
    pass fiber.outside;
    current := before;
    match fiber.asks, fiber.failure with
    | None, None -> ()
    | None, Some exn -> raise exn
    | Some act, _ -> waiting := fiber :: !waiting; act fiber

  let start f =
    let fiber =
      { inside = gate (); outside = gate (); asks = None; failure = None; is_stopped = false } in
    let body () =
      pass fiber.inside;
      (try f () with Stopped -> () | exn -> fiber.failure <- Some exn);
      fiber.asks <- None;
      let_through fiber.outside in
    ignore (Thread.create body ());
    go_on fiber

  (* From inside: wait, while [act] is done outside, which has it go on once. *)
  let wait act =
    match !current with
    | None -> failwith "this is no fiber"
    | Some fiber ->
      fiber.asks <- Some act;
      let_through fiber.outside;
      pass fiber.inside;
      if fiber.is_stopped then raise Stopped

  let rec stop_all () =
    match !waiting with
    | [] -> ()
    | fiber :: _ -> fiber.is_stopped <- true; go_on fiber; stop_all ()
end

(* 2 Direct style *)

module Direct = struct
  let ready : (unit -> unit) Queue.t = Queue.create ()
  let report exn = !Lwt.async_exception_hook exn

  (* What the main loop calls before and after each turn. *)
  let run () =
    let most = min 10_000 (2 * Queue.length ready) in
    let steps = ref 0 in
    while !steps < most && not (Queue.is_empty ready) do
      incr steps;
      try (Queue.pop ready) () with exn -> report exn
    done;
    if Lwt.paused_count () = 0 && not (Queue.is_empty ready) then ignore (Lwt.pause ())

  (* What puts a fiber that waits now into the queue, with the storage that there is now. *)
  let later fiber =
    let kept = !storage in
    fun () -> Queue.push (fun () -> storage := kept; Fiber.go_on fiber) ready

  let yield () = Fiber.wait (fun fiber -> later fiber ())

  let rec await promise =
    match Lwt.state promise with
    | Lwt.Return value -> value
    | Lwt.Fail exn -> raise exn
    | Lwt.Sleep ->
      Fiber.wait (fun fiber ->
        let come = later fiber in
        Lwt.on_any promise (fun _ -> come ()) (fun _ -> come ()));
      await promise

  let begin_later f finish =
    let body () =
      storage := Whole_lwt.Storage_map.empty;
      finish (match f () with
        | value -> Ok value
        | exception Fiber.Stopped -> raise Fiber.Stopped
        | exception exn -> Error exn) in
    Queue.push (fun () -> Fiber.start body) ready

  let spawn f =
    let promise, resolver = Lwt.wait () in
    begin_later f (function
      | Ok value -> Lwt.wakeup resolver value
      | Error exn -> Lwt.wakeup_exn resolver exn);
    promise

  let spawn_in_the_background f =
    begin_later f (function Ok () -> () | Error exn -> report exn)

  let change key value = storage := Lwt.with_value key value (fun () -> !storage)
  let set key value = change key (Some value)
  let remove key = change key None
end

(* 3 Programs *)

exception E of int

let show_exception = function
  | E code -> sprintf "E%d" code
  | Lwt.Canceled -> "Canceled"
  | exn -> Printexc.to_string exn

let keys : int Lwt.key array = Array.init 2 (fun _ -> Lwt.new_key ())

type run = {
  promises : int Lwt.t option array;
  resolvers : int Lwt.u option array;
  mutable is_over : bool;
}

let event run text =
  if not run.is_over then begin
    let show key = match Lwt.get key with None -> "-" | Some value -> string_of_int value in
    let held = String.concat " " (Array.to_list (Array.map show keys)) in
    add_line (if held = "- -" then text else text ^ " @ " ^ held)
  end

let state run =
  let letter = function
    | None -> "-"
    | Some promise ->
      match Lwt.state promise with Return _ -> "r" | Fail _ -> "f" | Sleep -> "s" in
  String.concat "" (Array.to_list (Array.map letter run.promises))

let turn run =
  Direct.run ();
  let paused = Lwt.paused_count () in
  if paused > 0 then event run (sprintf "%d paused" paused);
  Lwt.wakeup_paused ();
  Direct.run ()

(* [own] is the promise of the task that executes it, if one does. *)
let rec execute run own = function
  | Row (Word "with_value" :: Number k :: Number v :: block) ->
    Lwt.with_value keys.(k) (Some v) (fun () -> List.iter (execute run own) block)
  | Row (Word "without_value" :: Number k :: block) ->
    Lwt.with_value keys.(k) None (fun () -> List.iter (execute run own) block)
  | Row [Word ("spawn" | "spawn_plain"); Number p; f] ->
    let task = ref None in
    let promise = Direct.spawn (fun () -> call run !task f) in
    task := Some promise;
    run.promises.(p) <- Some promise
  | Row [Word "spawn_in_the_background"; f] ->
    Direct.spawn_in_the_background (fun () -> ignore (call run None f))
  | Row [Word ("wait" | "task" as kind); Number p; Number w] ->
    let promise, resolver = if kind = "wait" then Lwt.wait () else Lwt.task () in
    run.promises.(p) <- Some promise;
    run.resolvers.(w) <- Some resolver
  | Row [Word "pause"; Number p] ->
    run.promises.(p) <- Some (Lwt.map (fun () -> 0) (Lwt.pause ()))
  | Row [Word ("wakeup" | "wakeup_later" | "wakeup_exn" as name); Number w; Number n] ->
    let resolver = run.resolvers.(w) in
    run.resolvers.(w) <- None;
    (match resolver, name with
     | None, _ -> ()
     | Some resolver, "wakeup" -> Lwt.wakeup resolver n
     | Some resolver, "wakeup_later" -> Lwt.wakeup_later resolver n
     | Some resolver, _ -> Lwt.wakeup_exn resolver (E n))
  | Row [Word "cancel"; Number q] ->
    (match run.promises.(q) with None -> () | Some promise -> Lwt.cancel promise)
  | Row (Word "when" :: Number q :: block) ->
    (match run.promises.(q) with
     | None -> ()
     | Some promise ->
       let act told =
         event run (sprintf "%d %s" q told);
         List.iter (execute run None) block in
       Lwt.on_any promise (fun value -> act (sprintf "is %d" value))
         (fun exn -> act ("fails with " ^ show_exception exn)))
  | Row (Word "bind" :: Number p :: Number q :: block) ->
    (match run.promises.(q) with
     | None -> ()
     | Some promise ->
       run.promises.(p) <- Some (Lwt.bind promise (fun value ->
         event run (sprintf "bound %d" value);
         List.iter (execute run None) block;
         Lwt.return (value + 1))))
  | Row [Word "raise"; Number code] -> raise (E code)
  | Row [Word ("await" | "await_plain"); Number q] ->
    (match run.promises.(q) with
     | Some promise when own_is own promise -> ()
     | None -> ()
     | Some promise -> event run (sprintf "got %d" (Direct.await promise)))
  | Row [Word "guard"; Number q] ->
    (match run.promises.(q) with
     | Some promise when own_is own promise -> ()
     | None -> ()
     | Some promise ->
       match Direct.await promise with
       | value -> event run (sprintf "got %d" value)
       | exception Fiber.Stopped -> raise Fiber.Stopped
       | exception exn -> event run ("caught " ^ show_exception exn))
  | Row [Word "yield"] -> Direct.yield (); event run "goes on"
  | Row [Word "set"; Number k; Number v] -> Direct.set keys.(k) v; event run "set"
  | Row [Word "remove"; Number k] -> Direct.remove keys.(k); event run "removed"
  | Row [Word "turn"] -> turn run
  | Row (Word name :: _) -> raise (Malformed name)
  | _ -> raise (Malformed "statement")

and own_is own promise = match own with None -> false | Some mine -> mine == promise

and call run own = function
  | Row (Word "run" :: Number number :: body) ->
    event run (sprintf "task %d" number);
    List.iter (execute run own) body;
    event run (sprintf "task %d ends" number);
    number
  | _ -> raise (Malformed "function")

let run_program program =
  let run = { promises = Array.make 6 None; resolvers = Array.make 3 None; is_over = false } in
  storage := Whole_lwt.Storage_map.empty;
  Lwt.async_exception_hook := (fun exn -> event run ("hook " ^ show_exception exn));
  let told name = event run (sprintf "%s %s" name (state run)) in
  List.iteri (fun number statement ->
    (try execute run None statement with
     | Malformed _ as exn -> raise exn
     | exn -> event run ("raises " ^ show_exception exn));
    told (string_of_int number)) program;
  for _ = 1 to 12 do turn run done;
  told "end";
  run.is_over <- true;
  Lwt.abandon_paused ();
  Queue.clear Direct.ready;
  Fiber.stop_all ();
  Queue.clear Direct.ready

let () = serve run_program
