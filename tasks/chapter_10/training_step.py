"""10.training_step: the loss of a batch, its gradient, clipped by the length of all of it, and one step downhill."""

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def long_gradient(rng, batch, length, vocab, d_model):
    """A gradient that has to be clipped, however its length is measured: the limit is half a typical number of it."""
    return _clipped_at_half_a_number(_draw(rng, batch, length, vocab, d_model))


def short_gradient(rng, batch, length, vocab, d_model):
    """A gradient so short that nothing should happen to it, nor to one that is the sum over all positions."""
    inputs = _draw(rng, batch, length, vocab, d_model)
    summed = _gradients(*_tensors(inputs)).norm() * np.count_nonzero(inputs["labels"])
    return {**inputs, "clip": round(3 * summed.item(), 4)}


def not_all_asked_for(rng, batch, length, vocab, d_model):
    """Of each text, the first half is given and not asked for: a label may be 0 where the input is a token."""
    inputs = _draw(rng, batch, length, vocab, d_model)
    labels = np.where(np.arange(length) < length // 2, 0, inputs["labels"])
    labels[:, length // 2] = np.maximum(labels[:, length // 2], 2)
    return _clipped_at_half_a_number({**inputs, "labels": labels})


def large_logits(rng, batch, length, vocab, d_model):
    """Logits by the hundreds, so that exp of them overflows."""
    inputs = _draw(rng, batch, length, vocab, d_model)
    return {**inputs, "embedding": 300 * inputs["embedding"]}


def example(rng):
    embedding = np.array([[0.0], [1.0], [0.0]])
    tokens = {"inputs": np.array([[1]]), "labels": np.array([[2]])}
    return {"embedding": embedding, "output": np.zeros((3, 1)), **tokens, "rate": 3.0, "clip": 1.0}


def _draw(rng, batch, length, vocab, d_model):
    """Two tables of weights, and texts of different lengths; one of them fills its row, if there are several."""
    begin, end = 1, 2
    lengths = rng.permutation([length, *rng.integers(min(2, length), length + (batch == 1), size=batch - 1)])[:, None]
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


def _clipped_at_half_a_number(inputs):
    typical = _gradients(*_tensors(inputs)).square().mean().sqrt()
    return {**inputs, "clip": round(0.5 * typical.item(), 4)}


def _tensors(inputs):
    return [torch.from_numpy(inputs[name]) for name in ("embedding", "output", "inputs", "labels")]


def _mean_loss(logits, labels):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)


def _gradients(embedding, output, inputs, labels, loss_of=None):
    """The gradients of the two tables, (2, vocab, d_model): of the task's loss, or by autograd of another."""
    if loss_of is None:
        slopes_of_batch = slopes(logits(embedding, output, inputs), labels)
        return gradients(embedding, output, inputs, slopes_of_batch, shares(labels))
    tables = torch.stack([embedding, output]).requires_grad_()
    loss_of(tables[0][inputs] @ tables[1].T, labels).backward()
    return tables.grad


def _step(embedding, output, inputs, labels, rate, clip, loss_of=None):
    gradients = _gradients(embedding, output, inputs, labels, loss_of)
    return torch.stack([embedding, output]) - rate * gradients * (clip / gradients.norm()).clamp(max=1)


def reference(embedding, output, inputs, labels, rate, clip):
    """By the gradient worked out by hand; that it is autograd's, the legal ways show."""
    return _step(embedding, output, inputs, labels, rate, clip)


def weights(embedding, output, inputs, labels, rate, clip):
    return (embedding[inputs] @ output.T).softmax(dim=-1)[labels != 0]


@Stage
def given(inputs):
    return inputs


@given.slip
def labels_given(labels):
    """The labels are looked up in the embedding. The inputs go in, the labels are asked for."""
    return labels


@Stage
def asked(labels):
    return labels


@asked.slip
def inputs_asked_for(inputs):
    """The loss compares with the inputs. The inputs go in, the labels are asked for."""
    return inputs


@Stage
def logits(embedding, output, given):
    return embedding[given] @ output.T  # (batch, length, vocab)


@logits.slip
def divided_by_the_root(embedding, output, given):
    """The logits are divided by the root of d_model. That is a step of attention; here they are the products as they
    are."""
    return embedding[given] @ output.T / embedding.shape[-1] ** 0.5


@Stage
def slopes(logits, asked):
    """The gradient of each position's loss with respect to its logits."""
    return logits.softmax(dim=-1) - _one_hot(asked, logits)


@slopes.slip
def softmax_twice(logits, asked):
    """The softmax is applied twice: cross_entropy wants logits and applies it itself. It learns all the same, but
    slowly, and nobody is warned."""
    return _slopes_of(lambda logits: _losses(logits.softmax(dim=-1), asked), logits)


@slopes.slip
def smoothed_by_torch(logits, asked):
    """The loss is smoothed by 0.1, as PyTorch's label_smoothing does it. This step takes the loss of task 2, where the
    label is all that is asked for."""
    return logits.softmax(dim=-1) - 0.9 * _one_hot(asked, logits) - 0.1 / logits.shape[-1]


@slopes.slip
def smoothed_by_the_library(logits, asked):
    """The loss is smoothed by 0.1, as in the lesson. This step takes the loss of task 2, where the label is all that is
    asked for."""
    wanted = torch.full_like(logits, 0.1 / (logits.shape[-1] - 1))
    wanted[..., 0] = 0
    return logits.softmax(dim=-1) - 0.9 * _one_hot(asked, logits) - wanted


@slopes.slip
def no_softmax(logits, asked):
    """The gradient is that of minus the label's logit, without a softmax: nothing holds the other tokens down. The loss
    is minus the logarithm of the label's probability."""
    return -_one_hot(asked, logits)


@slopes.rare
def nan_for_large_logits(logits, asked):
    """Where logits are by the hundreds the new weights are NaN; for small ones the step is right. Their exponentials
    overflow, or a probability becomes 0, and its logarithm has no gradient. log_softmax and cross_entropy take the
    logits as they are, and hold."""
    shares_of_tokens = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    return shares_of_tokens - _one_hot(asked, logits)


@Stage
def shares(asked):
    """What each position's loss counts in the loss of the batch."""
    real = asked != 0
    return real / real.sum()


@shares.slip
def padding_counted(asked):
    """The loss counts the padding, so the model is trained to write it. Leave out the positions whose label is 0:
    cross_entropy has the argument ignore_index."""
    return torch.full(asked.shape, 1 / asked.numel())


@shares.slip
def padding_divides(asked):
    """The losses of padding have no part in the gradient, but the sum is divided by the number of all positions. Divide
    by the number of real labels."""
    return (asked != 0) / asked.numel()


@shares.slip
def divided_by_the_batch(asked):
    """The sum of the losses is divided by the number of texts. Divide it by the number of real labels."""
    return (asked != 0) / len(asked)


@shares.slip
def loss_summed(asked):
    """The loss is a sum, so its gradient grows with the batch. Take the mean over the real labels."""
    return (asked != 0).float()


@shares.slip
def mean_of_means(asked):
    """Each text has its own mean loss, and the loss is the mean of those: a token of a short text counts more than one
    of a long text. Take one mean over all real labels."""
    real = asked != 0
    return real / real.sum(dim=1, keepdim=True) / len(asked)


@shares.slip
def padding_of_the_inputs(inputs):
    """A position counts if its input is no padding. It should count if its label is none: a token may be given where
    nothing is asked for."""
    real = inputs != 0
    return real / real.sum()


@Stage
def gradients(embedding, output, given, slopes, shares):
    pull = (slopes * shares.to(slopes.dtype)[..., None]).flatten(0, 1)  # (batch * length, vocab)
    of_embedding = torch.zeros_like(embedding).index_add(0, given.flatten(), pull @ output)
    return torch.stack([of_embedding, pull.T @ embedding[given.flatten()]])


@gradients.slip
def rows_written_over(embedding, output, given, slopes, shares):
    """Where a token is given several times, its row of the embedding has the gradient of one place alone. A row's
    gradient is the sum over all places where its token is given."""
    pull = (slopes * shares.to(slopes.dtype)[..., None]).flatten(0, 1)
    of_embedding = torch.zeros_like(embedding)
    of_embedding[given.flatten()] = pull @ output
    return torch.stack([of_embedding, pull.T @ embedding[given.flatten()]])


@gradients.slip
def output_alone_learns(embedding, output, given, slopes, shares):
    """Only the output table learns, and the length is that of its gradient alone; the embedding stays as it was. Both
    have a gradient, and both count for its length."""
    return gradients(embedding, output, given, slopes, shares) * torch.tensor([0.0, 1.0])[:, None, None]


@gradients.slip
def embedding_alone_learns(embedding, output, given, slopes, shares):
    """Only the embedding learns, and the length is that of its gradient alone; the output table stays as it was. Both
    have a gradient, and both count for its length."""
    return gradients(embedding, output, given, slopes, shares) * torch.tensor([1.0, 0.0])[:, None, None]


@gradients.slip
def gradient_twice(embedding, output, given, slopes, shares):
    """The gradient is twice what it should be, as when backward() runs twice: what it leaves in .grad is added up."""
    return 2 * gradients(embedding, output, given, slopes, shares)


@Stage
def length(gradients):
    return gradients.norm()


@length.slip
def each_table_its_own(gradients):
    """Each table's gradient is clipped by its own length, so that the two are scaled differently, and the direction of
    the step changes. Measure one length over both."""
    return gradients.flatten(1).norm(dim=1)[:, None, None]


@length.slip
def each_token_its_own(gradients):
    """Each row of the tables is clipped by its own length. Measure one length over all numbers of both gradients."""
    return gradients.norm(dim=-1, keepdim=True)


@length.slip
def lengths_added(gradients):
    """The lengths of the two gradients are added. The length of both together is the root of the sum of their squares,
    as if all the numbers stood in one long row."""
    return gradients.flatten(1).norm(dim=1).sum()


@length.slip
def root_forgotten(gradients):
    """The length is taken as the sum of the squares. It is the root of that sum."""
    return gradients.square().sum()


@length.slip
def sum_of_absolutes(gradients):
    """The length is taken as the sum of the absolute numbers. It is the root of the sum of their squares."""
    return gradients.abs().sum()


@length.slip
def largest_number(gradients):
    """The length is taken as the largest number of the gradient. It is the root of the sum of the squares of all."""
    return gradients.abs().max()


@length.slip
def length_per_number(gradients):
    """The root is taken of the mean of the squares. The length is the root of their sum."""
    return gradients.square().mean().sqrt()


@length.slip
def length_of_the_embedding(gradients):
    """The length is that of the embedding's gradient alone. Measure one length over both tables."""
    return gradients[0].norm()


@length.slip
def length_of_the_output(gradients):
    """The length is that of the output table's gradient alone. Measure one length over both tables."""
    return gradients[1].norm()


@Stage
def clipped(gradients, length, clip):
    return gradients * (clip / length).clamp(max=1)


@clipped.slip
def not_clipped(gradients):
    """The gradient is not clipped. Where all of it together is longer than `clip`, scale it down to that length."""
    return gradients


@clipped.slip
def clipped_number_by_number(gradients, clip):
    """Each number of the gradient is cut off at clip and -clip. That bends the gradient into another direction: measure
    the length of all of it, and scale it as a whole."""
    return gradients.clamp(-clip, clip)


@clipped.slip
def always_scaled(gradients, length, clip):
    """The gradient is scaled to the length `clip` even when it is shorter: then it is made longer, and near the goal
    the steps never get small. Only scale down."""
    return (gradients * clip / length).nan_to_num(0.0)


@clipped.slip
def scaled_to_length_one(gradients, length, clip):
    """A long gradient is scaled to length 1. Divided by its length it has length 1: multiply by `clip`, too."""
    return torch.where(length > clip, gradients / length, gradients)


@clipped.slip
def not_divided_by_its_length(gradients, length, clip):
    """A long gradient is multiplied by `clip` and nothing else, so that it is not `clip` long but `clip` times its
    length. Divide by its length, too."""
    return torch.where(length > clip, gradients * clip, gradients)


@clipped.slip
def scaled_up_instead_of_down(gradients, length, clip):
    """Short gradients are made as long as `clip`, and long ones stay as they are. It is the other way round: scale
    where the length is above `clip`."""
    return torch.where(length > 0, gradients * (clip / length).clamp(min=1), 0.0)


@clipped.slip
def factor_upside_down(gradients, length, clip):
    """A long gradient is made longer still: the factor is length / clip. It is clip / length."""
    return torch.where(length > clip, gradients * length / clip, gradients)


@Stage
def step(clipped, rate):
    return rate * clipped


@step.slip
def rate_forgotten(clipped):
    """The clipped gradient is subtracted as it is. Multiply it by the rate first."""
    return clipped


@step.slip
def step_of_adam(clipped, rate):
    """Of each number of the gradient only the sign counts, as in the first step of Adam, which divides by running
    averages. Part 4 is plain descent: torch.optim.SGD does it."""
    # At the first step the averages are the gradient and its square.
    return rate * clipped / (clipped.abs() + 1e-8)


@Stage
def moved(embedding, output, step):
    return torch.stack([embedding, output]) - step


@moved.slip
def uphill(embedding, output, step):
    """The step goes uphill: the gradient points where the loss grows. Subtract it."""
    return torch.stack([embedding, output]) + step


@moved.slip
def gradient_returned(clipped):
    """This is the clipped gradient. Return the weights after the step: the old ones minus rate times the gradient."""
    return clipped.clone()


@moved.slip
def step_returned(step):
    """This is the step, rate times the clipped gradient. Return the weights after it: the old ones minus the step."""
    return step.clone()


@moved.slip
def nothing_moved(embedding, output):
    """The weights are as they were: the step was not taken, or it was taken on copies that do not come back."""
    return torch.stack([embedding, output])


@moved.slip
def only_the_output_moved(embedding, output, step):
    """The output table moved, the embedding did not. Both take the step."""
    return torch.stack([embedding, output - step[1]])


@moved.slip
def only_the_embedding_moved(embedding, output, step):
    """The embedding moved, the output table did not. Both take the step."""
    return torch.stack([embedding - step[0], output])


@moved.slip
def tables_swapped(embedding, output, step):
    """The tables come back in the wrong order: first the embedding, then the output table."""
    return torch.stack([output - step[1], embedding - step[0]])


@moved.slip
def one_below_the_other(embedding, output, step):
    """The tables lie one below the other, (2 vocab, d_model), as torch.cat lays them. torch.stack gives the pair an
    axis of its own."""
    return torch.cat([embedding - step[0], output - step[1]])


def _one_hot(asked, logits):
    return torch.nn.functional.one_hot(asked, logits.shape[-1]).to(logits.dtype)


def _losses(logits, labels):
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")


def _slopes_of(losses, logits):
    logits = logits.detach().requires_grad_()
    losses(logits).sum().backward()
    return logits.grad


def _clipped_gradients(embedding, output, inputs, labels, clip):
    gradients = _gradients(embedding, output, inputs, labels)
    return gradients * (clip / gradients.norm()).clamp(max=1)


@known.mistake
def clipped_after_the_rate(embedding, output, inputs, labels, rate, clip):
    """The step is clipped, the gradient times the rate. Clip the gradient first: then the rate says how far a clipped
    step goes."""
    step = rate * _gradients(embedding, output, inputs, labels)
    return torch.stack([embedding, output]) - step * (clip / step.norm()).clamp(max=1)


@known.mistake
def weights_clipped(embedding, output, inputs, labels, rate, clip):
    """The new weights are shortened to `clip`, not the gradient. The weights may be as long as they like."""
    moved = torch.stack([embedding, output]) - rate * _gradients(embedding, output, inputs, labels)
    return moved * (clip / moved.norm()).clamp(max=1)


@known.mistake
def new_weights_cut_off(embedding, output, inputs, labels, rate, clip):
    """The numbers of the new weights are cut off at clip and -clip. The weights may be as large as they like: it is the
    gradient that is clipped, as a whole."""
    return (torch.stack([embedding, output]) - rate * _gradients(embedding, output, inputs, labels)).clamp(-clip, clip)


@known.mistake
def rate_and_clip_exchanged(embedding, output, inputs, labels, rate, clip):
    """`rate` and `clip` have changed places: the gradient is scaled down to the length `rate`, and multiplied by
    `clip`."""
    return reference(embedding, output, inputs, labels, clip, rate)


@known.mistake
def rate_twice(embedding, output, inputs, labels, rate, clip):
    """The rate is multiplied in twice. Once is enough: rate times the clipped gradient."""
    return reference(embedding, output, inputs, labels, rate * rate, clip)


@known.mistake
def divided_by_the_rate(embedding, output, inputs, labels, rate, clip):
    """The clipped gradient is divided by the rate. Multiply it by the rate."""
    return reference(embedding, output, inputs, labels, 1 / rate, clip)


@known.mistake
def gradients_swapped(embedding, output, inputs, labels, rate, clip):
    """Each table takes the other's step: the embedding that of the output table, and the output table that of the
    embedding."""
    step = rate * _clipped_gradients(embedding, output, inputs, labels, clip)
    return torch.stack([embedding, output]) - step.flip(0)


@known.mistake
def probability_for_its_logarithm(embedding, output, inputs, labels, rate, clip):
    """The gradient is that of minus the label's probability, without the logarithm. The loss is minus the logarithm of
    it."""

    def loss_of(logits, labels):
        return -logits.softmax(dim=-1).gather(-1, labels[..., None])[labels != 0].mean()

    return _step(embedding, output, inputs, labels, rate, clip, loss_of)


@known.mistake
def step_returned_downhill(embedding, output, inputs, labels, rate, clip):
    """This is the step alone, minus rate times the clipped gradient. Return the weights after it: add it to the old
    ones."""
    return -rate * _clipped_gradients(embedding, output, inputs, labels, clip)


@known.mistake
def always_of_length_one(embedding, output, inputs, labels, rate, clip):
    """The gradient is scaled to length 1 whatever it was, and `clip` has no part in it. Where it is longer than `clip`,
    scale it down to that length; if not, leave it as it is."""
    gradients = _gradients(embedding, output, inputs, labels)
    return torch.stack([embedding, output]) - rate * gradients / gradients.norm()


@known.mistake
def vocabulary_divides(embedding, output, inputs, labels, rate, clip):
    """The loss is divided by vocab, too: a mean over the vocabulary as well. Each position gives one number, the
    label's; take the mean of those."""
    return _step(
        *(embedding, output, inputs, labels, rate, clip),
        loss_of=lambda logits, labels: _mean_loss(logits, labels) / logits.shape[-1],
    )


@known.mistake
def softmax_over_the_positions(embedding, output, inputs, labels, rate, clip):
    """The softmax runs over the positions of a text. It has to run over the vocabulary, the last axis of the logits."""

    def loss_of(logits, labels):
        return -logits.log_softmax(dim=1).gather(-1, labels[..., None])[labels != 0].mean()

    return _step(embedding, output, inputs, labels, rate, clip, loss_of)


@known.mistake
def one_beside_the_other(embedding, output, inputs, labels, rate, clip):
    """The tables lie one beside the other, (vocab, 2 d_model). torch.stack gives the pair an axis of its own."""
    return torch.cat([*reference(embedding, output, inputs, labels, rate, clip)], dim=1)


@known.mistake
def clipped_to_the_rate(embedding, output, inputs, labels, rate, clip):
    """The step is as long as `clip`, whatever the rate is, once the gradient is longer than that. It is `rate` times
    the clipped gradient, so that its length is rate times clip."""
    gradients = _gradients(embedding, output, inputs, labels)
    step = torch.where(gradients.norm() > clip, gradients * clip / gradients.norm(), rate * gradients)
    return torch.stack([embedding, output]) - step


@known.mistake
def nesterov(embedding, output, inputs, labels, rate, clip):
    """The step is 1.9 times as long as it should be, as Nesterov's momentum of 0.9 makes the first one. Part 4 is plain
    descent."""
    return reference(embedding, output, inputs, labels, 1.9 * rate, clip)


@known.mistake
def loss_clipped(embedding, output, inputs, labels, rate, clip):
    """A loss above `clip` has no gradient here, and one below has all of it: the loss was clipped. Clip the gradient,
    by its length."""
    return torch.stack([embedding, output]) - rate * _gradients(
        embedding, output, inputs, labels, lambda logits, labels: _mean_loss(logits, labels).clamp(max=clip)
    )


@known.mistake
def perplexity_for_the_loss(embedding, output, inputs, labels, rate, clip):
    """The gradient is that of the perplexity, e to the power of the loss. Take that of the loss."""
    return _step(
        *(embedding, output, inputs, labels, rate, clip),
        loss_of=lambda logits, labels: _mean_loss(logits, labels).exp(),
    )


@known.mistake
def step_of_adamw(embedding, output, inputs, labels, rate, clip):
    """This is a step of AdamW, which divides by running averages and shrinks the weights. Part 4 is plain descent:
    torch.optim.SGD does it."""
    gradients = _clipped_gradients(embedding, output, inputs, labels, clip)
    return torch.stack([embedding, output]) * (1 - 0.01 * rate) - rate * gradients / (gradients.abs() + 1e-8)


@known.mistake
def weight_decay(embedding, output, inputs, labels, rate, clip):
    """The weights are also shrunk by a hundredth of the rate: weight decay of 0.01. Part 4 is the gradient's step
    alone."""
    tables = torch.stack([embedding, output])
    return tables - rate * (_clipped_gradients(embedding, output, inputs, labels, clip) + 0.01 * tables)


@known.mistake
def strong_weight_decay(embedding, output, inputs, labels, rate, clip):
    """The weights are also shrunk by a tenth of the rate: weight decay of 0.1. Part 4 is the gradient's step alone."""
    tables = torch.stack([embedding, output])
    return tables - rate * (_clipped_gradients(embedding, output, inputs, labels, clip) + 0.1 * tables)


@known.mistake
def two_steps(embedding, output, inputs, labels, rate, clip):
    """Two steps are taken, the second from where the first one ended. Take one."""
    return reference(*reference(embedding, output, inputs, labels, rate, clip), inputs, labels, rate, clip)


@known.mistake
def three_steps(embedding, output, inputs, labels, rate, clip):
    """Three steps are taken, each from where the one before ended. Take one."""
    return reference(*two_steps(embedding, output, inputs, labels, rate, clip), inputs, labels, rate, clip)


@known.mistake
def embedding_first(embedding, output, inputs, labels, rate, clip):
    """The embedding takes its step first, and the output table's gradient is that after it. Both gradients are those
    of the old weights."""
    new = reference(embedding, output, inputs, labels, rate, clip)[0]
    return torch.stack([new, reference(new, output, inputs, labels, rate, clip)[1]])


@known.mistake
def output_first(embedding, output, inputs, labels, rate, clip):
    """The output table takes its step first, and the embedding's gradient is that after it. Both gradients are those
    of the old weights."""
    new = reference(embedding, output, inputs, labels, rate, clip)[1]
    return torch.stack([reference(embedding, new, inputs, labels, rate, clip)[0], new])


@known.mistake
def text_by_text(embedding, output, inputs, labels, rate, clip):
    """Each text takes a step of its own, one after the other. The batch takes one step, along the gradient of its
    loss."""
    tables = torch.stack([embedding, output])
    for i in range(len(inputs)):
        tables = reference(*tables, inputs[i : i + 1], labels[i : i + 1], rate, clip)
    return tables


@known.mistake
def first_text_alone(embedding, output, inputs, labels, rate, clip):
    """Only the first text of the batch has a part in the loss. All of them have."""
    return reference(embedding, output, inputs[:1], labels[:1], rate, clip)


@known.mistake
def shifted_once_more(embedding, output, inputs, labels, rate, clip):
    """Each input is asked for the label one position further on. Inputs and labels are shifted against each other
    already: position by position, they belong together."""
    if inputs.shape[1] == 1:
        return reference(embedding, output, inputs, labels, rate, clip)
    return reference(embedding, output, inputs[:, :-1], labels[:, 1:], rate, clip)


@known.mistake
def roles_swapped(embedding, output, inputs, labels, rate, clip):
    """The tables have changed roles: the tokens are looked up in `output`, and the logits come from `embedding`. Look
    up in `embedding`, and multiply with the rows of `output`."""
    return reference(output, embedding, inputs, labels, rate, clip).flip(0)


@known.mistake
def embedding_for_both(embedding, output, inputs, labels, rate, clip):
    """The logits come from `embedding`, where the tokens are looked up, too, and `output` has no part in it. Look up in
    `embedding`, and multiply with the rows of `output`."""
    gradients = _gradients(embedding, embedding, inputs, labels).sum(dim=0)
    gradients = torch.stack([gradients, torch.zeros_like(gradients)])
    return torch.stack([embedding, output]) - rate * gradients * (clip / gradients.norm()).clamp(max=1)


@known.mistake
def a_pair(embedding, output, inputs, labels, rate, clip):
    """A tuple came back. torch.stack([...]) makes one tensor of the two tables: first the embedding, then the output
    table."""
    return tuple(reference(embedding, output, inputs, labels, rate, clip))


@known.mistake
def a_list(embedding, output, inputs, labels, rate, clip):
    """A list came back. torch.stack([...]) makes one tensor of the two tables: first the embedding, then the output
    table."""
    return list(reference(embedding, output, inputs, labels, rate, clip))


@known.mistake
def the_loss_returned(embedding, output, inputs, labels, rate, clip):
    """This is the loss. Return the weights after the step, both tables."""
    return _mean_loss(embedding[inputs] @ output.T, labels)


@known.mistake
def sum_of_the_tables(embedding, output, inputs, labels, rate, clip):
    """The two tables are added into one. Return both, (2, vocab, d_model), the new embedding first."""
    return reference(embedding, output, inputs, labels, rate, clip).sum(dim=0)


@known.mistake
def forced_to_float64(embedding, output, inputs, labels, rate, clip):
    """The new weights are right, in float64. The tables are float32, and so are the new ones."""
    return reference(embedding.double(), output.double(), inputs, labels, rate, clip)


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
def position_for_the_vocabulary_in_one_line(embedding, output, inputs, labels, rate, clip):
    """cross_entropy looks for the vocabulary in axis 1, and these logits are (batch, length, vocab). Give it logits of
    (n, vocab) and labels of (n,): .flatten(0, 1) of the logits, .flatten() of the labels."""
    return torch.nn.functional.cross_entropy(embedding[inputs] @ output.T, labels, ignore_index=0)


@known.mistake
def labels_not_flattened(*given):
    """The logits have lost their axes of texts and positions, and the labels still have them. Flatten both."""
    return _step(
        *given,
        loss_of=lambda logits, labels: torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels, ignore_index=0),
    )


