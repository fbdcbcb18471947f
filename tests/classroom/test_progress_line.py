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
    line = Progress(3, "submissions", stream)
    for seconds in (100, 150, 152):
        clock[0] = seconds
        line.step()
    line.close()
    shown = stream.getvalue().split("\r")[1:]
    assert [one.strip() for one in shown] == [
        "1 of 3 submissions, about 3 min left",
        "2 of 3 submissions, about 1 min left",
        "3 of 3 submissions",
    ]
    assert len(shown[2].rstrip("\n")) >= len(shown[1].rstrip())  # nothing of a longer line stays
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
    line = Progress(12, "submissions", stream)
    for _ in range(9):
        line.step(worked=False)
    assert line.line() == "9 of 12 submissions"
    clock[0] = 3600 * 2
    line.step()
    assert line.line() == "10 of 12 submissions, about 4 h 0 min left"
