"""Dates: against dates written by hand, and what a batch of them must be like for padding to be a lesson."""

import hashlib
import itertools
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from datetime import date, timedelta

import pytest

from course_lib.data.dates import LOCALES, OTHER_LOCALES, SHORT, STYLES, split_days, write_dates, written_date

DAY = date(2024, 5, 12)  # a Sunday


@pytest.mark.parametrize(
    ("locale", "style", "expected"),
    [
        ("en", "medium", "May 12, 2024"),
        ("en", "full", "Sunday, May 12, 2024"),
        ("de", "medium", "12.05.2024"),
        ("de", "full", "Sonntag, 12. Mai 2024"),
        ("fr", "long", "12 mai 2024"),
        ("es", "long", "12 de mayo de 2024"),
        ("ru", "long", "12 мая 2024 г."),  # noqa: RUF001 (Cyrillic, as it should be)
        ("el", "long", "12 Μαΐου 2024"),
        ("zh", "long", "2024年5月12日"),
        ("ja", "full", "2024年5月12日日曜日"),
        ("ko", "full", "2024년 5월 12일 일요일"),
        ("he", "long", "12 במאי 2024"),
        ("en", "short", "5/12/24"),
        ("it", "full", "domenica 12 maggio 2024"),
        ("tr", "long", "12 May\N{LATIN SMALL LETTER DOTLESS I}s 2024"),
    ],
)
def test_written_by_hand(locale, style, expected):
    assert written_date(DAY, locale, style) == unicodedata.normalize("NFC", expected)


def test_long_is_the_style_unless_told():
    assert written_date(DAY, "fr") == written_date(DAY, "fr", "long")


def test_at_least_twelve_languages_in_four_scripts():
    def script(character):
        return unicodedata.name(character).split()[0]

    letters = {c for locale in LOCALES for c in written_date(DAY, locale, "full") if unicodedata.category(c) == "Lo"}
    letters |= {c for locale in LOCALES for c in written_date(DAY, locale, "full") if c.isalpha()}
    assert len(LOCALES) >= 12
    assert {"LATIN", "CYRILLIC", "GREEK", "CJK", "HANGUL", "HEBREW", "ARABIC"} <= set(map(script, letters))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_date_names_its_year_and_day_and_holds_only_what_people_type(locale, style):
    texts = [written_date(date(2024, month, 23), locale, style) for month in range(1, 13)]
    assert len(set(texts)) == 12, "two months must not read the same"
    for text in texts:
        assert "2024" in text
        assert "23" in text
        assert text == text.strip()
        invisible = {c for c in text if unicodedata.category(c) in ("Cf", "Cc", "Zs") and c != " "}
        assert invisible == set()


def test_full_names_the_day_of_the_week():
    for locale in LOCALES:
        week = [written_date(date(2024, 5, day), locale, "full").replace(str(day), "") for day in range(12, 19)]
        assert len(set(week)) == 7


def test_lengths_differ_so_that_there_is_something_to_pad():
    lengths = [len(written_date(DAY, locale, style)) for locale, style in itertools.product(LOCALES, STYLES)]
    assert max(lengths) >= 2 * min(lengths)


def test_unknown_locale_and_style_are_told():
    with pytest.raises(ValueError, match=r"'klingon' is none .* ar, de, el"):
        written_date(DAY, "klingon")
    with pytest.raises(ValueError, match=r"'wide' is none of medium, long, full, short"):
        written_date(DAY, "fr", "wide")


def test_languages_never_trained_on():
    assert not OTHER_LOCALES.keys() & LOCALES.keys()
    known = {written_date(date(2024, month, 23), locale) for month in range(1, 13) for locale in LOCALES}
    for locale in OTHER_LOCALES:
        texts = {written_date(date(2024, month, 23), locale) for month in range(1, 13)}
        assert len(texts) == 12
        assert len(texts - known) > 6, "most of its months are called as in no other"


@pytest.fixture(scope="module")
def readings():
    """For every text of one leap year and the turn to the next, the days it is written for in any language."""
    read = {}
    for n in range(366 + 31):
        day = date(2024, 1, 1) + timedelta(n)
        for locale, style in itertools.product(LOCALES | OTHER_LOCALES, STYLES):
            read.setdefault(written_date(day, locale, style), set()).add(day)
    return read


