"""Errors that teach: each says what was expected, what came, and the way out."""

import array_api_strict
import numpy as np
import pytest
import torch

from course_lib import (
    additive_scores,
    attention_weights,
    causal_mask,
    combine_masks,
    dot_product_scores,
    masked_softmax,
    padding_mask,
    scaled_dot_product_attention,
    softmax,
)


@pytest.fixture(params=[np, torch], ids=["numpy", "torch"])
def xp(request):
    return request.param


def message(error, function, *arguments, **options):
    """Return what `function` says when it raises exactly `error`."""
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    assert caught.type is error
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "one sentence, not two tracebacks"
    return str(caught.value)


def test_lists_are_not_arrays():
    assert message(TypeError, softmax, [1.0, 2.0]) == (
        "scores must be a NumPy array or a PyTorch tensor, not a list. "
        "For a list of numbers: scores = np.array(scores) or torch.tensor(scores)."
    )
    assert "key must be" in message(TypeError, dot_product_scores, np.ones((2, 3)), [[1.0]])
    assert "value must be" in message(TypeError, scaled_dot_product_attention, np.ones((2, 3)), np.ones((2, 3)), None)
    assert "mask must be" in message(TypeError, masked_softmax, np.ones((2, 3)), [[True, False, True]])
    assert "lengths must be" in message(TypeError, padding_mask, [2, 3])
    assert "like must be" in message(TypeError, causal_mask, 3, like="torch")
    assert "mask_2 must be" in message(TypeError, combine_masks, np.ones(2, dtype=bool), True)


def test_one_library_at_a_time():
    query, key = np.ones((2, 3)), torch.ones(4, 3)
    assert message(TypeError, dot_product_scores, query, key) == (
        "all arrays must come from one library, but query is a numpy.ndarray, key is a torch.Tensor. "
        "Convert with torch.from_numpy(array) or tensor.numpy()."
    )
    mixed_mask = message(TypeError, attention_weights, key, key, np.ones((4, 4), dtype=bool))
    assert "mask is a numpy.ndarray, scores is a torch.Tensor" in mixed_mask
    mixed_masks = message(TypeError, combine_masks, causal_mask(3), torch.ones(3, dtype=torch.bool))
    assert "mask_1 is a numpy.ndarray, mask_2 is a torch.Tensor" in mixed_masks


def test_floating_point_numbers_only(xp):
    for function, arguments in (
        (softmax, [xp.asarray([[1, 2]])]),
        (dot_product_scores, [xp.ones((2, 3)), xp.ones((4, 3), dtype=xp.int64)]),
        (attention_weights, [xp.ones((2, 3), dtype=xp.int64), xp.ones((4, 3), dtype=xp.int64)]),
        (scaled_dot_product_attention, [xp.ones((2, 3)), xp.ones((4, 3)), xp.ones((4, 5), dtype=xp.int64)]),
    ):
        said = message(TypeError, function, *arguments)
        assert "must hold floating-point numbers, not" in said
        assert "int64" in said
        assert "np.asarray(" in said
        assert ".float()" in said
    assert "bool" in message(TypeError, softmax, xp.asarray([True, False]))
    assert "complex" in message(TypeError, softmax, xp.asarray([1j, 2]))


def test_one_dtype(xp):
    query, key = xp.ones((2, 3), dtype=xp.float32), xp.ones((4, 3), dtype=xp.float64)
    said = message(TypeError, dot_product_scores, query, key)
    assert "all arrays must have one dtype, but query is" in said
    assert "float32, key is" in said
    assert "float64" in said
    assert "Convert with array.astype(dtype) or tensor.to(dtype)." in said


@pytest.mark.parametrize(
    "on",
    [
        lambda array, second: array_api_strict.asarray(
            array, device=array_api_strict.Device("device1" if second else "CPU_DEVICE")
        ),
        lambda array, second: torch.asarray(array, device="meta" if second else "cpu"),
    ],
    ids=["array_api_strict", "torch"],
)
def test_one_device(on):
    floats, booleans = np.ones((3, 3)), np.ones((3, 3), dtype=bool)
    said = message(ValueError, dot_product_scores, on(floats, False), on(floats, True))
    assert said.startswith("all arrays must lie on one device, but query is on ")
    assert ", key is on " in said
    assert said.endswith("Move with tensor.to(device).")
    said = message(ValueError, masked_softmax, on(floats, False), on(booleans, True))
    assert "mask is on" in said
    assert "scores is on" in said
    said = message(ValueError, combine_masks, on(booleans, False), on(booleans, True))
    assert "mask_1 is on" in said
    assert "mask_2 is on" in said


def test_axes_that_are_missing(xp):
    assert message(ValueError, softmax, xp.asarray(1.0)) == "scores must have shape (..., n), but its shape is ()."
    assert message(ValueError, dot_product_scores, xp.ones(3), xp.ones((4, 3))) == (
        "query must have shape (..., q_len, d_k), but its shape is (3,)."
    )
    assert message(ValueError, dot_product_scores, xp.ones((4, 3)), xp.ones(3)) == (
        "key must have shape (..., k_len, d_k), but its shape is (3,)."
    )
    assert "query must have shape" in message(ValueError, attention_weights, xp.asarray(1.0), xp.ones((4, 3)))
    for arguments in ((xp.ones((2, 3)), xp.ones((4, 3)), xp.ones(4)), (xp.ones((2, 3)), xp.ones(3), xp.ones((4, 5)))):
        name = "value" if arguments[2].ndim == 1 else "key"
        assert f"{name} must have shape (..., k_len, d_" in message(
            ValueError, scaled_dot_product_attention, *arguments
        )
    assert message(ValueError, masked_softmax, xp.ones((2, 3)), xp.asarray(True)) == (
        "mask must have shape (..., k_len), but its shape is ()."
    )


