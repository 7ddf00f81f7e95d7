"""A clone of the repository, and an environment without the course. Run: `pytest -m installation -n 0`."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "tools")]

from installing import ROOT, run  # noqa: E402


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Path:
    """What is committed, tagged as the version that notebooks install."""
    import sync_repository

    folder = tmp_path_factory.mktemp("origin") / "repository"
    run("git", "clone", "--quiet", ROOT, folder)
    run("git", "tag", "--force", f"v{sync_repository.facts()[1]}", cwd=folder)
    return folder


@pytest.fixture
def bare(tmp_path) -> Path:
    """The Python of a fresh environment that sees our packages, but not the course."""
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = tmp_path / "venv" / scripts / "python"
    where = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(where, "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")  # editable installs stay out
    assert subprocess.run([str(python), "-c", "import torch"], check=False).returncode == 0
    absent = subprocess.run([str(python), "-c", "import fmtutorial"], capture_output=True, cwd=tmp_path)
    assert absent.returncode != 0
    return python
