"""Training: the loss by hand and against soft targets, the loop against AdamW written out, stops without a trace."""

import hashlib
import json
import math
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import training
from course_lib.data.batches import PADDING
from course_lib.decoding import greedy
from course_lib.training import Batch, BucketedBatches, Plan, cross_entropy, in_order, teacher_forced, train
from course_lib.transformer import Sizes, Transformer

BEGIN, END = 1, 2
MARKS = {"begin": BEGIN, "end": END}


# Batches --------------------------------------------------------------------------------------------------------------


def test_teacher_forced_by_hand():
    batch = teacher_forced([[5, 6, 7], [8]], [[3, 4], [9, 9, 3, 5]], **MARKS)
    assert batch.source.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch.source_lengths.tolist() == [3, 1]
    assert batch.inputs.tolist() == [[1, 3, 4, 0, 0], [1, 9, 9, 3, 5]]
    assert batch.labels.tolist() == [[3, 4, 2, 0, 0], [9, 9, 3, 5, 2]]
    assert {part.dtype for part in batch} == {torch.int64}


def test_teacher_forced_frames_and_empty_targets():
    frames = [np.ones((2, 3), dtype=np.float32), np.full((4, 3), 2, dtype=np.float32)]
    batch = teacher_forced(frames, [[], [7]], **MARKS)
    assert batch.source.shape == (2, 4, 3)
    assert batch.source.dtype == torch.float32
    assert batch.source.sum(dim=(1, 2)).tolist() == [6, 24]
    assert batch.inputs.tolist() == [[1, 0], [1, 7]]
    assert batch.labels.tolist() == [[2, 0], [7, 2]]


def test_a_batch_moves_as_a_whole():
    batch = teacher_forced([[5]], [[3]], **MARKS).to("meta")
    assert isinstance(batch, Batch)
    assert {part.device.type for part in batch} == {"meta"}


def test_in_order_by_hand():
    first, second = in_order([[3], [4, 4], [5]], [[6], [7], [8, 8]], batch_size=2, **MARKS)
    assert first.source.tolist() == [[3, 0], [4, 4]]
    assert first.labels.tolist() == [[6, 2], [7, 2]]
    assert second.source.tolist() == [[5]]
    assert second.inputs.tolist() == [[1, 8, 8]]


@pytest.fixture
def examples(rng):
    """Sources of many lengths; each holds its own number, and so does its target."""
    lengths = rng.integers(1, 40, 203)
    return [[3 + i] * length for i, length in enumerate(lengths)], [[3 + i] for i in range(203)]


def test_every_example_once_in_every_epoch_with_its_target(examples):
    batches = BucketedBatches(*examples, batch_size=4, **MARKS)
    assert len(batches) == 51  # 50 of four, one of three
    orders = []
    for epoch in range(3):
        drawn = [batches(step) for step in range(epoch * 51, (epoch + 1) * 51)]
        assert Counter(len(batch.source) for batch in drawn) == {4: 50, 3: 1}
        for batch in drawn:
            assert batch.source[:, 0].tolist() == batch.labels[:, 0].tolist()
        orders.append([number for batch in drawn for number in batch.labels[:, 0].tolist()])
        assert sorted(orders[-1]) == list(range(3, 206))
    assert len(set(map(tuple, orders))) == 3, "every epoch has an order of its own"
    companions = [{frozenset(order[i : i + 4]) for i in range(0, 203, 4)} for order in orders]
    assert len(companions[0] & companions[1]) < 25, "and who shares a batch with whom changes"


def test_a_batch_depends_on_its_step_alone(examples, rng):
    batches, again = (BucketedBatches(*examples, batch_size=7, seed=5, **MARKS) for _ in range(2))
    in_turn = [batches(step) for step in range(90)]  # three epochs
    for step in rng.permutation(90).tolist():
        for part, expected in zip(again(step), in_turn[step], strict=True):
            assert torch.equal(part, expected)
    other = BucketedBatches(*examples, batch_size=7, seed=6, **MARKS)
    assert any(not torch.equal(other(step).source_lengths, in_turn[step].source_lengths) for step in range(29))


def test_buckets_leave_little_padding(examples):
    def padded(batches):
        return sum((batch.source == PADDING).sum().item() for batch in batches)

    bucketed = BucketedBatches(*examples, batch_size=8, **MARKS)
    as_they_come = in_order(*examples, batch_size=8, **MARKS)
    assert padded(bucketed(step) for step in range(len(bucketed))) < padded(as_they_come) / 4


