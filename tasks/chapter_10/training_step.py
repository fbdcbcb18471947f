"""10.training_step: the loss of a batch, its gradient, clipped by the length of all of it, and one step downhill."""

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def long_gradient(rng, batch, length, vocab, d_model):
    """A gradient that has to be clipped, however its length is measured: the limit is half a typical number of it."""
    inputs = _draw(rng, batch, length, vocab, d_model)
    typical = torch.cat([gradient.flatten() for gradient in _gradients(*_tensors(inputs))]).square().mean().sqrt()
    return {**inputs, "clip": round(0.5 * typical.item(), 4)}


def short_gradient(rng, batch, length, vocab, d_model):
    """A gradient so short that nothing should happen to it, nor to one that is the sum over all positions."""
    inputs = _draw(rng, batch, length, vocab, d_model)
    summed = _length(*_gradients(*_tensors(inputs), _summed_loss))
    return {**inputs, "clip": round(2 * summed.item(), 4)}


def _draw(rng, batch, length, vocab, d_model):
    """Two tables of weights, and texts of different lengths; one of them fills its row."""
    begin, end = 1, 2
    lengths = rng.permutation([length, *rng.integers(2, length, size=batch - 1)])[:, None]
    position = np.arange(length)
    tokens = rng.integers(3, vocab, size=(batch, length))
    labels = np.where(position < lengths, np.where(position == lengths - 1, end, tokens), 0)
    inputs = np.where(position < lengths, np.roll(tokens, 1, axis=1), 0)
    inputs[:, 0] = begin
    return {
        "embedding": rng.normal(size=(vocab, d_model)),
        "output": 1.5 * rng.normal(size=(vocab, d_model)) / d_model**0.5,
        "inputs": inputs,
        "labels": labels,
        "rate": round(rng.uniform(0.4, 0.8), 2),
        "clip": 1.0,
    }


def _tensors(inputs):
    return [torch.from_numpy(inputs[name]) for name in ("embedding", "output", "inputs", "labels")]


def _cross_entropy(logits, labels, **options):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), **options)


def _mean_loss(logits, labels):
    return _cross_entropy(logits, labels, ignore_index=0)


def _summed_loss(logits, labels):
    return _cross_entropy(logits, labels, ignore_index=0, reduction="sum")


def _gradients(embedding, output, inputs, labels, loss_of=_mean_loss):
    tables = [table.detach().clone().requires_grad_() for table in (embedding, output)]
    loss_of(tables[0][inputs] @ tables[1].T, labels).backward()
    return [table.grad for table in tables]


def _length(*gradients):
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


def _clipped(gradients, clip, length):
    return [gradient * (clip / length).clamp(max=1) for gradient in gradients]


def _moved(embedding, output, gradients, rate):
    return torch.stack([embedding - rate * gradients[0], output - rate * gradients[1]])


def _step(embedding, output, inputs, labels, rate, clip, *, loss_of=_mean_loss, length_of=_length):
    gradients = _gradients(embedding, output, inputs, labels, loss_of)
    return _moved(embedding, output, _clipped(gradients, clip, length_of(*gradients)), rate)


def reference(embedding, output, inputs, labels, rate, clip):
    return _step(embedding, output, inputs, labels, rate, clip)


def weights(embedding, output, inputs, labels, rate, clip):
    return (embedding[inputs] @ output.T).softmax(dim=-1)[labels != 0]


@known.mistake
def not_clipped(embedding, output, inputs, labels, rate, clip):
    """The gradient is not clipped. Where all of it together is longer than `clip`, scale it down to that length."""
    return _moved(embedding, output, _gradients(embedding, output, inputs, labels), rate)


@known.mistake
def clipped_number_by_number(embedding, output, inputs, labels, rate, clip):
    """Each number of the gradient is cut off at clip and -clip. That bends the gradient into another direction: measure
    the length of all of it, and scale it as a whole."""
    gradients = [gradient.clamp(-clip, clip) for gradient in _gradients(embedding, output, inputs, labels)]
    return _moved(embedding, output, gradients, rate)


