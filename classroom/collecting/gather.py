"""What a class handed in: folders, zip files and course systems' exports become one entry for each student.

Whose a file is, its path says: by the instructor's patterns, as Moodle, Canvas or Gradescope call the files of an
export, by the folder that it lies in, or by its own name. Nothing of a file is read before it is graded.

Of several notebooks that one student handed in, the one that counts is the first of these that can be graded: those
whose name, or else whose path, has the number of the chapter before the others; of these the later before the earlier
(submitted, if that is known, else the course system's number of the attempt, else last written); then by name, the
last first.
"""

import contextlib
import os
import re
import stat
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from classroom.collecting import gradescope_metadata
from classroom.collecting.archive import Archive, check_directory
from classroom.collecting.patterns import EXPORTS, LONGEST_NAME, matches
from classroom.collecting.roster import Roster
from grader.grade import LEARNERS
from grader.handed_in import LARGEST_FILE, HandedIn, SubmissionError, plain_bytes

MOST_FILES = 200_000
MOST_NOTEBOOKS = 10  # of one student, that are tried one after the other until one can be graded
ASIDE = ("__MACOSX", ".ipynb_checkpoints")
NOTEBOOK = ".ipynb"
COURSES_NAME = re.compile(r"(Lesson|Exercise) (\d\d[a-z]?)\.ipynb")  # in a learner's own folder


class GatherError(Exception):
    """Paths that hold nothing to grade; the text says what was looked for."""


@dataclass(frozen=True)
class File:
    """One file that was handed in.

    Attributes:
        parts: its path, from what was named on; a zip file stands in it like a folder.
        read: returns its bytes; raises SubmissionError.
        modified: when it was last written, if anybody knows.
        problem: why it cannot be read, as far as that shows from outside.
    """

    parts: tuple[str, ...]
    read: Callable[[], bytes]
    modified: datetime | None = None
    problem: str = ""

    @property
    def path(self):
        return "/".join(self.parts)


@dataclass(frozen=True)
class Owner:
    """What a path says of whose file it is."""

    id: str
    name: str = ""
    email: str = ""
    late: bool = False
    submitted: datetime | None = None
    attempt: int = 0


@dataclass(frozen=True)
class Submission:
    """What one student handed in, not read yet.

    Attributes:
        id: whose it is.
        name, email: what is known of them.
        listed: whether they are on the roster.
        notebooks: pairs (file, when it was submitted, if that is known), the one that counts first.
        beside: other files that a notebook needs, by its folder and their name.
        late: whether the course system marked it as late.
        problem: why there is nothing to grade, or "".
    """

    id: str
    name: str
    email: str
    listed: bool
    notebooks: tuple[tuple[File, datetime | None], ...]
    beside: dict[tuple[str, ...], File] = field(default_factory=dict)
    late: bool = False
    problem: str = ""

    def read(self):
        """Return (the `HandedIn`s in the order in which they are tried, when each was submitted, what is wrong)."""
        found, times, wrong, size = [], [], [self.problem] if self.problem else [], 0
        for file, submitted in self.notebooks[:MOST_NOTEBOOKS]:
            try:
                given = self._read(file)
            except SubmissionError as error:
                wrong.append(str(error))
                continue
            except Exception as error:  # out of memory, a disk that fails: it costs this line alone
                wrong.append(f"{plain(file.path)} could not be read ({type(error).__name__}).")
                continue
            size += len(given.notebook) + sum(map(len, given.beside.values()))
            if found and size > LARGEST_FILE:
                wrong.append(f"{given.name} was not looked at: what was handed in is too large.")
                break
            found.append(given)
            times.append(submitted)
        return found, times, wrong

    def _read(self, file):
        near = {name: other for (*folder, name), other in self.beside.items() if tuple(folder) == file.parts[:-1]}
        return HandedIn(plain(file.path), file.read(), {name: other.read() for name, other in near.items()})


@dataclass(frozen=True)
class Gathered:
    """What a class handed in, and what whoever grades it should know about that."""

    submissions: tuple[Submission, ...]
    told: tuple[str, ...]


