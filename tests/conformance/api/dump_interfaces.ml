(* Prints the interfaces of compiled modules as facts, one a line, in the order of
   the source:

     Lwt_io.open_file: value ?buffer ?flags ?perm ~mode _
     Lwt.wrap2: value fun -> _ _
     Lwt.state: type Return/1 Fail/1 Sleep
     Lwt_unix.stats: type .st_dev .st_ino (and so on; a mutable field is !field)
     Lwt_engine.libev#destroy: method

   The arguments of a value are  _  (any),  ()  (unit),  fun  (a function),  format
   (a format4, whose result takes what the format asks for),  ~label  and  ?label.
   After  ->  come those of a function that the interface writes in parentheses.

   Compiled interfaces (.cmi) have everything, with includes and functors expanded, but
   not the parentheses around a result: these come from the .mli beside them.

   Usage: dump_interfaces LIBRARY FILE.cmi ... LIBRARY FILE.cmi ... *)

open Outcometree

(* 1 Where the source writes parentheses around a result *)

(* The last character before [position] that is no space. *)
let rec character_before text position =
  match text.[position - 1] with
  | ' ' | '\n' | '\t' -> character_before text (position - 1)
  | character -> character

(* The number of arguments before a result in parentheses that is a function. *)
let rec arguments_before_parentheses text (core_type : Parsetree.core_type) =
  match core_type.ptyp_desc with
  | Ptyp_arrow (_, _, ({ ptyp_desc = Ptyp_arrow _; _ } as result)) ->
      if character_before text result.ptyp_loc.loc_start.pos_cnum = '(' then Some 1
      else Option.map succ (arguments_before_parentheses text result)
  | _ -> None

let rec note_parentheses found text path (signature : Parsetree.signature) =
  let note_module name (module_type : Parsetree.module_type) =
    match module_type.pmty_desc with
    | Pmty_signature items -> note_parentheses found text (path ^ "." ^ name) items
    | _ -> ()
  in
  List.iter
    (fun (item : Parsetree.signature_item) ->
      match item.psig_desc with
      | Psig_value { pval_name; pval_type; _ } ->
          Option.iter
            (Hashtbl.replace found (path ^ "." ^ pval_name.txt))
            (arguments_before_parentheses text pval_type)
      | Psig_module { pmd_name = { txt = Some name; _ }; pmd_type; _ } -> note_module name pmd_type
      | Psig_modtype { pmtd_name; pmtd_type = Some module_type; _ } ->
          note_module pmtd_name.txt module_type
      | _ -> ())
    signature

let read_file name =
  let channel = open_in_bin name in
  let text = really_input_string channel (in_channel_length channel) in
  close_in channel;
  text

let parenthesised_results name mli =
  let text = read_file mli in
  let found = Hashtbl.create 16 in
  note_parentheses found text name (Parse.interface (Lexing.from_string text));
  found

(* 2 Arguments *)

let rec last_name = function
  | Oide_ident { printed_name } -> printed_name
  | Oide_dot (_, name) -> name
  | Oide_apply (functor_, _) -> last_name functor_

let rec argument label out_type =
  match label, out_type with
  | "", Otyp_poly (_, inner) -> argument "" inner
  | "", Otyp_constr (Oide_ident { printed_name = "unit" }, []) -> "()"
  | "", Otyp_constr (name, _) when List.mem (last_name name) [ "format4"; "format6"; "format" ] ->
      "format"
  | "", Otyp_arrow _ -> "fun"
  | "", _ -> "_"
  | label, _ when label.[0] = '?' -> label
  | label, _ -> "~" ^ label

(* Printing gives a result that is an arrow, an alias of one or a polymorphic one. *)
let rec arguments = function
  | Otyp_arrow (label, from, result) -> argument label from :: arguments result
  | Otyp_alias (inner, _) | Otyp_poly (_, inner) -> arguments inner
  | _ -> []

let rec insert_arrow position words =
  match position, words with
  | Some 0, _ -> "->" :: words
  | Some n, word :: rest -> word :: insert_arrow (Some (n - 1)) rest
  | _ -> words

let line path kind words = print_endline (String.concat " " ((path ^ ": " ^ kind) :: words))

(* 3 Types *)

let constructor (name, inline_or_tuple, _) =
  match inline_or_tuple with
  | [] -> name
  | [ Otyp_record fields ] ->
      name ^ "{" ^ String.concat "," (List.map (fun (field, _, _) -> field) fields) ^ "}"
  | arguments -> name ^ "/" ^ string_of_int (List.length arguments)

