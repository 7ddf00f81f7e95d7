"""Each notebook opened alone on Colab: nothing of the course is there but what its first cell installs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import sync_repository
from helpers import CHAPTERS, RELEASED, read_notebook
from nbclient import NotebookClient
from walks import walked

pytestmark = pytest.mark.installation


@pytest.fixture
def colab(bare, clone, tmp_path, monkeypatch) -> Path:
    """An empty folder on a machine like Colab: google.colab is loaded, and git takes the course from here."""
    packages = next((bare.parent.parent / "lib").glob("python*/site-packages"))
    (packages / "google" / "colab").mkdir(parents=True)
    (packages / "google" / "colab" / "__init__.py").write_text('"""A stub."""\n')
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00_colab.py").write_text("import google.colab\n")
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(bare), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Colab", "language": "python"})
    )
    repository, _ = sync_repository.facts()
    settings = {
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{clone}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{repository}",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{bare.parent}{os.pathsep}{os.environ['PATH']}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    alone = tmp_path / "content"
    alone.mkdir()
    return alone


def execute(file: Path, folder: Path) -> list[str]:
    """Run a copy of one notebook in `folder`; return what its Colab cell printed."""
    copy = Path(shutil.copy(file, folder))
    notebook = read_notebook(copy)
    kernels = {"kernel_name": "python3", "timeout": 600}
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **kernels).execute()
    cell = next(c for c in notebook.cells if c.get("id") == "colab")
    return [o.get("text", "") for o in cell.outputs]


def test_notebooks_run_alone_on_colab(colab):
    for file in walked(CHAPTERS) + walked(RELEASED):
        printed = "".join(execute(file, colab)).lower()
        assert "error" not in printed and "torch" not in printed, f"{file.name}: {printed}"


def test_without_the_course_a_notebook_says_how_to_install_it(bare, tmp_path):
    source = next(cell for cell in read_notebook(CHAPTERS[0]).cells if cell.id == "colab").source
    script = tmp_path / "cell.py"
    script.write_text(source.replace("%pip", "pass  # pip"))
    done = subprocess.run([str(bare), str(script)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode != 0
    assert "pip install -r requirements.txt" in done.stderr
