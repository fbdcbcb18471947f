"""Trains the Transformer that lesson 00 begins with, measures it, and stores it with its SHA-256.

The seed draws the first weights, the languages of the dates and the order of the batches. Another computer or another
PyTorch adds the same numbers in another order, so a rerun ends with other weights, and reads as well.

Half of the dates stand as CLDR writes them, the other half as people type them: see `as_typed`.
"""

import random
import re
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import torch
from babel.dates import format_date

from course_lib import date_reader
from course_lib.data.batches import BEGIN, END, Vocabulary
from course_lib.date_reader import DateReader, dates_to_learn_from, held_out_dates
from course_lib.evaluation import exact_match
from course_lib.training import BucketedBatches, Plan, train
from course_lib.transformer import Sizes

SIZES = Sizes(d_model=64, num_heads=4, d_ff=256, num_layers=2)
PLAN = Plan(steps=2000, peak_rate=3e-3, warmup=150, smoothing=0.1)
BATCH_SIZE = 128
ENOUGH = 0.99  # of the held-out dates as CLDR writes them, read without a mistake
TYPED = 0.5  # of the dates to learn from: as people type them
ISO = 0.06  # of what is typed: the machine's own format

DAY_MONTH_YEAR = "{day} {month}{comma} {year}"
ORDERS = (DAY_MONTH_YEAR, DAY_MONTH_YEAR, "{month} {day}{comma} {year}", "{year}{comma} {month} {day}")
MARKS = {"ja": ("年", "日"), "zh": ("年", "日"), "ko": ("년", "일")}  # of year and day
OF = ("es", "pt")  # where people write "12 de mayo de 2024"
MONTHS = ("MMMM", "MMM")  # CLDR's names for a month: whole, and short
ALONE = ("LLLL",)  # and as in a calendar, "май" for "мая"; where there is none, Babel gives another language's
WITH_ALONE = ("el", "fi", "hy", "pl", "ru")
STOP = re.compile(r"(?<!\d)[.\u0970\u05f3]|[.\u0970\u05f3](?!\d)")  # a point, not within 12.05.2024
COMMA = re.compile("[,،]")
WORD_YEAR = re.compile(r" (\u0433|\u0569)[.]")  # "year", abbreviated in Russian and in Armenian


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
        print(f"of as many as they may be typed: {measured(stored, typed_dates()):.2%}")
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
    rng, longest = random.Random(seed), max(len(written.text) for written in learned)
    texts = [as_typed(written, rng, longest) if rng.random() < TYPED else written.text for written in learned]
    digits = Vocabulary((BEGIN, END, *"-0123456789"))
    torch.manual_seed(seed)
    reader = DateReader(SIZES, Vocabulary.of(texts), digits, longest)
    begin, end = digits.encode([BEGIN, END])
    sources = [reader.characters.encode(text) for text in texts]
    targets = [digits.encode(written.iso) for written in learned]
    draw = BucketedBatches(sources, targets, batch_size=BATCH_SIZE, begin=begin, end=end, seed=seed)
    train(reader.model, draw, replace(plan, seed=seed))
    return reader


def as_typed(written, rng, longest=38):
    """Return a date as somebody may type it, other than CLDR writes it.

    Commas, points and capitals are left out, parts change places, the month stands as in a calendar. English, where
    the variants are most, comes more often. What is all digits with slashes is only as CLDR has it: who knows no more
    than the text cannot know the day.

    Args:
        written: a `WrittenDate`.
        rng: a `random.Random`.
        longest: characters; what would be longer stays as CLDR writes it.
    """
    day = date.fromisoformat(written.iso)
    if rng.random() < ISO:
        return rng.choice((written.iso, written.iso, f"{day.year}-{day.month}-{day.day}"))
    if rng.random() < 0.6:
        text = _put_together(day, "en" if rng.random() < 0.1 else written.locale, rng)
    else:
        text = WORD_YEAR.sub("", written.text) if rng.random() < 0.7 else written.text
    for pattern, instead, share in ((COMMA, "", 0.5), (STOP, "", 0.5), (re.compile("(?<=[.,]) "), "", 0.1)):
        if rng.random() < share:
            text = pattern.sub(instead, text)
    if rng.random() < 0.3:
        text = text.lower()
    return text if len(text) <= longest else written.text


def _put_together(day, locale, rng):
    """Return year, month and day in an order of which somebody may think."""
    names = MONTHS + ALONE if locale in WITH_ALONE else MONTHS
    year, number, month = str(day.year), str(day.day), format_date(day, rng.choice(names), locale=locale)
    if locale in MARKS:
        of_year, of_day = MARKS[locale]
        number += of_day
        year_alone, gap = year + rng.choice((of_year, "")), rng.choice(("", " "))
        day_in_year = f"{month}{gap}{number}"
        return rng.choice((f"{year}{of_year}{gap}{day_in_year}", f"{day_in_year}{rng.choice(('', ' '))}{year_alone}"))
    if rng.random() < 0.3:
        month = month[:1].upper() + month[1:]
    if (locale, month) == ("en", "Sep") and rng.random() < 0.5:
        month = "Sept"
    order = rng.choice(ORDERS)
    if locale in OF and order == DAY_MONTH_YEAR and rng.random() < 0.5:
        order = "{day} de {month}" + rng.choice((" de ", " del ", " ")) + "{year}"
    elif locale == "en" and rng.random() < 0.5:
        number += ordinal(day.day)
        if order == DAY_MONTH_YEAR and rng.random() < 0.4:
            order = rng.choice(("", "the ")) + "{day} of {month}{comma} {year}"
    elif locale == "fr" and order == DAY_MONTH_YEAR and rng.random() < 0.2:
        order = "le {day} {month} {year}"
    elif locale in ("de", "fi") and rng.random() < 0.5:
        number += "."
    text = order.format(day=number, month=month, year=year, comma=rng.choice(("", "", ",")))
    if rng.random() < 0.1:
        text = format_date(day, rng.choice(("EEEE, ", "EEE ")), locale=locale) + text
    return text


def ordinal(number):
    """Return what English puts after a number: "st", "nd", "rd" or "th"."""
    return "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def typed_dates(count=None, seed=1):
    """Return so many of the held-out dates as they may be typed, all of them if not given."""
    rng = random.Random(seed)
    return [written._replace(text=as_typed(written, rng)) for written in held_out_dates(count)]


def measured(reader, dates=None):
    """Return the share of dates that a reader reads without a mistake; of the held-out ones, if none are given."""
    dates = held_out_dates() if dates is None else dates
    return exact_match(reader.read_all([written.text for written in dates]), [written.iso for written in dates])


def write_digest(path, digest):
    """Write the SHA-256 of the stored file into the source that checks it."""
    source = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'^DIGEST = "\w+"', f'DIGEST = "{digest}"', source, flags=re.MULTILINE), encoding="utf-8")
