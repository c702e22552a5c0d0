(* Programs over promises, run by module Lwt itself.

   The language is described in languages/lwt/language.py; run.py beside it runs the same programs
   on our library, and the two are written alike. *)

open Programs

exception Oops of int
exception Empty_slot

(* 1 Values

   All promises of a program have this one type, so that any of them may go anywhere.
   Lwt itself makes values of other types: their layout in memory is that of constructors
   here. So () and [] and false and None look alike, and so do pairs and lists; the Python
   side shows its values in the same way. *)
type value =
  | Unit (* also false, [] and None; true is the immediate 1 *)
  | Cons of value * value (* also pairs; with one field: Some and Ok *)
  | Error_of of value (* Error *)
  | Int of int
  | Exn of exn

external value_of : 'a -> value = "%identity"
external any_promise : 'a Lwt.t -> 'b Lwt.t = "%identity"
external any_promises : 'a Lwt.t list -> 'b Lwt.t list = "%identity"

let first_word text =
  let word = List.hd (String.split_on_char ' ' text) in
  match String.index_opt word ':' with
  | Some position when position = String.length word - 1 -> String.sub word 0 position
  | _ -> word

let show_exception = function
  | Oops number -> "E" ^ string_of_int number
  | Lwt.Canceled -> "Canceled"
  | Invalid_argument text -> "Invalid_argument " ^ first_word text
  | Failure _ -> "Failure"
  | Out_of_memory -> "MemoryError"
  | Stack_overflow -> "RecursionError"
  | exn -> Printexc.to_string exn

(* How many parts of a value are shown: with shared ones it would be endless. *)
let most_shown = 100

let show_value value =
  let text = Buffer.create 16 in
  let left = ref most_shown in
  let rec add value =
    decr left;
    let memory = Obj.repr value in
    if !left < 0 then Buffer.add_string text ".."
    else if Obj.is_int memory then
      Buffer.add_string text (if (Obj.obj memory : int) = 0 then "()" else "true")
    else if Obj.tag memory = 0 && Obj.size memory = 1 then begin
      Buffer.add_string text "Some ";
      add (Obj.obj (Obj.field memory 0))
    end
    else
      match value with
      | Unit -> Buffer.add_string text "()"
      | Cons (first, rest) ->
        Buffer.add_char text '(';
        add first;
        Buffer.add_string text ", ";
        add rest;
        Buffer.add_char text ')'
      | Error_of value ->
        Buffer.add_string text "Error ";
        add value
      | Int number -> Buffer.add_string text (string_of_int number)
      | Exn exn -> Buffer.add_string text (show_exception exn) in
  add value;
  Buffer.contents text

(* 2 One run of one program *)

let slots_at_most = 64

type run = {
  mutable promises : value Lwt.t array; (* all made so far, in the order in which they were *)
  mutable count : int;
  slots : value Lwt.t option array;
  resolvers : value Lwt.u option array;
  sequence : value Lwt.u Lwt_sequence.t;
  mutable in_hook : bool;
  mutable in_notifier : bool;
  mutable in_depths : bool;
  mutable hook_runs : int;
  mutable notifier_runs : int;
}

let new_run () = {
  promises = Array.make 64 (Lwt.return Unit);
  count = 0;
  slots = Array.make slots_at_most None;
  resolvers = Array.make slots_at_most None;
  sequence = Lwt_sequence.create ();
  in_hook = false;
  in_notifier = false;
  in_depths = false;
  hook_runs = 0;
  notifier_runs = 0;
}

(* How often a hook or notifier acts: it could otherwise keep itself busy forever. *)
let most_runs = 20

let log run event =
  add_line (event ^ " | " ^ stored () ^ " | ");
  for i = 0 to run.count - 1 do
    if i > 0 then Buffer.add_char trace ' ';
    match Lwt.state run.promises.(i) with
    | Lwt.Sleep -> Buffer.add_char trace '-'
    | Lwt.Return value -> Buffer.add_string trace (show_value value)
    | Lwt.Fail exn ->
      Buffer.add_char trace '!';
      Buffer.add_string trace (show_exception exn)
  done

