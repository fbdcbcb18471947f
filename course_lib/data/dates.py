"""Dates as people write them: one day, many languages, every text of a different length.

The formats are those of the Unicode Consortium's Common Locale Data Repository (CLDR), by which phones and computers
write dates for their owners. Babel brings them along, so nothing is downloaded.

    >>> written_date(date(2024, 5, 12), "fr")
    '12 mai 2024'
    >>> written_date(date(2024, 5, 12), "ja", "full")
    '2024年5月12日日曜日'
"""

import re
from datetime import date

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

# CLDR's names: medium may shorten the month or write a number, long spells it out, full adds the day of the week.
STYLES = ("medium", "long", "full")

# What typesetters put between a number and its unit, and marks that steer the direction of writing: nobody types them.
_TYPESET_SPACES = re.compile("[\u00a0\u2009\u202f]")
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f]")


def written_date(day: date, locale: str, style: str = "long") -> str:
    """Return the date as it is written in a language, in reading order: the first character is the first one read.

    Args:
        day: a `datetime.date`.
        locale: a key of `LOCALES`.
        style: "medium", "long" or "full".

    Raises:
        ValueError: another locale or style; the text lists those there are.
    """
    if locale not in LOCALES:
        raise ValueError(f"locale={locale!r} is none of the course's: {', '.join(LOCALES)}.")
    if style not in STYLES:
        raise ValueError(f"style={style!r} is none of {', '.join(STYLES)}.")
    text = format_date(day, style, locale=locale)
    return _DIRECTION_MARKS.sub("", _TYPESET_SPACES.sub(" ", text))
