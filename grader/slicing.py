"""Which statements of a notebook make what an answer uses: those that give its names a meaning, or change it.

Parses only; nothing here runs a learner's code.
"""

import ast
import builtins
import functools
import symtable

from grader.program import SILENT


def reached(above, below, answer, source):
    """Return the source of the statements that make what the answer uses, and of what these use in turn.

    A notebook is read as it runs, from top to bottom: what stands above the answer's cell counts, with all that changes
    it later on. What stands below serves where nothing above gives a name a meaning, for whoever ran it first. The
    rest of a notebook may be slow, or without end, or no one's business but its own cell's.

    Args:
        above, below: the statements of the cells above the answer's, and of those below it.
        answer: the statements of the answer's cell.
        source: its source.

    Raises:
        SyntaxError: two arguments of one name, and the like: what Python parses and does not compile.
        RecursionError: nesting without end.
    """
    wanted = global_names(source) | {"*"}
    found = _slice(above, wanted)
    made = {name for node in (*found, *answer) for name in bound_names(node)}
    missing = wanted.union(*map(global_names, found.values())) - made - set(dir(builtins))
    later = {} if "*" in made else _slice(below, missing)
    return [*found.values(), *later.values()]


def _slice(statements, wanted):
    """Return the statements that give the `wanted` names a meaning or change it, in order, each with its source.

    What they use is wanted, too.
    """
    touched = _touched_names(statements)
    found, wanted = {}, set(wanted)
    while new := [node for node, names in touched.items() if node not in found and wanted & names]:
        found |= {node: ast.unparse(node) for node in new}
        wanted |= {name for node in new for name in global_names(found[node])}
    return {node: found[node] for node in statements if node in found}


def _touched_names(statements):
    """Return for each statement the names that it gives a meaning or may change: `x = 1`, `x += 1`, `x[0] = 1`,
    `x.append(1)`, `fill(x)`, and `fill()` where that function changes x.

    What a call may change is data: a module or a function that is called, or handed over, is what it was.
    """
    bound = {node: bound_names(node) for node in statements}
    data = {name for node, names in bound.items() if not isinstance(node, DEFINING) for name in names}
    data |= {node.name for node in statements if isinstance(node, ast.ClassDef)}
    effects = _effects([node for node in statements if isinstance(node, FUNCTION)])
    touched = {}
    for node, names in bound.items():
        parts = list(_parts(node, inside=isinstance(node, ast.ClassDef)))
        called = set().union(*(effects.get(name, ()) for name in _called(parts)))
        touched[node] = names | _stored_into(parts) | ((_handed_over(parts) | called) & data)
    return touched


def _effects(functions):
    """Return for each function the names outside it that a call of it may change, by itself or by what it calls."""
    effects, calls = {}, {}
    for node in functions:
        parts = [part for statement in node.body for part in ast.walk(statement)]
        declared = {name for part in parts if isinstance(part, ast.Global) for name in part.names}
        stored = {p.id for p in parts if isinstance(p, ast.Name) and not isinstance(p.ctx, ast.Load)}
        local = ({part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)} | stored) - declared
        effects[node.name] = (_stored_into(parts) | _handed_over(parts) | (stored & declared)) - local
        calls[node.name] = _called(parts) & {other.name for other in functions}
    while True:
        further = {name: changed.union(*map(effects.get, calls[name])) for name, changed in effects.items()}
        if further == effects:
            return effects
        effects = further


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
DEFINING = ast.Import | ast.ImportFrom | FUNCTION | ast.ClassDef

# Calls that show what they are given and change nothing.
HARMLESS = {
    *SILENT,
    "print",
    "len",
    "type",
    "repr",
    "str",
    "isinstance",
    "sum",
    "min",
    "max",
    "range",
    "enumerate",
    "zip",
}


def _parts(node, *, inside=True):
    """Yield a statement and its parts, but for the bodies of functions, which run when they are called, and the names
    that a comprehension keeps to itself. Not `inside`: the bodies of classes neither."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                waiting += part.decorator_list
            case ast.Lambda():
                pass
            case ast.ClassDef() if not inside:
                waiting += part.decorator_list
            case ast.comprehension():
                waiting += [part.iter, *part.ifs]
            case ast.AnnAssign(value=None):
                pass
            case _:
                waiting += ast.iter_child_nodes(part)


@functools.lru_cache(4096)
def bound_names(node):
    """Return the names that a statement gives a meaning, but for what is local to its functions and classes, as a
    frozenset."""
    names = set()
    for part in _parts(node, inside=False):
        match part:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {(alias.asname or alias.name).split(".")[0] for alias in aliases}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                names.add(name)
    return frozenset(names)


def _stored_into(parts):
    """Return the names whose items or attributes are stored or deleted."""
    kinds, changing = ast.Attribute | ast.Subscript, ast.Store | ast.Del
    return {_root(part) for part in parts if isinstance(part, kinds) and isinstance(part.ctx, changing)} - {None}


def _handed_over(parts):
    """Return the names that a method is called of, or that a call is given."""
    names = set()
    for part in parts:
        match part:
            case ast.Call(func=ast.Name(id=name)) if name in HARMLESS:
                continue
            case ast.Call(func=function, args=positional, keywords=keywords):
                given = [*positional, *(keyword.value for keyword in keywords)]
                names |= {_root(value) for value in given}
                names |= {_root(function)} if isinstance(function, ast.Attribute) else set()
    return names - {None}


def _called(parts):
    """Return the names of the functions that are called, decorators among them."""
    functions = [part.func for part in parts if isinstance(part, ast.Call)]
    functions += [d for part in parts if isinstance(part, FUNCTION | ast.ClassDef) for d in part.decorator_list]
    return {function.id for function in functions if isinstance(function, ast.Name)}


def _root(node):
    """Return the name that `x`, `x.y`, `x[0]` and `*x` begin with, or None."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def global_names(source):
    """Return the names that a piece of source takes from the notebook: all that are not local to its functions."""
    tables, names = [symtable.symtable(source, "<notebook>", "exec")], set()
    while tables:
        table = tables.pop()
        names |= {s.get_name() for s in table.get_symbols() if s.is_global() or table.get_type() == "module"}
        tables += table.get_children()
    return names
