"""Utterances: made of recordings that are known, sample by sample, and the recordings themselves where they are."""

import io
import itertools
import os
import wave
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from course_lib.data import speech
from course_lib.data.archives import content_digest
from course_lib.data.download import data_folder
from course_lib.data.mel import BANDS, log_mel
from course_lib.data.speech import (
    NUMERALS,
    SOURCE,
    STACKED,
    TAKES,
    TEST_TAKES,
    Recordings,
    features,
    load_recordings,
    random_utterance,
    string_together,
    synthesized_recordings,
)
from course_lib.data.voices import VOICES, say

SPEAKERS = ("george", "anna", "theo")


def make_recordings(takes=7):
    """Return recordings of different lengths; in each, all samples are the number of the recording."""
    keys = list(itertools.product(range(10), SPEAKERS, range(takes)))
    waves = {key: np.full(501 + 3 * number, number + 1, dtype=np.float32) for number, key in enumerate(keys)}
    return Recordings(waves, "the tests", synthesized=True)


RECORDINGS = make_recordings()
KEY_OF = {each[0]: key for key, each in RECORDINGS.waves.items()}


def said(utterance):
    """Return the keys (digit, speaker, take) of what is said, read off its samples."""
    return [KEY_OF[utterance.wave[first]] for first, _ in utterance.spans]


# Utterances -----------------------------------------------------------------------------------------------------------


def test_numerals():
    assert [NUMERALS.index(numeral) for numeral in "零一二三四五六七八九"] == list(range(10))
    assert len(NUMERALS) == 10


def test_speakers_are_sorted():
    assert RECORDINGS.speakers == ("anna", "george", "theo")


@pytest.mark.parametrize("digits", [[3], [3, 1, 4], [0, 9, 0, 0, 7]], ids=str)
def test_spans_hold_exactly_the_recordings(rng, digits):
    utterance = string_together(RECORDINGS, digits, "theo", [2, 5], rng)
    assert utterance.text == "".join("零一二三四五六七八九"[digit] for digit in digits)
    assert utterance.speaker == "theo"
    assert utterance.wave.dtype == np.float32
    assert [digit for digit, _, _ in said(utterance)] == digits
    for key, (first, last) in zip(said(utterance), utterance.spans, strict=True):
        np.testing.assert_array_equal(utterance.wave[first : last + 1], RECORDINGS.waves[key], strict=True)
    bounds = [-1, *itertools.chain(*utterance.spans), len(utterance.wave)]
    pauses = [utterance.wave[end + 1 : start] for end, start in zip(bounds[::2], bounds[1::2], strict=True)]
    assert len(pauses) == len(digits) + 1
    for pause in pauses:
        assert 0.050 * 8000 <= len(pause) < 0.300 * 8000
        assert 0 < np.abs(pause).max() < 1e-3


def test_pauses_are_as_long_as_promised(rng):
    utterance = string_together(RECORDINGS, [1] * 600, "anna", [0], rng)
    starts, ends = zip(*utterance.spans, strict=True)
    pauses = np.array(starts[1:]) - np.array(ends[:-1]) - 1
    assert 400 <= pauses.min() < 450
    assert 2350 < pauses.max() < 2400


def test_a_seed_decides():
    def draw(seed):
        return random_utterance(RECORDINGS, np.random.default_rng(seed), takes=range(7))

    one, same, other = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(one.wave, same.wave, strict=True)
    assert one[1:] == same[1:]
    assert len(one.wave) != len(other.wave)


def test_what_is_drawn_and_what_is_not(rng):
    utterances = [random_utterance(RECORDINGS, rng, takes=range(2, 5), longest=3) for _ in range(400)]
    keys = [key for utterance in utterances for key in said(utterance)]
    assert {len(utterance.spans) for utterance in utterances} == {1, 2, 3}
    assert {digit for digit, _, _ in keys} == set(range(10))
    assert {speaker for _, speaker, _ in keys} == set(SPEAKERS)
    assert {take for _, _, take in keys} == {2, 3, 4}
    for utterance in utterances:
        assert {speaker for _, speaker, _ in said(utterance)} == {utterance.speaker}
    assert any(len({take for _, _, take in said(utterance)}) > 1 for utterance in utterances)


