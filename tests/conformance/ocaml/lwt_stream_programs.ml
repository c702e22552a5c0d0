(* Programs over streams, run by module Lwt_stream itself.

   The language is described in languages/lwt_stream/language.py; run.py beside it runs the same
   programs on our library, and the two are written alike. *)

open Programs
module S = New_lwt_stream  (* Lwt_stream with some lines of 6.1: see known_differences.py *)

exception Oops
exception Empty_slot

type source =
  | Nothing
  | Pushed of (int option -> unit)
  | Bounded of int S.bounded_push

type run = {
  streams : int S.t option array;
  sources : source array;
  futures : (int Lwt.t * int Lwt.u) array;
  mutable results : ((unit -> string) * unit Lwt.t) list;  (* the newest first *)
}

type ending = Value of int | Wait of int | Raise | Fail

let show_exception = function
  | Oops -> "Oops"
  | Lwt.Canceled -> "Canceled"
  | S.Closed -> "Closed"
  | S.Full -> "Full"
  | S.Empty -> "Empty"
  | Invalid_argument _ -> "Invalid_argument"
  | exn -> raise exn

let show_unit () = "()"
let show_option = function None -> "()" | Some n -> Printf.sprintf "Some %d" n
let show_list l = "[" ^ String.concat "; " (List.map string_of_int l) ^ "]"

let stream run slot =
  match run.streams.(slot) with None -> raise Empty_slot | Some stream -> stream

let set run slot stream =
  run.streams.(slot) <- Some stream;
  run.sources.(slot) <- Nothing

let show_state show promise =
  match Lwt.state promise with
  | Lwt.Return value -> "=" ^ show value
  | Lwt.Fail exn -> "!" ^ show_exception exn
  | Lwt.Sleep -> "-"

let closed_ones run =
  String.concat "" (Array.to_list (Array.map (function
    | None -> "?" | Some s -> if S.is_closed s then "c" else "o") run.streams))

external any_promise : 'a Lwt.t -> unit Lwt.t = "%identity"

let keep run show promise =
  let number = List.length run.results in
  let tell how text =
    add_event (Printf.sprintf "result %d %s%s %s" number how text (closed_ones run)) in
  Lwt.on_any promise
    (fun value -> tell "=" (show value)) (fun exn -> tell "!" (show_exception exn));
  run.results <- ((fun () -> show_state show promise), any_promise promise) :: run.results

(* One of the results, if there is any yet. *)
let with_result run number f =
  let length = List.length run.results in
  if length > 0 then f (snd (List.nth run.results (length - 1 - number mod length)))

let log_all run event =
  let results = List.rev_map (fun (show, _) -> show ()) run.results in
  let sources =
    Array.to_list (Array.map (function
      | Bounded b ->
        Printf.sprintf "%d/%d%s%s" b#count b#size (if b#blocked then "b" else "")
          (if b#closed then "c" else "")
      | _ -> "") run.sources) in
  add_event (Printf.sprintf "%s | %s | %s | %s" event (String.concat " " results)
    (closed_ones run) (String.concat "," sources))

let as_unit _ = ()
let as_int n = n
let as_bool n = n mod 2 = 1
let as_option n = if n mod 3 = 0 then None else Some n
let as_list n = List.init (n mod 3) (fun i -> n + i)
let as_element n = if n = 0 then None else Some n

let rec execute run form =
  try execute_statement run form with
  | Empty_slot -> ()
  | (Oops | Lwt.Canceled | S.Closed | S.Full | S.Empty | Invalid_argument _) as exn ->
    add_event ("raises " ^ show_exception exn)

and ending run = function
  | Number n -> Value n
  | Row [Word "wait"; Number k] -> Wait k
  | Word "raise" -> Raise
  | Word "fail" -> Fail
  | Row [Word "do"] -> Value 1
  | Row [Word "do"; last] -> ending run last
  | Row (Word "do" :: statement :: rest) ->
    execute run statement;
    ending run (Row (Word "do" :: rest))
  | _ -> raise (Malformed "ending")

(* The endings say what a callback does at its first calls. *)
and callback ?(last = 1) run name endings =
  let rest = ref endings in
  fun argument ->
    add_event (name ^ argument);
    match !rest with
    | [] -> Value last
    | first :: others -> rest := others; ending run first

and at_once : 'a. ?last:int -> run -> string -> (int -> 'a) -> form list -> int -> 'a =
  fun ?last run name convert endings ->
  let f = callback ?last run name endings in
  fun n -> match f (Printf.sprintf " %d" n) with
    | Value n -> convert n
    | Wait _ -> convert 1
    | Raise | Fail -> raise Oops

