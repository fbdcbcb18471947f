"""Sketches find whatever the whole comparison would find, in order, and little else."""

import numpy as np
import pytest

from grader.call import returned
from grader.diagnose import is_same
from grader.reply import Reply
from grader.sketches import NUMBERS, Sketches

RNG = np.random.default_rng(5)
TABLE = RNG.normal(size=(7, 11))  # more numbers than a sketch has
HOLED = np.where(TABLE > 1, np.nan, TABLE)
VALUES = {
    "a table": TABLE,
    "the table, rounded": TABLE.astype(np.float32),
    "the table, rounded more": TABLE.astype(np.float16),
    "the table, almost": TABLE * (1 + 1e-10),
    "the table, not quite": TABLE * (1 + 1e-7),
    "the table, doubled": 2 * TABLE,
    "the table, turned": TABLE.T,
    "with holes": HOLED,
    "with holes, rounded": HOLED.astype(np.float32),
    "with an infinity": np.where(TABLE > 2, np.inf, TABLE),
    "of zeros": 0 * TABLE,
    "of almost zeros": 1e-12 * TABLE,
    "complex": TABLE + 1j,
    "complex, turned in the plane": (TABLE + 1j) * 1j,
    "whole numbers": np.arange(77).reshape(7, 11),
    "other whole numbers": np.arange(77, dtype=np.uint8).reshape(7, 11),
    "booleans": TABLE > 0,
    "one number": np.float64(3.5),
    "almost one number": np.float32(3.5),
    "nothing": np.zeros((0, 4)),
}
REPLIES = {
    **{name: returned(value) for name, value in VALUES.items()},
    "a list": returned([1, 2]),
    "a text": returned("text"),
    "raised": Reply("raised", error="ValueError", message="no"),
    "raised otherwise": Reply("raised", error="TypeError", message="no"),
    "broken": Reply("broken", message="no module"),
}
KNOWN = Sketches(REPLIES.items())


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("same_dtype", [True, False])
def test_whatever_is_the_same_is_found_in_order(name, same_dtype):
    found = KNOWN.like(REPLIES[name])
    same = [other for other, reply in REPLIES.items() if is_same(REPLIES[name], reply, same_dtype=same_dtype)]
    assert [other for other in found if other in same] == same
    assert found == sorted(found, key=list(REPLIES).index)


def test_what_differs_in_a_number_of_the_sketch_is_not_found():
    def arrays(reply):
        return [name for name in KNOWN.like(reply) if name in VALUES]

    assert TABLE.size > NUMBERS
    assert arrays(REPLIES["the table, doubled"]) == ["the table, doubled"]
    assert "with holes" not in arrays(REPLIES["a table"])
    assert arrays(returned(TABLE[:3])) == []
    assert arrays(returned(RNG.normal(size=(7, 11)))) == []


def test_random_results_within_the_tolerance_are_found():
    shapes = [(), (1,), (3,), (4, 5), (2, 3, 17)]
    for number in range(200):
        value = RNG.normal(size=shapes[number % len(shapes)]) * 10.0 ** RNG.integers(-6, 7)
        near = value + 1e-9 * np.abs(value) * RNG.uniform(-1, 1, size=value.shape)
        known = Sketches([("far", returned(value + 1)), ("near", returned(value))])
        reply = returned(near)
        assert is_same(reply, returned(value))
        assert "near" in known.like(reply)