@pytest.mark.parametrize("axis", [2, -3])
def test_axis_that_does_not_exist(xp, axis):
    assert message(ValueError, softmax, xp.ones((2, 3)), axis) == f"scores has axes -2 to 1, but axis is {axis}."


def test_sizes_that_differ(xp):
    assert message(ValueError, dot_product_scores, xp.ones((2, 3)), xp.ones((5, 4))) == (
        "queries and keys are compared component by component, so their last axis d_k must agree, "
        "but d_k of query is 3, d_k of key is 4."
    )
    assert "d_k of query is 3" in message(ValueError, attention_weights, xp.ones((2, 3)), xp.ones((3, 4)))
    assert message(ValueError, scaled_dot_product_attention, xp.ones((2, 3)), xp.ones((5, 3)), xp.ones((4, 7))) == (
        "every key has one value, but number of keys is 5, number of values is 4."
    )


def test_leading_axes_that_do_not_broadcast(xp):
    assert message(ValueError, dot_product_scores, xp.ones((2, 4, 3)), xp.ones((5, 7, 3))) == (
        "the leading axes (batch, heads) must be equal or 1, but query has (2,), key has (5,)."
    )
    arguments = xp.ones((2, 4, 3)), xp.ones((2, 7, 3)), xp.ones((5, 7, 6))
    assert "key has (2,), value has (5,)." in message(ValueError, scaled_dot_product_attention, *arguments)
    arguments = xp.ones((2, 4, 3)), xp.ones((5, 7, 3)), xp.ones((3, 6)), xp.ones((3, 6)), xp.ones(6)
    assert "query has (2,), key has (5,)." in message(ValueError, additive_scores, *arguments)


@pytest.mark.parametrize(
    ("which", "shape", "said"),
    [
        ("query", (4,), "query must have shape (..., q_len, d_q), but its shape is (4,)."),
        ("key", (7,), "key must have shape (..., k_len, d_k), but its shape is (7,)."),
        ("W_q", (2, 4, 6), "W_q must have shape (d_q, d_hidden), but its shape is (2, 4, 6)."),
        ("W_k", (7,), "W_k must have shape (d_k, d_hidden), but its shape is (7,)."),
        ("v", (6, 1), "v must have shape (d_hidden,), but its shape is (6, 1)."),
        ("W_q", (6, 4), "W_q takes queries, but d_q of query is 4, rows of W_q is 6."),
        ("W_k", (6, 7), "W_k takes keys, but d_k of key is 7, rows of W_k is 6."),
        (
            "v",
            (5,),
            "W_q, W_k and v share the hidden size, but columns of W_q is 6, columns of W_k is 6, size of v is 5.",
        ),
    ],
)
def test_additive_scores_of_wrong_shapes(xp, which, shape, said):
    shapes = {"query": (3, 4), "key": (5, 7), "W_q": (4, 6), "W_k": (7, 6), "v": (6,)} | {which: shape}
    assert message(ValueError, additive_scores, **{name: xp.ones(shape) for name, shape in shapes.items()}) == said


def test_masks_are_boolean(xp):
    scores, ones = xp.ones((2, 3)), xp.ones((2, 3))
    said = message(TypeError, masked_softmax, scores, ones)
    assert said.startswith("mask must be boolean, True = may attend, not ")
    assert "float" in said
    assert said.endswith("For a mask of ones and zeros: mask == 1. For a mask of 0 and -inf to be added: mask == 0.")
    said = message(TypeError, combine_masks, ones == 1, ones)
    assert said.startswith("mask_2 must be boolean, True = may attend, not ")


@pytest.mark.parametrize("shape", [(4,), (3, 2), (3, 3), (5, 2, 3), (1, 2, 3)], ids=str)
def test_masks_broadcast_to_the_scores(xp, shape):
    said = message(ValueError, masked_softmax, xp.ones((2, 3)), xp.ones(shape) == 1)
    assert said == (
        f"the mask must broadcast to the scores' shape (..., q_len, k_len) = (2, 3), but its shape is {shape}. "
        "A mask over keys for a batch has shape (batch, 1, k_len)."
    )


def test_masks_that_do_not_broadcast_against_each_other(xp):
    said = message(ValueError, combine_masks, xp.ones((2, 3)) == 1, xp.ones((4, 3)) == 1)
    assert said == (
        "the masks' shapes must broadcast, but they are (2, 3), (4, 3). A padding mask has shape (batch, 1, k_len), "
        "a causal mask (length, length)."
    )
    assert message(TypeError, combine_masks) == "combine_masks needs at least one mask."


def test_lengths(xp):
    assert "so they must be integers, not" in message(TypeError, padding_mask, xp.asarray([1.0, 2.0]))
    assert "so they must be integers, not" in message(TypeError, padding_mask, xp.asarray([True, False]))
    assert message(ValueError, padding_mask, xp.asarray([2, 5]), 4) == (
        "lengths must lie between 0 and max_len=4, but they run from 2 to 5."
    )
    assert "run from -1 to 3" in message(ValueError, padding_mask, xp.asarray([3, -1]))
