"""11.log_mel: from frames to log-mel frames: fade, spectrum, power, bands, logarithm (Davis and Mermelstein 1980)."""

import numpy as np

from grader.known import Known
from grader.task import Case, Task

known = Known()


def tones_and_noise(rng, count, window, bands, fft):
    """Each frame has a tone of its own; the bands are triangles, wider toward the high frequencies."""
    pitch = rng.uniform(0.2, 2.5, size=(count, 1))
    frames = np.sin(pitch * np.arange(window) + 1) + 0.3 * rng.normal(size=(count, window))
    corners = fft / 2 * np.linspace(0, 1, bands + 2) ** 1.3
    left, center, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.arange(fft // 2 + 1)
    filters = np.maximum(0.05, np.minimum((bins - left) / (center - left), (right - bins) / (right - center)))
    fade = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(window) / (window - 1))
    return {"frames": frames, "fade": fade, "filters": filters, "fft": fft, "floor": 10.0 ** -int(rng.integers(2, 5))}


def with_silence(rng, count, window, bands, fft):
    """Two frames hold nothing at all, as before the microphone is switched on."""
    inputs = tones_and_noise(rng, count, window, bands, fft)
    inputs["frames"][rng.permutation(count)[:2]] = 0.0
    return inputs


def reference(frames, fade, filters, fft, floor):
    return np.log(_power(frames, fade, fft) @ filters.T + floor)


def _spectra(frames, fade, fft):
    return np.fft.rfft(frames * fade, fft)


def _power(frames, fade, fft):
    return np.abs(_spectra(frames, fade, fft)) ** 2


@known.mistake
def magnitude(frames, fade, filters, fft, floor):
    """The bands sum up magnitudes here. Power is their square."""
    return np.log(np.abs(_spectra(frames, fade, fft)) @ filters.T + floor)


@known.mistake
def squared_after_the_filters(frames, fade, filters, fft, floor):
    """The magnitudes are summed up first and squared in each band afterward. Square them at every frequency, then
    sum."""
    return np.log((np.abs(_spectra(frames, fade, fft)) @ filters.T) ** 2 + floor)


@known.mistake
def square_of_the_complex_numbers(frames, fade, filters, fft, floor):
    """The complex numbers themselves are squared, and such a square is complex again. The power is the square of the
    absolute value."""
    return np.log(_spectra(frames, fade, fft) ** 2 @ filters.T + floor)


@known.mistake
def real_part_alone(frames, fade, filters, fft, floor):
    """The power is that of the real part alone, and half of the tone is lost: which half depends on where the window
    happens to start. Take the absolute value of the complex numbers."""
    return np.log(_spectra(frames, fade, fft).real ** 2 @ filters.T + floor)


@known.mistake
def base_10(frames, fade, filters, fft, floor):
    """This is the logarithm to base 10. This task takes the natural one: np.log."""
    return np.log10(_power(frames, fade, fft) @ filters.T + floor)


@known.mistake
def decibels(frames, fade, filters, fft, floor):
    """These are decibels: 10 times the logarithm to base 10. This task takes the natural logarithm, and nothing in
    front of it."""
    return 10 * np.log10(_power(frames, fade, fft) @ filters.T + floor)


@known.mistake
def one_for_the_floor(frames, fade, filters, fft, floor):
    """np.log1p adds 1 where the floor belongs, and all that is far softer than 1 looks like silence. Add the floor and
    take np.log."""
    return np.log1p(_power(frames, fade, fft) @ filters.T)


@known.mistake
def one_and_the_floor(frames, fade, filters, fft, floor):
    """np.log1p adds 1 besides the floor, and all that is far softer than 1 looks like silence. Take np.log."""
    return np.log1p(_power(frames, fade, fft) @ filters.T + floor)


@known.mistake
def no_logarithm(frames, fade, filters, fft, floor):
    """This is the power in each band, the floor added. Its logarithm is missing."""
    return _power(frames, fade, fft) @ filters.T + floor


@known.mistake
def no_floor(frames, fade, filters, fft, floor):
    """The floor is missing. A silent frame has power 0, and the logarithm of 0 is minus infinity."""
    return np.log(_power(frames, fade, fft) @ filters.T)


