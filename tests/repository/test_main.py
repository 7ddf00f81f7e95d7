"""`python -m fmtutorial` tells what is right, and what is wrong and how to repair it."""

import os
import subprocess
import sys

from packaging.requirements import Requirement

from fmtutorial import __main__ as doctor


def test_a_sound_environment_is_told_so():
    command, environment = [sys.executable, "-m", "fmtutorial"], os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is well." in done.stdout and "✓ torch " in done.stdout and "✗" not in done.stdout


def test_a_missing_package_and_an_old_one_are_told_with_the_remedy():
    right, line = doctor.package_line(Requirement("no-such-package>=1"))
    assert not right and "pip install --upgrade 'no-such-package>=1'" in line
    right, line = doctor.package_line(Requirement("torch>=99"))
    assert not right and "torch>=99 is needed" in line


def test_something_wrong_gives_a_status(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "kernel_line", lambda: (False, "kernel python3: missing."))
    assert doctor.main() == 1
    assert "1 to repair" in capsys.readouterr().out


def test_a_wrong_number_is_noticed(monkeypatch):
    monkeypatch.setattr(doctor.exact, "loss_floor", lambda *a: (2.5, 0.001))
    right, line = doctor.numbers_line()
    assert not right and "wrong" in line