@known.mistake
def output_not_transposed(embedding, output, inputs, labels, rate, clip):
    """Both tables have d_model last, so the product does not fit. Each token's logit is the product with its row:
    output.T has the rows for columns."""
    logits = embedding[inputs] @ output
    return logits


@known.mistake
def no_gradient_asked_for(embedding, output, inputs, labels, rate, clip):
    """Nothing was computed with a gradient in view. Copy the tables and say requires_grad_() before you compute the
    loss, and not inside torch.no_grad()."""
    loss = _mean_loss(embedding[inputs] @ output.T, labels)
    loss.backward()


@known.mistake
def gradient_of_nothing(embedding, output, inputs, labels, rate, clip):
    """Nothing was computed with a gradient in view: torch.autograd.grad wants tables that ask for one. Copy them and
    say requires_grad_() before you compute the loss."""
    loss = _mean_loss(embedding[inputs] @ output.T, labels)
    return torch.autograd.grad(loss, (embedding, output))


@known.mistake
def gradient_of_a_number(embedding, output, inputs, labels, rate, clip):
    """`loss` is a plain number by then, as .item() makes one, and has no backward(). Keep it a tensor."""
    loss = _mean_loss(embedding[inputs] @ output.T, labels).item()
    loss.backward()


@known.mistake
def backward_twice(embedding, output, inputs, labels, rate, clip):
    """backward() ran twice through one computation, and what it needs was given up after the first. Once gives the
    gradients of all tables."""
    loss = _mean_loss(embedding.clone().requires_grad_()[inputs] @ output.T, labels)
    loss.backward()
    loss.backward()


