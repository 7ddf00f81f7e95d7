"""Binder's plan is complete, and its last step works."""

import os
import sys

import pytest
from helpers import CHAPTERS, ROOT
from installing import run
from walks import walked

pytestmark = pytest.mark.installation


def test_repo2docker_plans_with_our_files(clone):
    pytest.importorskip("repo2docker")
    plan = run(sys.executable, "-m", "repo2docker", "--no-build", "--debug", clone)
    assert "binder/environment.yml" in plan
    assert "chmod +x binder/postBuild" in plan and "./binder/postBuild" in plan
    assert "binder/start" in plan


def test_post_build_installs_the_course(bare, clone):
    environment = os.environ | {"PATH": f"{bare.parent}{os.pathsep}{os.environ['PATH']}"}
    run(clone / "binder" / "postBuild", cwd=clone, environment=environment)
    where = run(bare, "-c", "import fmtutorial; print(fmtutorial.__file__)", cwd=ROOT.parent)
    assert str(clone) in where


def test_start_limits_threads_and_passes_the_command_on():
    printed = run(ROOT / "binder" / "start", "sh", "-c", "echo threads $OMP_NUM_THREADS")
    assert "threads 1" in printed


def test_notebooks_fit_binder():
    report = run(sys.executable, ROOT / "tools" / "run_notebooks.py", "--measure", *walked(CHAPTERS))
    print("\n" + "\n".join(line for line in report.splitlines() if line.endswith(" MB")))
    assert "too much" not in report
