"""Text of strangers, for each place where it is read."""

import pytest
from a_class import each_hostile

from classroom.reports.harmless import LONGEST, cell, columns_of, harmless, markup, name_markup, on_one_line, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zoë 王小明 יעל كيم", "Zoë 王小明 יעל كيم"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\tb\u2028c", "a b c"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("\u202egnp.exe\u2066\u200f\ufeff", "gnp.exe"),
        ("\ud800", "\ufffd"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("Z" + "\u0301" * 50, "Z" + "\u0301" * 4),
    ],
)
def test_what_cannot_be_seen_or_turns_the_text_is_gone(text, expected):
    assert plain(text) == expected


def test_long_texts_are_cut_and_say_so():
    assert plain("x" * (LONGEST + 1_234)) == "x" * LONGEST + " … (1,234 more characters)"


@each_hostile
def test_a_terminal_gets_one_line(hostile):
    line = on_one_line(hostile)
    assert line.encode()
    assert all(character.isprintable() or character in "\u200c\u200d" for character in line)


@each_hostile
def test_markup_holds_no_element_but_code(hostile):
    shown = markup(hostile).replace("<code>", "").replace("</code>", "")
    assert "<" not in shown
    assert shown.encode()


def test_a_name_is_read_in_its_own_direction():
    assert name_markup("a <b>\n`c`") == "<bdi>a &lt;b&gt; <code>c</code></bdi>"


@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20")
@pytest.mark.parametrize(
    "before", ["", " ", "\t", "\r", "\n", "\x00", "\u200b", "\ufeff", "a;", "a\n", "a\u2028\n  ", "\u202e"]
)
def test_no_cell_holds_a_formula(sign, before):
    """Wherever a spreadsheet may begin a cell (also behind a semicolon, which some take for its end) stands none."""
    text = cell(f"{before}{sign}1+1")
    parts = [part.strip() for line in text.split("\n") for part in line.split(";")]
    assert not any(part.startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20")) for part in parts), repr(text)


def test_numbers_and_plain_texts_stay_as_they_are():
    assert [cell(value) for value in (-1.5, 0, "yours -1, expected 2", "a-b@c", "")] == [
        *(-1.5, 0, "yours -1, expected 2", "a-b@c", "")
    ]


def test_data_keeps_its_form():
    data = {"a": [1, None, True, {"b\x00": "\ud800"}], "c": 0.5}
    assert harmless(data) == {"a": [1, None, True, {"b\ufffd": "\ufffd"}], "c": 0.5}


def test_wide_and_flat_characters_take_the_columns_they_take():
    assert [columns_of(text) for text in ("abc", "王小", "e\u0301")] == [3, 4, 1]
