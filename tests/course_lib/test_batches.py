"""Vocabulary and padding: by hand, and there and back."""

import numpy as np
import pytest

from course_lib.data.batches import PADDING, Vocabulary, pad_batch


def test_ids_by_hand():
    vocabulary = Vocabulary.of(["caba", "d"])
    assert vocabulary.tokens == ("a", "b", "c", "d")
    assert len(vocabulary) == 5
    assert vocabulary.encode("dab") == [4, 1, 2]
    assert vocabulary.decode([4, 1, 2]) == "dab"


def test_padding_stands_for_nothing():
    assert Vocabulary(("x", "y")).decode([PADDING, 2, 1, PADDING, PADDING]) == "yx"


def test_words_are_tokens_too():
    vocabulary = Vocabulary(("<begin>", "the", "cat"))
    assert vocabulary.encode(["<begin>", "cat"]) == [1, 3]


def test_there_and_back():
    texts = ["2024年5月12日", "12 Μαΐου 2024", "", "12. Mai"]
    vocabulary = Vocabulary.of(texts)
    ids, lengths = pad_batch([vocabulary.encode(text) for text in texts])
    assert [vocabulary.decode(row) for row in ids] == texts
    assert lengths.tolist() == [10, 13, 0, 7]
    assert ids.shape == (4, 13)
    assert ((ids != PADDING).sum(axis=1) == lengths).all(), "no character has the id of the padding"


def test_pad_batch_by_hand():
    ids, lengths = pad_batch([[3, 1], [2, 2, 5], [4]])
    np.testing.assert_array_equal(ids, [[3, 1, 0], [2, 2, 5], [4, 0, 0]])
    np.testing.assert_array_equal(lengths, [2, 3, 1])
    assert ids.dtype.kind == lengths.dtype.kind == "i"


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="'z' is not in the vocabulary of 2 tokens"):
        Vocabulary(("a", "b")).encode("az")
    with pytest.raises(ValueError, match="once"):
        Vocabulary(("a", "b", "a"))
    with pytest.raises(ValueError, match="at least one"):
        pad_batch([])
