"""Many submissions: whatever goes wrong with one ends in its own line, and never more are under way than are needed."""

import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor

import pytest

from classroom import batch
from classroom.batch import Here, Job, RefusedError, close_judges, grade_all, grade_one, version_of
from made_class import RIGHT, WRONG, notebook


def job(place, *cells, student="s1", problems=(), **more):
    notebooks = tuple((f"{n}.ipynb", data, {}) for n, data in enumerate(cells))
    limits = {"seconds": 5.0, "memory": 2**30, "trust": True}
    return Job(student, "01", str(place), 7, **limits, name="x", notebooks=notebooks, problems=problems, **more)


@pytest.fixture(autouse=True)
def no_judge_stays():
    yield
    close_judges()


# One ------------------------------------------------------------------------------------------------------------------


def test_a_right_answer_and_a_wrong_one(sums):
    right = grade_one(job(sums, notebook((RIGHT, "01.row_sums"), 'answer("01.which", "b")')))
    wrong = grade_one(job(sums, notebook((WRONG, "01.row_sums"), 'answer("01.which", "b")')))
    assert (right["report"]["points"], right["report"]["worth"], right["chosen"], right["sound"]) == (6, 6, 0, True)
    assert (wrong["report"]["points"], wrong["report"]["worth"]) == (2, 6)


def test_the_first_notebook_that_can_be_graded_counts(sums):
    given = (b"{", notebook("x = 1"), notebook((WRONG, "01.row_sums")), notebook((RIGHT, "01.row_sums")))
    reply = grade_one(job(sums, *given))
    assert (reply["chosen"], reply["report"]["points"], reply["report"]["path"]) == (2, 0, "2.ipynb")


def test_where_none_can_be_graded_the_first_is_told(sums):
    reply = grade_one(job(sums, b"{", notebook("x = 1")))
    assert reply["chosen"] == 0
    assert "no Jupyter notebook" in reply["report"]["problem"]
    assert (reply["report"]["points"], reply["report"]["worth"]) == (0, 6)


def test_nothing_to_grade_is_a_report_as_well(sums):
    reply = grade_one(job(sums, problems=("it is locked.", "it is empty.")))
    assert (reply["chosen"], reply["report"]["problem"]) == (None, "it is locked. it is empty.")
    assert reply["report"]["worth"] == 6


def test_a_failing_grader_costs_one_line(sums, monkeypatch):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(batch.Judge, "grade", fails)
    reply = grade_one(job(sums, notebook((RIGHT, "01.row_sums"))))
    assert not reply["sound"]
    assert "could not be graded (MemoryError); that is no fault of the answers" in reply["report"]["problem"]
    assert (reply["report"]["points"], reply["report"]["worth"]) == (0, 6)
    assert {one["outcome"] for one in reply["report"]["results"]} == {"not run"}


def test_a_judge_that_does_not_begin_stops_the_batch(sums, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("there is no jail here")

    monkeypatch.setattr(batch, "Judge", fails)
    with pytest.raises(RefusedError, match="there is no jail here"):
        list(grade_all([job(sums)], Here, 1))


def test_the_hash_is_of_bytes_not_of_names(sums):
    def digest(*notebooks):
        return Job("s", "01", "p", 1, 1.0, 1, notebooks=notebooks).digest

    one = digest(("a", b"x", {}))
    assert one == digest(("b", b"x", {}))
    others = [
        digest(("a", b"y", {})),
        digest(("a", b"x", {"p": b""})),
        digest(("a", b"x", {}), ("b", b"", {})),
        digest(),
        digest(("a", b"", {"x": b""})),
    ]
    assert len({one, *others}) == 6


def test_the_version_follows_the_source(sums):
    before = version_of(sums)
    assert before == version_of(str(sums))
    task = sums / "chapter_01" / "row_sums.py"
    source = task.read_bytes()
    try:
        task.write_bytes(source + b"# more\n")
        assert version_of(sums) != before
    finally:
        task.write_bytes(source)
    assert version_of(sums) == before


# Many -----------------------------------------------------------------------------------------------------------------


class FourAtOnce(Executor):
    """Ends no job before there are four of them."""

    def __init__(self):
        self.jobs = []

    def submit(self, work, job):
        future = Future()
        self.jobs.append((future, work, job))
        if len(self.jobs) == 4:
            for one, do, its in self.jobs:
                one.set_result(do(its))
            self.jobs = []
        return future


def echo(job):
    return {"student": job.student, "report": {}, "chosen": 0, "sound": True}


def die(job):
    """Ends its process at the submission that says so, always or only the first time."""
    if job.name.startswith("die"):
        os._exit(3)
    if job.name and not os.path.exists(job.name):
        with open(job.name, "w", encoding="utf-8"):
            os._exit(3)
    return echo(job)


def jobs_of(place, number, made=None):
    for one in range(number):
        if made is not None:
            made.append(one)
        yield job(place, student=f"s{one}")


def test_jobs_are_made_when_they_are_needed(sums):
    made = []
    got = []
    for one, _ in grade_all(jobs_of(sums, 20, made), FourAtOnce, 2, work=echo):
        got.append(one.student)
        assert len(made) <= len(got) + 4  # twice as many as workers, and those that are done
    assert sorted(got) == sorted(f"s{one}" for one in range(20))


def named(place, names):
    return [Job(**{**one.__dict__, "name": name}) for one, name in zip(jobs_of(place, len(names)), names, strict=True)]


def two_workers(started):
    started.append(ProcessPoolExecutor(2, batch.multiprocessing.get_context("spawn")))
    return started[-1]


def test_a_dead_worker_costs_only_its_own_submission(sums):
    started = []
    jobs = named(sums, ["", "die", "", "", "", ""])
    replies = {one.student: reply for one, reply in grade_all(jobs, lambda: two_workers(started), 2, work=die)}
    assert set(replies) == {f"s{n}" for n in range(6)}
    assert [student for student in replies if not replies[student]["sound"]] == ["s1"]
    assert "the process that graded it ended, twice" in replies["s1"]["report"]["problem"]
    assert len(started) == 3  # at the beginning, after the first death, after the second


def test_a_worker_that_dies_once_costs_nobody_anything(sums, tmp_path):
    started = []
    jobs = named(sums, [str(tmp_path / "died before")])
    ((_, reply),) = grade_all(jobs, lambda: two_workers(started), 2, work=die)
    assert reply["sound"]
    assert len(started) == 2


def test_a_future_that_fails_by_itself_is_tried_again_alone(sums):
    tries = []

    def fails_once(job):
        tries.append(job.student)
        if job.student == "s1" and tries.count("s1") == 1:
            raise OSError("gone")
        return echo(job)

    replies = {one.student: reply for one, reply in grade_all(jobs_of(sums, 3), Here, 1, work=fails_once)}
    assert tries == ["s0", "s1", "s1", "s2"]
    assert all(reply["sound"] for reply in replies.values())


def test_whoever_wants_no_more_ends_the_workers(sums):
    results = grade_all(jobs_of(sums, 50), lambda: batch.start_workers(2), 2, work=echo)
    next(results)
    results.close()
    assert [one for one in batch.multiprocessing.active_children() if one.is_alive()] == []
