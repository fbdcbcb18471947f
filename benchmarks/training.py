"""Our Transformer, PyTorch's, and the one that the exercises' parts make, trained in the same loop, on the same dates,
from the same weights.

    python benchmarks/training.py                         about two minutes on the CPU
    python benchmarks/training.py --steps 300             the full training shortened; the speed is measured as before
    python benchmarks/training.py --speech                then the training of chapter 11, a minute more
    python benchmarks/training.py --language-model        then a language model on Shakespeare, a minute more
    python benchmarks/training.py --device cuda           on a GPU

Speed: the three take turns of a few steps, in random order, so that whatever else the machine does hits all alike.
Shown are the median over the turns, and the median of the ratios within each turn. The batches of a turn are made
before it and are the same for all, so the time is that of model, loss and optimizer.

Accuracy: all are trained to the end, then write the held-out dates, left alone with what they have written so far (by
`greedy_without_cache`, because PyTorch's decoder has no cache; the one of the parts by their own `greedy_decode`).

Seconds: what the trainings of chapters 10 and 11 take, from the first step to the last. The bars are for two cores of a
laptop with nothing else to do. On a slower or busier machine they are missed, and nothing is wrong.
"""

import argparse
import dataclasses
import random
import statistics
import time
import warnings
from functools import partial
from itertools import chain

import numpy as np
import torch
from attention import verdict
from layers import weights_in_our_order
from torch import nn

from course_lib.data.batches import BEGIN, END, Vocabulary
from course_lib.data.dates import split_days, write_dates
from course_lib.data.download import DataUnavailable
from course_lib.data.mel import BANDS
from course_lib.data.speech import NUMERALS, STACKED, TAKES, TEST_TAKES, features, load_recordings, random_utterance
from course_lib.data.text import load_shakespeare
from course_lib.decoding import greedy_without_cache
from course_lib.evaluation import character_error_rate, exact_match, free_running
from course_lib.layers import FrameEmbedding
from course_lib.masks import causal_mask, padding_mask
from course_lib.positional_encoding import SinusoidalPositions
from course_lib.training import Batch, BucketedBatches, Plan, cross_entropy, in_order, teacher_forced, train
from course_lib.transformer import Encoder, Sizes, Transformer
from solutions import my_transformer as parts

SIZES = Sizes(d_model=64, num_heads=4, d_ff=256, num_layers=2)
TRAINING, HELD_OUT = 60_000, 2_880  # dates
BATCH_SIZE, STEPS = 128, 1200
TURNS, STEPS_OF_A_TURN = 30, 10
BAR_SPEED = 1.0  # our steps per second to PyTorch's
BAR_PARTS = 0.9  # those of the exercises' parts to ours
BAR_SECONDS = 90  # of the full training, on two cores with nothing else to do
OURS, PYTORCH, PARTS = "ours", "PyTorch's", "the parts'"

SPEECH_PLAN = Plan(steps=1200, peak_rate=3e-3, warmup=100, smoothing=0.1, weight_decay=0.01)
SPEECH_BATCH_SIZE, SPEECH_TEST = 32, 600  # utterances
NUMERAL_TOKENS = Vocabulary((BEGIN, END, *NUMERALS))
BAR_SPEECH_SECONDS = 180

LM_SIZES = Sizes(d_model=128, num_heads=4, d_ff=512, num_layers=4)
LM_BLOCK, LM_BATCH_SIZE = 64, 12
LM_PLAN = Plan(steps=2000, peak_rate=3e-3, warmup=100, smoothing=0.0, weight_decay=0.1)
BAR_LOSS = 1.88  # nats per character: what nanoGPT's README reports for these sizes and so many steps


# Two Transformers on dates --------------------------------------------------------------------------------------------


class PyTorchsEncoder(nn.Module):
    """The encoder of a `torch.nn.Transformer`, called as ours."""

    def __init__(self, stack):
        super().__init__()
        self.stack = stack

    def forward(self, x, lengths):
        return self.stack(x, src_key_padding_mask=is_padding(x, lengths)), None


