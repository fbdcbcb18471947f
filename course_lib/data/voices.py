"""Synthesized voices that say the digits zero to nine: what there is to listen to when there are no recordings.

A voice is a source and a filter. The vocal cords let pulses of air pass, a narrow place in throat or mouth makes the
air hiss, and the vocal tract rings with it at its resonances, the formants, which move as tongue, jaw and lips move.

This follows D. H. Klatt, "Software for a cascade/parallel formant synthesizer", Journal of the Acoustical Society of
America 67 (1980), 971-995. Formants and bandwidths are those of his Tables I to III; so are the levels, but for a few
decibels that bring hiss and voice to the balance of real recordings. The durations suit words spoken alone.

>>> samples = say(7, "anton", take=0)
>>> samples.dtype, round(len(samples) / RATE, 1)
(dtype('float32'), 0.5)
"""

from dataclasses import dataclass

import numpy as np

from course_lib.data.mel import RATE


@dataclass(frozen=True)
class Voice:
    """A speaker."""

    pitch: float  # pulses of the vocal cords in a second, on average over a word
    tract: float  # the formants times this: a short vocal tract rings higher than a long one
    tempo: float  # 2 is twice as fast
    breath: float  # noise of the throat that goes with the pulses, in dB as in `Phone`
    loudness: float  # the largest sample, on average over takes; full scale is 1


VOICES = {
    "anton": Voice(pitch=88, tract=0.94, tempo=0.92, breath=25, loudness=0.5),  # a big man who takes his time
    "boris": Voice(pitch=122, tract=1.0, tempo=1.12, breath=30, loudness=0.35),
    "clara": Voice(pitch=205, tract=1.15, tempo=1.0, breath=35, loudness=0.4),
    "doris": Voice(pitch=168, tract=1.1, tempo=0.95, breath=46, loudness=0.25),  # soft, half whispered
    "erwin": Voice(pitch=142, tract=1.05, tempo=1.05, breath=40, loudness=0.3),
    "fanny": Voice(pitch=280, tract=1.27, tempo=1.2, breath=35, loudness=0.45),  # a child in a hurry
}


@dataclass(frozen=True)
class Phone:
    """One sound of speech: how long it lasts (seconds), where the tract resonates (Hz), what makes it ring (dB).

    Of the levels 60 is full, and 0 a thousandth of it: as good as nothing.
    """

    duration: float
    formants: tuple[float, float, float]
    bandwidths: tuple[float, float, float]
    glide: tuple[float, float, float] | None = None  # where the formants end, if they move
    pulses: float = 0  # of the vocal cords
    breath: float = 0  # noise of the throat
    hiss: tuple[float, ...] = (0, 0, 0, 0, 0)  # noise of the mouth: at the formants 3, 4, 5, 6, and as it is
    nose: float = 270  # frequency that the open nose takes away; at 270 the nose is shut


def _vowel(duration, formants, bandwidths, glide=None):
    return Phone(duration, formants, bandwidths, glide, pulses=60)


# The names are those of ARPABET; tcl and kcl, the silence before t and k opens, are the TIMIT corpus's. What the mouth
# hisses in v and z is 6 dB less than in f and s, for the vocal cords take their share of the air.
PHONES = {
    "iy": _vowel(0.20, (310, 2020, 2960), (45, 200, 400), (290, 2070, 2960)),
    "ih": _vowel(0.11, (400, 1800, 2570), (50, 100, 140), (470, 1600, 2600)),
    "ey": _vowel(0.24, (480, 1720, 2520), (70, 100, 200), (330, 2020, 2600)),
    "eh": _vowel(0.11, (530, 1680, 2500), (60, 90, 200), (620, 1530, 2530)),
    "ah": _vowel(0.17, (620, 1220, 2550), (80, 50, 140)),
    "ax": _vowel(0.06, (620, 1220, 2550), (80, 50, 140)),  # the same without stress
    "ao": _vowel(0.17, (600, 990, 2570), (90, 100, 80), (630, 1040, 2600)),
    "ow": _vowel(0.24, (540, 1100, 2300), (80, 70, 70), (450, 900, 2300)),
    "uw": _vowel(0.24, (350, 1250, 2200), (65, 110, 140), (320, 900, 2200)),
    "ay": _vowel(0.25, (660, 1200, 2550), (100, 70, 200), (400, 1880, 2500)),
    "w": Phone(0.08, (290, 610, 2150), (50, 80, 60), pulses=57),
    "r": Phone(0.08, (310, 1060, 1380), (70, 100, 120), pulses=57),
    "n": Phone(0.11, (480, 1340, 2470), (40, 300, 300), pulses=54, nose=450),
    "f": Phone(0.09, (340, 1100, 2080), (200, 120, 150), hiss=(0, 0, 0, 0, 57)),
    "v": Phone(0.09, (220, 1100, 2080), (60, 90, 120), pulses=47, hiss=(0, 0, 0, 0, 51)),
    "th": Phone(0.09, (320, 1290, 2540), (200, 90, 200), hiss=(0, 0, 0, 28, 48)),
    "s": Phone(0.13, (320, 1390, 2530), (200, 80, 200), hiss=(0, 0, 0, 52, 0)),
    "z": Phone(0.11, (240, 1390, 2530), (70, 60, 180), pulses=47, hiss=(0, 0, 0, 46, 0)),
    "tcl": Phone(0.06, (400, 1600, 2600), (300, 120, 250)),
    "t": Phone(0.015, (400, 1600, 2600), (300, 120, 250), hiss=(24, 39, 51, 57, 0)),
    "hh": Phone(0.05, (400, 1600, 2600), (300, 120, 250), breath=60),
    "kcl": Phone(0.06, (300, 1990, 2850), (250, 160, 330)),
    "k": Phone(0.02, (300, 1990, 2850), (250, 160, 330), hiss=(53, 43, 45, 45, 0)),
}

