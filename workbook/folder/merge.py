"""A new version of a notebook with what the learner did to the old one: three notebooks merged cell by cell.

A cell is known by its id, an answer or a question by its task. What one side alone changed is taken from that side.
What both changed stands there twice: an answer as the learner has it, anything else as the course has it, and the other
text right below, as text that does not run.
"""

import ast
import hashlib
import re

from workbook.folder.copies import BOTTOM
from workbook.folder.stored import mark

NEW_TEXT = "The course has a new text for the cell above. Yours stays as it is; this is the new one:"
YOUR_TEXT = "The course has rewritten the cell above. This is what you had there:"
EARLIER = (
    "## From an earlier version\n\nThe course no longer has these cells. What you had written in them is kept here."
)
EARLIER_ID = "from-an-earlier-version"
VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONGEST_ID = 64
BLANK = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}")  # an editor's, of a cell one added
OURS = ("added-", "yours-", "course-", "earlier-")  # ids that a merge gives


def merge(base, mine, new):
    """Return (the merged notebook, how many cells both sides had changed).

    Args:
        base: the notebook that the learner began with.
        mine: what they have made of it.
        new: what the course has made of it.
    """
    own = identified(mine["cells"], base["cells"], new["cells"])
    sides = [{cell["id"]: cell for cell in cells} for cells in (base["cells"], own, new["cells"])]
    known = {*sides[0], *sides[2]}
    cells, earlier, clashes = [], [], 0
    for id in _order([cell["id"] for cell in base["cells"]], list(sides[1]), list(sides[2]), known):
        b, m, n = (side.get(id) for side in sides)
        if n is None and m is not None and b is not None:
            earlier += [] if _is_unchanged(m, b) else [m]
            continue
        if m is None:
            gone = b is not None and n is not None and not _is_asked(n)  # the learner deleted it
            cells += [n] if n is not None and not gone else []
            continue
        if n is None:
            cells.append(m)
            continue
        taken, beside = _merged(b, m, n)
        cells.append(taken)
        if beside is not None:
            clashes += _put_beside(cells, beside, sides[1])
    cells = _with_earlier(cells, earlier, sides[1])
    return {**new, "cells": cells, "metadata": _metadata(base, mine, new)}, clashes


def carry_over(mine, new):
    """Return the new notebook with the learner's answers and added cells, where no one knows what they began with."""
    own = identified(mine["cells"], (), new["cells"])
    course = {cell["id"]: cell for cell in new["cells"]}
    begun = []
    for cell in own:
        id = cell["id"]
        if id in course:
            begun.append(course[id] if mark(course[id]) and not _is_blank(cell) else cell)
        elif not _is_learners(id):
            begun.append(cell)
    return merge({"cells": begun, "metadata": new["metadata"]}, {**mine, "cells": own}, new)[0]


def identified(mine, base, new):
    """Return the learner's cells, each with an id of its own: that of the course's cell which it is, if it is one.

    An editor may have changed ids or dropped them: then an answer is known by its task, another cell by its text.
    """
    course = {cell["id"]: cell for cell in (*base, *new)}
    by_task = {mark(cell): id for id, cell in course.items() if mark(cell)}
    found, taken = {}, set()

    def take(place, id):
        if place not in found and id in course and id not in taken:
            found[place] = id
            taken.add(id)

    for place, cell in enumerate(mine):
        if mark(cell) in ("", mark(course.get(cell.get("id"), cell))):
            take(place, cell.get("id"))
    for place, cell in enumerate(mine):
        take(place, by_task.get(mark(cell)))
    for place, cell in enumerate(mine):
        if place not in found and not _is_blank_text(cell):
            same = [one["id"] for one in (*base, *new) if one["id"] not in taken and _is_unchanged(cell, one)]
            take(place, same[0] if same else None)
    cells, used = [], set(course)
    for place, cell in enumerate(mine):
        id = found.get(place) or _free_id(_own_id(cell), used)
        used.add(id)
        cells.append({**cell, "id": id})
    return cells


def _own_id(cell):
    id = cell.get("id")
    if isinstance(id, str) and VALID_ID.fullmatch(id):
        return id
    return "added-" + hashlib.sha256(cell["source"].encode("utf-8", "replace")).hexdigest()[:8]


def _free_id(id, used):
    id, number, free = id[:LONGEST_ID], 1, id[:LONGEST_ID]
    while free in used:
        number += 1
        free = f"{id[: LONGEST_ID - 4]}-{number}"
    return free


def _order(base, mine, new, known):
    """Return all ids in the order of the merged notebook: the learner's, or the course's where it has a new one; what
    only the other side has comes after the cell that it follows there."""
    in_both = set(base) & set(new)
    as_before = [id for id in base if id in in_both] == [id for id in new if id in in_both]
    frame, others = (mine, new) if as_before else (new, mine)
    order = list(frame)
    for place, id in enumerate(others):
        if id in order:
            continue
        before = next((one for one in reversed(others[:place]) if one in order), None)
        at = 0 if before is None else order.index(before) + 1
        while id in known and at < len(order) and order[at] not in known:
            at += 1  # what the learner added stays with the cell it follows
        order.insert(at, id)
    return order


