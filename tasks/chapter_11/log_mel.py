"""11.log_mel: from frames to log-mel frames: fade, spectrum, power, bands, logarithm (Davis and Mermelstein 1980)."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference

known = Known()


def tones_and_noise(rng, count, window, bands, fft):
    """Each frame has a tone of its own; the bands are triangles, wider toward the high frequencies. The fade is not the
    same from both ends."""
    pitch = rng.uniform(0.2, 2.5, size=(count, 1))
    frames = np.sin(pitch * np.arange(window) + 1) + 0.3 * rng.normal(size=(count, window))
    corners = fft / 2 * np.linspace(0, 1, bands + 2) ** 1.3
    left, center, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.arange(fft // 2 + 1)
    filters = np.maximum(0.05, np.minimum((bins - left) / (center - left), (right - bins) / (right - center)))
    fade = (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(window) / (window - 1))) * np.linspace(1, 0.6, window)
    return {"frames": frames, "fade": fade, "filters": filters, "fft": fft, "floor": 10.0 ** -int(rng.integers(3, 6))}


def with_silence(rng, count, window, bands, fft):
    """Two frames hold nothing at all, as before the microphone is switched on, and one next to nothing."""
    inputs = tones_and_noise(rng, count, window, bands, fft)
    first, second, third, *_ = rng.permutation(count)
    inputs["frames"][[first, second]] = 0.0
    inputs["frames"][third] *= 1e-4
    return inputs


def sixteen_bits(rng, count, window, bands, fft):
    """As loud as samples of 16 bits may be, next to a soft frame."""
    inputs = tones_and_noise(rng, count, window, bands, fft)
    inputs["frames"] *= rng.permutation([2e4, *([5.0] * (count - 1))])[:, None]
    return inputs


def the_example(rng):
    return {
        "frames": np.array([[2.0, 4.0]]),
        "fade": np.array([1.0, 0.5]),
        "filters": np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 1.0]]),
        "fft": 4,
        "floor": 0.01,
    }


def reference(frames, fade, filters, fft, floor):
    return np.log(_power(frames, fade, fft) @ filters.T + floor)


def _power(frames, fade, fft):
    return np.abs(np.fft.rfft(frames * fade, fft)) ** 2


@Stage
def faded(frames, fade):
    return frames * fade


@faded.slip
def not_faded(frames):
    """The frames are not faded in and out: `fade` has no effect. Cut off hard, a tone leaks into all frequencies."""
    return frames


@faded.slip
def fade_of_your_own(frames):
    """The frames are faded by Hann's window, as np.hanning gives it, whatever `fade` is. It should be `fade`."""
    return frames * np.hanning(frames.shape[1]).astype(frames.dtype)


@faded.slip
def fade_of_hamming(frames):
    """The frames are faded by Hamming's window, as np.hamming gives it, whatever `fade` is. It should be `fade`."""
    return frames * np.hamming(frames.shape[1]).astype(frames.dtype)


@faded.slip
def faded_twice(frames, fade):
    """The frames are faded twice. Once is enough."""
    return frames * fade * fade


@faded.slip
def fade_backwards(frames, fade):
    """The fade runs backwards over the frames: its last number meets the first sample."""
    return frames * fade[::-1]


@faded.slip
def one_fade_for_all_samples(frames, fade):
    """All samples are multiplied by one number, the mean of the fade. Each sample has a number of its own in `fade`."""
    return frames * fade.mean()


@faded.rare
def fade_added(frames, fade):
    """The fade is added to the frames. It multiplies them, sample by sample."""
    return frames + fade


@faded.rare
def root_of_the_fade(frames, fade):
    """The frames are multiplied by the root of the fade. It is taken as it is."""
    return frames * np.sqrt(fade)


@faded.rare
def divided_by_the_fade(frames, fade):
    """The frames are divided by the fade. It multiplies them."""
    return frames / fade


@faded.slip
def fade_along_the_frames(frames, fade):
    """The fade runs along the frames: it was given an axis of size 1 behind it, so that it lies along the first axis.
    It belongs along the samples, the last axis, where (window,) lies by itself."""
    return frames * fade[:, None]


