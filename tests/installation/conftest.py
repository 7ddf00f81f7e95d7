"""A clone of the repository, and an environment without the course. Run: `pytest -m installation -n 0`."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import sync_repository
from helpers import ROOT
from installing import run


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Path:
    """What is committed, tagged as the version that notebooks install."""
    folder = tmp_path_factory.mktemp("origin") / "repository"
    run("git", "clone", "--quiet", ROOT, folder)
    run("git", "tag", "--force", f"v{sync_repository.facts()[1]}", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory) -> Path:
    """The Python of a virtual environment that sees our packages, but not the course. Made once."""
    os.environ.pop("PYTHONPATH", None)  # it would bring the course along
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", folder)
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = folder / scripts / "python"
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # A line with our packages' folder; editable installs, such as the course, stay out.
    Path(packages, "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    assert subprocess.run([python, "-c", "import torch"], check=False).returncode == 0
    return python


@pytest.fixture
def bare(environment, tmp_path) -> Iterator[Path]:
    """The same Python; what a test installs of the course goes again after it."""
    absent = subprocess.run([environment, "-c", "import fmtutorial"], capture_output=True, cwd=tmp_path)
    assert absent.returncode != 0
    yield environment
    run(environment, "-m", "pip", "uninstall", "--quiet", "--yes", "fmtutorial", cwd=tmp_path)
    for stub in environment.parent.parent.glob("lib/python*/site-packages/google"):
        shutil.rmtree(stub)