class PyTorchsDecoder(nn.Module):
    """The decoder of a `torch.nn.Transformer`, called as ours."""

    def __init__(self, stack):
        super().__init__()
        self.stack = stack

    def forward(self, x, memory, lengths, memory_lengths):
        future = ~causal_mask(x.shape[1], like=x)
        padding = is_padding(memory, memory_lengths)
        return self.stack(x, memory, tgt_mask=future, tgt_is_causal=True, memory_key_padding_mask=padding), None


def is_padding(x, lengths):
    """Return (batch, length), True = padding, as PyTorch's modules want it."""
    return ~padding_mask(lengths, x.shape[1])[:, 0]


def our_model(source_size, target_size):
    torch.manual_seed(0)
    return Transformer(SIZES, nn.Embedding(source_size, SIZES.d_model), target_size)


def pytorchs_model(source_size, target_size):
    """Return our model with PyTorch's encoder and decoder in place of ours, the weights kept."""
    model = our_model(source_size, target_size)
    stacks = nn.Transformer(
        d_model=SIZES.d_model,
        nhead=SIZES.num_heads,
        num_encoder_layers=SIZES.num_layers,
        num_decoder_layers=SIZES.num_layers,
        dim_feedforward=SIZES.d_ff,
        dropout=SIZES.dropout,
        batch_first=True,
        norm_first=SIZES.norm == "pre",
    )
    ours = chain(model.encoder.parameters(), model.decoder.parameters())
    with torch.no_grad():
        for parameter, weight in zip(ours, weights_in_our_order(stacks), strict=True):
            weight.copy_(parameter)
    model.encoder, model.decoder = PyTorchsEncoder(stacks.encoder), PyTorchsDecoder(stacks.decoder)
    return model


def model_of_the_parts(source_size, target_size):
    """Return the Transformer of the solutions to the exercises, with our weights."""
    model = parts.Transformer(source_size, target_size, *dataclasses.astuple(SIZES))
    ours = our_model(source_size, target_size).parameters()
    with torch.no_grad():
        for parameter, weight in zip(ours, model.parameters(), strict=True):  # in the same order
            weight.copy_(parameter)
    return model


@torch.no_grad()
def by_the_parts(model, source, lengths, *, begin, end, max_len):
    """Return what `greedy_without_cache` returns, by the exercises' own `greedy_decode`."""
    tokens = parts.greedy_decode(model, source, lengths, begin, end, max_len).tolist()
    return [row[: row.index(end)] if end in row else row for row in tokens]


MODELS = {OURS: our_model, PYTORCH: pytorchs_model, PARTS: model_of_the_parts}


def check_equal(models, batch, device):
    """Stop unless all give the same logits."""
    batch = batch.to(device)
    logits = [model(batch.source, batch.inputs, batch.source_lengths) for model in models.values()]
    for others in logits[1:]:
        torch.testing.assert_close(others, logits[0], rtol=1e-3, atol=1e-4)


def steps_per_second(models, draw):
    """Return the speeds of every model, turn by turn."""
    speeds = {name: [] for name in models}
    plan = Plan(steps=STEPS_OF_A_TURN, warmup=1)
    for turn in range(TURNS):
        batches = [draw(turn * STEPS_OF_A_TURN + step) for step in range(STEPS_OF_A_TURN)]
        for name in random.sample(list(models), len(models)):
            history = train(models[name], batches.__getitem__, plan, progress=False)
            speeds[name].append(STEPS_OF_A_TURN / history.seconds)
    return speeds


