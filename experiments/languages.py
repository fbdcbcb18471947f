"""Which language is a name from? Ways of pooling side by side: same names, same steps, equal numbers of parameters."""

from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.data.batches import Vocabulary, bucketed, pad_batch
from course_lib.data.names import LANGUAGES, folds, read_names
from course_lib.relatives.pooling import (
    ClassTokenPooling,
    LastStatePooling,
    MaxPooling,
    MeanPooling,
    StructuredSelfAttention,
    overlap_penalty,
)
from course_lib.training import Plan
from experiments.record import grid, run_experiment

PARAMETERS = 54_000  # of every model, as near as its number of states allows
D_LETTER, D_A = 24, 32
STEPS, BATCH, DROPOUT, WEIGHT_DECAY = 1500, 32, 0.3, 0.01
FOLDS = 5  # one for each seed: every name is held out once


def hops_apart(weights):
    """Return `overlap_penalty` without its diagonal: hops are to keep apart, and may be as wide as they like."""
    products = weights @ weights.mT  # (..., hops, hops)
    return products.square().sum(dim=(-2, -1)) - products.diagonal(dim1=-2, dim2=-1).square().sum(dim=-1)


def _hops(how_many):
    return lambda d_states: StructuredSelfAttention(d_states, D_A, how_many)


# Each way: its pooling, for states of a size; what is added to the cross-entropy, and how often.
WAYS = {
    "mean": (lambda d_states: MeanPooling(), None, 0.0),
    "max": (lambda d_states: MaxPooling(), None, 0.0),
    "last state": (lambda d_states: LastStatePooling(), None, 0.0),
    "class token": (ClassTokenPooling, None, 0.0),
    "1 hop": (_hops(1), None, 0.0),
    "4 hops": (_hops(4), None, 0.0),
    "4 hops, penalty 0.1": (_hops(4), overlap_penalty, 0.1),
    "4 hops, penalty 1": (_hops(4), overlap_penalty, 1.0),
    "4 hops, only apart 1": (_hops(4), hops_apart, 1.0),
}
BASELINE = "letter n-grams"

# Tried on names cut from the first fold's training (part="validation"): the rates for three ways, of which one was best
# for each and then stood for all, and the logistic regression's C, the inverse of its weight decay.
RATES, TRIED, RATE = (1e-2, 2e-2, 4e-2), ("mean", "max", "4 hops"), 2e-2
STRENGTHS, STRENGTH = (1.0, 10.0, 100.0), 100.0


class NameReader(nn.Module):
    """Letters, a bidirectional LSTM, its states pooled into one embedding, and a score for each language."""

    def __init__(self, pooling, letters, languages, u):
        super().__init__()
        self.letters = nn.Embedding(letters, D_LETTER, padding_idx=0)
        self.lstm = nn.LSTM(D_LETTER, u, batch_first=True, bidirectional=True)
        self.pooling = pooling
        hops = pooling.W_s2.out_features if isinstance(pooling, StructuredSelfAttention) else 1
        self.answer = nn.Linear(hops * 2 * u, languages)
        self.dropout = nn.Dropout(DROPOUT)

    def states(self, tokens, lengths):
        """Return H: a state of size 2u for every letter, which has read the whole name from both ends."""
        x = self.dropout(self.letters(tokens))  # (batch, n, d_letter)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)  # without padding
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]  # (batch, n, 2u)

    def forward(self, tokens, lengths):
        """Return the logits (batch, languages), and what the pooling says of its weights."""
        embedding, weights = self.pooling(self.states(tokens, lengths), lengths)  # (batch, hops, 2u)
        return self.answer(self.dropout(embedding.flatten(1))), weights


class Task:
    """Names to learn from, and names of other meanings to be asked for.

    Args:
        fold: which fifth of the meanings is held out.
        part: "test", or "validation": then a fifth of what is left is asked for instead, and the fold stays unseen.
    """

    def __init__(self, fold, part="test"):
        names = _names()
        parts = folds(names, FOLDS)
        self.held_out = parts.pop(fold)
        self.training = [name for rest in parts for name in rest]
        if part == "validation":
            self.held_out, *parts = folds(self.training, FOLDS, seed=1)
            self.training = [name for rest in parts for name in rest]
        self.vocabulary = Vocabulary.of(name.text for name in names)

    def batch(self, names):
        """Return the tokens (batch, n) of some names, their lengths and their languages (batch,)."""
        tokens, lengths = pad_batch([self.vocabulary.encode(name.text) for name in names])
        languages = [list(LANGUAGES).index(name.language) for name in names]
        return torch.from_numpy(tokens), torch.from_numpy(lengths), torch.tensor(languages)


