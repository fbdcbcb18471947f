"""From a waveform to log-mel frames: short windows, their spectra, bands as wide as the ear's, logarithms.

    frames      (count, WINDOW)       pieces of the waveform, one every HOP samples
    spectra     (count, FFT // 2 + 1) the power at every frequency, from 0 to half the sampling rate
    bands       (count, BANDS)        the power in each band
    log-mel     (count, BANDS)        its logarithm

The sizes are in samples.
"""

import numpy as np

RATE = 8000  # samples in a second, in all of the course's speech
WINDOW = 200  # 25 ms: long enough for a few pulses of the voice, short enough to catch a consonant
HOP = 80  # 10 ms from the start of a frame to the start of the next
FFT = 256  # the window, filled up with zeros to a power of two
BANDS = 40
FLOOR = 1e-6  # power that counts as silence: the logarithm of nothing would be minus infinity


def mel(frequency):
    """Return how high frequencies (in Hz) sound, in mel: close to linear below 1,000 Hz, logarithmic above.

    Source: O'Shaughnessy 1987; 1,000 Hz are 1,000 mel.
    """
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


def frequency(mel):
    """Return the frequencies (in Hz) that sound so high; undoes `mel`."""
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def split_frames(wave: np.ndarray) -> np.ndarray:
    """Return (count, WINDOW): the whole windows in a waveform (samples,), one every HOP samples.

    A waveform shorter than one window is filled up with silence.
    """
    wave = np.pad(wave, (0, max(0, WINDOW - len(wave))))
    return np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]


def mel_filters(rate: int = RATE, bands: int = BANDS) -> np.ndarray:
    """Return (bands, FFT // 2 + 1): how much every frequency of a spectrum counts in every band.

    Each band is a triangle, 1 at its center and 0 at the centers of its neighbors; the centers are evenly spaced in
    mel, from 50 Hz to half the rate.
    """
    lowest, highest = mel([50, rate / 2])
    corners = frequency(np.linspace(lowest, highest, bands + 2))
    left, center, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    frequencies = np.linspace(0, rate / 2, FFT // 2 + 1)
    rising, falling = (frequencies - left) / (center - left), (right - frequencies) / (right - center)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


_FILTERS = mel_filters()


def log_mel(wave: np.ndarray) -> np.ndarray:
    """Return (count, BANDS) float32: the log-mel frames of a waveform (samples,), `RATE` samples in a second.

    Source: Davis and Mermelstein 1980, whose cepstrum starts from these.
    """
    frames = split_frames(wave) * np.hanning(WINDOW)  # (count, WINDOW), faded in and out
    power = np.abs(np.fft.rfft(frames, FFT)).astype(np.float32) ** 2  # (count, FFT // 2 + 1)
    # Not power @ _FILTERS.T: NumPy would wake threads of its own, which then stand in the way of PyTorch's.
    return np.log(np.einsum("tf,bf->tb", power, _FILTERS) + np.float32(FLOOR))
