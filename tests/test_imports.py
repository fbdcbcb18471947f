"""Who may import whom. The imports are read from the source, so that one inside a function counts as well."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

# Each part may import those to its left.
FUNCTIONS = ("namespace", "validation", "softmax", "masks", "attention", "__init__")
MODULES = (  # need PyTorch
    *("self_attention", "multi_head", "positional_encoding", "layers", "transformer", "relatives", "decoding"),
)
RELATIVES = ("bottleneck", "convolution", "linear_attention", "delta_rule", "pooling", "__init__")
WORK = ("training", "evaluation", "date_reader")  # bring models and data together
COURSE_LIB = (*FUNCTIONS, *MODULES, "data", *WORK)
PLOTTING = (
    *("style", "words", "inputs", "figure", "cells", "charts", "matrices", "angles", "plane", "speech", "offsets"),
    *("memory", "letters", "runs", "course_map", "machine", "palette", "sketch", "sliders", "__init__"),
)
DATA = (
    *("toy", "words", "batches", "dates", "digits", "names"),
    *("download", "archives", "text", "mel", "voices", "speech", "__init__"),
)
COURSE_LIB_LEAVES = (
    "plotting",
    "data",
    "controls",
)  # notebooks and the catalogue import them; the mathematics does not
GRADER = (
    *("sentences", "mistake", "stages"),
    *("wire", "failing_line", "contract", "elsewhere", "building", "reply", "call", "program"),
    *("handed_in", "slicing", "submission", "suspicion", "reading", "worker"),
    *("task", "known", "parts", "catalogue"),
    *("result", "compare", "sketches", "finishes", "advice", "diagnose", "probing", "relations", "judge", "frozen"),
    *("runner", "grade", "display", "report", "pairs", "proof", "__main__"),
)
CLASSROOM = (
    *("graded", "collecting", "marks", "settings", "progress", "batch", "scheduler", "alike", "gradebook", "privacy"),
    *("reports", "reporting", "grading", "similarity", "giving_out", "__init__", "__main__"),
)
COLLECTING = ("archive", "gradescope_metadata", "patterns", "roster", "gather", "__init__")
REPORTS = ("wording", "harmless", "page", "tally", "student_page", "glance", "tables", "pages", "__init__")
GIVING_OUT = ("handout", "nbgrader", "gradescope", "autograder", "commands", "__init__")
FOLDER = (
    *("layout", "disk", "stored", "copies", "merge", "originals", "parts"),
    *("update", "reset", "saving", "jupyter", "lab", "__init__"),
)
WORKBOOK = (
    *("folder", "record", "reading", "twins", "own_file", "checking", "hints", "spacing", "questions", "points"),
    *("predicting", "date_reading", "progress", "front_page", "__init__", "__main__"),
)
JAIL = (
    *("linux", "landlock", "seccomp", "limits", "identity", "lock"),
    *("readable", "namespaces", "proof", "server", "keeper", "__init__"),
)
ROOMS = ("course_lib", "jail", "grader", "tasks", "workbook", "authoring", "classroom")
# What the child process loads: it can give away nothing but the program that it was handed.
CHILD = {
    "__init__",
    "worker",
    "reading",
    "submission",
    "slicing",
    "suspicion",
    "handed_in",
    "program",
    "call",
    "reply",
    "failing_line",
    "contract",
    "elsewhere",
    "building",
    "wire",
}


class Import(NamedTuple):
    importer: str
    imported: str
    at_start: bool  # at the top level of the file, so that importing the importer imports this too

    def __str__(self):
        return f"{self.importer} imports {self.imported}"


def dotted(path):
    """Return the dotted name of a source file: course_lib/data/toy.py is course_lib.data.toy."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def read_imports(source, importer):
    """Yield every import in `source`, with the full name of the file that it reaches."""
    tree = ast.parse(source)
    inside = {
        id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = importer.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" if is_file(f"{base}.{alias.name}") else base for alias in node.names]
        else:
            continue
        yield from (Import(importer, name, id(node) not in inside) for name in names)


def is_file(name):
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imports_in(folder):
    """Return all imports in the Python files of `folder`."""
    files = sorted(ROOT.joinpath(*folder.split(".")).rglob("*.py"))
    return [found for path in files for found in read_imports(path.read_text(encoding="utf-8"), dotted(path))]


def imports_in_notebooks(folder):
    """Return all imports in the code cells of the notebooks of `folder`."""
    found = []
    for path in sorted((ROOT / folder).glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]).splitlines() for cell in cells if cell["cell_type"] == "code"]
        source = "\n".join(line for lines in code for line in lines if not line.startswith(("%", "!")))
        found += read_imports(source, path.name)
    return found


def belongs_to(package, name):
    return name == package or name.startswith(f"{package}.")


