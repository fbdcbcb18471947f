"""Answers that are classes: one small module, right and wrong in every way that the engine tells by itself."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from torch import nn

from grader.judge import judge_function, judge_task, terms_of
from grader.known import Known
from grader.program import Program, provide, refusing
from grader.result import Outcome
from grader.task import Build, Case, Task

SEED = 7


class Skeleton(nn.Module):
    """y = x W^T + b, where a mask allows it."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.W = nn.Linear(inputs, outputs)

    def forward(self, x, mask):
        return self.W(x).masked_fill(~mask[..., None], 0.0)


def reference(module, x, mask):
    return nn.functional.linear(x, module.W.weight, module.W.bias) * mask[..., None]


known = Known()


@known.mistake
def bias_forgotten(module, x, mask):
    """The bias is not added."""
    return (x @ module.W.weight.T) * mask[..., None]


def draw(rng, length, inputs, outputs):
    return {
        "inputs": inputs,
        "outputs": outputs,
        "x": rng.normal(size=(length, inputs)),
        "mask": np.arange(length) != 1,
        "W.weight": rng.normal(size=(outputs, inputs)),
        "W.bias": rng.normal(size=outputs),
    }


@pytest.fixture
def task():
    sizes = {"length": 5, "inputs": 3, "outputs": 2}
    return Task(
        id="00.Layer",
        title="A layer",
        difficulty=1,
        minutes=1,
        reference=reference,
        draw=draw,
        library="torch",
        build=Build(takes=("x", "mask"), arguments=("inputs", "outputs"), module="Layer"),
        skeleton=Skeleton,
        cases=(
            Case("numbers", sizes, dtype="float32"),
            Case("gradients", sizes, dtype="float64", asks="gradients"),
            Case("another device", sizes, dtype="float32", asks="device"),
        ),
        hints=("?",),
        **known.ways,
    )


def said(task, answer):
    result = judge_function(task, answer, SEED)
    assert result.outcome in (Outcome.WRONG, Outcome.RAISED), result
    return result.message


def test_a_right_class_is_right_and_random_numbers_go_on_as_if_nothing_had_been(task):
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    assert judge_function(task, Skeleton, SEED).outcome is Outcome.RIGHT
    assert torch.equal(torch.rand(2), expected)


def test_parameters_may_be_made_in_any_order(task):
    class Written(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.W = nn.Module()
            self.W.bias = nn.Parameter(torch.zeros(outputs))
            self.W.weight = nn.Parameter(torch.zeros(outputs, inputs))

        def forward(self, x, mask):
            rows = [row @ self.W.weight.T + self.W.bias for row in x]
            return torch.where(mask[:, None], torch.stack(rows), 0.0)

    assert judge_function(task, Written, SEED).outcome is Outcome.RIGHT


def test_a_known_mistake_of_the_judges_own_is_recognized_in_a_class(task):
    class Forgetful(Skeleton):
        def forward(self, x, mask):
            return torch.einsum("li,oi->lo", x, self.W.weight).masked_fill(~mask[:, None], 0.0)

    result = judge_function(task, Forgetful, SEED)
    assert (result.mistake, result.message) == ("bias_forgotten", "The bias is not added.")


def wrong(change):
    """Return a class that is right but for what `change(self)` does at the end of __init__."""

    class Changed(Skeleton):
        def __init__(self, inputs, outputs):
            super().__init__(inputs, outputs)
            change(self)

    return Changed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda self: setattr(self, "V", nn.Linear(2, 2)), "parameters that the task does not ask for: `V.weight`"),
        (lambda self: setattr(self, "W", nn.Linear(2, 3)), "`W.weight` has shape (3, 2); expected (2, 3)"),
        (lambda self: setattr(self, "W", nn.Linear(2, 3)), "the other way round"),
        (lambda self: setattr(self, "W", nn.Linear(3, 2, bias=False)), "`W` has no bias"),
        (lambda self: self.__delattr__("W"), "has no parameters `W.weight`, `W.bias`"),
        (lambda self: _replace(self, [nn.Linear(3, 2)]), "Python list of modules"),
        (lambda self: _replace(self, {"weight": nn.Linear(3, 2)}), "Python dict of modules"),
        (lambda self: _replace(self, torch.zeros(2, 3)), "`W` is a plain tensor"),
        (lambda self: _replace(self.W, torch.zeros(2, 3), "weight"), "`W.weight` is a plain tensor"),
    ],
)
def test_what_breaks_the_contract_is_told(task, change, told):
    assert told in said(task, wrong(change))


def _replace(owner, value, name="W"):
    delattr(owner, name)
    object.__setattr__(owner, name, value)