@contextlib.contextmanager
def gather(paths, chapter, *, beside=(), roster=None, patterns=(), timezone=None, by_file_times=False, apart=()):
    """Give what was handed in as `Gathered`; the zip files stay open as long as the context.

    Args:
        paths: folders, zip files, notebooks.
        chapter: the number of the chapter that was asked for, such as "02".
        beside: names of files that belong to a notebook in the same folder, such as "my_transformer.py".
        roster: the `Roster` of the class.
        patterns: texts of regular expressions that say whose a file is, tried before what course systems do.
        timezone: of the times in zip files and in names; that of this machine if None.
        apart: files and folders below the paths that nobody handed in, such as the gradebook.
        by_file_times: take the time of a file for when it was submitted, where nothing better is known.

    Raises:
        GatherError: a path does not exist, or there is no notebook and no zip file.
        PatternError: the patterns take forever.
    """
    with contextlib.ExitStack() as opened:
        told, roster = [], roster or Roster(())
        files = list(_files(list(map(Path, paths)), roster, {Path(one).resolve() for one in apart}, opened, timezone))
        files = _without_asides(files, told)
        if not files:
            raise GatherError(f"{', '.join(map(str, paths))}: no notebook (*{NOTEBOOK}) and no zip file in there.")
        owned = _owned(files, patterns, roster, timezone, told)
        yield Gathered(tuple(_submissions(owned, chapter, beside, roster, by_file_times, told)), tuple(told))


def plain(text):
    """Return a name of others as text that can be stored and printed: what cannot be printed becomes an escape."""
    text = unicodedata.normalize("NFC", text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)[:LONGEST_NAME]


# Files ----------------------------------------------------------------------------------------------------------------


def _files(paths, roster, apart, opened, timezone):
    """Yield the `File`s in paths, those in zip files and in zip files within them included."""
    several = len(paths) > 1
    names = [path.name for path in paths]
    for path in paths:
        if not os.path.lexists(path):
            raise GatherError(f"{path} does not exist.")
        own = path.resolve().name
        if path.is_dir():
            start = (own,) if several or (path / LEARNERS).is_dir() or roster.find(plain(own)) else ()
            found = [_on_disk(inner, (*start, *inner.relative_to(path).parts)) for inner in _walk(path, apart)]
        else:
            above = path.resolve().parent.name
            in_theirs = roster.find(plain(above)) and not roster.find(plain(path.stem))
            start = (above,) if names.count(path.name) > 1 or in_theirs else ()
            found = [_on_disk(path, (*start, own))]
        for file in found:
            if not _is_zip(file) or _is_hidden(file):
                yield file
            elif path.is_dir() or several:
                yield from _unpacked_in_memory(file, timezone)
            else:
                yield from _unpacked(path, opened, timezone)


def _walk(folder, apart):
    """Yield all that is no folder below a folder, apart from some; links are not followed."""
    count = 0
    for above, folders, names in os.walk(folder):
        here = Path(above).resolve()
        folders[:] = sorted(name for name in folders if here / name not in apart)
        for name in sorted(name for name in names if here / name not in apart):
            count += 1
            if count > MOST_FILES:
                raise GatherError(f"{folder} holds more than {MOST_FILES} files: name the folder of the submissions.")
            yield Path(above, name)


def _on_disk(path, parts):
    try:
        status = os.lstat(path)
    except OSError as error:
        return File(parts, _refuse(f"{plain(str(path))} cannot be read: {error.strerror}."), None)
    problem = "" if stat.S_ISREG(status.st_mode) else f"{plain(path.name)} is a link, a pipe or a device, not a file."
    return File(parts, lambda: plain_bytes(path), datetime.fromtimestamp(status.st_mtime, UTC), problem)


def _unpacked(path, opened, timezone):
    """Yield the files in a zip file that the instructor named, which may be an export of gigabytes: it stays open."""
    try:
        archive = opened.enter_context(Archive(path, path.name))
    except SubmissionError as error:
        raise GatherError(str(error)) from None
    for member in archive.members:
        file = _member_file(archive, member, (), timezone)
        yield from _unpacked_in_memory(file, timezone) if _is_zip(file) and not _is_hidden(file) else [file]


def _member_file(archive, member, start, timezone):
    return File(
        (*start, *member.parts), lambda: archive.read(member), _aware(member.modified, timezone), member.problem
    )


def _unpacked_in_memory(file, timezone):
    """Yield the files in a student's zip file, or the file itself with what is wrong with it. Zip files inside it stay
    closed. Its bytes are not kept: they are read again when a file is wanted."""

    def opened():
        data = file.read()
        check_directory(data, plain(file.parts[-1]))
        return Archive(BytesIO(data), plain(file.parts[-1]))

    def read(parts):
        with opened() as archive:
            return archive.read(next(one for one in archive.members if one.parts == parts))

    if file.problem:
        yield file
        return
    try:
        with opened() as archive:
            members = archive.members
    except SubmissionError as error:
        yield replace(file, problem=str(error))
        return
    if not members:
        yield replace(file, problem=f"{plain(file.parts[-1])} is an empty zip file.")
    for member in members:
        modified = _aware(member.modified, timezone)
        yield File((*file.parts, *member.parts), lambda parts=member.parts: read(parts), modified, member.problem)