let keep run destination promise =
  if run.count = Array.length run.promises then
    run.promises <- Array.append run.promises run.promises;
  run.slots.(destination) <- Some promise;
  run.promises.(run.count) <- promise;
  run.count <- run.count + 1

let keep_pair run destination (promise, resolver) =
  run.resolvers.(destination) <- Some resolver;
  keep run destination promise

let promise run slot =
  match run.slots.(slot) with None -> raise Empty_slot | Some promise -> promise

let resolver run slot =
  match run.resolvers.(slot) with None -> raise Empty_slot | Some resolver -> resolver

let promises run row =
  List.map (function Number slot -> promise run slot | _ -> raise (Malformed "slot")) row

let exception_of = function
  | Word "canceled" -> Lwt.Canceled
  | Word "out_of_memory" -> Out_of_memory
  | Word "stack_overflow" -> Stack_overflow
  | Number number -> Oops number
  | _ -> raise (Malformed "exception")

let result_of = function
  | Row [Word "ok"; Number value] -> Ok (Int value)
  | Row [Word "error"; form] -> Error (exception_of form)
  | _ -> raise (Malformed "result")

(* What add_loc does to an exception. *)
let located = function Oops number -> Oops (number + 100) | exn -> exn

(* Put numbers for the promises in the result of nchoose_split. *)
let name_pending run (values, rest) =
  let name p =
    let rec find i = if run.promises.(i) == p then i else find (i + 1) in
    Int (find 0) in
  value_of (value_of values, value_of (List.map name rest))

(* 3 Statements *)

let rec execute_all run statements = List.iter (execute run) statements

and execute run = function
  | Row (Word ("with_value" | "without_value") :: _) as form -> under_storage (execute run) form
  | Row (Word name :: arguments) ->
    (try execute_named run name arguments with Empty_slot -> ())
  | _ -> raise (Malformed "statement")

(* Only what looks a slot up may raise Empty_slot: callbacks do it in [execute], which
   handles it. So the handler above never catches what a callback raised. *)
