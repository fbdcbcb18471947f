"""Answers that are handed a module and an optimizer; the modules are a single `nn.Linear`, small enough to follow."""

import numpy as np
import pytest
import torch

from grader.judge import judge_function
from grader.result import Outcome
from grader.task import Build, Case, Task

SEED = 7


class Scale(torch.nn.Module):
    """y = w x."""

    def __init__(self, size):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(size))

    def forward(self, x):
        return self.weight * x


def reference(model, optimizer, x):
    optimizer.zero_grad()
    loss = model(x).sum()
    loss.backward()
    optimizer.step()
    return loss


@pytest.fixture
def step_task():
    def draw(rng, size):
        return {"size": size, "x": rng.normal(size=size), "rate": 0.5, "weight": rng.normal(size=size)}

    return Task(
        id="00.step",
        title="A step",
        difficulty=1,
        minutes=1,
        reference=reference,
        draw=draw,
        library="torch",
        build=Build(("x",), ("size",), "Scale", given=True, name="model", optimizer="rate"),
        skeleton=Scale,
        cases=(
            Case("the loss", {"size": 3}, dtype="float32"),
            Case("the step", {"size": 2}, dtype="float32", asks="weights"),
        ),
        hints=("?",),
    )


def judged(task, answer):
    return judge_function(task, answer, SEED)


def test_the_optimizer_moves_the_weights_by_the_rate(step_task):
    assert judged(step_task, reference).outcome is Outcome.RIGHT

    def by_hand(model, optimizer, x):
        assert type(optimizer) is torch.optim.SGD
        loss = model(x).sum()
        model.weight.grad = 0.5 * x / optimizer.param_groups[0]["lr"]  # the rate is 0.5, so this is x
        optimizer.step()
        return loss

    assert judged(step_task, by_hand).outcome is Outcome.RIGHT


def test_gradients_of_an_earlier_step_are_left(step_task):
    def forgetful(model, optimizer, x):
        assert (model.weight.grad == 1).all()
        loss = model(x).sum()
        loss.backward()
        optimizer.step()
        return loss

    result = judged(step_task, forgetful)
    assert result.outcome is Outcome.WRONG
    assert [case.points for case in result.cases] == [1, 0]
    assert (
        "After the call, the parameter `weight` is not what it should be, first at [0]: it moved by" in result.message
    )


def test_moving_the_weights_past_the_optimizer_is_told(step_task):
    def past_it(model, optimizer, x):
        loss = model(x).sum()
        with torch.no_grad():
            model.weight -= 0.5 * x
        return loss

    result = judged(step_task, past_it)
    assert (result.outcome, result.points) == (Outcome.WRONG, 0)
    assert "The optimizer that you were handed has taken no step." in result.message


@pytest.mark.parametrize(
    ("steps", "said"), [(0, "all parameters of the model are what they were"), (3, "has moved 3 times as far")]
)
def test_too_short_and_too_long_a_step_are_told(step_task, steps, said):
    def answer(model, optimizer, x):
        loss = reference(model, optimizer, x)
        with torch.no_grad():
            model.weight -= (steps - 1) * 0.5 * x
        return loss

    assert said in judged(step_task, answer).message


def test_an_untouched_answer_is_not_attempted_whatever_is_asked(step_task):
    result = judged(step_task, lambda model, optimizer, x: ...)
    assert {case.outcome for case in result.cases} == {Outcome.NOT_ATTEMPTED}


def test_nan_in_the_weights_is_told(step_task):
    def breaks(model, optimizer, x):
        loss = reference(model, optimizer, x)
        with torch.no_grad():
            model.weight /= 0 * np.pi
            model.weight -= model.weight
        return loss

    assert "NaN or infinite" in judged(step_task, breaks).message
