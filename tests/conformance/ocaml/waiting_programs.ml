(* Programs over Lwt_mvar, Lwt_mutex, Lwt_condition, Lwt_switch and Lwt_pool.

   The language is described in languages/waiting/programs.py; run.py beside it runs the same
   programs on our library, and the two are written alike. *)

open Programs
module Lwt_pool = New_lwt_pool  (* with a line of 6.1: see known_differences.py *)

exception E of int

let show_exception = function
  | E code -> Printf.sprintf "E%d" code
  | Lwt.Canceled -> "Canceled"
  | Lwt_switch.Off -> "Off"
  | Invalid_argument _ -> "ValueError"
  | exn -> Printexc.to_string exn

type run = {
  promises : int Lwt.t option array;
  resolvers : int Lwt.u option array;
  mutable made : int;
  mutable member : int;
  next_create : form Queue.t;
  next_validate : form Queue.t;
  next_check : form Queue.t;
  next_dispose : form Queue.t;
  mvars : int Lwt_mvar.t array;
  mutexes : Lwt_mutex.t array;
  conditions : int Lwt_condition.t array;
  switches : Lwt_switch.t array;
  mutable pools : int Lwt_pool.t array;
}

(* A unit is the number 0 to OCaml; so all promises have one type. *)
let of_unit (promise : unit Lwt.t) : int Lwt.t = Obj.magic promise
let to_unit (promise : int Lwt.t) : unit Lwt.t = Obj.magic promise

let yes_or_no is_so = if is_so then "y" else "n"

let state run =
  let letter = function
    | None -> "-"
    | Some promise ->
      match Lwt.state promise with Return _ -> "r" | Fail _ -> "f" | Sleep -> "s" in
  let all show structures = String.concat "" (Array.to_list (Array.map show structures)) in
  let told =
    all (fun mvar -> yes_or_no (Lwt_mvar.is_empty mvar)) run.mvars
    ^ all (fun mutex -> yes_or_no (Lwt_mutex.is_locked mutex)) run.mutexes
    ^ all (fun mutex -> yes_or_no (Lwt_mutex.is_empty mutex)) run.mutexes
    ^ all (fun switch -> yes_or_no (Lwt_switch.is_on switch)) run.switches in
  let length pool = string_of_int (Lwt_pool.wait_queue_length pool) in
  let lengths = Array.to_list (Array.map length run.pools) in
  String.concat " " (all letter run.promises :: told :: lengths)

let keep run slot promise =
  run.made <- run.made + 1;
  let made = run.made in
  run.promises.(slot) <- Some promise;
  Lwt.on_any promise
    (fun value -> add_event (Printf.sprintf "%d is %d" made value))
    (fun exn -> add_event (Printf.sprintf "%d fails with %s" made (show_exception exn)))

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
       let act _ = Lwt.ignore_result (call run act) in
       Lwt.on_any promise act act)
  | Row [Word ("wakeup" | "wakeup_later" | "wakeup_later_exn" as name); Number w; Number n] ->
    let resolver = run.resolvers.(w) in
    run.resolvers.(w) <- None;
    (match resolver, name with
     | None, _ -> ()
     | Some resolver, "wakeup" -> Lwt.wakeup resolver n
     | Some resolver, "wakeup_later" -> Lwt.wakeup_later resolver n
     | Some resolver, _ -> Lwt.wakeup_later_exn resolver (E n))
  | Row [Word "next_create"; f] -> Queue.push f run.next_create
  | Row [Word "next_validate"; f] -> Queue.push f run.next_validate
  | Row [Word "next_check"; f] -> Queue.push f run.next_check
  | Row [Word "next_dispose"; f] -> Queue.push f run.next_dispose
  | Row [Word "mvar_create"; Number s; Number v] -> run.mvars.(s) <- Lwt_mvar.create v
  | Row [Word "mvar_create_empty"; Number s] -> run.mvars.(s) <- Lwt_mvar.create_empty ()
  | Row [Word "mvar_put"; Number p; Number s; Number v] ->
    keep run p (of_unit (Lwt_mvar.put run.mvars.(s) v))
  | Row [Word "mvar_take"; Number p; Number s] -> keep run p (Lwt_mvar.take run.mvars.(s))
  | Row [Word "mvar_take_available"; Number s] ->
    (match Lwt_mvar.take_available run.mvars.(s) with
     | None -> add_event "took nothing"
     | Some value -> add_event (Printf.sprintf "took %d" value))
  | Row [Word "mvar_is_empty"; Number s] ->
    add_event ("is_empty " ^ yes_or_no (Lwt_mvar.is_empty run.mvars.(s)))
  | Row [Word "mutex_create"; Number s] -> run.mutexes.(s) <- Lwt_mutex.create ()
  | Row [Word "mutex_lock"; Number p; Number s] ->
    keep run p (of_unit (Lwt_mutex.lock run.mutexes.(s)))
  | Row [Word "mutex_unlock"; Number s] -> Lwt_mutex.unlock run.mutexes.(s)
  | Row [Word "mutex_is_locked"; Number s] ->
    add_event ("is_locked " ^ yes_or_no (Lwt_mutex.is_locked run.mutexes.(s)))
  | Row [Word "mutex_is_empty"; Number s] ->
    add_event ("is_empty " ^ yes_or_no (Lwt_mutex.is_empty run.mutexes.(s)))
  | Row [Word "mutex_with_lock"; Number p; Number s; f] ->
    keep run p (Lwt_mutex.with_lock run.mutexes.(s) (fun () -> call run f))
  | Row [Word "condition_create"; Number s] -> run.conditions.(s) <- Lwt_condition.create ()
  | Row [Word "condition_wait"; Number p; Number s; Number o] ->
    let mutex = if o = 2 then None else Some run.mutexes.(o) in
    keep run p (Lwt_condition.wait ?mutex run.conditions.(s))
  | Row [Word "condition_signal"; Number s; Number v] ->
    Lwt_condition.signal run.conditions.(s) v
  | Row [Word "condition_broadcast"; Number s; Number v] ->
    Lwt_condition.broadcast run.conditions.(s) v
  | Row [Word "condition_broadcast_exn"; Number s; Number e] ->
    Lwt_condition.broadcast_exn run.conditions.(s) (E e)
  | Row [Word "switch_create"; Number s] -> run.switches.(s) <- Lwt_switch.create ()
  | Row [Word "switch_is_on"; Number s] ->
    add_event ("is_on " ^ yes_or_no (Lwt_switch.is_on run.switches.(s)))
  | Row [Word "switch_turn_off"; Number p; Number s] ->
    keep run p (of_unit (Lwt_switch.turn_off run.switches.(s)))
  | Row [Word "switch_check"; Number o] -> Lwt_switch.check (switch run o)
  | Row [Word "switch_add_hook"; Number o; f] ->
    Lwt_switch.add_hook (switch run o) (fun () -> to_unit (call run f))
  | Row [Word "switch_add_hook_or_exec"; Number p; Number o; f] ->
    let hook () = to_unit (call run f) in
    keep run p (of_unit (Lwt_switch.add_hook_or_exec (switch run o) hook))
  | Row [Word "switch_with_switch"; Number p; Number s; f] ->
    keep run p
      (Lwt_switch.with_switch (fun switch -> run.switches.(s) <- switch; call run f))
  | Row [Word "pool_create"; Number s; Number maximum] -> run.pools.(s) <- new_pool run maximum
  | Row [Word "pool_create_plain"; Number s; Number maximum] ->
    run.pools.(s) <- Lwt_pool.create maximum ~dispose:(dispose run) (fun () -> create run)
  | Row [Word "pool_use"; Number p; Number s; f] ->
    let work member = add_event (Printf.sprintf "use %d" member); call run f in
    keep run p (Lwt_pool.use run.pools.(s) work)
  | Row [Word "pool_clear"; Number p; Number s] ->
    keep run p (of_unit (Lwt_pool.clear run.pools.(s)))
  | Row [Word "pool_wait_queue_length"; Number s] ->
    add_event (Printf.sprintf "%d waiting" (Lwt_pool.wait_queue_length run.pools.(s)))
  | Row (Word name :: _) -> raise (Malformed name)
  | _ -> raise (Malformed "statement")