and execute_named run name arguments =
  match name, arguments with
  | "wait", [Number d] -> keep_pair run d (Lwt.wait ())
  | "task", [Number d] -> keep_pair run d (Lwt.task ())
  | "return_", [Number d; Number v] -> keep run d (Lwt.return (Int v))
  | "return_unit", [Number d] -> keep run d (any_promise Lwt.return_unit)
  | "return_none", [Number d] -> keep run d (any_promise Lwt.return_none)
  | "return_nil", [Number d] -> keep run d (any_promise Lwt.return_nil)
  | "return_true", [Number d] -> keep run d (any_promise Lwt.return_true)
  | "return_false", [Number d] -> keep run d (any_promise Lwt.return_false)
  | "return_some", [Number d; Number v] -> keep run d (any_promise (Lwt.return_some (Int v)))
  | "return_ok", [Number d; Number v] -> keep run d (any_promise (Lwt.return_ok (Int v)))
  | "return_error", [Number d; Number v] -> keep run d (any_promise (Lwt.return_error (Int v)))
  | "fail", [Number d; e] -> keep run d (Lwt.fail (exception_of e))
  | "fail_with", [Number d] -> keep run d (Lwt.fail_with "program")
  | "fail_invalid_arg", [Number d] -> keep run d (Lwt.fail_invalid_arg "program")
  | "of_result", [Number d; x] -> keep run d (Lwt.of_result (result_of x))
  | "bind", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d (Lwt.bind p (promising run f))
  | ">>=", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d Lwt.(p >>= promising run f)
  | "=<<", [Number d; f; Number p] ->
    let p = promise run p in
    keep run d Lwt.(promising run f =<< p)
  | "let*", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d Lwt.Syntax.(let* value = p in promising run f value)
  | "Let_syntax.bind", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d (Lwt.Let_syntax.Let_syntax.bind p ~f:(promising run f))
  | "map", [Number d; f; Number p] ->
    let p = promise run p in
    keep run d (Lwt.map (valued run f) p)
  | ">|=", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d Lwt.(p >|= valued run f)
  | "=|<", [Number d; f; Number p] ->
    let p = promise run p in
    keep run d Lwt.(valued run f =|< p)
  | "let+", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d Lwt.Syntax.(let+ value = p in valued run f value)
  | "Let_syntax.map", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d (Lwt.Let_syntax.Let_syntax.map p ~f:(valued run f))
  | "Let_syntax.return", [Number d; Number v] ->
    keep run d (Lwt.Let_syntax.Let_syntax.return (Int v))
  | "catch", [Number d; f; h] -> keep run d (Lwt.catch (started run f) (handler run h))
  | "try_bind", [Number d; f; g; h] ->
    keep run d (Lwt.try_bind (started run f) (promising run g) (handler run h))
  | "finalize", [Number d; f; g] ->
    keep run d (Lwt.finalize (started run f) (fun () -> any_promise (started run g ())))
  | "backtrace_bind", [Number d; Number p; f] ->
    let p = promise run p in
    keep run d (Lwt.backtrace_bind located p (promising run f))
  | "backtrace_catch", [Number d; f; h] ->
    keep run d (Lwt.backtrace_catch located (started run f) (handler run h))
  | "backtrace_try_bind", [Number d; f; g; h] ->
    keep run d
      (Lwt.backtrace_try_bind located (started run f) (promising run g) (handler run h))
  | "backtrace_finalize", [Number d; f; g] ->
    keep run d
      (Lwt.backtrace_finalize located (started run f)
        (fun () -> any_promise (started run g ())))
  | "on_success", [Number p; f] -> Lwt.on_success (promise run p) (acting run f)
  | "on_failure", [Number p; f] -> Lwt.on_failure (promise run p) (acting_on_exn run f)
  | "on_termination", [Number p; f] ->
    Lwt.on_termination (promise run p) (acting_alone run f)
  | "on_any", [Number p; f; g] ->
    Lwt.on_any (promise run p) (acting run f) (acting_on_exn run g)
  | "on_cancel", [Number p; f] ->
    Lwt.on_cancel (promise run p) (acting_alone run f)
  | "wakeup", [Number r; Number v] -> Lwt.wakeup (resolver run r) (Int v)
  | "wakeup_later", [Number r; Number v] -> Lwt.wakeup_later (resolver run r) (Int v)
  | "wakeup_exn", [Number r; e] -> Lwt.wakeup_exn (resolver run r) (exception_of e)
  | "wakeup_later_exn", [Number r; e] ->
    Lwt.wakeup_later_exn (resolver run r) (exception_of e)
  | "wakeup_result", [Number r; x] -> Lwt.wakeup_result (resolver run r) (result_of x)
  | "wakeup_later_result", [Number r; x] ->
    Lwt.wakeup_later_result (resolver run r) (result_of x)
  | "cancel", [Number p] -> Lwt.cancel (promise run p)
  | "join", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (any_promise (Lwt.join (any_promises ps)))
  | "<&>", [Number d; Number p; Number q] ->
    let p = promise run p and q = promise run q in
    keep run d (any_promise Lwt.(any_promise p <&> any_promise q))
  | "both", [Number d; Number p; Number q] ->
    let p = promise run p and q = promise run q in
    keep run d (any_promise (Lwt.both p q))
  | "and*", [Number d; Number p; Number q] ->
    let p = promise run p and q = promise run q in
    keep run d (any_promise Lwt.Syntax.((and*) p q))
  | "Let_syntax.both", [Number d; Number p; Number q] ->
    let p = promise run p and q = promise run q in
    keep run d (any_promise (Lwt.Let_syntax.Let_syntax.both p q))
  | "all", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (any_promise (Lwt.all ps))
  | "choose", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (Lwt.choose ps)
  | "<?>", [Number d; Number p; Number q] ->
    let p = promise run p and q = promise run q in
    keep run d Lwt.(p <?> q)
  | "pick", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (Lwt.pick ps)
  | "nchoose", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (any_promise (Lwt.nchoose ps))
  | "npick", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (any_promise (Lwt.npick ps))
  | "nchoose_split", [Number d; Row ps] ->
    let ps = promises run ps in
    keep run d (Lwt.map (name_pending run) (Lwt.nchoose_split ps))
  | "protected", [Number d; Number p] -> keep run d (Lwt.protected (promise run p))
  | "no_cancel", [Number d; Number p] -> keep run d (Lwt.no_cancel (promise run p))
  | "wrap_in_cancelable", [Number d; Number p] ->
    keep run d (Lwt.wrap_in_cancelable (promise run p))
  | "pause", [Number d] -> keep run d (any_promise (Lwt.pause ()))
  | "wakeup_paused", [] -> Lwt.wakeup_paused ()
  | "abandon_paused", [] -> Lwt.abandon_paused ()
  | "register_pause_notifier", [f] ->
    let notify = acting run f in
    Lwt.register_pause_notifier (fun count ->
      if not run.in_notifier && run.notifier_runs < most_runs then begin
        run.in_notifier <- true;
        run.notifier_runs <- run.notifier_runs + 1;
        Fun.protect ~finally:(fun () -> run.in_notifier <- false)
          (fun () -> notify (Int count))
      end)
  | "async_", [f] -> Lwt.async (fun () -> any_promise (started run f ()))
  | "dont_wait", [f; h] ->
    let handle = without_exceptions run h in
    Lwt.dont_wait (fun () -> any_promise (started run f ())) handle
  | "ignore_result", [Number p] -> Lwt.ignore_result (promise run p)
  | "set_hook", [f] ->
    let react = without_exceptions run f in
    Lwt.async_exception_hook := (fun exn ->
      log run ("hook " ^ show_exception exn);
      if not run.in_hook && run.hook_runs < most_runs then begin
        run.in_hook <- true;
        run.hook_runs <- run.hook_runs + 1;
        react exn;
        run.in_hook <- false
      end)
  | "add_task_l", [Number d] -> keep run d (Lwt.add_task_l run.sequence)
  | "add_task_r", [Number d] -> keep run d (Lwt.add_task_r run.sequence)
  | "take_l", [Number v] ->
    (match Lwt_sequence.take_opt_l run.sequence with
     | None -> ()
     | Some resolver -> Lwt.wakeup resolver (Int v))
  | "take_r", [Number v] ->
    (match Lwt_sequence.take_opt_r run.sequence with
     | None -> ()
     | Some resolver -> Lwt.wakeup resolver (Int v))
  | "abandon_wakeups", [] -> Lwt.abandon_wakeups ()
  | "await", [Number _] -> ()
  | "poll", [Number p] ->
    (match Lwt.poll (promise run p) with
     | None -> log run "poll None"
     | Some value -> log run ("poll " ^ show_value value))
  | "is_sleeping", [Number p] ->
    log run (if Lwt.is_sleeping (promise run p) then "is sleeping" else "is not sleeping")
  | "debug_state_is", [Number d; state; Number p] ->
    let state =
      match state with
      | Word "sleep" -> Lwt.Sleep
      | Row [Word "return"; Number v] -> Lwt.Return (Int v)
      | _ -> raise (Malformed "state") in
    keep run d (any_promise (Lwt.debug_state_is state (promise run p)))
  | "apply", [Number d; f; Number v] -> keep run d (Lwt.apply (promising run f) (Int v))
  | "wrap", [Number d; f] ->
    let f = calling run f in
    keep run d (Lwt.wrap (fun () -> f None))
  | "wrap1", [Number d; f; Number a] -> keep run d (Lwt.wrap1 (valued run f) (Int a))
  | "wrap2", [Number d; f; Number a; Number b] ->
    let f = valued_of_list run f in
    keep run d (Lwt.wrap2 (fun a b -> f [a; b]) (Int a) (Int b))
  | "wrap3", [Number d; f; Number a; Number b; Number c] ->
    let f = valued_of_list run f in
    keep run d (Lwt.wrap3 (fun a b c -> f [a; b; c]) (Int a) (Int b) (Int c))
  | "wrap4", [Number d; f; Number v] ->
    let f = valued_of_list run f and v i = Int (v + i) in
    keep run d (Lwt.wrap4 (fun a b c d -> f [a; b; c; d]) (v 0) (v 1) (v 2) (v 3))
  | "wrap5", [Number d; f; Number v] ->
    let f = valued_of_list run f and v i = Int (v + i) in
    keep run d (Lwt.wrap5 (fun a b c d e -> f [a; b; c; d; e]) (v 0) (v 1) (v 2) (v 3) (v 4))
  | "wrap6", [Number d; f; Number v] ->
    let f = valued_of_list run f and v i = Int (v + i) in
    keep run d
      (Lwt.wrap6 (fun a b c d e g -> f [a; b; c; d; e; g])
        (v 0) (v 1) (v 2) (v 3) (v 4) (v 5))
  | "wrap7", [Number d; f; Number v] ->
    let f = valued_of_list run f and v i = Int (v + i) in
    keep run d
      (Lwt.wrap7 (fun a b c d e g h -> f [a; b; c; d; e; g; h])
        (v 0) (v 1) (v 2) (v 3) (v 4) (v 5) (v 6))
  | "nested_wakeups", [Number depth; f] -> nested_wakeups run depth (acting_alone run f)
  | "chain", [Number d; Number p; Number length] ->
    keep run d (chain (promise run p) length)
  | "loop", [Number d; Number p; Number length] -> keep run d (loop (promise run p) length)
  | _ -> raise (Malformed name)