@pytest.mark.parametrize("make", [teacher_forced, lambda *pairs, **marks: in_order(*pairs, batch_size=2, **marks)])
def test_what_is_no_pair_is_told(make):
    with pytest.raises(ValueError, match="every source has one target, but sources is 2, targets is 3"):
        make([[3], [4]], [[3], [4], [5]], **MARKS)
    with pytest.raises(ValueError, match="every source has one target, but sources is 2, targets is 1"):
        BucketedBatches([[3], [4]], [[3]], batch_size=1, **MARKS)
    with pytest.raises(ValueError, match="there are no examples"):
        make([], [], **MARKS)
    with pytest.raises(ValueError, match="there are no examples"):
        BucketedBatches([], [], batch_size=1, **MARKS)


# Loss -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def logits_and_labels(rng):
    labels = torch.from_numpy(rng.integers(1, 7, (3, 5)))
    labels[0, 2:] = labels[2, 4] = PADDING
    return torch.from_numpy(rng.normal(0, 3, (3, 5, 7))).requires_grad_(), labels


def test_cross_entropy_by_hand():
    logits = torch.tensor([[1.0, 2.0, 4.0, 1.0], [9.0, 9.0, 1.0, 5.0]]).log()  # the first row: p = 1/8 1/4 1/2 1/8
    labels = torch.tensor([2, PADDING])
    assert cross_entropy(logits, labels).item() == pytest.approx(math.log(2))
    # The mean over the three tokens is -(2 + 1 + 3) / 3 = -2 of log 2: the padding's 1/8 is not among them.
    assert cross_entropy(logits, labels, 0.25).item() == pytest.approx((0.75 * 1 + 0.25 * 2) * math.log(2))


def test_cross_entropy_equals_pytorch(logits_and_labels):
    logits, labels = logits_and_labels
    expected = nn.functional.cross_entropy(logits.reshape(15, 7), labels.reshape(15), ignore_index=PADDING)
    torch.testing.assert_close(cross_entropy(logits, labels), expected.float())
    torch.testing.assert_close(cross_entropy(logits.reshape(15, 7), labels.reshape(15)), expected.float())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_smoothing_equals_soft_targets(logits_and_labels, smoothing):
    logits, labels = logits_and_labels
    soft = torch.zeros(3, 5, 7, dtype=torch.float64)
    soft[:, :, 1:] = smoothing / 6
    for i, j in np.ndindex(3, 5):
        soft[i, j, labels[i, j]] += 1 - smoothing
    each = nn.functional.cross_entropy(logits.reshape(15, 7), soft.reshape(15, 7), reduction="none")
    expected = each[labels.reshape(15) != PADDING].mean()
    actual = cross_entropy(logits, labels, smoothing)
    torch.testing.assert_close(actual, expected.float())
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (actual, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_padded_positions_move_nothing(logits_and_labels, smoothing):
    logits, labels = logits_and_labels
    loss = cross_entropy(logits, labels, smoothing)
    with torch.no_grad():
        logits[0, 2:], logits[2, 4] = torch.nan, 1e30
    again = cross_entropy(logits, labels, smoothing)
    assert again.item() == loss.item()
    again.backward()
    padded = labels == PADDING
    assert (logits.grad[padded] == 0).all()
    assert (logits.grad[~padded] != 0).all()


def test_no_weight_goes_to_the_padding(logits_and_labels):
    # The gradient of the mean is p less the soft target: at the padding's logit all of its probability, and positive.
    logits, labels = logits_and_labels
    cross_entropy(logits, labels, 0.3).backward()
    real = labels != PADDING
    expected = logits.detach().softmax(dim=-1)[real][:, PADDING] / 11
    torch.testing.assert_close(logits.grad[real][:, PADDING], expected, rtol=1e-5, atol=0)
    with torch.no_grad():
        logits[..., PADDING] = -torch.inf
    assert cross_entropy(logits, labels, 0.3).isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_loss_of_short_floats_is_computed_in_float32(logits_and_labels, dtype):
    logits, labels = logits_and_labels
    logits = logits.detach().to(dtype)
    loss = cross_entropy(logits, labels, 0.2)
    assert loss.dtype == torch.float32
    assert loss.shape == ()
    assert loss.item() == pytest.approx(cross_entropy(logits.double(), labels, 0.2).item(), rel=1e-6)


def test_what_is_no_loss_is_told():
    logits, labels = torch.zeros(2, 3, 5), torch.tensor([[3, 2, 0], [4, 3, 2]])
    with pytest.raises(ValueError, match="every label is padding"):
        cross_entropy(logits, torch.zeros(2, 3, dtype=torch.long))
    for smoothing in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match=f"share from 0 to below 1, not {smoothing}"):
            cross_entropy(logits, labels, smoothing)
    with pytest.raises(ValueError, match=r"\(2, 3\) need logits of \(2, 3, vocabulary\), not \(2, 5, 3\)"):
        cross_entropy(logits.mT, labels)


