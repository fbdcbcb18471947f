"""A catalogue: the chapters of a course, a class or a private folder, found where they stand and loaded when asked for.

A catalogue is a package. Its chapters are its folders named chapter_NN; each says in its `__init__.py` what it is
called (TITLE) and the order of its tasks (TASKS). A task is a file named for its function that holds a TASK; the file
questions.py, if there is one, holds QUESTIONS, and in WARM_UPS what later lessons ask about the chapter. The package
itself holds the `Catalogue`, under the name CATALOGUE.
"""

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from grader.parts import Parts
from grader.task import Chapter, Task

PREFIX = "chapter_"
QUESTIONS = "questions"

# A rule of a catalogue's own: returns pairs (what is asked of a task, whether the task has it).
Rule = Callable[[Task], Iterable[tuple[str, bool]]]


class CatalogueError(Exception):
    """A catalogue that cannot be used; the text says what is missing and where."""


class Catalogue:
    """What is asked, chapter by chapter.

    Args:
        package: the name of the package that holds the chapters.
        seed: the inputs of a check in a notebook are drawn from it, the same for everyone and every day.
        own: packages that belong to the course: an answer may use them, and the line that raised is never theirs.
        hidden: packages, besides the catalogue and the grader, that an answer cannot import while it is judged.
        rules: what every task of this catalogue must have, for the proof.
        parts: the `Parts` that learners build throughout, if they do.
    """

    def __init__(self, package, *, seed, own=(), hidden=(), rules=(), parts=None):
        self.package = package
        self.seed = seed
        self.own: tuple[str, ...] = tuple(own)
        self.hidden: tuple[str, ...] = ("grader", package.partition(".")[0], *hidden)
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.parts: Parts | None = parts
        self._loaded = {}

    @property
    def numbers(self):
        """The numbers of the chapters, in order, such as "02"."""
        folders = pkgutil.iter_modules(importlib.import_module(self.package).__path__)
        return sorted(name.removeprefix(PREFIX) for _, name, is_package in folders if is_package and _is_chapter(name))

    @property
    def chapters(self):
        """All chapters, in order."""
        return tuple(map(self.chapter, self.numbers))

    def chapter(self, number):
        """Return the chapter with this number, such as "02".

        Raises:
            LookupError: it has no tasks.
            CatalogueError: its files do not fit each other.
        """
        if number not in self._loaded:
            if number not in self.numbers:
                raise _unknown("chapter", number, self.numbers)
            self._loaded[number] = _load(f"{self.package}.{PREFIX}{number}", number)
        return self._loaded[number]

    def asked(self, number):
        """Return (the ids of all that a chapter asks, the names of its functions) without loading its tasks."""
        package_name = f"{self.package}.{PREFIX}{number}"
        names = list(importlib.import_module(package_name).TASKS)
        questions, _ = _questions(package_name)
        return [*(f"{number}.{name}" for name in names), *(question.id for question in questions)], names

    def task(self, task_id):
        """Return the task with this id.

        Raises:
            LookupError: there is none; the text names the nearest.
        """
        return self._find("task", task_id, lambda chapter: chapter.tasks)

    def question(self, question_id):
        """Return the question with this id.

        Raises:
            LookupError: there is none; the text names the nearest.
        """
        return self._find("question", question_id, lambda chapter: (*chapter.questions, *chapter.warm_ups))

    def questions_before(self, number):
        """Return the questions of all chapters before this one, in their order."""
        found = []
        for earlier in self.numbers:
            if earlier < number:
                for asked in _questions(f"{self.package}.{PREFIX}{earlier}"):
                    found += asked
        return tuple(found)

    def parts_before(self, task_id):
        """Return (those of the parts that come before a task, the others), as `Part`s of the course's own."""
        if self.parts is None:
            return (), ()
        number = task_id.partition(".")[0]
        order = [task.id for task in self.chapter(number).tasks]

        def is_earlier(part):
            other = part.id.partition(".")[0]
            return other < number or (other == number and order.index(part.id) < order.index(task_id))

        parts = self.parts.read().parts
        return tuple(filter(is_earlier, parts)), tuple(part for part in parts if not is_earlier(part))

    def _find(self, kind, wanted, items_of):
        number = str(wanted).partition(".")[0]
        if number in self.numbers:  # no need to load the others
            for item in items_of(self.chapter(number)):
                if item.id == wanted:
                    return item
        raise _unknown(kind, wanted, [item.id for chapter in self.chapters for item in items_of(chapter)])


def load_catalogue(place):
    """Return the `Catalogue` of a package: one that can be imported, by its name, or a folder, by its path.

    Raises:
        CatalogueError: there is no such package, or it holds no catalogue.
    """
    name, folder = str(place), Path(place)
    if not name.isidentifier() or (folder / "__init__.py").is_file():
        if not (folder / "__init__.py").is_file():
            raise CatalogueError(f"{place} is no catalogue: a folder with an __init__.py that makes a CATALOGUE.")
        folder = folder.resolve()
        name = folder.name
        if str(folder.parent) not in sys.path:
            sys.path.insert(0, str(folder.parent))
    try:
        package = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise CatalogueError(f"there is no catalogue {name!r}: name a package, or the folder of one.") from None
    found = getattr(package, "CATALOGUE", None)
    if not isinstance(found, Catalogue):
        raise CatalogueError(f"{place} holds no CATALOGUE: its __init__.py makes one with Catalogue(__name__, ...).")
    return found


def _is_chapter(name):
    return name.startswith(PREFIX) and name != PREFIX


def _load(package_name, number):
    """Return the chapter in a package; every file in it is one of its tasks, its questions, or private (_name.py)."""
    package = importlib.import_module(package_name)
    files = {name for _, name, _ in pkgutil.iter_modules(package.__path__) if not name.startswith("_")}
    listed = [*package.TASKS, *([QUESTIONS] if QUESTIONS in files else [])]
    if strays := files.symmetric_difference(listed):
        raise CatalogueError(
            f"{package_name}: TASKS in its __init__.py and its files do not agree on {', '.join(sorted(strays))}. "
            f"A task is a file named for its function; a file that is none begins with an underscore."
        )
    tasks = tuple(importlib.import_module(f"{package_name}.{name}").TASK for name in package.TASKS)
    for name, task in zip(package.TASKS, tasks, strict=True):
        if task.id != f"{number}.{name}":
            raise CatalogueError(f"{package_name}.{name} holds the task {task.id!r}; expected {number}.{name}.")
    return Chapter(number, package.TITLE, tasks, *_questions(package_name))


def _questions(package_name):
    """Return the questions of the exercise and those of later lessons, without loading the tasks."""
    name = f"{package_name}.{QUESTIONS}"
    if importlib.util.find_spec(name) is None:
        return (), ()
    module = importlib.import_module(name)
    return tuple(getattr(module, "QUESTIONS", ())), tuple(getattr(module, "WARM_UPS", ()))


def _unknown(kind, wanted, known):
    nearest = [one for one in known if one == str(wanted).zfill(2)]  # 2 is 02
    nearest = nearest or difflib.get_close_matches(str(wanted), known, n=1)
    suggestion = f" Did you mean {nearest[0]!r}?" if nearest else f" There are {', '.join(known)}."
    return LookupError(f"there is no {kind} {wanted!r}.{suggestion}")
