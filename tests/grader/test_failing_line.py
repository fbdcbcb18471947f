"""An answer that raises is told by its line, the arrays in it as they were, and what is certain about them."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from grader.advice import told
from grader.building import Build
from grader.call import Terms, raised, run_case
from grader.failing_line import Operand
from grader.reply import from_message, to_message

INPUTS = {"query": np.ones((2, 3, 4)), "key": np.ones((2, 5, 4)), "mask": np.ones((2, 5), dtype=bool)}


def reply_of(function, inputs=INPUTS):
    if inputs is INPUTS and function.__code__.co_varnames[:1] == ("torch_query",):
        inputs = {name: torch.from_numpy(value) for name, value in inputs.items()}
    try:
        function(*inputs.values())
    except Exception as error:
        return raised(error)
    raise AssertionError("it did not raise")


def transposed(query, key, mask):
    scores = 1.0 + query @ key.T
    return scores * mask


def test_the_arrays_of_the_failing_expression_come_with_their_shapes_and_dtypes():
    reply = reply_of(transposed)
    assert reply.line == "query @ key.T"
    assert reply.operands == (
        Operand("query", "numpy", "float64", (2, 3, 4)),
        Operand("key.T", "numpy", "float64", (4, 5, 2)),
    )
    assert told(reply) == (
        "Your function stopped at `query @ key.T`: query is float64 (2, 3, 4); key.T is float64 (4, 5, 2). `.T` turns "
        "all 3 axes around, the leading ones too; `key.swapaxes(-2, -1)` swaps the last two alone."
    )


def of_views(query, key, mask):
    return (
        query[:, None]
        + np.swapaxes(key, -2, -1)[0]
    )  # fmt: skip


def test_views_are_looked_at_and_an_expression_may_run_over_lines():
    reply = reply_of(of_views)
    assert [(one.text, one.shape) for one in reply.operands] == [
        ("query[:, None]", (2, 1, 3, 4)),
        ("np.swapaxes(key, -2, -1)[0]", (4, 5)),
    ]


class Loud:
    """Whatever is asked of it, it tells on."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        self.asked.append(name)
        raise AttributeError(name)

    def __matmul__(self, other):
        raise ValueError("no product")


def test_nothing_is_run_again():
    loud, calls = Loud(), []

    def count():
        calls.append(1)
        return np.ones((2, 2))

    reply = raised_by(lambda: loud.T @ count())
    assert (reply.error, calls, loud.asked) == ("AttributeError", [], ["T"])
    reply = raised_by(lambda: loud @ count())
    assert (reply.message, calls, reply.operands) == ("no product", [1], ())


def raised_by(function):
    try:
        function()
    except Exception as error:
        return raised(error)
    raise AssertionError("it did not raise")


def test_operands_cross_to_the_judge_as_they_are():
    reply = reply_of(transposed)
    assert from_message(*to_message(reply)).operands == reply.operands


def numpy_transpose(query, key, mask):
    return key.transpose(-2, -1)


def truth(query, key, mask):
    return mask and mask[0]


def no_axis(query, key, mask):
    return query.sum(axis=3)


def no_axis_of_a_tensor(torch_query, key, mask):
    return torch_query.softmax(dim=3)


def inner_axes(query, key, mask):
    return query @ key


def leading_axes(query, key, mask):
    return query[:, :, :3] @ np.ones((4, 3, 2))


def elementwise(query, key, mask):
    return query * key


def broadcast_of_tensors(torch_query, key, mask):
    return torch_query + mask


def of_two_dtypes(torch_query, key, mask):
    return torch_query @ torch.ones(2, 4, 5)


def taken_apart(query, key, mask):
    length, d_k = query.shape
    return length / d_k


def of_the_other(query, key, mask):
    return mask.unsqueeze(1)


def of_none(query, key, mask):
    hidden = None
    return ~hidden


def number_in_a_product(query, key, mask):
    return query @ np.float64(2)


def letters_for_a_batch(query, key, mask):
    return np.einsum("bhnd->bhdn", query)


def letters_for_no_batch(query, key, mask):
    return np.einsum("nd,md->nm", query, key)


def letter_of_two_sizes(query, key, mask):
    return np.einsum("...nd,...nv->...dv", query, key)


def too_many_for_the_mask(query, key, mask):
    rows = key[..., 0] - np.arange(5)
    rows[rows > 0] = mask.ravel()
    return rows


def ragged(query, key, mask):
    rows = [query[0], key[0]]
    return np.stack(rows)


def shape_in_two(query, key, mask):
    length = len(query)
    return np.ones(length, length)


def nested_list(query, key, mask):
    table = [[1, 2], [3]]
    return table[0, 1]


def float_count(query, key, mask):
    count = len(query) / 2
    return list(range(count))


def number_of_many(query, key, mask):
    return math.exp(query)


def too_large(query, key, mask):
    size = 1000.0
    return math.exp(size)


def laid_out(query, key, mask):
    return query.reshape(5, -1)


