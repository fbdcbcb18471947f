"""What stands behind the outputs that nbval does not compare.

A cell tagged `nbval-ignore-output` could show anything. So an assertion holds what it shows: in that cell or in the
code cell right after it, on a name that the tagged cell binds or reads in what it shows. No assertion depends on the
clock. `pytest -rP tests/test_stored_outputs.py` lists every tagged cell and what holds it.
"""

import ast
import builtins
import re
from itertools import chain
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell

from authoring.storage import read

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(
    path for folder in ("notebooks", "solutions", "exercises") for path in (ROOT / folder).glob("*.ipynb")
)

TAG = "nbval-ignore-output"
BUILTINS = set(dir(builtins))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
OF_ANY_VALUES = {"shape", "ndim", "dtype", "device"}  # x.shape says nothing of the numbers in x
CLOCK = re.compile(r"(.+\.)?((time|perf_counter|monotonic|process_time|thread_time)(_ns)?|default_timer|now|today)")
DURATION = re.compile(r"(.+_)?(seconds|minutes|milliseconds|elapsed|perf_counter)(_.+)?")


# What holds a tagged cell


def code_of(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def parsed(source):
    """The statements of a cell; none where a learner's unfinished answer is no Python yet."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []


def held_by(cells, index):
    """Return the sources of the assertions that hold what the tagged cell number `index` shows."""
    tagged, *after = [parsed(cell.source) for cell in cells[index : index + 2]]
    shown = names_of_what_is_shown(tagged, [parsed(cell.source) for cell in cells])
    held = [test for test in assertions(tagged) if spoken_of(test) & shown]
    for statement in in_order(chain(*after)):
        if test := assertion(statement):
            held += [test] if spoken_of(test) & shown else []
        else:
            shown = shown - bound_by(statement)  # from here on the name is something else
    return [ast.unparse(test) for test in held]


def names_of_what_is_shown(tagged, cells):
    """Return the names of data that a cell binds or reads in what it shows; of functions, where it names no data."""
    everything = list(in_order(chain(*cells)))
    names = set()
    for statement in in_order(tagged):
        names |= bound_by(statement)
        if isinstance(statement, ast.Expr) and not assertion(statement):
            names |= loaded(statement)
        elif isinstance(statement, ast.For):
            names |= loaded(statement.iter)
        elif isinstance(statement, DEFINITIONS):
            names |= loaded(statement)  # of what is displayed when somebody moves a slider
    imported = set().union(*(bound_by(s) for s in everything if isinstance(s, (ast.Import, ast.ImportFrom))))
    functions = {statement.name for statement in everything if isinstance(statement, DEFINITIONS)}
    names -= imported | BUILTINS
    return names - functions or names


def in_order(statements):
    """Yield statements in the order of the source, also inside `for`, `with`, `if` and `try`, not inside functions."""
    for statement in statements:
        yield statement
        if not isinstance(statement, DEFINITIONS):
            for block in ("body", "handlers", "orelse", "finalbody"):
                yield from in_order(getattr(statement, block, ()))


def assertion(statement):
    """Return what a statement asserts, by `assert` or by a call such as `assert_allclose(...)`, or None."""
    if isinstance(statement, ast.Assert):
        return statement.test
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = ast.unparse(statement.value.func).rpartition(".")[2]
        return statement.value if called.startswith("assert") else None
    return None


def assertions(statements):
    return [test for statement in in_order(statements) if (test := assertion(statement))]


def spoken_of(test):
    """Return the names whose values an assertion depends on: not `x` in `x.shape == (2, 3)` or in `len(x) == 2`."""
    if isinstance(test, ast.Attribute) and test.attr in OF_ANY_VALUES:
        return set()
    if isinstance(test, ast.Call) and ast.unparse(test.func) == "len":
        return set()
    names = {test.id} if isinstance(test, ast.Name) and isinstance(test.ctx, ast.Load) else set()
    return names.union(*(spoken_of(child) for child in ast.iter_child_nodes(test))) - own(test)


def loaded(tree):
    """Return the names that a piece of code reads from around it."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    inner = [own(node) for node in ast.walk(tree)]
    if isinstance(tree, DEFINITIONS):
        inner.append(stored(tree))
    return names.difference(*inner)


def own(node):
    """Return the names that a comprehension or a function has for itself."""
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        return set().union(*(stored(generator.target) for generator in node.generators))
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    return set()


def bound_by(statement):
    """Return the names that a statement binds, without those bound by the statements inside it."""
    if isinstance(statement, DEFINITIONS):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.For):
        return stored(statement.target)
    if isinstance(statement, ast.With):
        return set().union(*(stored(item) for item in statement.items))
    if isinstance(statement, ast.ExceptHandler):
        return {statement.name} - {None}
    if isinstance(statement, (ast.If, ast.While)):
        return stored(statement.test)
    return set() if isinstance(statement, ast.Try) else stored(statement)


