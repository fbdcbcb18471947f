"""The learner's own Transformer: every right answer that is a part of it is written into `my_transformer.py`, in the
folder of the notebook, and stays there until a better one is checked or the learner changes it by hand.
"""

import ast
import importlib
import linecache
import sys
import types
from pathlib import Path

from grader import display
from grader.judge import judge_function
from grader.parts import YOURS, Part, PartsFile, assembled, fingerprint, parse
from grader.result import Outcome
from grader.slicing import bound_names
from grader.submission import Submission, Unreadable, cells_of
from tasks import CATALOGUE
from workbook.folder import parts

PARTS = CATALOGUE.parts
NAME = f"{PARTS.module}.py"
SOLUTION = "### BEGIN SOLUTION"  # stands in the cells of the course's own solutions


def begun():
    """Return the `PartsFile` in which every part is the course's own."""
    return parts.begun(PARTS.read().parts, PARTS.own)


def read(folder=None):
    """Return the learner's `PartsFile` in a folder, by default the current one; the one to begin with if there is
    none."""
    path = Path(folder or ".") / NAME
    return parse(path.read_text(encoding="utf-8")) if path.exists() else begun()


def how_many(file):
    """Return in words how many parts are the learner's."""
    own = sum(part.is_learners for part in file.parts)
    return f"{own} of {len(file.parts)} parts are yours" if own < len(file.parts) else "all parts are yours"


def show_parts():
    """Display which parts of the Transformer are the learner's, and which are still the course's own."""
    file = read()
    lines = []
    for chapter in dict.fromkeys(part.id.partition(".")[0] for part in file.parts):
        of_chapter = [part for part in file.parts if part.id.partition(".")[0] == chapter]
        named = ", ".join(part.name + ("" if part.is_learners else " (the course's)") for part in of_chapter)
        lines.append(f"{chapter}: {named}")
    outcome = Outcome.RIGHT if all(part.is_learners for part in file.parts) else Outcome.NOT_ATTEMPTED
    sentence = how_many(file)
    display.show(display.plain(outcome, f"{NAME}: {sentence}", *lines))


def keep(task, *, replace=False):
    """Write the right answer to a task into the learner's file; return what to say, or "" if there is nothing to keep.

    Args:
        task: a `Task` that is a part.
        replace: put it there even if the learner has edited that part by hand.
    """
    cells = _cells()
    if not cells or not task.part or any(SOLUTION in cell.source and cell.defines(task.function) for cell in cells):
        return ""
    try:
        file = read()
        ast.parse(file.text)
    except SyntaxError as error:
        place = f"{error.msg}, line {error.lineno}"
        return f"Not kept in {NAME}: it is no Python just now ({place}). Mend it, and check again."
    except (OSError, UnicodeDecodeError) as error:
        return f"Not kept: {NAME} cannot be read ({error})."
    old = file.part(task.id)
    if old is None:
        return f"{NAME} has no heading for {task.id} any more, so this answer is not kept there."
    program = Submission(NAME, cells).program(task.id)
    if isinstance(program, Unreadable):
        return f"Not kept in {NAME}: {program.reason}"
    try:
        imports, body = assembled(program, {part.name for part in file.parts if part.id != task.id}, cells)
    except ValueError as error:
        return f"Not kept in {NAME}: {error}"
    if old.is_learners and old.body.strip() == body.strip():
        return f"It stands in {NAME} already: {how_many(file)}."
    if old.is_edited and not replace:
        return (
            f"In {NAME} you have edited this part by hand, so it stays as it is. To put this answer in its place: "
            f'`check("{task.id}", {task.function}, replace=True)`.'
        )
    new = PartsFile(with_imports(file.header, imports), file.parts).with_part(
        Part(task.id, body, f"{YOURS}, {fingerprint(body)}")
    )
    if problem := _problem(task, new, body):
        return f"Not kept in {NAME}: {problem}"
    try:
        Path(NAME).write_text(new.text, encoding="utf-8", newline="\n")
    except OSError as error:
        return f"Not kept: {NAME} cannot be written ({error.strerror})."
    _load_again()
    return f"Kept in {NAME}: {how_many(new)}."


def with_imports(header, imports):
    """Return the top of a file with these imports in it, sorted if nothing but imports and a docstring stands there."""
    tree = ast.parse(header)
    docstring = ast.get_docstring(tree, clean=False) is not None
    statements = tree.body[1:] if docstring else tree.body
    there = [line for node in statements if isinstance(node, ast.Import | ast.ImportFrom) for line in _lines(node)]
    missing = [line for line in dict.fromkeys(imports) if line not in there]
    if not missing:
        return header
    if not all(isinstance(node, ast.Import | ast.ImportFrom) for node in statements) or "#" in header:
        return "\n".join([header.rstrip(), *missing]) + "\n"
    top = "\n".join(header.splitlines()[: tree.body[0].end_lineno]) if docstring else ""
    return "\n\n".join(filter(None, [top, *_sorted([*there, *missing])])) + "\n"


def _lines(node):
    return [ast.unparse(type(node)(**{**vars(node), "names": [alias]})) for alias in node.names]


def _sorted(lines):
    """Return the imports as blocks: Python's own, libraries', the course's."""
    blocks = [[], [], []]
    for line in sorted(lines, key=lambda line: (line.startswith("from"), line.lower())):
        package = line.split()[1].partition(".")[0]
        blocks[0 if package in sys.stdlib_module_names else 2 if package in CATALOGUE.own else 1].append(line)
    return ["\n".join(_joined(block)) for block in blocks if block]


def _joined(block):
    """Return the lines with all that comes from one module in one of them."""
    joined = {}
    for line in block:
        start, found, name = line.partition(" import ")
        joined.setdefault(start if found else line, []).append(name)
    return [f"{start} import {', '.join(sorted(names))}" if names[0] else start for start, names in joined.items()]


def _cells():
    """Return what was run in this notebook so far, the last cell last; nothing where there is no notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return ()
    sources = [source for source in shell.user_ns.get("In", ()) if source]
    return cells_of({"cells": [{"cell_type": "code", "source": source} for source in sources]})


def _problem(task, file, body):
    """Return why a file cannot be kept, or "": it must load, and the part in it must be as right as it was."""
    own = {name for node in ast.parse(body).body for name in bound_names(node)}
    for part in file.parts:
        if part.id != task.id and (
            shared := own & {name for node in ast.parse(part.body).body for name in bound_names(node)}
        ):
            return f"`{min(shared)}` has a meaning in {part.id} already. Give yours another name, and check again."
    name = f"<{NAME} with {task.id}>"
    linecache.cache[name] = (len(file.text), None, file.text.splitlines(keepends=True), name)
    module = types.ModuleType(PARTS.module)
    try:
        exec(compile(file.text, name, "exec"), vars(module))
    except Exception as error:
        return f"the file would stop with {type(error).__name__}: {error}"
    found = judge_function(task, getattr(module, task.function), CATALOGUE.seed, (*CATALOGUE.own, PARTS.own))
    if found.outcome is not Outcome.RIGHT:
        return f"taken out of the notebook, it is no longer right. {found.message}"
    return ""


def _load_again():
    """Let the next `from my_transformer import ...` of this notebook see what was written."""
    module = sys.modules.get(PARTS.module)
    if module is not None and Path(getattr(module, "__file__", "")).resolve() == Path(NAME).resolve():
        importlib.invalidate_caches()
        sys.modules.pop(PARTS.module)
