"""What crosses between judge and child: raw numbers of known dtypes, never more than expected, never code."""

import io
import json

import numpy as np
import pytest

from grader.reply import Reply, from_message, to_message
from grader.wire import DTYPES, LARGEST_TEXT, WireError, fits, pack, reader_of, receive


def crossed(header, arrays=None, most=2**20):
    return receive(reader_of(io.BytesIO(pack(header, arrays))), most)


def message(text, numbers=b""):
    return reader_of(io.BytesIO(len(text).to_bytes(8, "little") + text + numbers))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), (2, 1, 5)], ids=str)
def test_numbers_cross_as_they_are(dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    header, arrays = crossed({"a": [1, None, "ü"]}, {"x": array, "y": array.T})
    assert header == {"a": [1, None, "ü"]}
    assert arrays["x"].dtype == array.dtype
    np.testing.assert_array_equal(arrays["x"], array)
    np.testing.assert_array_equal(arrays["y"], array.T)
    arrays["x"][...] = 1  # it is the receiver's own


def test_infinities_nan_and_foreign_byte_order_survive():
    odd = np.array([np.inf, -np.inf, np.nan, -0.0], dtype=">f4")
    _, arrays = crossed({}, {"x": odd})
    assert arrays["x"].tobytes() == odd.astype("<f4").tobytes()


def test_several_messages_follow_each_other():
    read = reader_of(io.BytesIO(pack({"n": 1}, {"x": np.eye(2)}) + pack({"n": 2})))
    assert receive(read, 32)[0] == {"n": 1}
    assert receive(read, 0) == ({"n": 2}, {})
    with pytest.raises(EOFError):
        receive(read, 0)


def test_more_numbers_than_expected_are_refused_before_they_are_read():
    taken = []

    def read(count):
        taken.append(count)
        return stream.read(count)

    stream = io.BytesIO(pack({}, {"x": np.ones(3), "y": np.ones(2)}))
    with pytest.raises(WireError, match="40 bytes of numbers where 39 are the most"):
        receive(read, 39)
    assert len(taken) == 2  # the length and the text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[1, []]",
        b"\xff",
        b"[{}, [['x', 'float64', [1]]]]",
        b"[" * 100_000,
        b"9" * 5_000,
        json.dumps([{}, [["x", "object", [1]]]]).encode(),
        json.dumps([{}, [["x", "float64", [-1]]]]).encode(),
        json.dumps([{}, [["x", "float64", [1.0]]]]).encode(),
        json.dumps([{}, [["x", "float64", [True]]]]).encode(),
        json.dumps([{}, [["x", "float64", [1] * 33]]]).encode(),
        json.dumps([{}, [["x", "float64"]]]).encode(),
        json.dumps([{}, [["x", ["float64"], [1]]]]).encode(),
        json.dumps([{}, [["x", "int8", [2**47, 2**47, 0]]]]).encode(),  # of no bytes, and too large for NumPy
        json.dumps([{}, [[str(number), "int8", [0]] for number in range(1001)]]).encode(),
    ],
    ids=lambda text: text[:20].decode(errors="replace"),
)
def test_what_is_no_message_is_an_error_of_one_kind(text):
    with pytest.raises(WireError, match="no message of ours"):
        receive(message(text, bytes(8)), 8)


def test_a_text_without_end_is_refused_before_it_is_read():
    endless = reader_of(io.BytesIO((LARGEST_TEXT + 1).to_bytes(8, "little")))
    with pytest.raises(WireError, match="a text of"):
        receive(endless, 0)


def test_a_shape_that_multiplies_to_nothing_may_not_hide_a_large_one():
    _, arrays = receive(message(json.dumps([{}, [["x", "int8", [2**40, 0]]]]).encode()), 0)
    assert arrays["x"].shape == (2**40, 0)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.array([1], dtype="M8[s]"), np.zeros(1, "V3")])
def test_only_numbers_fit(array):
    assert not fits(array)


def test_a_reply_survives_the_crossing():
    reply = Reply(
        "returned",
        value=np.eye(2, 3),
        kind="ndarray",
        dtype="float64",
        shape=(2, 3),
        after={"x": np.arange(4), "y": None},
        called=("a.b",),
    )
    back = from_message(*crossed(*to_message(reply)))
    np.testing.assert_array_equal(back.value, reply.value)
    np.testing.assert_array_equal(back.after["x"], [0, 1, 2, 3])
    assert (back.status, back.kind, back.shape, back.called) == ("returned", "ndarray", (2, 3), ("a.b",))
    assert back.after["y"] is None


@pytest.mark.parametrize(
    "change",
    [{"status": "right"}, {"shape": "no"}, {"shape": [[]]}, {"called": 3}, {"after": None}, {"shape": [1e400]}],
    ids=str,
)
def test_a_reply_that_is_none_is_refused(change):
    header, arrays = to_message(Reply("returned"))
    with pytest.raises(WireError, match="no reply"):
        from_message({**header, **change}, arrays)


def test_texts_without_end_and_halves_of_characters_are_cut():
    """Whoever forges a reply may write any text; what looks at it, and what stores it, should get no such thing."""
    header, _ = to_message(Reply("raised"))
    header |= {"message": "m" * 10**6, "line": "(" * 10**6, "error": "\ud800", "called": ["c" * 10**5] * 10**5}
    header["operands"] = [["\udfff" * 10**5, "l" * 10**5, "d" * 10**5, [2] * 10**5, "w" * 10**5]] * 50
    reply = from_message(header, {})
    assert len(repr(reply)) < 20_000
    repr(reply).encode()
    assert (reply.error, set(reply.message), set(reply.line)) == ("?", {"m"}, {"("})


def test_a_reply_without_its_fields_is_refused():
    with pytest.raises(WireError, match="no reply"):
        from_message({"status": "returned"}, {})