def test_one_module_in_two_places_is_told():
    class Twice(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.first = self.second = nn.Linear(size, size, bias=False)

        def forward(self, x):
            return self.second(self.first(x))

    class Two(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.first, self.second = (nn.Linear(size, size, bias=False) for _ in range(2))

    def draw(rng, size):
        maps = {f"{name}.weight": rng.normal(size=(size, size)) for name in ("first", "second")}
        return {"size": size, "x": rng.normal(size=(2, size)), **maps}

    task = Task(
        id="00.Layer",
        title="Two maps",
        difficulty=1,
        minutes=1,
        reference=lambda module, x: module.second(module.first(x)),
        draw=draw,
        library="torch",
        build=Build(takes=("x",), arguments=("size",), module="Layer"),
        skeleton=Two,
        cases=(Case("numbers", {"size": 3}),),
        hints=("?",),
    )
    assert "`second.weight` and `first.weight` are one and the same parameter" in said(task, Twice)


def test_what_is_no_module_is_told(task):
    class Plain:
        def __init__(self, inputs, outputs):
            pass

    assert "is no PyTorch module" in said(task, Plain)


def test_an_untouched_class_is_not_attempted(task):
    class Untouched(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()

        def forward(self, x, mask):
            return ...

    assert judge_function(task, Untouched, SEED).outcome is Outcome.NOT_ATTEMPTED


def test_a_gradient_that_is_cut_is_told(task):
    class Cut(Skeleton):
        def forward(self, x, mask):
            return super().forward(x, mask).detach()

    class Half(Skeleton):
        def forward(self, x, mask):
            return (x @ self.W.weight.detach().T + self.W.bias).masked_fill(~mask[:, None], 0.0)

    assert "No gradient gets from your output back" in said(task, Cut)
    assert "The gradient of `W.weight` is 0 throughout" in said(task, Half)


def test_a_tensor_made_on_the_cpu_is_told_with_its_line(task):
    class OnTheCpu(Skeleton):
        def forward(self, x, mask):
            keep = torch.arange(len(x)) != 1
            return self.W(x) * keep[:, None]

    message = said(task, OnTheCpu)
    assert "On a GPU this stops in `self.W(x) * keep[:, None]`: a tensor of shape (5, 1)" in message

    class Left(Skeleton):
        def forward(self, x, mask):
            result = torch.zeros(len(x), 2, dtype=x.dtype) + 0
            result[:] = super().forward(x, mask)
            return result

    assert "On a GPU this stops in `result[:]`" in said(task, Left)

    class Staying(Skeleton):
        def forward(self, x, mask):
            super().forward(x, mask)
            return torch.zeros(len(x), 2, dtype=x.dtype) + 0

    staying = dataclasses.replace(task, cases=task.cases[2:])
    assert "the result would still stand on the CPU" in said(staying, Staying)


def test_what_reads_numbers_cannot_be_tried_on_another_device_and_passes(task):
    class Reading(Skeleton):
        def forward(self, x, mask):
            rows = [self.W(row) if keep.item() else 0 * self.W(row) for row, keep in zip(x, mask, strict=True)]
            return torch.stack(rows)

    assert judge_function(task, Reading, SEED).outcome is Outcome.RIGHT


def test_numbers_of_its_own_are_told(task):
    class Own(Skeleton):
        def __init__(self, inputs, outputs):
            super().__init__(inputs, outputs)
            self.shift = torch.randn(())

        def forward(self, x, mask):
            return super().forward(x, mask) + self.shift

    assert "it keeps numbers of its own that are no parameters" in said(task, Own)


def test_training_mode_is_asked_for_and_told(task):
    cases = (*task.cases, Case("training", {"length": 4, "inputs": 3, "outputs": 2}, asks="training"))
    task = dataclasses.replace(task, cases=cases)

    class Dropping(Skeleton):
        def forward(self, x, mask):
            return nn.functional.dropout(super().forward(x, mask), 1.0, self.training)

    assert judge_function(task, Skeleton, SEED).outcome is Outcome.RIGHT
    message = said(task, Dropping)
    assert message.startswith("In training mode: ")


SOURCE = """
import torch
from torch import nn

class Layer(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.W = nn.Linear(inputs, outputs)

    def forward(self, x, mask):
        return {}
"""


@pytest.mark.parametrize(
    ("returned", "outcome"),
    [
        ("self.W(x).masked_fill(~mask[..., None], 0.0)", Outcome.RIGHT),
        ("self.W(x)", Outcome.WRONG),
        ("...", Outcome.NOT_ATTEMPTED),
    ],
)
def test_a_class_is_judged_in_the_child_as_here(task, runner, returned, outcome):
    program = Program("Layer", (), SOURCE.format(returned))
    with runner.run(program, terms_of(task)) as child:
        result = judge_task(task, SEED, child)
    namespace = {}
    exec(program.answer, namespace)
    inside = judge_function(task, namespace["Layer"], SEED)
    assert (result.outcome, result.message) == (inside.outcome, inside.message)
    assert result.outcome is outcome


def test_a_part_that_refuses_says_so():
    provide((("some_parts", "def earlier():\n    return 1\n"),), ("later",))
    try:
        module = sys.modules["some_parts"]
        assert module.earlier() == 1
        with pytest.raises(Exception, match="Your answer calls `later` of some_parts"):
            module.later(3)
    finally:
        del sys.modules["some_parts"]
    assert refusing("a", "b") is not refusing("a", "b")


def test_a_forward_that_returns_several_things_is_told_as_such(task):
    class Tuple(Skeleton):
        def forward(self, x, mask):
            return super().forward(x, mask), mask

    assert said(task, Tuple).startswith("Your forward returned a tuple; expected one array.")