def test_up_to_five_digits_by_everyone_unless_told(rng):
    utterances = [random_utterance(RECORDINGS, rng, takes=[0]) for _ in range(120)]
    assert {len(utterance.text) for utterance in utterances} == {1, 2, 3, 4, 5}
    chosen = {random_utterance(RECORDINGS, rng, takes=[0], speakers=["theo", "anna"]).speaker for _ in range(60)}
    assert chosen == {"anna", "theo"}


def test_the_test_is_not_trained_on():
    assert list(TEST_TAKES) == [0, 1, 2, 3, 4]
    assert TAKES == 50


def test_what_nobody_said_is_told(rng):
    for digits, speaker, takes in (([3, 10], "theo", [1]), ([3], "boris", [1]), ([3], "theo", [7])):
        with pytest.raises(ValueError, match=r"no take .* the speakers are anna, george, theo"):
            string_together(RECORDINGS, digits, speaker, takes, rng)


# Features -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "positions"), [(0, 0), (439, 0), (440, 1), (759, 1), (760, 2), (4000, 12), (8000, 24)]
)
def test_positions_counted_by_hand(rng, samples, positions):
    # Four frames reach over 200 + 3 * 80 samples, eight over 320 more.
    given = features(rng.normal(0, 0.1, samples).astype(np.float32))
    assert given.shape == (positions, 160)
    assert given.dtype == np.float32


def test_features_are_normalized_frames_side_by_side(rng):
    wave = rng.normal(0, 0.1, 200 + 80 * 14) * np.linspace(0.1, 1, 1320)  # 15 frames: three are left over
    frames = log_mel(wave).astype(float)
    centered = frames - frames.sum(axis=0) / 15
    expected = centered / np.sqrt((centered**2).sum() / 600)
    given = features(wave)
    assert given.shape == (3, STACKED * BANDS)
    for position, place in np.ndindex(3, 4):
        actual = given[position, 40 * place : 40 * (place + 1)]
        np.testing.assert_allclose(actual, expected[4 * position + place], rtol=0.01, atol=0.002)


def test_loudness_does_not_count(rng):
    wave = rng.normal(0, 1, 3000) * (1.2 + np.sin(np.arange(3000) / 300))
    np.testing.assert_allclose(features(0.1 * wave), features(wave), atol=0.02)
    assert np.abs(features(wave)).max() > 1


def test_the_color_of_a_microphone_does_not_count(rng):
    wave = rng.normal(0, 1, 4000) * (1.2 + np.sin(np.arange(4000) / 300))
    through_another = np.convolve(wave, [1, -0.5, 0.2], mode="same")
    np.testing.assert_allclose(features(wave)[1:-1], features(through_another)[1:-1], atol=0.2)


def test_silence_gives_numbers():
    given = features(np.zeros(2000, dtype=np.float32))
    assert given.shape == (5, 160)
    np.testing.assert_allclose(given, 0, atol=1e-2)


def test_two_digits_give_different_features():
    one, two = (features(say(digit, "clara")) for digit in (1, 2))
    size = min(len(one), len(two))
    assert np.abs(one[:size] - two[:size]).mean() > 0.5


# Recordings -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick_voices(monkeypatch):
    monkeypatch.setattr(speech, "say", lambda digit, voice, take: np.zeros(3 + digit, dtype=np.float32))


ALL_KEYS = set(itertools.product(range(10), VOICES, range(50)))


def test_synthesized_recordings(quick_voices):
    recordings = synthesized_recordings()
    assert recordings.waves.keys() == ALL_KEYS
    assert len(recordings.waves[7, "doris", 49]) == 10
    assert recordings.synthesized
    assert "nobody spoke" in recordings.origin
    assert recordings.speakers == tuple(sorted(VOICES))


