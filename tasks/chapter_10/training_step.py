"""10.training_step: the loss of a batch, its gradient, clipped by the length of all of it, and the optimizer's step, on
the learner's own Transformer."""

import functools
import math

import numpy as np
import torch
from torch.nn import functional

from grader.known import Known
from grader.task import Build, Case, Task
from tasks import draws
from tasks.skeletons import Transformer

known = Known()

SIZES = ("source_size", "target_size", "d_model", "num_heads", "d_ff", "num_layers")
BUILD = Build(
    takes=("source", "source_lengths", "inputs", "labels", "clip"),
    arguments=(*SIZES, "dropout"),
    module="Transformer",
    given=True,
    name="model",
    optimizer="rate",
)


def draw(rng, batch, k_len, length, **sizes):
    """Texts of different lengths, the longest of which fill their rows, and a gradient that has to be clipped, however
    its length is measured: the limit is half a typical number of it."""
    begin, end = 1, 2
    k_lengths = rng.permutation([k_len, *rng.integers(1, k_len, size=batch - 1)])
    lengths = rng.permutation([length, *rng.integers(2, length, size=batch - 1)])[:, None]
    place = np.arange(length)
    tokens = rng.integers(3, sizes["target_size"], size=(batch, length))
    tokens = np.where(place < lengths, np.where(place == lengths - 1, end, tokens), 0)
    given = np.where(place < lengths, np.roll(tokens, 1, axis=1), 0)
    given[:, 0] = begin
    source = rng.integers(1, sizes["source_size"], size=(batch, k_len))
    parameters = draws.parameters(rng, _model(*(sizes[name] for name in SIZES)))
    inputs = {
        **{name: sizes[name] for name in SIZES},
        "dropout": 0.0,
        "source": np.where(np.arange(k_len) < k_lengths[:, None], source, 0),
        "source_lengths": k_lengths,
        "inputs": given,
        "labels": tokens,
        "clip": 1.0,
        "rate": 1.0,
        **parameters,
    }
    clip = 0.5 * _length(inputs) / sum(value.size for value in parameters.values()) ** 0.5
    return {**inputs, "clip": round(clip, 4), "rate": round(rng.uniform(1, 2) / clip, 2)}


def short_gradient(rng, **sizes):
    """A gradient so short that nothing should happen to it."""
    inputs = draw(rng, **sizes)
    length = _length(inputs)
    return {**inputs, "clip": round(2 * length, 3), "rate": round(rng.uniform(1, 2) / length, 3)}


def all_dropped(rng, **sizes):
    """With dropout of 1 in training mode, nothing is left of what is dropped, whatever the random numbers are."""
    return {**draw(rng, **sizes), "dropout": 1.0}


def the_example(rng):
    sizes = dict(source_size=2, target_size=3, d_model=2, num_heads=1, d_ff=2, num_layers=1)
    zeros = {name: np.zeros(value.shape) for name, value in draws.parameters(rng, _model(**sizes)).items()}
    tokens = {"source": np.array([[1]]), "source_lengths": np.array([1])}
    tokens |= {"inputs": np.array([[1]]), "labels": np.array([[2]])}
    return {**sizes, "dropout": 0.0, **tokens, "clip": 1.0, "rate": 3.0, **zeros}


@functools.cache
def _model(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """Return a model of these sizes, to count its parameters and to measure gradients with."""
    return Transformer(source_size, target_size, d_model, num_heads, d_ff, num_layers).double()


def _length(inputs):
    """Return the length of the gradient of the loss."""
    model = _model(*(inputs[name] for name in SIZES))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in BUILD.parameters(inputs).items()})
    loss = _loss(model, *(torch.from_numpy(inputs[name]) for name in BUILD.takes[:-1]))
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))


def _loss(model, source, source_lengths, inputs, labels):
    logits = model(source, inputs, source_lengths)
    return functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=0)


def _scale(model, factor):
    for parameter in model.parameters():
        parameter.grad *= factor


def _norm(model):
    return torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()


def _clip(model, clip):
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)


def _whole_step(model, optimizer, loss, clip):
    """Everything but the loss, the right way; return the loss."""
    optimizer.zero_grad()
    loss.backward()
    _clip(model, clip)
    optimizer.step()
    return loss