WORDS = (
    "z iy r ow",
    "w ah n",
    "tcl t hh uw",
    "th r iy",
    "f ao r",
    "f ay v",
    "s ih kcl k s",
    "s eh v ax n",
    "ey tcl t hh",
    "n ay n",
)


# Resonances that stay where they are (frequency, bandwidth): the formants 4 to 6, all near or above the highest
# frequency that is heard at 8,000 samples a second, and the nose.
_UPPER_FORMANTS = np.array([(3300, 250), (3750, 200), (4900, 1000)])
_NOSE = (270, 100)

_HISS = np.array([1, -1, 1, -1, 1]) * 10 ** (np.array([9, 6, 5, 4, 0]) / 20)  # gains of the five kinds of hiss
_NOISE = 0.005  # gain of all noise; it leaves an s some 20 dB below a vowel

_GLIDE = 0.035  # seconds on either side of a boundary in which tongue and jaw are on their way
_SWITCH = 0.008  # the same for the sources
_HOP = 0.004  # seconds between one grain of noise and the next
_GRAIN = 256  # samples for which the tract rings on

_FREQUENCIES = np.fft.rfftfreq(_GRAIN, 1 / RATE)
# What leaves the lips is the change of the flow, 6 dB more for each octave; a pulse loses 12 dB for each above 50 Hz.
_RADIATION = 2j * _FREQUENCIES / RATE
_PULSE = 1j * _FREQUENCIES / 50 / (1 + 1j * _FREQUENCIES / 50) ** 2


def say(digit: int, voice: str, take: int = 0) -> np.ndarray:
    """Return a digit said by a voice: no two takes are quite alike, and each is the same whenever it is asked for.

    Args:
        digit: 0 to 9.
        voice: a key of `VOICES`.
        take: 0, 1, 2, ...

    Returns:
        (samples,) float32 array in [-1, 1], `RATE` of them a second.

    Raises:
        ValueError: another digit, voice or take; the text lists those there are.
    """
    if digit not in range(len(WORDS)):
        raise ValueError(f"digit={digit!r} is none of 0 to {len(WORDS) - 1}.")
    if voice not in VOICES:
        raise ValueError(f"voice={voice!r} is none of {', '.join(VOICES)}.")
    if take < 0:
        raise ValueError(f"take={take!r} is none of 0, 1, 2, ...")
    rng = np.random.default_rng((digit, list(VOICES).index(voice), take))
    return pronounce(WORDS[digit], VOICES[voice], rng)