def test_what_is_said_is_said_by_the_voice(monkeypatch):
    monkeypatch.setattr(speech, "TAKES", 1)
    monkeypatch.setattr(speech, "VOICES", ["boris", "fanny"])
    waves = synthesized_recordings().waves
    assert len(waves) == 20
    np.testing.assert_array_equal(waves[6, "fanny", 0], say(6, "fanny", take=0), strict=True)


def test_without_data_and_network_voices_speak_and_it_says_so(quick_voices, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    recordings = load_recordings()
    assert recordings.waves.keys() == ALL_KEYS
    assert recordings.synthesized
    out, err = capsys.readouterr()
    assert f"{SOURCE.name} is not there, and COURSE_OFFLINE is set" in out
    assert "synthesized voices speak" in out
    assert err == ""


def wav(samples):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.array(samples, dtype="<i2").tobytes())
    return buffer.getvalue()


def keep(monkeypatch, folder, files, **changes):
    """Make a small archive the one that the course needs."""
    path = folder / SOURCE.name
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    monkeypatch.setattr(speech, "SOURCE", replace(SOURCE, digest=content_digest(path, "recordings/*.wav"), **changes))
    monkeypatch.setenv("COURSE_DATA", str(folder))
    monkeypatch.setenv("COURSE_OFFLINE", "1")


@pytest.mark.parametrize("around", ["", "free-spoken-digit-dataset-26eb9aa/"], ids=["bare", "as GitHub packs it"])
def test_recordings_in_the_data_folder_are_read(tmp_path, monkeypatch, capsys, around):
    files = {
        "recordings/3_theo_12.wav": wav([0, 16384, -32768, 32767, 258]),
        "recordings/0_anna_4.wav": wav([1, -1]),
        "README.md": b"about it",
    }
    keep(monkeypatch, tmp_path, {around + name: content for name, content in files.items()})
    recordings = load_recordings()
    assert recordings.waves.keys() == {(3, "theo", 12), (0, "anna", 4)}
    expected = np.array([0, 0.5, -1, 1 - 2**-15, 258 / 32768], dtype=np.float32)
    np.testing.assert_array_equal(recordings.waves[3, "theo", 12], expected, strict=True)
    assert not recordings.synthesized
    assert "six people" in recordings.origin
    assert recordings.speakers == ("anna", "theo")
    assert capsys.readouterr() == ("", "")


def test_another_archive_is_not_read(quick_voices, tmp_path, monkeypatch, capsys):
    keep(monkeypatch, tmp_path, {"recordings/3_theo_12.wav": wav([1, 2])})
    monkeypatch.setattr(speech, "SOURCE", SOURCE)
    assert load_recordings().synthesized
    assert "its SHA-256 is wrong" in capsys.readouterr().out


@pytest.mark.skipif(
    not os.environ.get("COURSE_DATA") or not (data_folder() / SOURCE.name).exists(),
    reason="COURSE_DATA names no folder with the recordings",
)
def test_the_recordings_themselves(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    recordings = load_recordings()
    assert capsys.readouterr() == ("", "")
    assert not recordings.synthesized
    assert recordings.speakers == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert recordings.waves.keys() == set(itertools.product(range(10), recordings.speakers, range(50)))
    for samples in recordings.waves.values():
        assert samples.dtype == np.float32
        assert 0.01 < np.abs(samples).max() <= 1
        assert 0.1 * 8000 < len(samples) < 3 * 8000
    utterance = random_utterance(recordings, np.random.default_rng(1), takes=TEST_TAKES)
    test = [recordings.waves[NUMERALS.index(n), utterance.speaker, take] for n in utterance.text for take in TEST_TAKES]
    for first, last in utterance.spans:
        assert any(np.array_equal(utterance.wave[first : last + 1], each) for each in test)
