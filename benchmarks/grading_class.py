"""A class for benchmarks/grading.py: draws who hands in what, and writes it down as the notebooks of this course."""

import ast
import json
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ANSWERS = Path(__file__).parent / "grading_answers"
NOTEBOOKS = {"02": "02_scaling", "06": "06_multi_head_attention"}


@dataclass(frozen=True)
class Submission:
    """What one student hands in.

    Attributes:
        student: such as "student_007".
        answers: source of each task's answer, by the function's name.
        choices: a letter for each question, by its id.
        wrong: the names of the functions whose answers are wrong.
    """

    student: str
    answers: dict
    choices: dict
    wrong: frozenset


def draw_class(chapter, count, seed):
    """Return `count` submissions to a chapter, a third of them with wrong answers, in a random order.

    In a wrong one every task is wrong with probability one half, and one task at least; so is every choice.

    Args:
        chapter: of the catalogue.
        count: of students.
        seed: the same seed gives the same class; of a larger class the first are others.
    """
    rng = random.Random(f"{chapter.number} {count} {seed}")
    pool, functions = _pool(chapter.number), [task.function for task in chapter.tasks]
    are_wrong = [number % 3 == 0 for number in range(count)]
    rng.shuffle(are_wrong)
    return [_draw_one(chapter, functions, pool, number, is_wrong, rng) for number, is_wrong in enumerate(are_wrong)]


def _draw_one(chapter, functions, pool, number, is_wrong, rng):
    sure = rng.choice(functions)
    wrong = frozenset(name for name in functions if is_wrong and (name == sure or rng.random() < 0.5))
    answers = {name: _drawn(rng.choice(pool[name, name in wrong]), number, rng) for name in functions}
    choices = {}
    for question in chapter.questions:
        right = next(letter for letter, choice in question.lettered.items() if choice.right)
        others = [letter for letter in question.lettered if letter != right]
        choices[question.id] = rng.choice(others) if is_wrong and rng.random() < 0.5 else right
    return Submission(f"student_{number:03}", answers, choices, wrong)


def _drawn(source, number, rng):
    """Return an answer as this student wrote it: no two texts are the same."""
    return source.replace("DRAWN", f"{rng.uniform(0.3, 0.9):.4f}") + f"\n# {number}"


def _pool(number):
    """Return {(function, is wrong): [source]} of the answers that are written down for a chapter."""
    text = (ANSWERS / f"chapter_{number}.py").read_text(encoding="utf-8")
    pool = {}
    for node in ast.parse(text).body:
        if found := re.fullmatch(r"(\w+?)_(right|wrong)_\w+", getattr(node, "name", "")):
            source = re.sub(rf"\b{node.name}\b", found[1], ast.get_source_segment(text, node))
            pool.setdefault((found[1], found[2] == "wrong"), []).append(source)
    return pool


def write_class(chapter, submissions, folder):
    """Write the submissions as notebooks of this course, one folder for each student; return their paths."""
    name = NOTEBOOKS[chapter.number]
    release = json.loads((ROOT / "exercises" / f"{name}.ipynb").read_text(encoding="utf-8"))
    paths = []
    for one in submissions:
        path = Path(folder, one.student, f"{name}.ipynb")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(_filled_in(release, one), indent=1), encoding="utf-8")
        if "my_transformer" in json.dumps(release):
            shutil.copy(ROOT / "exercises" / "my_transformer.py", path.parent)
        paths.append(path)
    return paths


def _filled_in(release, submission):
    notebook = json.loads(json.dumps(release))
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("course", {})
        if "answer" in marks:
            cell["source"] = submission.answers[marks["answer"].partition(".")[2]]
        if "question" in marks:
            asked = marks["question"]
            cell["source"] = f'answer("{asked}", "{submission.choices[asked]}")'
    return notebook
