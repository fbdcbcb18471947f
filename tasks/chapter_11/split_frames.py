"""11.split_frames: a waveform cut into windows that overlap, one every hop samples."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference

known = Known()


def two_tones_and_noise(rng, samples, window, hop):
    time = np.arange(samples)
    slow, fast = rng.uniform([0.05, 0.3], [0.2, 0.8])
    wave = np.sin(slow * time) + 0.4 * np.cos(fast * time) + 0.1 * rng.normal(size=samples)
    return {"wave": wave, "window": window, "hop": hop}


def the_example(rng):
    return {"wave": np.array([5.0, 7, 2, 8, 1, 6, 4, 3, 9]), "window": 4, "hop": 3}


def reference(wave, window, hop):
    return _frames_from(wave, np.arange(0, len(wave) - window + 1, hop), window)


def _frames_from(wave, starts, window):
    index = starts[:, None] + np.arange(window)
    return wave[index]


@Stage
def sound(wave):
    return wave


@sound.slip
def last_filled_with_zeros(wave, window, hop):
    """What is left over at the end became one more frame, filled up with zeros. Only whole windows count: samples that
    do not fill one are dropped."""
    return np.pad(wave, (0, -(len(wave) - window) % hop))


@sound.slip
def a_start_every_hop(wave, window):
    """Frames start up to the very end of the waveform, and the last ones are filled up with zeros. A frame may start
    only where a whole window still fits."""
    return np.pad(wave, (0, window - 1))


@sound.slip
def a_window_of_zeros_behind(wave, window):
    """A whole window of zeros was put behind the waveform before it was cut, so the last frames hold zeros. Nothing is
    added: the frames end where no whole window fits any more."""
    return np.pad(wave, (0, window))


@sound.slip
def a_window_of_zeros_in_front(wave, window):
    """A window of zeros was put in front of the waveform before it was cut. Frame number 0 starts with sample 0."""
    return np.pad(wave, (window, 0))


@sound.slip
def centered(wave, window):
    """The waveform was padded by half a window of zeros on both sides, as some libraries do unless told otherwise, to
    center the frames. Here the first frame starts with the first sample, and nothing is padded."""
    return np.pad(wave, window // 2)


@sound.slip
def centered_in_a_mirror(wave, window):
    """The waveform was continued by its mirror image, half a window on both sides, before it was cut. Some libraries do
    so unless told otherwise; here the first frame starts with the first sample, and nothing is added."""
    return np.pad(wave, window // 2, mode="reflect")


@sound.slip
def scaled_to_one(wave):
    """The waveform was divided by its largest absolute value. Its samples stay as they are."""
    return wave / np.abs(wave).max()


@sound.slip
def mean_taken_off(wave):
    """The mean of the waveform was taken off. Its samples stay as they are."""
    return wave - wave.mean()


@sound.slip
def differences(wave):
    """What was cut are differences of neighboring samples, as some libraries emphasize high tones. Here the samples
    stay as they are."""
    return np.append(wave[:1], wave[1:] - wave.dtype.type(0.97) * wave[:-1])


@sound.slip
def backwards(wave):
    """The waveform was turned around: your frames start from its end."""
    return wave[::-1]


@Stage
def long(window):
    return window


@long.slip
def frames_of_hop_samples(hop):
    """Each frame holds hop samples. It holds window samples; hop is how far apart two frames start."""
    return hop


@long.slip
def one_sample_too_many(window):
    """Each frame holds one sample too many: window + 1 of them. A slice leaves its end out."""
    return window + 1


@Stage
def step(hop):
    return hop


@step.slip
def no_overlap(window):
    """The frames start window samples apart, side by side. They start hop samples apart, so they overlap."""
    return window


@step.slip
def hop_taken_for_the_overlap(window, hop):
    """The frames start window - hop samples apart, as if hop were what neighbors share. The hop is how far apart they
    start."""
    return window - hop


@step.slip
def every_window():
    """A frame starts at every sample. Keep one in hop of them."""
    return 1


@step.slip
def hop_taken_for_a_gap(window, hop):
    """The frames start window + hop samples apart, as if hop were a gap between them. The hop is how far apart they
    start."""
    return window + hop


@step.slip
def half_a_window(window):
    """The frames start half a window apart, whatever hop is."""
    return max(1, window // 2)


@step.slip
def one_sample_further(hop):
    """The frames start hop + 1 samples apart, one sample too far."""
    return hop + 1


@Stage
def starts(sound, long, step):
    return np.arange(0, len(sound) - long + 1, step)


@starts.slip
def one_too_few(sound, long, step):
    """One frame is missing at the end. The hops that fit behind the first window give the number of further frames: the
    first one counts as well."""
    return starts(sound, long, step)[:-1]


@starts.slip
def exact_fit_missed(sound, long, step):
    """Where the last window ends exactly with the waveform, that frame is missing. The last start is the number of
    samples less the window: a frame belongs there, too."""
    return np.arange(0, len(sound) - long, step)


@starts.slip
def first_frame_left_out(sound, long, step):
    """The first frame is missing, the one that starts with sample 0."""
    return starts(sound, long, step)[1:]


@starts.rare
def first_and_last_left_out(sound, long, step):
    """The first frame is missing, the one that starts with sample 0, and so is the last one. There is a frame for each
    hop that fits behind the first window, and that window itself makes one."""
    return starts(sound, long, step)[1:-1]


@starts.rare
def first_and_exact_fit_left_out(sound, long, step):
    """The first frame is missing, the one that starts with sample 0, and so is the last one where it ends exactly with
    the waveform."""
    return np.arange(step, len(sound) - long, step)


@starts.slip
def spread_out(sound, long, step):
    """The frames are spread evenly over the waveform, up to its last sample. Frame number i starts at i times hop,
    whatever is left over at the end."""
    return np.linspace(0, len(sound) - long, len(starts(sound, long, step))).astype(int)


@starts.slip
def from_the_end(sound, long, step):
    """The frames are laid out from the end of the waveform, and the samples left over are dropped in front. The first
    frame starts with the first sample; what is left over at the end is dropped."""
    found = starts(sound, long, step)
    return found + (len(sound) - long) % step


@starts.slip
def one_sample_late(sound, long, step):
    """Every frame starts one sample late. Frame number i starts with sample number i * hop, counted from 0."""
    return starts(sound[1:], long, step) + 1


@starts.slip
def starts_count_up(sound, long, step):
    """Frame number i starts at sample i. It should start at i times hop."""
    return np.arange(len(starts(sound, long, step)))


@starts.slip
def all_from_the_beginning(sound, long, step):
    """All frames are the same: each starts with the first sample. Frame number i starts at i times hop."""
    return 0 * starts(sound, long, step)


@starts.slip
def samples_over_window(sound, long, step):
    """There are as many frames as windows fit side by side. They overlap, so that more of them fit."""
    return starts(sound, long, step)[: len(sound) // long]


@starts.slip
def one_added_too_early(sound, long, step):
    """The last frame is missing wherever more than one sample is lacking for a further one: 1 was added to the samples
    before the division by hop, and it belongs to the result."""
    return np.arange((len(sound) - long + 1) // step) * step


@starts.slip
def past_the_end(sound, step):
    """The last frames reach for samples behind the end. The last start is the last multiple of hop from which a whole
    window fits."""
    return np.arange(0, len(sound), step)


@starts.slip
def one_too_many(sound, long, step):
    """There is one frame too many, and it reaches for samples behind the end. The last start is the last multiple of
    hop from which a whole window fits."""
    return np.arange(len(starts(sound, long, step)) + 1) * step


@Stage
def frames(sound, starts, long):
    return _frames_from(sound, starts, long)


@frames.slip
def cut_at_the_first_window(sound, starts, long):
    """Every frame ends where the first one does, at sample number window, and is filled up with zeros. Frame number i
    ends window samples behind its own start."""
    found = frames(sound, starts, long)
    found[starts[:, None] + np.arange(long) >= long] = 0
    return found


@frames.slip
def one_sample_too_few(sound, starts, long):
    """Each frame lacks its last sample, and holds window - 1 of them. A slice leaves its end out."""
    return frames(sound, starts, long)[:, :-1]


@frames.slip
def hop_samples_of_each(sound, starts, long, hop):
    """Each frame holds its first hop samples alone. It holds window samples; hop is how far apart two frames start."""
    return frames(sound, starts, long)[:, :hop]


@frames.slip
def backwards_inside(sound, starts, long):
    """The samples inside each frame stand in reverse order."""
    return frames(sound, starts, long)[:, ::-1]


@frames.slip
def every_hop_inside_the_windows(sound, starts, long, hop):
    """Inside each frame one sample in hop is kept. The hop belongs on the first axis, that of the frames; a frame keeps
    all its samples."""
    return frames(sound, starts, long)[:, ::hop]


@Stage
def kept(frames):
    return frames


@kept.slip
def faded(frames):
    """Each frame is faded in and out already. That is part of the next task: here they stay as they are."""
    return (frames * np.hanning(frames.shape[1])).astype(frames.dtype)


@kept.slip
def faded_by_hamming(frames):
    """Each frame is faded by Hamming's window already. That is part of the next task: here they stay as they are."""
    return (frames * np.hamming(frames.shape[1])).astype(frames.dtype)


