"""The ways to install the course agree with each other."""

import importlib.metadata as metadata
import os
import re
import subprocess
import sys
import tomllib

import lock
import pytest
import readme_command
import sync_repository
from helpers import CHAPTERS, ROOT
from packaging.requirements import Requirement

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RANGES = [
    Requirement(r)
    for r in PROJECT["dependencies"] + EXTRAS["notebooks"] + EXTRAS["instructors"] + EXTRAS["test"]
    if not r.startswith("fmtutorial")
]
PINS = [
    Requirement(line)
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith(("#", "-"))
]


def conda_lines(file: str) -> list[str]:
    """The dependency lines of an environment file, comments stripped."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.lstrip().startswith("- ")]


def conda_requirements() -> dict[str, Requirement]:
    """What environment.yml asks for, by the names that pip uses."""
    found = {}
    for line in conda_lines("environment.yml"):
        text = line.strip().removeprefix("- ").replace("pytorch-cpu", "torch")
        if re.match(r"[a-z][\w-]*[><=]", text) and not text.startswith("python="):
            found[lock.canonical(Requirement(text).name)] = Requirement(text)
    return found


@pytest.mark.parametrize("requirement", RANGES, ids=lambda r: r.name)
def test_every_pin_lies_in_its_honest_range(requirement):
    pins = {lock.canonical(p.name): p for p in PINS}
    (pin,) = pins[lock.canonical(requirement.name)].specifier
    assert pin.operator == "=="
    assert requirement.specifier.contains(pin.version), f"{requirement} does not admit {pin}"


def test_everything_that_is_installed_is_pinned():
    here = {lock.canonical(p.name): str(p.specifier) for p in PINS if p.marker is None or p.marker.evaluate()}
    installed = {
        name: f"=={version}"
        for name, version in lock.closure().items()
        if not name.startswith(("nvidia-", "cuda-", "triton"))  # PyTorch's own choice, see requirements.txt
    }
    assert set(installed) <= set(here), f"not pinned: {sorted(set(installed) - set(here))}"
    if os.environ.get("CI"):  # a learner may have newer versions; the tested environment may not
        assert installed == {name: here[name] for name in installed}


def test_torch_is_pinned_to_the_tested_build():
    assert "torch==2.13.0" in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()


def test_conda_asks_for_the_same_ranges_as_pip():
    conda, pip = conda_requirements(), {lock.canonical(r.name): r for r in RANGES}
    assert {n: str(r.specifier) for n, r in conda.items()} == {n: str(r.specifier) for n, r in pip.items()}


def test_binder_installs_what_conda_does():
    root = [line for line in conda_lines("environment.yml") if "--editable" not in line]
    assert conda_lines("binder/environment.yml") == root


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission to execute")
@pytest.mark.parametrize("name", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_are_executable_and_stop_at_errors(name):
    assert os.access(ROOT / name, os.X_OK)
    assert "set -e" in (ROOT / name).read_text() or name == "binder/start"


def test_the_version_is_the_same_everywhere():
    import fmtutorial

    assert fmtutorial.__version__ == PROJECT["version"] == metadata.version("fmtutorial")


def test_the_repository_is_named_in_pyproject_alone():
    check = [sys.executable, str(ROOT / "tools" / "sync_repository.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    repository, _ = sync_repository.facts()
    written = "\n".join(text for file, text in sync_repository.wanted().items() if file.parent.name != "docs")
    for address in re.findall(r"github(?:\.com|/gh)?/([\w.-]+/[\w.-]+)", written):
        known = {repository, "facebookresearch/flow_matching", "atong01/conditional-flow-matching", *OTHERS}
        assert address.split("@")[0].rstrip(".").removesuffix(".git") in known, address


OTHERS = {"huggingface/diffusers", "nmboffi/flow-maps", "rtqichen/torchdiffeq", "yuyang-shi/dsbm-pytorch"}


@pytest.mark.parametrize("name", ["open", "test"])
def test_both_systems_get_the_same_command(name):
    unix = readme_command.readme_command(name, "unix")
    windows = readme_command.readme_command(name, "windows")
    translated = unix.replace("python3", "python").replace(".venv/bin/", ".venv\\Scripts\\")
    assert translated.replace("notebooks/", "notebooks\\") == windows


def test_readme_lists_every_notebook_and_example_code_runs(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for notebook in CHAPTERS:
        assert text.count(f"](notebooks/{notebook.name})") == 1
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", text):
        assert (ROOT / link).exists(), link
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].replace("n_steps=4000", "n_steps=20")
    assert len(code.splitlines()) <= 10
    names: dict = {}
    exec(compile(code, "README", "exec"), names)
    assert names["samples"].shape == (1000, 2)
