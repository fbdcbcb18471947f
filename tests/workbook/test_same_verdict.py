"""A check in a learner's notebook and the grading of that notebook come to the same verdict.

Whole notebooks, run from top to bottom as a learner does, then graded from outside with the inputs of the check.
"""

import linecache
import sys
import textwrap
import types

import nbformat
import pytest

import workbook
from authoring.execute import execute
from grader.judge import judge_function
from grader.result import Outcome
from tasks import CATALOGUE
from workbook import checking

TASK = CATALOGUE.task("02.scaled_scores")
SETUP = "import math\nimport numpy as np\nfrom workbook import check, hint"
CHECK = f'check("{TASK.id}", scaled_scores)'


def notebook_of(*cells):
    """Return the notebook of these cells; the answer's is the one that begins with the function's `def`, or has a #."""
    written = []
    for source in (SETUP, *cells):
        cell = nbformat.v4.new_code_cell(textwrap.dedent(source).strip())
        if cell.source.startswith(("def scaled_scores", "# the answer")):
            cell.metadata["course"] = {"answer": TASK.id}
        written.append(cell)
    return nbformat.v4.new_notebook(cells=written)


def graded(notebook, folder, grade_file):
    path = folder / "handed in.ipynb"
    nbformat.write(notebook, path)
    return next(r for r in grade_file(path, CATALOGUE.seed).results if r.id == TASK.id)


def checked(notebook, monkeypatch):
    """Run a notebook's cells in order, each until it raises, and return what its check found."""
    found = []

    def keep(*arguments, **options):
        found.append(judge_function(*arguments, **options))
        return found[-1]

    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    monkeypatch.setattr(checking, "judge_function", keep)
    for number, cell in enumerate(notebook.cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(cell.source), None, cell.source.splitlines(keepends=True), name)
        try:
            exec(compile(cell.source, name, "exec"), vars(module))
        except Exception as error:
            if "on purpose" not in str(error):
                raise  # the notebook says something else than it should
    return found[-1]


RAW = "query @ key.swapaxes(-2, -1)"
RIGHT = f"def scaled_scores(query, key):\n    return {RAW} / math.sqrt(query.shape[-1])"


def by(expression):
    """Return an answer that multiplies the raw scores by something."""
    return f"def scaled_scores(query, key):\n    return {RAW} * {expression}"


ODD = {
    "nothing odd": (RIGHT, CHECK),
    "a power that grew": ("POWER = 0.0\nPOWER -= 0.5", by("query.shape[-1] ** POWER"), CHECK),
    "a power that grew too far": ("POWER = 0.0\nPOWER -= 0.5\nPOWER *= 2", by("query.shape[-1] ** POWER"), CHECK),
    "a table from a loop": (
        "FACTORS = {}\nfor size in range(1, 99):\n    FACTORS[size] = size**-0.5",
        by("FACTORS[query.shape[-1]]"),
        CHECK,
    ),
    "a name bound by a loop": ("for ROOT in (1.0, -0.5): pass", by("query.shape[-1] ** ROOT"), CHECK),
    "a while": ("POWER = 0.0\nwhile POWER > -0.5:\n    POWER -= 0.25", by("query.shape[-1] ** POWER"), CHECK),
    "a with": ("with np.errstate(all='ignore'):\n    ROOT = math.sqrt(0.25)", by("query.shape[-1] ** -ROOT"), CHECK),
    "a list that is filled": (
        "POWERS = []\nPOWERS.append(-0.5)\nPOWERS.extend([1, 2])\nPOWERS.sort()",
        by("query.shape[-1] ** POWERS[0]"),
        CHECK,
    ),
    "an array written into": (
        "POWERS = np.zeros(2)\nPOWERS[1] = -0.5\nPOWERS[:] = POWERS[::-1].copy()",
        by("query.shape[-1] ** float(POWERS[0])"),
        CHECK,
    ),
    "an iterator used up": (
        "NUMBERS = iter([1.0, -0.5])\nfirst = next(NUMBERS)\nPOWER = next(NUMBERS)",
        by("query.shape[-1] ** POWER"),
        CHECK,
    ),
    "a function that changes a global": (
        "POWER = 0.0\ndef lower():\n    global POWER\n    POWER -= 0.25",
        "lower()\nlower()",
        by("query.shape[-1] ** POWER"),
        CHECK,
    ),
    "a function that fills a list": (
        "KEPT = []\ndef keep(x):\n    KEPT.append(x)\ndef keep_twice(x):\n    keep(x)\n    keep(x)\nkeep_twice(-0.25)",
        by("query.shape[-1] ** sum(KEPT)"),
        CHECK,
    ),
    "a decorator that registers": (
        "KNOWN = {}\ndef known(f):\n    KNOWN[f.__name__] = f\n    return f",
        "@known\ndef root(x):\n    return x ** -0.5",
        by("KNOWN['root'](query.shape[-1])"),
        CHECK,
    ),
    "a class and what is set on it": (
        "class Settings:\n    power = 1\nSettings.power = -0.5\nsetattr(Settings, 'sign', 1)",
        by("Settings.sign * query.shape[-1] ** Settings.power"),
        CHECK,
    ),
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Settings:\n    power: 'float' = -0.5",
        by("query.shape[-1] ** Settings().power"),
        CHECK,
    ),
    "a match": ("match 4:\n    case int(SIZE): pass", by("query.shape[-1] ** (-2 / SIZE)"), CHECK),
    "a walrus": ("if (SIZE := 4) > 3: pass", by("query.shape[-1] ** (-2 / SIZE)"), CHECK),
    "the main module": (
        "if __name__ == '__main__':\n    POWER = -0.5\nelse:\n    POWER = 1",
        by("query.shape[-1] ** POWER"),
        CHECK,
    ),
    "an import that fails": (
        "try:\n    from no_such_library import root\nexcept ImportError:\n    root = math.sqrt",
        by("(1 / root(query.shape[-1]))"),
        CHECK,
    ),
    "a star": ("from math import *", by("(1 / sqrt(query.shape[-1]))"), CHECK),
    "a line that raises on purpose, after what is used": (
        "POWER = -0.5\nraise ValueError('on purpose')",
        by("query.shape[-1] ** POWER"),
        CHECK,
    ),
    "a helper that a later cell changes": (
        "POWER = -0.5",
        by("query.shape[-1] ** POWER"),
        CHECK,
        "POWER = 1\nPOWER += 3",
        "def scaled_scores_again(query, key):\n    return 0",
    ),
    "a helper that is wrong": ("def root(x):\n    return x", by("(1 / root(query.shape[-1]))"), CHECK),
    "a helper that raises": (
        "def root(x):\n    return nothing[x]",
        by("(1 / root(query.shape[-1]))"),
        CHECK,
    ),
    "state between the cases": (
        "CALLS = []",
        "def scaled_scores(query, key):\n    CALLS.append(1)\n"
        f"    return {RAW} / math.sqrt(query.shape[-1]) * (1 if len(CALLS) < 3 else 2)",
        CHECK,
    ),
    "a lambda": (f"# the answer\nscaled_scores = lambda query, key: {RAW} / query.shape[-1]", CHECK),
    "an attempt before": ("def scaled_scores(query, key):\n    return 0", CHECK, RIGHT, CHECK),
    "work of another cell, without end": (RIGHT, CHECK, "if False:\n    while True: pass"),
    "a result far too large": ("def scaled_scores(query, key):\n    return np.zeros((3, 2**20))", CHECK),
    "a list": (f"def scaled_scores(query, key):\n    return list({RAW})", CHECK),
    "nothing": ("def scaled_scores(query, key):\n    pass", CHECK),
    "not attempted": ("def scaled_scores(query, key):\n    return ...", CHECK),
    "an input written into": (
        f"def scaled_scores(query, key):\n    query /= math.sqrt(query.shape[-1])\n    return {RAW}",
        CHECK,
    ),
    "two slips": ("def scaled_scores(query, key):\n    return key @ query.swapaxes(-2, -1)", CHECK),
    "what nothing explains": (by("query[..., :1]"), CHECK),
    "a product that does not fit": (RIGHT.replace("key.swapaxes(-2, -1)", "key.T"), CHECK),
    "what stays between two calls": ("KEPT = {}", by("KEPT.setdefault(query.shape, query[..., :1])"), CHECK),
    "numbers that stay between two calls": (
        "KEPT = {}",
        f"def scaled_scores(query, key):\n    return KEPT.setdefault(query.shape, {RAW} / math.sqrt(query.shape[-1]))",
        CHECK,
    ),
    "tensors": (
        "import torch",
        f"def scaled_scores(query, key):\n    return torch.from_numpy({RAW} / math.sqrt(query.shape[-1]))",
        CHECK,
    ),
    "the finished thing": (
        "from course_lib import dot_product_scores",
        "def scaled_scores(query, key):\n    return dot_product_scores(query, key) / math.sqrt(query.shape[-1])",
        CHECK,
    ),
}