@kept.slip
def less_their_means(frames):
    """The mean of each frame was taken off. The samples stay as they are."""
    return frames - frames.mean(axis=1, keepdims=True)


@kept.slip
def always_float64(frames):
    """The result is float64 whatever the waveform is, and its dtype should be kept. np.zeros(...) and np.empty(...)
    make float64 unless told dtype=wave.dtype."""
    return frames.astype(np.float64)


@kept.slip
def always_float32(frames):
    """The result is float32 whatever the waveform is. Its dtype should be kept: wave.dtype."""
    return frames.astype(np.float32)


@Stage
def laid(kept):
    return kept


@laid.slip
def transposed(kept):
    """The frames stand in the columns. One row for each frame: (count, window)."""
    return kept.T


@laid.slip
def flat(kept):
    """All frames stand in one long row, one behind the other. One row for each frame: (count, window)."""
    return kept.ravel()


@laid.slip
def reshaped(kept):
    """The samples were laid out as (window, count), and then the shape alone was changed to (count, window), so each
    row holds samples of several frames. A transpose exchanges the axes, a reshape does not."""
    return kept.T.reshape(kept.shape)


@laid.slip
def an_axis_too_many(kept):
    """There is one axis too many in front, of size 1. The shape is (count, window)."""
    return kept[None]