@faded.rare
def scaled_to_one(frames, fade):
    """The frames are divided by their largest absolute value. They are taken as loud as they are."""
    return frames * fade / np.abs(frames).max()


@faded.rare
def mean_taken_off_each_frame(frames, fade):
    """The mean of each frame is taken off before it is faded. The samples are taken as they are."""
    return (frames - frames.mean(axis=1, keepdims=True)) * fade


@faded.rare
def high_tones_emphasized(frames, fade):
    """The frames are filtered before they are faded: 0.97 of each sample is taken off the next. The samples are taken
    as they are."""
    before = np.pad(frames, ((0, 0), (1, 0)))[:, :-1]
    return (frames - frames.dtype.type(0.97) * before) * fade


@Stage
def filled(faded, fft):
    return np.pad(faded, ((0, 0), (0, fft - faded.shape[1])))


@filled.rare
def filled_up_with_frames(faded, fft):
    """What was filled up with zeros is the first axis: there are frames of zeros besides. Each frame is filled up,
    along the last axis, to `fft` samples."""
    below = np.pad(faded, ((0, fft - faded.shape[1]), (0, 0)))
    return filled(below, fft)


@filled.rare
def last_sample_repeated(faded, fft):
    """Each frame is filled up with its last faded sample, again and again. Fill it up with zeros."""
    return np.pad(faded, ((0, 0), (0, fft - faded.shape[1])), mode="edge")


@filled.rare
def frame_repeated(faded, fft):
    """Each frame is filled up by its own samples, which begin anew behind its end. Fill it up with zeros."""
    return np.pad(faded, ((0, 0), (0, fft - faded.shape[1])), mode="wrap")


@filled.rare
def frame_mirrored(faded, fft):
    """Each frame is filled up by its own mirror image. Fill it up with zeros."""
    return np.pad(faded, ((0, 0), (0, fft - faded.shape[1])), mode="reflect")


@filled.rare
def filled_up_with_ones(faded, fft):
    """Each frame is filled up with ones. Fill it up with zeros."""
    return np.pad(faded, ((0, 0), (0, fft - faded.shape[1])), constant_values=1)


@filled.slip
def not_filled_up(faded):
    """The spectra have fewer frequencies than the filters: the frames were not filled up with zeros to `fft` samples.
    np.fft.rfft takes the size as its second argument."""
    return faded


@Stage
def spectra(filled):
    return np.fft.rfft(filled)


@spectra.slip
def both_halves(filled):
    """There are `fft` frequencies, as np.fft.fft gives them; the second half mirrors the first, and the filters know
    the first alone, `fft // 2 + 1` of them. np.fft.rfft gives that half."""
    return np.fft.fft(filled)


@spectra.slip
def spectra_across_the_frames(filled):
    """The spectrum runs over the first axis: it takes sample number i of every frame. Each frame has a spectrum of its
    own, along the last axis, which np.fft.rfft takes unless told otherwise."""
    return np.fft.rfft(filled, axis=0)


@Stage
def power(spectra):
    return np.abs(spectra) ** 2


@power.slip
def magnitude(spectra):
    """The bands sum up magnitudes here. Power is their square."""
    return np.abs(spectra)


@power.slip
def real_part_alone(spectra):
    """The power is that of the real part alone, and half of the tone is lost: which half depends on where the window
    happens to start. Take the absolute value of the complex numbers."""
    return spectra.real**2


@power.slip
def imaginary_part_alone(spectra):
    """The power is that of the imaginary part alone, and half of the tone is lost. Take the absolute value of the
    complex numbers."""
    return spectra.imag**2


@power.rare
def sum_of_both_parts(spectra):
    """The real and the imaginary part are added up before the square. The squares of both are added up."""
    return (spectra.real + spectra.imag) ** 2


@power.slip
def difference_of_the_squares(spectra):
    """This is the real part of the square of the complex number, without its sign. The power is the square of its
    absolute value."""
    return np.abs((spectra**2).real)