@known.mistake
def backward_of_many(embedding, output, inputs, labels, rate, clip):
    """backward() wants one number, and here are many: one loss for each position, or the logits. The loss is their
    mean."""
    loss = _losses(embedding.clone().requires_grad_()[inputs] @ output.T, labels).repeat(1, 2)
    loss.backward()


@known.mistake
def leaf_changed_in_place(embedding, output, inputs, labels, rate, clip):
    """Autograd watches this tensor, so -= is not allowed. Take the step inside `with torch.no_grad():`, or write
    E - rate * E.grad, which makes a new tensor."""
    embedding = embedding.clone().requires_grad_()
    _mean_loss(embedding[inputs] @ output.T, labels).backward()
    embedding -= rate * embedding.grad


@known.mistake
def leaf_changed_in_place_by_a_scaled_step(embedding, output, inputs, labels, rate, clip):
    """Autograd watches this tensor, so -= is not allowed. Take the step inside `with torch.no_grad():`, or make a new
    tensor of it: E - rate * scale * E.grad."""
    embedding = embedding.clone().requires_grad_()
    _mean_loss(embedding[inputs] @ output.T, labels).backward()
    scale = (clip / embedding.grad.norm()).clamp(max=1)
    embedding -= rate * scale * embedding.grad


@known.mistake
def part_of_a_leaf_changed_in_place(embedding, output, inputs, labels, rate, clip):
    """Autograd watches this tensor, so no part of it may be changed by -=. Take the step inside
    `with torch.no_grad():`, or write E - rate * E.grad, which makes a new tensor."""
    tables = torch.stack([embedding, output]).requires_grad_()
    _mean_loss(tables[0][inputs] @ tables[1].T, labels).backward()
    tables[0] -= rate * tables.grad[0]


