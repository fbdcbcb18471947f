"""What tests of several rooms share."""

import functools

import pytest

from grader.grade import Judge, files_beside
from grader.handed_in import handed_in
from grader.runner import DEFAULT_LIMITS, Runner
from tasks import CATALOGUE


@pytest.fixture(scope="session")
def runner():
    """Starts children for answers to the course's tasks; the tests' own answers are trusted."""
    with Runner(own=CATALOGUE.own, hidden=CATALOGUE.hidden, trust=True) as runner:
        yield runner


@pytest.fixture(scope="session")
def grade_file():
    """Grades a notebook file of the tests' own: `grade_file(path, seed, chapter=None, limits=...)`."""
    judges = []

    @functools.cache
    def judge(seed, limits):
        judges.append(Judge(CATALOGUE, seed, limits=limits, trust=True))
        return judges[-1]

    def grade(path, seed, chapter=None, limits=DEFAULT_LIMITS):
        return judge(seed, limits).grade(handed_in(path, files_beside(CATALOGUE)), chapter)

    yield grade
    for each in judges:
        each.close()
