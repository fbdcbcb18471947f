"""Real words: the names of the twelve months in eleven languages, and words as vectors of letter counts.

The names are those of the Unicode CLDR (the Common Locale Data Repository, from which operating systems take them
too), as Babel ships it: nothing is downloaded. All eleven languages are written in Latin letters. Most of them took
their months from Latin, so that août, agosto and august are spelled alike; Turkish took some from elsewhere, and ocak
is January.
"""

import unicodedata

import numpy as np
from babel import Locale

LANGUAGES = {
    "en": "English",
    "de": "German",
    "nl": "Dutch",
    "da": "Danish",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "ro": "Romanian",
    "hu": "Hungarian",
    "tr": "Turkish",
}
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def month_names(language):
    """Return the names of January to December in `language`, in small letters: ("janvier", "février", ...) for "fr".

    Args:
        language: one of the keys of LANGUAGES.

    Raises:
        ValueError: it is none of them.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is none of {', '.join(LANGUAGES)}.")
    # CLDR's "format" names and not its "stand-alone" ones: where a language has none of the latter, Babel 2.18 may hand
    # out another language's.
    names = Locale.parse(language).months["format"]["wide"]
    return tuple(names[month].lower() for month in range(1, 13))


def plain_letters(word):
    """Return `word` in the letters a to z, without accents: "août" becomes "aout".

    Raises:
        ValueError: a character is left that has no such form.
    """
    dotted = word.lower().replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")  # Turkish writes both
    decomposed = unicodedata.normalize("NFKD", dotted)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    if strange := sorted(set(plain) - set(ALPHABET)):
        raise ValueError(f"{word!r} holds {', '.join(map(repr, strange))}: only the letters a to z are counted.")
    return plain


def ngram_counts(words, n):
    """Return how often each run of `n` letters occurs in each word: letters for n = 1, bigrams for n = 2.

    "mama" counts as m 2, a 2; in bigrams as ma 2, am 1. Columns are in alphabetical order: a, b, ... z, or aa, ab,
    ... zz.

    Args:
        words: a sequence of words; accents are taken off.
        n: the length of a run, 1 or more.

    Returns:
        (len(words), 26 ** n) array, float64.

    Raises:
        ValueError: a word holds something that is not a letter.
    """
    counts = np.zeros((len(words), len(ALPHABET) ** n))
    for row, word in zip(counts, words, strict=True):
        numbers = [ALPHABET.index(letter) for letter in plain_letters(word)]
        for start in range(len(numbers) - n + 1):
            column = 0
            for number in numbers[start : start + n]:
                column = column * len(ALPHABET) + number
            row[column] += 1
    return counts
