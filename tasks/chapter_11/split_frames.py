"""11.split_frames: a waveform cut into windows that overlap, one every hop samples."""

import numpy as np

from grader.known import Known
from grader.task import Case, Task

known = Known()


def two_tones_and_noise(rng, samples, window, hop):
    time = np.arange(samples)
    slow, fast = rng.uniform([0.05, 0.3], [0.2, 0.8])
    wave = np.sin(slow * time) + 0.4 * np.cos(fast * time) + 0.1 * rng.normal(size=samples)
    return {"wave": wave, "window": window, "hop": hop}


def reference(wave, window, hop):
    return _frames_from(wave, np.arange(0, len(wave) - window + 1, hop), window)


def _frames_from(wave, starts, window):
    return wave[starts[:, None] + np.arange(window)]


@known.mistake
def last_filled_with_zeros(wave, window, hop):
    """What is left over at the end became one more frame, filled up with zeros. Only whole windows count: samples that
    do not fill one are dropped."""
    count = 1 + -(-(len(wave) - window) // hop)
    filled = np.pad(wave, (0, (count - 1) * hop + window - len(wave)))
    return reference(filled, window, hop)


@known.mistake
def a_start_every_hop(wave, window, hop):
    """There is a frame for every multiple of hop below the number of samples, and the last ones were filled up with
    zeros. A frame may start only where a whole window still fits."""
    starts = np.arange(0, len(wave), hop)
    return _frames_from(np.pad(wave, (0, window)), starts, window)


@known.mistake
def samples_over_hop(wave, window, hop):
    """The number of frames is that of the whole hops in the waveform, and the last frames are filled up with zeros. The
    last frame starts where a whole window still fits."""
    return a_start_every_hop(wave, window, hop)[: len(wave) // hop]


@known.mistake
def samples_over_hop_cut_off(wave, window, hop):
    """The number of frames is that of the whole hops in the waveform. The waveform ends before the last of them do, and
    np.stack takes no rows of different lengths. The last frame starts where a whole window still fits."""
    return np.stack([wave[i * hop : i * hop + window] for i in range(len(wave) // hop)])


@known.mistake
def samples_over_hop_row_by_row(wave, window, hop):
    """The number of rows is that of the whole hops in the waveform, and for the last of them no whole window is left.
    The last frame starts where a whole window still fits."""
    frames = np.zeros((len(wave) // hop, window), dtype=wave.dtype)
    for i in range(len(frames)):
        frames[i] = wave[i * hop : i * hop + window]
    return frames


@known.mistake
def cut_off_at_the_end(wave, window, hop):
    """The last frames are shorter than the others, because the waveform ends before they do, and no array holds rows of
    different lengths. Stop while a whole window still fits."""
    return np.stack([wave[start : start + window] for start in range(0, len(wave), hop)])


@known.mistake
def cut_off_in_an_array(wave, window, hop):
    """The rows have different lengths: the waveform ends before the last frames do. Stop while a whole window still
    fits."""
    return np.array([wave[start : start + window] for start in range(0, len(wave), hop)])


@known.mistake
def past_the_end(wave, window, hop):
    """The last frames reach for samples behind the end. The last start is the last multiple of hop from which a whole
    window fits."""
    return _frames_from(wave, np.arange(0, len(wave), hop), window)


@known.mistake
def one_too_few(wave, window, hop):
    """One frame is missing at the end. The hops that fit behind the first window give the number of further frames: the
    first one counts as well."""
    return reference(wave, window, hop)[:-1]


@known.mistake
def exact_fit_missed(wave, window, hop):
    """Right, except where the last window ends exactly with the waveform: that frame is missing. A window may start at
    sample number `samples - window`, and range and np.arange leave their end out: add 1. Or, where a division gives the
    number of frames, round down and add 1."""
    return _frames_from(wave, np.arange(0, len(wave) - window, hop), window)


@known.mistake
def hop_and_window_swapped(wave, window, hop):
    """Window and hop are swapped: your frames hold hop samples each and start window samples apart."""
    return reference(wave, hop, window)


@known.mistake
def hop_taken_for_the_overlap(wave, window, hop):
    """Neighboring frames share hop samples here. The hop is how far apart they start, so they share window - hop."""
    return reference(wave, window, window - hop)


@known.mistake
def no_overlap(wave, window, hop):
    """The frames stand side by side, each starting where the one before ends. They start hop samples apart, so they
    overlap."""
    return reference(wave, window, window)


@known.mistake
def every_window(wave, window, hop):
    """A frame starts at every sample. Keep one in hop of them."""
    return reference(wave, window, 1)


@known.mistake
def every_hop_inside_the_windows(wave, window, hop):
    """There is a frame for every sample, and hop thins out the samples inside it. It belongs on the first axis, that of
    the frames."""
    return reference(wave, window, 1)[:, ::hop]


@known.mistake
def transposed(wave, window, hop):
    """The frames are right, but they stand in the columns. One row for each frame: (count, window)."""
    return reference(wave, window, hop).T


@known.mistake
def centered(wave, window, hop):
    """The waveform was padded by half a window on both sides, so that frames are centered on the multiples of hop. Some
    libraries do so unless told otherwise; here the first frame starts with the first sample, and nothing is padded."""
    return reference(np.pad(wave, window // 2), window, hop)


@known.mistake
def spread_out(wave, window, hop):
    """The number of frames is right, but they are spread evenly over the waveform, up to its last sample. Frame number
    i starts at i times hop, whatever is left over at the end."""
    count = 1 + (len(wave) - window) // hop
    return _frames_from(wave, np.linspace(0, len(wave) - window, count).astype(int), window)


@known.mistake
def first_frame_left_out(wave, window, hop):
    """The first frame is missing: yours start at sample number hop. Frame number 0 starts at sample 0."""
    return reference(wave, window, hop)[1:]


@known.mistake
def faded(wave, window, hop):
    """The frames are cut right, but each is faded in and out already. That is part of the next task: here they stay as
    they are."""
    return (reference(wave, window, hop) * np.hanning(window)).astype(wave.dtype)


@known.always
def neighbors_share_samples(inputs, output):
    """Neighboring frames should share window - hop samples: what is the end of one is the beginning of the next."""
    hop = inputs["hop"]
    return np.array_equal(output[:-1, hop:], output[1:, :-hop])


@known.legal
def with_a_loop(wave, window, hop):
    return np.stack([wave[start : start + window] for start in range(0, len(wave) - window + 1, hop)])


@known.legal
def counted_first(wave, window, hop):
    frames = np.empty(((len(wave) - window) // hop + 1, window), dtype=wave.dtype)
    for number, frame in enumerate(frames):
        frame[:] = wave[number * hop : number * hop + window]
    return frames


@known.legal
def by_sliding_windows(wave, window, hop):
    return np.lib.stride_tricks.sliding_window_view(wave, window)[::hop]


@known.legal
def by_strides(wave, window, hop):
    (step,) = wave.strides
    shape = 1 + (len(wave) - window) // hop, window
    return np.lib.stride_tricks.as_strided(wave, shape, (hop * step, step), writeable=False)


@known.legal
def with_torch(wave, window, hop):
    import torch

    return torch.from_numpy(wave).unfold(0, window, hop)


TASK = Task(
    id="11.split_frames",
    title="A waveform in frames",
    difficulty=1,
    minutes=10,
    reference=reference,
    draw=two_tones_and_noise,
    cases=(
        Case("11 samples, a window of 4 every 3", dict(samples=11, window=4, hop=3)),
        Case("21 samples, a window of 6 every 5: it fits exactly", dict(samples=21, window=6, hop=5)),
        Case("30 samples, a window of 7 every 2", dict(samples=30, window=7, hop=2)),
        Case("an eighth of a second, float32", dict(samples=1043, window=200, hop=80), dtype="float32"),
    ),
    hints=(
        "Take the example: at which samples do its frames start? Why is there none that starts at 6?",
        "Frame number i starts at sample i * hop and ends before sample i * hop + window. Which is the last start?",
        (
            "The last sample from which a whole window fits is number len(wave) - window. Go through the starts up to "
            "it: `range(0, ..., hop)` leaves its end out, so add 1."
        ),
        (
            "np.stack makes one array of a list of frames: np.stack([wave[start : start + window] for start in ...]). "
            "Or look at np.lib.stride_tricks.sliding_window_view, which gives every window."
        ),
    ),
    **known.ways,
)