@laid.slip
def first_frame_alone(kept):
    """This is the first frame alone. The task asks for all of them, one in each row."""
    return kept[0]


@known.mistake
def hop_and_window_swapped(wave, window, hop):
    """Window and hop are swapped: your frames hold hop samples each and start window samples apart."""
    return reference(wave, hop, window)


@known.mistake
def windows_side_by_side_counted_by_hop(wave, window, hop):
    """There are as many frames as there should be, but they start window samples apart, and the last ones are filled up
    with zeros. They should start hop samples apart and overlap."""
    starts = np.arange((len(wave) - window) // hop + 1) * window
    return _frames_from(np.pad(wave, (0, len(starts) * window)), starts, window)


@known.mistake
def windows_side_by_side_row_by_row(wave, window, hop):
    """There are as many rows as there should be, but the frames start window samples apart, and the waveform ends
    before the last rows are full. They should start hop samples apart and overlap."""
    frames = np.zeros(((len(wave) - window) // hop + 1, window), dtype=wave.dtype)
    for i in range(len(frames)):
        frames[i] = wave[i * window : (i + 1) * window]
    return frames


@known.mistake
def windows_side_by_side_to_stack(wave, window, hop):
    """There are as many frames as there should be, but they start window samples apart, so that the waveform ends
    before the last ones do. They should start hop samples apart and overlap."""
    return np.stack([wave[i * window : (i + 1) * window] for i in range((len(wave) - window) // hop + 1)])


@known.mistake
def samples_over_hop(wave, window, hop):
    """The number of frames is that of the whole hops in the waveform, and the last frames are filled up with zeros. The
    last frame starts where a whole window still fits."""
    return _frames_from(np.pad(wave, (0, window)), np.arange(0, len(wave), hop), window)[: len(wave) // hop]


@known.mistake
def samples_over_hop_cut_off(wave, window, hop):
    """The number of frames is that of the whole hops in the waveform. The waveform ends before the last of them do, and
    rows of different lengths do not make an array. The last frame starts where a whole window still fits."""
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
def one_row_too_many(wave, window, hop):
    """There is a row too many, and for the last one no whole window is left. Of the hops that fit behind the first
    window only whole ones count, and the first frame besides."""
    frames = np.zeros((len(wave) // hop + 1, window), dtype=wave.dtype)
    for i in range(len(frames)):
        frames[i] = wave[i * hop : i * hop + window]
    return frames


@known.mistake
def one_row_too_many_for_the_starts(wave, window, hop):
    """The number of rows is one too high, and no whole window is left for the last one. The first frame and every whole
    hop that fits behind it make a row."""
    frames = np.zeros(((len(wave) - window) // hop + 2, window), dtype=wave.dtype)
    for i in range(len(frames)):
        frames[i] = wave[i * hop : i * hop + window]
    return frames


@known.mistake
def one_too_many_filled_with_zeros(wave, window, hop):
    """There is always one frame more than whole windows fit, and it is filled up with zeros. Samples that do not fill a
    window are dropped."""
    count = (len(wave) - window) // hop + 2
    return _frames_from(np.pad(wave, (0, 2 * window)), np.arange(count) * hop, window)


@known.mistake
def rounded_number_of_frames(wave, window, hop):
    """The number of hops behind the first window is rounded to the nearest, so that the last frame may be filled up
    with zeros. Only whole windows count: round down."""
    count = round((len(wave) - window) / hop) + 1
    return _frames_from(np.pad(wave, (0, window)), np.arange(count) * hop, window)


@known.mistake
def first_ones_of_every_window(wave, window, hop):
    """Of the windows that start at every sample, the first hop ones are kept. One in hop of them should be, from the
    first to the last."""
    return reference(wave, window, 1)[:hop]


@known.mistake
def sizes_of_the_example(wave, window, hop):
    """Each frame holds 4 samples, and they start 3 apart, as in the example. `window` and `hop` say how many."""
    return reference(wave, 4, 3)


@known.mistake
def shape_for_pieces_of_hop_samples(wave, window, hop):
    """The waveform is given another shape, with hop samples in a row: no frames that overlap, and it may not divide. A
    frame holds window samples and starts hop samples behind the one before."""
    return wave.reshape(-1, hop)


@known.mistake
def cut_off_in_a_list_to_stack_vertically(wave, window, hop):
    """The last frames in the list are shorter than the first, because the waveform ends before they do, and rows of an
    array are equally long. Stop while a whole window still fits."""
    frames = [wave[start : start + window] for start in range(0, len(wave), hop)]
    return np.vstack(frames)


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
def cut_off_in_a_list(wave, window, hop):
    """The frames in the list have different lengths, because the waveform ends before the last ones do, and so they
    make no array. Stop while a whole window still fits."""
    frames = [wave[start : start + window] for start in range(0, len(wave), hop)]
    return np.array(frames)


@known.mistake
def cut_off_in_a_list_to_stack(wave, window, hop):
    """The frames in the list are not all equally long, because the waveform ends before the last ones do. Stop while a
    whole window still fits."""
    frames = [wave[start : start + window] for start in range(0, len(wave), hop)]
    return np.stack(frames)


@known.mistake
def pieces_of_hop_samples(wave, window, hop):
    """The waveform is cut at every hop, into pieces without overlap. A frame holds window samples, and the frames
    overlap."""
    pieces = np.split(wave, range(hop, len(wave), hop))
    return np.array(pieces)


@known.mistake
def pieces_of_hop_samples_to_stack(wave, window, hop):
    """The waveform is cut at every hop, into pieces side by side, and the last one may be shorter. A frame holds window
    samples, so that neighbors overlap."""
    return np.stack(np.split(wave, range(hop, len(wave), hop)))


@known.mistake
def pieces_of_hop_samples_in_a_list_to_stack(wave, window, hop):
    """The pieces to stack are cut at every hop, side by side, and the last one may be shorter. Take window samples from
    every start on: then all are equally long, and they overlap."""
    pieces = np.split(wave, range(hop, len(wave), hop))
    return np.stack(pieces)


@known.mistake
def pieces_of_hop_samples_at_once(wave, window, hop):
    """Pieces of hop samples stand side by side, and the last one may be shorter than the others. A frame holds window
    samples and overlaps with the next."""
    return np.array(np.split(wave, range(hop, len(wave), hop)))


@known.mistake
def pieces_of_window_samples(wave, window, hop):
    """The waveform does not divide into equal pieces, and frames overlap anyway: they start hop samples apart."""
    return wave.reshape(-1, window)


@known.mistake
def one_too_few_in_an_array(wave, window, hop):
    """One frame is missing at the end; where there is but one, none is left, and an empty list has no second axis. The
    first frame counts as well as the hops that fit behind it."""
    return np.array([wave[i * hop : i * hop + window] for i in range((len(wave) - window) // hop)])


@known.mistake
def one_too_few_to_stack(wave, window, hop):
    """One frame is missing at the end; where there is but one, nothing is left to stack. The first frame counts as well
    as the hops that fit behind it."""
    return np.stack([wave[i * hop : i * hop + window] for i in range((len(wave) - window) // hop)])


@known.mistake
def one_too_few_in_a_list_to_stack(wave, window, hop):
    """The last frame is missing, and where there is but one frame the list to stack is empty. The first frame counts as
    well as the hops that fit behind it."""
    frames = [wave[i * hop : i * hop + window] for i in range((len(wave) - window) // hop)]
    return np.stack(frames)


@known.mistake
def exact_fit_missed_in_an_array(wave, window, hop):
    """A last window that ends exactly with the waveform is missing; where it is the only one, an empty list is left,
    and that has no second axis. range and np.arange leave their end out."""
    return np.array([wave[start : start + window] for start in range(0, len(wave) - window, hop)])


@known.mistake
def exact_fit_missed_to_stack(wave, window, hop):
    """A last window that ends exactly with the waveform is missing; where it is the only one, nothing is left to stack.
    range and np.arange leave their end out."""
    return np.stack([wave[start : start + window] for start in range(0, len(wave) - window, hop)])


@known.mistake
def exact_fit_missed_in_a_list_to_stack(wave, window, hop):
    """A last window that ends exactly with the waveform is missing, and where it is the only one the list to stack is
    empty. range and np.arange leave their end out."""
    frames = [wave[start : start + window] for start in range(0, len(wave) - window, hop)]
    return np.stack(frames)


@known.mistake
def fraction_of_frames(wave, window, hop):
    """The number of frames is a number with a point, as / gives it, even where nothing stands behind the point. `//`
    rounds down to an integer."""
    count = (len(wave) - window) / hop + 1
    return np.stack([wave[i * hop : i * hop + window] for i in range(count)])


@known.mistake
def fraction_of_frames_at_once(wave, window, hop):
    """The number of frames comes from a division with /, which gives a number with a point. `//` rounds down to an
    integer."""
    return np.stack([wave[i * hop : i * hop + window] for i in range((len(wave) - window) / hop + 1)])


@known.mistake
def hop_as_an_axis(wave, window, hop):
    """sliding_window_view takes an axis as its third argument, not a step: it gives every window. Keep one in hop of
    its rows."""
    return np.lib.stride_tricks.sliding_window_view(wave, window, hop)


@known.probe
def counting(rng):
    hop = 4
    frames = yield {"wave": np.arange(17.0), "window": 6, "hop": hop}
    for number, start in enumerate(frames[:, 0]):
        if start != hop * number:
            return (
                f"With a waveform that counts 0, 1, 2, ... and a hop of {hop}, your frame number {number} starts with "
                f"{start:.4g}; it should start with sample {hop * number}."
            )
    found = first_difference(frames, hop * np.arange(len(frames))[:, None] + np.arange(6))
    return found and (
        f"With a waveform that counts 0, 1, 2, ... and a hop of {hop}, each of your frames starts with the right "
        f"sample, but at [{found[0]}] stands {found[1]:.4g} where sample {found[2]:.4g} belongs."
    )


@known.probe
def ones(rng):
    frames = yield {"wave": np.ones(20), "window": 7, "hop": 3}
    found = first_difference(frames, np.ones_like(frames))
    return found and f"Of a waveform of ones, your frames hold {found[1]:.4g} at [{found[0]}]."


@known.probe
def twice_as_loud(rng):
    inputs = two_tones_and_noise(rng, samples=20, window=7, hop=3)
    once = yield inputs
    twice = yield {**inputs, "wave": 2 * inputs["wave"]}
    if not np.allclose(twice, 2 * once):
        return "Of a waveform twice as loud, your frames are not twice as loud; they should be pieces of it."
    return None


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

    return torch.from_numpy(wave).unfold(0, window, hop).numpy()


TASK = Task(
    id="11.split_frames",
    title="A waveform in frames",
    difficulty=1,
    minutes=10,
    reference=reference,
    draw=two_tones_and_noise,
    cases=(
        Case("the example of the text", {}, draw=the_example),
        Case("11 samples, a window of 4 every 3", dict(samples=11, window=4, hop=3)),
        Case("21 samples, a window of 6 every 5: it fits exactly", dict(samples=21, window=6, hop=5)),
        Case("30 samples, a window of 7 every 2", dict(samples=30, window=7, hop=2)),
        Case("an eighth of a second, float32", dict(samples=1043, window=200, hop=80), dtype="float32"),
        Case(
            "exactly one window, a hop of 1",
            dict(samples=5, window=5, hop=1),
            dtype="float32",
            draw=two_tones_and_noise,
        ),
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
    stages=(sound, long, step, starts, frames, kept, laid),
    coincidences={
        "frames_of_hop_samples + no_overlap": "hop_and_window_swapped",
        "last_filled_with_zeros + one_too_few": "exact_fit_missed",
        "a_window_of_zeros_behind + one_too_few": "samples_over_hop",
        "a_start_every_hop + one_added_too_early": "samples_over_hop",
        "a_window_of_zeros_behind + exact_fit_missed": "a_start_every_hop",
        "one_sample_too_many + one_sample_too_few": "exact_fit_missed",
    },
    **known.ways,
)
