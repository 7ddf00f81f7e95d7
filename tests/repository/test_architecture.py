"""The folders are the stages of the method: a folder imports only from those above it."""

import ast
import importlib
import inspect
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers import CHAPTERS, RELEASED, ROOT, SOLUTIONS, python_of, read_notebook

import fmtutorial

PACKAGE = ROOT / "fmtutorial"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAP = re.findall(r"(?m)^\| `(\w+)/?` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
FOLDERS = [name for name in fmtutorial.__all__ if inspect.ismodule(getattr(fmtutorial, name))]


def offered(module) -> list[str]:
    """The public names of a folder: its table, or where there is none what it holds."""
    return getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])


def tree(file: Path) -> ast.Module:
    """A source file, parsed."""
    return ast.parse(file.read_text(encoding="utf-8"))


def room(file: Path) -> str:
    """The folder of a file below `fmtutorial/`, or the file's own name where it stands in no folder."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(file: Path) -> set[str]:
    """The folders and top-level modules of the package that a file imports."""
    found = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("fmtutorial.")}
        elif isinstance(node, ast.ImportFrom) and node.module == "fmtutorial":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fmtutorial."):
            found.add(node.module.split(".")[1])
    return found


def test_the_map_lists_every_folder():
    assert sorted(MAP) == sorted({room(file) for file in SOURCES} - {"__init__"})
    described = re.findall(r"(?m)^(\w+) {2,}\w", fmtutorial.__doc__)
    assert described == [name for name in MAP if name in FOLDERS], (
        "the package's docstring has the same order"
    )


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_a_folder_imports_only_what_stands_above_it(file):
    if room(file) != "__init__":
        allowed = set(MAP[: MAP.index(room(file)) + 1])
        assert imported(file) <= allowed, f"imports {sorted(imported(file) - allowed)}"


def test_nothing_imports_the_checks():
    assert [file for file in SOURCES if "checks" in imported(file) and room(file) != "checks"] == []


def test_no_module_outgrows_one_idea():
    for file in SOURCES:
        limit = 260 if "checks" in file.parts else 210  # the checks are tables of sentences
        assert len(file.read_text(encoding="utf-8").splitlines()) <= limit, file


def test_public_names_are_exported():
    promised = {"GaussianMixture", "FlowMatchingDataset", "VelocityNet", "StraightPath", "train"}
    promised |= {"integrate_flow", "get_angle_colors", "exact"}
    assert promised <= set(fmtutorial.__all__)
    assert all(hasattr(fmtutorial, name) for name in fmtutorial.__all__)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_offers_what_it_promises(folder):
    module = getattr(fmtutorial, folder)
    for name in offered(module):
        assert hasattr(module, name), name
        assert name not in vars(importlib.import_module("builtins")), f"{name} hides a builtin"


def test_a_name_has_one_public_address():
    folders = [folder for folder in FOLDERS if folder != "checks"]  # the chapters' answers are private
    counts = Counter(name for folder in folders for name in offered(getattr(fmtutorial, folder)))
    assert [name for name, count in counts.items() if count > 1] == []
    # and the top level only repeats what a folder has
    assert set(fmtutorial.__all__) <= set(counts) | set(FOLDERS)


def test_a_file_bears_no_name_that_its_folder_exports():
    for folder in FOLDERS:
        files = {file.stem for file in (PACKAGE / folder).glob("*.py")}
        exported = set(getattr(getattr(fmtutorial, folder), "__all__", []))
        assert not files & exported, "the module would hide the name"


def documented(body: list[ast.stmt]):
    """The public functions and classes of a module, and the public methods of its classes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            yield from documented(node.body if isinstance(node, ast.ClassDef) else [])


def test_everything_public_has_a_docstring():
    for file in SOURCES:
        assert ast.get_docstring(tree(file)), file
        if room(file) == "checks" and not file.stem.startswith("_"):
            continue  # a chapter's exercises: their sentences are their documentation
        for node in documented(tree(file).body):
            assert ast.get_docstring(node), f"{file}: {node.name}"


@pytest.mark.parametrize(
    "file", [*CHAPTERS, *SOLUTIONS, *RELEASED], ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_what_notebooks_import_is_there(file):
    code = [cell for cell in read_notebook(file).cells if cell.cell_type == "code"]
    for node in (node for cell in code for node in ast.walk(ast.parse(python_of(cell)))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fmtutorial":
            assert node.module.count(".") <= 1, f"{node.module}: names are imported from folders"
            module = importlib.import_module(node.module)
            for alias in node.names:
                is_module = find_spec(f"{node.module}.{alias.name}") is not None
                assert is_module or alias.name in offered(module), f"{node.module} offers no {alias.name}"


def public_modules() -> list[Path]:
    """The files that hold public names, relative to the package."""
    files = [file.relative_to(PACKAGE) for file in SOURCES if not file.stem.startswith("_")]
    return [file for file in files if file.parts[0] != "checks"]  # tests/course has the checks


@pytest.mark.parametrize("file", public_modules(), ids=str)
def test_a_module_has_a_test_file_of_its_name(file):
    assert (ROOT / "tests" / "package" / file.parent / f"test_{file.name}").exists()


@pytest.mark.parametrize("folder", [name for name in FOLDERS if name != "checks"])
def test_a_folder_has_its_table_of_wrong_calls(folder):
    module = ast.parse((ROOT / "tests" / "package" / folder / "test_errors.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    names = [c.args[0].value for c in calls if getattr(c.func, "id", "") == "Case"]
    assert names and len(set(names)) == len(names)
