"""Grades many submissions on any `concurrent.futures.Executor`; whatever goes wrong with one ends in that one's line.

What is sent to a worker is a `Job`, plain data; what comes back is a dictionary. A worker keeps one `Judge` as long as
the jobs ask for the same one, so that what it has loaded and computed serves them all.
"""

import atexit
import contextlib
import hashlib
import importlib.util
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from grader import report
from grader.catalogue import load_catalogue
from grader.grade import Judge
from grader.handed_in import HandedIn
from grader.runner import Limits

WAITING = 2  # jobs for each worker that are on their way: the one it has, and the next


class RefusedError(Exception):
    """The judge does not begin here at all, for instance without a jail; the text says why."""


@dataclass(frozen=True)
class Job:
    """One student's submission, on its way to a worker.

    Attributes:
        student: whose it is; comes back with the result.
        chapter: the number of the chapter.
        catalogue: the place of the catalogue, as for `load_catalogue`.
        seed: inputs are drawn from it.
        seconds, memory: the limits of each answer.
        trust: grade even where there is no jail.
        name: what the report calls it if there is nothing to grade.
        notebooks: triples (name, bytes, {name: bytes} of what lies beside it); the first that can be graded counts.
        problems: what is wrong with it, as far as that is known.
    """

    student: str
    chapter: str
    catalogue: str
    seed: int
    seconds: float
    memory: int
    trust: bool = False
    name: str = ""
    notebooks: tuple[tuple[str, bytes, Mapping[str, bytes]], ...] = ()
    problems: tuple[str, ...] = field(default=())

    @property
    def digest(self):
        """The hash of all that was handed in, whatever it is called."""
        pieces = [*self.problems]
        for _, data, beside in self.notebooks:
            pieces += ["notebook", data, *(piece for pair in sorted(beside.items()) for piece in pair)]
        found = hashlib.sha256()
        for piece in pieces:
            data = piece if isinstance(piece, bytes) else piece.encode(errors="backslashreplace")
            found.update(len(data).to_bytes(8, "big") + data)
        return found.hexdigest()


# In a worker ----------------------------------------------------------------------------------------------------------

_judges = {}  # at most one: (catalogue, seed, seconds, memory, trust) to the open Judge


def grade_one(job):
    """Return what became of a `Job`: {"student", "report", "chosen", "sound"}, or {"student", "refused"}.

    `report` is `grader.report.as_data`, `chosen` the place of the notebook that was graded (None: none), and `sound`
    False if the grader itself failed.
    """
    try:
        judge = _judge_of(job)
    except Exception as error:
        return {"student": job.student, "refused": f"{error}" or type(error).__name__}
    try:
        result, chosen = _graded(judge, job)
        return {"student": job.student, "report": report.as_data(result), "chosen": chosen, "sound": True}
    except (
        Exception
    ) as error:  # of the grader, not of an answer: it costs this line alone, and is tried again next time
        close_judges()
        return {"student": job.student, "report": failed(job, _told(error)), "chosen": None, "sound": False}


def _graded(judge, job):
    """Return (the result of the first notebook that can be graded, its place); without any, what is wrong."""
    first = None
    for place, (name, data, beside) in enumerate(job.notebooks):
        result = judge.grade(HandedIn(name, data, beside), job.chapter)
        if not result.problem:
            return result, place
        first = first or result
    if first is not None:
        return first, 0
    return judge.ungraded(job.name, " ".join(job.problems) or "nothing was handed in.", job.chapter), None


def failed(job, why):
    """Return the report on a submission at which the grader failed: no points yet, and not the student's fault."""
    problem = f"could not be graded ({why}); that is no fault of the answers. Grade it again, or look at it yourself."
    chapter = load_catalogue(job.catalogue).chapter(job.chapter)
    not_run = {"outcome": "not run", "points": 0}
    results = [
        {
            **{"id": task.id, **not_run, "worth": 0 if task.optional else task.points, "message": problem},
            **{"mistake": "", "optional": task.optional},
            "cases": [{"case": case.name, **not_run, "worth": case.points} for case in task.cases],
        }
        for task in chapter.tasks
    ]
    results += [{"id": one.id, **not_run, "worth": one.points, "message": problem} for one in chapter.questions]
    return {
        **{"path": job.name, "chapter": job.chapter, "seed": job.seed, "problem": problem, "level": ""},
        **{"points": 0, "worth": chapter.points, "results": results},
    }


def _judge_of(job):
    key = (job.catalogue, job.seed, job.seconds, job.memory, job.trust)
    if key not in _judges:
        close_judges()
        limits = Limits(seconds=job.seconds, memory=job.memory)
        _judges[key] = Judge(load_catalogue(job.catalogue), job.seed, limits=limits, trust=job.trust).__enter__()
    return _judges[key]


