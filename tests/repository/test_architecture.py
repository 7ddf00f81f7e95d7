"""The folders are the stages of the method: a folder imports only from those above it."""

import ast
import importlib
import re
from pathlib import Path

import fmtutorial

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fmtutorial"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAP = re.findall(r"(?m)^\| `(\w+)/?` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def room(file: Path) -> str:
    """The folder of a file below `fmtutorial/`, or the file's own name where it stands in no folder."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(file: Path) -> set[str]:
    """The folders and top-level modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "fmtutorial":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fmtutorial."):
            found.add(node.module.split(".")[1])
    return found


def test_the_map_lists_every_folder():
    assert sorted(MAP) == sorted({room(file) for file in SOURCES} - {"__init__"})


def test_a_folder_imports_only_what_stands_above_it():
    for file in SOURCES:
        if room(file) == "__init__":
            continue
        allowed = {*MAP[: MAP.index(room(file)) + 1]}
        assert imported(file) <= allowed, f"{file.name} imports {sorted(imported(file) - allowed)}"
        assert room(file) == "checks" or "checks" not in imported(file), f"{file.name} imports the checks"


def test_no_module_outgrows_one_idea():
    for file in SOURCES:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 210, file


def test_public_names_are_exported():
    promised = {"GaussianMixture", "FlowMatchingDataset", "VelocityNet", "StraightPath", "train"}
    promised |= {"integrate_flow", "get_angle_colors", "exact"}
    assert promised <= set(fmtutorial.__all__)
    assert all(hasattr(fmtutorial, name) for name in fmtutorial.__all__)


def test_every_folder_offers_what_it_promises():
    for folder in fmtutorial.__all__:
        module = getattr(fmtutorial, folder)
        if hasattr(module, "__path__"):
            for name in getattr(importlib.import_module(module.__name__), "__all__", []):
                assert hasattr(module, name), f"{folder}.{name}"


def test_everything_public_has_a_docstring():
    for file in SOURCES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), file
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                nested = node.name in {"rows", "data_rows", "log_joint", "rotate", "update"}
                assert nested or "checks" in file.parts or ast.get_docstring(node), f"{file}: {node.name}"