def test_no_text_means_two_days(readings):
    # What there is to learn has one answer, even for a reader who is not told the language.
    assert {text: days for text, days in readings.items() if len(days) > 1} == {}
    assert len(readings) > 397 * 40


def test_no_text_means_two_days_in_other_centuries():
    read = {}
    for year, month, day in itertools.product((1901, 1910, 2001, 2010, 2019), (1, 2, 10, 12), (1, 9, 10, 12, 19)):
        for locale, style in itertools.product(LOCALES, STYLES):
            read.setdefault(written_date(date(year, month, day), locale, style), set()).add((year, month, day))
    assert {text: days for text, days in read.items() if len(days) > 1} == {}


def test_short_dates_mean_two_days(readings):
    assert written_date(date(2024, 5, 12), "en", SHORT) == written_date(date(2024, 12, 5), "es", SHORT) == "5/12/24"
    assert written_date(date(1924, 5, 12), "en", SHORT) == "5/12/24", "and even two centuries"
    assert SHORT not in STYLES


# Data to learn from

CODE = """
import hashlib
from datetime import date, timedelta
from course_lib.data.dates import split_days, write_dates
train, test = split_days(900, 90, seed=3)
print(hashlib.sha256(ascii([write_dates(train, 5), write_dates(test, 6)]).encode()).hexdigest())
"""


def test_the_same_dates_in_every_process():
    train, test = split_days(900, 90, seed=3)
    texts = ascii([write_dates(train, 5), write_dates(test, 6)])
    expected = hashlib.sha256(texts.encode()).hexdigest()
    for seed in "12":
        done = subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.stdout.strip() == expected


def test_written_dates_say_what_they_are():
    days = [date(1900, 2, 1) + timedelta(37 * n) for n in range(1500)]
    written = write_dates(days, seed=4)
    assert [each.iso for each in written] == [day.strftime("%Y-%m-%d") for day in days]
    for day, each in zip(days, written, strict=True):
        assert each == (written_date(day, each.locale, each.style), day.isoformat(), each.locale, each.style)
    counts = Counter((each.locale, each.style) for each in written)
    assert counts.keys() == set(itertools.product(LOCALES, STYLES))
    assert max(counts.values()) < 3 * 1500 / len(counts), "about equally often"


def test_one_day_early_in_history():
    (written,) = write_dates([date(987, 5, 12)], seed=0, locales=["de"], styles=["medium"])
    assert written.iso == "0987-05-12"


def test_locales_and_styles_may_be_chosen():
    days = [date(2024, 1, 1) + timedelta(n) for n in range(80)]
    written = write_dates(iter(days), seed=1, locales=tuple(OTHER_LOCALES), styles=("full", SHORT))
    assert {(each.locale, each.style) for each in written} == set(itertools.product(OTHER_LOCALES, ("full", SHORT)))


def test_a_seed_decides():
    days = [date(2024, 1, 1) + timedelta(n) for n in range(20)]
    one, same, other = (write_dates(days, seed) for seed in (7, 7, 8))
    assert one == same
    for part in ("locale", "style"):
        assert [getattr(each, part) for each in one] != [getattr(each, part) for each in other]
    assert split_days(5, 7, seed=7) == split_days(5, 7, seed=7) != split_days(5, 7, seed=8)


def test_no_day_is_in_two_lists():
    first, last = date(2024, 2, 1), date(2024, 4, 9)  # 29 + 31 + 9 days
    lists = split_days(40, 0, 8, 21, first=first, last=last)
    assert list(map(len, lists)) == [40, 0, 8, 21]
    assert sorted(itertools.chain(*lists)) == [first + timedelta(n) for n in range(69)]
    assert lists[0] != sorted(lists[0]), "shuffled"
    assert split_days(first=first, last=last) == []


def test_two_centuries_unless_told():
    (days,) = split_days(73_049)
    assert (min(days), max(days), len(set(days))) == (date(1900, 1, 1), date(2099, 12, 31), 73_049)


def test_too_many_days_are_told():
    with pytest.raises(ValueError, match=r"there are 31 days from 2024-05-01 to 2024-05-31, not 30 \+ 2"):
        split_days(30, 2, first=date(2024, 5, 1), last=date(2024, 5, 31))