@cache
def _names():
    return read_names()


def new_reader(way, task):
    """Return an untrained reader whose number of parameters is as near to `PARAMETERS` as any."""
    sizes = (len(task.vocabulary), len(LANGUAGES))
    u = min(range(32, 97), key=lambda u: abs(_parameters_with(way, *sizes, u) - PARAMETERS))
    return NameReader(WAYS[way][0](2 * u), *sizes, u)


@cache
def _parameters_with(way, letters, languages, u):
    with torch.device("meta"):  # sizes without numbers
        return count_parameters(NameReader(WAYS[way][0](2 * u), letters, languages, u))


def count_parameters(model):
    """Return how many numbers training can change."""
    return sum(parameter.numel() for parameter in model.parameters())


def trained(way, task, *, rate=RATE, steps=STEPS, seed=0):
    """Return a reader trained on the names of a task, in evaluation mode."""
    torch.manual_seed(seed)
    model, (_, penalty, strength) = new_reader(way, task), WAYS[way]
    plan = Plan(steps, peak_rate=rate, warmup=steps // 10)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY)
    rng, order = np.random.default_rng(seed), []
    lengths_of_all = [len(name.text) for name in task.training]
    for step in range(steps):
        order = order or bucketed(lengths_of_all, BATCH, rng)
        tokens, lengths, languages = task.batch([task.training[i] for i in order.pop()])
        logits, weights = model(tokens, lengths)
        loss = nn.functional.cross_entropy(logits, languages)
        if penalty:
            loss = loss + strength * penalty(weights).mean()
        optimizer.param_groups[0]["lr"] = plan.learning_rate(step + 1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


@torch.no_grad()
def accuracy(model, task, names):
    """Return the share of names whose language gets the highest score."""
    tokens, lengths, languages = task.batch(names)
    return (model(tokens, lengths)[0].argmax(dim=-1) == languages).double().mean().item()


def overlap(weights):
    """Return how much alike the hops of each sequence are: the mean cosine of all pairs, 0 for nothing in common."""
    rows = nn.functional.normalize(weights, dim=-1)
    hops = rows.shape[-2]
    return ((rows @ rows.mT).sum(dim=(-2, -1)) - hops) / (hops * (hops - 1))


def letters_read(weights):
    """Return over how many letters each hop spreads: 1 / sum of squares, 1 for one letter and n for n alike."""
    return 1 / weights.square().sum(dim=-1)


def run(way, fold, part, rate=None, steps=None, C=None):
    """Train one way of pooling (or fit the baseline) and ask it for the languages of names that it has not seen."""
    task = Task(fold, part)
    if way == BASELINE:
        return _baseline(task, C)
    model = trained(way, task, rate=rate, steps=steps, seed=fold)
    tokens, lengths, _ = task.batch(task.held_out)
    with torch.no_grad():
        weights = model(tokens, lengths)[1]
    found = {
        "accuracy": accuracy(model, task, task.held_out),
        "training_accuracy": accuracy(model, task, task.training),
        "parameters": count_parameters(model),
        "u": model.lstm.hidden_size,
    }
    if weights is not None:
        found["letters_read"] = letters_read(weights).mean().item()
        if weights.shape[-2] > 1:
            found["overlap"] = overlap(weights).mean().item()
    return found


def _baseline(task, C):
    texts = {part: [f" {name.text} " for name in getattr(task, part)] for part in ("training", "held_out")}
    languages = {part: [name.language for name in getattr(task, part)] for part in texts}
    counts = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False)
    model = make_pipeline(counts, LogisticRegression(C=C, max_iter=2000))
    model.fit(texts["training"], languages["training"])
    return {
        "accuracy": model.score(texts["held_out"], languages["held_out"]),
        "training_accuracy": model.score(texts["training"], languages["training"]),
        "parameters": model[-1].coef_.size + model[-1].intercept_.size,
    }


SETTINGS = [
    *grid(part=["validation"], way=list(TRIED), fold=[0], rate=list(RATES), steps=[STEPS]),
    *grid(part=["validation"], way=[BASELINE], fold=[0], C=list(STRENGTHS)),
    *grid(part=["test"], way=[BASELINE], fold=list(range(FOLDS)), C=[STRENGTH]),
    *grid(part=["test"], way=["4 hops"], fold=[0], rate=[RATE], steps=[100]),  # the row that a test repeats
    *grid(part=["test"], fold=list(range(FOLDS)), way=list(WAYS), rate=[RATE], steps=[STEPS]),
]

if __name__ == "__main__":
    run_experiment("languages", run, SETTINGS)
