(* Programs over Lwt_fmt, and Format below it.

   The language is described in languages/lwt_fmt/programs.py; run.py beside it runs the same
   programs on our library, and the two are written alike. *)

open Programs
open Printf

exception Oops of int

let show_exception = function
  | Oops number -> sprintf "E%d" number
  | Lwt_io.Channel_closed _ -> "Channel_closed"
  | exn -> Printexc.to_string exn

(* What stands for what, since a program is one line and its words are between blanks. *)
let text_of word =
  String.of_seq (Seq.filter_map (function
    | '~' -> None | '_' -> Some ' ' | '^' -> Some '\n' | c -> Some c) (String.to_seq word))

let show_data data =
  let shown = Buffer.create 100 in
  String.iter (function
    | '\n' -> Buffer.add_string shown "\\n"
    | c -> Buffer.add_char shown c) data;
  sprintf "\"%s\"" (Buffer.contents shown)

let show_order = function
  | Lwt_fmt.Flush -> "flush"
  | String (s, off, len) ->
    sprintf "%s %d of %d" (show_data (String.sub s off len)) off (String.length s)

(* A format that is known only now, and its arguments, one after the other. *)
let rec apply (f : Obj.t) = function
  | [] -> f
  | argument :: rest -> apply ((Obj.obj f : Obj.t -> Obj.t) argument) rest

let format_of word : Obj.t =
  let text = text_of word in
  let CamlinternalFormat.Fmt_EBB format = CamlinternalFormat.fmt_ebb_of_string text in
  Obj.repr (CamlinternalFormatBasics.Format (format, text))

let fprintf ppf format arguments =
  ignore (apply (Obj.magic (Format.fprintf ppf (Obj.obj (format_of format)))) arguments)

let rec arguments forms = List.concat_map argument forms

and argument = function
  | Row [Word "d"; Number n] -> [Obj.repr n]
  | Row [Word "s"; Word word] -> [Obj.repr (text_of word)]
  | Row [Word "c"; Word word] -> [Obj.repr (text_of word).[0]]
  | Row [Word "b"; Number n] -> [Obj.repr (n = 1)]
  | Row (Word "a" :: Number value :: Word format :: inner) ->
    let printer ppf n = Format.fprintf ppf "%d" n; fprintf ppf format (arguments inner) in
    [Obj.repr printer; Obj.repr value]
  | Row (Word "t" :: Word format :: inner) ->
    [Obj.repr (fun ppf -> fprintf ppf format (arguments inner))]
  | Row [Word "w"; Word word] ->
    [Obj.repr (fun ppf -> Format.pp_print_string ppf (text_of word))]
  | Row [Word "raise"; Number n] -> [Obj.repr (fun (_ : Format.formatter) : unit -> raise (Oops n))]
  | _ -> raise (Malformed "argument")

let state promise =
  match Lwt.state promise with
  | Lwt.Return () -> "done"
  | Fail exn -> "fails with " ^ show_exception exn
  | Sleep -> "waits"

let run_program program =
  let stream, to_stream = Lwt_fmt.make_stream () in
  let channel =
    Lwt_io.make ~mode:Lwt_io.output (fun data start length ->
      add_event ("written " ^ show_data (Lwt_bytes.to_string (Lwt_bytes.proxy data start length)));
      Lwt.return length) in
  let to_channel = Lwt_fmt.of_channel channel in
  let commits = ref 0 in
  let own =
    let output s start length = add_event ("output " ^ show_order (String (s, start, length))) in
    let flush () = add_event "flush" in
    let commit () = incr commits; add_event (sprintf "commit %d" !commits); Lwt.return_unit in
    Lwt_fmt.make_formatter ~commit ~fmt:(Format.make_formatter output flush) () in
  let formatter = function 0 -> to_stream | 1 -> to_channel | _ -> own in
  let given promise = add_event (state promise) in
  let printing printf word forms =
    apply (Obj.magic (printf (Obj.obj (format_of word)))) (arguments forms) in
  let k_called _ promise = add_event ("k, " ^ state promise); 7 in
  let execute = function
    | Row (Word "fprintf" :: Number f :: Word format :: forms) ->
      given (Obj.obj (printing (Lwt_fmt.fprintf (formatter f)) format forms))
    | Row (Word "kfprintf" :: Number f :: Word format :: forms) ->
      let result : int = Obj.obj (printing (Lwt_fmt.kfprintf k_called (formatter f)) format forms) in
      add_event (string_of_int result)
    | Row (Word "ifprintf" :: Number f :: Word format :: forms) ->
      given (Obj.obj (printing (Lwt_fmt.ifprintf (formatter f)) format forms))
    | Row (Word "ikfprintf" :: Number f :: Word format :: forms) ->
      let result : int = Obj.obj (printing (Lwt_fmt.ikfprintf k_called (formatter f)) format forms) in
      add_event (string_of_int result)
    | Row [Word "flush"; Number f] -> given (Lwt_fmt.flush (formatter f))
    | Row [Word "write_pending"; Number f] -> given (Lwt_fmt.write_pending (formatter f))
    | Row (Word "print" :: Number f :: Word format :: forms) ->
      fprintf (Lwt_fmt.get_formatter (formatter f)) format (arguments forms)
    | Row [Word "margin"; Number f; Number n] ->
      Format.pp_set_margin (Lwt_fmt.get_formatter (formatter f)) n
    | Row [Word "max_indent"; Number f; Number n] ->
      Format.pp_set_max_indent (Lwt_fmt.get_formatter (formatter f)) n
    | Row [Word "tags"; Number f; Number shown] ->
      Format.pp_set_tags (Lwt_fmt.get_formatter (formatter f)) (shown = 1)
    | Row [Word "orders"] ->
      List.iter (fun order -> add_event (show_order order)) (Lwt_stream.get_available stream)
    | Row [Word "write_order"; Word word; Number start; Number length] ->
      given (Lwt_fmt.write_order channel (String (text_of word, start, length)))
    | Row [Word "order_flush"] -> given (Lwt_fmt.write_order channel Flush)
    | Row [Word "close"] -> given (Lwt_io.close channel)
    | Row (Word name :: _) -> raise (Malformed name)
    | _ -> raise (Malformed "statement") in
  List.iter (fun statement ->
    try execute statement with
    | Malformed _ as exn -> raise exn
    | exn -> add_event ("raises " ^ show_exception exn)) program;
  List.iter (fun f -> given (Lwt_fmt.flush f)) [to_stream; to_channel; own];
  List.iter (fun order -> add_event (show_order order)) (Lwt_stream.get_available stream);
  ignore (Lwt_io.abort channel)

let () = serve run_program