and later : 'a. ?last:int -> run -> string -> (int -> 'a) -> form list -> int -> 'a Lwt.t =
  fun ?last run name convert endings ->
  let f = callback ?last run name endings in
  fun n -> match f (Printf.sprintf " %d" n) with
    | Value n -> Lwt.return (convert n)
    | Wait k -> Lwt.map convert (fst run.futures.(k))
    | Raise -> raise Oops
    | Fail -> Lwt.fail Oops

and execute_statement run = function
  | Row [Word "create"; Number d] ->
    let s, push = S.create () in
    set run d s;
    run.sources.(d) <- Pushed push
  | Row [Word "create_bounded"; Number d; Number n] ->
    let s, source = S.create_bounded n in
    set run d s;
    run.sources.(d) <- Bounded source
  | Row (Word "from" :: Number d :: endings) ->
    let f = later ~last:0 run "from" as_element endings in
    set run d (S.from (fun () -> f 0))
  | Row (Word "from_direct" :: Number d :: endings) ->
    let f = at_once ~last:0 run "from_direct" as_element endings in
    set run d (S.from_direct (fun () -> f 0))
  | Row [Word "return"; Number d; Number n] -> set run d (S.return n)
  | Row [Word "return_lwt"; Number d; Number k] -> set run d (S.return_lwt (fst run.futures.(k)))
  | Row [Word "of_list"; Number d; Number n] -> set run d (S.of_list (List.init n succ))
  | Row [Word "of_array"; Number d; Number n] -> set run d (S.of_array (Array.init n succ))
  | Row [Word "of_seq"; Number d; Number n] ->
    set run d (S.of_seq (List.to_seq (List.init n succ)))
  | Row [Word "of_lwt_seq"; Number d; Number n] ->
    set run d (S.of_lwt_seq (Lwt_seq.of_list (List.init n succ)))
  | Row [Word "of_string"; Number d; Number n] ->
    set run d (S.map Char.code (S.of_string (String.init n (fun i -> Char.chr (60 + i)))))
  | Row [Word "clone"; Number d; Number s] -> set run d (S.clone (stream run s))
  | Row [Word "push"; Number s; Number n] ->
    (match run.sources.(s) with
     | Nothing -> ()
     | Pushed push -> push (Some n)
     | Bounded source -> keep run show_unit (source#push n))
  | Row [Word "close"; Number s] ->
    (match run.sources.(s) with
     | Nothing -> ()
     | Pushed push -> push None
     | Bounded source -> source#close)
  | Row [Word "resize"; Number s; Number n] ->
    (match run.sources.(s) with Bounded source -> source#resize n | _ -> ())
  | Row [Word "wakeup"; Number k; Number n] ->
    let resolver = snd run.futures.(k) in
    run.futures.(k) <- Lwt.task ();
    Lwt.wakeup resolver n
  | Row [Word "wakeup_later"; Number k; Number n] ->
    let resolver = snd run.futures.(k) in
    run.futures.(k) <- Lwt.task ();
    Lwt.wakeup_later resolver n
  | Row [Word "wakeup_exn"; Number k] ->
    let resolver = snd run.futures.(k) in
    run.futures.(k) <- Lwt.task ();
    Lwt.wakeup_exn resolver Oops
  | Row [Word "cancel"; Number n] -> with_result run n Lwt.cancel
  | Row [Word "ignore_result"; Number n] -> with_result run n Lwt.ignore_result
  | Row [Word "when"; Number n; last] ->
    with_result run n (fun promise ->
      let act _ = ignore (at_once run "when" as_unit [last] n) in
      Lwt.on_any promise act act)
  | Row (Word ("with_value" | "without_value") :: _) as form -> under_storage (execute run) form
  | Row [Word "peek"; Number s] -> keep run show_option (S.peek (stream run s))
  | Row [Word "get"; Number s] -> keep run show_option (S.get (stream run s))
  | Row [Word "next"; Number s] -> keep run string_of_int (S.next (stream run s))
  | Row [Word "last_new"; Number s] -> keep run string_of_int (S.last_new (stream run s))
  | Row [Word "junk"; Number s] -> keep run show_unit (S.junk (stream run s))
  | Row [Word "is_empty"; Number s] -> keep run string_of_bool (S.is_empty (stream run s))
  | Row [Word "closed"; Number s] -> keep run show_unit (S.closed (stream run s))
  | Row [Word "to_list"; Number s] -> keep run show_list (S.to_list (stream run s))
  | Row [Word "to_string"; Number s] ->
    keep run (fun s -> s) (S.to_string (S.map (fun n -> Char.chr (n mod 64 + 60)) (stream run s)))
  | Row [Word "npeek"; Number s; Number n] -> keep run show_list (S.npeek n (stream run s))
  | Row [Word "nget"; Number s; Number n] -> keep run show_list (S.nget n (stream run s))
  | Row [Word "njunk"; Number s; Number n] -> keep run show_unit (S.njunk n (stream run s))
  | Row [Word "junk_available"; Number s] ->
    (match Lwt.state (S.junk_old (stream run s)) with Lwt.Fail exn -> raise exn | _ -> ())
  | Row [Word "get_available"; Number s] ->
    add_event (show_list (S.get_available (stream run s)))
  | Row [Word "get_available_up_to"; Number s; Number n] ->
    add_event (show_list (S.get_available_up_to n (stream run s)))
  | Row (Word ("get_while" as name) :: Number s :: e) ->
    keep run show_list (S.get_while (at_once run name as_bool e) (stream run s))
  | Row (Word ("get_while_s" as name) :: Number s :: e) ->
    keep run show_list (S.get_while_s (later run name as_bool e) (stream run s))
  | Row (Word ("junk_while" as name) :: Number s :: e) ->
    keep run show_unit (S.junk_while (at_once run name as_bool e) (stream run s))
  | Row (Word ("junk_while_s" as name) :: Number s :: e) ->
    keep run show_unit (S.junk_while_s (later run name as_bool e) (stream run s))
  | Row (Word ("iter" as name) :: Number s :: e) ->
    keep run show_unit (S.iter (at_once run name as_unit e) (stream run s))
  | Row (Word ("iter_s" as name) :: Number s :: e) ->
    keep run show_unit (S.iter_s (later run name as_unit e) (stream run s))
  | Row (Word ("iter_p" as name) :: Number s :: e) ->
    keep run show_unit (S.iter_p (later run name as_unit e) (stream run s))
  | Row (Word ("iter_n" as name) :: Number s :: Number n :: e) ->
    keep run show_unit
      (S.iter_n ~max_concurrency:(n + 1) (later run name as_unit e) (stream run s))
  | Row (Word ("fold" as name) :: Number s :: e) ->
    let f = at_once run name as_int e in
    keep run string_of_int (S.fold (fun n sum -> f n + 2 * sum) (stream run s) 0)
  | Row (Word ("fold_s" as name) :: Number s :: e) ->
    let f = later run name as_int e in
    keep run string_of_int
      (S.fold_s (fun n sum -> Lwt.map (fun n -> n + 2 * sum) (f n)) (stream run s) 0)
  | Row (Word ("find" as name) :: Number s :: e) ->
    keep run show_option (S.find (at_once run name as_bool e) (stream run s))
  | Row (Word ("find_s" as name) :: Number s :: e) ->
    keep run show_option (S.find_s (later run name as_bool e) (stream run s))
  | Row (Word ("find_map" as name) :: Number s :: e) ->
    keep run show_option (S.find_map (at_once run name as_option e) (stream run s))
  | Row (Word ("find_map_s" as name) :: Number s :: e) ->
    keep run show_option (S.find_map_s (later run name as_option e) (stream run s))
  | Row (Word ("map" as name) :: Number d :: Number s :: e) ->
    set run d (S.map (at_once run name as_int e) (stream run s))
  | Row (Word ("map_s" as name) :: Number d :: Number s :: e) ->
    set run d (S.map_s (later run name as_int e) (stream run s))
  | Row (Word ("filter" as name) :: Number d :: Number s :: e) ->
    set run d (S.filter (at_once run name as_bool e) (stream run s))
  | Row (Word ("filter_s" as name) :: Number d :: Number s :: e) ->
    set run d (S.filter_s (later run name as_bool e) (stream run s))
  | Row (Word ("filter_map" as name) :: Number d :: Number s :: e) ->
    set run d (S.filter_map (at_once run name as_option e) (stream run s))
  | Row (Word ("filter_map_s" as name) :: Number d :: Number s :: e) ->
    set run d (S.filter_map_s (later run name as_option e) (stream run s))
  | Row (Word ("map_list" as name) :: Number d :: Number s :: e) ->
    set run d (S.map_list (at_once run name as_list e) (stream run s))
  | Row (Word ("map_list_s" as name) :: Number d :: Number s :: e) ->
    set run d (S.map_list_s (later run name as_list e) (stream run s))
  | Row (Word ("flatten" as name) :: Number d :: Number s :: e) ->
    set run d (S.flatten (S.map (at_once run name as_list e) (stream run s)))
  | Row [Word "append"; Number d; Number s; Number t] ->
    let s = stream run s in
    set run d (S.append s (stream run t))
  | Row [Word "concat"; Number d; Number s; Number t] ->
    let s = stream run s in
    set run d (S.concat (S.of_list [s; stream run t]))
  | Row [Word "combine"; Number d; Number s; Number t] ->
    let s = stream run s in
    set run d (S.map (fun (a, b) -> a + 10 * b) (S.combine s (stream run t)))
  | Row [Word "choose"; Number _; Number s; Number t] when s = t -> ()
  | Row [Word "choose"; Number d; Number s; Number t] ->
    let s = stream run s in
    set run d (S.choose [s; stream run t])
  | Row [Word "wrap_exn"; Number d; Number s] ->
    let errors = ref 0 in
    let convert = function
      | Ok n -> n
      | Error _ -> incr errors; if !errors > 5 then raise Oops else 99 in
    set run d (S.map convert (S.wrap_exn (stream run s)))
  | Row [Word "hexdump"; Number d; Number s] ->
    let characters = S.map (fun n -> Char.chr (n mod 256)) (stream run s) in
    let sum line = String.fold_left (fun sum c -> (sum * 31 + Char.code c) mod 10007) 0 line in
    set run d (S.map sum (S.hexdump characters))
  | Row (Word "parse" :: Number s :: endings) ->
    let f = later run "parse" as_int endings in
    keep run string_of_int (S.parse (stream run s) (fun _ -> f 0))
  | Row (Word name :: _) -> raise (Malformed name)
  | _ -> raise (Malformed "statement")

let run_program program =
  let run = {
    streams = Array.make 4 None;
    sources = Array.make 4 Nothing;
    futures = Array.init 3 (fun _ -> Lwt.task ());
    results = [];
  } in
  List.iteri (fun number statement ->
    execute run statement;
    log_all run (string_of_int number)) program

let () =
  Lwt.async_exception_hook := (fun exn -> add_event ("hook " ^ show_exception exn));
  serve run_program
