"""A look at an answer's text for what no answer needs: for the instructor to read, never a verdict.

An answer runs in its own process, and what it does there to itself, no one can prove: it might hide that it called the
finished thing. These are the ways there.
"""

import ast

NAMES = {
    "ctypes": "reaches into memory",
    "gc": "looks through all objects of its process",
    "inspect": "looks at code and frames",
    "importlib": "imports by itself",
    "__import__": "imports by itself",
    "exec": "runs code made of text",
    "eval": "runs code made of text",
    "compile": "runs code made of text",
    "open": "opens files",
    "subprocess": "starts programs",
    "socket": "opens connections",
    "multiprocessing": "starts processes",
    "signal": "changes how signals are taken",
    "sys.modules": "changes which modules there are",
    "sys.meta_path": "changes how modules are found",
    "sys.setprofile": "turns off what watches calls",
    "sys.settrace": "turns off what watches calls",
    "sys.addaudithook": "watches its process",
    "sys._getframe": "looks at code and frames",
    "marshal": "runs code made of bytes",
    "pickle": "runs code made of bytes",
    "runpy": "runs files",
    "threading": "computes where calls may not be watched",
    "types.CodeType": "makes functions of code",
    "types.FunctionType": "makes functions of code",
    "torch.compile": "makes code whose calls are not watched",
    "torch.jit": "makes code whose calls are not watched",
    "torch.ops": "reaches beneath PyTorch",
    "os.system": "starts programs",
    "os.fork": "starts processes",
    "os.kill": "signals processes",
    "os.open": "opens files",
    "os.write": "writes past Python's files",
    "os._exit": "ends its process at once",
}
ATTRIBUTES = {
    "__globals__": "reaches another module's names",
    "__closure__": "reaches another function's values",
    "__code__": "reaches another function's code",
    "__subclasses__": "looks through all classes",
    "__builtins__": "reaches Python's own functions",
    "__kwdefaults__": "reaches another function's values",
    "__loader__": "loads modules by itself",
    "tb_frame": "looks at code and frames",
    "f_back": "looks at code and frames",
    "f_globals": "looks at code and frames",
    "f_locals": "looks at code and frames",
    "_C": "reaches beneath PyTorch",
    "TensorBase": "reaches beneath PyTorch",
}


def suspicions(program):
    """Return a sentence for every such thing that the text of a `Program` names, each once."""
    found = {}
    for source in (*program.statements, program.answer):
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            for name, does in _named(node):
                found.setdefault(name, f"The answer names `{name}`, which {does}.")
    return list(found.values())


def _named(node):
    """Yield what a node names of all this, each with what it does."""
    match node:
        case ast.Import(names=aliases):
            names = [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(module), names=aliases):
            names = [module, *(f"{module}.{alias.name}" for alias in aliases)]
        case ast.Name(id=name):
            names = [name]
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            names = [f"{owner}.{name}", name]
        case ast.Attribute(attr=name):
            names = [name]
        case ast.Constant(value=str(name)):  # getattr(x, "__globals__")
            names = [name] if name in ATTRIBUTES else []
        case _:
            names = []
    for name in names:
        first = name.partition(".")[0]
        if name in ATTRIBUTES:
            yield name, ATTRIBUTES[name]
        elif name in NAMES or (first in NAMES and isinstance(node, ast.Import | ast.ImportFrom)):
            known = name if name in NAMES else first
            yield known, NAMES[known]
        elif isinstance(node, ast.Attribute | ast.ImportFrom) and name.rpartition(".")[2] in ATTRIBUTES:
            last = name.rpartition(".")[2]
            yield last, ATTRIBUTES[last]
