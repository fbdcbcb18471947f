"""Grades what a class handed in, into its gradebook: only what is new or changed since the last time."""

import contextlib
import difflib
from dataclasses import dataclass

from classroom.batch import Job, grade_all, grade_one, start_workers, version_of
from classroom.collecting.gather import gather, plain
from classroom.collecting.roster import read_roster
from classroom.gradebook import Terms, drawn_seed
from classroom.graded import Student
from classroom.privacy import without_names
from classroom.progress import Progress
from classroom.reporting import FOLDER as REPORTS
from classroom.reporting import write_reports
from classroom.settings import FILE as SETTINGS
from classroom.settings import SettingsError
from grader.catalogue import load_catalogue
from grader.grade import files_beside
from grader.runner import DEFAULT_LIMITS

ROSTER = "roster.csv"


@dataclass
class Told:
    """What a run did, for whoever started it.

    Attributes:
        graded, kept: how many submissions were graded now, and how many had been before.
        notes: sentences on what they should know.
        unsound: how many could not be graded as a whole.
    """

    graded: int
    kept: int
    notes: list[str]
    unsound: int


def terms_of(book, chapter, place, *, seed=None, seconds=None, memory=None):
    """Return the `Terms` of a chapter: what is asked for now, else what the settings say, else what was before.

    Args:
        book: the open `Gradebook`.
        chapter: its number.
        place: of the catalogue.
        seed: asked for now, or None.
        seconds, memory: the limits that are asked for now (memory in bytes), or None.
    """
    settings = book.settings
    seeds = (seed, settings.chapter(chapter).seed, book.seed_of(chapter))
    chosen = next((one for one in seeds if one is not None), None)
    mebibytes = settings.memory_limit
    return Terms(
        drawn_seed() if chosen is None else chosen,
        version_of(place),
        seconds or settings.time_limit or DEFAULT_LIMITS.seconds,
        memory or (mebibytes and mebibytes * 2**20) or DEFAULT_LIMITS.memory,
    )


def grade_class(
    book, paths, chapter, place, terms, *, workers=1, trust=False, again=False, start=None, work=grade_one, stream=None
):
    """Grade what was handed in, write the reports, and return what is to be `Told`.

    Args:
        book: the open `Gradebook`.
        paths: folders, zip files, notebooks.
        chapter: its number.
        place: of the catalogue.
        terms: the `Terms`.
        workers: how many submissions are graded at a time.
        trust: grade even where there is no jail.
        again: grade what was graded before, too.
        start: returns an `Executor`; that many processes of this machine if None.
        work: what is done with a job there.
        stream: where progress is told.

    Raises:
        GatherError, PatternError, RosterError: what was handed in, or the roster, cannot be used.
        RefusedError: there is no jail here, and no trust.
    """
    catalogue, settings = load_catalogue(place), book.settings
    asked = _asked(catalogue.chapter(chapter))
    _check_names(settings, catalogue.numbers, asked, chapter)
    roster = read_roster(book.folder / ROSTER) if (book.folder / ROSTER).is_file() else None
    how = {
        "beside": files_beside(catalogue),
        "roster": roster,
        "patterns": settings.patterns,
        "timezone": settings.timezone,
        "by_file_times": settings.submitted != "known",
        "apart": [book.folder / name for name in (ROSTER, SETTINGS, REPORTS, *book.files)],
    }
    with gather(paths, chapter, **how) as gathered:
        submissions = {one.id: one for one in gathered.submissions}
        before = book.last_terms(chapter)
        run = book.begin(chapter, asked, terms, roster and roster.students)
        notes = [*(roster.told if roster else ()), *gathered.told]
        notes += _why_again(before, terms)
        notes += _about_times(gathered.submissions, settings.chapter(chapter))
        told = Told(0, 0, notes, 0)
        progress = Progress(len(submissions), "submissions", stream)
        times = {}

        def jobs():
            for one in submissions.values():
                job, times[one.id] = _job(one, chapter, place, terms, trust)
                file = None if again else book.graded_file(one.id, chapter, job.digest, terms)
                if file is None:
                    yield job
                else:
                    book.note_time(one.id, chapter, _time_of(file, job, times.pop(one.id)))
                    told.kept += 1
                    progress.step(worked=False)

        with contextlib.closing(progress):
            for job, reply in grade_all(jobs(), start or (lambda: start_workers(workers)), workers, work):
                _keep(book, run, submissions[job.student], job, times.pop(job.student), terms, reply)
                told.graded += 1
                progress.step()
    book.end(run)
    if roster:
        told.notes += _about_students(submissions, {student.id for student in roster.students}, book.graded(chapter))
    told.unsound = sum(bool(one.report and one.report["problem"]) for one in book.graded(chapter))
    write_reports(book, catalogue, chapter)
    told.notes = [without_names(book, note) for note in told.notes]
    return told