def _is_zip(file):
    return file.parts[-1].lower().endswith(".zip")


def _is_notebook(file):
    return file.parts[-1].lower().endswith(NOTEBOOK)


def _is_hidden(file):
    return any(part.startswith(".") or part in ASIDE for part in file.parts)


def _aware(moment, timezone):
    return moment and (moment.replace(tzinfo=timezone) if timezone else moment.astimezone())


def _refuse(problem):
    def read():
        raise SubmissionError(problem)

    return read


def _without_asides(files, told):
    """Return the files without those of editors and systems, and what was put aside in a learner's own folder."""
    own = {file.parts[: file.parts.index(LEARNERS)] for file in files if LEARNERS in file.parts[:-1]}

    def is_aside(file):
        folder = file.parts[:-1]
        return _is_hidden(file) or any(folder[: len(one)] == one and folder != one for one in own)

    if passed := sum(_is_notebook(file) and is_aside(file) for file in files):
        told.append(f"Copies of editors, and what learners put aside, were passed over: {_notebooks(passed)}.")
    return [file for file in files if not is_aside(file)]


def _notebooks(number):
    return f"{number} notebook{'' if number == 1 else 's'}"


# Whose they are -------------------------------------------------------------------------------------------------------


def _owned(files, patterns, roster, timezone, told):
    """Return pairs (file, its `Owner`)."""
    names = [plain(file.path) for file in files]
    found = matches(patterns, names)
    left = [file for file, match in zip(files, found, strict=True) if match is None]
    owned = [
        (file, _owner(match, timezone))
        for file, match in zip(files, found, strict=True)
        if match and match.get("student")
    ]
    if not left:
        return owned
    depth, pattern = _export(left)
    if pattern is EXPORTS["Moodle"] and not roster.students:
        told.append(
            "Moodle's numbers for students are new for each assignment. With its list of participants as roster.csv, "
            "they stay the same from chapter to chapter."
        )
    strays = []
    metadata = _gradescope(left, depth) if pattern is EXPORTS["Gradescope"] else {}
    depth = _wrapped(left, roster) if pattern is None else depth
    for file in left:
        parts = file.parts[depth:]
        match = pattern and pattern.fullmatch(_start(file, depth))
        owners = metadata.get(file.parts[depth]) if len(parts) > 1 else None
        if owners:
            owned += [
                (file, Owner(plain(sid or email or name), plain(name), plain(email), submitted=submitted))
                for sid, name, email, submitted in owners
            ]
        elif match:
            owned.append((file, _owner(match.groupdict(), timezone)))
        elif len(parts) > 1:
            owned.append((file, Owner(plain(parts[0].removesuffix(".zip")))))
        elif file.parts[-1].lower().endswith((NOTEBOOK, ".zip")):
            owned.append((file, Owner(plain(Path(parts[0]).stem))))
        elif not file.parts[-1].lower().endswith((".yml", ".csv", ".html", ".txt")):
            strays.append(plain(file.path))
    if strays:
        more = f" and {len(strays) - 5} more" if len(strays) > 5 else ""
        told.append(f"No notebooks, and in nobody's folder, so passed over: {', '.join(strays[:5])}{more}.")
    return owned


def _owner(match, timezone):
    """Return the `Owner` that the groups of a pattern name."""
    attempt = match.get("attempt") or "0"
    return Owner(
        plain(match["student"]),
        plain(match.get("name") or "").strip(),
        late=bool(match.get("late")),
        submitted=_moment(match.get("time"), timezone),
        attempt=int(attempt[:9]) if attempt[:9].isdecimal() else 0,
    )


def _moment(text, timezone):
    """Return the time in a name such as 2026-03-01T23:59 or 2026-03-01-23-59-59; None if it is none."""
    text = text or ""
    with contextlib.suppress(ValueError, OverflowError, TypeError):
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", text):
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else _aware(moment, timezone)
        return _aware(datetime(*map(int, re.findall(r"\d+", text)[:6])), timezone)
    return None


def _export(files):
    """Return (how many folders are around it, the pattern) of the course system whose export this is, or (0, None)."""
    notebooks = [file for file in files if _is_notebook(file) or file.problem] or files
    for depth in (0, 1, 2):
        for pattern in EXPORTS.values():
            hits = sum(bool(len(file.parts) > depth and pattern.fullmatch(_start(file, depth))) for file in notebooks)
            if 2 * hits > len(notebooks):
                return depth, pattern
        if len({file.parts[: depth + 1] for file in notebooks}) > 1:
            break
    return 0, None


