"""The course's tasks: the proof holds for every one, in process and out; every file in tasks/ has its place."""

import ast
import dataclasses
import inspect
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from grader import proof
from grader.judge import judge_function, judge_task, terms_of
from grader.program import Program
from grader.result import Outcome
from grader.submission import Cell, Submission
from grader.task import Case
from tasks import CATALOGUE, rules

ROOT = Path(__file__).parents[2] / "tasks"
TASKS = [task for chapter in CATALOGUE.chapters for task in chapter.tasks]
QUESTIONS = [question for chapter in CATALOGUE.chapters for question in chapter.questions]
WARM_UPS = [question for chapter in CATALOGUE.chapters for question in chapter.warm_ups]


@pytest.mark.parametrize("task", TASKS[:2], ids=lambda task: task.id)
def test_the_proof_holds(task):
    """Of the others it is a step of its own of the test command, on all cores."""
    slipped = [row for row in proof.prove_task(task, CATALOGUE.seed, CATALOGUE.rules) if not row.holds]
    assert not slipped, proof.table(slipped)


@pytest.mark.parametrize("question", [*QUESTIONS, *WARM_UPS], ids=lambda question: question.id)
def test_a_question_has_one_right_choice_and_explains_all(question):
    assert all(row.holds for row in proof.prove_question(question))


@pytest.mark.parametrize("question", WARM_UPS, ids=lambda question: question.id)
def test_a_warm_up_takes_half_a_minute_and_its_looks_give_nothing_away(question):
    lengths = [len(choice.text) for choice in question.choices]
    words = [question.text, *(choice.text for choice in question.choices)]
    assert 3 <= len(question.choices) <= 4
    assert max(lengths) - min(lengths) <= 20
    assert len(" ".join(words).split()) <= 75


@pytest.mark.parametrize("chapter", [chapter for chapter in CATALOGUE.chapters if chapter.warm_ups])
def test_the_warm_ups_of_a_chapter_are_six_and_the_right_choice_moves(chapter):
    assert len(chapter.warm_ups) >= 6
    assert [asked.id for asked in chapter.warm_ups if not asked.id.startswith(f"{chapter.number}.")] == []
    places = [[choice.right for choice in asked.choices].index(True) for asked in chapter.warm_ups]
    ranks = [
        sum(len(choice.text) > len(asked.choices[place].text) for choice in asked.choices)
        for place, asked in zip(places, chapter.warm_ups, strict=True)
    ]
    assert max(map(places.count, places)) <= len(places) / 2
    assert ranks.count(0) <= len(ranks) / 2, "the longest choice is the right one too often"


@pytest.mark.parametrize("task", [task for task in TASKS if not task.own_file], ids=lambda task: task.id)
def test_the_judge_outside_says_what_the_judge_inside_says(task, runner):
    """Mistakes, legal ways and borrowed answers through the child process, from their source."""
    attempts = [mistake.compute for mistake in task.mistakes], task.legal, task.borrowed
    some = 1 if task.library == "torch" else 4  # a process that loads PyTorch takes a second or more
    tried = 0
    for kind in attempts:
        for function in [one for one in kind if stands_alone(one) and could_be_handed_in(task, one)][:some]:
            with runner.run(as_program(function, task), terms_of(task, CATALOGUE.own)) as child:
                outside = judge_task(task, CATALOGUE.seed, child, CATALOGUE.own)
            inside = judge_function(task, function, CATALOGUE.seed, CATALOGUE.own)
            assert verdict(outside) == verdict(inside), function.__name__
            tried += 1
    if tried < 2 and task.part:
        tried += parts_inside_and_outside(task, runner)
    assert tried >= 2


def could_be_handed_in(task, answer):
    """Tell whether a learner could write this: of a task that asks for a class, the judge's own functions are none."""
    asks_for_a_class = task.build is not None and task.build.module and not task.build.given
    return inspect.isclass(answer) or not asks_for_a_class


def parts_inside_and_outside(task, runner):
    """Try the course's own part, and the same with its results doubled; return how many answers that were."""
    own = CATALOGUE.parts.read()
    part = own.part(task.id)
    before, others = CATALOGUE.parts_before(task.id)
    given = ", ".join(one.name for one in before) or "__name__"
    start, _, end = part.body.rpartition("return ")
    for body in (part.body, f"{start}return 2 * ({end.strip()})\n"):
        answer = f"{own.header}\nfrom {{}} import {given}\n\n{body}"
        modules = ((CATALOGUE.parts.module, dataclasses.replace(own, parts=before).text),)
        program = Program(
            task.function, (), answer.format(CATALOGUE.parts.module), modules, tuple(o.name for o in others)
        )
        with runner.run(program, terms_of(task, CATALOGUE.own)) as child:
            outside = judge_task(task, CATALOGUE.seed, child, CATALOGUE.own)
        namespace = {"__name__": "answer"}
        exec(answer.format(CATALOGUE.parts.own), namespace)
        inside = judge_function(task, namespace[task.function], CATALOGUE.seed, (*CATALOGUE.own, CATALOGUE.parts.own))
        assert (outside.outcome, outside.points) == (inside.outcome, inside.points), body
        assert (outside.outcome is Outcome.RIGHT) == (body == part.body)
    return 2


