"""The stored Transformer that reads dates: that it is the one, that it reads, and what it says when it cannot."""

import numpy as np
import pytest
import torch

from course_lib import date_reader
from course_lib.data.batches import BEGIN, END, Vocabulary
from course_lib.date_reader import (
    DIGEST,
    FILE,
    DateReader,
    ModelFileError,
    UnreadableTextError,
    dates_to_learn_from,
    held_out_dates,
    load_date_reader,
    read_file,
)
from course_lib.evaluation import exact_match
from course_lib.transformer import Sizes

SMALL = Sizes(d_model=6, num_heads=3, d_ff=5, num_layers=1)


@pytest.fixture(scope="module")
def reader():
    return load_date_reader()


@pytest.fixture
def untrained():
    torch.manual_seed(0)
    return DateReader(SMALL, Vocabulary.of(["12. Mai"]), Vocabulary((BEGIN, END, *"-0123456789")), longest=9)


def test_the_file_is_small_enough_to_be_brought_along():
    assert FILE.stat().st_size < 1_000_000


def test_no_day_is_learned_and_held_out():
    held_out = {written.iso for written in held_out_dates()}
    assert len(held_out) == 2_880
    assert not held_out & {written.iso for written in dates_to_learn_from()}
    assert held_out_dates(5) == held_out_dates()[:5]


def test_it_reads_days_that_it_did_not_learn_from_and_cut_it_does_not(reader):
    dates = held_out_dates(480)
    texts, days = [written.text for written in dates], [written.iso for written in dates]
    assert exact_match(reader.read_all(texts), days) >= 0.99
    assert exact_match(reader.without_attention().read_all(texts), days) <= 0.02


NATURAL = {  # as people type them, hardly any as CLDR has it
    "2003-07-07": (
        *("2003-07-07", "2003-7-7", "July 7, 2003", "July 7 2003", "july 7 2003", "Jul 7 2003", "July 7th, 2003"),
        *("7 July 2003", "7th July 2003", "7th of July 2003", "Monday July 7 2003", "le 7 juillet 2003"),
        *("7 Juli 2003", "7. juli 2003", "7 de julio 2003", "7 julio 2003", "7 lipca 2003", "7月7日 2003"),
    ),
    "2024-05-12": (
        *("May 12 2024", "may 12 2024", "May 12th 2024", "12 May 2024", "12 May, 2024", "2024 May 12", "2024-05-12"),
        *("12 mai 2024", "12. Mai 2024", "12 Mai 2024", "12.05.2024", "12 de mayo 2024", "12 maio 2024", "12 мая 2024"),
        *("5月12日 2024", "5月12日2024年", "2024年 5月 12日", "2024년5월12일", "12 Μαΐου 2024", "12 मई, 2024"),
    ),
    "1987-12-25": (
        *("Dec 25 1987", "Dec. 25, 1987", "december 25th 1987", "25th December 1987", "25 dec 1987"),
        *("25. Dezember 1987", "25 Dezember 1987", "25 diciembre 1987", "25 grudnia 1987", "25 декабря 1987"),
        *("25 ديسمبر 1987", "25 בדצמבר 1987", "25 דצמבר 1987", "25 Δεκεμβρίου 1987", "12月25日 1987", "1987.12.25"),
    ),
    "1955-09-01": (
        *("Sept 1 1955", "September 1st, 1955", "1st September 1955", "the 1st of September 1955", "1955-09-01"),
        *("1er septembre 1955", "1 septembre 1955", "1 sept 1955", "1 сентября 1955", "1 de setembro de 1955"),
    ),
}