(* 4 Statements that are small programs of their own *)

(* Promises in a row, each woken by a callback of the one before: the last has [f]. *)
and nested_wakeups run depth f =
  let depth = max 1 depth in
  if not run.in_depths then begin
    run.in_depths <- true;
    let row = Array.init depth (fun _ -> Lwt.wait ()) in
    for i = 0 to depth - 2 do
      Lwt.on_success (fst row.(i)) (fun () ->
        Lwt.wakeup (snd row.(i + 1)) ();
        if i = depth - 2 then log run "back")
    done;
    Lwt.on_success (fst row.(depth - 1)) f;
    Lwt.wakeup (snd row.(0)) ();
    run.in_depths <- false
  end

(* A promise that is a proxy of one that is a proxy of one ... of the last. *)
and chain promise length =
  let resolvers = Queue.create () in
  let last = ref promise in
  for _ = 1 to length do
    let gate, resolver = Lwt.wait () in
    let inner = !last in
    Queue.add resolver resolvers;
    last := Lwt.bind gate (fun () -> inner)
  done;
  Queue.iter (fun resolver -> Lwt.wakeup resolver ()) resolvers;
  !last

(* A loop that ends as the promise does: many promises in turn are proxies of the first. *)
and loop promise length =
  let resolvers = Queue.create () in
  let rec step number =
    if number = 0 then promise
    else begin
      let gate, resolver = Lwt.wait () in
      Queue.add resolver resolvers;
      Lwt.bind gate (fun () -> step (number - 1))
    end in
  let first = step length in
  while not (Queue.is_empty resolvers) do Lwt.wakeup (Queue.pop resolvers) () done;
  first

