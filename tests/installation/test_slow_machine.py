"""README's test command on a machine five times slower than this one. Run: `pytest -m installation -n 0`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from helpers import NOTEBOOKS, ROOT

pytestmark = pytest.mark.installation

ENDLESS = """\
# NBVAL_IGNORE_OUTPUT
from fmtutorial import StraightPath, VelocityNet, standard_mixture, train
history = train(VelocityNet(2), standard_mixture(), StraightPath(), n_steps=10**7, progress=False)
"""


def nbval(notebook: Path, *options: str) -> subprocess.CompletedProcess:
    """One notebook, tested as README's command tests it."""
    quietly = ["-n", "0", "-q", "--rootdir", ROOT]
    command = [sys.executable, "-m", "pytest", "--nbval", *quietly, notebook, *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def a_fifth_of_a_core() -> Iterator[None]:
    """This process and its children on one core, beside four that never rest."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    restless = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    yield
    for process in restless:
        process.kill()
        process.wait()
    os.sched_setaffinity(0, before)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux binds a process to a core")
def test_the_chapter_with_the_longest_cell_passes_on_a_fifth_of_a_core(a_fifth_of_a_core):
    done = nbval(NOTEBOOKS / "04_training.ipynb")
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_cell_beyond_its_time_fails_although_training_is_interrupted_gently(tmp_path):
    cell = nbformat.v4.new_code_cell(ENDLESS, execution_count=1)
    endless = tmp_path / "endless.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), endless)
    done = nbval(endless, "--nbval-cell-timeout", "10", "--nbval-current-env")
    assert done.returncode == 1
    assert "Timeout of 10 seconds exceeded" in done.stdout
