"""Vocabulary, padding and buckets: by hand, and there and back."""

import numpy as np
import pytest

from course_lib.data.batches import BEGIN, END, PADDING, POOL, UNKNOWN, Vocabulary, bucketed, pad_batch


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


def test_special_tokens_come_first():
    vocabulary = Vocabulary.of(["caba", "EB"], special=(BEGIN, END))
    assert vocabulary.tokens == ("BEGIN", "END", "B", "E", "a", "b", "c")
    assert vocabulary.encode([BEGIN, "b", END]) == [1, 6, 2]
    assert vocabulary.encode("BE") == [3, 4], "the letters of a special token are letters"
    assert vocabulary.decode([1, 6, PADDING, 2]) == "BEGINbEND"


def test_unknown_stands_for_all_that_are_not_in_the_vocabulary():
    vocabulary = Vocabulary.of(["ab"], special=(BEGIN, UNKNOWN))
    assert vocabulary.encode("xaüb") == [2, 3, 2, 4]
    assert vocabulary.decode([2, 3]) == "UNKNOWNa"


def test_tokens_may_come_one_by_one():
    assert Vocabulary.of(iter(["ba"])).encode(iter("abba")) == [1, 2, 2, 1]
    assert Vocabulary(("a", "b")).decode(iter([1, 0, 2])) == "ab"


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


def test_pad_batch_of_frames_by_hand():
    short, long = np.array([[1.5, 2]], dtype=np.float32), np.array([[3, 4], [5, 6], [7, 0.25]], dtype=np.float32)
    frames, lengths = pad_batch([short, long, long[:2]])
    expected = [[[1.5, 2], [0, 0], [0, 0]], [[3, 4], [5, 6], [7, 0.25]], [[3, 4], [5, 6], [0, 0]]]
    np.testing.assert_array_equal(frames, np.array(expected, dtype=np.float32), strict=True)
    assert lengths.tolist() == [1, 3, 2]
    assert long[0, 0] == 3, "the sequences stay as they are"
    frames[1] = 0
    assert long[0, 0] == 3, "and are no part of the rectangle"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frames_keep_their_type(dtype):
    some, none = np.ones((2, 5), dtype=dtype), np.ones((0, 5), dtype=dtype)
    for batch, shape in (([some], (1, 2, 5)), ([none, some, none], (3, 2, 5)), ([none, none], (2, 0, 5))):
        frames, lengths = pad_batch(batch)
        assert frames.dtype == dtype
        assert frames.shape == shape
        assert lengths.tolist() == [len(each) for each in batch]


@pytest.mark.parametrize(
    ("sequences", "dtype"),
    [
        ([[1.9], [2, 3]], np.float64),
        ([[2, 3], [1.9], []], np.float64),
        ([np.array([7], dtype=np.int32), np.array([1, 2], dtype=np.int64)], np.int64),
        ([np.array([0.1]), np.array([1, 2], dtype=np.float32)], np.float64),
        ([np.ones((1, 2), dtype=np.float32), np.ones((3, 2), dtype=np.int8)], np.float32),
    ],
)
def test_no_number_is_rounded_to_the_type_of_another(sequences, dtype):
    padded, lengths = pad_batch(sequences)
    assert padded.dtype == dtype
    for row, length, sequence in zip(padded, lengths, sequences, strict=True):
        assert row[:length].tolist() == np.asarray(sequence).tolist()


@pytest.mark.parametrize("ids", [[[7, 8]], [[]], [[], [5], []], [(), (4, 4)]], ids=str)
def test_ids_are_integers_even_where_there_are_none(ids):
    padded, lengths = pad_batch(ids)
    assert padded.dtype == lengths.dtype == np.int64
    assert padded.shape == (len(ids), max(map(len, ids)))
    assert [row[:length].tolist() for row, length in zip(padded, lengths, strict=True)] == list(map(list, ids))


# Buckets


@pytest.mark.parametrize(("count", "batch_size"), [(1, 3), (7, 7), (100, 1), (403, 4), (160, 8), (161, 8)])
def test_every_example_is_in_one_batch(rng, count, batch_size):
    batches = bucketed(rng.integers(1, 30, count), batch_size, rng)
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    sizes = sorted(map(len, batches), reverse=True)
    assert len(batches) == -(-count // batch_size)
    assert sizes[:-1] == [batch_size] * (len(batches) - 1), "only the last is smaller"


def test_pools_are_sorted(rng):
    lengths = rng.permutation(POOL * 3)  # one pool: three of like length side by side
    batches = bucketed(lengths, 3, rng)
    assert sorted(sorted(lengths[batch].tolist()) for batch in batches) == [[n, n + 1, n + 2] for n in range(0, 60, 3)]
    assert [lengths[batch].min() for batch in batches] != sorted(lengths[batch].min() for batch in batches)


def test_a_pool_is_no_larger_than_it_says(rng):
    # Two pools of examples: were they one, every batch would hold neighbors.
    lengths = np.arange(2 * POOL * 5)
    spread = [np.ptp(lengths[batch]) for batch in bucketed(lengths, 5, rng)]
    assert max(spread) > 4
    assert np.mean(spread) < 20


def test_an_order_for_each_seed():
    lengths = [5, 3, 5, 5, 2, 3, 5, 4, 5, 1, 5, 5]

    def order(seed):
        return [batch.tolist() for batch in bucketed(lengths, 5, np.random.default_rng(seed))]

    assert order(1) == order(1) != order(2)
    assert len({frozenset(batch) for seed in range(9) for batch in order(seed)}) > 3, "companions change, too"
    assert bucketed([], 5, np.random.default_rng(1)) == []


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="'z' is not in the vocabulary of 2 tokens"):
        Vocabulary(("a", "b")).encode("az")
    with pytest.raises(ValueError, match="'z' is not in the vocabulary"):
        Vocabulary(("a", "b")).encode(iter("z"))
    with pytest.raises(ValueError, match="once"):
        Vocabulary(("a", "b", "a"))
    with pytest.raises(ValueError, match="once"):
        Vocabulary.of([[BEGIN, "word"]], special=(BEGIN,))
    with pytest.raises(ValueError, match="at least one"):
        pad_batch([])
