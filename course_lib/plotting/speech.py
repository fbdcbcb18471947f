"""Speech: the waveform, its spectrogram and what attention does, on one axis of time; mel filters; padded batches."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import names_of, numbers
from course_lib.plotting.style import COLORS, FAINT, GRID, INK, SMALL, ink, shades, write
from course_lib.plotting.words import count, number, two_decimals

# Of the course's speech (`course_lib.data.mel` and `.speech`; a test holds them equal): samples in a second, in a
# window, from one frame to the next; frames in a position of the model.
RATE, WINDOW, HOP, STACKED = 8000, 200, 80, 4
FIRST = (WINDOW - HOP) / 2 / RATE  # seconds: a frame is drawn around the middle of its window, as wide as the hop

INCHES, WAVE, MELS, ROW, SPACE = 7.4, 0.9, 1.2, 0.27, 0.12  # the width of all; the heights of the strips
QUIET_TO_LOUD = LinearSegmentedColormap.from_list("log-mel", ["#FFFFFF", COLORS["input"], "#0B0F14"])


def show_speech(wave, log_mel=None, weights=None, written=(), *, said=(), spans=(), title=None) -> CourseFigure:
    """A waveform; below it, if given, its log-mel frames and the weights of cross-attention, on one axis of time.

    wave: (samples,). log_mel: (frames, bands). weights: (characters, positions), a row for each name in `written`.
    said: the digits' names, and spans: the (first, last) sample of each; where there are weights, a digit's span is
    framed in the row of its character.
    """
    wave = numbers(wave, "wave", ndim=1)
    spans = [(first / RATE, (last + 1) / RATE) for first, last in spans]
    said = names_of(said, len(spans), "name", "span", "spans")
    strips = [(WAVE, lambda axes, top: _draw_wave(axes, wave, spans, top))]
    alt = f"Waveform of {two_decimals(len(wave) / RATE)} s"
    alt += f": {'; '.join(map(_said, said, spans))}. " if said else ". "
    if log_mel is not None:
        log_mel = numbers(log_mel, "log_mel")
        strips.append((MELS, lambda axes, top: _draw_log_mel(axes, log_mel, top)))
        alt += f"Log-mel spectrogram of {count(len(log_mel), 'frame')} in {count(log_mel.shape[1], 'band')}. "
    if weights is not None:
        weights = numbers(weights, "weights")
        written = names_of(written, len(weights), "character", "row", "weights")
        strips.append((ROW * len(weights), lambda axes, top: _draw_weights(axes, weights, written, spans, top)))
        alt += f"Cross-attention over {count(weights.shape[1], 'position')}: {_where(weights, written, spans)}. "
    height = sum(size for size, _ in strips) + SPACE * (len(strips) - 1)

    def draw(axes, limits):
        _time_axis(axes, len(wave) / RATE, height)
        top = 0.0
        for size, draw_strip in strips:
            draw_strip(axes, top)
            top += size + SPACE
        for name, (first, last) in zip(said, spans, strict=True):
            write(axes, ((first + last) / 2, 0), name, (0, 4), ha="center", va="bottom")

    return CourseFigure((Panel(INCHES, height, draw, alt.strip(), title),))


def show_log_mels(log_mels, names, *, title=None) -> CourseFigure:
    """The log-mel frames of several utterances, padded to the longest; the padding is hatched.

    log_mels: arrays (frames, bands), each as long as its utterance; names: one for each.
    """
    log_mels = [numbers(frames, "log_mels") for frames in log_mels]
    names = names_of(names, len(log_mels), "name", "utterance", "log_mels")
    lengths = [len(frames) for frames in log_mels]
    longest, size, gap = max(lengths), 0.42, 0.06
    end = FIRST + longest * HOP / RATE
    height = (size + gap) * len(names) - gap

    def draw(axes, limits):
        _time_axis(axes, end, height)
        for row, (name, frames) in enumerate(zip(names, log_mels, strict=True)):
            top = row * (size + gap)
            _draw_log_mel(axes, frames, top, size, labels=False)
            if len(frames) < longest:
                start = FIRST + len(frames) * HOP / RATE
                style = {"facecolor": cells.MASKED, "edgecolor": "#BDBDBD", "hatch": "////", "linewidth": 0}
                cells.box(axes, start, top, end - start, size, **style)
            write(axes, (0, top + size / 2), name, (-6, 0), ha="right", va="center_baseline")

    padding = sum(longest - length for length in lengths)
    own = ", ".join(f"{name} {length}" for name, length in zip(names, lengths, strict=True))
    alt = f"Log-mel spectrograms of {count(len(names), 'utterance')}, padded to {count(longest, 'frame')}. "
    alt += f"Their own lengths: {own}. {padding} of {longest * len(names)} frames are padding."
    return CourseFigure((Panel(INCHES, height, draw, alt, title),))


def show_filters(filters, *, mark=None, title=None) -> CourseFigure:
    """Mel filters: how much every frequency counts in every band. mark: a frequency (Hz) to draw a line at.

    filters: (bands, frequencies), the frequencies from 0 to half the sampling rate; the band in which the marked one
    counts most is filled.
    """
    filters = numbers(filters, "filters")
    frequencies = np.linspace(0, RATE / 2, filters.shape[1])
    chosen = None if mark is None else int(filters[:, np.abs(frequencies - mark).argmin()].argmax())
    color = COLORS["output"]

    def draw(axes, limits):
        for band, heights in enumerate(filters):
            shade = COLORS["input"] if band % 2 else "#9AA4AD"
            axes.plot(frequencies, heights, color=shade, linewidth=1.2, zorder=2)
        if mark is not None:
            axes.fill_between(frequencies, filters[chosen], color=color, alpha=0.35, linewidth=0, zorder=1)
            axes.axvline(mark, color=color, linewidth=1.8, linestyle=(0, (4, 2)), zorder=3)
            write(axes, (mark, 1), f"{number(mark)} Hz: band {chosen + 1}", (5, 4), va="bottom", color=ink("output"))
        axes.set_xlim(0, RATE / 2)
        axes.set_ylim(0, 1)
        axes.set_xlabel("frequency (Hz)")
        axes.set_ylabel("counts")
        axes.tick_params(labelsize=SMALL, color=FAINT)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)

    widths = [np.count_nonzero(heights) for heights in filters]
    alt = f"{count(len(filters), 'triangle')} over frequencies from 0 to {number(RATE / 2)} Hz, narrow below "
    alt += f"({count(widths[0], 'frequency', 'frequencies')} of the spectrum in the first) and wide above "
    alt += f"({widths[-1]} in the last)."
    alt += "" if mark is None else f" {number(mark)} Hz counts most in band {chosen + 1}."
    return CourseFigure((Panel(INCHES, 1.7, draw, alt, title),))


# The strips -----------------------------------------------------------------------------------------------------------


def _time_axis(axes, end, height):
    """Seconds from left to right, inches from the top down."""
    axes.set_xlim(0, end)
    axes.set_ylim(height, 0)
    axes.set_autoscale_on(False)
    axes.set_yticks([])
    axes.set_xlabel("time (s)", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL, color=FAINT)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.spines["bottom"].set_position(("outward", 4))


def _draw_wave(axes, wave, spans, top):
    for first, last in spans:
        cells.box(axes, first, top, last - first, WAVE, facecolor=GRID, linewidth=0, zorder=0)
    reach = np.abs(wave).max() or 1.0
    heights = top + WAVE / 2 * (1 - 0.96 * wave / reach)
    axes.plot(np.arange(len(wave)) / RATE, heights, color=COLORS["input"], linewidth=0.6, zorder=2)
    _label_strip(axes, "waveform", top + WAVE / 2)


def _draw_log_mel(axes, log_mel, top, size=MELS, *, labels=True):
    low, high = np.percentile(log_mel, [5, 99.5])  # a floor of noise is no news
    shown = np.clip((log_mel - low) / ((high - low) or 1.0), 0, 1)
    end = FIRST + len(log_mel) * HOP / RATE
    _draw_picture(axes, QUIET_TO_LOUD(shown.T[::-1])[..., :3], (FIRST, end, top + size, top))
    if labels:
        _label_strip(axes, "log-mel", top + size / 2)
        write(axes, (0, top), "high", (-6, 0), ha="right", va="top", size=SMALL, color=FAINT)
        write(axes, (0, top + size), "low", (-6, 0), ha="right", va="bottom", size=SMALL, color=FAINT)


def _draw_weights(axes, weights, written, spans, top):
    shade = shades("weights")
    colors = np.array([[to_rgb(shade(value, (0.0, weights.max()))) for value in row] for row in weights])
    end = FIRST + weights.shape[1] * STACKED * HOP / RATE
    _draw_picture(axes, colors, (FIRST, end, top + ROW * len(weights), top))
    for row, name in enumerate(written):
        middle = top + ROW * (row + 0.5)
        write(axes, (0, middle), name, (-6, 0), ha="right", va="center_baseline", color=ink("query"))
        if row < len(spans):
            first, last = spans[row]
            cells.box(axes, first, top + ROW * row, last - first, ROW, fill=False, edgecolor=INK, linewidth=1.4)


def _draw_picture(axes, colors, extent):
    axes.imshow(colors, extent=extent, aspect="auto", interpolation="nearest", zorder=1)
    left, right, bottom, top = extent
    cells.box(axes, left, top, right - left, bottom - top, fill=False, edgecolor=FAINT, linewidth=0.8, zorder=3)


def _label_strip(axes, name, middle):
    write(axes, (0, middle), name, (-6, 0), ha="right", va="center", color=FAINT)


# In words -------------------------------------------------------------------------------------------------------------


def _said(name, span):
    return f"{name} from {two_decimals(span[0])} to {two_decimals(span[1])} s"


def _where(weights, written, spans):
    """Return where every row's weight lies: its middle, and the share of it in the row's own span."""
    middles = FIRST + (np.arange(weights.shape[1]) + 0.5) * STACKED * HOP / RATE
    said = []
    for row, (name, values) in enumerate(zip(written, weights, strict=True)):
        where = f"{name} looks around {two_decimals(values @ middles / values.sum())} s"
        if row < len(spans):
            inside = (middles >= spans[row][0]) & (middles <= spans[row][1])
            where += f" ({two_decimals(values[inside].sum())} of its weight on its digit)"
        said.append(where)
    return "; ".join(said)
