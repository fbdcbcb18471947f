"""Voices: held to Klatt's table and to acoustics by the Fourier transform and autocorrelation of what is heard."""

import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest

from course_lib.data.voices import RATE, VOICES, Voice, pronounce, say

MAN = Voice(pitch=50, tract=1, tempo=1, breath=0, loudness=0.5)  # pulses so rare that formants show between harmonics


def middle(samples, share=1 / 3):
    """Return the middle of a recording, as long as `share` of it."""
    size = int(len(samples) * share)
    start = (len(samples) - size) // 2
    return samples[start : start + size].astype(np.float64)


def power(samples, size=4096):
    """Return (frequencies, energy at each of them)."""
    return np.fft.rfftfreq(size, 1 / RATE), np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size)) ** 2


def share_above(frequency, samples):
    frequencies, energy = power(samples, size=len(samples))
    return energy[frequencies > frequency].sum() / energy.sum()


def envelope(phones, voice, rng, part=middle):
    """Return (frequencies, decibels): what is left of many takes when the harmonics of the pitch are smoothed away."""
    spectra = [power(part(pronounce(phones, voice, rng))) for _ in range(30)]
    width = round(150 / spectra[0][0][1])
    smooth = np.convolve(np.mean([energy for _, energy in spectra], axis=0), np.hanning(width), mode="same")
    return spectra[0][0], 10 * np.log10(smooth)


def pitch_of(samples):
    """Return the pitch, in Hz, by autocorrelation."""
    samples = samples - samples.mean()
    similarity = np.correlate(samples, samples, mode="full")[len(samples) - 1 :]
    shortest, longest = RATE // 400, RATE // 60
    return RATE / (shortest + similarity[shortest:longest].argmax())