def pronounce(phones: str, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Return sounds said one after the other: "n ay n" is nine.

    Args:
        phones: keys of `PHONES`, with spaces between them.
        voice: who speaks.
        rng: draws what differs from one time to the next.

    Returns:
        (samples,) float32 array in [-1, 1], `RATE` of them a second.

    Raises:
        ValueError: there is no such sound; the text lists those there are.
    """
    names = phones.split()
    if unknown := [name for name in names if name not in PHONES]:
        raise ValueError(f"{unknown[0]!r} is none of the sounds {', '.join(PHONES)}.")
    sounds = [PHONES[name] for name in names]
    voice = _this_time(voice, rng)
    durations = np.array([sound.duration for sound in sounds]) * rng.uniform(0.9, 1.1, len(sounds)) / voice.tempo
    end = durations.sum()

    # Every sound has two targets, one soon after its beginning and one soon before its end.
    formants = np.array([target for sound in sounds for target in (sound.formants, sound.glide or sound.formants)])
    formants = formants * voice.tract * rng.uniform(0.98, 1.02, formants.shape)
    rest = np.array([(*sound.bandwidths, sound.nose) for sound in sounds]).repeat(2, axis=0)
    levels = _amplitude(np.array([(sound.pulses, sound.breath, *sound.hiss) for sound in sounds])).repeat(2, axis=0)
    levels[:, 1] += levels[:, 0] * _amplitude(voice.breath)
    upper = _UPPER_FORMANTS * (voice.tract, 1)

    def at(times):
        """Return the shape of the tract at `times`, and how strong each source is."""
        swell = np.interp(times, (0, 0.02, end - 0.08, end), (0, 1, 1, 0))
        shape = _track(times, durations, np.hstack([formants, rest]), _GLIDE)
        return shape, swell[:, None] * _track(times, durations, levels, _SWITCH)

    pulses = _pulse_times(voice.pitch, end, rng)
    shape, level = at(pulses)
    strength = rng.uniform(0.9, 1.1, (len(pulses), 1)) * (100 / voice.pitch) ** 0.5  # few pulses are as loud as many
    voiced = strength * level[:, :1] * _PULSE * _cascade(shape, upper)

    hops = np.arange(0, end, _HOP)
    shape, level = at(hops)
    size = round(2 * _HOP * RATE)
    noise = np.fft.rfft(rng.standard_normal((len(hops), size)) * np.hanning(size), _GRAIN) * _NOISE * _RADIATION
    noisy = noise * (level[:, 1:2] * _cascade(shape, upper) + _parallel(shape, upper, level[:, 2:]))

    samples = _ring(np.append(pulses, hops), np.vstack([voiced, noisy]))[: round(end * RATE)]
    return (samples * (voice.loudness / np.abs(samples).max())).astype(np.float32)


def _this_time(voice, rng):
    """Return the voice as it is on one occasion: a little higher or lower, slower or faster, louder or softer."""
    pitch, tract, tempo, loudness = rng.uniform(-1, 1, 4) * (0.05, 0.03, 0.12, 0.25) + 1
    return Voice(pitch * voice.pitch, tract * voice.tract, tempo * voice.tempo, voice.breath, loudness * voice.loudness)


def _amplitude(level):
    return 10 ** ((level - 60) / 20)


def _pulse_times(pitch, end, rng):
    """Return when the vocal cords open; the pitch falls from 1.12 to 0.88 of its average, with a little jitter."""
    times = np.linspace(0, end, 256)
    cycles = pitch * times * (1.12 - 0.12 * times / end)
    pulses = np.interp(np.arange(cycles[-1]), cycles, times)
    return np.clip(pulses + rng.normal(0, 0.004 / pitch, len(pulses)), 0, end)


def _track(times, durations, targets, edge):
    """Return, at `times`, what moves in straight lines from target to target: an array (times, columns)."""
    ends = np.cumsum(durations)
    edges = np.minimum(edge, durations / 2)
    knots = np.stack([ends - durations + edges, ends - edges], axis=1).ravel()
    return np.stack([np.interp(times, knots, column) for column in targets.T], axis=1)


def _resonance(frequency, bandwidth):
    """Return how a resonance answers to each of `_FREQUENCIES`; what is far below `frequency` passes unchanged."""
    stiffness = frequency**2 + bandwidth**2 / 4
    return stiffness / (stiffness - _FREQUENCIES**2 + 1j * _FREQUENCIES * bandwidth)


def _cascade(shape, upper):
    """Return what the tract does to a sound from the throat, which passes all resonances one after the other."""
    F1, F2, F3, B1, B2, B3, nose = shape.T[:, :, None]
    fixed = _resonance(upper[:, :1], upper[:, 1:]).prod(axis=0) * _resonance(*_NOSE)
    return fixed * _resonance(F1, B1) * _resonance(F2, B2) * _resonance(F3, B3) / _resonance(nose, _NOSE[1])


def _parallel(shape, upper, hiss):
    """Return what the mouth does to noise made in it, which reaches resonances side by side."""
    third = _resonance(shape[:, 2:3], shape[:, 5:6])
    branches = [third, *_resonance(upper[:, :1], upper[:, 1:]), 1]
    return sum(level[:, None] * branch for level, branch in zip((hiss * _HISS).T, branches, strict=True))


def _ring(times, spectra):
    """Return the samples of grains of sound that begin at `times` (in seconds) and have `spectra`."""
    starts = np.floor(times * RATE).astype(int)
    late = times - starts / RATE  # by less than a sample: rounded away, it would make high voices hoarse
    grains = np.fft.irfft(spectra * np.exp(-2j * np.pi * _FREQUENCIES * late[:, None]), _GRAIN)
    return np.bincount((starts[:, None] + np.arange(_GRAIN)).ravel(), grains.ravel())
