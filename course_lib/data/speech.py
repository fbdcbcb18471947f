"""Spoken digits, strung together into utterances of different lengths, and what is said in Chinese numerals.

The recordings are the Free Spoken Digit Dataset's: 3,000 by six people, downloaded once (`course_lib.data.download`).
Where they can be neither found nor downloaded, synthesized voices say the same digits, and `Recordings.origin` says so.
"""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from course_lib.data.archives import content_digest, read_archive
from course_lib.data.download import DataUnavailable, Source, fetch
from course_lib.data.mel import RATE, log_mel
from course_lib.data.voices import VOICES, say

NUMERALS = "零一二三四五六七八九"
TAKES = 50  # of every digit by every speaker
TEST_TAKES = range(5)  # held out for the test by those who made the recordings
STACKED = 4  # log-mel frames in a position of the model's input: 40 ms

SOURCE = Source(
    name="free-spoken-digit-dataset.zip",
    url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip",
    size=16_600_000,  # roughly: GitHub packs it anew
    digest="954ea1cf5c26624532853cc6ef905de1efeb89365398c0ce58fe829927db0667",
    digest_of=partial(content_digest, wanted="recordings/*.wav"),
)


@dataclass(frozen=True)
class Recordings:
    """Every digit by every speaker, many times.

    Attributes:
        waves: by (digit, speaker, take): (samples,) float32, from -1 to 1, `RATE` samples in a second.
        origin: where they come from, in a sentence.
        synthesized: whether nobody spoke them.
    """

    waves: dict[tuple[int, str, int], np.ndarray]
    origin: str
    synthesized: bool

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """The names of the speakers, sorted."""
        return tuple(sorted({speaker for _, speaker, _ in self.waves}))


def load_recordings(*, progress: bool = True) -> Recordings:
    """Return the recordings, downloaded if need be; or synthesized ones, after a sentence that says why."""
    try:
        path = fetch(SOURCE, progress=progress)
        return Recordings(_read(path), "3,000 recordings of six people (Free Spoken Digit Dataset)", False)
    except DataUnavailable as trouble:
        print(f"{trouble}\nUntil then synthesized voices speak. They are easier to tell apart than people.")
        return synthesized_recordings()


def synthesized_recordings() -> Recordings:
    """Return the digits said by synthesized voices: as many as there are recordings, under the same keys."""
    keys = ((digit, voice, take) for digit in range(10) for voice in VOICES for take in range(TAKES))
    return Recordings({key: say(*key) for key in keys}, "3,000 words of six synthesized voices; nobody spoke", True)


def _read(path):
    waves = {}
    for name, content in read_archive(path, "recordings/*.wav").items():
        digit, speaker, take = name.removeprefix("recordings/").removesuffix(".wav").split("_")
        with wave.open(io.BytesIO(content)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        waves[int(digit), speaker, int(take)] = samples.astype(np.float32) / 2**15
    return waves


class Utterance(NamedTuple):
    """Digits said one after another by one speaker.

    Attributes:
        wave: (samples,) float32
        text: the digits as Chinese numerals.
        spans: of every digit, its (first, last) sample: where in the wave it is said.
        speaker: who says it.
    """

    wave: np.ndarray
    text: str
    spans: tuple[tuple[int, int], ...]
    speaker: str


def string_together(
    recordings: Recordings, digits: Sequence[int], speaker: str, takes: Sequence[int], rng: np.random.Generator
) -> Utterance:
    """Return an utterance: pauses of 50 to 300 ms before, between and behind the digits, each take drawn from `takes`.

    The pauses hold the faintest noise, as no room is quite silent.

    Raises:
        ValueError: the speaker has not recorded that; the text lists the speakers.
    """
    pieces, spans = [_pause(rng)], []
    for digit in digits:
        start = sum(map(len, pieces))
        take = int(rng.choice(takes))
        if (digit, speaker, take) not in recordings.waves:
            speakers = ", ".join(recordings.speakers)
            raise ValueError(f"no take {take} of digit {digit!r} by {speaker!r}; the speakers are {speakers}.")
        pieces.append(recordings.waves[digit, speaker, take])
        spans.append((start, start + len(pieces[-1]) - 1))
        pieces.append(_pause(rng))
    text = "".join(NUMERALS[digit] for digit in digits)
    return Utterance(np.concatenate(pieces), text, tuple(spans), speaker)


def random_utterance(
    recordings: Recordings,
    rng: np.random.Generator,
    *,
    takes: Sequence[int],
    speakers: Sequence[str] | None = None,
    longest: int = 5,
) -> Utterance:
    """Return an utterance of one to `longest` digits, drawn like its speaker and the takes."""
    digits = rng.integers(0, 10, rng.integers(1, longest + 1))
    return string_together(recordings, digits.tolist(), str(rng.choice(speakers or recordings.speakers)), takes, rng)


def features(wave: np.ndarray) -> np.ndarray:
    """Return (positions, STACKED * BANDS) float32: what a model is given of a waveform (samples,).

    Log-mel frames; every band less its mean over the utterance, which takes away a microphone's color and a voice's
    loudness; all divided by what is then their standard deviation. `STACKED` of them stand side by side, one position
    every 40 ms; frames that do not fill a position are dropped.
    """
    frames = log_mel(wave)
    frames = frames - frames.mean(axis=0)
    frames = frames / (frames.std() + 1e-3)
    positions = len(frames) // STACKED
    return frames[: positions * STACKED].reshape(positions, STACKED * frames.shape[1])


def _pause(rng):
    return rng.normal(0, 1e-4, rng.integers(RATE // 20, RATE * 3 // 10)).astype(np.float32)
