"""Every array library, dtype and device that the course's functions must serve, and fresh random numbers.

python -m pytest tests/course_lib                   NumPy and PyTorch on the CPU
python -m pytest tests/course_lib --device cuda     what can run on a GPU runs there (mps: Apple's)
"""

import os
import secrets
from dataclasses import dataclass

import array_api_compat
import array_api_strict
import numpy as np
import pytest
import torch

LIBRARIES = {"numpy": np, "torch": torch, "array_api_strict": array_api_strict}


@dataclass(frozen=True)
class Backend:
    """One array library at one dtype on one device; `float64` numbers go in and come out as NumPy arrays."""

    library: str
    dtype: str
    device: str = "cpu"

    def __str__(self):
        return f"{self.library}-{self.dtype}-{self.device}"

    @property
    def eps(self):
        """The gap between 1 and the next number of this dtype."""
        return torch.finfo(getattr(torch, self.dtype)).eps

    def array(self, numbers):
        """Return `numbers` as a floating-point array of this backend."""
        return self._make(numbers, self.dtype)

    def integers(self, numbers):
        return self._make(numbers, "int64")

    def booleans(self, numbers):
        return self._make(numbers, "bool")

    def numpy(self, array):
        """Return what `array` holds, for comparison; float64 holds the numbers of every shorter dtype exactly."""
        if array_api_compat.is_torch_array(array):
            array = array.detach().cpu()
            array = (array.double() if array.is_floating_point() else array).numpy()
        elif array_api_compat.is_array_api_strict_namespace(array_api_compat.array_namespace(array)):
            array = np.from_dlpack(array)
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    def rounded(self, numbers):
        """Return `numbers` as this dtype holds them: what an oracle in float64 must start from."""
        return self.numpy(self.array(numbers))

    def assert_close(self, actual, expected, *, roundings=8):
        """Hold library, dtype, device, shape and values; the tolerance is so many roundings of the dtype."""
        self._assert_kind(actual, self.dtype)
        tolerance = roundings * self.eps
        np.testing.assert_allclose(
            self.numpy(actual), expected, rtol=tolerance, atol=tolerance, equal_nan=False, strict=True
        )

    def assert_same_mask(self, actual, expected):
        self._assert_kind(actual, "bool")
        np.testing.assert_array_equal(self.numpy(actual), np.asarray(expected, dtype=bool), strict=True)

    def _make(self, numbers, dtype):
        library = LIBRARIES[self.library]
        device = array_api_strict.Device(self.device) if library is array_api_strict else self.device
        return library.asarray(np.array(numbers), dtype=getattr(library, dtype), device=device)

    def _assert_kind(self, array, dtype):
        like = self._make(0, dtype)
        assert type(array) is type(like) or (isinstance(array, np.generic) and array.ndim == 0)
        assert array.dtype == like.dtype
        assert array.device == like.device


DTYPES = {
    "cpu": ("float16", "bfloat16", "float32", "float64"),
    "cuda": ("float16", "bfloat16", "float32", "float64"),
    "mps": ("float16", "float32"),
}
ON_THE_CPU = [
    *(Backend("numpy", dtype) for dtype in ("float16", "float32", "float64")),
    *(Backend("torch", dtype) for dtype in DTYPES["cpu"]),
    *(Backend("array_api_strict", dtype, "CPU_DEVICE") for dtype in ("float32", "float64")),
    Backend("array_api_strict", "float32", "device1"),  # a pretended device: shows on any machine who forgets it
]


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", choices=("cpu", "cuda", "mps"), help="where tensors lie in tests")


def chosen_device(config):
    """Return the device that was asked for; the CPU also where pytest was not told of these tests and so not asked."""
    return config.getoption("--device", default="cpu")


def pytest_configure(config):
    absent = {
        "cuda": (not torch.cuda.is_available(), "this machine has no NVIDIA or AMD GPU"),
        "mps": (not torch.backends.mps.is_available(), "this machine has no Apple GPU"),
    }
    is_absent, reason = absent.get(chosen_device(config), (False, ""))
    if is_absent:
        raise pytest.UsageError(f"--device {chosen_device(config)}: {reason} that PyTorch can use.")


def pytest_generate_tests(metafunc):
    """Run a test that takes a `backend` or a `place` once for each that the chosen device has."""
    device = chosen_device(metafunc.config)
    if "backend" in metafunc.fixturenames:
        others = [Backend("torch", dtype, device) for dtype in DTYPES[device]]
        metafunc.parametrize("backend", ON_THE_CPU if device == "cpu" else others, ids=str)
    if "place" in metafunc.fixturenames:
        places = [(getattr(torch, dtype), device) for dtype in DTYPES[device] if dtype in ("float32", "float64")]
        metafunc.parametrize("place", [dict(dtype=dtype, device=device) for dtype, device in places], ids=str)


@pytest.fixture
def cuda(request):
    """Skip the test unless it was asked for on an NVIDIA or AMD GPU."""
    if chosen_device(request.config) != "cuda":
        pytest.skip("for an NVIDIA or AMD GPU: --device cuda")


@pytest.fixture
def rng():
    """Random numbers that differ in every run; the seed is printed with a failure."""
    seed = int(os.environ.get("COURSE_TEST_SEED", secrets.randbits(32)))
    print(f"COURSE_TEST_SEED={seed} draws the numbers of this test again.")
    return np.random.default_rng(seed)
