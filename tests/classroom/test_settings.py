"""grading.toml: what it may say, and what is told where it says something else."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classroom import settings
from classroom.settings import ChapterSettings, LateRule, Settings, SettingsError, read_settings


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "grading.toml").write_text(text, encoding="utf-8")
        return read_settings(tmp_path / "grading.toml")

    return read


def test_an_empty_file_sets_nothing(read):
    assert read("") == Settings()
    assert read("").chapter("02") == ChapterSettings()


def test_the_example_at_the_top_of_the_file_is_one(read, tmp_path):
    example = re.sub(r"(?m)^    ", "", settings.__doc__.partition("\n\n")[2])
    found = read(example)
    assert found.timezone.key == "Europe/Berlin"
    assert (found.seed, found.time_limit, found.memory_limit, found.submitted) == (17, 2.0, 2048, "known")
    assert found.catalogue == str((tmp_path.parent / "private_tasks").resolve())
    assert re.fullmatch(found.patterns[0], "s12_x.ipynb")["student"] == "s12"
    assert found.late == LateRule(10.0, timedelta(minutes=15), 50.0)
    assert found.chapter("03") == ChapterSettings(late=found.late, seed=17)
    two = found.chapter("02")
    assert (two.weight, two.seed, two.late, dict(two.points)) == (2.0, 5, None, {"02.scaled_scores": 20})
    assert two.deadline.astimezone(UTC) == datetime(2026, 3, 1, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize("written", ["2026-03-01T23:59:00+01:00", '"2026-03-01T23:59+01:00"'])
def test_a_deadline_with_its_offset(read, written):
    deadline = read(f"[chapter.02]\ndeadline = {written}").chapter("02").deadline
    assert deadline == datetime(2026, 3, 1, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sead = 3", "sead means nothing. Did you mean seed?"),
        ("zzz = 3", "zzz means nothing. There are timezone, seed"),
        ("[chapter.02]\nwieght = 1", "chapter.02.wieght means nothing. Did you mean weight?"),
        ("seed = -1", "seed is -1; expected a whole number from 0 to 2147483647"),
        ("seed = true", "seed is True; expected a whole number"),
        ('seed = "x"', "seed is 'x'; expected a whole number"),
        ("time_limit = nan", "time_limit is nan; expected a number above 0"),
        ("time_limit = 0", "expected a number above 0"),
        ("memory_limit = 1.5", "expected a whole number above 0"),
        ("[late]\ngrace_minutes = 3", "late does not say percent_per_day"),
        ("[late]\npercent_per_day = 110", "late.percent_per_day is 110; expected percent"),
        ("late = true", "late is True; expected false, or a table"),
        ("chapter = 3", "chapter is 3; expected a table, [chapter]"),
        ("[chapter]\n02 = 3", "chapter.02 is 3; expected a table, [chapter.02]"),
        (
            "[chapter.02]\ndeadline = 2026-03-01",
            "chapter.02.deadline is '2026-03-01'; expected a time as well as a day",
        ),
        ("[chapter.02]\ndeadline = 2026-03-01T23:59:00", "expected a time with its offset, 2026-03-01T23:59:00+01:00"),
        ('[chapter.02]\ndeadline = "soon"', "chapter.02.deadline is 'soon'; expected a time such as"),
        ('[chapter.02]\npoints = {"02.x" = "3"}', "chapter.02.points.02.x is '3'; expected a number, 0 or more"),
        ('timezone = "Mars/Base"', "timezone is 'Mars/Base'; expected a time zone such as"),
        ('submitted = "guess"', "expected 'known' or 'file times'"),
        ("patterns = ['(']", "patterns: '(' is no regular expression"),
        ("patterns = ['x']", r"name a part of it, as in (?P<student>\w+)"),
        ("patterns = ['(?P<student>x)(?P<who>y)']", "names who; there are student"),
        ("patterns = 'x'", "expected a list of texts"),
        ("seed = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_told(read, text, said):
    with pytest.raises(SettingsError) as told:
        read(text)
    assert said in str(told.value)
    assert "grading.toml" in str(told.value)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(Path(tmp_path))


def test_a_deadline_in_quotes_is_no_day_alone(tmp_path):
    """A day alone would be taken for its first minute, and the whole class be late."""
    file = tmp_path / "grading.toml"
    file.write_text('timezone = "UTC"\n[chapter.02]\ndeadline = "2026-11-20"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="a time as well as a day"):
        read_settings(file)