@known.mistake
def clipped_table_by_table(embedding, output, inputs, labels, rate, clip):
    """Each table's gradient is clipped by its own length, so that the two are scaled differently, and the direction of
    the step changes. Measure one length over both."""
    gradients = _gradients(embedding, output, inputs, labels)
    gradients = [_clipped([gradient], clip, _length(gradient))[0] for gradient in gradients]
    return _moved(embedding, output, gradients, rate)


@known.mistake
def clipped_token_by_token(embedding, output, inputs, labels, rate, clip):
    """Each row of the tables is clipped by its own length: the norm ran over the last axis alone. Measure one length
    over all numbers of both gradients."""
    gradients = _gradients(embedding, output, inputs, labels)
    factors = [(clip / gradient.norm(dim=-1, keepdim=True)).clamp(max=1) for gradient in gradients]
    return _moved(embedding, output, [g * factor for g, factor in zip(gradients, factors, strict=True)], rate)


@known.mistake
def always_scaled(embedding, output, inputs, labels, rate, clip):
    """The gradient is scaled to the length `clip` even when it is shorter: then it is made longer, and near the goal
    the steps never get small. Only scale down."""
    gradients = _gradients(embedding, output, inputs, labels)
    length = _length(*gradients)
    return _moved(embedding, output, [gradient * clip / length for gradient in gradients], rate)


@known.mistake
def scaled_to_length_one(embedding, output, inputs, labels, rate, clip):
    """A long gradient is scaled to length 1. Divided by its length it has length 1: multiply by `clip`, too."""
    gradients = _gradients(embedding, output, inputs, labels)
    length = _length(*gradients)
    gradients = [gradient / length if length > clip else gradient for gradient in gradients]
    return _moved(embedding, output, gradients, rate)


@known.mistake
def not_divided_by_its_length(embedding, output, inputs, labels, rate, clip):
    """A long gradient is multiplied by `clip` and nothing else, so that it is not `clip` long but `clip` times its
    length. Divide by its length, too."""
    gradients = _gradients(embedding, output, inputs, labels)
    factor = clip if _length(*gradients) > clip else 1.0
    return _moved(embedding, output, [gradient * factor for gradient in gradients], rate)


@known.mistake
def scaled_up_instead_of_down(embedding, output, inputs, labels, rate, clip):
    """The condition is upside down: short gradients are made longer, and long ones stay as they are. Scale where the
    length is above `clip`."""
    gradients = _gradients(embedding, output, inputs, labels)
    factor = (clip / _length(*gradients)).clamp(min=1)
    return _moved(embedding, output, [gradient * factor for gradient in gradients], rate)


@known.mistake
def lengths_added(*given):
    """The lengths of the two gradients are added. The length of both together is the root of the sum of their squares,
    as if all the numbers stood in one long row."""
    return _step(*given, length_of=lambda *parts: sum(map(_length, parts)))


@known.mistake
def root_forgotten(*given):
    """You compare the sum of the squares with `clip`. The length is its root."""
    return _step(*given, length_of=lambda *parts: _length(*parts) ** 2)


@known.mistake
def sum_of_absolutes(*given):
    """The length is taken as the sum of the absolute numbers. It is the root of the sum of their squares."""
    return _step(*given, length_of=lambda *parts: sum(g.abs().sum() for g in parts))


@known.mistake
def largest_number(*given):
    """The length is taken as the largest number of the gradient. It is the root of the sum of the squares of all."""
    return _step(*given, length_of=lambda *parts: max(g.abs().max() for g in parts))


@known.mistake
def length_per_number(*given):
    """The root is taken of the mean of the squares. The length is the root of their sum."""
    return _step(*given, length_of=lambda *parts: torch.cat([g.flatten() for g in parts]).square().mean().sqrt())


@known.mistake
def clipped_after_the_rate(embedding, output, inputs, labels, rate, clip):
    """You clip the step, the gradient times the rate. Clip the gradient first: then the rate says how far a clipped
    step goes."""
    gradients = [rate * gradient for gradient in _gradients(embedding, output, inputs, labels)]
    return _moved(embedding, output, _clipped(gradients, clip, _length(*gradients)), 1.0)


