"""10b.train: the loop around the learner's own training step, on the learner's own Transformer."""

import numpy as np
import torch
from torch.nn import functional

from grader.known import Known
from grader.task import Build, Case, Task
from tasks import draws
from tasks.skeletons import Transformer as Skeleton

known = Known()

SIZES = ("source_size", "target_size", "d_model", "num_heads", "d_ff", "num_layers")
TAKES = ("source", "source_lengths", "inputs", "labels", "rates", "clip")
BUILD = Build(takes=TAKES, arguments=SIZES, module="Transformer", given=True, name="model", optimizer="rate")


def draw_inputs(rng, steps, batch, k_len, length, source_size, target_size, d_model, num_heads, d_ff):
    sizes = dict(zip(SIZES, (source_size, target_size, d_model, num_heads, d_ff, 1), strict=True))
    lengths = rng.integers(max(1, k_len // 2), k_len + 1, size=(steps, batch))
    source = rng.integers(1, source_size, size=(steps, batch, k_len)) * (np.arange(k_len) < lengths[..., None])
    texts = rng.integers(1, length + 1, size=(steps, batch, 1))
    texts[:, 0] = length
    labels = rng.integers(1, target_size, size=(steps, batch, length)) * (np.arange(length) < texts)
    inputs = np.concatenate([np.ones((steps, batch, 1), dtype=np.int64), labels[..., :-1]], axis=-1)
    return {
        **sizes,
        "rate": 0.3,
        "source": source,
        "source_lengths": lengths,
        "inputs": inputs,
        "labels": labels,
        "rates": (0.2 * rng.uniform(0.5, 2.0, size=steps)).round(3).tolist(),
        "clip": 0.7,
        **draws.parameters(rng, Skeleton(**sizes)),
    }


def at_rest(rng, **sizes):
    """The same batch twice, and a rate of 0."""
    inputs = draw_inputs(rng, **sizes)
    for name in ("source", "source_lengths", "inputs", "labels"):
        inputs[name] = inputs[name][[0, 0]]
    return {**inputs, "rates": [0.0, 0.0]}


def reference(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """By hand, without the optimizer's own arithmetic."""
    return _by_hand(model, optimizer, source, source_lengths, inputs, labels, rates, clip)


def _by_hand(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    losses = []
    parameters = list(model.parameters())
    for step, rate in enumerate(rates):
        logits = model(source[step], inputs[step], source_lengths[step])
        loss = functional.cross_entropy(logits.flatten(0, 1), labels[step].flatten(), ignore_index=0)
        gradients = torch.autograd.grad(loss, parameters)
        norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
        factor = torch.clamp(clip / (norm + 1e-6), max=1.0)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = factor * gradient
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def _step(model, optimizer, source, source_lengths, inputs, labels, clip):
    """One step, as chapter 10 has it."""
    logits = model(source, inputs, source_lengths)
    loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.detach()


def _set(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


def _loop(step_of, rate_of, count=len):
    """Return an answer that takes the batches and the rates in some order."""

    def train(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
        losses = []
        for number in range(count(rates)):
            _set(optimizer, rate_of(rates, number))
            batch = [part[step_of(number, len(rates))] for part in (source, source_lengths, inputs, labels)]
            losses.append(_step(model, optimizer, *batch, clip))
        return torch.stack(losses)

    return train


@known.legal
def a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    losses = []
    for *batch, rate in zip(source, source_lengths, inputs, labels, rates, strict=True):
        _set(optimizer, rate)
        losses.append(_step(model, optimizer, *batch, clip))
    return torch.stack(losses)


@known.legal
def by_number(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    losses = torch.zeros(len(rates), dtype=model.W_vocabulary.weight.dtype)
    for number in range(len(source)):
        optimizer.param_groups[0]["lr"] = rates[number]
        losses[number] = _step(
            model, optimizer, source[number], source_lengths[number], inputs[number], labels[number], clip
        )
    return losses


@known.legal
def in_training_mode(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    model.train()
    return a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, rates, clip)


@known.mistake
def rates_unused(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """The rates have no effect: the optimizer keeps the rate that it came with. Before each step, put that step's rate
    into every one of optimizer.param_groups, as group["lr"]."""
    return a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, [0.3] * len(rates), clip)


@known.mistake
def first_rate_throughout(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """Every step is taken with the first rate. Each step has its own."""
    return a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, rates[:1] * len(rates), clip)


@known.mistake
def rate_of_the_step_before(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """Each step is taken with the rate of the step before: it is set after the step, and should be set ahead of it."""
    late = [0.3, *rates[:-1]]
    return a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, late, clip)


@known.mistake
def first_batch_throughout(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """Every step is taken on the first batch. Step i takes source[i], inputs[i] and so on."""
    train = _loop(lambda number, steps: 0, lambda rates, number: rates[number])
    return train(model, optimizer, source, source_lengths, inputs, labels, rates, clip)


@known.mistake
def batches_backward(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """The batches come in reverse order. The first one comes first."""
    train = _loop(lambda number, steps: steps - 1 - number, lambda rates, number: rates[number])
    return train(model, optimizer, source, source_lengths, inputs, labels, rates, clip)


@known.mistake
def last_loss_alone(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """The loss of the last step comes back alone. The losses of all steps are asked for, one after the other."""
    return a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, rates, clip)[-1]


@known.mistake
def mean_of_the_losses(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """The mean of the losses comes back. Each step's loss is asked for, one after the other."""
    return a_loop_over_all(model, optimizer, source, source_lengths, inputs, labels, rates, clip).mean()


@known.mistake
def one_step_too_few(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """The last batch is left out. There are as many steps as rates."""
    train = _loop(lambda number, steps: number, lambda rates, number: rates[number], lambda rates: len(rates) - 1)
    return train(model, optimizer, source, source_lengths, inputs, labels, rates, clip)


@known.mistake
def losses_after_the_step(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """These are the losses after each step, computed anew. A step returns the loss that it went down from."""
    losses = []
    for *batch, rate in zip(source, source_lengths, inputs, labels, rates, strict=True):
        _set(optimizer, rate)
        _step(model, optimizer, *batch, clip)
        _set(optimizer, 0.0)
        losses.append(_step(model, optimizer, *batch, clip))
    return torch.stack(losses)


@known.mistake
def inputs_and_labels_exchanged(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    """Inputs and labels have changed places: the decoder is given what it is asked for. A step takes the inputs
    first."""
    return a_loop_over_all(model, optimizer, source, source_lengths, labels, inputs, rates, clip)


SMALL = dict(batch=3, k_len=5, length=4, source_size=6, target_size=7, d_model=8, num_heads=2, d_ff=10)

TASK = Task(
    id="10b.train",
    title="The loop",
    difficulty=2,
    minutes=15,
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=Skeleton,
    own_file=True,
    library="torch",
    cases=(
        Case("the example of the text", {"steps": 2, **SMALL}, 1, "float32", draw=at_rest),
        Case("one step", {"steps": 1, **SMALL}, 1, "float32"),
        Case("nine steps", {"steps": 9, **SMALL}, 2, "float32"),
        Case("the first twenty steps", {"steps": 20, **SMALL}, 4, "float32"),
        Case("the weights after eleven steps", {"steps": 11, **SMALL}, 3, "float32", asks="weights"),
    ),
    hints=(
        "What changes from step to step, and what stays?",
        "One turn: put the rate of this step into the optimizer, take the step on this batch, keep its loss.",
        'Each group of optimizer.param_groups gets group["lr"] = rates[i]; training_step takes the parts [i].',
        "losses.append(training_step(model, optimizer, source[i], ..., clip)), and torch.stack(losses) at the end.",
    ),
    **known.ways,
)
