"""Makes what students get: a copy of the course that runs, without solutions and without what only instructors need.

A bare one also leaves out all that the catalogue knows about answers. Its tasks are stored numbers: what `check` hands
to an answer, and what a right one gives (`grader.frozen`).
"""

import json
import re
import shutil
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from grader.frozen import freeze
from grader.parts import packed, parse, source_of

LIST = "handout.json"  # what is in a handout; course.py and the learner's folder read it
GIVEN = Path("exercises", ".given")  # the exercises once more, for whoever writes into exercises/
FILES = ("course.py", "requirements.txt", "LICENSE")
PROGRAMS = ("course_lib", "experiments", "grader", "jail", "upkeep", "workbook")  # what lessons and exercises import
SUFFIXES = (".py", ".npz", ".json", ".js", ".css")
NOT_FOR_STUDENTS = ("upkeep/test.py", "upkeep/thorough.py", "upkeep/newest.py", "grader/proof.py", "grader/pairs.py")
BLANK = "# Your code here."
FIRST_LESSON = "00"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the time of every file in a zip, so that the same handout is the same file
README = """# Self-Attention, Step by Step

Your copy of the course. It needs Python 3.11 or later and nothing else.

```
python3 course.py learn
```

installs what the course needs, the first time, makes your own folder, `my_course`, and opens it. Write there. When you
get a newer copy, unpack it over this one and call the same command: what you wrote stays.

`python3 course.py progress` shows how far you are; `python3 course.py doctor` looks for what is wrong on your machine.
"""
FROZEN = '''"""{id}, as it is handed out: what `check` hands to an answer, and what a right one gives."""

from pathlib import Path

from grader.frozen import thawed

TASK = thawed(Path(__file__).with_suffix(".npz"))
'''
CATALOGUE = '''"""The course's tasks and questions, as they are handed out."""

from pathlib import Path

from grader.catalogue import Catalogue, Parts

CATALOGUE = Catalogue(
    __name__,
    seed={seed},
    own={own},
    hidden={hidden},
    parts=Parts({module!r}, {own_module!r}, Path(__file__).parents[1] / {file!r}),
)
'''


class HandoutError(Exception):
    """Nothing was handed out; the text says why."""