def laid_out_as_a_tensor(torch_query, key, mask):
    return torch_query.reshape(2, 3)


def put_in(query, key, mask):
    table = np.zeros((2, 3))
    table[:] = query
    return table


def appended(query, key, mask):
    rows = np.array([])
    return np.append(rows, query, axis=0)


def letters(query, key, mask):
    return np.einsum("bqd,bdk->bqk", query, key)


def letters_of_tensors(torch_query, key, mask):
    return torch.einsum("bqd,bdk->bqk", torch_query, torch.ones(2, 5, 4))


def no_such_name(query, key, mask):
    return querry @ key  # noqa: F821


def not_yet(query, key, mask):
    if mask.all():
        del query
    return query @ key


def axes_from_the_front(query, key, mask):
    return query[:, None, :] + key[None, :, :]


def axes_of_results(query, key, mask):
    return (2 * query)[:, None, :] + (2 * key)[None, :, :]


def two_columns(query, key, mask):
    rows, columns = np.ones((3, 1)), np.ones((5, 1))
    return rows * columns


def empty_pieces(query, key, mask):
    pieces = [query[:, 0:2], query[:, 4:6]]
    return np.stack(pieces)


def pieces_of_axis_one(query, key, mask):
    return np.stack([query[:, h:2] for h in range(2)])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (numpy_transpose, "NumPy's transpose wants the order of all axes"),
        (truth, "One True or False is asked there of an array that holds several"),
        (no_axis, "It asks for axis 3 of an array with 3 axes: they count from 0 to 2, or from -1 back to -3"),
        (no_axis_of_a_tensor, "It asks for axis 3 of an array with 3"),
        (inner_axes, "here 4, as long as the last but one of the right, here 5"),
        (elementwise, "axis -2 has 3 here and 5 there"),
        (broadcast_of_tensors, "axis -1 has 4 here and 5 there"),
        (of_two_dtypes, "here are float64 and float32"),
        (taken_apart, "It takes a shape apart into 2 names, and query has 3 axes here"),
        (of_the_other, "A NumPy array has no .unsqueeze"),
        (of_none, "hidden is None. hidden is None in this case, which is no array"),
        (number_in_a_product, "one of them is a single number here"),
        (letters_for_a_batch, "einsum has more letters for array 0, counted from 0, than that has axes"),
        (letters_for_no_batch, "An array has more axes than einsum has letters for"),
        (letter_of_two_sizes, "One letter of einsum stands for axes of different sizes"),
        (too_many_for_the_mask, "The mask is True at 2 places, and 10 numbers are to go there"),
        (ragged, "rows is a list of 2: float64 (3, 4), float64 (5, 4). What should become one array"),
        (shape_in_two, "length is 2. NumPy takes a shape as one argument"),
        (nested_list, "table is a list of 2 with 1, 2 each. A list takes one index"),
        (float_count, "count is 1.0. An integer is needed there"),
        (number_of_many, "A plain number is needed there, and it gets an array with axes"),
        (axes_from_the_front, "counted from the front, as in `[:, None, :]`, and there stands the batch"),
        (axes_of_results, "(2, 1, 3, 4) and (1, 2, 5, 4) meet there element by element, and do not fit. The new axes"),
        (two_columns, "Both are columns: if one of them is a row, each number of one meets each of the other"),
        (empty_pieces, "One of these has shape (2, 0, 4): it is empty"),
        (pieces_of_axis_one, "`query[:, h:2]` slices axis 1, which is not the last one here"),
        (too_large, "size is 1000.0. math.exp stops with an error above about 709"),
        (laid_out, "There are 24 numbers, and the shape (5, -1) holds a multiple of 5"),
        (laid_out_as_a_tensor, "There are 24 numbers, and the shape (2, 3) holds 6"),
        (put_in, "What is put there has shape (2, 3, 4), and its place there has shape (2, 3)"),
        (appended, "needs the same number of axes: one has 1 here, and another 3"),
        (letters, "In einsum, the letter d stands for an axis of 4 and for one of 5"),
        (letters_of_tensors, "In einsum, the letter d stands for an axis of 4 and for one of 5"),
        (no_such_name, "`querry` means nothing there"),
        (not_yet, "`query` is assigned somewhere in the function"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_certain_is_said_in_place_of_the_librarys_text(answer, words):
    reply = reply_of(answer)
    text = told(reply)
    assert words in text
    assert reply.error not in text


def sums(query, key, mask):
    return query + query @ key.swapaxes(-2, -1)


def product_of_a_sum(query, key, mask):
    return (query + query) @ key


def test_no_rule_speaks_of_what_it_does_not_see():
    """The two sides that do not fit are not the arrays of the line: only the library's text has their shapes."""
    text = told(reply_of(sums))
    assert "axis -" not in text
    assert "Two arrays of shapes (2, 3, 4) and (2, 3, 5) meet there" in text
    assert "last axis of the left, here 4, as long as the last but one of the right, here 5" in told(
        reply_of(product_of_a_sum)
    )


def test_an_answer_without_source_is_told_all_the_same():
    namespace = {}
    exec("def answer(query, key, mask):\n    return query @ key", namespace)
    reply = run_case(namespace["answer"], INPUTS)
    assert reply.line == ""
    assert told(reply).startswith("Your function stopped. A matrix product wants the last axis of the left, here 4")


BUILD = Build(takes=("x", "mask"), arguments=("d_model", "d_k"), module="Layer")


def reply_of_a_class(layer):
    arrays = {"x": np.ones((4, 3)), "map.weight": np.ones((2, 3)), "map.bias": np.ones(2)}
    inputs = {name: array.astype("float32") for name, array in arrays.items()}
    return run_case(layer, {"d_model": 3, "d_k": 2, **inputs, "mask": None}, Terms("torch", build=BUILD))


class Layer(nn.Module):
    def __init__(self, d_model, d_k):
        super().__init__()
        self.map = nn.Linear(d_model, d_k)


class WithoutSuper(nn.Module):
    def __init__(self, d_model, d_k):
        self.map = nn.Linear(d_model, d_k)


class SizesToSuper(nn.Module):
    def __init__(self, d_model, d_k):
        super().__init__(d_model, d_k)


class OneSize(nn.Module):
    def __init__(self, d_model, d_k):
        super().__init__()
        self.map = nn.Linear(d_model)


class BuiltWithFewer(nn.Module):
    def __init__(self, d_model):
        super().__init__()


class BuiltWithMore(nn.Module):
    def __init__(self, d_model, d_k, num_heads):
        super().__init__()


class WithoutSelf(Layer):
    def forward(x, mask=None):  # noqa: N805
        return x


class CalledWithMore(Layer):
    def forward(self, x, memory, mask):
        return x


class WithoutForward(Layer):
    pass


class AnotherName(Layer):
    def forward(self, x, mask=None):
        return self.W_q(x)


class LayerTransposed(Layer):
    def forward(self, x, mask=None):
        return x @ self.map.T


class LayerMultiplied(Layer):
    def forward(self, x, mask=None):
        return x @ self.map


class LayerInAFunction(Layer):
    def forward(self, x, mask=None):
        return torch.matmul(x, self.map)


class TensorInItsPlace(Layer):
    def forward(self, x, mask=None):
        self.map = self.map(x)
        return self.map


class TwoAtOnce(Layer):
    def forward(self, x, mask=None):
        return self.map(x, mask)


class NumberForATensor(Layer):
    def forward(self, x, mask=None):
        return torch.sqrt(self.map.out_features)


class WeightAsItIs(Layer):
    def forward(self, x, mask=None):
        return x @ self.map.weight


class CalledTwice(Layer):
    def forward(self, x, mask=None):
        return self.map(self.map(x))


class AnotherDtype(Layer):
    def forward(self, x, mask=None):
        return self.map(x.double())


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (WithoutSuper, "the first line of __init__ has to be `super().__init__()`"),
        (SizesToSuper, "nn.Module takes no sizes"),
        (OneSize, "nn.Linear(inputs, outputs)"),
        (BuiltWithFewer, "calls `Layer(d_model, d_k)`, so `__init__` takes `self`, `d_model` and `d_k`"),
        (BuiltWithFewer, "Yours takes 2 of these 3"),
        (BuiltWithMore, "In yours, nothing is left for `num_heads`"),
        (
            WithoutSelf,
            "calls `layer(x, mask)`, so `forward` takes `self`, `x` and `mask`, in this order. Yours takes 2 of",
        ),
        (CalledWithMore, "In yours, nothing is left for `mask`"),
        (WithoutForward, "there is no `forward` in its class"),
        (AnotherName, "self has no `W_q` there"),
        (LayerTransposed, "nn.Linear is a layer, not an array, and has no .T"),
        (LayerMultiplied, "nn.Linear is a layer, not an array: it is called"),
        (LayerInAFunction, "nn.Linear is a layer, not an array: it is called"),
        (TensorInItsPlace, "`map` of the module holds a layer, and a tensor is to take its place"),
        (TwoAtOnce, "nn.Linear takes one tensor at a call, and gets 2 things"),
        (NumberForATensor, "it gets a plain number"),
        (WeightAsItIs, "`self.map(x)` is the whole map, with the bias"),
        (AnotherDtype, "here are float64 and float32"),
        (CalledTwice, "built for vectors of size 3, and gets vectors of size 2"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_of_a_class_is_said_what_beginners_of_classes_meet(layer, words):
    reply = reply_of_a_class(layer)
    text = told(reply, BUILD)
    assert text.startswith("Your class stopped")
    assert words in text
    assert reply.error not in text


def test_a_call_of_the_learners_own_is_not_taken_for_that_of_the_task():
    class Helped(Layer):
        def forward(self, x, mask=None):
            return BuiltWithFewer(3, 2)(x)

    assert "The task calls" not in told(reply_of_a_class(Helped), BUILD)