def _merged(b, m, n):
    """Return (the cell, what is to stand beside it or None)."""
    metadata = _cell_metadata(b, m, n)
    if _is_same(m, n) or (b is not None and _is_same(n, b)):
        return {**m, "metadata": metadata}, None
    new = {**n, "metadata": metadata}
    if b is not None and _is_unchanged(m, b):
        return new, None
    if mark(n):
        return {**m, "metadata": metadata}, ("course", n, NEW_TEXT)
    return new, ("yours", m, YOUR_TEXT)


def _put_beside(cells, beside, own):
    """Put the other text of a cell below it, unless it stands there already; return whether that was needed."""
    kind, cell, sentence = beside
    id = _free_id(f"{kind}-{cell['id']}", ())
    source = f"{sentence}\n\n{_fenced(cell)}"
    if kind == "course":  # the newest text alone
        replaced = own.get(id)
        if replaced is not None:
            replaced["source"] = source
            return True
    elif any(one["source"] == source for one in own.values()):
        return False
    cells.append({"cell_type": "markdown", "id": _free_id(id, own), "metadata": {}, "source": source})
    return True


def _with_earlier(cells, earlier, own):
    if not earlier:
        return cells
    kept = [] if EARLIER_ID in own else [_text(EARLIER_ID, EARLIER)]
    for cell in earlier:
        source = cell["source"] if cell["cell_type"] == "markdown" else _fenced(cell)
        kept.append(_text(_free_id(f"earlier-{cell['id']}", own), source))
    ends = [place for place, cell in enumerate(cells) if cell["id"] == BOTTOM]
    end = ends[0] if ends else len(cells)
    return [*cells[:end], *kept, *cells[end:]]


def _text(id, source):
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def _fenced(cell):
    """Return the source of a cell as text that does not run."""
    longest = max((len(run) for run in re.findall(r"`{3,}", cell["source"])), default=2)
    language = "python" if cell["cell_type"] == "code" else "markdown"
    return f"{'`' * (longest + 1)}{language}\n{cell['source'].rstrip()}\n{'`' * (longest + 1)}"


def _is_same(one, other):
    keys = ("cell_type", "attachments")
    return one["source"].rstrip() == other["source"].rstrip() and all(
        (one.get(key) or None) == (other.get(key) or None) for key in keys
    )


def _is_unchanged(cell, base):
    """Tell whether a cell is as it was. A comment's mark taken off a line, as off a hint, is no change to keep."""
    if cell["cell_type"] != "code" or base["cell_type"] != "code" or mark(base):
        return _is_same(cell, base)
    return _bare(cell["source"]) == _bare(base["source"])


def _bare(source):
    return [line.strip().lstrip("# ") for line in source.strip().splitlines()]


def _is_blank_text(cell):
    return not cell["source"].strip()


def _is_blank(cell):
    """Tell whether an answer's cell still holds nothing but dots where the answer goes."""
    try:
        tree = ast.parse(cell["source"])
    except (SyntaxError, ValueError, RecursionError):
        return False
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    calls = [node.value for node in statements if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    choices = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "answer"]
    if any(not _is_dots(argument) for call in choices for argument in (*call.args[1:], *call.keywords)):
        return False
    return all(
        isinstance(node, BLANK) or _is_dots(getattr(node, "value", None)) or _is_given(node) for node in statements
    )


def _is_dots(node):
    return isinstance(node, ast.Constant) and node.value is ...


def _is_given(node):
    """Tell whether a statement is dots, a docstring, or a call that the course wrote."""
    if not isinstance(node, ast.Expr):
        return isinstance(node, ast.Return) and _is_dots(node.value)
    if isinstance(node.value, ast.Constant):
        return isinstance(node.value.value, str) or _is_dots(node.value)
    return ast.unparse(node.value) == "super().__init__()" or ast.unparse(node.value).startswith("answer(")


def _is_asked(cell):
    """Tell whether the course needs this cell: an answer's, a question's, or the one that checks an answer."""
    return bool(mark(cell)) or (cell["cell_type"] == "code" and cell["source"].lstrip().startswith("check("))


def _is_learners(id):
    return bool(RANDOM_ID.fullmatch(id)) or id.startswith(OURS) or id == EARLIER_ID


def _metadata(base, mine, new):
    return _three_way(base["metadata"], mine["metadata"], new["metadata"], always_new=("course", "language_info"))


def _cell_metadata(b, m, n):
    return _three_way((b or n)["metadata"], m["metadata"], n["metadata"], always_new=("course",))


def _three_way(base, mine, new, always_new):
    """Return metadata in which what the learner changed stays, key by key, and all else is as the course has it."""
    merged = {}
    for key in dict.fromkeys([*mine, *new]):
        side = mine if key not in always_new and mine.get(key) != base.get(key) else new
        if key in side:
            merged[key] = side[key]
    return merged