def reference(model, optimizer, source, source_lengths, inputs, labels, clip):
    """By gradients that are asked for by name, and clipped by hand."""
    real = labels != 0
    log_p = model(source, inputs, source_lengths)[real].log_softmax(dim=-1)
    loss = -log_p[torch.arange(len(log_p)), labels[real]].mean()
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    length = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient * min(1.0, clip / length.item())
    optimizer.step()
    return loss.detach()


# The order of the step


@known.mistake
def gradients_left(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The gradients of an earlier step were still there, and backward() has added the new ones to them. zero_grad()
    comes before backward()."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    loss.backward()
    _clip(model, clip)
    optimizer.step()
    return loss


@known.mistake
def gradients_left_and_not_clipped(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The gradients of an earlier step were still there when backward() added the new ones, and their sum was not
    clipped. In order: zero_grad(), backward(), clip, step()."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    loss.backward()
    optimizer.step()
    return loss


@known.mistake
def no_gradients_at_the_step(model, optimizer, source, source_lengths, inputs, labels, clip):
    """No parameter has moved: at step() there were no gradients, because backward() had not run yet, or because
    zero_grad() had thrown them away. In order: zero_grad(), backward(), clip, step()."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss


@known.mistake
def step_by_old_gradients(model, optimizer, source, source_lengths, inputs, labels, clip):
    """step() has used the gradients that an earlier step left: those of this batch were not there yet, or not put into
    `.grad`. In order: zero_grad(), backward(), clip, step()."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    optimizer.step()
    return loss


@known.mistake
def step_twice(model, optimizer, source, source_lengths, inputs, labels, clip):
    """optimizer.step() has moved the parameters twice along one gradient. Once is a step."""
    loss = _whole_step(model, optimizer, _loss(model, source, source_lengths, inputs, labels), clip)
    optimizer.step()
    return loss


@known.mistake
def loss_after_the_step(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The loss that comes back is that after the step. Return the one whose gradient was taken."""
    _whole_step(model, optimizer, _loss(model, source, source_lengths, inputs, labels), clip)
    return _loss(model, source, source_lengths, inputs, labels)


# Clipping


@known.mistake
def not_clipped(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The gradients were not clipped when step() took them. Clip them between backward() and step()."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def _clipped_by(function):
    """Return a whole step that clips in its own way."""

    def step(model, optimizer, source, source_lengths, inputs, labels, clip):
        loss = _loss(model, source, source_lengths, inputs, labels)
        optimizer.zero_grad()
        loss.backward()
        function(model, clip)
        optimizer.step()
        return loss

    return step


@known.mistake
def each_parameter_its_own(*given):
    """Each parameter is clipped by its own length. There is one length, of all gradients together, and one factor for
    all of them, so that the direction stays."""

    def clip_each(model, clip):
        for parameter in model.parameters():
            torch.nn.utils.clip_grad_norm_(parameter, clip)

    return _clipped_by(clip_each)(*given)


@known.mistake
def number_by_number(*given):
    """Each number of the gradients is cut off at `clip`, which bends the direction. One factor for all of them brings
    their common length down to `clip`."""
    return _clipped_by(lambda model, clip: torch.nn.utils.clip_grad_value_(model.parameters(), clip))(*given)


@known.mistake
def always_as_long_as_clip(*given):
    """The gradients are always brought to the length `clip`, short ones too. Only what is longer is shortened."""
    return _clipped_by(lambda model, clip: _scale(model, clip / _norm(model)))(*given)


@known.mistake
def loss_clipped(model, optimizer, source, source_lengths, inputs, labels, clip):
    """A loss above `clip` has no gradient here, and one below has all of it: the loss was clipped. Clip the gradients,
    by their length."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    optimizer.zero_grad()
    loss.clamp(max=clip).backward()
    optimizer.step()
    return loss


@known.mistake
def length_without_root(*given):
    """The gradients are clipped by the sum of their squares, without its root. The length is the root of that sum."""
    return _clipped_by(lambda model, clip: _scale(model, min(1.0, clip / _norm(model).square().item())))(*given)


@known.mistake
def lengths_added_up(*given):
    """The gradients are clipped by the sum of the parameters' lengths. The common length is the root of the sum of all
    squares, which is less."""
    return _clipped_by(
        lambda model, clip: _scale(model, min(1.0, clip / sum(p.grad.norm() for p in model.parameters()).item()))
    )(*given)


# The loss


def _with_loss(function):
    """Return a whole step with a loss of its own, made of the logits and the labels."""

    def step(model, optimizer, source, source_lengths, inputs, labels, clip):
        loss = function(model(source, inputs, source_lengths), labels)
        return _whole_step(model, optimizer, loss, clip)

    return step


@known.mistake
def labels_given(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The decoder was given the labels, the very tokens that it is asked for. It is given the inputs."""
    loss = _loss_of(model(source, labels, source_lengths), labels)
    return _whole_step(model, optimizer, loss, clip)


@known.mistake
def inputs_asked_for(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The loss compares with the inputs, the very tokens that the decoder was given. It is asked for the labels."""
    loss = _loss_of(model(source, inputs, source_lengths), inputs)
    return _whole_step(model, optimizer, loss, clip)


@known.mistake
def inputs_and_labels_exchanged(model, optimizer, source, source_lengths, inputs, labels, clip):
    """Inputs and labels are exchanged: the decoder was given the labels and asked for the inputs."""
    loss = _loss_of(model(source, labels, source_lengths), inputs)
    return _whole_step(model, optimizer, loss, clip)


@known.mistake
def shifted_once_more(model, optimizer, source, source_lengths, inputs, labels, clip):
    """Each position is asked for the label one further on. Inputs and labels are shifted against each other already:
    position by position, they belong together."""
    if inputs.shape[1] == 1:
        return reference(model, optimizer, source, source_lengths, inputs, labels, clip)
    return _whole_step(model, optimizer, _loss(model, source, source_lengths, inputs[:, :-1], labels[:, 1:]), clip)


@known.mistake
def padding_counted(*given):
    """The padding takes part in the loss, and the model learns to write it. Leave out the positions whose label is
    0."""
    return _with_loss(lambda logits, labels: functional.cross_entropy(logits.flatten(0, 1), labels.flatten()))(*given)


@known.mistake
def padding_counted_and_not_clipped(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The padding takes part in the loss, and the gradients were not clipped when step() took them. Leave out the
    positions whose label is 0, and clip between backward() and step()."""
    logits = model(source, inputs, source_lengths)
    loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    return _whole_step(model, optimizer, loss, math.inf)


@known.mistake
def padding_counted_and_gradients_left(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The padding takes part in the loss, and the gradients of an earlier step were still there when backward() added
    the new ones. Leave out the positions whose label is 0, and call zero_grad() before backward()."""
    logits = model(source, inputs, source_lengths)
    loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    loss.backward()
    _clip(model, clip)
    optimizer.step()
    return loss


@known.mistake
def mean_over_all_positions(*given):
    """The loss is summed over the real labels, and divided by all positions, padding among them. Divide by the number
    of real labels."""
    return _with_loss(lambda logits, labels: _loss_of(logits, labels, "sum") / labels.numel())(*given)


@known.mistake
def sum_of_the_losses(*given):
    """The loss is the sum over the real labels. It is their mean, so that it does not grow with the batch."""
    return _with_loss(lambda logits, labels: _loss_of(logits, labels, "sum"))(*given)


@known.mistake
def sum_over_the_batch_size(*given):
    """The loss is summed over the real labels, and divided by the number of texts. Divide by the number of real
    labels."""
    return _with_loss(lambda logits, labels: _loss_of(logits, labels, "sum") / len(labels))(*given)


@known.mistake
def mean_of_means(*given):
    """The loss is the mean of the texts' means, in which the tokens of a short text count more. It is one mean, over
    all real labels of the batch."""
    return _with_loss(
        lambda logits, labels: torch.stack([_loss_of(*one) for one in zip(logits, labels, strict=True)]).mean()
    )(*given)


@known.mistake
def smoothed(*given):
    """The targets are smoothed by 0.1, over all tokens alike. The loss here is that of the labels themselves."""
    from course_lib.training import cross_entropy

    return _with_loss(lambda logits, labels: cross_entropy(logits, labels, smoothing=0.1))(*given)


@known.mistake
def softmax_twice(*given):
    """The softmax is applied twice: cross-entropy takes logits and does it itself."""
    return _with_loss(lambda logits, labels: _loss_of(logits.softmax(dim=-1), labels))(*given)


@known.mistake
def reshaped_for_the_vocabulary(*given):
    """The logits are reshaped to (batch, vocab, length). That puts the numbers, in their old order, into other rows, so
    that they belong to other tokens. transpose(1, 2) swaps the axes; or flatten the batch and the positions."""
    return _with_loss(
        lambda logits, labels: functional.cross_entropy(
            logits.reshape(len(logits), logits.shape[-1], -1), labels, ignore_index=0
        )
    )(*given)


def _loss_of(logits, labels, reduction="mean"):
    flat = logits.flatten(0, -2), labels.flatten()
    return functional.cross_entropy(*flat, ignore_index=0, reduction=reduction)


# What comes back, and the mode


@known.mistake
def length_returned(model, optimizer, source, source_lengths, inputs, labels, clip):
    """What comes back is the length of the gradient before clipping, as clip_grad_norm_ returns it. Return the loss."""
    _whole_step(model, optimizer, _loss(model, source, source_lengths, inputs, labels), math.inf)
    length = _norm(model)
    return length


@known.mistake
def evaluation_mode(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The model was put into evaluation mode, where nothing is dropped. A step of training runs in the mode in which
    the model arrives."""
    model.eval()
    return _whole_step(model, optimizer, _loss(model, source, source_lengths, inputs, labels), clip)


@known.mistake
def backward_of_many(model, optimizer, source, source_lengths, inputs, labels, clip):
    """backward() wants one number, and here are many: one loss for each position, or the logits. The loss is their
    mean."""
    loss = _loss_of(model(source, inputs, source_lengths), labels, "none").repeat(2)
    loss.backward()


@known.mistake
def number_without_backward(model, optimizer, source, source_lengths, inputs, labels, clip):
    """`loss` is a plain number by then, as .item() makes one, and has no backward(). Keep it a tensor."""
    loss = _loss(model, source, source_lengths, inputs, labels).item()
    loss.backward()


@known.mistake
def model_for_its_parameters(model, optimizer, source, source_lengths, inputs, labels, clip):
    """clip_grad_norm_ wants the parameters, and got the model: model.parameters()."""
    loss = _loss(model, source, source_lengths, inputs, labels)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model, clip)


@known.mistake
def nothing_watched(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The model ran inside torch.no_grad(), or the loss was cut off by detach(), so there is nothing that backward()
    could go back through. It is only the step that needs no gradients, and step() sees to that."""
    loss = _loss(model, source, source_lengths, inputs, labels).detach()
    loss.backward()


@known.mistake
def position_for_the_vocabulary(model, optimizer, source, source_lengths, inputs, labels, clip):
    """cross_entropy looks for the vocabulary in axis 1, and these logits are (batch, length, vocab). Give it logits of
    (n, vocab) and labels of (n,): .flatten(0, 1) of the logits, .flatten() of the labels."""
    logits = model(source, inputs, source_lengths)
    loss = functional.cross_entropy(logits, labels, ignore_index=0)
    return loss


@known.mistake
def labels_not_flattened(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The logits have lost their axes of texts and positions, and the labels still have them. Flatten both."""
    logits = model(source, inputs, source_lengths)
    loss = functional.cross_entropy(logits.flatten(0, 1), labels, ignore_index=0)
    return loss


@known.mistake
def lengths_for_the_target(model, optimizer, source, source_lengths, inputs, labels, clip):
    """The model is called in another order: it takes the source, then what the decoder is given, then the lengths of
    the source."""
    return _whole_step(model, optimizer, _loss_of(model(source, source_lengths, inputs), labels), clip)


@known.legal
def by_hand(model, optimizer, source, source_lengths, inputs, labels, clip):
    model.train(model.training)
    model.zero_grad(set_to_none=False)
    log_p = torch.log_softmax(model(source, inputs, source_lengths), dim=2)
    of_labels = log_p.gather(2, labels[:, :, None])[:, :, 0]
    loss = -(of_labels * (labels > 0)).sum() / (labels > 0).sum()
    loss.backward()
    squares = 0.0
    for parameter in model.parameters():
        squares += (parameter.grad**2).sum().item()
    if squares > clip**2:
        for parameter in model.parameters():
            parameter.grad.mul_(clip / squares**0.5)
    optimizer.step()
    return loss.detach()


@known.legal
def in_pytorchs_words(model, optimizer, source, source_lengths, inputs, labels, clip):
    logits = model(source, inputs, source_lengths)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss


@known.legal
def by_the_library(model, optimizer, source, source_lengths, inputs, labels, clip):
    """With a loss that computes in float32, and the gradients forgotten at the end as well."""
    from course_lib.training import cross_entropy

    optimizer.zero_grad()
    loss = cross_entropy(model(source, inputs, source_lengths), labels)
    gradients = torch.autograd.grad(loss, [p for group in optimizer.param_groups for p in group["params"]])
    length = torch.linalg.vector_norm(torch.stack([gradient.norm() for gradient in gradients]))
    factor = torch.clamp(clip / (length + 1e-6), max=1.0)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        parameter.grad = factor * gradient
    optimizer.step()
    optimizer.zero_grad()
    return loss.clone()


def _loss_of_a_probe(rng):
    inputs = draw(rng, batch=3, k_len=5, length=4, **SMALL)
    return {name: value.astype(np.float32) if _is_float(value) else value for name, value in inputs.items()}


def _is_float(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


@known.probe
def column_of_padding(rng):
    inputs = _loss_of_a_probe(rng)
    before = yield inputs
    wider = {name: np.pad(inputs[name], ((0, 0), (0, 1))) for name in ("inputs", "labels")}
    after = yield {**inputs, **wider}
    if np.allclose(before, after, atol=1e-4):
        return None
    return (
        f"With one more column of padding behind all texts, the loss should stay; yours goes from {before:.4g} to "
        f"{after:.4g}."
    )


@known.probe
def a_model_of_zeros(rng):
    inputs = _loss_of_a_probe(rng)
    inputs |= {name: np.zeros_like(value) for name, value in BUILD.parameters(inputs).items()}
    loss = yield inputs
    right = math.log(inputs["target_size"])
    if np.allclose(loss, right, atol=1e-4):
        return None
    return (
        f"A model whose parameters are all 0 gives each of {inputs['target_size']} tokens the same probability, so the "
        f"loss is ln {inputs['target_size']} = {right:.4g}; yours is {loss:.4g}."
    )


SMALL = dict(source_size=9, target_size=7, d_model=6, num_heads=2, d_ff=8, num_layers=1)
OTHER = dict(source_size=7, target_size=8, d_model=6, num_heads=2, d_ff=9, num_layers=1)

TASK = Task(
    id="10.training_step",
    title="One step of training",
    difficulty=3,
    minutes=15,
    library="torch",
    part=True,
    reference=reference,
    draw=draw,
    build=BUILD,
    skeleton=Transformer,
    cases=(
        Case("the example of the text, its loss", {}, dtype="float32", draw=the_example),
        Case("the example of the text, its step", {}, dtype="float32", draw=the_example, asks="weights"),
        Case("the loss of 3 texts", dict(batch=3, k_len=5, length=4, **SMALL), dtype="float32"),
        Case(
            "a step with a short gradient",
            dict(batch=3, k_len=5, length=4, **SMALL),
            dtype="float32",
            draw=short_gradient,
            asks="weights",
        ),
        Case(
            "a step with a long gradient",
            dict(batch=4, k_len=3, length=5, **OTHER),
            dtype="float32",
            asks="weights",
            points=2,
        ),
        Case(
            "in training mode",
            dict(batch=3, k_len=5, length=4, **SMALL),
            dtype="float32",
            draw=all_dropped,
            asks="training",
        ),
    ),
    hints=(
        "Three things have to happen between the loss and optimizer.step(). Which of them would fail without a word?",
        (
            "The logits come from the source, from what the decoder is given, and from the lengths that say what of "
            "the source is real. The loss you have written already."
        ),
        (
            "What is in `.grad` before backward() is in the sum after it, and only what is there already can be "
            "shortened. torch.nn.utils has a function that measures and shortens all gradients together."
        ),
        (
            "optimizer.zero_grad(), loss.backward(), torch.nn.utils.clip_grad_norm_(model.parameters(), ...), and one "
            "line more."
        ),
    ),
    **known.ways,
)