and switch run number = if number = 2 then None else Some run.switches.(number)

and call run = function
  | Row (Word "do" :: Number number :: body) ->
    add_event (Printf.sprintf "call %d" number);
    let rec continue = function
      | [Row [Word "raise"; Number code]] -> raise (E code)
      | [Row [Word "rejected"; Number code]] -> Lwt.fail (E code)
      | [Row [Word ("wait" | "task" as kind); Number slot]] ->
        let promise, resolver = if kind = "wait" then Lwt.wait () else Lwt.task () in
        run.resolvers.(slot) <- Some resolver;
        promise
      | [Row [Word "return"; Number value]] -> Lwt.return value
      | [Row [Word "argument"]] -> Lwt.return 0
      | statement :: rest -> execute run statement; continue rest
      | [] -> raise (Malformed "do")
    in
    continue body
  | _ -> raise (Malformed "function")

and next run row plain =
  match Queue.take_opt row with None -> plain () | Some f -> call run f

and create run =
  add_event "create";
  next run run.next_create (fun () ->
    run.member <- run.member + 1;
    Lwt.return (100 + run.member))

and dispose run member =
  add_event (Printf.sprintf "dispose %d" member);
  to_unit (next run run.next_dispose (fun () -> Lwt.return 0))

and new_pool run maximum =
  let return_0 () = Lwt.return 0 in
  let validate member =
    add_event (Printf.sprintf "validate %d" member);
    Lwt.map (fun value -> value mod 2 = 0) (next run run.next_validate return_0) in
  let check member tell =
    add_event (Printf.sprintf "check %d" member);
    match Lwt.state (next run run.next_check return_0) with
    | Return value -> tell (value mod 2 = 0)
    | _ -> () in
  Lwt_pool.create maximum ~validate ~check ~dispose:(dispose run) (fun () -> create run)

let run_program program =
  let run = {
    promises = Array.make 8 None;
    resolvers = Array.make 3 None;
    made = 0;
    member = 0;
    next_create = Queue.create ();
    next_validate = Queue.create ();
    next_check = Queue.create ();
    next_dispose = Queue.create ();
    mvars = Array.init 2 (fun _ -> Lwt_mvar.create_empty ());
    mutexes = Array.init 2 (fun _ -> Lwt_mutex.create ());
    conditions = Array.init 2 (fun _ -> Lwt_condition.create ());
    switches = Array.init 2 (fun _ -> Lwt_switch.create ());
    pools = [||];
  } in
  run.pools <- Array.init 2 (fun _ -> new_pool run 1);
  Lwt.async_exception_hook := (fun exn -> add_event ("hook " ^ show_exception exn));
  List.iteri (fun number statement ->
    let finished =
      match execute run statement with
      | () -> "ends"
      | exception (Malformed _ as exn) -> raise exn
      | exception exn -> "raises " ^ show_exception exn in
    add_event (Printf.sprintf "statement %d %s %s" number finished (state run))) program

let () = serve run_program
