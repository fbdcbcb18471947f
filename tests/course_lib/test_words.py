"""Names of months as vectors: counted by hand, and the names as one knows them."""

import subprocess
import sys

import numpy as np
import pytest

from course_lib.data.words import ALPHABET, LANGUAGES, month_names, ngram_counts, plain_letters

BIGRAMS = [first + second for first in ALPHABET for second in ALPHABET]


def named(row, names):
    """The counts that are not zero, by name."""
    return {name: count for name, count in zip(names, row, strict=True) if count}


def test_names_of_months():
    assert month_names("en")[:5] == ("january", "february", "march", "april", "may")
    assert month_names("fr")[7] == "août"
    assert month_names("tr")[0] == "ocak"


def test_every_language_has_twelve_names_of_its_own_in_latin_letters():
    for language in LANGUAGES:
        names = month_names(language)
        assert len(set(names)) == len(names) == 12
        assert ngram_counts(names, 1).shape == (12, 26)
    assert len({month_names(language) for language in LANGUAGES}) == len(LANGUAGES)


def test_names_do_not_depend_on_what_was_read_before():
    # Babel keeps what it resolved for one language where the next one looks.
    script = (
        "from babel import Locale\n"
        "for code in ('az', 'fi', 'pl'): str(Locale.parse(code).months['stand-alone']['wide'][1])\n"
        "from course_lib.data.words import LANGUAGES, month_names\n"
        "print(ascii([month_names(language) for language in reversed(LANGUAGES)]))"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True).stdout
    assert output.strip() == ascii([month_names(language) for language in reversed(LANGUAGES)])


def test_unknown_language_names_the_known():
    with pytest.raises(ValueError, match=r"'xx' is none of en, de"):
        month_names("xx")


@pytest.mark.parametrize(
    ("word", "plain"), [("Août", "aout"), ("März", "marz"), ("kas\N{LATIN SMALL LETTER DOTLESS I}m", "kasim"), ("", "")]
)
def test_plain_letters(word, plain):
    assert plain_letters(word) == plain


@pytest.mark.parametrize("word", ["may 1", "май", "mañana!"])
def test_what_is_no_letter_is_refused(word):
    with pytest.raises(ValueError, match="only the letters a to z"):
        plain_letters(word)


def test_letters_counted_by_hand():
    counts = ngram_counts(["mama", "Août", ""], 1)
    assert counts.shape == (3, 26)
    assert counts.dtype == np.float64
    assert [named(row, ALPHABET) for row in counts] == [{"a": 2, "m": 2}, {"a": 1, "o": 1, "t": 1, "u": 1}, {}]


def test_bigrams_counted_by_hand():
    counts = ngram_counts(["mama", "août", "m"], 2)
    assert counts.shape == (3, 676)
    assert [named(row, BIGRAMS) for row in counts] == [{"am": 1, "ma": 2}, {"ao": 1, "ou": 1, "ut": 1}, {}]


def test_a_word_of_l_letters_has_l_letters_and_one_bigram_less():
    words = month_names("hu")
    lengths = [len(word) for word in words]
    np.testing.assert_array_equal(ngram_counts(words, 1).sum(axis=1), lengths)
    np.testing.assert_array_equal(ngram_counts(words, 2).sum(axis=1), np.array(lengths) - 1)
    np.testing.assert_array_equal(ngram_counts(words, 3).sum(axis=1), np.array(lengths) - 2)
