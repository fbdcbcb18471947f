"""What the doctor asks of the installed packages."""

import importlib.metadata
import subprocess
import sys

import pytest

import course
from upkeep import doctor
from upkeep.__main__ import main


def test_packages_that_differ_from_their_pins_are_named(monkeypatch, tmp_path):
    installed = importlib.metadata.version("packaging")
    pins = [
        "# pins",
        "packaging==1.0",
        "mars-attention==3.2",
        f"pytest=={pytest.__version__}",
        "no==1 ; os_name == 'c64'",
    ]
    (tmp_path / "requirements.txt").write_text("\n".join(pins), encoding="utf-8")
    monkeypatch.setattr(course, "REQUIREMENTS", tmp_path / "requirements.txt")
    found, advice = doctor.check_packages()
    assert found == f"packaging is {installed}, pinned ==1.0; mars-attention is missing"
    assert advice == course.REINSTALL


def test_a_kernel_runs():
    assert doctor.check_kernel() == ("starts, and 1 + 1 is 2", None)


def test_a_gpu_that_pytorch_was_not_built_for_is_told(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(course, "has_nvidia_gpu", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", None)
    found, advice = doctor.check_device()
    assert found.endswith(f"to use the GPU: {course.CALL} learn --torch default")
    assert advice is None
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert doctor.check_device()[1].endswith("update its driver")


def test_the_exit_code_is_the_number_of_problems(monkeypatch, capsys):
    def heart():
        """heart"""
        return "beats", None

    def knee():
        """knee"""
        return "hurts", "rest"

    def foot():
        """foot"""
        raise OSError("no foot")

    monkeypatch.setattr(course, "report", lambda checks, report=course.report: report([heart, knee, foot]))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["doctor"]) == 2
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said[:2]] == [["ok", "heart"], ["PROBLEM", "knee"]]
    assert said[2].split() == ["->", "rest"]
    assert "OSError: no foot" in said[3]


def test_the_doctor_starts_whatever_is_missing():
    """All of .venv is hidden (-I -S): what is left is the standard library, and each check turns into a finding."""
    code = f"import sys; sys.path.insert(0, {str(course.ROOT)!r}); from upkeep.__main__ import main; main(['doctor'])"
    reply = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, encoding="utf-8")
    found = [line.split()[:3] for line in reply.stdout.splitlines() if line.startswith(("ok", "PROBLEM"))]
    assert [line[:2] for line in found[:3]] == [["PROBLEM", "packages"], ["PROBLEM", "device"], ["PROBLEM", "kernel"]]
    assert found[0][2] == "ModuleNotFoundError:"
    assert "Traceback" not in reply.stderr


def test_the_doctor_says_how_answers_are_held(monkeypatch):
    found, advice = doctor.check_jail()
    assert advice is None  # a learner needs none
    assert found.startswith(("an answer runs jailed (", "an answer runs not jailed: ", "there is no jail for "))
    monkeypatch.setattr("jail.keeper.sys.platform", "darwin")
    assert doctor.check_jail() == (
        "there is no jail for darwin yet, only for Linux; grading here is for work that you trust",
        None,
    )