@power.rare
def real_part_of_the_square(spectra):
    """This is the real part of the square of the complex number, which may be negative. The power is the square of its
    absolute value."""
    return (spectra**2).real


@power.slip
def square_of_the_complex_numbers(spectra):
    """The complex numbers themselves are squared, and such a square is complex again. The power is the square of the
    absolute value."""
    return spectra**2


@power.slip
def divided_by_the_size(spectra, fft):
    """The power is divided by `fft`, or the spectra by its root, as norm="ortho" does. This task takes the plain square
    of the spectra as they come."""
    return np.abs(spectra) ** 2 / fft


@power.slip
def divided_by_the_size_squared(spectra, fft):
    """The spectra are divided by `fft` before they are squared. Some libraries do so; this task takes them as they
    come."""
    return np.abs(spectra / fft) ** 2


@power.slip
def divided_by_the_window(spectra, frames):
    """The power is divided by the number of samples in a window. This task takes the plain square."""
    return np.abs(spectra) ** 2 / frames.shape[1]


@power.rare
def divided_by_the_window_squared(spectra, frames):
    """The spectra are divided by the number of samples in a window before they are squared. This task takes them as
    they come."""
    return np.abs(spectra / frames.shape[1]) ** 2


@power.rare
def fourth_power(spectra):
    """The square is squared once more. Power is the square of the absolute value."""
    return np.abs(spectra) ** 4


@power.slip
def doubled(spectra):
    """The power is doubled, for the half of the spectrum that is left out. This task takes the plain square."""
    return 2 * np.abs(spectra) ** 2


@power.rare
def doubled_but_at_the_ends(spectra):
    """The power is doubled at all frequencies but the first and the last, for the half of the spectrum that is left
    out. This task takes the plain square."""
    found = np.abs(spectra) ** 2
    found[:, 1:-1] *= 2
    return found


@Stage
def bands(power, filters):
    return power @ filters.T


@bands.slip
def filters_not_transposed(power, filters):
    """The matrix product does not fit. Both `filters` and the power have the frequencies last: turn the filters
    around."""
    return power @ filters


@bands.slip
def element_by_element(power, filters):
    """Power and filters are multiplied element by element, frame number t by filter number t. Every frame goes through
    every filter, and is summed up over the frequencies: a matrix product."""
    return (power * filters).sum(axis=-1)


@bands.slip
def squared_after_the_filters(spectra, filters):
    """The magnitudes are summed up first and squared in each band afterward. Square them at every frequency, then
    sum."""
    return (np.abs(spectra) @ filters.T) ** 2


@bands.slip
def complex_numbers_summed_up(spectra, filters):
    """The bands sum up the complex numbers, which may cancel each other, and the power is taken afterward. Take the
    power at every frequency, then sum."""
    return np.abs(spectra @ filters.T) ** 2


@bands.slip
def filters_squared(power, filters):
    """The filters are squared as well. They are multiplied with the power as they are."""
    return power @ (filters**2).T


@bands.rare
def filters_of_one(power, filters):
    """Each filter is divided by its largest number. It is taken as it is."""
    return power @ (filters / filters.max(axis=1, keepdims=True)).T


@bands.slip
def averaged_in_each_band(power, filters):
    """Each band is divided by the sum of its filter, so it holds a mean of the power. This task takes the sum."""
    return power @ filters.T / filters.sum(axis=1)


@bands.slip
def mean_over_the_frequencies(power, filters):
    """Each band holds the mean over all frequencies of power times filter. This task takes the sum."""
    return power @ filters.T / filters.shape[1]


@bands.rare
def last_frequency_left_out(power, filters):
    """The last frequency is left out: there are `fft // 2 + 1` of them, that at the end too."""
    return power[:, :-1] @ filters[:, :-1].T


@bands.rare
def first_frequency_left_out(power, filters):
    """The first frequency, number 0, is left out. It counts like any other."""
    return power[:, 1:] @ filters[:, 1:].T


@bands.rare
def largest_in_each_band(power, filters):
    """Each band holds the largest power times filter of all frequencies. This task takes the sum."""
    return (power[:, None] * filters).max(axis=-1)