(* 5 Callbacks *)

and split_callback = function
  | Row (Word "do" :: Number number :: body) ->
    (match List.rev body with
     | last :: reversed -> string_of_int number, List.rev reversed, last
     | [] -> raise (Malformed "callback"))
  | _ -> raise (Malformed "callback")

and finish last argument =
  match last with
  | Row [Word "raise"; e] -> raise (exception_of e)
  | Row [Word "argument"] -> Option.value argument ~default:Unit
  | Row [Word "return"; Number number] -> Int number
  | _ -> Int 0

and show_argument = function None -> "" | Some value -> show_value value

(* A callback that owes a value. *)
and calling run form =
  let number, statements, last = split_callback form in
  fun argument ->
    log run (number ^ "(" ^ show_argument argument ^ ")");
    execute_all run statements;
    finish last argument

and valued run form =
  let f = calling run form in
  fun value -> f (Some value)

and valued_of_list run form =
  let f = calling run form in
  fun values -> f (Some (value_of values))

and acting run form =
  let f = calling run form in
  fun value -> ignore (f (Some value))

and acting_on_exn run form =
  let f = calling run form in
  fun exn -> ignore (f (Some (Exn exn)))

and acting_alone run form =
  let f = calling run form in
  fun () -> ignore (f None)

and without_exceptions run form =
  let number, _, _ = split_callback form in
  let f = acting_on_exn run form in
  fun argument ->
    try f argument with exn -> log run (number ^ " raises " ^ show_exception exn)

