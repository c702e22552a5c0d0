"""placeholder"""
def as_ocaml(p): return ""
def as_python(p): return ""
