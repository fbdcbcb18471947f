"""Where an answer raised: the expression that failed, and what the names in it were, taken from its frame.

Names are looked up, and of arrays some views are made (`key.T`, `key.swapaxes(-2, -1)`); nothing else is run again.
"""

import ast
import linecache
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LONGEST = 500  # characters of a line
MODULES = {"np": "numpy", "numpy": "numpy", "torch": "torch"}
MOST = 6  # operands of a line
SHOWN = 3  # elements of a list
TELLING = (ast.Call, ast.BinOp, ast.Compare, ast.UnaryOp, ast.Subscript, ast.BoolOp)  # the rest: the whole line
VIEWS = {"swapaxes", "transpose", "unsqueeze", "squeeze", "permute", "view", "t"}


@dataclass(frozen=True)
class Operand:
    """An array, or something plain, in the line that failed.

    Attributes:
        text: how the line names it, such as "key.T".
        library: "numpy" or "torch"; "" for what is no array.
        dtype: by name.
        shape: its shape.
        words: what is no array in a few words, such as "None", "3" or "a list of 2".
    """

    text: str
    library: str
    dtype: str = ""
    shape: tuple[int, ...] = ()
    words: str = ""

    def __str__(self):
        return f"{self.text} is {self.words or f'{self.dtype} {self.shape}'}"


def where_it_raised(error, own=()):
    """Return the expression, or else the line, in which an answer raised, and its operands; ("", ()) if unknown.

    Args:
        error: the exception.
        own: packages whose lines are never the answer's.
    """
    elsewhere = (
        sys.base_prefix,
        *(str(Path(__file__).parent / name) for name in ("call.py", "building.py", "elsewhere.py")),
        "<__array",
        "<part ",
        *_folders(own),
    )
    steps = [
        (frame, frame.f_code.co_filename, traceback_step)
        for frame, traceback_step in _steps(error.__traceback__)
        if "site-packages" not in frame.f_code.co_filename and not frame.f_code.co_filename.startswith(elsewhere)
    ]
    if not steps:
        return "", ()
    frame, filename, step = steps[-1]
    line, node = _expression(filename, frame.f_code, step)
    try:
        return line, tuple(_operands(node, frame))[:MOST]
    except Exception:  # what a learner's objects do when they are looked at is theirs
        return line, ()


def _steps(step):
    while step is not None:
        yield step.tb_frame, step
        step = step.tb_next


def _folders(packages):
    files = (getattr(sys.modules.get(name), "__file__", None) for name in packages)
    return tuple(str(Path(file).parent) for file in files if file)