@bands.rare
def bands_backwards(power, filters):
    """The bands stand in reverse order. Band b is row b of the filters."""
    return power @ filters[::-1].T


@bands.rare
def root_of_the_bands(power, filters):
    """The root is taken of the power in each band. It stays as it is until the logarithm."""
    return np.sqrt(power @ filters.T)


@Stage
def floored(bands, floor):
    return bands + floor


@floored.slip
def no_floor(bands):
    """The floor is not added. A silent frame has power 0, and the logarithm of 0 is minus infinity."""
    return bands


@floored.slip
def floor_as_the_least(bands, floor):
    """Power below the floor is raised to the floor, power above it stays as it is. That serves as well, but this task,
    as the course's own function does, adds the floor to every power."""
    return np.maximum(bands, bands.dtype.type(floor))


@floored.slip
def floor_in_silence_alone(bands, floor):
    """The floor takes the place of power that is 0; elsewhere it is not added. It is added to every power."""
    return np.where(bands == 0, bands.dtype.type(floor), bands)


@floored.slip
def floor_before_the_filters(power, filters, floor):
    """The floor is added at every frequency, so that a wide band gets it many times. Add it once, to the power in each
    band."""
    return (power + floor) @ filters.T


@floored.slip
def one_for_the_floor(bands):
    """1 is added where the floor belongs, as np.log1p does, and all that is far softer than 1 looks like silence."""
    return bands + 1


@floored.slip
def one_and_the_floor(bands, floor):
    """1 is added besides the floor, as np.log1p does, and all that is far softer than 1 looks like silence."""
    return bands + floor + 1


@floored.rare
def floor_before_and_after_the_filters(power, filters, floor):
    """The floor is added at every frequency, and to the power in each band once more. Add it once, to the power in each
    band."""
    return (power + floor) @ filters.T + floor


@floored.rare
def floor_as_the_least_before_the_filters(power, filters, floor):
    """Power below the floor is raised to the floor at every frequency, before the bands are summed up. The floor is
    added, to the power in each band."""
    return np.maximum(power, power.dtype.type(floor)) @ filters.T


@floored.rare
def floor_multiplied(bands, floor):
    """The power is multiplied by the floor, or the logarithm of the floor is added to that of the power, which is the
    same. The floor is added to the power, so that silence is not 0."""
    return bands * floor


@floored.rare
def ten_zeros_at_least(bands):
    """Power below 1e-10 is raised to 1e-10, and `floor` has no part in it. The floor is added to every power."""
    return np.maximum(bands, bands.dtype.type(1e-10))


@floored.rare
def floor_taken_off(bands, floor):
    """The floor is taken off. It is added, so that silence is not 0."""
    return bands - floor


@floored.rare
def floor_twice(bands, floor):
    """The floor is added twice. Once is enough."""
    return bands + 2 * floor


@floored.rare
def floor_of_the_example(bands):
    """0.01 takes the place of the floor, as in the example, and `floor` has no part in it."""
    return bands + 0.01


@floored.rare
def ten_zeros(bands):
    """1e-10 takes the place of the floor, and `floor` has no part in it. The floor is added to every power."""
    return bands + 1e-10


@floored.rare
def six_zeros(bands):
    """1e-6 takes the place of the floor, and `floor` has no part in it. The floor is added to every power."""
    return bands + 1e-6


@Stage
def logarithm(floored):
    return np.log(floored)


@logarithm.slip
def no_logarithm(floored):
    """There is no logarithm: the sum in each band is left as it is."""
    return floored


@logarithm.slip
def base_10(floored):
    """This is the logarithm to base 10. This task takes the natural one."""
    return np.log10(floored)


@logarithm.slip
def base_2(floored):
    """This is the logarithm to base 2. This task takes the natural one."""
    return np.log2(floored)


@logarithm.slip
def decibels(floored):
    """These are decibels: 10 times the logarithm to base 10. This task takes the natural logarithm, and nothing in
    front of it."""
    return 10 * np.log10(floored)


