"""How far a learner is: read from their notebooks as they are saved and from the record of what was checked. Nothing is
run, nothing is judged again, and nothing heavy is loaded: this is quick enough to look at often."""

import html
import json
import re
from dataclasses import dataclass
from urllib.parse import quote

from grader.parts import parse
from workbook import record
from workbook.folder import layout

WIDTH = 20  # signs of a bar
QUESTION = 1  # minute
TITLE = re.compile(r"^# \w+ · (?P<title>[^:\n]+)", re.MULTILINE)
MINUTES = re.compile(r"\*\*About (\d+) minutes\*\*")
TASK = re.compile(r"^\*\*[★☆]+ · (?P<minutes>\d+) minutes? · (?P<earned>[^*]+)\*\*", re.MULTILINE)
LAST_CELLS = re.compile(r"^## (Deeper|Next)$", re.MULTILINE)  # from there on nobody needs to read
READ = 0.9  # of the cells of a lesson: a control or a slider may well be passed over


@dataclass(frozen=True)
class Lesson:
    """A lesson as it is saved.

    Attributes:
        file: its name, from where the map stands.
        number, title: such as "03" and "Softmax and weighted values".
        minutes: what it takes a lone reader.
        share: how much of it was run, from 0 to 1.
    """

    file: str
    number: str
    title: str
    minutes: float
    share: float

    @property
    def is_done(self):
        return self.share >= READ

    @property
    def minutes_left(self):
        return 0 if self.is_done else self.minutes * (1 - self.share)


@dataclass(frozen=True)
class Exercise:
    """An exercise: what it asks, and what of that is right.

    Attributes:
        file: its name, from where the map stands.
        number: such as "09b".
        minutes: what its page says that it takes.
        tasks: (id, minutes, whether it is right) of every task that counts.
        questions: (id, whether it was answered rightly).
    """

    file: str
    number: str
    minutes: float
    tasks: tuple[tuple[str, float, bool], ...]
    questions: tuple[tuple[str, bool], ...]

    @property
    def asked(self):
        return len(self.tasks) + len(self.questions)

    @property
    def right(self):
        return sum(is_right for *_, is_right in (*self.tasks, *self.questions))

    @property
    def is_done(self):
        return self.right == self.asked

    @property
    def minutes_left(self):
        weights = [(minutes, is_right) for _, minutes, is_right in self.tasks]
        weights += [(QUESTION, is_right) for _, is_right in self.questions]
        left = sum(weight for weight, is_right in weights if not is_right)
        return self.minutes * left / sum(weight for weight, _ in weights) if weights else 0


@dataclass(frozen=True)
class Progress:
    """All of it, in the course's order."""

    steps: tuple[Lesson | Exercise, ...]
    parts: tuple[int, int]
    guesses: tuple[int, int]
    slips: tuple[int, int]

    @property
    def next(self):
        """The first lesson or exercise that is not done; None at the end."""
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def minutes_left(self):
        return sum(step.minutes_left for step in self.steps)

    @property
    def is_begun(self):
        return any(step.minutes_left < step.minutes for step in self.steps)

    @property
    def left(self):
        """How long all that is left takes, in words."""
        return f"{duration(self.minutes_left)} left."

    @property
    def numbers(self):
        """What else there is to say, a sentence each; nothing about what was not begun."""
        (own, parts), (right, guesses), (met, mastered) = self.parts, self.guesses, self.slips
        said = [f"Your Transformer: {own} of {parts} parts are yours."]
        if guesses:
            said.append(f"Guesses: {right} of {guesses} right.")
        if met:
            said.append(f"Slips: {met} met, {mastered} of them mastered since.")
        return said


def progress(folder=None):
    """Return the `Progress` in a learner's folder; of someone who has not begun where there is none."""
    if folder is None:
        events, root = [], layout.ROOT
    else:
        events, root = record.events(path=layout.record(folder)), folder
    right, answered = _answers(events)
    files = layout.course_files()
    renamed = _renamed(folder, set(files.values())) if folder else {}
    steps = []
    for file, name in files.items():
        name = renamed.get(name, name)
        path = root / (name if folder else file)
        notebook = _read(path) or _read(layout.ROOT / file)
        if notebook is None:
            continue
        number = layout.COURSE_FILE.fullmatch(file)["number"]
        shown = name if folder else f"../{file}"
        if file.startswith("notebooks/"):
            steps.append(_lesson(notebook, shown, number))
        else:
            steps.append(_exercise(notebook, shown, number, right, answered))
    return Progress(tuple(steps), _parts(root if folder else root / "exercises"), _guesses(events), _slips(events))


def lines(found):
    """Yield the progress as plain text; how long it all takes comes last for whoever has not begun."""
    if found.next is None:
        yield "Done: all of it."
    else:
        yield f"Next: {_named(found.next)}." + (f" {found.left}" if found.is_begun else "")
    yield ""
    for step in found.steps:
        if isinstance(step, Lesson):
            yield f"{step.number:<4}{step.title:<38}{_said(step)}"
        else:
            filled = round(WIDTH * step.right / step.asked) if step.asked else WIDTH
            yield f"{'':<4}{'  exercise ' + step.number:<16}[{'#' * filled}{'.' * (WIDTH - filled)}] {_said(step)}"
    yield ""
    yield from found.numbers
    if not found.is_begun:
        yield f"In all: {duration(found.minutes_left)}."


def show_progress():
    """Display the map of the course: what is done, what comes next, how many minutes are left; click to go there."""
    from grader import display  # NumPy takes a moment, and the terminal does without

    found = progress(layout.find())
    display.show(display.Shown("\n".join(lines(found)), markup(found)))