# Plan -----------------------------------------------------------------------------------------------------------------


def test_learning_rate_by_hand():
    plan = Plan(steps=9, peak_rate=8.0, warmup=4)
    root = 3**0.5 / 2  # the cosine of 30 degrees; from step 4 to step 10 the cosine goes half around, 30 a step
    expected = [2, 4, 6, 8, 4 + 4 * root, 6, 4, 2, 4 - 4 * root]
    assert [plan.learning_rate(step) for step in range(1, 10)] == pytest.approx(expected)
    assert plan.learning_rate(10) == pytest.approx(0)


@pytest.mark.parametrize(("steps", "warmup"), [(2, 1), (7, 6), (150, 1), (1000, 120)])
def test_learning_rate_rises_and_falls(steps, warmup):
    plan = Plan(steps=steps, peak_rate=0.5, warmup=warmup)
    rates = np.array([plan.learning_rate(step) for step in range(1, steps + 1)])
    assert rates.argmax() == warmup - 1
    assert rates.max() == 0.5
    assert rates.min() > 0
    changes = np.diff([0, *rates, 0])
    assert (changes[:warmup] > 0).all()
    assert (changes[warmup:] < 0).all()
    # Without a leap: a cosine's steepest step is pi/2 of the even one.
    assert np.abs(changes).max() <= 0.5 * max(1 / warmup, math.pi / 2 / (steps + 1 - warmup)) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (dict(steps=100), "warmup=100, steps=100"),
        (dict(steps=9, warmup=0), "at least 1 step and ends before the last, but warmup=0, steps=9"),
        (dict(steps=9, warmup=3, peak_rate=0.0), "must be above 0, not 0.0 and 1.0"),
        (dict(steps=9, warmup=3, clip=-1.0), "must be above 0, not 0.003 and -1.0"),
        (dict(steps=9, warmup=3, smoothing=1.0), "share from 0 to below 1, not 1.0"),
    ],
)
def test_what_is_no_plan_is_told(numbers, message):
    with pytest.raises(ValueError, match=message):
        Plan(**numbers)


# The loop, written out ------------------------------------------------------------------------------------------------


class Bigrams(nn.Module):
    """The logits of a token depend on the one before alone: a table, so that its gradient is known."""

    def __init__(self, table):
        super().__init__()
        self.table = nn.Parameter(torch.tensor(table, dtype=torch.float32))

    def forward(self, source, inputs, source_lengths):
        return self.table[inputs]


def train_by_hand(table, batches, plan):
    """Return (losses, table): AdamW as its authors write it (Loshchilov and Hutter 2019, algorithm 2), in float64."""
    first, second, losses = np.zeros_like(table), np.zeros_like(table), []
    for step, batch in enumerate(batches, start=1):
        gradient, loss = np.zeros_like(table), 0.0
        pairs = [
            (a, b) for a, b in zip(batch.inputs.flatten().tolist(), batch.labels.flatten().tolist(), strict=True) if b
        ]
        for a, b in pairs:
            p = np.exp(table[a]) / np.exp(table[a]).sum()
            target = np.full(len(p), plan.smoothing / (len(p) - 1))
            target[PADDING] = 0
            target[b] += 1 - plan.smoothing
            gradient[a] += (p - target) / len(pairs)
            loss -= target @ np.log(p) / len(pairs)
        losses.append(loss)
        gradient *= min(1, plan.clip / np.linalg.norm(gradient))
        first = 0.9 * first + 0.1 * gradient
        second = 0.98 * second + 0.02 * gradient**2
        move = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.98**step)) + 1e-9)
        table = table - plan.learning_rate(step) * (move + plan.weight_decay * table)
    return losses, table


