"""Writes the page of the package's functions from their docstrings."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import fmtutorial

ROOT = Path(__file__).resolve().parents[1]


def modules():
    """The public modules, in the order of the alphabet."""
    names = [m.name for m in pkgutil.iter_modules(fmtutorial.__path__) if not m.name.startswith("_")]
    return [importlib.import_module(f"fmtutorial.{name}") for name in sorted(names)]


def public(module):
    """The module's own public functions and classes, in the order of the source."""
    members = [
        (name, value)
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    ]
    return sorted(members, key=lambda m: inspect.getsourcelines(m[1])[1])


def signature(name: str, value) -> str:
    """The call as a learner would write it."""
    try:
        return f"{name}{inspect.signature(value)}"
    except ValueError:
        return name


def entry(name: str, value, address: str, depth: int = 3) -> list[str]:
    """Heading, signature, docstring and a link to the source; for a class its public methods too."""
    file = Path(inspect.getsourcefile(value)).resolve().relative_to(ROOT)
    line = inspect.getsourcelines(value)[1]
    lines = [f"{'#' * depth} `{name}`", "", "```python", signature(name, value), "```", ""]
    lines += [
        "```text",
        inspect.getdoc(value) or "",
        "```",
        "",
        f"[source]({address}/{file.as_posix()}#L{line})",
        "",
    ]
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if inspect.isfunction(function) and not method.startswith("_"):
                lines += ["```python", signature(f"{name}.{method}", function), "```", ""]
                lines += ["```text", inspect.getdoc(function) or "", "```", ""]
    return lines


def write(file: Path, repository: str, tag: str) -> None:
    """Write the page."""
    lines = [
        "# The package",
        "",
        "Every public function, with its source. In a notebook, `??name` shows both.",
        "",
    ]
    for module in modules():
        lines += [f"## `{module.__name__}`", "", inspect.getdoc(module).splitlines()[0], ""]
        for name, value in public(module):
            lines += entry(name, value, f"{repository}/blob/{tag}")
    file.write_text("\n".join(lines), encoding="utf-8")