def verdict(result):
    """Return what must be the same; a line that failed has lost its layout on the way through the syntax tree, and
    where a finished thing refuses, none is called after it."""
    message = "" if result.outcome is Outcome.BORROWED else re.sub(r"\s", "", result.message)
    return result.outcome, message, result.mistake, result.points


def without_decorators(source):
    """Return source in which stages, mistakes and legal ways are plain functions, as a learner would have them."""
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.decorator_list = []
    return ast.unparse(tree)


def as_program(function, task):
    """Return the program of a notebook with this answer, under a name that no mistake uses for the right one, with the
    function's module in another cell, and with the course's parts if it is handed a module that is one of them."""
    answer = without_decorators(inspect.getsource(function)) + f"\nsubmitted = {function.__name__}\n"
    sources = (without_decorators(inspect.getsource(inspect.getmodule(function))), answer)
    cells = tuple(Cell(source, "", tuple(ast.parse(source).body)) for source in sources)
    program = Submission(Path("handed in.ipynb"), cells).program("00.submitted")
    if task.build is None or not task.build.given:
        return program
    return dataclasses.replace(program, modules=((CATALOGUE.parts.module, CATALOGUE.parts.read().text),))


def stands_alone(function):
    """Tell whether a function needs nothing from other files of the catalogue, which a child cannot import."""
    namespace, seen, waiting = inspect.getmodule(function).__dict__, set(), [function]
    while waiting:
        for name in names_in(waiting.pop()):
            value = namespace.get(name)
            value = getattr(value, "compute", value)  # of a stage
            home = getattr(value, "__module__", None) or ""
            if callable(value) and home.startswith(("tasks", "grader")) and name not in seen:
                if home != function.__module__ or not (inspect.isfunction(value) or inspect.isclass(value)):
                    return False
                seen.add(name)
                waiting.append(value)
    return True


def names_in(one):
    """Return the names that a function mentions; of a class those of its methods and of what it is derived from."""
    if inspect.isclass(one):
        if any(
            base.__module__.startswith(("tasks", "grader")) and base.__module__ != one.__module__
            for base in one.__mro__
        ):
            return {"Skeleton"}
        methods = [names_in(method) for method in vars(one).values() if inspect.isfunction(method)]
        return {base.__name__ for base in one.__bases__}.union(*methods)
    codes = [one.__code__, *filter(inspect.iscode, one.__code__.co_consts)]
    return {name for code in codes for name in code.co_names}


def test_every_file_is_a_task_or_named_here():
    """What is in no chapter serves several of them; a chapter's own files are held by the catalogue as it loads."""
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py")}
    in_chapters = {
        f"chapter_{chapter.number}/{name}.py"
        for chapter in CATALOGUE.chapters
        for name in ("__init__", *["questions"] * bool(chapter.questions), *(task.function for task in chapter.tasks))
    }
    shared = {path for path in found - in_chapters if path.endswith("_stages.py") and "/" not in path}
    assert found - in_chapters - shared == {
        "__init__.py",
        "draws.py",
        "probes.py",
        "rules.py",
        "skeletons.py",
        "torch_blocks.py",
    }
    for path in shared:
        name = path.removesuffix(".py")
        users = [other for other in found if re.search(rf"import.*\b{name}\b|tasks\.{name} import", text_of(other))]
        assert len(users) >= 2, f"{path} serves {users}; what serves one task stands in its file"
    assert in_chapters <= found


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_task_has_an_id_of_its_own():
    ids = [item.id for item in (*TASKS, *QUESTIONS, *WARM_UPS)]
    assert len(set(ids)) == len(ids)


def broken(rule, **changes):
    changed = dataclasses.replace(TASKS[0], **changes)
    return {name for name, holds in rule(changed) if not holds}


def test_too_little_of_anything_is_noticed():
    nothing = dict(mistakes=(), legal=(), cases=(), hints=(), minutes=0)
    assert len(broken(rules.enough, **nothing, stages=())) == len(nothing)
    assert broken(rules.enough, probes=()) == {"at least 3 probes if it has stages"}
    assert broken(rules.enough) == set()


def test_cases_that_see_too_little_are_noticed():
    plain = (Case("two queries", dict(q_len=2, k_len=3, d_k=4)),)
    assert broken(rules.cases_that_see, cases=plain) == {
        "the example of the text is a case",
        "an axis of size 1 is tried",
        "float32 is tried",
    }
    tensors = "tensors are drawn in float32, but for one case"
    assert tensors in broken(rules.cases_that_see, library="torch")
    assert broken(rules.cases_that_see) == set()


def test_sizes_that_hide_a_transpose_are_noticed():
    square = (Case("square", {"rows": 3, "columns": 3}),)
    assert broken(rules.telling_sizes, cases=square) == {"all sizes of a case differ", "several sizes"}
    assert broken(rules.telling_sizes) == set()


@pytest.mark.parametrize(
    ("weights", "informative"),
    [
        (np.eye(3, 4), False),
        (np.full((3, 4), 0.25), False),
        (np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]), True),
        (np.array([[0.7, 0.3, 0.0], [1.0, 0.0, 0.0]]), True),  # a row with one key left has no choice, and says nothing
        (np.array([[1.0, 0.0], [0.0, 1.0]]), False),
    ],
)
def test_a_softmax_that_hides_mistakes_is_noticed(weights, informative):
    drawn = rules.informative(lambda value: value)
    assert drawn.name == "softmax neither one-hot nor uniform"
    assert bool(drawn.holds(weights)) is informative