@known.mistake
def array_of_a_watched_tensor(embedding, output, inputs, labels, rate, clip):
    """Autograd watches this tensor, and NumPy cannot. No array is needed here: torch.stack makes one tensor of the two
    tables."""
    embedding = embedding.clone().requires_grad_()
    _mean_loss(embedding[inputs] @ output.T, labels).backward()
    return (embedding - rate * embedding.grad).numpy()


def _computed_copy(embedding, output, inputs, labels):
    """A table whose gradient goes to the table it was copied from."""
    copied = embedding.detach().requires_grad_().clone()
    _mean_loss(copied[inputs] @ output.T, labels).backward()
    return copied


@known.mistake
def gradient_is_none_for_product(embedding, output, inputs, labels, rate, clip):
    """`.grad` is None. backward() fills it only in a tensor that was made by no computation, and
    .requires_grad_().clone() computes a copy: clone first, then .requires_grad_()."""
    table = _computed_copy(embedding, output, inputs, labels)
    return table - rate * table.grad


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


SEEN = {  # the logits are 0, so that each of the four tokens has probability 1/4
    "embedding": np.ones((4, 2), dtype=np.float32),
    "output": np.zeros((4, 2), dtype=np.float32),
    "inputs": np.array([[1]]),
    "labels": np.array([[2]]),
    "rate": 1.0,
    "clip": 100.0,
}