@known.mistake
def weights_clipped(embedding, output, inputs, labels, rate, clip):
    """The new weights are shortened to `clip`, not the gradient. The weights may be as long as they like."""
    moved = not_clipped(embedding, output, inputs, labels, rate, clip)
    return moved * (clip / moved.norm()).clamp(max=1)


@known.mistake
def uphill(embedding, output, inputs, labels, rate, clip):
    """The step goes uphill: the gradient points where the loss grows. Subtract it."""
    return reference(embedding, output, inputs, labels, -rate, clip)


@known.mistake
def rate_forgotten(embedding, output, inputs, labels, rate, clip):
    """The clipped gradient is subtracted as it is. Multiply it by the rate first."""
    return reference(embedding, output, inputs, labels, 1.0, clip)


@known.mistake
def step_of_adam(embedding, output, inputs, labels, rate, clip):
    """This is a step of Adam, which divides by running averages. Part 4 is plain descent: torch.optim.SGD does it."""
    gradients = _gradients(embedding, output, inputs, labels)
    gradients = _clipped(gradients, clip, _length(*gradients))
    # At the first step the averages are the gradient and its square.
    return _moved(embedding, output, [gradient / (gradient.abs() + 1e-8) for gradient in gradients], rate)


@known.mistake
def step_of_adamw(embedding, output, inputs, labels, rate, clip):
    """This is a step of AdamW, which divides by running averages and shrinks the weights. Part 4 is plain descent:
    torch.optim.SGD does it."""
    decayed = 0.01 * rate * torch.stack([embedding, output])
    return step_of_adam(embedding, output, inputs, labels, rate, clip) - decayed


@known.mistake
def gradient_returned(embedding, output, inputs, labels, rate, clip):
    """This is the clipped gradient. Return the weights after the step: the old ones minus rate times the gradient."""
    gradients = _gradients(embedding, output, inputs, labels)
    return torch.stack(_clipped(gradients, clip, _length(*gradients)))


@known.mistake
def nothing_moved(embedding, output, inputs, labels, rate, clip):
    """The weights are as they were: the step was not taken, or it was taken on copies that you do not return."""
    return torch.stack([embedding, output])


@known.mistake
def only_the_output_moved(embedding, output, inputs, labels, rate, clip):
    """The output table moved, the embedding did not. Both have a gradient."""
    return torch.stack([embedding, reference(embedding, output, inputs, labels, rate, clip)[1]])


@known.mistake
def only_the_embedding_moved(embedding, output, inputs, labels, rate, clip):
    """The embedding moved, the output table did not. Both have a gradient."""
    return torch.stack([reference(embedding, output, inputs, labels, rate, clip)[0], output])


@known.mistake
def tables_swapped(embedding, output, inputs, labels, rate, clip):
    """Both tables are right and in the wrong order: first the embedding, then the output table."""
    return reference(embedding, output, inputs, labels, rate, clip).flip(0)


@known.mistake
def a_pair(*given):
    """A tuple came back. torch.stack([...]) makes one tensor of the two tables: first the embedding, then the output
    table."""
    return tuple(reference(*given))


@known.mistake
def padding_counted(*given):
    """The loss counts the padding, so the model is trained to write it. Leave out the positions whose label is 0:
    cross_entropy has the argument ignore_index."""
    return _step(*given, loss_of=_cross_entropy)


@known.mistake
def padding_divides(*given):
    """The losses of padding are left out, but the sum is divided by the number of all positions. Divide by the number
    of real labels."""
    return _step(
        *given,
        loss_of=lambda logits, labels: _summed_loss(logits, labels) / labels.numel(),
    )


@known.mistake
def divided_by_the_batch(*given):
    """The sum of the losses is divided by the number of texts. Divide it by the number of real labels."""
    return _step(
        *given,
        loss_of=lambda logits, labels: _summed_loss(logits, labels) / len(labels),
    )


@known.mistake
def loss_summed(*given):
    """The loss is a sum, so its gradient grows with the batch. Take the mean over the real labels."""
    return _step(*given, loss_of=_summed_loss)


