"""What is said while a batch is at work."""

import io

import pytest

from classroom import progress
from classroom.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_on_a_terminal_one_line_is_written_over(clock):
    stream = Terminal()
    line = Progress(5, "submissions", stream)
    for seconds in (100, 150, 180, 200, 201):
        clock[0] = seconds
        line.step()
    line.close()
    shown = stream.getvalue().split("\r")[1:]
    assert [one.strip() for one in shown] == [
        "1 of 5 submissions",
        "2 of 5 submissions",
        "3 of 5 submissions, about 2 min left",
        "4 of 5 submissions, about 50 s left",
        "5 of 5 submissions",
    ]
    assert len(shown[4].rstrip("\n")) >= len(shown[3].rstrip())  # nothing of a longer line stays
    assert stream.getvalue().endswith("\n")


def test_elsewhere_there_are_a_few_plain_lines():
    stream = io.StringIO()
    line = Progress(1000, "submissions", stream)
    for _ in range(1000):
        line.step()
    said = stream.getvalue().splitlines()
    assert len(said) == 20
    assert said[-1] == "1000 of 1000 submissions"
    assert "\r" not in stream.getvalue()


def test_what_was_done_before_says_nothing_about_the_time(clock):
    stream = io.StringIO()
    line = Progress(14, "submissions", stream)
    for _ in range(9):
        line.step(worked=False)
    assert line.line() == "9 of 14 submissions"
    clock[0] = 3600 * 3
    for _ in range(3):
        line.step()
    assert line.line() == "12 of 14 submissions, about 2 h 0 min left"