def part(name, package=""):
    """Return the part of its package that a name belongs to: `catalogue` of grader.catalogue.chapter_02."""
    return (*name.split("."), "__init__")[package.count(".") + 1]


def out_of_order(package, order):
    """Return the imports inside `package` that do not go to the left in `order`."""
    inner = [found for found in imports_in(package) if belongs_to(package, found.imported)]
    steps = [(found, part(found.importer, package), part(found.imported, package)) for found in inner]
    return [
        str(found) for found, start, end in steps if start in order and end not in (*order[: order.index(start)], start)
    ]


def test_every_file_has_its_place():
    rooms = {
        "course_lib": (*COURSE_LIB, *COURSE_LIB_LEAVES),
        "jail": JAIL,
        "grader": (*GRADER, "__init__"),
        "workbook": WORKBOOK,
        "classroom": CLASSROOM,
    }
    for package, places in rooms.items():
        assert {part(dotted(path)) for path in (ROOT / package).rglob("*.py")} <= set(places), package


def test_course_lib_imports_to_the_left():
    assert out_of_order("course_lib", COURSE_LIB) == []


def test_plotting_imports_to_the_left():
    assert {part(found.importer, "course_lib.plotting") for found in imports_in("course_lib.plotting")} == set(PLOTTING)
    assert out_of_order("course_lib.plotting", PLOTTING) == []


def test_data_imports_to_the_left():
    assert {part(found.importer, "course_lib.data") for found in imports_in("course_lib.data")} <= set(DATA)
    assert out_of_order("course_lib.data", DATA) == []


def test_relatives_know_only_those_to_their_left():
    assert {part(found.importer, "course_lib.relatives") for found in imports_in("course_lib.relatives")} <= set(
        RELATIVES
    )
    assert out_of_order("course_lib.relatives", RELATIVES) == []


def test_the_folder_imports_to_the_left():
    assert {part(found.importer, "workbook.folder") for found in imports_in("workbook.folder")} <= set(FOLDER)
    assert out_of_order("workbook.folder", FOLDER) == []


def test_leaves_of_course_lib_import_no_other_leaf():
    allowed = {leaf: {leaf, *FUNCTIONS} for leaf in COURSE_LIB_LEAVES}  # and so load no PyTorch
    allowed["plotting"].add("controls")  # which move its sketches
    leaves = [found for found in imports_in("course_lib") if part(found.importer) in allowed]
    wrong = [found for found in leaves if belongs_to("course_lib", found.imported)]
    assert [str(found) for found in wrong if part(found.imported) not in allowed[part(found.importer)]] == []


@pytest.mark.parametrize(
    ("package", "order"),
    [
        *(("jail", JAIL), ("grader", GRADER), ("workbook", WORKBOOK), ("classroom", CLASSROOM)),
        *(("classroom.collecting", COLLECTING), ("classroom.reports", REPORTS), ("classroom.giving_out", GIVING_OUT)),
    ],
)
def test_rooms_import_to_the_left(package, order):
    assert {part(found.importer, package) for found in imports_in(package)} <= set(order)
    assert out_of_order(package, order) == []


def test_a_catalogue_speaks_of_tasks_alone():
    taken = {found.imported for found in imports_in("tasks") if belongs_to("grader", found.imported)}
    assert taken == {"grader.task", "grader.known", "grader.stages", "grader.catalogue"}


@pytest.mark.parametrize(
    ("folder", "forbidden", "exception"),
    [
        ("course_lib", ("grader", "tasks", "workbook", "authoring", "course"), ()),
        ("experiments", ("grader", "tasks", "workbook", "authoring", "course"), ()),
        *((folder, ("experiments",), ()) for folder in (*ROOMS, "upkeep", "benchmarks")),
        (
            "jail",
            ("grader", "classroom", "course_lib", "tasks", "workbook", "authoring", "course", "numpy", "torch"),
            (),
        ),
        ("grader", ("course_lib", "tasks", "workbook", "authoring", "course"), ()),
        *((folder, ("classroom",), ()) for folder in (*ROOMS[:-1], "upkeep", "experiments")),
        ("classroom", ("course_lib", "tasks", "workbook", "authoring", "course"), ()),
        ("tasks", ("workbook", "authoring", "course"), ()),
        ("workbook", ("authoring",), ("workbook.folder.originals",)),  # which asks what a reader has worked on
        ("workbook", ("course",), ()),
        ("authoring", ("course_lib",), ("authoring.date_reader",)),  # which trains the model of lesson 00
        ("authoring", ("course",), ()),
        ("authoring", ("grader", "tasks", "workbook"), ("authoring.own_parts",)),  # which writes the file of the parts
        ("upkeep", ("course_lib", "grader", "tasks", "workbook"), ()),
        (
            "benchmarks",
            ("grader", "tasks"),  # whom these measure
            ("benchmarks.unseen_answers", "benchmarks.grading", "benchmarks.grading_others"),
        ),
        ("benchmarks", ("workbook", "authoring", "course"), ()),
        *((folder, ("upkeep",), ()) for folder in (*ROOMS, "benchmarks", "experiments")),
        *((folder, ("tests", "benchmarks"), ()) for folder in (*ROOMS, "upkeep", "experiments")),
        ("course_lib", ("matplotlib",), ("course_lib.plotting",)),
        ("course_lib", ("sklearn",), ("course_lib.data.digits",)),
        ("course_lib", ("array_api_compat",), ("course_lib.namespace",)),
        ("course_lib", ("torch",), ("course_lib.namespace", *(f"course_lib.{name}" for name in (*MODULES, *WORK)))),
    ],
)
def test_forbidden_imports(folder, forbidden, exception):
    found = [found for found in imports_in(folder) if any(belongs_to(name, found.imported) for name in forbidden)]
    assert [str(f) for f in found if not any(belongs_to(name, f.importer) for name in exception)] == []