@logarithm.slip
def decibels_of_magnitudes(floored):
    """This is 20 times the logarithm to base 10, as of magnitudes. This task takes the natural logarithm, and nothing
    in front of it."""
    return 20 * np.log10(floored)


@logarithm.slip
def floor_outside(bands, floor):
    """The floor is added to the logarithm. By then silence is minus infinity already: it belongs inside, added to the
    power in each band."""
    return np.log(bands) + floor


@logarithm.slip
def filters_after_the_logarithm(power, filters, floor):
    """The logarithm is taken at every frequency, and the bands sum up logarithms. Sum up the power in each band first,
    then take the logarithm."""
    return np.log(power + floor) @ filters.T


@Stage
def laid(logarithm):
    return logarithm


@laid.slip
def bands_in_rows(logarithm):
    """The bands stand in the rows. One row for each frame: (count, bands)."""
    return np.ascontiguousarray(logarithm.T)


@laid.slip
def less_the_mean(logarithm):
    """The mean of each band over the frames was taken off. That is the next step on the way into the model; here the
    logarithm is the last."""
    return logarithm - logarithm.mean(axis=0)


def _cosines(count, dtype):
    """Return the cosine transform as a matrix (count, count), one column for each output."""
    numbers = np.arange(count)
    return np.cos(np.pi / count * np.outer(numbers + 0.5, numbers)).astype(dtype)


@laid.rare
def cosine_transform(logarithm):
    """A cosine transform over the bands was taken of the logarithms, which gives cepstra. Here the logarithm is the
    last step."""
    return logarithm @ _cosines(logarithm.shape[1], logarithm.dtype)


@laid.rare
def cosine_transform_doubled(logarithm):
    """A cosine transform over the bands, doubled as scipy.fft.dct gives it, was taken of the logarithms: these are
    cepstra. Here the logarithm is the last step."""
    return 2 * logarithm @ _cosines(logarithm.shape[1], logarithm.dtype)


@laid.rare
def cosine_transform_orthonormal(logarithm):
    """An orthonormal cosine transform over the bands was taken of the logarithms, which gives cepstra. Here the
    logarithm is the last step."""
    cosines = _cosines(logarithm.shape[1], np.float64)
    return logarithm @ (cosines / np.sqrt((cosines**2).sum(axis=0))).astype(logarithm.dtype)


@laid.slip
def always_float32(logarithm):
    """The result is float32 whatever the frames are. Their dtype is kept."""
    return logarithm.astype(np.float32)


@laid.slip
def always_float64(logarithm):
    """The result is float64 whatever the frames are. Their dtype is kept: float32 in, float32 out."""
    return logarithm.astype(np.float64)


STAGES = (faded, filled, spectra, power, bands, floored, logarithm, laid)


@known.mistake
def in_float64(frames, fade, filters, fft, floor):
    """The result is float64, because the numbers were turned into float64 on the way. The dtype of the frames is kept:
    float32 in, float32 out."""
    return reference(*(array.astype(np.float64) for array in (frames, fade, filters)), fft, floor)


@known.mistake
def normalized(frames, fade, filters, fft, floor):
    """The mean of each band over the frames was taken off, and then each was divided by its standard deviation. Here
    the logarithm is the last step."""
    result = reference(frames, fade, filters, fft, floor)
    return (result - result.mean(axis=0)) / result.std(axis=0)


@known.mistake
def filled_up_by_half(frames, fade, filters, fft, floor):
    """The spectra have fewer frequencies than the filters, so only so many numbers of each filter were taken. The
    frames are filled up with zeros to `fft` samples, and then all frequencies are there."""
    power = np.abs(np.fft.rfft(frames * fade)) ** 2
    return np.log(power @ filters[:, : power.shape[1]].T + floor)


@known.mistake
def not_filled_up_by_number(frames, fade, filters, fft, floor):
    """The spectra have fewer frequencies than the filters, because the frames have fewer samples than `fft`. Fill them
    up with zeros; np.fft.rfft takes the size as its second argument."""
    spectra = np.fft.rfft(frames * fade)
    return np.log(np.abs(spectra) ** 2 @ filters.T + floor)


