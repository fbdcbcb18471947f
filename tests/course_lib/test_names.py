"""Names: against names written by hand, and what a task made of them must be like for an accuracy to mean anything."""

import os
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict

import pytest

from course_lib.data.names import CYRILLIC, LANGUAGES, folds, read_names, spellings


@pytest.fixture(scope="module")
def everything():
    return spellings()


@pytest.fixture(scope="module")
def names():
    return read_names()


@pytest.mark.parametrize(
    ("language", "meaning", "expected"),
    [
        ("en", "month 5", "may"),
        ("de", "month 1", "januar"),
        ("pl", "month 9", "wrzesie\N{LATIN SMALL LETTER N WITH ACUTE}"),
        ("fi", "day 2", "keskiviikko"),  # Wednesday: Monday is 0
        ("it", "day 6", "domenica"),
        ("de", "territory DE", "deutschland"),
        ("hr", "territory DE", "njema\N{LATIN SMALL LETTER C WITH CARON}ka"),
        ("hu", "language de", "n\N{LATIN SMALL LETTER E WITH ACUTE}met"),
        ("ru", "territory RU", "россия"),
        ("bg", "day 0", "понеделник"),
    ],
)
def test_written_by_hand(everything, language, meaning, expected):
    [found] = [name.text for name in everything if (name.language, name.meaning) == (language, meaning)]
    assert found == expected


def test_at_least_twenty_languages_share_two_scripts(everything):
    assert len(LANGUAGES) >= 20
    for language in LANGUAGES:
        letters = {c for name in everything if name.language == language for c in name.text if c.isalpha()}
        scripts = Counter(unicodedata.name(c).split()[0] for c in letters)
        assert scripts.most_common(1)[0][0] == ("CYRILLIC" if language in CYRILLIC else "LATIN")


def test_every_meaning_has_a_name_in_every_language(everything):
    meanings = Counter(name.meaning for name in everything)
    assert set(meanings.values()) == {len(LANGUAGES)}
    kinds = Counter(meaning.split()[0] for meaning in meanings)
    assert (kinds["month"], kinds["day"]) == (12, 7)
    assert kinds["territory"] > 200
    assert kinds["language"] > 100


def test_texts_are_lower_case_in_one_form_without_stray_blanks(everything):
    for name in everything:
        assert name.text
        assert name.text == name.text.lower() == " ".join(name.text.split()) == unicodedata.normalize("NFC", name.text)
        assert not any(unicodedata.category(c) in ("Cf", "Cc", "Nd") for c in name.text)


def test_a_spelling_has_one_language_and_comes_once(everything, names):
    languages = defaultdict(set)
    for name in everything:
        languages[name.text].add(name.language)
    assert languages["august"] >= {"de", "en", "da", "nb"}
    assert sorted(text for text, of in languages.items() if len(of) == 1) == sorted(name.text for name in names)
    assert set(names) <= set(everything)


def test_of_two_meanings_in_one_language_the_first_is_kept(everything, names):
    assert {name.meaning for name in everything if name.text == "saksa"} == {"territory DE", "language de"}
    assert [(name.language, name.meaning) for name in names if name.text == "saksa"] == []  # Estonian says so, too
    ways = [name.meaning for name in everything if (name.text, name.language) == ("hindi", "en")]
    assert ways == ["language hi"]
    both = Counter((name.text, name.language) for name in everything)
    of_names = {(name.text, name.language): name.meaning for name in names}
    twice = [key for key, count in both.items() if count > 1 and key in of_names]
    assert twice
    for text, language in twice:
        first = next(name.meaning for name in everything if (name.text, name.language) == (text, language))
        assert of_names[text, language] == first


def test_no_language_rules_and_a_letter_seldom_tells(names):
    counts = Counter(name.language for name in names)
    assert set(counts) == set(LANGUAGES)
    assert max(counts.values()) < 0.08 * len(names)
    of_letter = defaultdict(set)
    for name in names:
        for letter in name.text:
            of_letter[letter].add(name.language)
    told = [name for name in names if any(len(of_letter[letter]) == 1 for letter in name.text)]
    assert len(told) < 0.1 * len(names)


def test_lengths_differ_so_that_there_is_something_to_pad(names):
    lengths = [len(name.text) for name in names]
    assert min(lengths) <= 3
    assert max(lengths) > 40


def test_fewer_languages_share_fewer_spellings():
    few = read_names(("de", "fr"))
    assert {name.language for name in few} == {"de", "fr"}
    assert "saksa" not in {name.text for name in few}
    assert "januar" in {name.text for name in few}  # which Norwegian says as well


def test_a_meaning_is_held_out_in_every_language_at_once(names):
    parts = folds(names, 5)
    assert sorted(name for part in parts for name in part) == sorted(names)
    meanings = [{name.meaning for name in part} for part in parts]
    for i, some in enumerate(meanings):
        assert all(some.isdisjoint(others) for others in meanings[:i])
    assert max(map(len, meanings)) - min(map(len, meanings)) <= 1
    assert folds(names, 5) == parts != folds(names, 5, seed=1)
    assert [name for name in names if name in set(parts[0])] == parts[0]  # in their order


def test_folds_of_a_few():
    few = read_names(("de", "fr"))[:7]
    assert sorted(map(len, folds(few, 7))) == [1] * 7
    with pytest.raises(ValueError, match="there are 7 meanings, so 2 to 7 parts, not count=8"):
        folds(few, 8)
    with pytest.raises(ValueError, match="not count=1"):
        folds(few, 1)


def test_unknown_languages_are_told():
    with pytest.raises(ValueError, match=r"'tlh' is none .* ca, cs, da"):
        read_names(("de", "tlh"))


CODE = "from course_lib.data.names import *; print(ascii(folds(read_names(('de', 'ru', 'fi')), 4, seed=3)))"


def test_the_same_names_in_every_process():
    found = set()
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, encoding="utf-8", check=True, env=environment
        )
        found.add(done.stdout)
    assert len(found) == 1