def _keep(book, run, submission, job, times, terms, reply):
    """Write one result into the book; a report that is none becomes one that says so."""
    student, report, chosen = (
        Student(submission.id, submission.name, submission.email),
        reply["report"],
        reply["chosen"],
    )
    name, submitted = job.name, None
    if chosen is not None:
        name, submitted = job.notebooks[chosen][0], times[chosen]
        others = [other for place, (other, _, _) in enumerate(job.notebooks) if place != chosen]
        others += [plain(file.path) for file, _ in submission.notebooks[len(job.notebooks) :]]
        if others:
            report.setdefault("flags", []).append(f"Handed in, too, and not graded: {', '.join(others)}.")
    if job.problems and chosen is not None:
        report.setdefault("flags", []).append(f"Not all could be read: {' '.join(job.problems)}")
    book.keep(student, job.chapter, name, submitted, job.digest, terms, report, run, sound=reply["sound"])


def _job(submission, chapter, place, terms, trust):
    """Return the `Job` of a submission, and when each of its notebooks was handed in."""
    found, times, problems = submission.read()
    notebooks = tuple((one.name, one.notebook, dict(one.beside)) for one in found)
    name = plain(submission.notebooks[0][0].path) if submission.notebooks else submission.id
    job = Job(
        *(submission.id, chapter, str(place), terms.seed, terms.seconds, terms.memory),
        *(trust, name, notebooks, tuple(problems)),
    )
    return job, times


def _time_of(file, job, times):
    """Return when the notebook of this name was handed in; if it is called otherwise by now, the first one."""
    names = [name for name, _, _ in job.notebooks]
    return times[names.index(file) if file in names else 0] if times else None


def _asked(chapter):
    """Return what a chapter asks, as the gradebook keeps it."""
    tasks = [
        {"id": task.id, "title": task.title, "worth": 0 if task.optional else task.points, "optional": task.optional}
        for task in chapter.tasks
    ]
    return tasks + [{"id": one.id, "title": "", "worth": one.points, "optional": False} for one in chapter.questions]


def _check_names(settings, numbers, asked, chapter):
    """Raise SettingsError if the settings speak of a chapter that there is not, or of what this one does not ask."""
    ids = [one["id"] for one in asked]
    spoken = [("chapter", number, numbers) for number in settings.chapters]
    spoken += [(f"chapter.{chapter}.points", task, ids) for task in settings.chapter(chapter).points]
    for where, name, known in spoken:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            way = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
            raise SettingsError(f"grading.toml: {where} speaks of {name}, which there is not. {way}")


def _why_again(before, terms):
    """Yield why what was graded before is graded again, if it is."""
    if before is not None and before != terms:
        kinds = {
            "the seed": before.seed != terms.seed,
            "the tasks or the grader": before.version != terms.version,
            "the limits": (before.seconds, before.memory) != (terms.seconds, terms.memory),
        }
        changed = " and ".join(kind for kind, is_other in kinds.items() if is_other)
        yield f"Changed since the last time: {changed}. So everything is graded again."


def _about_students(submissions, listed, graded):
    """Yield who is not where they are looked for; who handed in nothing, the class at a glance says."""
    strangers = [id for id in submissions if id not in listed]
    before = [one.student.id for one in graded if one.report and one.student.id not in {*listed, *submissions}]
    if strangers:
        yield f"Not on the roster, graded all the same: {_some(strangers)}."
    if before:
        yield (
            f"Graded before, neither on the roster nor handed in now: {_some(before)}. If they are called otherwise by "
            "now, `course.py forget` deletes what stands there under the old id."
        )


def _about_times(submissions, rules):
    """Yield what is not known about when things were handed in, if there is a deadline."""
    if rules.deadline:
        unknown = [one.id for one in submissions if one.notebooks and all(time is None for _, time in one.notebooks)]
        marked = [one.id for one in submissions if one.late and one.id in unknown]
        if marked:
            yield (
                f"Marked late by the course system, which does not say how late, so that nothing was taken off: "
                f"{_some(marked)}. `course.py adjust` takes points off."
            )
        if others := len(unknown) - len(marked):
            yield (
                f"When {others} of {len(submissions)} were handed in is not known, so they count as in time. "
                'submitted = "file times" in grading.toml goes by the times of the files.'
            )


def _some(ids):
    more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
    return ", ".join(ids[:10]) + more
