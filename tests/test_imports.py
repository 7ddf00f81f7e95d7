"""Imports between the modules go one way only, as CONTRIBUTING.md's map says."""

import ast
import re
from pathlib import Path

import fmtutorial

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {file.stem: file for file in (ROOT / "fmtutorial").glob("*.py") if file.stem != "__init__"}
MAP = re.findall(r"(?m)^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def imported(file: Path) -> set[str]:
    """The modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "fmtutorial":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fmtutorial."):
            found.add(node.module.split(".")[1])
    return found


def test_the_map_lists_every_module():
    assert sorted(MAP) == sorted(SOURCES)


def test_modules_import_only_what_stands_above_them():
    for name, file in SOURCES.items():
        above = set(MAP[: MAP.index(name)])
        assert imported(file) <= above, f"{name} imports {sorted(imported(file) - above)}"


def test_no_module_outgrows_one_idea():
    for name, file in SOURCES.items():
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 210, name


def test_public_names_are_exported():
    promised = {"GaussianMixture", "FlowMatchingDataset", "VelocityNet", "StraightPath", "train"}
    promised |= {"integrate_flow", "get_angle_colors", "exact"}
    assert promised <= set(fmtutorial.__all__)
    assert all(hasattr(fmtutorial, name) for name in fmtutorial.__all__)


def test_everything_public_has_a_docstring():
    for name, file in SOURCES.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), name
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                nested = node.name in {
                    "rows",
                    "data_rows",
                    "log_joint",
                    "rotate",
                    "update",
                }  # inside a documented function
                assert nested or ast.get_docstring(node), f"{name}.{node.name}"


def test_nothing_below_imports_the_checks_and_none_of_them_is_long():
    for name, file in SOURCES.items():
        assert "checks" not in imported(file), name
    for file in (ROOT / "fmtutorial" / "checks").glob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 210, file.name
        assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), file.name
