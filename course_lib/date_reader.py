"""A small Transformer that reads dates, trained: lesson 00 begins with it.

It has the sizes of lesson 10's, which trains one like it. Half of its dates were written as people type them.
`python3 course.py date-reader` makes it again.

    >>> load_date_reader().read("12 mai 2024").answer
    '2024-05-12'
"""

import copy
import hashlib
import io
import re
import unicodedata
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from course_lib.data.batches import BEGIN, END, Vocabulary, pad_batch
from course_lib.decoding import greedy
from course_lib.transformer import Sizes, Transformer

FILE = Path(__file__).with_name("date_reader.npz")
DIGEST = "e84cf2d4b5b49630646f3757e27d40a2202ec966afde75de8e64f8c25923f23b"  # SHA-256 of FILE; written with it

# Of the 73,049 days from 1900 to 2099: to learn from, to watch in lesson 10, held out. No day is in two of them.
SPLIT = (60_000, 480, 2_880)
LONGEST_ANSWER = 12  # characters: an ISO date has 10, then comes END
SAME_BATCH = 480  # texts read side by side

_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # steer the direction of writing


class ModelFileError(Exception):
    """The stored model cannot be used; the text says why, and the way out."""


class UnreadableTextError(ValueError):
    """A text that the model cannot take in; the text says why."""


class Reading(NamedTuple):
    """What was read, what was written, and where each written character looked.

    Attributes:
        text: what was read.
        answer: what was written, "2024-05-12" if all went well.
        weights: (length of the answer, length of the text): the mean over the heads of the last block's
            cross-attention, which look most sharply; each row sums to 1.
    """

    text: str
    answer: str
    weights: np.ndarray


class DateReader:
    """A Transformer with its two vocabularies: the characters it reads, and those it writes.

    Args:
        sizes: the `Sizes` of the model.
        characters, digits: the `Vocabulary` of the text and of the answer.
        longest: characters of the longest text that it learns from.
        model: the `Transformer`, on the CPU; an untrained one if not given.
    """

    def __init__(self, sizes, characters, digits, longest, model=None):
        if model is None:
            source = torch.nn.Embedding(len(characters), sizes.d_model)
            model = Transformer(sizes, source, len(digits)).eval()
        self.sizes, self.characters, self.digits, self.longest = sizes, characters, digits, longest
        self.model = model

    @torch.no_grad()
    def read(self, text: str) -> Reading:
        """Return the `Reading` of a text, which is tidied up first: `Reading.text` is what was read.

        Raises:
            UnreadableTextError: nothing to read, a character that it has never seen, or more of them than ever.
        """
        text = self.checked(text)
        source = torch.tensor([self.characters.encode(text)])
        begin, end = self.digits.encode([BEGIN, END])
        state, token, written, rows = self.model.begin(source), torch.tensor([begin]), [], []
        for _ in range(LONGEST_ANSWER):
            logits, state, maps = self.model.step(token, state, return_weights=True)
            token = logits.argmax(dim=-1)
            if token.item() == end:
                break
            written.append(token.item())
            _, cross = maps[-1]  # (1, num_heads, 1, length of the text)
            rows.append(cross[0, :, 0].mean(dim=0).numpy())
        weights = np.stack(rows) if rows else np.zeros((0, len(text)), np.float32)
        return Reading(text, self.digits.decode(written), weights)

    def read_all(self, texts) -> list[str]:
        """Return the answers to many texts, faster than one by one; they are read as they stand."""
        begin, end = self.digits.encode([BEGIN, END])
        answers = []
        for start in range(0, len(texts), SAME_BATCH):
            padded, lengths = pad_batch([self.characters.encode(text) for text in texts[start : start + SAME_BATCH]])
            source, lengths = torch.from_numpy(padded), torch.from_numpy(lengths)
            written = greedy(self.model, source, lengths, begin=begin, end=end, max_len=LONGEST_ANSWER)
            answers += [self.digits.decode(ids) for ids in written]
        return answers

    def without_attention(self) -> "DateReader":
        """Return this reader with its attention to the text cut: each character of the text counts the same.

        The queries of the decoder's cross-attention are set to zero. So every score is 0, every weight the same, and
        what arrives is the plain average of what the text offers. Nothing else changes.
        """
        model = copy.deepcopy(self.model)
        for block in model.decoder.blocks:
            for parameter in block.cross_attention.W_q.parameters():
                torch.nn.init.zeros_(parameter)
        return DateReader(self.sizes, self.characters, self.digits, self.longest, model)

    def checked(self, text: str) -> str:
        """Return the text in the form in which the model reads it; raises as `read`."""
        text = " ".join(unicodedata.normalize("NFKC", _DIRECTION_MARKS.sub("", text)).split())
        if text.isupper():  # it learned names of months with small letters
            text = text.lower()
        if not text:
            raise UnreadableTextError("There is nothing to read yet: type a date, such as May 12, 2024.")
        known = set(self.characters.tokens)
        strange = [character for character in dict.fromkeys(text) if character not in known]
        if strange:
            none_has = "no date that it learned from has " + ("it" if len(strange) == 1 else "them")
            raise UnreadableTextError(f"It has never seen {_named(strange)}: {none_has}.")
        if len(text) > self.longest:
            raise UnreadableTextError(
                f"These are {len(text)} characters; the longest date that it learned from has {self.longest}."
            )
        return text

    def store(self, path: Path) -> str:
        """Write the reader to a file, its weights in half precision, and return the SHA-256 of the file."""
        weights = {f"weights/{name}": array.numpy() for name, array in self.model.state_dict().items()}
        content = io.BytesIO()
        np.savez_compressed(
            content,
            **{name: array.astype(np.float16) for name, array in weights.items()},
            **{f"sizes/{name}": np.array(value) for name, value in asdict(self.sizes).items()},
            characters=np.array(self.characters.tokens),
            digits=np.array(self.digits.tokens),
            longest=np.array(self.longest),
        )
        path.write_bytes(content.getvalue())
        return hashlib.sha256(content.getvalue()).hexdigest()


