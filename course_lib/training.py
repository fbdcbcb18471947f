"""Training by teacher forcing: what the decoder is given, the loss, the learning rate, and one plain loop."""

import hashlib
import io
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from course_lib.data.batches import PADDING, bucketed, pad_batch
from course_lib.validation import check_equal_sizes

DIGEST_SIZE = hashlib.sha256().digest_size  # bytes


class Batch(NamedTuple):
    """Examples side by side, as a model takes them and as it is judged.

    Attributes:
        source: (batch, k_len) tokens, or (batch, k_len, d_input) frames.
        source_lengths: (batch,) integers: how many positions of the source are real.
        inputs: (batch, length) tokens: BEGIN, then the target: what the decoder is given.
        labels: (batch, length) tokens: the target, then END: what it is asked for, position by position.
    """

    source: torch.Tensor
    source_lengths: torch.Tensor
    inputs: torch.Tensor
    labels: torch.Tensor

    def to(self, device):
        """Return the batch on a device."""
        return Batch(*(part.to(device) for part in self))


def teacher_forced(sources: Sequence, targets: Sequence[Sequence[int]], *, begin: int, end: int) -> Batch:
    """Return the batch in which the decoder is given the right answer, shifted right behind BEGIN.

    Position i of the inputs holds what stands before position i of the labels: "neun" is asked for as n e u n END and
    given as BEGIN n e u n.

    Args:
        sources: sequences of tokens, or of frames.
        targets: sequences of tokens, without BEGIN and END.
        begin, end: the tokens BEGIN and END.

    Raises:
        ValueError: there are more of one than of the other, or none.

    Source: Williams and Zipser 1989 (teacher forcing); Vaswani et al. 2017, section 3.1 (shifted right).
    """
    _check_pairs(sources, targets)
    source, source_lengths = pad_batch(sources)
    inputs, _ = pad_batch([[begin, *target] for target in targets])
    labels, _ = pad_batch([[*target, end] for target in targets])
    return Batch(*map(torch.from_numpy, (source, source_lengths, inputs, labels)))


class BucketedBatches:
    """Teacher-forced batches of like length, epoch after epoch in a new order; `batches(step)` is the one of a step.

    Args:
        sources, targets: sequences of tokens, as many of one as of the other.
        batch_size: examples in a batch.
        begin, end: the tokens BEGIN and END.
        seed: of the order.

    Raises:
        ValueError: there are more of one than of the other, or none.
    """

    def __init__(self, sources, targets, *, batch_size, begin, end, seed=0):
        _check_pairs(sources, targets)
        self.sources, self.targets = sources, targets
        self.lengths = [len(source) for source in sources]
        self.batch_size, self.seed = batch_size, seed
        self.tokens = {"begin": begin, "end": end}
        self._epoch, self._order = 0, self._shuffled(0)

    def __len__(self):
        """The number of batches in an epoch."""
        return len(self._order)

    def __call__(self, step):
        epoch, place = divmod(step, len(self))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        chosen = self._order[place]
        return teacher_forced([self.sources[i] for i in chosen], [self.targets[i] for i in chosen], **self.tokens)

    def _shuffled(self, epoch):
        return bucketed(self.lengths, self.batch_size, np.random.default_rng((self.seed, epoch)))


def in_order(sources, targets, *, batch_size, begin, end) -> list[Batch]:
    """Return the examples as teacher-forced batches, in the order they come: to measure a model on."""
    _check_pairs(sources, targets)
    starts = range(0, len(sources), batch_size)
    parts = ((sources[i : i + batch_size], targets[i : i + batch_size]) for i in starts)
    return [teacher_forced(*part, begin=begin, end=end) for part in parts]


