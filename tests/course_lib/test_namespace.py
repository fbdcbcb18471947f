"""Which library an array belongs to, and which device the notebooks take."""

import array_api_strict
import numpy as np
import pytest
import torch

from course_lib import pick_device
from course_lib.namespace import array_namespace, fused_softmax, running_sums


def test_namespace_of_one_library():
    assert array_namespace(a=np.ones(2), b=np.ones(3)) is np
    assert array_namespace(a=torch.ones(2), b=torch.nn.Parameter(torch.ones(3))) is torch
    assert array_namespace(a=array_api_strict.ones(2)) is array_api_strict


def test_only_pytorch_ships_a_softmax():
    assert fused_softmax(torch) is torch.softmax
    assert fused_softmax(np) is None
    assert fused_softmax(array_api_strict) is None


@pytest.mark.parametrize("xp", [np, torch, array_api_strict], ids=lambda xp: xp.__name__)
def test_running_sums_under_the_name_of_each_library(xp):
    numbers = xp.asarray([[1.0, 2.0, 4.0], [0.0, -1.0, 3.0]])
    sums = np.asarray([[1.0, 3.0, 7.0], [0.0, -1.0, 2.0]])
    np.testing.assert_array_equal(np.from_dlpack(running_sums(xp, numbers, axis=-1)), sums)
    np.testing.assert_array_equal(np.from_dlpack(running_sums(xp, numbers, axis=-2)), [[1, 2, 4], [1, 1, 7]])


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_pick_device_prefers_the_fastest(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device() == torch.device(expected)


def test_pick_device_works_here():
    assert torch.ones(2, device=pick_device()).sum() == 2
