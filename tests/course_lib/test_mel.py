"""Log-mel frames: the Fourier transform written out, tones of known frequency, and frames counted by hand."""

import math

import numpy as np
import pytest

from course_lib.data.mel import BANDS, FFT, FLOOR, HOP, WINDOW, frequency, log_mel, mel, mel_filters, split_frames

RATE = 8000


def tone(hertz, samples=2000, loudness=0.5):
    return loudness * np.sin(2 * math.pi * hertz * np.arange(samples) / RATE + 0.3)


def test_sizes_in_milliseconds():
    assert WINDOW / RATE == 0.025
    assert HOP / RATE == 0.010
    assert (FFT, BANDS) == (256, 40)


# The scale


def test_mel_by_hand():
    assert mel(0) == 0
    assert mel(1000) == pytest.approx(1000, abs=0.02)
    assert mel(700) == pytest.approx(2595 * math.log10(2))
    assert mel(6300) == pytest.approx(2595), "ten times what stands under the logarithm"
    np.testing.assert_allclose(mel([0, 700]), [0, 781.17], atol=0.01)


def test_frequency_undoes_mel(rng):
    hertz = rng.uniform(0, 4000, (3, 5))
    np.testing.assert_allclose(frequency(mel(hertz)), hertz, rtol=1e-10, atol=1e-9)
    assert frequency(2595) == pytest.approx(6300)
    assert frequency(0) == 0


def test_high_frequencies_are_closer_in_mel():
    steps = np.diff(mel(np.arange(0, 4001, 100)))
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


# Frames


@pytest.mark.parametrize(
    ("samples", "count"),
    [(0, 1), (1, 1), (199, 1), (200, 1), (279, 1), (280, 2), (359, 2), (360, 3), (8000, 98)],
)
def test_frames_counted_by_hand(samples, count):
    assert split_frames(np.ones(samples)).shape == (count, 200)
    assert log_mel(np.ones(samples)).shape == (count, 40)


def test_frames_by_hand():
    frames = split_frames(np.arange(400.0))
    np.testing.assert_array_equal(frames, [np.arange(0, 200), np.arange(80, 280), np.arange(160, 360)])


def test_a_short_wave_is_followed_by_silence():
    wave = np.arange(1, 8, dtype=np.float32)
    frames = split_frames(wave)
    np.testing.assert_array_equal(frames, [[1, 2, 3, 4, 5, 6, 7, *[0] * 193]])
    assert frames.dtype == np.float32


# Bands


def test_triangles_by_hand():
    # With three bands up to 4,000 Hz the five corners are evenly spaced in mel, from 50 Hz to 4,000 Hz.
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (50, 4000))
    corners = [700 * (10 ** ((low + (high - low) * i / 4) / 2595) - 1) for i in range(5)]
    filters = mel_filters(RATE, bands=3)
    assert filters.shape == (3, 129)
    for band, bin_number in np.ndindex(3, 129):
        hertz = bin_number * RATE / FFT
        left, center, right = corners[band : band + 3]
        if left < hertz <= center:
            expected = (hertz - left) / (center - left)
        elif center < hertz < right:
            expected = (right - hertz) / (right - center)
        else:
            expected = 0
        assert filters[band, bin_number] == pytest.approx(expected, abs=1e-5)


def test_filters_of_the_course():
    filters = mel_filters()
    assert filters.shape == (40, 129)
    assert filters.dtype == np.float32
    assert filters.min() == 0
    assert filters.max() <= 1
    assert (filters.max(axis=1) > 0.5).all(), "no band falls between two frequencies"
    centers = frequency(np.linspace(mel(50), mel(4000), 42))[1:-1]
    peaks = filters.argmax(axis=1) * RATE / FFT
    assert np.abs(peaks - centers).max() < RATE / FFT
    # Between the first center and the last, what falls in one band rises in the next: together they are 1.
    hertz = np.arange(129) * RATE / FFT
    inside = (hertz >= centers[0]) & (hertz <= centers[-1])
    np.testing.assert_allclose(filters.sum(axis=0)[inside], 1, atol=1e-5)
    assert filters[:, 0].max() == filters[:, -1].max() == 0
    assert filters[:, 1].max() == 0, "31 Hz are below the lowest band"


def test_another_rate():
    filters = mel_filters(16000, 20)
    assert filters.shape == (20, 129)
    assert filters[-1].argmax() * 16000 / FFT == pytest.approx(
        frequency(mel(50) + (mel(8000) - mel(50)) * 20 / 21), abs=63
    )


# All together


def test_log_mel_by_the_written_out_transform(rng):
    wave = rng.normal(0, 0.3, 530)
    k, n = np.arange(129)[:, None], np.arange(200)
    fade = 0.5 - 0.5 * np.cos(2 * math.pi * n / 199)
    expected = []
    for start in (0, 80, 160, 240, 320):
        spectrum = (wave[start : start + 200] * fade * np.exp(-2j * math.pi * k * n / 256)).sum(axis=1)
        expected.append(np.log(mel_filters().astype(float) @ np.abs(spectrum) ** 2 + 1e-6))
    np.testing.assert_allclose(log_mel(wave), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float32_out(dtype):
    frames = log_mel(tone(440).astype(dtype))
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, log_mel(tone(440)), atol=1e-2)


def test_a_tone_is_loudest_in_its_band():
    centers = frequency(np.linspace(mel(50), mel(4000), 42))[1:-1]
    for band in range(4, 40):  # below, a window of 25 ms cannot tell the bands apart
        frames = log_mel(tone(centers[band]))
        assert set(frames.argmax(axis=1)) == {band}
        far = np.abs(np.arange(40) - band) > 8
        assert (frames.max(axis=1)[:, None] - frames[:, far] > 5).all()


def test_when_something_sounds():
    wave = np.zeros(2000)
    wave[960:1280] = tone(1000, 320)
    loud = log_mel(wave).max(axis=1) > math.log(FLOOR) + 1
    # Frame i holds the samples 80 i to 80 i + 199: the first that reaches sample 960 is 10, the last that begins before
    # 1280 is 15.
    assert np.flatnonzero(loud).tolist() == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("samples", [0, 3, 2000])
def test_silence_is_the_logarithm_of_the_floor(samples):
    np.testing.assert_allclose(log_mel(np.zeros(samples, dtype=np.float32)), math.log(1e-6), rtol=1e-6)


def test_ten_times_as_loud_is_a_hundred_times_the_power(rng):
    wave = rng.normal(0, 0.3, 1500)
    np.testing.assert_allclose(log_mel(10 * wave), log_mel(wave) + math.log(100), atol=1e-3)


def test_the_wave_stays_as_it_is(rng):
    wave = rng.normal(0, 0.3, 300)
    before = wave.copy()
    log_mel(wave)
    np.testing.assert_array_equal(wave, before)