@known.mistake
def mean_of_means(*given):
    """Each text has its own mean loss, and you take the mean of those: a token of a short text counts more than one of
    a long text. Take one mean over all real labels."""

    def loss_of(logits, labels):
        losses = torch.nn.functional.cross_entropy(logits.mT, labels, ignore_index=0, reduction="none")
        return (losses.sum(dim=1) / (labels != 0).sum(dim=1)).mean()

    return _step(*given, loss_of=loss_of)


@known.mistake
def smoothed_by_torch(*given):
    """The loss is smoothed: label_smoothing=0.1 is left on. This step takes the loss of task 2, where the label is all
    that is asked for."""
    return _step(
        *given,
        loss_of=lambda logits, labels: _cross_entropy(logits, labels, ignore_index=0, label_smoothing=0.1),
    )


@known.mistake
def smoothed_by_the_library(*given):
    """The loss is smoothed by 0.1, as in the lesson. This step takes the loss of task 2, where the label is all that is
    asked for."""
    from course_lib.training import cross_entropy

    return _step(*given, loss_of=lambda logits, labels: cross_entropy(logits, labels, 0.1))


@known.mistake
def softmax_twice(*given):
    """The softmax is applied twice: cross_entropy wants logits and applies it itself. It learns all the same, but
    slowly, and nobody is warned."""
    return _step(*given, loss_of=lambda logits, labels: _mean_loss(logits.softmax(dim=-1), labels))


@known.mistake
def labels_given(embedding, output, inputs, labels, rate, clip):
    """The labels are looked up in the embedding, so each position is given what it is asked for. The inputs go in, the
    labels are asked for."""
    return reference(embedding, output, labels, labels, rate, clip)


@known.mistake
def inputs_asked_for(embedding, output, inputs, labels, rate, clip):
    """The loss compares with the inputs, so each position is asked for what it is given. The inputs go in, the labels
    are asked for."""
    return reference(embedding, output, inputs, inputs, rate, clip)


@known.mistake
def roles_swapped(embedding, output, inputs, labels, rate, clip):
    """The tables have changed roles: the tokens are looked up in `output`, and the logits come from `embedding`. Look
    up in `embedding`, and multiply with the rows of `output`."""
    return reference(output, embedding, inputs, labels, rate, clip).flip(0)


@known.mistake
def reshaped_for_the_vocabulary(*given):
    """The logits are reshaped to (batch, vocab, length). That puts the numbers, in their old order, into other rows, so
    that they belong to other tokens. transpose(1, 2) swaps the axes; or flatten the batch and the positions."""
    return _step(
        *given,
        loss_of=lambda logits, labels: torch.nn.functional.cross_entropy(
            logits.reshape(len(logits), logits.shape[-1], -1), labels, ignore_index=0
        ),
    )


@known.mistake
def position_for_the_vocabulary(*given):
    """cross_entropy looks for the vocabulary in axis 1, and there your logits have the positions. Flatten the batch and
    the positions into one axis, or swap the last two axes of the logits."""
    return _step(
        *given, loss_of=lambda logits, labels: torch.nn.functional.cross_entropy(logits, labels, ignore_index=0)
    )


@known.mistake
def no_gradient_asked_for(embedding, output, inputs, labels, rate, clip):
    """Nothing was computed with a gradient in view. Copy the tables and say requires_grad_() before you compute the
    loss, and not inside torch.no_grad()."""
    _mean_loss(embedding[inputs] @ output.T, labels).backward()


@known.mistake
def leaf_changed_in_place(embedding, output, inputs, labels, rate, clip):
    """Autograd watches this tensor, so -= is not allowed. Take the step inside `with torch.no_grad():`, or write
    E - rate * E.grad, which makes a new tensor."""
    embedding = embedding.clone().requires_grad_()
    _mean_loss(embedding[inputs] @ output.T, labels).backward()
    embedding -= rate * embedding.grad