@pytest.mark.parametrize("clip", [0.05, 0.4, 100.0], ids=["every step", "some steps", "no step"])
def test_training_equals_adamw_written_out(rng, clip):
    plan = Plan(steps=7, peak_rate=0.3, warmup=3, smoothing=0.2, clip=clip, weight_decay=0.4)
    targets = [[3], [4, 3, 4], [3, 4, 4, 3], [4], [3, 3], [4, 4], [3, 4, 3]]
    batches = [teacher_forced([[5]] * 2, [target, targets[0]], **MARKS) for target in targets]
    table = rng.normal(0, 1, (5, 5))
    model, drawn = Bigrams(table), []
    history = train(model, lambda step: drawn.append(step) or batches[step], plan, progress=False)
    losses, expected = train_by_hand(table, batches, plan)
    assert drawn == [0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(history.losses, losses, rtol=1e-4)
    np.testing.assert_allclose(model.table.detach().numpy(), expected, rtol=1e-3, atol=1e-4)
    assert history.learning_rates == [plan.learning_rate(step) for step in range(1, 8)]


def test_tiny_gradients_still_move_weights():
    # A gradient of about 1e-9 moves a weight by about half the rate: what eps is, shows here alone.
    table = np.zeros((4, 4))
    table[BEGIN, 3] = -19.0
    plan = Plan(steps=2, peak_rate=0.5, warmup=1, smoothing=0.0)
    batches = [teacher_forced([[5]], [[]], **MARKS)] * 2
    model = Bigrams(table)
    train(model, batches.__getitem__, plan, progress=False)
    _, expected = train_by_hand(table, batches, plan)
    np.testing.assert_allclose(model.table.detach().numpy(), expected, atol=1e-3)


# The loop with a Transformer ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def draw():
    """Batches of a small task: write the source backwards."""
    numbers = np.random.default_rng(1)
    sources = [numbers.integers(3, 7, length).tolist() for length in numbers.integers(1, 5, 150)]
    return BucketedBatches(sources, [source[::-1] for source in sources], batch_size=16, **MARKS)


def small_model(seed=0, dropout=0.2, d_ff=10):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        sizes = Sizes(d_model=8, num_heads=2, d_ff=d_ff, num_layers=1, dropout=dropout)
        return Transformer(sizes, nn.Embedding(7, 8), target_size=7)


PLAN = Plan(steps=11, peak_rate=1e-2, warmup=3, weight_decay=0.01)


def assert_same_run(models, histories):
    """Hold that two runs are equal bit for bit."""
    first, second = (model.state_dict() for model in models)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    first, second = (asdict(replace(history, seconds=0)) for history in histories)
    assert first == second


def stopped_at(step, draw):
    """Return a `draw` that is interrupted, as by the stop button, when it is asked for a step."""

    def stop_or_draw(asked):
        if asked == step:
            raise KeyboardInterrupt
        return draw(asked)

    return stop_or_draw


def mean_weight(model):
    return model.W_vocabulary.weight.mean().item()


def test_a_small_task_is_learned(draw):
    model = small_model(dropout=0.0)
    history = train(model, draw, Plan(steps=250, peak_rate=2e-2, warmup=20), progress=False)
    assert len(history.losses) == 250
    assert np.mean(history.losses[-10:]) < 0.4 * np.mean(history.losses[:10])
    source, lengths = draw(0).source, draw(0).source_lengths
    expected = [row[:length][::-1] for row, length in zip(source.tolist(), lengths.tolist(), strict=True)]
    written = greedy(model, source, lengths, begin=BEGIN, end=END, max_len=6)
    assert np.mean([a == b for a, b in zip(written, expected, strict=True)]) > 0.7


def test_a_seed_decides_all(draw):
    models = [small_model() for _ in range(3)]
    runs = [train(m, draw, replace(PLAN, seed=s), progress=False) for m, s in zip(models, (4, 4, 5), strict=True)]
    assert_same_run(models[:2], runs[:2])
    assert runs[2].losses != runs[0].losses


def test_every_step_has_a_dropout_of_its_own(draw):
    models = [small_model(), small_model(dropout=0.0)]
    for model in models:  # nothing but the dropout differs from step to step
        model.requires_grad_(False)
        model.W_vocabulary.bias.requires_grad_(True)
    plan = replace(PLAN, peak_rate=1e-20)
    random, plain = (train(model, lambda step: draw(0), plan, progress=False).losses for model in models)
    assert len(set(random)) == 11
    assert len(set(plain)) == 1


def test_random_numbers_of_the_caller_and_of_training_leave_each_other_alone(draw):
    models = [small_model(), small_model()]

    def restless(step):
        torch.rand(3 + step)
        np.random.default_rng(step).random()
        return draw(step)

    def measure(model):
        torch.randn(5)
        return mean_weight(model)

    torch.manual_seed(99)
    before = torch.get_rng_state()
    plain = train(models[0], draw, PLAN, validate=mean_weight, every=4, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(17)
    with_noise = train(models[1], lambda step: draw(step), PLAN, validate=measure, every=4, progress=False)
    assert_same_run(models, [plain, with_noise])

    before = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        train(small_model(), stopped_at(5, restless), PLAN, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


# Stop and go on -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unbroken(draw):
    model = small_model()
    return model, train(model, draw, PLAN, validate=mean_weight, every=3, progress=False)


@pytest.mark.parametrize("step", [2, 6, 7, 8, 10], ids="before step {}".format)
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(draw, unbroken, tmp_path, step):
    how = dict(validate=mean_weight, every=3, checkpoint=tmp_path / "run.pt", progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(small_model(), stopped_at(step, draw), PLAN, **how)
    assert (tmp_path / "run.pt").exists() == (step > 2)
    asked = []
    model = small_model(seed=0 if step == 2 else 8)  # its weights are replaced by those of the checkpoint
    history = train(model, lambda step: asked.append(step) or draw(step), PLAN, **how)
    assert asked == list(range(step // 3 * 3, 11))
    assert_same_run([model, unbroken[0]], [history, unbroken[1]])


def test_two_stops_one_while_validating(draw, unbroken, tmp_path):
    how = dict(every=3, checkpoint=str(tmp_path / "run.pt"), progress=False)
    validated = []

    def stop_at_the_second(model):
        validated.append(model)
        if len(validated) == 2:
            raise KeyboardInterrupt
        return mean_weight(model)

    with pytest.raises(KeyboardInterrupt):
        train(small_model(), draw, PLAN, validate=stop_at_the_second, **how)
    with pytest.raises(KeyboardInterrupt):
        train(small_model(), stopped_at(10, draw), PLAN, validate=mean_weight, **how)
    model = small_model()
    history = train(model, draw, PLAN, validate=mean_weight, **how)
    assert_same_run([model, unbroken[0]], [history, unbroken[1]])


def test_a_finished_run_returns_at_once(draw, unbroken, tmp_path):
    path = tmp_path / "made" / "on the way" / "run.pt"
    finished = train(small_model(), draw, PLAN, validate=mean_weight, every=3, checkpoint=path, progress=False)
    model = small_model(seed=8)
    again = train(model, stopped_at(0, None), PLAN, validate=None, every=3, checkpoint=path, progress=False)
    assert again == finished
    assert_same_run([model, unbroken[0]], [again, unbroken[1]])
    assert not model.training
    assert [file.name for file in path.parent.iterdir()] == ["run.pt"]


def test_half_a_checkpoint_never_replaces_a_whole_one(draw, unbroken, tmp_path, monkeypatch):
    path, write, calls = tmp_path / "run.pt", Path.write_bytes, []

    def full_disk_at_the_third(file, content):
        calls.append(file)
        if len(calls) == 3:
            write(file, content[:1000])
            raise OSError("no space left on device")
        write(file, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk_at_the_third)
    how = dict(validate=mean_weight, every=3, checkpoint=path, progress=False)
    with pytest.raises(OSError, match="no space"):
        train(small_model(), draw, PLAN, **how)
    asked, model = [], small_model(seed=8)
    history = train(model, lambda step: asked.append(step) or draw(step), PLAN, **how)
    assert asked[0] == 6
    assert_same_run([model, unbroken[0]], [history, unbroken[1]])


@pytest.fixture
def saved(draw, tmp_path):
    """A checkpoint of a run that was stopped."""
    path = tmp_path / "run.pt"
    with pytest.raises(KeyboardInterrupt):
        train(small_model(), stopped_at(4, draw), PLAN, every=3, checkpoint=path, progress=False)
    return path


def refused(path, message, model=None, plan=PLAN):
    """Hold that a checkpoint is refused with a message, and neither the model nor the file touched."""
    model = model or small_model(seed=8)
    weights, content = {name: w.clone() for name, w in model.state_dict().items()}, path.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        train(model, stopped_at(0, None), plan, checkpoint=path, progress=False)
    assert str(path) in str(caught.value)
    assert "Delete it to start anew" in str(caught.value)
    assert all(torch.equal(weights[name], w) for name, w in model.state_dict().items())
    assert path.read_bytes() == content


def test_a_checkpoint_of_another_plan_is_refused(saved):
    refused(saved, r"under another plan \(steps=11, seed=0\)", plan=replace(PLAN, steps=12, seed=3))


def test_a_checkpoint_of_another_model_is_refused(saved):
    refused(saved, "from another model", model=small_model(d_ff=11))
    refused(saved, "from another model", model=nn.Linear(2, 3))


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:100],
        lambda whole: b"",
        lambda whole: b"no checkpoint",
    ],
    ids=["half", "start", "empty", "text"],
)
def test_a_damaged_checkpoint_is_refused(saved, damage):
    saved.write_bytes(damage(saved.read_bytes()))
    refused(saved, "damaged")


def test_every_flipped_byte_is_refused(saved):
    whole, model = saved.read_bytes(), small_model(seed=8)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    places = {*range(0, len(whole), len(whole) // 200), *range(40), *range(len(whole) - 80, len(whole))}
    assert len(places) > 300
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        saved.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"damaged, or no checkpoint. Delete it to start anew"):
            train(model, stopped_at(0, None), PLAN, checkpoint=saved, progress=False)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


@pytest.mark.parametrize(
    "content", [{"weight": torch.ones(3)}, [1, 2], {"plan": asdict(PLAN), "model": {}, "history": 7}]
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "other.pt"
    torch.save(content, path)
    refused(path, "damaged, or no checkpoint")
    path.write_bytes(path.read_bytes() + hashlib.sha256(path.read_bytes()).digest())
    refused(path, "damaged, or no checkpoint")


# What train promises beside -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "expected"), [(4, [4, 8, 11]), (11, [11]), (5, [5, 10, 11]), (200, [11]), (1, [*range(1, 12)])]
)
def test_validated_as_often_as_promised(draw, every, expected):
    model, training_modes, validated = small_model().eval(), [], []

    def watched(step):
        training_modes.append(model.training)
        return draw(step)

    def measure(given):
        assert given is model
        assert not any(part.training for part in model.modules())
        validated.append(len(training_modes))
        return np.float64(len(validated) / 4)

    history = train(model, watched, PLAN, validate=measure, every=every, progress=False)
    assert validated == expected
    assert history.validations == [(step, number / 4) for number, step in enumerate(expected, start=1)]
    assert training_modes == [True] * 11
    assert not any(part.training for part in model.modules())


def test_the_model_is_in_evaluation_mode_after_a_stop_too(draw):
    model = small_model().eval()
    with pytest.raises(KeyboardInterrupt):
        train(model, stopped_at(3, draw), PLAN, progress=False)
    assert not any(part.training for part in model.modules())


def test_history_is_data(draw):
    def as_tensor(model):
        return torch.tensor(0.75)

    history = train(small_model(), draw, PLAN, validate=as_tensor, every=4, progress=False)
    as_json = json.loads(json.dumps(asdict(history)))
    assert as_json["losses"] == history.losses
    assert as_json["validations"] == [[4, 0.75], [8, 0.75], [11, 0.75]]
    assert len(as_json["learning_rates"]) == 11


def test_seconds_are_those_of_the_steps(draw, monkeypatch):
    now = 0.0

    def passing(seconds, result):
        nonlocal now
        now += seconds
        return result

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now))
    how = dict(validate=lambda model: passing(1000, 0.5), every=4, progress=False)
    assert train(small_model(), lambda step: passing(2, draw(step)), PLAN, **how).seconds == 22


def test_silent_without_progress(draw, capfd):
    train(small_model(), draw, PLAN, progress=False)
    assert capfd.readouterr() == ("", "")


def test_the_bar_goes_to_stdout_with_the_loss(draw, capfd, tmp_path):
    history = train(small_model(), draw, PLAN, every=4, checkpoint=tmp_path / "run.pt")
    out, err = capfd.readouterr()
    assert err == ""
    last = out.rstrip().split("\r")[-1]
    assert last.startswith("training: 100%")
    assert "11/11" in last
    assert f"loss={history.losses[-1]:.3f}" in last
    assert len(last) <= 80
    assert out.endswith("\n")
    train(small_model(), draw, PLAN, checkpoint=tmp_path / "run.pt")
    assert "11/11" in capfd.readouterr().out, "a finished run shows a full bar"


def test_a_stopped_bar_is_closed(draw, capfd):
    with pytest.raises(KeyboardInterrupt) as caught:  # its traceback keeps all of the loop alive
        train(small_model(), stopped_at(3, draw), PLAN)
    assert capfd.readouterr().out.endswith("\n")
    assert caught.traceback


class Frames(nn.Module):
    """Logits from frames; the length of the gradient is no number for frames that sum to 0, though the loss is one."""

    def __init__(self):
        super().__init__()
        self.W = nn.Linear(2, 6)

    def forward(self, source, inputs, source_lengths):
        return self.W(source) + (source.sum() * self.W.bias.sum()).abs().sqrt() * 0.0


@pytest.mark.parametrize(
    ("bad", "message"),
    [(math.nan, "the loss is nan"), (math.inf, "the loss is nan"), (0.0, "the gradient's length is nan")],
)
def test_a_loss_that_is_no_number_is_told_before_it_spoils_the_weights(bad, message, tmp_path):
    def frames(step):
        numbers = np.full((2, 2), bad if step == 7 else 0.5, dtype=np.float32)
        return teacher_forced([numbers], [[3]], **MARKS)

    torch.manual_seed(5)
    path, model = tmp_path / "run.pt", Frames()
    weights = []

    def watched(step):
        weights.append(model.W.weight.detach().clone())
        return frames(step)

    with pytest.raises(FloatingPointError, match=rf"{message} at step 8.*not taken.*peak_rate=0.01.*warmup=3"):
        train(model, watched, PLAN, every=4, checkpoint=path, progress=False)
    assert not model.training
    assert len(weights) == 8
    assert not torch.equal(weights[6], weights[7]), "the step before was taken"
    assert torch.equal(model.W.weight, weights[7])
    state = torch.load(path, weights_only=True)
    assert len(state["history"]["losses"]) == 4, "what was not validated is not saved"
    assert state["model"]["W.weight"].isfinite().all()


def test_every_is_a_count(draw):
    with pytest.raises(ValueError, match="every counts steps, so it must be 1 or more, not 0"):
        train(small_model(), draw, PLAN, every=0, progress=False)


def logits_dtypes(model, draw):
    """Return the dtypes of a model's logits while it is trained, and while it is validated."""
    found = {True: set(), False: set()}
    model.register_forward_hook(lambda module, inputs, output: found[module.training].add(output.dtype))

    def measure(model):
        with torch.no_grad():
            batch = draw(0).to(next(model.parameters()).device)
            return cross_entropy(model(batch.source, batch.inputs, batch.source_lengths), batch.labels)

    history = train(model, draw, PLAN, validate=measure, progress=False)
    return history, found


def test_float32_on_a_cpu(draw):
    _, found = logits_dtypes(small_model(), draw)
    assert found == {True: {torch.float32}, False: {torch.float32}}


@pytest.mark.usefixtures("cuda")
def test_bfloat16_on_a_gpu(draw, unbroken):
    model = small_model(dropout=0.0).to("cuda")
    before = torch.cuda.get_rng_state()
    history, found = logits_dtypes(model, draw)
    assert found == {True: {torch.bfloat16}, False: {torch.float32}}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    on_cpu = train(small_model(dropout=0.0), draw, PLAN, progress=False)
    np.testing.assert_allclose(history.losses, on_cpu.losses, rtol=0.05)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.usefixtures("cuda")
def test_a_stopped_run_goes_on_on_a_gpu(draw, tmp_path):
    how = dict(every=3, checkpoint=tmp_path / "run.pt", progress=False)
    models = [small_model().to("cuda") for _ in range(2)]
    unbroken = train(models[0], draw, PLAN, progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(small_model().to("cuda"), stopped_at(7, draw), PLAN, **how)
    history = train(models[1], draw, PLAN, **how)
    np.testing.assert_allclose(history.losses, unbroken.losses, rtol=1e-3)