def compare_transformers(steps, device):
    """Measure and print speed and accuracy of all; return our speed to PyTorch's, that of the parts to ours, and the
    seconds we trained."""
    training, held_out = (write_dates(days, seed) for seed, days in enumerate(split_days(TRAINING, HELD_OUT)))
    characters = Vocabulary.of(each.text for each in training)
    digits = Vocabulary.of((each.iso for each in training), special=(BEGIN, END))
    marks = dict(zip(("begin", "end"), digits.encode((BEGIN, END)), strict=True))
    draw = BucketedBatches(*encoded(training, characters, digits), batch_size=BATCH_SIZE, **marks)
    sources, targets = encoded(held_out, characters, digits)
    batches = in_order(sources, targets, batch_size=BATCH_SIZE, **marks)

    def models():
        return {name: make(len(characters), len(digits)).to(device) for name, make in MODELS.items()}

    check_equal(models(), draw(0), device)
    speeds = steps_per_second(models(), draw)
    ratio, ratio_of_parts = (_median_ratio(speeds, *pair) for pair in ((OURS, PYTORCH), (PARTS, OURS)))
    print(f"\nDates: {TRAINING:,} to train on, {HELD_OUT:,} held out, {BATCH_SIZE} a step; the first logits are equal")
    print(f"{'':<12}{'steps/s':>10}{f'held out, right after {steps:,} steps':>40}{'seconds':>10}")
    seconds = {}
    for name, model in models().items():
        seconds[name] = train(model, draw, Plan(steps=steps, warmup=max(1, steps // 10)), progress=False).seconds
        written = free_running(
            model, batches, **marks, max_len=len("2024-05-12") + 1, decode=DECODE.get(name, greedy_without_cache)
        )
        right = f"{100 * exact_match(written, targets):.2f} %"
        print(f"{name:<12}{statistics.median(speeds[name]):>10.1f}{right:>40}{seconds[name]:>10.0f}", flush=True)
    return ratio, ratio_of_parts, seconds[OURS]


DECODE = {PARTS: by_the_parts}


def _median_ratio(speeds, one, other):
    return statistics.median(a / b for a, b in zip(speeds[one], speeds[other], strict=True))


def encoded(dates, characters, digits):
    """Return what is read and what is to be written, as tokens."""
    return [characters.encode(each.text) for each in dates], [digits.encode(each.iso) for each in dates]


# The training of chapter 11 -------------------------------------------------------------------------------------------


def spoken_batch(recordings, marks, step):
    """Return the batch of a step: new utterances, of one digit at first, of up to five after a third of the steps."""
    rng = np.random.default_rng((11, step))
    longest = min(5, 1 + int(5 * step / (0.4 * SPEECH_PLAN.steps)))
    takes = range(max(TEST_TAKES) + 1, TAKES)
    said = [random_utterance(recordings, rng, takes=takes, longest=longest) for _ in range(SPEECH_BATCH_SIZE)]
    return teacher_forced(*heard_and_said(said), **marks)


def heard_and_said(utterances):
    """Return what is heard, as frames, and what is to be written, as tokens."""
    return [features(each.wave) for each in utterances], [NUMERAL_TOKENS.encode(each.text) for each in utterances]


def train_on_speech(device):
    """Train and print; return the seconds it took."""
    recordings = load_recordings()
    marks = dict(zip(("begin", "end"), NUMERAL_TOKENS.encode((BEGIN, END)), strict=True))
    torch.manual_seed(0)
    source = FrameEmbedding(STACKED * BANDS, SIZES.d_model)
    model = Transformer(SIZES, source, len(NUMERAL_TOKENS)).to(device)
    history = train(model, partial(spoken_batch, recordings, marks), SPEECH_PLAN, progress=False)
    rng = np.random.default_rng(2026)
    frames, texts = heard_and_said([random_utterance(recordings, rng, takes=TEST_TAKES) for _ in range(SPEECH_TEST)])
    batches = in_order(frames, texts, batch_size=50, **marks)
    right = 1 - character_error_rate(free_running(model, batches, **marks, max_len=8), texts)
    print(f"\nSpoken digits, {recordings.origin}: {SPEECH_PLAN.steps:,} steps of {SPEECH_BATCH_SIZE} utterances")
    print(f"Tested on {SPEECH_TEST} utterances of 300 recordings: {right:.1%} of the characters right")
    return history.seconds


# A language model on Shakespeare --------------------------------------------------------------------------------------


class LanguageModel(nn.Module):
    """Asks at every position for the next character.

    A decoder block without its cross-attention is an encoder block under a causal mask, so the stack is an `Encoder`.
    """

    def __init__(self, sizes, vocabulary_size):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary_size, sizes.d_model)
        self.positions = SinusoidalPositions()
        self.encoder = Encoder(sizes)
        self.W_vocabulary = nn.Linear(sizes.d_model, vocabulary_size)

    def forward(self, source, inputs, lengths):
        """Return the logits (batch, length, vocabulary_size) of what follows each input; there is no source to see."""
        x = self.positions(self.tokens(inputs))
        output, _ = self.encoder(x, mask=causal_mask(inputs.shape[1], like=x))
        return self.W_vocabulary(output)


def excerpts(tokens, starts):
    """Return the batch of the stretches of LM_BLOCK tokens that begin at `starts`, each asked for what follows."""
    stretch = tokens[starts[:, None] + torch.arange(LM_BLOCK + 1)]  # (batch, LM_BLOCK + 1)
    no_source = torch.empty(len(starts), 0)
    return Batch(no_source, torch.zeros(len(starts), dtype=torch.long), stretch[:, :-1], stretch[:, 1:])


def drawn_excerpts(tokens, step):
    """Return the batch of a step, from places drawn at random."""
    places = torch.Generator().manual_seed(step)
    return excerpts(tokens, torch.randint(len(tokens) - LM_BLOCK, (LM_BATCH_SIZE,), generator=places))


@torch.no_grad()
def mean_loss(model, tokens, device):
    """Return the cross-entropy in nats per token over all tokens, read LM_BLOCK at a time."""
    starts = torch.arange(0, len(tokens) - LM_BLOCK, LM_BLOCK)
    total = 0.0
    for part in starts.split(64):
        batch = excerpts(tokens, part).to(device)
        total += len(part) * cross_entropy(model(batch.source, batch.inputs, None), batch.labels).item()
    return total / len(starts)


def train_language_model(device):
    """Train and print; return the validation loss, or None where there is no text."""
    try:
        text = load_shakespeare()
    except DataUnavailable as reason:
        print(f"\nNo language model, because there is no text: {reason}")
        return None
    vocabulary = Vocabulary.of([text])
    tokens = torch.tensor(vocabulary.encode(text))
    training, validation = tokens.tensor_split([int(0.9 * len(tokens))])
    torch.manual_seed(0)
    model = LanguageModel(LM_SIZES, len(vocabulary)).to(device)
    print(
        f"\nShakespeare: {len(training):,} characters to train on, {len(validation):,} to validate; "
        f"{LM_PLAN.steps:,} steps of {LM_BATCH_SIZE} x {LM_BLOCK}, {LM_SIZES}"
    )
    history = train(model, partial(drawn_excerpts, training), LM_PLAN, progress=False)
    loss = mean_loss(model, validation, device)
    print(f"{history.seconds:.0f} s, {statistics.mean(history.losses[-100:]):.3f} nats in the last 100 steps")
    return loss


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of the full training (default: {STEPS})")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--speech", action="store_true", help="train on spoken digits, too, as chapter 11 does")
    parser.add_argument("--language-model", action="store_true", help="train one on Shakespeare, too")
    options = parser.parse_args()
    start = time.perf_counter()
    warnings.filterwarnings("ignore", "enable_nested_tensor is True")  # PyTorch speaks of its fast path
    print(f"PyTorch {torch.__version__}, {options.device}, {torch.get_num_threads()} threads; {SIZES}")
    ratio, ratio_of_parts, seconds = compare_transformers(options.steps, options.device)
    speech_seconds = train_on_speech(options.device) if options.speech else None
    loss = train_language_model(options.device) if options.language_model else None
    print(f"\nsteps/s: {ratio:.3f} x PyTorch's, at least {BAR_SPEED}: {verdict(ratio >= BAR_SPEED)}")
    met = verdict(ratio_of_parts >= BAR_PARTS)
    print(f"steps/s of the exercises' parts: {ratio_of_parts:.3f} x ours, at least {BAR_PARTS}: {met}")
    if options.steps == STEPS:
        print(f"dates: {seconds:.0f} s, at most {BAR_SECONDS}: {verdict(seconds <= BAR_SECONDS)}")
    if speech_seconds is not None:
        met = verdict(speech_seconds <= BAR_SPEECH_SECONDS)
        print(f"spoken digits: {speech_seconds:.0f} s, at most {BAR_SPEECH_SECONDS}: {met}")
    if loss is not None:
        print(f"validation: {loss:.3f} nats per character, at most {BAR_LOSS}: {verdict(loss <= BAR_LOSS)}")
    print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