def _check_pairs(sources, targets):
    check_equal_sizes("every source has one target", sources=len(sources), targets=len(targets))
    if len(sources) == 0:
        raise ValueError("there are no examples to make a batch of.")


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Return the mean cross-entropy over the labels that are no padding: a scalar, in nats.

    The label gets probability 1 - smoothing, and the rest is shared by all tokens alike; padding is no token, so it
    gets none.

    Args:
        logits: (..., vocabulary); the first is the logit of the padding.
        labels: (...) integers.
        smoothing: from 0 to below 1.

    Raises:
        ValueError: every label is padding, the shapes do not fit, or the smoothing is out of range.

    Source: Szegedy et al. 2016, section 7 (label smoothing).
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is a share from 0 to below 1, not {smoothing}.")
    if logits.shape[:-1] != labels.shape:
        wanted = ", ".join([*map(str, labels.shape), "vocabulary"])
        raise ValueError(f"labels of shape {tuple(labels.shape)} need logits of ({wanted}), not {tuple(logits.shape)}.")
    real = labels != PADDING
    if not real.any():
        raise ValueError("every label is padding, so there is nothing to take a mean of.")
    log_p = logits[real].float().log_softmax(dim=-1)  # (real labels, vocabulary)
    of_label = log_p.gather(-1, labels[real][:, None]).mean()
    of_tokens = log_p[:, PADDING + 1 :].mean()
    return -(1 - smoothing) * of_label - smoothing * of_tokens


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: how many batches.
        peak_rate: the highest learning rate.
        warmup: the step at which it is reached.
        smoothing: label smoothing.
        clip: gradients longer than this are shortened to it.
        weight_decay: share of every weight taken off per step, times the learning rate (AdamW).
        seed: of the dropout; the model and the batches have seeds of their own.

    Raises:
        ValueError: a number out of range.
    """

    steps: int
    peak_rate: float = 3e-3
    warmup: int = 100
    smoothing: float = 0.1
    clip: float = 1.0
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self):
        if not 1 <= self.warmup < self.steps:
            raise ValueError(
                f"warm-up takes at least 1 step and ends before the last, but warmup={self.warmup}, steps={self.steps}."
            )
        if self.peak_rate <= 0 or self.clip <= 0:
            raise ValueError(f"peak_rate and clip must be above 0, not {self.peak_rate} and {self.clip}.")
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is a share from 0 to below 1, not {self.smoothing}.")

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of step 1, 2, ... `steps`: up in a straight line, then down along a cosine.

        It reaches the peak at step `warmup`, and would reach 0 one step after the last.
        """
        if step <= self.warmup:
            return self.peak_rate * step / self.warmup
        way = (step - self.warmup) / (self.steps + 1 - self.warmup)
        return self.peak_rate * (1 + math.cos(math.pi * way)) / 2


@dataclass
class History:
    """What happened while training, as data.

    Attributes:
        losses: of every step.
        learning_rates: of every step.
        validations: (step, what `validate` returned), as often as it was called.
        seconds: time spent on the steps, validation not counted.
    """

    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0