def _drawn(rng):
    inputs = _draw(rng, batch=2, length=4, vocab=6, d_model=3)
    return {**inputs, **{name: inputs[name].astype(np.float32) for name in ("embedding", "output")}}


def _tables(inputs):
    return np.stack([inputs["embedding"], inputs["output"]])


@known.probe
def one_token(rng):
    new = yield SEEN
    column = new[1, :, 0]
    if not np.allclose(column, [-0.25, -0.25, 0.75, -0.25], atol=1e-4):
        return (
            f"Token 1 is given, its vector all ones, and token 2 is asked for; all of `output` is 0, rate = 1, and "
            f"clip is far away. A step should bring the rows of output to -0.25, -0.25, 0.75, -0.25 (the label's "
            f"probability is 1/4); yours are {', '.join(f'{number:.3g}' for number in column)}."
        )
    return None


@known.probe
def clip_far_away(rng):
    inputs = _drawn(rng)
    once = (yield {**inputs, "clip": 1e4}) - _tables(inputs)
    again = (yield {**inputs, "clip": 2e4}) - _tables(inputs)
    if not np.allclose(once, again, atol=1e-4):
        return (
            f"With clip = 10,000, far above any gradient, your step is {np.linalg.norm(once):.4g} long, and with "
            f"20,000 it is {np.linalg.norm(again):.4g} long: such a limit should change nothing."
        )
    return None