@known.mistake
def floor_outside(frames, fade, filters, fft, floor):
    """The floor is added to the logarithm. By then silence is minus infinity already: add it to the power in each band,
    inside the logarithm."""
    return np.log(_power(frames, fade, fft) @ filters.T) + floor


@known.mistake
def floor_before_the_filters(frames, fade, filters, fft, floor):
    """The floor is added at every frequency, so that a wide band gets it many times. Add it once, to the power in each
    band."""
    return np.log((_power(frames, fade, fft) + floor) @ filters.T)


@known.mistake
def floor_as_the_least(frames, fade, filters, fft, floor):
    """Power below the floor is raised to the floor, power above it stays as it is. That serves as well, but this task,
    as the course's own function does, adds the floor to every power."""
    return np.log(np.maximum(_power(frames, fade, fft) @ filters.T, floor).astype(frames.dtype))


@known.mistake
def filters_after_the_logarithm(frames, fade, filters, fft, floor):
    """The logarithm is taken at every frequency, and the bands sum up logarithms. Sum up the power in each band first,
    then take the logarithm."""
    return np.log(_power(frames, fade, fft) + floor) @ filters.T


@known.mistake
def not_faded(frames, fade, filters, fft, floor):
    """The frames are not faded in and out: `fade` has no effect. Cut off hard, a tone leaks into all frequencies."""
    return np.log(_power(frames, 1, fft) @ filters.T + floor)


@known.mistake
def fade_of_your_own(frames, fade, filters, fft, floor):
    """The frames are faded by np.hanning, whatever `fade` is. Multiply by `fade`."""
    hanning = np.hanning(frames.shape[1]).astype(frames.dtype)
    return np.log(_power(frames, hanning, fft) @ filters.T + floor)


@known.mistake
def faded_twice(frames, fade, filters, fft, floor):
    """The frames are faded twice. Once is enough."""
    return np.log(_power(frames, fade**2, fft) @ filters.T + floor)


@known.mistake
def not_filled_up(frames, fade, filters, fft, floor):
    """The spectra have fewer frequencies than the filters: the frames were not filled up with zeros to `fft` samples.
    np.fft.rfft takes the size as its second argument."""
    return np.log(np.abs(np.fft.rfft(frames * fade)) ** 2 @ filters.T + floor)


@known.mistake
def spectra_across_the_frames(frames, fade, filters, fft, floor):
    """The spectrum runs over the first axis: it takes sample number i of every frame. Each frame has a spectrum of its
    own, along the last axis, which np.fft.rfft takes unless told otherwise."""
    return np.log(np.abs(np.fft.rfft(frames * fade, fft, axis=0)) ** 2 @ filters.T + floor)


@known.mistake
def both_halves(frames, fade, filters, fft, floor):
    """np.fft.fft gives all `fft` frequencies; the second half mirrors the first, and the filters know the first alone,
    `fft // 2 + 1` of them. np.fft.rfft gives that half."""
    return np.log(np.abs(np.fft.fft(frames * fade, fft)) ** 2 @ filters.T + floor)


@known.mistake
def filters_not_transposed(frames, fade, filters, fft, floor):
    """The matrix product does not fit. Both `filters` and the power have the frequencies last: turn the filters
    around."""
    return np.log(_power(frames, fade, fft) @ filters + floor)


@known.mistake
def divided_by_the_size(frames, fade, filters, fft, floor):
    """The power is divided by `fft`. Some libraries do so; this task takes the plain square."""
    return np.log(_power(frames, fade, fft) / fft @ filters.T + floor)


@known.mistake
def divided_by_the_size_squared(frames, fade, filters, fft, floor):
    """The spectra are divided by `fft` before they are squared. Some libraries do so; this task takes them as they
    come."""
    return np.log(_power(frames, fade, fft) / fft**2 @ filters.T + floor)


@known.mistake
def averaged_in_each_band(frames, fade, filters, fft, floor):
    """Each band is divided by the sum of its filter, so it holds a mean of the power. This task takes the sum."""
    return np.log(_power(frames, fade, fft) @ filters.T / filters.sum(axis=1) + floor)


@known.mistake
def mean_over_the_frequencies(frames, fade, filters, fft, floor):
    """Each band holds the mean over all frequencies of power times filter. This task takes the sum."""
    return np.log(_power(frames, fade, fft) @ filters.T / filters.shape[1] + floor)


