"""The same assignment as nbgrader and otter-grader would have it, for benchmarks/grading.py, and the two at work.

The same tasks and questions in the same order; behind each task a test for every case, worth what the case is worth
here, that compares with stored expected numbers. Inputs and expected numbers lie beside the notebook, with the function
that compares: that is the short way for them. nbgrader autogrades the whole folder in one command; otter grades one
notebook after another in one process, through its Python interface. Both start a kernel for every notebook.
"""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.judge import expected_output

ROOT = Path(__file__).parents[1]
PINS = {
    "nbgrader": ("nbgrader==0.9.6", "ipykernel==6.30.1"),
    "otter": ("otter-grader==7.0.0", "ipykernel==6.30.1"),
}
SETUP = {
    "02": "import math\n\nimport numpy as np\n\nfrom cases import is_right",
    "06": "import torch\nfrom torch import nn\n\n"
    "from cases import is_right\nfrom my_transformer import masked_attention",
}
ASSIGNMENT = "assignment"
COMPARE = '''
"""Compares an answer with the expected numbers of a case; given out with the assignment."""
import json

import numpy as np

STORED, PLAIN = np.load("cases.npz"), json.load(open("cases.json"))
TOLERANCES = {"float64": 1e-9, "float32": 2e-5}


def is_right(answer, name, case):
    """Tell whether an answer gives the expected array of a case: shape, dtype, numbers."""
    plain, where = PLAIN[name][case], f"{name}/{case}/"
    inputs = {key: STORED[where + key] if value == "stored" else value for key, value in plain["inputs"].items()}
    expected = STORED[where + "expected"]
    call = _of_torch if plain["library"] == "torch" else _of_numpy
    result = call(answer, inputs, plain)
    if result.shape != expected.shape or result.dtype != expected.dtype:
        return False
    tolerance = TOLERANCES.get(str(expected.dtype), 0)
    scale = min(1.0, float(abs(expected).max()) or 1.0)
    return bool(np.allclose(result, expected, rtol=tolerance, atol=tolerance * scale))


def _of_numpy(answer, inputs, plain):
    result = answer(**inputs)
    assert isinstance(result, np.ndarray | np.generic), type(result)
    return result


def _of_torch(answer, inputs, plain):
    import torch

    inputs = {key: torch.tensor(value) if hasattr(value, "dtype") else value for key, value in inputs.items()}
    asks = plain["asks"]
    if plain["arguments"]:
        answer = answer(*(inputs.pop(name) for name in plain["arguments"]))
        weights = {name: inputs.pop(name) for name in plain["weights"]}
        answer.to(next(iter(weights.values())).dtype).load_state_dict(weights)
        answer.eval()
    if asks == "device":
        inputs = {key: value.to("meta") if hasattr(value, "to") else value for key, value in inputs.items()}
        return np.array(answer.to("meta")(**inputs).shape)
    if asks == "gradients":
        tensors = [value for value in inputs.values() if isinstance(value, torch.Tensor)]
        floats = [value.requires_grad_() for value in tensors if value.is_floating_point()]
        output = answer(**inputs)
        weighted = output * torch.arange(1, output.numel() + 1, dtype=output.dtype).sin().reshape(output.shape)
        named = dict(answer.named_parameters())
        found = torch.autograd.grad(weighted.sum(), [*(named[name] for name in plain["weights"]), *floats])
        return torch.cat([one.reshape(-1) for one in found]).numpy()
    result = answer(**inputs)
    assert isinstance(result, torch.Tensor), type(result)
    return result.detach().numpy()
'''
RUN_OTTER = """
import json, sys
from pathlib import Path
from otter.api import grade_submission
zipped, folder, results = sys.argv[1:]
points = {}
for path in sorted(Path(folder).glob("*.ipynb")):
    graded = grade_submission(str(path), zipped, quiet=True)
    points[path.stem] = {name: one.score for name, one in graded.results.items()}
Path(results).write_text(json.dumps(points))
"""
READ_NBGRADER = """
import json, sys
from pathlib import Path
from nbgrader.api import Gradebook
points = {}
with Gradebook("sqlite:///gradebook.db") as book:
    for one in book.assignment_submissions("assignment"):
        scores = {grade.name: grade.score for notebook in one.notebooks for grade in notebook.grades}
        points[one.student.id] = scores
Path(sys.argv[1]).write_text(json.dumps(points))
"""


def environment(name, cache):
    """Return the Python of a competitor's own environment, made if it is not there; it finds PyTorch in the course's.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    folder = Path(cache, name)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed.txt"
    wanted = "\n".join(PINS[name])
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-qqq", *PINS[name]], check=True)
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        own = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
        course = Path(np.__file__).parents[1]
        Path(own, "zz_course.pth").write_text(f"{course}\n", encoding="utf-8")  # behind what is its own
        done.write_text(wanted, encoding="utf-8")
    return python


def store_cases(chapter, tries_of, folder):
    """Write the inputs and expected numbers of a chapter's cases, and what compares, into a folder."""
    stored, plain = {}, {}
    for task in chapter.tasks:
        plain[task.function] = []
        for number, (case, inputs) in enumerate(zip(task.cases, tries_of(task)[1], strict=False)):
            where = f"{task.function}/{number}/"
            stored |= {where + name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
            stored[where + "expected"] = expected_output(task, inputs)
            names = {name: "stored" if where + name in stored else value for name, value in inputs.items()}
            names.pop("asks", None)
            plain[task.function].append(
                {
                    "inputs": names,
                    "library": task.library,
                    "asks": case.asks,
                    "arguments": task.build.arguments if task.build else (),
                    "weights": list(task.build.parameters(inputs)) if task.build else [],
                }
            )
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "cases.npz", **stored)
    (folder / "cases.json").write_text(json.dumps(plain), encoding="utf-8")
    (folder / "cases.py").write_text(COMPARE.lstrip(), encoding="utf-8")
    files = [folder / name for name in ("cases.npz", "cases.json", "cases.py")]
    if chapter.number == "06":
        files.append(folder / "my_transformer.py")
        files[-1].write_bytes((ROOT / "solutions" / "my_transformer.py").read_bytes())
    return files


