"""Light to load: nothing arrives before it is named, all is listed, and errors name their module."""

import os
import re
import rlcompleter
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fmtutorial
from fmtutorial import _lazy

PACKAGE = Path(fmtutorial.__file__).parent
PLOTTING = {"ipywidgets", "IPython", "matplotlib", "seaborn"}


def run(code: str, path: Path = PACKAGE.parent) -> subprocess.CompletedProcess:
    """A fresh Python that finds the package in `path`."""
    environment = os.environ | {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, cwd=path, capture_output=True, text=True)


def loaded_after(code: str) -> set[str]:
    """The modules that are loaded after some lines of code."""
    done = run(f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_the_package_alone_loads_nothing_of_its_own():
    loaded = loaded_after("import fmtutorial")
    assert {name for name in loaded if name.startswith("fmtutorial.")} == {"fmtutorial._lazy"}
    assert not loaded & (PLOTTING | {"torch", "scipy"})


def test_fit_needs_no_plotting_and_no_scipy():
    loaded = loaded_after("import fmtutorial; fmtutorial.fit")
    assert "torch" in loaded and "fmtutorial.training.recipe" in loaded
    assert not loaded & (PLOTTING | {"scipy"})


@pytest.mark.parametrize(
    "name, answer, module",
    [
        ("00.1", "lambda x0, x1, t: x0", "chapter00"),
        ("05.4", "lambda method, n: n", "chapter05"),
        ("lab.10", "(lambda program: True, lambda model: None)", "lab_loops"),
    ],
)
def test_a_check_loads_its_own_chapter_and_no_plotting(name, answer, module):
    loaded = loaded_after(f"from fmtutorial.checks import check\ncheck({name!r}, {answer})")
    assert f"fmtutorial.checks.{module}" in loaded
    assert not loaded & PLOTTING
    others = {n for n in loaded if re.fullmatch(r"fmtutorial\.checks\.(chapter\d\d|lab_\w+)", n)}
    if name.startswith("lab"):
        assert not {n for n in others if "chapter" in n}
    elif name == "00.1":
        assert others == {f"fmtutorial.checks.{module}"}


def test_figures_bring_their_plotting_themselves():
    assert "matplotlib" in loaded_after("from fmtutorial.plotting import plot_density")
    assert "ipywidgets" in loaded_after("from fmtutorial.widgets import sigma_min_explorer")


def test_dir_and_tab_completion_show_everything_before_it_is_loaded():
    done = run("""
import fmtutorial, importlib, rlcompleter, sys
from pathlib import Path
folders = [file.parent.name for file in Path(fmtutorial.__file__).parent.glob("*/__init__.py")]
modules = [fmtutorial, *(importlib.import_module(f"fmtutorial.{folder}") for folder in folders)]
for module in modules:
    assert set(module.__all__) <= set(dir(module)), module
assert not {"matplotlib", "ipywidgets"} & set(sys.modules), "listing names loads none of them"
for module in modules:
    completer = rlcompleter.Completer({"m": module})
    offered = set()
    while match := completer.complete("m.", len(offered)):
        offered.add(match)
    offered = {match.removeprefix("m.").rstrip("()") for match in offered}
    assert set(module.__all__) <= offered, set(module.__all__) - offered
print(len(modules))
""")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 11


def test_ipython_completes_names_that_are_not_loaded():
    done = run(
        "import fmtutorial\n"
        "from IPython.core.completer import IPCompleter\n"
        "completer = IPCompleter(namespace={'fmtutorial': fmtutorial}, use_jedi=False)\n"
        "print(*completer.complete('fmtutorial.stand')[1], *completer.complete('fmtutorial.wid')[1])"
    )
    first, second = done.stdout.split()
    assert first.endswith(".standard_mixture") and second.endswith(".widgets")


def test_a_misspelt_name_is_refused_by_its_folder():
    with pytest.raises(AttributeError, match=r"No fmtutorial attribute standrad_mixture"):
        _ = fmtutorial.standrad_mixture
    assert rlcompleter.Completer({"fmtutorial": fmtutorial}).complete("fmtutorial.standrad", 0) is None


@pytest.fixture
def broken(tmp_path):
    """A function that adds a line to a module of a copy of the package, and returns the copy's place."""
    shutil.copytree(PACKAGE, tmp_path / "fmtutorial", ignore=shutil.ignore_patterns("__pycache__"))

    def add(module: str, line: str) -> Path:
        file = tmp_path / "fmtutorial" / module
        file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
        return tmp_path

    return add


@pytest.mark.parametrize(
    "line, word",
    [
        ("import a_library_that_is_missing", "No module named 'a_library_that_is_missing'"),
        ("1 / 0", "ZeroDivisionError"),
        ("math.no_such_name", "module 'math' has no attribute 'no_such_name'"),
    ],
)
def test_an_error_inside_a_lazily_loaded_module_names_that_module(broken, line, word):
    path = broken("plotting/images.py", line)
    done = run("from fmtutorial.plotting import square\nfrom fmtutorial.plotting import mosaic", path)
    assert done.returncode != 0
    assert "line 2, in <module>" in done.stderr  # the rest of the folder works
    assert str(Path("plotting") / "images.py") in done.stderr
    assert word in done.stderr


def test_an_attribute_that_is_missing_inside_a_module_is_no_missing_name():
    table = _lazy.attach("fmtutorial.problems", submod_attrs={"heat_rod": ["HeatRod", "not_there"]})
    load = table[0]
    assert load("HeatRod").__name__ == "HeatRod"
    with pytest.raises(ImportError, match=r"fmtutorial\.problems\.heat_rod could not be loaded: .*not_there"):
        load("not_there")
    with pytest.raises(AttributeError, match="other"):
        load("other")