def train(
    model: torch.nn.Module,
    draw: Callable[[int], Batch],
    plan: Plan,
    *,
    validate: Callable[[torch.nn.Module], float] | None = None,
    every: int = 200,
    checkpoint: str | os.PathLike | None = None,
    progress: bool = True,
) -> History:
    """Train a model in place, on the device it is on, and leave it in evaluation mode.

    On a GPU the products are computed in bfloat16, the weights stay as they are. What it draws at random depends on the
    plan's seed and the step alone, and PyTorch's own random numbers go on afterwards as if nothing had happened.

    Args:
        model: called as model(source, inputs, source_lengths), returns logits (batch, length, vocabulary).
        draw: returns the batch of step 0, 1, ...; because it depends on the step alone, a run that was stopped goes on
            with the batch that is next.
        plan: the `Plan`.
        validate: called with the model in evaluation mode, every so many steps and after the last; returns a number.
        every: after how many steps the model is validated and saved, again and again.
        checkpoint: a file. If it is there, training goes on from it; the result is that of a run without the stop.
        progress: show a progress bar with the loss.

    Raises:
        FloatingPointError: the loss or its gradient is infinite or no number; the step that follows is not taken.
        ValueError: the checkpoint is damaged, or was saved under another plan or from another model; or `every` is
            below 1.
    """
    if every < 1:
        raise ValueError(f"every counts steps, so it must be 1 or more, not {every}.")
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=plan.peak_rate, betas=(0.9, 0.98), eps=1e-9, weight_decay=plan.weight_decay, fused=True
    )
    history = History()
    if checkpoint is not None and Path(checkpoint).exists():
        history = _resume(Path(checkpoint), model, optimizer, plan)
    device = next(model.parameters()).device
    bar = tqdm(
        total=plan.steps, initial=len(history.losses), desc="training", file=sys.stdout, ncols=70, disable=not progress
    )
    with _training_mode(model, device), bar:
        for step in range(len(history.losses), plan.steps):
            began = time.perf_counter()
            torch.manual_seed(1_000_003 * plan.seed + step)  # the dropout of this step
            batch = draw(step).to(device)
            rate = plan.learning_rate(step + 1)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                logits = model(batch.source, batch.inputs, batch.source_lengths)
            loss = cross_entropy(logits, batch.labels, plan.smoothing)
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
            # Both are read at once, the one time per step that a GPU is waited for, and before they can spoil weights.
            history.losses.append(_finite(*torch.stack([loss.detach(), norm.to(loss)]).tolist(), step + 1, plan))
            optimizer.step()
            history.learning_rates.append(rate)
            history.seconds += time.perf_counter() - began
            bar.set_postfix(loss=f"{history.losses[-1]:.3f}", refresh=False)
            bar.update()
            if (step + 1) % every == 0 or step + 1 == plan.steps:
                if validate is not None:
                    history.validations.append((step + 1, float(validate(model.eval()))))
                    model.train()
                if checkpoint is not None:
                    _save(Path(checkpoint), model, optimizer, plan, history)
    return history


@contextmanager
def _training_mode(model, device):
    """Train inside and evaluate afterwards, even after a stop, and give PyTorch's random numbers back as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        model.train()
        try:
            yield
        finally:
            model.eval()


def _finite(loss, norm, step, plan):
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = f"the gradient's length is {norm}" if math.isfinite(loss) else f"the loss is {loss}"
        raise FloatingPointError(
            f"{what} at step {step}. The step was not taken, so the weights are still good. Either a batch holds such "
            f"numbers, or the steps are too long: lower peak_rate={plan.peak_rate}, or raise warmup={plan.warmup}."
        )
    return loss


def _save(path, model, optimizer, plan, history):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "plan": asdict(plan),
        "history": asdict(history),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    content = io.BytesIO()
    torch.save(state, content)
    unfinished.write_bytes(content.getvalue() + _digest(content.getvalue()))
    unfinished.replace(path)  # at once, so that a stop in the middle leaves the one before


def _digest(content):
    """Return the hash that stands behind a checkpoint's content: `torch.load` alone takes many a wrong byte."""
    return hashlib.sha256(content).digest()


def _resume(path, model, optimizer, plan):
    whole = path.read_bytes()
    content, digest = whole[:-DIGEST_SIZE], whole[-DIGEST_SIZE:]
    try:
        if digest != _digest(content):
            raise ValueError("the hash at its end is not that of its content")
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        saved_plan, saved_shapes, history = state["plan"], _shapes(state["model"]), History(**state["history"])
    except Exception as error:  # whatever torch.load makes of a damaged file
        raise ValueError(f"{path} is damaged, or no checkpoint. Delete it to start anew.") from error
    if saved_plan != asdict(plan):
        other = [f"{name}={value}" for name, value in saved_plan.items() if getattr(plan, name, None) != value]
        raise ValueError(f"{path} was saved under another plan ({', '.join(other)}). Delete it to start anew.")
    if saved_shapes != _shapes(model.state_dict()):
        raise ValueError(f"{path} was saved from another model. Delete it to start anew.")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return history


def _shapes(weights):
    return {name: weight.shape for name, weight in weights.items()}