@known.mistake
def bands_in_rows(frames, fade, filters, fft, floor):
    """The numbers are right, but the bands stand in the rows. One row for each frame: (count, bands)."""
    return np.ascontiguousarray(reference(frames, fade, filters, fft, floor).T)


@known.mistake
def less_the_mean(frames, fade, filters, fft, floor):
    """The mean of each band over the frames was taken off. That is the next step on the way into the model; here the
    logarithm is the last."""
    result = reference(frames, fade, filters, fft, floor)
    return result - result.mean(axis=0)


@known.mistake
def always_float32(frames, fade, filters, fft, floor):
    """The numbers are right, but they are float32 whatever the frames are. The dtype of the frames is kept."""
    return reference(frames, fade, filters, fft, floor).astype(np.float32)


@known.always
def nothing_below_the_floor(inputs, output):
    """No number can lie below log(floor), which is what silence comes to."""
    return bool((output >= np.log(inputs["floor"]) - 1e-4).all())


@known.legal
def step_by_step(frames, fade, filters, fft, floor):
    result = np.empty((len(frames), len(filters)), dtype=frames.dtype)
    for frame, row in zip(frames, result, strict=True):
        power = np.abs(np.fft.rfft(fade * frame, n=fft)) ** 2
        row[:] = [np.log(np.sum(band * power) + floor) for band in filters]
    return result


@known.legal
def by_einsum(frames, fade, filters, fft, floor):
    spectra = np.fft.rfft(frames * fade, fft)
    return np.log(np.einsum("tf,bf->tb", spectra.real**2 + spectra.imag**2, filters) + floor)


@known.legal
def half_of_the_full_transform(frames, fade, filters, fft, floor):
    spectra = np.fft.fft(frames * fade, fft, axis=1)[:, : filters.shape[1]]
    return np.log((spectra * spectra.conj()).real @ filters.T + floor)


@known.legal
def sines_and_cosines(frames, fade, filters, fft, floor):
    """The discrete Fourier transform as a matrix product, in float64."""
    angles = 2 * np.pi / fft * np.outer(np.arange(frames.shape[1]), np.arange(fft // 2 + 1))
    faded = frames.astype(np.float64) * fade
    power = (faded @ np.cos(angles)) ** 2 + (faded @ np.sin(angles)) ** 2
    return np.log(power @ filters.T + floor).astype(frames.dtype)


@known.legal
def filled_up_by_hand(frames, fade, filters, fft, floor):
    filled = np.pad(frames * fade, ((0, 0), (0, fft - frames.shape[1])))
    return np.log((filters @ (np.abs(np.fft.rfft(filled)) ** 2).T).T + floor)


@known.legal
def with_torch(frames, fade, filters, fft, floor):
    import torch

    frames, fade, filters = map(torch.from_numpy, (frames, fade, filters))
    return (torch.fft.rfft(frames * fade, fft).abs().square() @ filters.T + floor).log()


TASK = Task(
    id="11.log_mel",
    title="Log-mel frames",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=tones_and_noise,
    cases=(
        Case("3 frames of 6 samples, 2 bands", dict(count=3, window=6, bands=2, fft=8), points=2),
        Case("5 frames of 20 samples, 7 bands", dict(count=5, window=20, bands=7, fft=32), points=2),
        Case("4 frames of 50 samples, 6 bands, float32", dict(count=4, window=50, bands=6, fft=64), dtype="float32"),
        Case("two frames are silent", dict(count=5, window=12, bands=3, fft=16), draw=with_silence),
    ),
    hints=(
        (
            "Go through the steps with shapes: which array has (count, window), which (count, fft // 2 + 1), which "
            "(count, bands)?"
        ),
        (
            "`np.fft.rfft(x, fft)` works along the last axis, fills up with zeros to `fft` samples and gives complex "
            "numbers. What is the power of a complex number?"
        ),
        (
            "Band b of frame t is the sum over all frequencies f of power[t, f] * filters[b, f]: a matrix product with "
            "the filters turned around."
        ),
        (
            "`power = np.abs(np.fft.rfft(frames * fade, fft)) ** 2`. What is left: the bands by a matrix product, the "
            "floor, and np.log around it all."
        ),
    ),
    **known.ways,
)