def stored(tree):
    """Return the names that a piece of code binds, without those of comprehensions and of functions inside it."""
    if isinstance(tree, ast.Name):
        return {tree.id} if isinstance(tree.ctx, ast.Store) else set()
    if isinstance(tree, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.Lambda)):
        return set()
    return set().union(*(stored(child) for child in ast.iter_child_nodes(tree)))


# What depends on the clock


def timed_assertions(cells):
    """Return the sources of the assertions of one notebook that read a clock, or a name that a clock has reached."""
    found = follow_the_clock(list(chain(*(parsed(cell.source) for cell in cells))), timed=set())
    return [ast.unparse(test) for test in found]


def follow_the_clock(statements, timed, *, decides=False):
    """Return the assertions that depend on a clock; `timed` collects the names that do, `decides` says that all do."""
    found = []
    for statement in statements:
        blocks = [getattr(statement, block, []) for block in ("body", "handlers", "orelse", "finalbody")]
        if test := assertion(statement):
            says_so = any(DURATION.fullmatch(name) for name in loaded(test))
            found += [test] if decides or says_so or reads_a_clock(test, timed) else []
        elif isinstance(statement, DEFINITIONS):
            inside = set(timed)
            found += follow_the_clock(statement.body, inside)
            returned = [node.value for node in ast.walk(statement) if isinstance(node, ast.Return) and node.value]
            timed -= {statement.name}
            timed |= {statement.name} if any(reads_a_clock(value, inside) for value in returned) else set()
        elif any(blocks):
            heads = [getattr(statement, head) for head in ("test", "iter") if hasattr(statement, head)]
            so = decides or any(reads_a_clock(head, timed) for head in heads)
            timed |= bound_by(statement) if so else set()
            found += follow_the_clock(list(chain(*blocks)), timed, decides=so)
        elif decides or reads_a_clock(statement, timed):
            timed |= changed_by(statement)
        elif not isinstance(statement, ast.AugAssign):
            timed -= bound_by(statement)  # from here on the name is something else
    return found


def changed_by(statement):
    """Return what a statement binds, and `times` for `times.append(...)`, `times[i] = ...` and `times.last = ...`."""
    inside = [
        node.value
        for node in ast.walk(statement)
        if isinstance(getattr(node, "ctx", None), ast.Store) and hasattr(node, "value")
    ]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        inside += [called.value] if isinstance(called, ast.Attribute) else []
    return bound_by(statement) | {node.id for node in inside if isinstance(node, ast.Name)}


def reads_a_clock(tree, timed=frozenset()):
    """Whether a piece of code calls a clock, or reads what one gave: `history.seconds`, or a name in `timed`."""
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    attributes = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return bool(loaded(tree) & timed) or any(map(CLOCK.fullmatch, calls)) or any(map(DURATION.fullmatch, attributes))


# The notebooks


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_a_tagged_cell_shows_is_held_by_an_assertion(path):
    cells = code_of(path)
    tagged = [index for index, cell in enumerate(cells) if TAG in cell.metadata.get("tags", [])]
    held = {cells[index].id: held_by(cells, index) for index in tagged}
    for id, sources in held.items():
        print(f"{path.name}, cell {id}:", *(sources or ["NOTHING"]), sep="\n    ")
    assert [id for id, sources in held.items() if not sources] == [], "held by no assertion, here or in the next cell"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_assertion_depends_on_the_clock(path):
    assert timed_assertions(code_of(path)) == []


# That these tests can fail

IMPORTS = "import numpy as np\nfrom course_lib.plotting import explore, show"


def cells(*sources):
    return [new_code_cell(source) for source in sources]