@known.probe
def clip_very_near(rng):
    inputs = {**_drawn(rng), "rate": 1.0, "clip": 0.05}
    step = (yield inputs) - _tables(inputs)
    if not np.isclose(np.linalg.norm(step), 0.05, rtol=1e-2):
        return (
            f"With rate = 1 and clip = 0.05, a long gradient should make a step of length 0.05; yours is "
            f"{np.linalg.norm(step):.4g} long."
        )
    return None


@known.probe
def column_of_padding(rng):
    inputs = {**_drawn(rng), "clip": 1e4}
    before = yield inputs
    after = yield {**inputs, **{name: np.pad(inputs[name], ((0, 0), (0, 1))) for name in ("inputs", "labels")}}
    if not np.allclose(before, after, atol=1e-4):
        at = np.unravel_index(np.abs(before - after).argmax(), before.shape)
        return (
            f"With one more column of padding behind all texts, your result should stay; at "
            f"[{', '.join(map(str, at))}] it goes from {before[at]:.4g} to {after[at]:.4g}."
        )
    return None


@known.probe
def twice_the_rate(rng):
    inputs = _drawn(rng)
    once = (yield {**inputs, "rate": 0.25}) - _tables(inputs)
    twice = (yield {**inputs, "rate": 0.5}) - _tables(inputs)
    if not np.allclose(2 * once, twice, atol=1e-4):
        return (
            f"With twice the rate the step should be twice as long; yours goes from {np.linalg.norm(once):.4g} to "
            f"{np.linalg.norm(twice):.4g}."
        )
    return None


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
    return torch.stack([embedding, output]).detach()


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
        logits = output @ embedding[given]
        p = np.exp(logits - logits.max())
        p /= p.sum()
        p[asked] -= 1
        gradient[0, given] += p @ output
        gradient[1] += np.outer(p, embedding[given])
    gradient /= (labels > 0).sum()
    gradient /= max(1.0, float(np.linalg.norm(gradient)) / clip)
    return torch.from_numpy(np.stack([embedding, output]) - rate * gradient)


