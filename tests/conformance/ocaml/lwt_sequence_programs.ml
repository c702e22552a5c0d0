(* Programs over sequences, run by module Lwt_sequence itself.

   The language is described in languages/lwt_sequence/language.py; run.py beside it runs the same
   programs on our library, and the two are written alike. *)

open Programs

type run = {
  sequences : int Lwt_sequence.t array;
  nodes : int Lwt_sequence.node option array;
}

exception Empty_slot
exception Stop

let node run slot =
  match run.nodes.(slot) with None -> raise Empty_slot | Some node -> node

let show_option = function None -> "None" | Some value -> string_of_int value

(* What all sequences hold, from the left and from the right. *)
let log run event =
  let contents sequence =
    let from_left = List.rev (Lwt_sequence.fold_l List.cons sequence []) in
    let from_right = List.rev (Lwt_sequence.fold_r List.cons sequence []) in
    let show values = String.concat " " (List.map string_of_int values) in
    Printf.sprintf "%d: %s / %s" (Lwt_sequence.length sequence) (show from_left)
      (show from_right) in
  add_event
    (event ^ " | " ^ String.concat " | " (Array.to_list (Array.map contents run.sequences)))

let rec execute run form =
  try execute_statement run form with Empty_slot -> ()

and execute_statement run = function
  | Row [Word "add_l"; Number n; Number v; Number s] ->
    run.nodes.(n) <- Some (Lwt_sequence.add_l v run.sequences.(s))
  | Row [Word "add_r"; Number n; Number v; Number s] ->
    run.nodes.(n) <- Some (Lwt_sequence.add_r v run.sequences.(s))
  | Row [Word "take_l"; Number s] ->
    log run ("take_l " ^ string_of_int (Lwt_sequence.take_l run.sequences.(s)))
  | Row [Word "take_r"; Number s] ->
    log run ("take_r " ^ string_of_int (Lwt_sequence.take_r run.sequences.(s)))
  | Row [Word "take_opt_l"; Number s] ->
    log run ("take_opt_l " ^ show_option (Lwt_sequence.take_opt_l run.sequences.(s)))
  | Row [Word "take_opt_r"; Number s] ->
    log run ("take_opt_r " ^ show_option (Lwt_sequence.take_opt_r run.sequences.(s)))
  | Row [Word "is_empty"; Number s] ->
    log run (if Lwt_sequence.is_empty run.sequences.(s) then "is empty" else "is not empty")
  | Row [Word "get"; Number n] ->
    log run ("get " ^ string_of_int (Lwt_sequence.get (node run n)))
  | Row [Word "set"; Number n; Number v] -> Lwt_sequence.set (node run n) v
  | Row [Word "remove"; Number n] -> Lwt_sequence.remove (node run n)
  | Row [Word "create"; Number s] -> run.sequences.(s) <- Lwt_sequence.create ()
  | Row [Word "clear"; Number s] -> Lwt_sequence.clear run.sequences.(s)
  | Row [Word "transfer_l"; Number s; Number t] ->
    if s <> t then Lwt_sequence.transfer_l run.sequences.(s) run.sequences.(t)
  | Row [Word "transfer_r"; Number s; Number t] ->
    if s <> t then Lwt_sequence.transfer_r run.sequences.(s) run.sequences.(t)
  | Row (Word "iter_l" :: Number s :: visit) ->
    Lwt_sequence.iter_l (visiting run visit) run.sequences.(s)
  | Row (Word "iter_r" :: Number s :: visit) ->
    Lwt_sequence.iter_r (visiting run visit) run.sequences.(s)
  | Row (Word "iter_node_l" :: Number s :: Number n :: visit) ->
    Lwt_sequence.iter_node_l (visiting_node run n visit) run.sequences.(s)
  | Row (Word "iter_node_r" :: Number s :: Number n :: visit) ->
    Lwt_sequence.iter_node_r (visiting_node run n visit) run.sequences.(s)
  | Row (Word "fold_l" :: Number s :: visit) ->
    let visit = visiting run visit in
    let sum =
      Lwt_sequence.fold_l (fun v sum -> visit v; v + 2 * sum) run.sequences.(s) 0 in
    log run ("fold_l " ^ string_of_int sum)
  | Row (Word "fold_r" :: Number s :: visit) ->
    let visit = visiting run visit in
    let sum =
      Lwt_sequence.fold_r (fun v sum -> visit v; v + 2 * sum) run.sequences.(s) 0 in
    log run ("fold_r " ^ string_of_int sum)
  | Row (Word "find_node_l" :: Number s :: Number n :: Number v :: visit) ->
    run.nodes.(n) <-
      Some (Lwt_sequence.find_node_l (searching run v visit) run.sequences.(s))
  | Row (Word "find_node_r" :: Number s :: Number n :: Number v :: visit) ->
    run.nodes.(n) <-
      Some (Lwt_sequence.find_node_r (searching run v visit) run.sequences.(s))
  | Row (Word "find_node_opt_l" :: Number s :: Number n :: Number v :: visit) ->
    (match Lwt_sequence.find_node_opt_l (searching run v visit) run.sequences.(s) with
     | None -> log run "none found"
     | found -> run.nodes.(n) <- found)
  | Row (Word "find_node_opt_r" :: Number s :: Number n :: Number v :: visit) ->
    (match Lwt_sequence.find_node_opt_r (searching run v visit) run.sequences.(s) with
     | None -> log run "none found"
     | found -> run.nodes.(n) <- found)
  | Row [Word "stop"] -> raise Stop
  | Row (Word "at" :: statements) -> List.iter (execute run) statements
  | Row (Word name :: _) -> raise (Malformed name)
  | _ -> raise (Malformed "statement")

(* The statements of a traversal run at its first visits, one at each. *)
and visiting run statements =
  let rest = ref statements in
  fun value ->
    log run ("visit " ^ string_of_int value);
    match !rest with
    | [] -> ()
    | statement :: others ->
      rest := others;
      execute run statement

and visiting_node run slot statements =
  let visit = visiting run statements in
  fun node ->
    run.nodes.(slot) <- Some node;
    visit (Lwt_sequence.get node)

and searching run wanted statements =
  let visit = visiting run statements in
  fun value -> visit value; value = wanted

let run_program program =
  let run = {
    sequences = Array.init 3 (fun _ -> Lwt_sequence.create ());
    nodes = Array.make 64 None;
  } in
  List.iteri (fun number statement ->
    let finished =
      match execute run statement with
      | () -> "ends"
      | exception Lwt_sequence.Empty -> "raises Empty"
      | exception Not_found -> "raises Not_found"
      | exception Stop -> "raises Stop" in
    log run (Printf.sprintf "statement %d %s" number finished)) program

let () = serve run_program