@known.mistake
def both_halves_by_number(frames, fade, filters, fft, floor):
    """The spectra have `fft` frequencies, and the filters `fft // 2 + 1`: the second half of what np.fft.fft gives only
    mirrors the first. np.fft.rfft leaves it out."""
    spectra = np.fft.fft(frames * fade, fft)
    return np.log(np.abs(spectra) ** 2 @ filters.T + floor)


@known.mistake
def spectra_across_the_frames_by_number(frames, fade, filters, fft, floor):
    """The spectra run along the first axis, over sample number i of every frame. Each frame has its own, along the last
    axis, which np.fft.rfft takes unless told otherwise."""
    spectra = np.fft.rfft(frames * fade, fft, axis=0)
    return np.log(np.abs(spectra) ** 2 @ filters.T + floor)


@known.mistake
def spectra_across_the_frames_of_power(frames, fade, filters, fft, floor):
    """The spectra were taken along the first axis, that of the frames, and filled up there to `fft`. They belong along
    the last axis, that of the samples."""
    power = np.abs(np.fft.rfft(frames * fade, fft, axis=0)) ** 2
    return np.log(power @ filters.T + floor)


@known.mistake
def filters_not_transposed_by_number(frames, fade, filters, fft, floor):
    """The matrix product of power and filters does not fit: both have the frequencies last. Turn the filters around."""
    spectra = np.fft.rfft(frames * fade, fft)
    return np.log(np.abs(spectra) ** 2 @ filters + floor)


@known.mistake
def filters_not_transposed_by_dot(frames, fade, filters, fft, floor):
    """np.dot of power and filters does not fit, for both have the frequencies last. Turn the filters around."""
    power = _power(frames, fade, fft)
    return np.log(np.dot(power, filters) + floor)


@known.mistake
def filters_first(frames, fade, filters, fft, floor):
    """The filters stand first in the matrix product, with the frequencies last, and the power has them last as well.
    Turn one of them around, so that the result is (count, bands)."""
    power = _power(frames, fade, fft)
    return np.log(filters @ power + floor)


@known.mistake
def always_512(frames, fade, filters, fft, floor):
    """The frames are filled up to 512 samples, whatever `fft` is, and the filters do not fit these spectra."""
    spectra = np.fft.rfft(frames * fade, 512)
    return np.log(np.abs(spectra) ** 2 @ filters.T + floor)


@known.mistake
def always_512_of_power(frames, fade, filters, fft, floor):
    """The spectra are those of 512 samples, whatever `fft` is, and have more frequencies than the filters."""
    power = np.abs(np.fft.rfft(frames * fade, 512)) ** 2
    return np.log(power @ filters.T + floor)


@known.mistake
def next_power_of_two(frames, fade, filters, fft, floor):
    """The frames are filled up to the next power of two, whatever `fft` is. It may be larger."""
    size = 2 ** int(np.ceil(np.log2(frames.shape[1])))
    power = np.abs(np.fft.rfft(frames * fade, size)) ** 2
    return np.log(power @ filters.T + floor)


@known.mistake
def faded_after_it_was_filled(frames, fade, filters, fft, floor):
    """The frames are filled up first, and the fade has no numbers for the zeros. Fade first, then fill up."""
    padded = np.pad(frames, ((0, 0), (0, fft - frames.shape[1])))
    return np.log(np.abs(np.fft.rfft(padded * fade)) ** 2 @ filters.T + floor)


@known.mistake
def matrix_product_with_the_fade(frames, fade, filters, fft, floor):
    """The frames meet the fade in a matrix product, which leaves one number of each. They are multiplied sample by
    sample, with *."""
    faded = frames @ fade
    return np.log(np.abs(np.fft.rfft(faded, fft)) ** 2 @ filters.T + floor)


@known.mistake
def spectra_as_they_come_to_the_end(frames, fade, filters, fft, floor):
    """The complex numbers were never made real, and the result holds complex numbers too. Power is the square of the
    absolute value."""
    return np.log((np.fft.rfft(frames * fade, fft) ** 2) @ filters.T + floor).real


