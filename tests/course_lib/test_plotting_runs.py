"""Runs: every run a dot, every way its mean, and both in words."""

import numpy as np
import pytest
import torch

from course_lib.plotting import show_runs

RUNS = {"mean": [0.25, 0.75, 0.5], "four hops with a long name": torch.tensor([0.5, 1.0]), "$baseline": [0.8]}


def test_every_run_is_a_dot_in_its_row_and_the_mean_a_bar_across():
    [axes] = show_runs(RUNS, "accuracy").figure.axes
    dots = {line.get_ydata()[0]: list(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"}
    assert dots == {0.5: [0.25, 0.75, 0.5], 1.5: [0.5, 1.0], 2.5: [0.8]}
    bars = [line.get_xdata()[0] for line in axes.lines if line.get_linewidth() == 2.5]
    np.testing.assert_allclose(bars, [0.5, 0.75, 0.8])


def test_names_are_written_whole_and_means_on_the_right():
    [axes] = show_runs(RUNS, "accuracy").figure.axes
    written = [text.get_text() for text in axes.texts]
    assert written[:3] == list(RUNS)
    assert written[-3:] == ["0.50", "0.75", "0.80"]


def test_it_says_the_means_and_how_far_the_runs_lie_apart():
    figure = show_runs(RUNS, "accuracy", title="result")
    assert figure.alt.startswith("result: Dots of accuracy, a row for each way")
    assert (
        "mean 0.50 (3 runs, 0.25 to 0.75); four hops with a long name 0.75 (2 runs, 0.5 to 1); $baseline" in figure.alt
    )
    assert figure.png


@pytest.mark.parametrize("runs", [{}, [0.5, 0.6]])
def test_ways_have_names(runs):
    with pytest.raises(ValueError, match="name at least one way"):
        show_runs(runs, "accuracy")


def test_a_way_without_runs_is_told():
    with pytest.raises(ValueError, match=r"runs of 'mean' has shape \(0,\): there is nothing to show"):
        show_runs({"mean": []}, "accuracy")