@pytest.mark.parametrize(
    ("tagged", "after", "expected"),
    [
        ("loss = train()\nloss", "assert loss < 1", ["loss < 1"]),
        ("loss = train()\nprint(loss)\nassert 0.1 < loss < 1", "", ["0.1 < loss < 1"]),
        ("print(f'{loss:.2f}')", "np.testing.assert_allclose(loss, 0.5)", ["np.testing.assert_allclose(loss, 0.5)"]),
        ("for name in losses:\n    print(name)", "assert max(losses.values()) < 1", ["max(losses.values()) < 1"]),
        ("for s in (1, 2):\n    loss = train(s)\n    assert loss < s", "", ["loss < s"]),
        (
            "def draw(step):\n    return show(maps[step])\nexplore(draw, step=(0, 9))",
            "assert maps[9] > 0",
            ["maps[9] > 0"],
        ),
        (
            "def draw(a):\n    return weights_at(a)\nexplore(draw, a=(0, 9))",
            "assert weights_at(9) > 0",
            ["weights_at(9) > 0"],
        ),
    ],
)
def test_an_assertion_on_what_is_shown_holds_it(tagged, after, expected):
    notebook = cells(f"{IMPORTS}\ndef weights_at(a):\n    return a", tagged, after)
    assert held_by(notebook, 1) == expected


@pytest.mark.parametrize(
    ("tagged", "after"),
    [
        ("loss = train()\nloss", ""),
        ("loss = train()\nloss", "assert accuracy > 0.9"),  # of something else
        ("loss = train()\nloss", "loss = 0\nassert loss < 1"),  # another loss
        ("loss = train()\nloss", "def later():\n    assert loss < 1"),  # never called
        ("np.exp(loss)", "assert np.exp(1) > 2"),  # a module is no data
        ("print(max(losses))", "assert max(1, 2) == 2"),
        ("measure(weights)", "assert measure(others) > 1"),  # the same function of something else
        ("weights", "assert weights.shape == (2, 3)"),  # of any numbers
        ("weights", "assert len(weights) == 2"),
        ("loss", "assert accuracy > 0.9, loss"),  # only in its message
        ("loss", "assert all(loss < 1 for loss in others)"),  # a name of its own
        ("def draw(step):\n    return show(maps[step])\nexplore(draw, step=(0, 9))", "assert step > 0"),
    ],
)
def test_an_assertion_on_anything_else_does_not(tagged, after):
    notebook = cells(f"{IMPORTS}\ndef measure(a):\n    return a", tagged, after)
    assert held_by(notebook, 1) == []


def test_the_cell_after_next_holds_nothing():
    assert held_by(cells("loss", "print()", "assert loss < 1"), 0) == []


@pytest.mark.parametrize(
    "source",
    [
        "assert history.seconds <= 90",
        "assert seconds < 2",
        "start = time.perf_counter()\ntrain()\nassert perf_counter() - start < 2",
        "start = time()\nloss = train()\ntook = time() - start\nassert loss < 1 and took < 9",
        "times = []\ntimes.append(perf_counter())\nassert min(times) < 1",
        "times = {}\ntimes['a'] = time.monotonic()\nassert times['a'] < 1",
        "steps = int(90 / trial.seconds)\nloss = train(steps)\nassert loss < 1",
        "n = 0\nwhile perf_counter() < end:\n    n += 1\nassert n > 100",
        "while perf_counter() < end:\n    loss = train()\nassert loss < 1",
        "if time() < end:\n    assert loss < 1",
        "def trained():\n    start = time()\n    train()\n    assert time() - start < 9",
        "def clocked(f):\n    start = time()\n    f()\n    return time() - start\nassert clocked(train) < 1",
    ],
)
def test_an_assertion_that_a_clock_decides_is_found(source):
    assert len(timed_assertions(cells(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "start = perf_counter()\nloss = train()\nprint(perf_counter() - start)\nassert loss < 1",
        "seconds = np.arange(8000) / 8000\ntone = np.sin(seconds)\nassert abs(tone).max() <= 1",
        "def train():\n    start = time()\n    print(time() - start)\n    return 0.5\nassert train() < 1",
        "start = time()\nstart = 0\nassert start == 0",
        "start = time()\nassert all(start > 0 for start in (1, 2))",
        "first, second = 1, 2\nassert second > first",
    ],
)
def test_printing_seconds_is_no_such_assertion(source):
    assert timed_assertions(cells(source)) == []