@dataclass(frozen=True)
class Handout:
    """What is to be handed out.

    Attributes:
        root: the course.
        catalogue: the `Catalogue` of the course.
        chapters: the numbers of the chapters, such as "02"; their lessons, exercises and tasks are in it.
        bare: without all that the catalogue knows about answers.
        private: the folder of another catalogue, whose exercises are in it and whose tasks are not; or None.
    """

    root: Path
    catalogue: object
    chapters: tuple[str, ...]
    bare: bool = False
    private: Path | None = None

    def write(self, into):
        """Write it into a folder: a new one, an empty one, or that of an earlier handout, which it replaces.

        Raises:
            HandoutError: the folder holds something else; there is no such chapter; an exercise is no longer blank.
        """
        lessons, exercises = self._lessons(), self._exercises()
        self._clear(into)
        for name in FILES:
            shutil.copy(self.root / name, into / name)
        (into / "README.md").write_text(README, encoding="utf-8", newline="\n")
        for folder in PROGRAMS:
            for path in _files(self.root / folder):
                if f"{folder}/{path.relative_to(self.root / folder).as_posix()}" not in NOT_FOR_STUDENTS:
                    _copy(path, into / path.relative_to(self.root))
        for path in lessons:
            _copy(path, into / "notebooks" / path.name)
        for path in exercises:
            _copy(path, into / "exercises" / path.name)
            _copy(path, into / GIVEN / path.name)
        self._write_parts(into)
        self._write_tasks(into)
        listed = {
            "chapters": list(self.chapters),
            "exercises": [path.name for path in exercises],
            "bare": self.bare,
        }
        (into / LIST).write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8", newline="\n")

    def _lessons(self):
        """Return the lessons: those of the chapters, and the first page."""
        found = sorted((self.root / "notebooks").glob("*.ipynb"))
        wanted = {FIRST_LESSON, *self.chapters}
        if unknown := wanted - {_number(path) for path in found} - set(self.catalogue.numbers):
            raise HandoutError(f"There is no chapter {', '.join(sorted(unknown))}.")
        return [path for path in found if _number(path) in wanted]

    def _exercises(self):
        """Return the exercises of the chapters, and those of the private catalogue."""
        own = [path for path in sorted((self.root / "exercises").glob("*.ipynb")) if _number(path) in self.chapters]
        private = sorted((self.private / "exercises").glob("*.ipynb")) if self.private else []
        if self.private and not private:
            raise HandoutError(
                f"{self.private / 'exercises'} holds no notebook: `course.py release --of {self.private}` makes them "
                f"from those in {self.private / 'solutions'}."
            )
        for path in private:
            if not re.fullmatch(r"\d\d[a-z]?_\w+", path.stem):
                raise HandoutError(f"{path.name} must begin with a number and an underscore, such as 90_exam.ipynb.")
            if _number(path) in {_number(one) for one in sorted((self.root / "exercises").glob("*.ipynb"))}:
                raise HandoutError(
                    f"{path.name} has the number of a chapter of the course; choose another, such as 90."
                )
        for path in (*own, *private):
            _refuse_answers(path)
        return [*own, *private]

    def _clear(self, into):
        if into.exists() and not into.is_dir():
            raise HandoutError(f"{into} is no folder.")
        if into.exists() and any(into.iterdir()) and not (into / LIST).is_file():
            raise HandoutError(f"{into} holds something else already. Name a new folder.")
        into.mkdir(parents=True, exist_ok=True)
        for name in (*PROGRAMS, "notebooks", "exercises", "solutions", self.catalogue.package):
            shutil.rmtree(into / name, ignore_errors=True)

    def _write_parts(self, into):
        """Write the course's own parts, packed, and the file of parts that a student begins with: of the chapters up to
        the last that is handed out, and at least the first: whoever left one out can go on."""
        parts = self.catalogue.parts
        if parts is None:
            return
        last = max(self.chapters)

        def up_to_here(file):
            kept = tuple(part for part in file.parts if part.id.partition(".")[0] <= last) or file.parts[:1]
            return replace(file, parts=kept)

        own = into / parts.file.relative_to(self.root)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(packed(up_to_here(parse(source_of(parts.file))).text), encoding="utf-8", newline="\n")
        begun = self.root / "exercises" / f"{parts.module}.py"
        text = up_to_here(parse(begun.read_text(encoding="utf-8"))).text
        for folder in (into / "exercises", into / GIVEN):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / begun.name).write_text(text, encoding="utf-8", newline="\n")

    def _write_tasks(self, into):
        package = self.catalogue.package
        source, target = self.root / package, into / package
        chapters = {f"chapter_{number}" for number in self.chapters}
        for path in _files(source):
            place = path.relative_to(source)
            is_chapters = place.parts[0].startswith("chapter_")
            wanted = place.parts[0] in chapters if is_chapters else not self.bare
            if wanted and not (self.bare and place.name not in ("__init__.py", "questions.py")):
                _copy(path, target / place)
        if not self.bare:
            return
        (target / "__init__.py").write_text(_bare_catalogue(self.catalogue, self.root), encoding="utf-8", newline="\n")
        _copy(source / "torch_blocks.py", target / "torch_blocks.py")  # PyTorch's own, beside which learners put theirs
        for number in self.catalogue.numbers:
            for task in self.catalogue.chapter(number).tasks if number in self.chapters else ():
                path = target / f"chapter_{number}" / f"{task.function}.py"
                path.write_text(FROZEN.format(id=task.id), encoding="utf-8", newline="\n")
                freeze(task, self.catalogue, path.with_suffix(".npz"))


def zip_folder(folder):
    """Write FOLDER.zip beside a handout, everything in it in one folder; return its path."""
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            if file.is_file() and "__pycache__" not in inside.parts and inside.parts[0] not in (".venv", "my_course"):
                info = zipfile.ZipInfo(f"{folder.name}/{inside.as_posix()}", EARLIEST)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(info, file.read_bytes())
    return path


def _files(folder):
    """Return the files that belong to a program: of known kinds, nothing hidden, nothing that Python keeps."""
    found = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [
        path
        for path in found
        if path.is_file()
        and path.suffix in SUFFIXES
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    ]


def _copy(path, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def _number(path):
    return path.stem.partition("_")[0]


def _refuse_answers(path):
    """Refuse an exercise that somebody has worked on: it would hand out answers."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        course, source = cell["metadata"].get("course", {}), "".join(cell["source"])
        if ("answer" in course and BLANK not in source) or ("question" in course and "..." not in source):
            asked = course.get("answer") or course["question"]
            raise HandoutError(
                f"{path} answers {asked}: it would hand the answer out. `course.py release` makes it anew."
            )


def _bare_catalogue(catalogue, root):
    parts = catalogue.parts
    return CATALOGUE.format(
        seed=catalogue.seed,
        own=catalogue.own,
        hidden=tuple(name for name in catalogue.hidden if name not in ("grader", catalogue.package)),
        module=parts.module,
        own_module=parts.own,
        file=parts.file.relative_to(root).as_posix(),
    )