@known.probe
def silence(rng):
    inputs = tones_and_noise(rng, count=3, window=6, bands=2, fft=16)
    inputs = {**inputs, "frames": np.zeros_like(inputs["frames"]), "floor": 0.001}
    result = yield inputs
    found = first_difference(result, np.full_like(result, np.log(0.001)))
    return found and (
        f"Of frames of zeros and a floor of 0.001 your result is {found[1]:.4g} at [{found[0]}]; it should be ln 0.001 "
        f"= {found[2]:.4g} everywhere."
    )


@known.probe
def a_click(rng):
    """A single 1 has power 1 at every frequency."""
    frames, fade = np.zeros((2, 6)), np.ones(6)
    frames[:, 0] = 1
    result = yield {"frames": frames, "fade": fade, "filters": np.eye(3, 9), "fft": 16, "floor": 0.001}
    found = first_difference(result, np.full_like(result, np.log(1.001)))
    return found and (
        f"A frame whose first sample is 1 and the rest 0 has power 1 at every frequency. With a fade of ones, filters "
        f"that take one frequency each and a floor of 0.001, your result is {found[1]:.4g} at [{found[0]}]; it should "
        f"be ln 1.001 = {found[2]:.4g}."
    )


@known.probe
def twice_as_loud(rng):
    inputs = tones_and_noise(rng, count=3, window=7, bands=2, fft=16)
    inputs = {**inputs, "floor": 1e-12}
    once = yield inputs
    twice = yield {**inputs, "frames": 2 * inputs["frames"]}
    found = first_difference(twice - once, np.full_like(once, np.log(4)))
    return found and (
        f"Of frames twice as loud, with next to no floor, your result is larger by {found[1]:.4g} at [{found[0]}]; the "
        f"power is 4 times as large, so it should be larger by ln 4 = {found[2]:.4g}."
    )


@known.probe
def fade_of_zeros(rng):
    inputs = tones_and_noise(rng, count=3, window=7, bands=2, fft=16)
    result = yield {**inputs, "fade": np.zeros(7), "floor": 0.001}
    found = first_difference(result, np.full_like(result, np.log(0.001)))
    return found and (
        f"With a fade of zeros nothing is left of the frames, and with a floor of 0.001 all should be ln 0.001 = "
        f"{found[2]:.4g}; your result is {found[1]:.4g} at [{found[0]}]."
    )


@known.probe
def one_loud_frame(rng):
    inputs = tones_and_noise(rng, count=3, window=7, bands=2, fft=16)
    one = yield inputs
    frames = inputs["frames"].copy()
    frames[2] *= 10
    other = yield {**inputs, "frames": frames}
    if not np.allclose(one[:2], other[:2]):
        return "When the last frame alone becomes louder, your numbers for the others change, and should not."
    return None


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
    return (torch.fft.rfft(frames * fade, fft).abs().square() @ filters.T + floor).log().numpy()


TASK = Task(
    id="11.log_mel",
    title="Log-mel frames",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=tones_and_noise,
    cases=(
        Case("the example of the text", {}, draw=the_example),
        Case("3 frames of 6 samples, 2 bands", dict(count=3, window=6, bands=2, fft=8)),
        Case("5 frames of 20 samples, 7 bands", dict(count=5, window=20, bands=7, fft=32)),
        Case("4 frames of 50 samples, 6 bands, float32", dict(count=4, window=50, bands=6, fft=64), dtype="float32"),
        Case("two frames silent, one nearly", dict(count=5, window=12, bands=3, fft=64), draw=with_silence),
        Case(
            "loud and soft frames, float32",
            dict(count=3, window=30, bands=4, fft=32),
            dtype="float32",
            draw=sixteen_bits,
        ),
        Case(
            "one frame, one band, far more zeros",
            dict(count=1, window=5, bands=1, fft=32),
            draw=tones_and_noise,
        ),
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
    stages=STAGES,
    **known.ways,
)
