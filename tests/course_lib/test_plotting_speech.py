"""Figures of speech: what they say in words, and that everything on the axis of time lies where it was said."""

import numpy as np
import pytest

from course_lib.data import mel, speech
from course_lib.plotting import drawable, show_filters, show_log_mels, show_speech, side_by_side
from course_lib.plotting import speech as figures

WAVE = np.sin(np.arange(2 * 8000) / 3) * np.linspace(0.1, 1, 2 * 8000)  # 2 s
SPANS = ((1600, 6399), (8800, 12799))  # from 0.2 to 0.8 s, from 1.1 to 1.6 s
FRAMES = np.arange(198 * 5.0).reshape(198, 5)


def weights_at(*positions, count=49):
    """Return a row for each position, with all its weight there."""
    return np.eye(count)[list(positions)]


def axes_of(figure):
    [axes] = figure.figure.axes
    return axes


def texts(figure):
    return [text.get_text() for text in axes_of(figure).texts]


def test_sizes_are_those_of_the_data():
    assert (figures.RATE, figures.STACKED) == (speech.RATE, speech.STACKED)
    assert (figures.WINDOW, figures.HOP) == (mel.WINDOW, mel.HOP)


def test_speech_says_where_it_is_said_and_where_each_character_looks():
    # Position 9 is made of samples 9 * 320 to 9 * 320 + 439: its middle is sample 3100, at 0.3875 s.
    figure = show_speech(WAVE, FRAMES, weights_at(9, 40, 48), ["a", "b", "END"], said="ab", spans=SPANS)
    assert figure.alt == (
        "Waveform of 2.00 s: a from 0.20 to 0.80 s; b from 1.10 to 1.60 s. "
        "Log-mel spectrogram of 198 frames in 5 bands. "
        "Cross-attention over 49 positions: a looks around 0.39 s (1.00 of its weight on its digit); "
        "b looks around 1.63 s (0.00 of its weight on its digit); END looks around 1.95 s."
    )


def test_speech_is_drawn_as_far_as_it_is_given():
    assert show_speech(WAVE).alt == "Waveform of 2.00 s."
    assert "log-mel" not in texts(show_speech(WAVE, said="ab", spans=SPANS))
    alone, both = show_speech(WAVE).panels[0], show_speech(WAVE, FRAMES).panels[0]
    assert both.height > alone.height
    assert both.width == alone.width


def test_a_column_is_drawn_around_the_middle_of_its_windows():
    figure = show_speech(WAVE, FRAMES, weights_at(0), ["a"])
    log_mel, weights = (picture.get_extent() for picture in axes_of(figure).images)
    # The first window has its middle at 12.5 ms, a position of four at 27.5 ms; 10 and 40 ms are their widths.
    np.testing.assert_allclose([log_mel[0], weights[0]], 0.0075)
    np.testing.assert_allclose((log_mel[1] - log_mel[0]) / 198, 0.010)
    np.testing.assert_allclose((weights[1] - weights[0]) / 49, 0.040)


def test_low_bands_are_drawn_below_and_loud_ones_dark():
    figure = show_speech(WAVE, FRAMES * [1, 0, 0, 0, 0])  # sound in the lowest band alone, louder and louder
    [picture] = axes_of(figure).images
    colors = np.asarray(picture.get_array())  # (bands, frames, 3), from the top down
    assert (colors[:4] == colors[0, 0]).all()
    assert colors[4, -1].sum() < colors[4, 0].sum()


def test_a_digit_is_framed_in_the_row_of_its_character():
    figure = show_speech(WAVE, None, weights_at(9, 33, 48), ["a", "b", "END"], said="ab", spans=SPANS)
    boxes = [patch for patch in axes_of(figure).patches if patch.get_linewidth() > 1]
    assert [round(box.get_x(), 3) for box in boxes] == [0.2, 1.1]
    assert [round(box.get_width(), 3) for box in boxes] == [0.6, 0.5]
    tops = [box.get_y() for box in boxes]
    np.testing.assert_allclose(np.diff(tops), boxes[0].get_height())


def test_log_mels_count_their_padding():
    figure = show_log_mels([FRAMES, FRAMES[:30]], ["long", "short"])
    assert figure.alt == (
        "Log-mel spectrograms of 2 utterances, padded to 198 frames. Their own lengths: long 198, short 30. "
        "168 of 396 frames are padding."
    )


def test_padding_is_hatched_up_to_the_longest():
    [hatched] = [patch for patch in axes_of(show_log_mels([FRAMES, FRAMES[:30]], "ab")).patches if patch.get_hatch()]
    np.testing.assert_allclose([hatched.get_x(), hatched.get_width()], [0.3075, 1.68])


def test_filters_say_which_band_a_tone_is_in():
    filters = np.array([[0.0, 1, 0.5, 0, 0], [0, 0, 0.5, 1, 0.4]])  # at 0, 1000, ..., 4000 Hz
    assert show_filters(filters, mark=3100).alt == (
        "2 triangles over frequencies from 0 to 4000 Hz, narrow below (2 frequencies of the spectrum in the first) "
        "and wide above (3 in the last). 3100 Hz counts most in band 2."
    )
    assert "3100 Hz: band 2" in texts(show_filters(filters, mark=3100))
    assert "counts most" not in show_filters(filters).alt


def test_drawable_tells_what_no_font_has():
    assert drawable("abc 0 to 9, é")
    assert not drawable("a\ue000")  # a private character


def test_speech_stands_beside_another_figure():
    figure = side_by_side(show_speech(WAVE), show_filters(mel.mel_filters()))
    assert len(figure.figure.axes) == 2
    assert figure.png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: show_speech(FRAMES), "wave has shape"),
        (lambda: show_speech(WAVE, said="abc", spans=SPANS), "3 names but 2 spans"),
        (lambda: show_speech(WAVE, None, weights_at(1, 2), "abc"), "3 characters but 2 rows"),
        (lambda: show_log_mels([FRAMES], "ab"), "2 names but 1 utterance"),
        (lambda: show_filters(WAVE), "filters has shape"),
    ],
)
def test_what_does_not_fit_is_told(call, said):
    with pytest.raises(ValueError, match=said):
        call()