@pytest.mark.parametrize("cells", ODD.values(), ids=ODD)
def test_whole_notebooks_get_the_verdict_of_their_check(cells, tmp_path, monkeypatch, capsys, grade_file):
    notebook = notebook_of(*cells)
    inside, outside = checked(notebook, monkeypatch), graded(notebook, tmp_path, grade_file)
    assert (outside.outcome, outside.points, outside.mistake, outside.message) == (
        inside.outcome,
        inside.points,
        inside.mistake,
        inside.message,
    )


def test_the_odd_notebooks_are_not_all_right_and_not_all_wrong(tmp_path, monkeypatch, capsys):
    """Or two graders that say the same of everything would agree as well."""
    found = [checked(notebook_of(*cells), monkeypatch).outcome for cells in ODD.values()]
    assert found.count(Outcome.RIGHT) >= 20
    assert set(found) >= {Outcome.WRONG, Outcome.RAISED, Outcome.BORROWED, Outcome.NOT_ATTEMPTED}


def test_a_helper_that_was_run_from_below_counts(tmp_path, grade_file):
    """A learner who ran it first was told "right"; only a run from top to bottom would miss it."""
    below = notebook_of(by("query.shape[-1] ** POWER"), CHECK, "POWER = 0.5\nPOWER -= 1")
    assert graded(below, tmp_path, grade_file).outcome is Outcome.RIGHT


def test_a_notebook_of_a_real_kernel_gets_the_verdict_of_its_check(tmp_path, grade_file):
    """With what only IPython understands: magics, help, and an output at the end of a cell."""
    cells = (
        "%matplotlib inline\nPOWER = 0.0",
        "%%capture\nprint('quiet')\nPOWER -= 0.25",
        "for _ in range(1): POWER -= 0.25\nPOWER",
        "# the answer\n%precision 3\n" + by("query.shape[-1] ** POWER * 1.5"),
        CHECK,
    )
    notebook = notebook_of(*cells)
    path = tmp_path / "run.ipynb"
    shown = execute(notebook, path).cells[-1].outputs[0]["data"]["text/plain"]
    outside = graded(notebook, tmp_path, grade_file)
    assert outside.outcome is Outcome.WRONG
    assert outside.message in shown
    assert f"({outside.points} of {outside.worth} points)" in shown


def test_the_workbook_offers_what_an_answer_cell_may_call():
    assert {"check", "hint", "answer"} <= set(workbook.__all__)
