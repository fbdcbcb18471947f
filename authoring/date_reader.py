"""Trains the Transformer that lesson 00 begins with, measures it, and stores it with its SHA-256.

The seed draws the first weights, the languages of the dates and the order of the batches. Another computer or another
PyTorch adds the same numbers in another order, so a rerun ends with other weights, and reads as well.
"""

import re
import sys
from dataclasses import replace
from pathlib import Path

import torch

from course_lib import date_reader
from course_lib.data.batches import BEGIN, END, Vocabulary
from course_lib.date_reader import DateReader, dates_to_learn_from, held_out_dates
from course_lib.evaluation import exact_match
from course_lib.training import BucketedBatches, Plan, train
from course_lib.transformer import Sizes

SIZES = Sizes(d_model=64, num_heads=4, d_ff=256, num_layers=2)
PLAN = Plan(steps=1500, peak_rate=3e-3, warmup=150, smoothing=0.1)
BATCH_SIZE = 128
ENOUGH = 0.99  # of the held-out dates, read without a mistake


def make(seed=0, dry=False):
    """Train a reader, say how many of the held-out dates it reads, and store it if that is enough.

    Args:
        seed: of weights, languages and batches.
        dry: store nothing.

    Returns:
        the exit status: 0 if it reads as many as it should.
    """
    reader = trained(seed)
    candidate = date_reader.FILE.with_suffix(".candidate.npz")
    try:
        digest = reader.store(candidate)
        stored = date_reader.read_file(candidate, digest)  # in half precision, as it will be used
        share = measured(stored)
        cut = measured(stored.without_attention())
        print(f"seed {seed}: {share:.2%} of {len(held_out_dates()):,} held-out dates; with its attention cut {cut:.2%}")
        print(f"{candidate.stat().st_size:,} bytes, SHA-256 {digest}")
        if share < ENOUGH:
            print(f"That is less than {ENOUGH:.0%}, so nothing was stored.", file=sys.stderr)
            return 1
        if not dry:
            candidate.replace(date_reader.FILE)
            write_digest(Path(date_reader.__file__), digest)
            print(f"stored in {date_reader.FILE.name}, its SHA-256 in {Path(date_reader.__file__).name}")
    finally:
        candidate.unlink(missing_ok=True)
    return 0


def trained(seed, plan=PLAN, examples=None):
    """Return a reader trained on the first `examples` of the dates to learn from, all of them if not given."""
    learned = dates_to_learn_from(seed)[:examples]
    texts = [written.text for written in learned]
    digits = Vocabulary((BEGIN, END, *"-0123456789"))
    torch.manual_seed(seed)
    reader = DateReader(SIZES, Vocabulary.of(texts), digits, longest=max(map(len, texts)))
    begin, end = digits.encode([BEGIN, END])
    sources = [reader.characters.encode(text) for text in texts]
    targets = [digits.encode(written.iso) for written in learned]
    draw = BucketedBatches(sources, targets, batch_size=BATCH_SIZE, begin=begin, end=end, seed=seed)
    train(reader.model, draw, replace(plan, seed=seed))
    return reader


def measured(reader):
    """Return the share of the held-out dates that a reader reads without a mistake."""
    held_out = held_out_dates()
    return exact_match(reader.read_all([written.text for written in held_out]), [written.iso for written in held_out])


def write_digest(path, digest):
    """Write the SHA-256 of the stored file into the source that checks it."""
    source = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'^DIGEST = "\w+"', f'DIGEST = "{digest}"', source, flags=re.MULTILINE), encoding="utf-8")
