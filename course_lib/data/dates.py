"""Dates as people write them: one day, many languages, every text of a different length.

The formats are those of the Unicode Consortium's Common Locale Data Repository (CLDR), by which phones and computers
write dates for their owners. Babel brings them along, so nothing is downloaded.

    >>> written_date(date(2024, 5, 12), "fr")
    '12 mai 2024'
    >>> written_date(date(2024, 5, 12), "ja", "full")
    '2024年5月12日日曜日'
"""

import random
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from babel.dates import format_date

# Sixteen languages in nine scripts, by CLDR's code. English is written as in the United States, Chinese as in China.
LOCALES = {
    "ar": "Arabic",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hy": "Armenian",
    "ja": "Japanese",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
}

# Not among those a model is trained on: what it does with them tells what it has learned.
OTHER_LOCALES = {
    "it": "Italian",
    "nl": "Dutch",
    "tr": "Turkish",
    "uk": "Ukrainian",
}

# CLDR's names: medium may shorten the month or write a number, long spells it out, full adds the day of the week.
STYLES = ("medium", "long", "full")

# All digits, the year often with two. 5/12/24 is the twelfth of May in the United States and the fifth of December in
# Spain: who knows the text alone cannot know the day, so nobody is trained or tested on these.
SHORT = "short"

# What typesetters put between a number and its unit, and marks that steer the direction of writing: nobody types them.
_TYPESET_SPACES = re.compile("[\u00a0\u2009\u202f]")
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f]")


def written_date(day: date, locale: str, style: str = "long") -> str:
    """Return the date as it is written in a language, in reading order: the first character is the first one read.

    Args:
        day: a `datetime.date`.
        locale: a key of `LOCALES` or `OTHER_LOCALES`.
        style: "medium", "long" or "full"; or "short", which is ambiguous.

    Raises:
        ValueError: another locale or style; the text lists those there are.
    """
    locales = LOCALES | OTHER_LOCALES
    if locale not in locales:
        raise ValueError(f"locale={locale!r} is none of the course's: {', '.join(locales)}.")
    if style not in (*STYLES, SHORT):
        raise ValueError(f"style={style!r} is none of {', '.join((*STYLES, SHORT))}.")
    text = format_date(day, style, locale=locale)
    return _DIRECTION_MARKS.sub("", _TYPESET_SPACES.sub(" ", text))


class WrittenDate(NamedTuple):
    """A date as text, and what it says.

    Attributes:
        text: as people write it.
        iso: the day as ISO 8601 has it, year-month-day: "2024-05-12".
        locale, style: in which language and how it is written.
    """

    text: str
    iso: str
    locale: str
    style: str


def write_dates(
    days: Iterable[date], seed: int, locales: Sequence[str] = tuple(LOCALES), styles: Sequence[str] = STYLES
) -> list[WrittenDate]:
    """Return each day once, written in a language and a style drawn from `seed`."""
    rng = random.Random(seed)
    chosen = ((day, rng.choice(locales), rng.choice(styles)) for day in days)
    return [WrittenDate(written_date(day, *how), day.isoformat(), *how) for day, *how in chosen]


def split_days(
    *counts: int, seed: int = 0, first: date = date(1900, 1, 1), last: date = date(2099, 12, 31)
) -> list[list[date]]:
    """Return lists of days, shuffled, so many in each, no day twice: for training, for testing, ...

    A language drawn for a day cannot bring it back in another list: what is held out is the day, in every language.

    Raises:
        ValueError: there are not so many days from `first` to `last`.
    """
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    if sum(counts) > len(days):
        raise ValueError(f"there are {len(days)} days from {first} to {last}, not {' + '.join(map(str, counts))}.")
    random.Random(seed).shuffle(days)
    ends = [sum(counts[: n + 1]) for n in range(len(counts))]
    return [days[end - count : end] for count, end in zip(counts, ends, strict=True)]