def markup(found):
    """Return the progress as HTML with links: a line for each lesson, its exercises beside it.

    It is folded for whoever has not begun, with how long it all takes: the first thing on the first page is neither.
    """
    rows = []
    for step in found.steps:
        if isinstance(step, Lesson):
            rows.append([_cell(found, step, f"{step.number} {step.title}")])
        elif rows:
            rows[-1].append(_cell(found, step, _named(step)))
    width = max(map(len, rows), default=0)
    lines = [f"<tr>{''.join(row)}{'<td></td>' * (width - len(row))}</tr>" for row in rows]
    goal = "<b>Done: all of it.</b>"
    if found.next is not None:
        link = f"<a href='{quote(found.next.file)}'>{_named(found.next)}</a>"
        goal = f"<b>Next: {link}.</b>" + (f" {found.left}" if found.is_begun else "")
    table = f"<table style='margin: 8px 0'>{''.join(lines)}</table>"
    if not found.is_begun:
        table += f"In all: {duration(found.minutes_left)}."
        table = f"<details><summary>All lessons and exercises</summary>{table}</details>"
    return f"<div>{goal} {' '.join(found.numbers)}{table}</div>"


def _cell(found, step, name):
    """Return one lesson or exercise of the map: a sign, the link, how far it is."""
    sign = "✓" if step.is_done else "→" if step is found.next else "·"
    link = f"<a href='{quote(step.file)}'>{html.escape(name)}</a>"
    link = f"<b>{link}</b>" if step is found.next else link
    left = "" if step.is_done else f" <small>{_said(step)}</small>"
    return f"<td style='text-align: left'>{sign} {link}{left}</td>"


def duration(minutes):
    """Return minutes in words, more than an hour rounded to five."""
    rounded = max(1, round(minutes)) if minutes < 60 else 5 * round(minutes / 5)
    hours, rest = divmod(rounded, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest else ""]))


def _named(step):
    return f"{'Lesson' if isinstance(step, Lesson) else 'Exercise'} {step.number}"


def _said(step):
    if isinstance(step, Lesson):
        return "done" if step.is_done else duration(step.minutes_left) + (", begun" if step.share else "")
    if step.is_done:
        return "done"
    return f"{step.right} of {step.asked}, {duration(step.minutes_left)}" if step.right else duration(step.minutes_left)


def _read(path):
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return notebook if isinstance(notebook["cells"], list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lesson(notebook, file, number):
    run = []
    title, minutes, is_main_line = "", 0, True
    for cell in notebook["cells"]:
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "code" and is_main_line and source.strip():
            run.append(cell.get("execution_count") is not None)
        elif cell.get("cell_type") == "markdown":
            title = title or next((found["title"].strip() for found in TITLE.finditer(source)), "")
            minutes = minutes or next((float(found[1]) for found in MINUTES.finditer(source)), 0)
            is_main_line = is_main_line and not LAST_CELLS.search(source)
    is_learners = "course" in notebook.get("metadata", {})  # the course's own were run by their authors
    return Lesson(file, number, title, minutes, sum(run) / len(run) if run and is_learners else 0)


def _exercise(notebook, file, number, right, answered):
    tasks, questions, header, minutes = [], [], None, 0
    for cell in notebook["cells"]:
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            header = next(TASK.finditer(source), header)
            minutes = minutes or next((float(found[1]) for found in MINUTES.finditer(source)), 0)
        asked = cell.get("metadata", {}).get("course", {})
        if "answer" in asked and header is not None and header["earned"] != "optional":
            tasks.append((asked["answer"], float(header["minutes"]), asked["answer"] in right))
        elif "question" in asked:
            questions.append((asked["question"], answered.get(asked["question"], False)))
    return Exercise(file, number, minutes, tuple(tasks), tuple(questions))


def _answers(events):
    """Return (the tasks that were right, {question: whether it was}), of exercises since they were last reset."""
    right, answered = set(), {}
    for event in events:
        if event.get("outcome") == "right" and "check" in event:
            right.add(event["check"])
        elif "question" in event:
            answered[event["question"]] = bool(event.get("right"))
        elif event.get("of") == "Exercise":
            number = f"{event.get('reset')}."
            right = {id for id in right if not id.startswith(number)}
            answered = {id: was for id, was in answered.items() if not id.startswith(number)}
    return right, answered


def _renamed(folder, names):
    """Return {a notebook's name: what a learner calls it} for those that are not there under their own."""
    renamed = {}
    for path in sorted(folder.glob("*.ipynb")):
        notebook = _read(path) if path.name not in names else None
        course = notebook.get("metadata", {}).get("course", {}) if notebook else {}
        name = layout.name_of(str(course.get("notebook", ""))) if isinstance(course, dict) else None
        if name and not (folder / name).exists():
            renamed.setdefault(name, path.name)
    return renamed


def _parts(folder):
    """Return (how many parts are the learner's, how many there are)."""
    texts = (folder / layout.PARTS, layout.ROOT / "exercises" / layout.PARTS)
    for path in texts:
        try:
            parts = parse(path.read_text(encoding="utf-8")).parts
        except (OSError, ValueError):
            continue
        return sum(part.is_learners for part in parts), len(parts)
    return 0, 0


def _guesses(events):
    """Return (how many first guesses were right, how many there were)."""
    first = {}
    for event in events:
        if "guess" in event:
            first.setdefault(event["guess"], bool(event.get("right")))
    return sum(first.values()), len(first)


def _slips(events):
    """Return (how many different slips were met, on how many of them the task was right later)."""
    met = {}
    for event in events:
        if "check" not in event:
            continue
        if event.get("outcome") == "right":
            met.update({slip: True for slip in met if slip[0] == event["check"]})
        elif event.get("slip"):
            met[event["check"], str(event["slip"])] = False
    return len(met), sum(met.values())