@cache
def load_date_reader() -> DateReader:
    """Return the reader that the course brings along.

    Raises:
        ModelFileError: its file is missing, or is not the one that belongs to this version.
    """
    return read_file(FILE, DIGEST)


def read_file(path: Path, digest: str) -> DateReader:
    """Return the reader stored at a path, if the file's SHA-256 is `digest`; raises as `load_date_reader`."""
    way_out = f"`git checkout {path.name}` in its folder brings it back, `python3 course.py date-reader` makes it anew."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}, the model of lesson 00, cannot be read ({error.strerror}): {way_out}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelFileError(f"{path}, the model of lesson 00, is not the file that it should be: {way_out}")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        of = {name: stored[name] for name in stored.files}
    vocabularies = (Vocabulary(tuple(of[name].tolist())) for name in ("characters", "digits"))
    sizes = Sizes(**{name: of[f"sizes/{name}"].item() for name in Sizes.__dataclass_fields__})
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn in vain, and the reader's next numbers stay
        reader = DateReader(sizes, *vocabularies, of["longest"].item())
    weights = {name: of[f"weights/{name}"].astype(np.float32) for name in reader.model.state_dict()}
    reader.model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return reader


def dates_to_learn_from(seed: int = 0):
    """Return the dates that the reader learns from, in languages and styles drawn from the seed."""
    return _written(0, None, seed=3 * seed)


def held_out_dates(count: int | None = None):
    """Return so many dates of days that the reader did not learn from, all of them if not given."""
    return _written(-1, count, seed=2)


def _written(part, count, seed):
    from course_lib.data.dates import split_days, write_dates  # brings Babel, which reading does not need

    return write_dates(split_days(*SPLIT)[part][:count], seed=seed)


def _named(characters):
    """Return 'the letters "þ" and "ő"': what characters are, and which."""
    kinds = {unicodedata.category(character)[0] for character in characters}
    kind = "letter" if kinds <= {"L", "M"} else "digit" if kinds == {"N"} else "character"
    quoted = [f"\u201c{character}\u201d" for character in characters]
    if len(quoted) == 1:
        return f"the {kind} {quoted[0]}"
    return f"the {kind}s {', '.join(quoted[:-1])} and {quoted[-1]}"