def _tests(chapter):
    """Return {id of a task or question: [(name of a test, points, code)]}."""
    tests = {}
    for task in chapter.tasks:
        tests[task.id] = [
            (f"{task.function}_{number}", case.points, f'assert is_right({task.function}, "{task.function}", {number})')
            for number, case in enumerate(task.cases)
        ]
    for question in chapter.questions:
        right = next(letter for letter, choice in question.lettered.items() if choice.right)
        name = _variable(question.id)
        tests[question.id] = [(f"{name}_0", question.points, f'assert {name}.lower() == "{right}"')]
    return tests


def _variable(question_id):
    return question_id.partition(".")[2]


def _cells(chapter, submission=None):
    """Yield (id of what is asked or None, source) for the cells that a student sees, or fills in."""
    yield None, SETUP[chapter.number]
    for task in chapter.tasks:
        yield task.id, submission.answers[task.function] if submission else f"def {task.function}(*_):\n    return ..."
    for question in chapter.questions:
        letter = repr(submission.choices[question.id]) if submission else "..."
        yield question.id, f"{_variable(question.id)} = {letter}"


# nbgrader -------------------------------------------------------------------------------------------------------------


def make_nbgrader(python, chapter, files, submissions, folder):
    """Make an nbgrader course in a folder: the assignment generated, the submissions lying there."""
    source = folder / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    nbformat.write(_nbgrader_notebook(chapter), source / "notebook.ipynb")
    for file in files:
        (source / file.name).write_bytes(file.read_bytes())
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "course"\n', encoding="utf-8"
    )
    _run([python, "-m", "nbgrader", "generate_assignment", ASSIGNMENT], folder)
    for one in submissions:
        place = folder / "submitted" / one.student / ASSIGNMENT
        place.mkdir(parents=True)
        nbformat.write(_nbgrader_notebook(chapter, one), place / "notebook.ipynb")
        for file in files:
            (place / file.name).write_bytes(file.read_bytes())


def _nbgrader_notebook(chapter, submission=None):
    tests, cells = _tests(chapter), []
    for asked, source in _cells(chapter, submission):
        cell = new_code_cell(source)
        if asked is not None:
            cell.metadata["nbgrader"] = _marks(asked.replace(".", "_"), solution=True)
        cells.append(cell)
        for name, points, code in tests.get(asked, ()):
            test = new_code_cell(code)
            test.metadata["nbgrader"] = {**_marks(name, grade=True), "points": points}
            cells.append(test)
    return _notebook(cells)


def _marks(grade_id, *, grade=False, solution=False):
    return {
        "grade": grade,
        "grade_id": grade_id,
        "locked": grade,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }


def nbgrader_command(python):
    return [python, "-m", "nbgrader", "autograde", ASSIGNMENT, "--create"]


def nbgrader_points(python, folder, results):
    _run([python, "-c", READ_NBGRADER, str(results)], folder)
    return json.loads(Path(results).read_text(encoding="utf-8"))


# otter ----------------------------------------------------------------------------------------------------------------


def make_otter(chapter, files, submissions, folder):
    """Make otter's autograder.zip and the submissions in a folder."""
    (folder / "submitted").mkdir(parents=True)
    with zipfile.ZipFile(folder / "autograder.zip", "w") as zipped:
        for asked, tests in _tests(chapter).items():
            zipped.writestr(f"tests/{_variable(asked)}.py", _otter_tests(_variable(asked), tests))
        for file in files:
            zipped.write(file, f"files/{file.name}")
        zipped.writestr("otter_config.json", json.dumps({"lang": "python", "show_hidden": True}))
    for one in submissions:
        cells = [new_code_cell(source) for _, source in _cells(chapter, one)]
        nbformat.write(_notebook(cells), folder / "submitted" / f"{one.student}.ipynb")


def _otter_tests(name, tests):
    lines = ["from otter.test_files import test_case", "", "OK_FORMAT = False", f'name = "{name}"', "points = None"]
    for test, points, code in tests:
        lines += ["", f'@test_case(name="{test}", points={points})', f"def {test}(env):"]
        lines += [
            f"    is_right, {name} = env['is_right'], env['{name}']"
            if "is_right" in code
            else f"    {name} = env['{name}']"
        ]
        lines += [f"    {code}"]
    return "\n".join(lines) + "\n"


def otter_command(python, folder, results):
    return [python, "-c", RUN_OTTER, str(folder / "autograder.zip"), str(folder / "submitted"), str(results)]


# Both -----------------------------------------------------------------------------------------------------------------


def _notebook(cells):
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return new_notebook(cells=[new_markdown_cell("An assignment."), *cells], metadata=kernel)


def own_path(python):
    """Return the variables of a process that finds the programs beside its Python first: nbgrader calls alembic."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])}


def _run(command, folder):
    done = subprocess.run(list(map(str, command)), cwd=folder, env=own_path(command[0]), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