def _expression(filename, code, step):
    """Return the text of what failed, and its syntax tree, or None if it is not one expression."""
    lines = linecache.getlines(filename, step.tb_frame.f_globals)
    if not 0 < step.tb_lineno <= len(lines):
        return "", None
    whole = lines[step.tb_lineno - 1].strip()[:LONGEST]
    first, last, begin, end = list(code.co_positions())[step.tb_lasti // 2]
    if None in (first, last, begin, end):
        return whole, None
    part = [line.rstrip("\n").encode() for line in lines[first - 1 : last]]
    part[-1] = part[-1][:end]
    part[0] = part[0][begin:]
    text = b" ".join(piece.strip() for piece in part).decode(errors="replace")
    tree = _parsed(text, "eval")
    if len(text) <= LONGEST and isinstance(getattr(tree, "body", None), TELLING):
        return text, tree
    return whole, _parsed(whole.removesuffix(":"), "exec") or tree


def _parsed(source, mode):
    try:
        return ast.parse(source, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _operands(node, frame):
    """Yield what the expression names, arrays first: the largest parts of it that can be looked at."""
    found = dict(_values(node, frame)) if node is not None else {}
    for text, value in found.items():
        if (library := _library(value)) is not None:
            yield Operand(text[:LONGEST], library, *_form(value))
    for text, value in found.items():
        if _library(value) is None and (words := _words(value)) is not None:
            yield Operand(text[:LONGEST], "", words=words)


def _values(node, frame):
    """Yield (text, value): of a view of an array the view itself, if it can be had; anything else is taken apart."""
    value = _look(node, frame) if _is_view(node) else None
    if _library(value) is not None or isinstance(node, ast.Name):
        if not isinstance(node, ast.Name) or node.id in {**frame.f_globals, **frame.f_locals}:
            yield ast.unparse(node), value
        return
    for child in ast.iter_child_nodes(node):
        yield from _values(child, frame)


def _form(array):
    return str(array.dtype).removeprefix("torch."), tuple(map(int, array.shape))


def _words(value):
    """Return what something plain is, in a few words; None of what might answer as it likes."""
    if type(value) in (int, float, bool, type(None), range) or (type(value) is str and len(value) < 20):
        return repr(value)[:40]
    if type(value) in (list, tuple):
        kind = f"a {type(value).__name__} of {len(value)}" if value else f"an empty {type(value).__name__}"
        if value and all(_library(one) is not None for one in value):
            forms = [f"{dtype} {shape}" for dtype, shape in map(_form, value[:SHOWN])]
            return f"{kind}: {', '.join(forms)}{', ...' * (len(value) > SHOWN)}"
        if value and all(type(one) in (list, tuple) for one in value):
            lengths = sorted({len(one) for one in value})
            return f"{kind} with {', '.join(map(str, lengths[:SHOWN]))} each"
        return kind
    return None


def _is_view(node):
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=value, attr="T" | "mT" | "H" | "mH"):
            return _is_view(value)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=arguments, keywords=[]) if not _is_module(value):
            return name in VIEWS and _is_view(value) and all(map(_is_number, arguments))
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name), args=[value, *arguments], keywords=[]):
            return module in MODULES and name in VIEWS and _is_view(value) and all(map(_is_number, arguments))
        case ast.Subscript(value=value, slice=index):
            return _is_view(value) and all(map(_is_index, index.elts if isinstance(index, ast.Tuple) else [index]))
    return False


def _is_module(node):
    return isinstance(node, ast.Name) and node.id in MODULES


def _is_number(node):
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())) | ast.Constant(value=int()):
            return True
    return False


def _is_index(node):
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            return all(part is None or _is_number(part) for part in (lower, upper, step))
        case ast.Constant(value=value) if value is None or value is ...:
            return True
    return _is_number(node)


def _look(node, frame):
    """Return the value of a name or of a view of an array; None of what is neither."""
    match node:
        case ast.Name(id=name):
            return frame.f_locals.get(name, frame.f_globals.get(name))
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name), args=[inner, *arguments]) if (
            module in MODULES
        ):
            value = _look(inner, frame)
            function = getattr(sys.modules.get(MODULES[module]), name, None)
            if _library(value) is None or function is None:
                return None
            try:
                return function(value, *map(ast.literal_eval, arguments))
            except Exception:
                return None
        case ast.Attribute(value=inner) | ast.Call(func=ast.Attribute(value=inner)) | ast.Subscript(value=inner):
            value = _look(inner, frame)
            if _library(value) is None:
                return None
            try:
                return eval(_compiled(node), {}, {"it": value})
            except Exception:
                return None
    return None


def _compiled(node):
    """Return the outermost step of a view as code, with `it` for what it is a view of."""
    it = ast.Name("it", ast.Load())
    match node:
        case ast.Attribute(attr=attribute):
            outer = ast.Attribute(it, attribute, ast.Load())
        case ast.Call(func=ast.Attribute(attr=attribute), args=arguments):
            outer = ast.Call(ast.Attribute(it, attribute, ast.Load()), arguments, [])
        case ast.Subscript(slice=index):
            outer = ast.Subscript(it, index, ast.Load())
    return compile(ast.fix_missing_locations(ast.Expression(outer)), "<view>", "eval")


def _library(value):
    """Return "numpy" or "torch" for an array of exactly theirs, None for anything else: it might answer as it likes."""
    if type(value) is np.ndarray:
        return "numpy"
    torch = sys.modules.get("torch")
    return "torch" if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter) else None