def heard(samples):
    """Return, for every 5 ms, whether they are louder than a fiftieth of the loudest."""
    steps = samples[: len(samples) // 40 * 40].reshape(-1, 40)
    loudness = np.sqrt((steps**2).mean(axis=1))
    return loudness > loudness.max() / 50


def test_the_same_take_is_the_same_in_another_process():
    code = (
        "import hashlib; from course_lib.data.voices import say;"
        "print(hashlib.sha256(say(3, 'clara', 7).tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert there.stdout.strip() == hashlib.sha256(say(3, "clara", 7).tobytes()).hexdigest()


def test_takes_voices_and_digits_differ():
    recordings = [say(digit, voice, take) for digit in range(10) for voice in VOICES for take in range(3)]
    assert len({samples.tobytes() for samples in recordings}) == 10 * 6 * 3
    takes = [say(4, "boris", take) for take in range(20)]
    assert len({len(samples) for samples in takes}) > 15
    assert max(map(len, takes)) < 1.6 * min(map(len, takes))
    assert len({np.abs(samples).max() for samples in takes}) == 20


def test_recordings_are_sound_and_as_long_as_spoken_digits():
    seconds = []
    for digit, voice, take in itertools.product(range(10), VOICES, range(5)):
        samples = say(digit, voice, take)
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert 0.1 < np.abs(samples).max() < 0.8
        assert 0.01 < np.sqrt((samples**2).mean()) < 0.3
        assert abs(samples.mean()) < 1e-3
        seconds.append(len(samples) / RATE)
    assert min(seconds) > 0.2
    assert max(seconds) < 0.9
    assert max(seconds) > 2 * min(seconds)


@pytest.mark.parametrize(
    ("vowel", "expected"),
    [("ah", (620, 1220, 2550)), ("iy", (300, 2045)), ("eh", (575, 1605, 2515)), ("ao", (615, 1015, 2585))],
)
@pytest.mark.parametrize("tract", [1, 1.2])
def test_a_vowel_resonates_where_klatt_says(vowel, expected, tract, rng):
    voice = Voice(pitch=50, tract=tract, tempo=0.5, breath=0, loudness=0.5)
    frequencies, decibels = envelope(vowel, voice, rng)
    for formant in expected:
        near = np.abs(frequencies - tract * formant) < 0.16 * tract * formant
        assert frequencies[near][decibels[near].argmax()] == pytest.approx(tract * formant, rel=0.06)


def test_a_diphthong_glides(rng):
    slow = Voice(pitch=50, tract=1, tempo=0.5, breath=0, loudness=0.5)
    for part, expected in ((lambda x: x[400:1000], 1200), (lambda x: x[-1200:-600], 1880)):
        frequencies, decibels = envelope("ay", slow, rng, part)
        second = (frequencies > 950) & (frequencies < 2200)
        assert frequencies[second][decibels[second].argmax()] == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("sound", ["s", "f", "th"])
def test_fricatives_hiss_above_2_khz(sound, voice, rng):
    assert share_above(2000, middle(pronounce(sound, VOICES[voice], rng))) > 0.6
    assert share_above(2000, middle(pronounce("ah", VOICES[voice], rng))) < 0.1


@pytest.mark.parametrize("sound", ["s", "f", "th"])
def test_a_fricative_is_far_softer_than_a_vowel_but_heard(sound, rng):
    parts = np.array_split(pronounce(f"{sound} {sound} {sound} ah ah", MAN, rng), 2)
    hiss, vowel = (np.sqrt((middle(part) ** 2).mean()) for part in parts)
    assert 0.01 * vowel < hiss < 0.25 * vowel


@pytest.mark.parametrize("voice", VOICES)
def test_the_pitch_is_the_voices(voice, rng):
    takes = [pitch_of(middle(pronounce("ah ah", VOICES[voice], rng))) for _ in range(15)]
    assert np.mean(takes) == pytest.approx(VOICES[voice].pitch, rel=0.04)


def test_the_pitch_falls(rng):
    takes = [np.array_split(pronounce("ah ah ah", VOICES["boris"], rng), 3) for _ in range(10)]
    assert np.mean([pitch_of(t[0]) for t in takes]) > 1.08 * np.mean([pitch_of(t[2]) for t in takes])


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("digit", [6, 8])
def test_a_stop_is_silence_between_sounds(digit, voice):
    loud = heard(say(digit, voice, take=1))
    first, last = np.flatnonzero(loud)[[0, -1]]
    assert 0.02 <= 0.005 * np.count_nonzero(~loud[first:last]) <= 0.1


def test_a_digit_sounds_alike_in_all_voices():
    """Who heard five voices knows what the sixth says: by the nearest average of energies, in octaves and thirds."""

    def features(samples):
        thirds = [power(part)[1] for part in np.array_split(samples, 3)]
        octaves = [octave.sum() for third in thirds for octave in np.split(third[1:], 2 ** np.arange(6, 11))]
        return np.log(np.array(octaves) / np.sum(octaves) + 1e-4)

    said = {v: np.array([[features(say(digit, v, take)) for take in range(4)] for digit in range(10)]) for v in VOICES}
    right = []
    for voice in VOICES:
        known = np.mean([said[other].mean(axis=1) for other in VOICES if other != voice], axis=0)
        distances = ((said[voice][:, :, None] - known) ** 2).sum(axis=-1)
        right.append(distances.argmin(axis=-1) == np.arange(10)[:, None])
    assert np.mean(right) > 0.8


def test_unknown_digit_voice_take_and_sound_are_told(rng):
    with pytest.raises(ValueError, match=r"digit=12 is none of 0 to 9"):
        say(12, "anton")
    with pytest.raises(ValueError, match=r"voice='klaus' is none of anton, boris, "):
        say(1, "klaus")
    with pytest.raises(ValueError, match=r"take=-1 is none of 0, 1"):
        say(1, "anton", -1)
    with pytest.raises(ValueError, match=r"'q' is none of the sounds iy, ih"):
        pronounce("n q n", MAN, rng)