@known.mistake
def part_of_a_leaf_changed_in_place(embedding, output, inputs, labels, rate, clip):
    """Autograd watches this tensor, so no part of it may be changed by -=. Take the step inside
    `with torch.no_grad():`, or write E - rate * E.grad, which makes a new tensor."""
    tables = torch.stack([embedding, output]).requires_grad_()
    _mean_loss(tables[0][inputs] @ tables[1].T, labels).backward()
    tables[0] -= rate * tables.grad[0]


def _computed_copy(embedding, output, inputs, labels):
    """A table whose gradient goes to the table it was copied from."""
    copied = embedding.detach().requires_grad_().clone()
    _mean_loss(copied[inputs] @ output.T, labels).backward()
    return copied


@known.mistake
def gradient_is_none_for_norm(embedding, output, inputs, labels, rate, clip):
    """`.grad` is None. backward() fills it only in a tensor of its own that was made by no computation, and
    .requires_grad_().clone() computes a copy: clone first, then .requires_grad_()."""
    return _computed_copy(embedding, output, inputs, labels).grad.norm()


@known.mistake
def gradient_is_none_for_square(embedding, output, inputs, labels, rate, clip):
    """`.grad` is None, there is nothing to square. backward() fills it only in a tensor of its own that was made by no
    computation, and .requires_grad_().clone() computes a copy: clone first, then .requires_grad_()."""
    return _computed_copy(embedding, output, inputs, labels).grad.square()


@known.mistake
def gradient_is_none_for_power(embedding, output, inputs, labels, rate, clip):
    """`.grad` is None, which has no power. backward() fills it only in a tensor of its own that was made by no
    computation, and .requires_grad_().clone() computes a copy: clone first, then .requires_grad_()."""
    return _computed_copy(embedding, output, inputs, labels).grad ** 2


@known.always
def the_step_is_short_enough(inputs, output):
    """The step, new weights minus old, should not be longer than rate times clip."""
    step = output - np.stack([inputs["embedding"], inputs["output"]])
    return bool(np.linalg.norm(step) <= inputs["rate"] * inputs["clip"] * 1.001)


@known.always
def unused_tokens_stay(inputs, output):
    """The embedding of a token that is given nowhere, padding among them, should stay as it was."""
    given = inputs["inputs"][inputs["labels"] != 0]
    unused = ~np.isin(np.arange(len(inputs["embedding"])), given)
    return np.allclose(output[0][unused], inputs["embedding"][unused])


@known.legal
def by_autograd(embedding, output, inputs, labels, rate, clip):
    embedding, output = embedding.clone().requires_grad_(), output.clone().requires_grad_()
    logits = (embedding[inputs] @ output.T).transpose(1, 2)
    torch.nn.functional.cross_entropy(logits, labels, ignore_index=0).backward()
    length = (embedding.grad.square().sum() + output.grad.square().sum()).sqrt()
    with torch.no_grad():
        factor = min(1.0, clip / length.item())
        embedding -= rate * factor * embedding.grad
        output -= rate * factor * output.grad
    return torch.stack([embedding, output])


@known.legal
def by_one_tensor(embedding, output, inputs, labels, rate, clip):
    tables = torch.stack([embedding, output]).requires_grad_()
    real = labels != 0
    log_p = (tables[0][inputs[real]] @ tables[1].T).log_softmax(dim=-1)
    loss = -log_p.gather(-1, labels[real][:, None]).mean()
    (gradient,) = torch.autograd.grad(loss, tables)
    length = torch.linalg.vector_norm(gradient)
    if length > clip:
        gradient = gradient * clip / length
    return (tables - rate * gradient).detach()


@known.legal
def by_the_library(embedding, output, inputs, labels, rate, clip):
    """With the library's loss, which computes in float32, and with an epsilon as in clip_grad_norm_."""
    from course_lib.training import cross_entropy

    tables = torch.stack([embedding, output]).requires_grad_()
    cross_entropy(tables[0][inputs] @ tables[1].T, labels).backward()
    factor = torch.clamp(clip / (tables.grad.norm() + 1e-6), max=1.0)
    return tables.detach() - rate * factor * tables.grad