@known.borrowed
def by_clip_grad_norm(embedding, output, inputs, labels, rate, clip):
    tables = [torch.nn.Parameter(table.clone()) for table in (embedding, output)]
    _mean_loss(tables[0][inputs] @ tables[1].T, labels).backward()
    torch.nn.utils.clip_grad_norm_(tables, clip)
    return torch.stack([table.detach() - rate * table.grad for table in tables])


@known.borrowed
def by_clip_grads_with_norm(embedding, output, inputs, labels, rate, clip):
    tables = [torch.nn.Parameter(table.clone()) for table in (embedding, output)]
    _mean_loss(tables[0][inputs] @ tables[1].T, labels).backward()
    length = torch.stack([table.grad.norm() for table in tables]).norm()
    torch.nn.utils.clip_grads_with_norm_(tables, clip, length)
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
        Case("the example of the text", {}, dtype="float32", draw=example),
        Case("2 texts", dict(batch=2, length=3, vocab=5, d_model=4), dtype="float32"),
        Case(
            "a short gradient",
            dict(batch=2, length=4, vocab=6, d_model=3),
            points=2,
            dtype="float32",
            draw=short_gradient,
        ),
        Case("4 texts", dict(batch=4, length=6, vocab=7, d_model=5), dtype="float32"),
        Case(
            "not all is asked for", dict(batch=3, length=6, vocab=8, d_model=4), dtype="float32", draw=not_all_asked_for
        ),
        Case("large logits", dict(batch=2, length=5, vocab=6, d_model=3), dtype="float32", draw=large_logits),
    ),
    stages=(given, asked, logits, slopes, shares, gradients, length, clipped, step, moved),
    coincidences={
        "output_alone_learns + only_the_embedding_moved": "nothing_moved",
        "embedding_alone_learns + only_the_output_moved": "nothing_moved",
        "each_table_its_own + only_the_output_moved": "output_alone_learns",
        "each_table_its_own + only_the_embedding_moved": "embedding_alone_learns",
        "length_of_the_output + only_the_output_moved": "output_alone_learns",
        "length_of_the_embedding + only_the_embedding_moved": "embedding_alone_learns",
        "rate_forgotten + step_returned": "gradient_returned",
    },
    # PyTorch wraps all its functions that clip in one and the same wrapper; this is the one that is meant.
    finished=("torch.nn.utils.clip_grad_norm_", "torch.nn.utils.clip_grads_with_norm_"),
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