@pytest.mark.parametrize("day", NATURAL)
def test_it_reads_what_people_type_who_do_not_know_how_it_learned(reader, day):
    assert {text: reader.read(text).answer for text in NATURAL[day]} == dict.fromkeys(NATURAL[day], day)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("May 12, 2024", "2024-05-12"),
        ("  may   12, 2024\n", "2024-05-12"),
        ("DEC 25 1987", "1987-12-25"),
        ("２０２４年５月１２日", "2024-05-12"),  # full-width digits, as a Japanese keyboard types them
        ("\u200f26 \u05d1\u05de\u05d0\u05d9 1987", "1987-05-26"),  # Hebrew, with a mark of its direction
    ],
)
def test_it_reads_what_people_type(reader, text, day):
    assert reader.read(text).answer == day


def test_a_reading_is_what_many_at_once_get(reader):
    texts = [written.text for written in held_out_dates(7)]
    assert [reader.read(text).answer for text in texts] == reader.read_all(texts)


@pytest.mark.parametrize("cut", [False, True])
def test_weights_are_shares_of_the_text(reader, cut):
    read = (reader.without_attention() if cut else reader).read("26 Μαΐου 1987")
    assert read.weights.shape == (len(read.answer), len(read.text)) == (10, 13)
    np.testing.assert_allclose(read.weights.sum(axis=1), 1, rtol=1e-5)
    assert read.weights.min() >= 0


def test_cut_every_character_counts_the_same_and_nothing_else_changes(reader):
    cut = reader.without_attention()
    np.testing.assert_allclose(cut.read("26 Μαΐου 1987").weights, 1 / 13, rtol=1e-5)
    changed = {
        name
        for (name, one), other in zip(reader.model.state_dict().items(), cut.model.state_dict().values(), strict=True)
        if not torch.equal(one, other)
    }
    assert changed == {
        f"decoder.blocks.{n}.cross_attention.W_q.{part}" for n in range(2) for part in ("weight", "bias")
    }


def test_the_month_looks_at_its_name_and_the_day_at_its_digits(reader):
    weights = reader.read("26 Μαΐου 1987").weights
    assert weights[5:7, 3:8].sum(axis=1).mean() > 0.5
    assert weights[8:10, 0:2].sum(axis=1).mean() > 0.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is nothing to read yet"),
        (" \t\u200f", "There is nothing to read yet"),
        ("12 þ", "It has never seen the letter “þ”: no date that it learned from has it."),
        ("ð þ ð 12", "It has never seen the letters “ð” and “þ”: no date that it learned from has them."),
        ("\u0661\u0662 2024", "It has never seen the digits “\u0661” and “\u0662”"),
        ("12 & þ", "It has never seen the characters “&” and “þ”"),
        ("1" * 39, "These are 39 characters; the longest date that it learned from has 38."),
    ],
)
def test_what_it_cannot_read_is_named(reader, text, said):
    with pytest.raises(UnreadableTextError) as caught:
        reader.read(text)
    assert str(caught.value).startswith(said)


def test_it_comes_back_from_its_file_as_it_was_stored(untrained, tmp_path):
    digest = untrained.store(tmp_path / "small.npz")
    state = torch.random.get_rng_state()
    back = read_file(tmp_path / "small.npz", digest)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (back.sizes, back.characters, back.digits, back.longest) == (
        *(SMALL, untrained.characters, untrained.digits, 9),
    )
    for one, other in zip(untrained.model.parameters(), back.model.parameters(), strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
    assert untrained.store(tmp_path / "again.npz") == digest


def test_a_missing_file_is_told_with_the_way_out(tmp_path):
    with pytest.raises(ModelFileError, match=r"cannot be read.*python3 course\.py date-reader") as caught:
        read_file(tmp_path / "date_reader.npz", DIGEST)
    assert "\n" not in str(caught.value)


def test_a_changed_file_is_told_with_the_way_out(tmp_path):
    content = bytearray(FILE.read_bytes())
    content[1000] ^= 1
    (tmp_path / "date_reader.npz").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"is not the file that it should be.*course\.py date-reader"):
        read_file(tmp_path / "date_reader.npz", DIGEST)


def test_loading_is_done_once():
    assert load_date_reader() is date_reader.load_date_reader()