def test_namespace_imports_pytorch_only_when_a_tensor_needs_it():
    found = [found for found in imports_in("course_lib") if belongs_to("torch", found.imported)]
    found = [found for found in found if part(found.importer) not in (*MODULES, *WORK)]
    assert found
    assert [str(f) for f in found if f.at_start] == []


def test_course_py_needs_nothing_installed():
    found = read_imports((ROOT / "course.py").read_text(encoding="utf-8"), "course")
    installed = [f for f in found if f.imported.split(".")[0] not in sys.stdlib_module_names]
    assert [str(f) for f in installed if f.at_start] == []


@pytest.mark.parametrize("folder", ["notebooks", "exercises", "solutions"])
def test_notebooks_import_the_library_and_the_checks(folder):
    found = imports_in_notebooks(folder)
    forbidden = [f for f in found if f.imported.split(".")[0] in ("authoring", "tests", "course", "upkeep")]
    judge = [f for f in found if f.imported.split(".")[0] in ("grader", "tasks", "workbook")]
    doors = ("workbook", "workbook.twins", "workbook.reading")  # the last two load PyTorch, so they are named
    behind = [f for f in judge if f.imported not in doors]
    assert [str(f) for f in forbidden + behind] == []


def loaded_by(statement):
    """Return the names of all modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


USE = """
import numpy as np
from course_lib import *
mask = combine_masks(padding_mask(np.array([2, 3])), causal_mask(3))
scaled_dot_product_attention(np.ones((2, 3, 4)), np.ones((2, 3, 4)), np.ones((2, 3, 5)), mask)
"""


@pytest.mark.parametrize("statement", ["import course_lib", USE], ids=["import", "use with NumPy"])
def test_course_lib_loads_nothing_heavy(statement):
    loaded = loaded_by(statement)
    assert "course_lib.attention" in loaded
    assert loaded & {"torch", "matplotlib", "babel", "sklearn", "IPython", "ipywidgets", "course_lib.plotting"} == set()


LIGHT = """
from workbook.folder import jupyter, reset, saving, update
import workbook.__main__
"""


def test_the_learners_command_line_loads_nothing_heavy():
    loaded = loaded_by(LIGHT)
    heavy = {"torch", "matplotlib", "nbformat", "IPython", "tasks", "course_lib", "authoring", "jupyter_server"}
    assert loaded & heavy == set()


def test_the_child_loads_no_answers():
    ours = ("grader", "tasks", "workbook", "classroom", "course_lib", "torch")
    loaded = {name for name in loaded_by("import grader.worker") if name.startswith(ours)}
    assert {part(name) if "." in name else "__init__" for name in loaded} == CHILD


def test_a_check_loads_the_chapter_that_is_asked_for_alone():
    loaded = loaded_by("from tasks import CATALOGUE; CATALOGUE.task('01.all_scores')")
    assert {name for name in loaded if name.startswith("tasks.chapter_") and name.count(".") == 1} == {
        "tasks.chapter_01"
    }


def test_imports_are_found_wherever_they_stand():
    source = """
import a, b.c as d
from course_lib import softmax, nothing
from . import masks
from ..grader import task
def late():
    if True:
        from course_lib.data import toy
"""
    assert list(read_imports(source, "course_lib.x")) == [
        Import("course_lib.x", "a", True),
        Import("course_lib.x", "b.c", True),
        Import("course_lib.x", "course_lib.softmax", True),
        Import("course_lib.x", "course_lib", True),
        Import("course_lib.x", "course_lib.masks", True),
        Import("course_lib.x", "grader.task", True),
        Import("course_lib.x", "course_lib.data.toy", False),
    ]