def _start(file, depth):
    """Return what an export calls a file: its name, or the folder or zip file that it lies in and what comes next."""
    return plain("/".join(file.parts[depth : depth + 2]))


def _wrapped(files, roster):
    """Return how many folders lie around those of the students: folders that hold all there is, and are nobody's."""
    notebooks = [file for file in files if _is_notebook(file) or file.problem] or files
    depth = 0
    while True:
        first = {file.parts[depth] for file in notebooks}
        if len(first) > 1 or any(len(file.parts) < depth + 2 for file in notebooks):
            return depth
        (folder,) = first
        inside = {file.parts[depth + 1] for file in notebooks}
        own = any(map(COURSES_NAME.fullmatch, inside))
        if own or folder.lower().endswith(".zip") or roster.find(plain(folder)) or len(inside) == 1:
            return depth
        depth += 1


def _gradescope(files, depth):
    """Return {folder of a submission: whose it is} by the file beside these folders, if there is one; one that lies in
    them is a student's."""
    for file in files:
        if file.parts[depth:] == ("submission_metadata.yml",):
            with contextlib.suppress(SubmissionError):
                return gradescope_metadata.read(file.read())
    return {}


# Students -------------------------------------------------------------------------------------------------------------


def _submissions(owned, chapter, beside, roster, by_file_times, told):
    """Yield a `Submission` for each student, in the order of their ids."""
    listed = _listed({owner for _, owner in owned}, roster, told)
    groups = {}
    for file, owner in owned:
        student = listed[owner]
        groups.setdefault((student or owner).id, (student, owner, []))[2].append((file, owner))
    passed = 0
    for key in sorted(groups):
        student, owner, theirs = groups[key]
        known = student or owner
        readable = [pair for pair in theirs if _is_notebook(pair[0]) and not pair[0].problem]
        notebooks = [pair for pair in readable if not _is_of_another(pair[0], readable, chapter)]
        notebooks.sort(key=lambda pair: _rank(*pair, chapter), reverse=True)
        passed += len(readable) - len(notebooks)
        spoiled = [file.problem for file, _ in theirs if file.problem]
        others = [plain(file.parts[-1]) for file, _ in theirs]
        problem = ""
        if not notebooks:
            problem = " ".join(spoiled[:3]) or f"there is no exercise (*{NOTEBOOK}), only {', '.join(others[:3])}."
        elif spoiled:
            told.append(f"{key}: {' '.join(spoiled[:3])}")
        yield Submission(
            known.id,
            known.name,
            known.email,
            student is not None,
            tuple((file, owner.submitted or (file.modified if by_file_times else None)) for file, owner in notebooks),
            {file.parts: file for file, _ in theirs if file.parts[-1] in beside},
            any(owner.late for _, owner in theirs),
            problem,
        )
    if passed:
        told.append(f"Lessons, and exercises of other chapters, were passed over: {_notebooks(passed)}.")


def _listed(owners, roster, told):
    """Return {owner: the `Student` on the roster, or None}. A name counts only if one alone goes by it: people can give
    themselves the name of another."""
    listed = {owner: roster.find(owner.id, "", owner.email) for owner in owners}
    claims = {}
    for owner in owners:
        if listed[owner] is None and (student := roster.find(owner.id, owner.name)):
            claims.setdefault(student, set()).add(owner.id)
    taken = {student for student in listed.values() if student}
    for student in sorted(claims, key=lambda student: student.id):
        ids = sorted(claims[student])
        if student in taken or len(ids) > 1:
            told.append(f"Called {student.name}, like {student.id}, and graded by their own ids: {', '.join(ids)}.")
        else:
            listed |= {owner: student for owner in owners if owner.id == ids[0] and listed[owner] is None}
    return listed


def _is_of_another(file, all_of_them, chapter):
    """Tell by the name that the course gave it whether a notebook is a lesson, or the exercise of another chapter
    beside the one that was asked for."""
    name = COURSES_NAME.fullmatch(file.parts[-1])
    if name is None:
        return False
    wanted = f"Exercise {chapter}.ipynb"
    return name[1] == "Lesson" or (name[2] != chapter and any(other.parts[-1] == wanted for other, _ in all_of_them))


def _rank(file, owner, chapter):
    """Return what the notebooks of one student are sorted by, the most wanted last."""
    number = re.compile(rf"(?<!\d){re.escape(chapter)}(?![\da-z])", re.IGNORECASE)
    early = datetime.min.replace(tzinfo=UTC)
    has_number = number.search(file.parts[-1]) is not None, number.search(file.path) is not None
    return *has_number, owner.submitted or early, owner.attempt, file.modified or early, file.parts[-1]