@atexit.register
def close_judges():
    """End the judge that this process keeps."""
    while _judges:
        _, judge = _judges.popitem()
        with contextlib.suppress(Exception):
            judge.__exit__(None, None, None)


def _told(error):
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


# Executors ------------------------------------------------------------------------------------------------------------


class Here(Executor):
    """Grades in this process, one submission after the other."""

    def submit(self, function, /, *arguments, **keywords):
        future = Future()
        try:
            future.set_result(function(*arguments, **keywords))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        close_judges()


def start_workers(number):
    """Return an `Executor` of that many processes; of one, this process."""
    if number == 1:
        return Here()
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    return ProcessPoolExecutor(number, spawn, initializer=_begin_worker)


def usable_cores():
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever pressed Ctrl-C meant the process that started this one
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    _kill_below(psutil.Process())
    os._exit(1)


def _kill_below(process):
    with contextlib.suppress(psutil.Error):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()


def stop_workers():
    """End the processes of all executors of this process at once, with what they have started."""
    for worker in multiprocessing.active_children():
        with contextlib.suppress(psutil.Error):
            _kill_below(psutil.Process(worker.pid))
        worker.kill()


# The batch ------------------------------------------------------------------------------------------------------------


def grade_all(jobs, start, workers, work=grade_one):
    """Yield (job, what `grade_one` returns) for each job, in the order in which they are done.

    At most twice as many jobs as workers are on their way at a time, and only then is the next one made: memory does
    not grow with their number. If a worker dies, the jobs that were lost with it are tried once more, each alone;
    whichever ends its worker again is told in its own result.

    Args:
        jobs: an iterable of `Job`s.
        start: returns a new `Executor`; called again after one broke.
        workers: how many jobs it works on at a time.
        work: what is done with a job.

    Raises:
        RefusedError: a worker says that the judge does not begin.
    """
    jobs, under_way, lost = iter(jobs), {}, []
    most = 1 if workers == 1 else WAITING * workers
    executor, broken = start(), False
    try:
        while True:
            if broken and not under_way:
                executor.shutdown(wait=True, cancel_futures=True)
                executor, broken = start(), False
            while not lost and len(under_way) < most and (job := next(jobs, None)) is not None:
                under_way[_submitted(executor, work, job)] = job
            if under_way:
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    job, error = under_way.pop(future), _error_of(future)
                    if error is None:
                        yield job, _not_refused(future.result())
                    else:
                        lost.append(job)
                        broken = broken or isinstance(error, BrokenExecutor)
            elif lost:
                job = lost.pop(0)
                future = _submitted(executor, work, job)
                error = _error_of(future)
                broken = isinstance(error, BrokenExecutor)
                yield job, _not_refused(future.result()) if error is None else _lost_twice(job, error)
            else:
                return
    except BaseException:  # Ctrl-C, or whoever asked for the results wants no more
        if isinstance(executor, ProcessPoolExecutor):
            stop_workers()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _submitted(executor, work, job):
    """Return the future of a job; of an executor that takes no more, one that failed."""
    try:
        return executor.submit(work, job)
    except RuntimeError as error:  # BrokenExecutor is one
        future = Future()
        future.set_exception(error if isinstance(error, BrokenExecutor) else BrokenExecutor(str(error)))
        return future


def _error_of(future):
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _not_refused(reply):
    if "refused" in reply:
        raise RefusedError(reply["refused"])
    return reply


def _lost_twice(job, error):
    why = f"the process that graded it ended, twice: {_told(error)}"
    return {"student": job.student, "report": failed(job, why), "chosen": None, "sound": False}


def version_of(place):
    """Return a short name for all that decides on a grade besides the seed: a hash over the source of the catalogue, of
    what its tasks stand on, and of the grader.

    Args:
        place: of the catalogue, as for `load_catalogue`.
    """
    catalogue = load_catalogue(place)
    packages = ["grader", "jail", catalogue.package.partition(".")[0], *catalogue.own]
    files = {path for name in packages for path in _sources(name)}
    if catalogue.parts:
        files.add(Path(catalogue.parts.file))
    found = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.parts[-4:]):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.name} {len(data)} ".encode() + data)
    return found.hexdigest()[:16]


def _sources(name):
    """Return the Python files of a package; none if there is no such package."""
    found = importlib.util.find_spec(name)
    folders = [Path(folder) for folder in (found and found.submodule_search_locations) or ()]
    return [path for folder in folders for path in folder.rglob("*.py")]