(* A callback that owes a promise. What follows an await is attached by bind. *)
and owing_a_promise run form =
  let number, statements, last = split_callback form in
  fun argument ->
    log run (number ^ "(" ^ show_argument argument ^ ")");
    let rec go_on = function
      | [] ->
        (match last with
         | Row [Word "rejected"; e] -> Lwt.fail (exception_of e)
         | Row [Word "promise"; Number slot] when run.slots.(slot) <> None ->
           promise run slot
         | _ -> Lwt.return (finish last argument))
      | Row [Word "await"; Number slot] :: rest ->
        (match run.slots.(slot) with
         | None -> go_on rest
         | Some awaited ->
           Lwt.bind awaited (fun _ ->
             log run (number ^ " goes on");
             go_on rest))
      | statement :: rest -> execute run statement; go_on rest
    in
    go_on statements

and promising run form =
  let f = owing_a_promise run form in
  fun value -> f (Some value)

and started run form =
  let f = owing_a_promise run form in
  fun () -> f None

and handler run form =
  let f = owing_a_promise run form in
  fun exn -> f (Some (Exn exn))

(* 6 Programs *)

(* After abandon_wakeups in a callback, Lwt believes that it is nested less deep than it is:
   wakeup_later is not deferred then. An exception that leaves makes it believe in one level more. *)
let restore_depth () =
  let is_deferred () =
    let p, resolve_p = Lwt.wait () and q, resolve_q = Lwt.wait () in
    let has_run = ref false and deferred = ref true in
    Lwt.on_success q (fun () -> has_run := true);
    Lwt.on_success p (fun () -> Lwt.wakeup_later resolve_q (); deferred := not !has_run);
    Lwt.wakeup resolve_p ();
    !deferred in
  Lwt.async_exception_hook := raise;
  while not (is_deferred ()) do
    let p, resolver = Lwt.wait () in
    Lwt.on_success p (fun () -> raise Exit);
    try Lwt.wakeup resolver () with Exit -> ()
  done

let run_program program =
  let run = new_run () in
  Lwt.async_exception_hook := (fun exn -> log run ("hook " ^ show_exception exn));
  List.iteri (fun number statement ->
    let finished =
      match execute run statement with
      | () -> "ends"
      | exception exn -> "raises " ^ show_exception exn in
    log run
      (Printf.sprintf "statement %d %s, %d paused" number finished (Lwt.paused_count ())))
    program;
  (* Nothing is left for the next program. *)
  restore_depth ();
  Lwt.abandon_paused ();
  Lwt.register_pause_notifier ignore

let () = serve run_program
