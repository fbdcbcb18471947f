"""The table of the digits: its smallest rows computed again, and that what is compared can be compared."""

import numpy as np
import pytest
import torch

from course_lib.relatives.convolution import kernel_offsets
from experiments.digits import BASELINE, CONTROLS, LAYERS, SETTINGS, STARTS, TRIALS, Reader, best_rate, run
from experiments.record import stored_rows


def test_every_row_is_stored():
    for name, settings in (("digits", SETTINGS), ("digits_starts", STARTS), ("digits_rates", TRIALS)):
        for setting in settings:
            assert len(stored_rows(name, **setting)) == 1, setting


def test_the_smallest_row_comes_out_again():
    """Other processors round otherwise, and a thousand steps make much of it: 0.06 are 30 digits of 500."""
    [stored] = stored_rows("digits", model="convolution", train_size=50, seed=0)
    again = run("convolution", 50, 0)
    assert again["parameters"] == stored["parameters"]
    assert abs(again["accuracy"] - stored["accuracy"]) < 0.06


def test_the_baseline_comes_out_again():
    [stored] = stored_rows("digits", model=BASELINE, train_size=50, seed=0)
    again = run(BASELINE, 50, 0)
    assert again["parameters"] == stored["parameters"] == 64 * 10 + 10
    assert abs(again["accuracy"] - stored["accuracy"]) < 0.01


def test_networks_are_of_equal_size():
    sizes = {row["parameters"] for row in stored_rows("digits") if row["model"] in LAYERS}
    assert max(sizes) < 1.05 * min(sizes)


@pytest.mark.parametrize("kind", [*LAYERS, *CONTROLS])
def test_networks_take_pictures_of_the_digits_size(kind):
    assert Reader(kind)(torch.rand(3, 8, 8, 1)).shape == (3, 10)


def test_aimed_attention_differs_in_its_start_alone():
    torch.manual_seed(4)
    anywhere = Reader("quadratic attention")
    torch.manual_seed(4)
    aimed = Reader("aimed attention")
    for (name, one), (_, other) in zip(anywhere.named_parameters(), aimed.named_parameters(), strict=True):
        assert torch.equal(one, other) == (not name.endswith(("centers", "log_alpha"))), name
    np.testing.assert_array_equal(aimed.first.centers.detach(), kernel_offsets(3))
    np.testing.assert_allclose(aimed.first.alpha.detach(), 5, rtol=1e-6)


def test_the_controls_change_aim_or_sharpness_alone():
    readers = {}
    for kind in ("quadratic attention", "aimed attention", "aimed, not sharp", "sharp, not aimed"):
        torch.manual_seed(4)
        readers[kind] = Reader(kind).first
    first, aimed, soft, sharp = readers.values()
    assert torch.equal(soft.centers, aimed.centers)
    assert torch.equal(soft.alpha, first.alpha)
    assert torch.equal(sharp.centers, first.centers)
    assert torch.equal(sharp.alpha, aimed.alpha)


def test_the_rate_is_the_best_of_those_tried():
    for model in ("convolution", "quadratic attention", "full attention"):
        best = np.mean([row["accuracy"] for row in stored_rows("digits_rates", model=model, rate=best_rate(model))])
        for rate in {row["rate"] for row in stored_rows("digits_rates")}:
            tried = [row["accuracy"] for row in stored_rows("digits_rates", model=model, rate=rate)]
            assert len(tried) == 2
            assert np.mean(tried) <= best
    assert best_rate("aimed attention") == best_rate("quadratic attention")
