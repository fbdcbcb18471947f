"""The script that makes the model of lesson 00: a training of a few steps, and what it does with the result."""

import random
import re
import unicodedata
from datetime import date, timedelta

import pytest

from authoring import date_reader as script
from course_lib import date_reader
from course_lib.data.dates import LOCALES, WrittenDate, written_date
from course_lib.training import Plan


def test_the_stored_one_reads_what_may_be_typed():
    reader, dates = date_reader.load_date_reader(), script.typed_dates(100)
    assert len({written.text for written in dates} - {written.text for written in date_reader.held_out_dates()}) > 50
    assert script.measured(reader, dates) >= 0.95


def test_what_is_typed_says_the_day_to_whoever_knows_the_text_alone():
    rng, learned = random.Random(3), date_reader.dates_to_learn_from()[:2000]
    for written in learned:
        text = script.as_typed(written, rng)
        assert len(text) <= 38
        assert "/" not in text or text == written.text
        day = date.fromisoformat(written.iso)
        assert re.search(rf"(?<!\d){day.year}(?!\d)", text)
        assert re.search(rf"(?<!\d)0?{day.day}(?!\d)", text)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_month_is_named_in_the_language_of_the_date_or_in_english(locale):
    # of Babel's names for a month alone, those of some languages are another language's
    rng, days = random.Random(0), [date(2001, 1, 1) + timedelta(n) for n in range(0, 365, 3)]
    texts = [written_date(day, code, style) for day in days for code in (locale, "en") for style in ("long", "full")]
    known = set().union(*map(script_of, texts))
    for day in days:
        of_locale = WrittenDate(written_date(day, locale), day.isoformat(), locale, "long")
        assert script_of(script.as_typed(of_locale, rng)) <= known


def script_of(text):
    """Return the writing systems of the letters of a text."""
    return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}


@pytest.mark.parametrize(("number", "ending"), [(1, "st"), (2, "nd"), (3, "rd"), (7, "th"), (12, "th"), (23, "rd")])
def test_days_are_counted_as_in_english(number, ending):
    assert script.ordinal(number) == ending


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Let the script write beside a copy of the source, not into the course."""
    source = tmp_path / "date_reader.py"
    source.write_text('FILE = 1\nDIGEST = "0123"  # SHA-256\nMORE = "DIGEST"\n', encoding="utf-8")
    monkeypatch.setattr(date_reader, "FILE", tmp_path / "date_reader.npz")
    monkeypatch.setattr(date_reader, "__file__", str(source))
    monkeypatch.setattr(script, "PLAN", Plan(steps=3, warmup=1))
    made = script.trained(seed=1, plan=script.PLAN, examples=200)
    monkeypatch.setattr(script, "trained", lambda seed: made)
    return source


def test_one_that_reads_well_is_stored_with_its_hash(beside, monkeypatch, capsys):
    monkeypatch.setattr(script, "measured", lambda reader, dates=None: 0.995)
    assert script.make(seed=1) == 0
    (line,) = [line for line in beside.read_text(encoding="utf-8").splitlines() if line.startswith("DIGEST")]
    digest = line.split('"')[1]
    assert digest in capsys.readouterr().out
    assert line == f'DIGEST = "{digest}"  # SHA-256'
    assert date_reader.read_file(date_reader.FILE, digest).longest <= 38
    assert sorted(path.name for path in beside.parent.iterdir()) == ["date_reader.npz", "date_reader.py"]


@pytest.mark.parametrize(("share", "dry", "status"), [(0.98, False, 1), (0.995, True, 0)])
def test_a_bad_one_and_a_dry_run_leave_everything_as_it_is(beside, monkeypatch, capsys, share, dry, status):
    monkeypatch.setattr(script, "measured", lambda reader, dates=None: share)
    before = beside.read_text(encoding="utf-8")
    assert script.make(seed=1, dry=dry) == status
    assert beside.read_text(encoding="utf-8") == before
    assert [path.name for path in beside.parent.iterdir()] == ["date_reader.py"]
    assert ("nothing was stored" in capsys.readouterr().err) == (status == 1)
