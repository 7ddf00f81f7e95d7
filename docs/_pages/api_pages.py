"""Writes a page for each folder of the package; Sphinx's autodoc fills in signatures and docstrings."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import fmtutorial

ROOT = Path(__file__).resolve().parents[2]
INDEX = """# The package

The folders are the stages of the method. Names are imported from their folder, as in
`from fmtutorial.sampling import midpoint_step`. In a notebook, `name??` shows a function and its source.

{table}
"""
# The methods of these classes belong to other libraries, and are described there.
FOREIGN = "Module, Dataset, VBox, HBox, Box, DOMWidget, Widget, tuple, dict"


def described() -> dict[str, str]:
    """Every folder with what it is for, as the package's own docstring says."""
    return dict(re.findall(r"(?m)^(\w+) {2,}(.+)$", fmtutorial.__doc__))


def table_of(folder) -> dict[str, list[str]]:
    """The files of a folder with the names that they offer, in the order of its `__init__.py`."""
    tree = ast.parse(Path(folder.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "submod_attrs":
            return ast.literal_eval(node.value)
    return {"": ["check"]}  # the checks need no table: there is one name for a learner


def entry(folder, name: str) -> list[str]:
    """The directive that describes one name under its folder's address."""
    value, address = getattr(folder, name), f"{folder.__name__}.{name}"
    if inspect.isclass(value):
        return [f".. autoclass:: {address}", "   :members:", f"   :inherited-members: {FOREIGN}", ""]
    if callable(value):
        return [f".. autofunction:: {address}", ""]
    items = value if isinstance(value, (dict, list, tuple)) else [value]
    words = ", ".join(f"``{item}``" for item in items)
    return [f".. py:data:: {name}", f"   :module: {folder.__name__}", "", f"   {words}", ""]


def page(folder) -> str:
    """One folder: what it is for, and its files with their names."""
    lines = [f"# `{folder.__name__}`", "", inspect.getdoc(folder), ""]
    for file, names in table_of(folder).items():
        if file:
            module = importlib.import_module(f"{folder.__name__}.{file}")
            lines += [f"## {file.replace('_', ' ')}", "", inspect.getdoc(module), ""]
        lines += ["```{eval-rst}", *(line for name in names for line in entry(folder, name)), "```", ""]
    return "\n".join(lines)


def write(target: Path) -> None:
    """All pages, below the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    rows = ["| folder | what it is for |", "|---|---|"]
    for name, words in described().items():
        rows.append(f"| [`fmtutorial.{name}`]({name}.md) | {words} |")
        text = page(getattr(fmtutorial, name))
        (target / f"{name}.md").write_text(text, encoding="utf-8")
    index = INDEX.format(table="\n".join(rows))
    (target / "index.md").write_text(index, encoding="utf-8")


def plain_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    """Our docstrings are plain text: show `code` as code, and every other character as it stands."""

    def escaped(part: str) -> str:
        return f"``{part[1:-1]}``" if part.startswith("`") else re.sub(r"([*|\\]|_(?!\w))", r"\\\1", part)

    text = "\n".join(lines)
    parts = re.split(r"(`[^`]+`)", text)
    lines[:] = "".join(escaped(part) for part in parts).splitlines()


def address_of_source(repository: str, tag: str, module: str, name: str) -> str | None:
    """Where the source of a name stands in the repository, for Sphinx's `linkcode`."""
    value = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    try:
        file = Path(inspect.getsourcefile(value)).resolve().relative_to(ROOT)
        first = inspect.getsourcelines(value)[1]
    except (TypeError, ValueError, OSError):  # a constant, or a method of another library
        return None
    return f"{repository}/blob/{tag}/{file.as_posix()}#L{first}"