let rec contents = function
  | Otyp_manifest (_, definition) -> contents definition
  | Otyp_sum constructors -> List.map constructor constructors
  | Otyp_record fields ->
      List.map (fun (field, is_mutable, _) -> (if is_mutable then "!" else ".") ^ field) fields
  | Otyp_variant (_, Ovar_fields tags, _, _) -> List.map (fun (tag, _, _) -> "`" ^ tag) tags
  | Otyp_open -> [ ".." ]
  | _ -> []

(* 4 Signatures *)

(* What a name of a module type or class type stands for: those seen, innermost first. *)
let find_named what table name =
  match List.assoc_opt (last_name name) table with
  | Some definition -> definition
  | None -> failwith (what ^ " " ^ last_name name ^ " is not defined where it is used")

let rec class_items classes = function
  | Octy_signature (_, items) -> items
  | Octy_arrow (_, _, rest) -> class_items classes rest
  | Octy_constr (name, _) -> class_items classes (find_named "class" classes name)

let rec class_arguments = function
  | Octy_arrow (label, from, rest) -> argument label from :: class_arguments rest
  | _ -> []

let print_class classes path kind class_type =
  line path kind (class_arguments class_type);
  List.iter
    (function
      | Ocsg_method (name, is_private, is_virtual, out_type) ->
          let kind = if is_virtual then "virtual method" else "method" in
          let kind = if is_private then "private " ^ kind else kind in
          line (path ^ "#" ^ name) kind (arguments out_type)
      | Ocsg_value (name, _, _, _) -> line (path ^ "#" ^ name) "variable" []
      | Ocsg_constraint _ -> ())
    (class_items classes class_type)

let rec print_signature parentheses module_types path items =
  let classes = ref [] in
  let module_types = ref module_types in
  let inside name = path ^ "." ^ name in
  List.iter
    (function
      | Osig_value { oval_name; oval_type; _ } ->
          let position = Hashtbl.find_opt parentheses (inside oval_name) in
          line (inside oval_name) "value" (insert_arrow position (arguments oval_type))
      | Osig_type ({ otype_name; otype_type; _ }, _) ->
          line (inside otype_name) "type" (contents otype_type)
      | Osig_typext ({ oext_name; oext_args; _ }, Oext_exception) ->
          line (inside oext_name) "exception" (List.map (fun _ -> "_") oext_args)
      | Osig_typext ({ oext_name; oext_type_name; oext_args; _ }, _) ->
          line (inside oext_name) "constructor of" (oext_type_name :: List.map (fun _ -> "_") oext_args)
      | Osig_class (_, name, _, class_type, _) ->
          print_class !classes (inside name) "class" class_type;
          classes := (name, class_type) :: !classes
      | Osig_class_type (_, name, _, class_type, _) ->
          print_class !classes (inside name) "class type" class_type;
          classes := (name, class_type) :: !classes
      | Osig_modtype (name, module_type) ->
          print_module parentheses !module_types (inside name) "module type" [] module_type;
          module_types := (name, module_type) :: !module_types
      | Osig_module (name, module_type, _) ->
          print_module parentheses !module_types (inside name) "module" [] module_type
      | Osig_ellipsis -> failwith "the printer of signatures left something out")
    items

and print_module parentheses module_types path kind parameters = function
  | Omty_signature items ->
      line path (if parameters = [] then kind else "functor") (List.rev parameters);
      print_signature parentheses module_types path items
  | Omty_ident name ->
      print_module parentheses module_types path kind parameters
        (find_named "module type" module_types name)
  | Omty_functor (Some (Some parameter, _), result) ->
      print_module parentheses module_types path kind (parameter :: parameters) result
  | Omty_functor _ | Omty_abstract | Omty_alias _ -> line path (kind ^ " of another form") []

let print_module_of library cmi =
  let { Cmi_format.cmi_name; cmi_sign; _ } = Cmi_format.read_cmi cmi in
  let parentheses = parenthesised_results cmi_name (Filename.remove_extension cmi ^ ".mli") in
  let items =
    Printtyp.wrap_printing_env ~error:true Env.empty (fun () -> Printtyp.tree_of_signature cmi_sign)
  in
  line cmi_name "module of" [ library ];
  print_signature parentheses [] cmi_name items

let () =
  let print library argument =
    if Filename.check_suffix argument ".cmi" then (print_module_of library argument; library)
    else argument
  in
  ignore (Array.fold_left print "" (Array.sub Sys.argv 1 (Array.length Sys.argv - 1)))