@known.legal
def by_optimizer(embedding, output, inputs, labels, rate, clip):
    tables = [torch.nn.Parameter(table.clone()) for table in (embedding, output)]
    optimizer = torch.optim.SGD(tables, lr=rate)
    logits = torch.nn.functional.embedding(inputs, tables[0]) @ tables[1].T
    torch.nn.CrossEntropyLoss(ignore_index=0)(logits.flatten(0, 1), labels.flatten()).backward()
    length = torch.stack([table.grad.norm() for table in tables]).norm()
    for table in tables:
        table.grad *= torch.clamp(clip / length, max=1.0)
    optimizer.step()
    return torch.stack(tables)


@known.legal
def by_hand(embedding, output, inputs, labels, rate, clip):
    """Without autograd: the gradient of the logits is what the model says minus what is asked for."""
    real = labels != 0
    given, asked = inputs[real], labels[real]
    wrong = (embedding[given] @ output.T).softmax(dim=-1)
    wrong[torch.arange(len(asked)), asked] -= 1
    wrong /= len(asked)
    of_output = wrong.T @ embedding[given]
    of_embedding = torch.zeros_like(embedding).index_add(0, given, wrong @ output)
    gradient = torch.stack([of_embedding, of_output])
    return torch.stack([embedding, output]) - rate * gradient * min(1.0, clip / gradient.norm().item())


@known.legal
def by_numpy(embedding, output, inputs, labels, rate, clip):
    embedding, output, inputs, labels = (tensor.numpy() for tensor in (embedding, output, inputs, labels))
    gradient = np.zeros((2, *embedding.shape), embedding.dtype)
    for given, asked in zip(inputs[labels > 0], labels[labels > 0], strict=True):
        p = np.exp(output @ embedding[given])
        p /= p.sum()
        p[asked] -= 1
        gradient[0, given] += p @ output
        gradient[1] += np.outer(p, embedding[given])
    gradient /= (labels > 0).sum()
    return np.stack([embedding, output]) - rate * gradient / max(1.0, float(np.linalg.norm(gradient)) / clip)


@known.borrowed
def by_clip_grad_norm(embedding, output, inputs, labels, rate, clip):
    tables = [torch.nn.Parameter(table.clone()) for table in (embedding, output)]
    _mean_loss(tables[0][inputs] @ tables[1].T, labels).backward()
    torch.nn.utils.clip_grad_norm_(tables, clip)
    return torch.stack([table.detach() - rate * table.grad for table in tables])


TASK = Task(
    id="10.training_step",
    title="One step of training",
    difficulty=3,
    minutes=20,
    library="torch",
    reference=reference,
    draw=long_gradient,
    drawn=(informative(weights),),
    cases=(
        Case("2 texts", dict(batch=2, length=3, vocab=5, d_model=4), points=2, dtype="float32"),
        Case(
            "a short gradient",
            dict(batch=2, length=4, vocab=6, d_model=3),
            points=2,
            dtype="float32",
            draw=short_gradient,
        ),
        Case("4 texts", dict(batch=4, length=6, vocab=7, d_model=5), dtype="float32"),
        Case("3 texts", dict(batch=3, length=5, vocab=8, d_model=6), dtype="float32"),
    ),
    # PyTorch wraps all its functions that clip in one and the same wrapper; this is the one that is meant.
    finished=("torch.nn.utils.clip_grad_norm_",),
    hints=(
        (
            "Four parts, one after the other: the loss, its gradient, the length of the gradient, the step. Which of "
            "them do you have already from the tasks above?"
        ),
        (
            "Autograd leaves a gradient in a tensor of its own, made by no computation, that wants one: "
            "`embedding = embedding.clone().requires_grad_()`, and so for output. After `loss.backward()` the "
            "gradients are in `embedding.grad` and `output.grad`."
        ),
        (
            "The length of both together is the root of the sum of all squares. If it is above clip, multiply both "
            "gradients by clip / length; if not, leave them as they are."
        ),
        (
            "`min(1.0, clip / length.item())` is one factor for both. Take the step inside `with torch.no_grad():`, "
            "and return `torch.stack([..., ...])` of the two new tables."
        ),
    ),
    **known.ways,
)
