"""Dates: against dates written by hand, and what a batch of them must be like for padding to be a lesson."""

import itertools
import unicodedata
from datetime import date

import pytest

from course_lib.data.dates import LOCALES, STYLES, written_date

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
    with pytest.raises(ValueError, match=r"'short' is none of medium, long, full"):
        written_date(DAY, "fr", "short")
