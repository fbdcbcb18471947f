"""Names in many languages: months, days, territories and languages, each with what it means.

They are those of the Unicode Consortium's Common Locale Data Repository (CLDR), which phones and computers show to
their owners. Babel brings them along, so nothing is downloaded.

    >>> [name.text for name in read_names() if name.meaning == "territory DE" and name.language in ("de", "fr", "ru")]
    ['deutschland', 'allemagne', 'германия']
"""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from babel import Locale

# Twenty-four languages in two scripts, by CLDR's code. Within a script a letter rarely settles the language.
LANGUAGES = {
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fi": "Finnish",
    "fr": "French",
    "hr": "Croatian",
    "hu": "Hungarian",
    "it": "Italian",
    "nb": "Norwegian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "sk": "Slovak",
    "sl": "Slovenian",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "mk": "Macedonian",
    "ru": "Russian",
    "sr": "Serbian",
    "uk": "Ukrainian",
}
CYRILLIC = ("be", "bg", "mk", "ru", "sr", "uk")

_TWO_LETTERS = re.compile("[A-Za-z]{2}")  # ISO's codes of countries and of languages; longer ones are less common


class Name(NamedTuple):
    """A name as it is written.

    Attributes:
        text: in lower case, so that a language that writes its nouns with a capital is not told by that.
        language: a key of `LANGUAGES`.
        meaning: what it names, the same in every language: "territory DE", "language de", "month 5", "day 2" (0 is
            Monday).
    """

    text: str
    language: str
    meaning: str


def read_names(languages: Sequence[str] = tuple(LANGUAGES)) -> list[Name]:
    """Return all names whose spelling tells the language: no other of `languages` has a name of that spelling.

    A spelling with two meanings in one language ("saksa" is Finnish for Germany and for German) comes once. The order
    is that of the languages, then of the meanings.

    Raises:
        ValueError: a language that is none of the course's.
    """
    languages_of, first = {}, {}
    for name in spellings(languages):
        languages_of.setdefault(name.text, set()).add(name.language)
        first.setdefault((name.text, name.language), name)
    return [name for name in first.values() if len(languages_of[name.text]) == 1]


def spellings(languages: Sequence[str] = tuple(LANGUAGES)) -> list[Name]:
    """Return all names in some languages, also those that several of them spell alike.

    Raises:
        ValueError: a language that is none of the course's.
    """
    for language in languages:
        if language not in LANGUAGES:
            raise ValueError(f"language={language!r} is none of the course's: {', '.join(LANGUAGES)}.")
    meanings = {language: _meanings(language) for language in languages}
    everywhere = Counter(meaning for named in meanings.values() for meaning in named)
    return [
        Name(text, language, meaning)
        for language, named in meanings.items()
        for meaning, text in named.items()
        if everywhere[meaning] == len(meanings)  # a meaning counts if every language has a name for it
    ]


def folds(names: Iterable[Name], count: int, seed: int = 0) -> list[list[Name]]:
    """Return the names in so many parts of about equal size, each meaning in one of them, in every language at once.

    Who learns from all parts but one has never seen what the names of that one mean, in any language.

    Raises:
        ValueError: fewer than two parts, or fewer meanings than parts.
    """
    names = list(names)
    meanings = sorted({name.meaning for name in names})
    if not 2 <= count <= len(meanings):
        raise ValueError(f"there are {len(meanings)} meanings, so 2 to {len(meanings)} parts, not count={count}.")
    random.Random(seed).shuffle(meanings)
    part = {meaning: number % count for number, meaning in enumerate(meanings)}
    return [[name for name in names if part[name.meaning] == number] for number in range(count)]


def _meanings(language):
    """Return {meaning: text} of one language, as CLDR has them, in lower case."""
    locale = Locale.parse(language)
    named = {f"month {number}": text for number, text in locale.months["stand-alone"]["wide"].items()}
    named |= {f"day {number}": text for number, text in locale.days["stand-alone"]["wide"].items()}
    for kind, table in (("territory", locale.territories), ("language", locale.languages)):
        named |= {f"{kind} {code}": table[code] for code in sorted(table) if _TWO_LETTERS.fullmatch(code)}
    return {meaning: _lowered(text) for meaning, text in named.items()}


def _lowered(text):
    return unicodedata.normalize("NFC", " ".join(text.lower().split()))
