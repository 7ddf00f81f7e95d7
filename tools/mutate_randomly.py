"""Change operators and constants of the mathematics at random, and report what no test notices.

    python tools/mutate_randomly.py 20            twenty changes
    python tools/mutate_randomly.py 20 --seed 1   another twenty
    python tools/mutate_randomly.py 20 --list     only show what would be changed

`tools/mutations.py` holds the errors that somebody thought of; this finds others. A survivor is not always
a gap: some changes have no effect (`x + 0` for `x - 0`), others touch a constant that is free to choose.
Prints every survivor, and the share of the changes that were noticed.
"""

import argparse
import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from course_list import ROOT
from mutate import noticed_by, repository_copy

FOLDERS = ["distributions", "paths", "exact", "problems", "sampling", "training", "metrics"]
OTHER_OPERATOR = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


class Change(NamedTuple):
    """One change: the file, its new text, and the line before and after."""

    file: Path
    mutant: str
    line: int
    before: str
    after: str


def mathematics(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `node` but annotations, error messages, texts and the checks of arguments."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_exempt(child):
                yield child
                yield from mathematics(child)


def is_exempt(node: ast.AST) -> bool:
    """Statements that compute nothing: errors, imports, and calls of `_validate`."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).startswith("_validate.")
    return isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr))


def is_number(node: ast.AST) -> bool:
    """A number in the source."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def can_change(node: ast.AST) -> bool:
    """An operator that has a counterpart, a comparison, a minus sign, or a number."""
    if isinstance(node, ast.BinOp):
        return type(node.op) in OTHER_OPERATOR
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in OTHER_OPERATOR
    return is_number(node) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub))


def change(node: ast.AST) -> None:
    """Change one node in place."""
    if isinstance(node, ast.BinOp):
        node.op = OTHER_OPERATOR[type(node.op)]()
    elif isinstance(node, ast.Compare):
        node.ops[0] = OTHER_OPERATOR[type(node.ops[0])]()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
    else:
        node.value = node.value + 1 if isinstance(node.value, int) else 1.5 * node.value + 0.1


def places(file: Path) -> list[int]:
    """Where a file can be changed: numbers of nodes in the order of `mathematics`."""
    nodes = mathematics(ast.parse(file.read_text(encoding="utf-8")))
    return [number for number, node in enumerate(nodes) if can_change(node)]


def changed_at(file: Path, place: int) -> Change:
    """The change at one place of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    node = list(mathematics(tree))[place]
    before, line = ast.unparse(node), node.lineno
    change(node)
    return Change(file, ast.unparse(tree), line, before, ast.unparse(node))


def draw(count: int, seed: int, root: Path = ROOT) -> list[Change]:
    """`count` changes of the package in `root`, each place at most once."""
    files = [f for folder in FOLDERS for f in sorted((root / "fmtutorial" / folder).glob("*.py"))]
    all_places = [(f, place) for f in files if f.stem != "__init__" for place in places(f)]
    drawn = random.Random(seed).sample(all_places, min(count, len(all_places)))
    return [changed_at(file, place) for file, place in drawn]


def main() -> None:
    """Draw, try and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    if asked.list:
        for c in draw(asked.count, asked.seed):
            print(f"{c.file.relative_to(ROOT)}:{c.line}: {c.before} -> {c.after}")
        return
    survivors = 0
    with repository_copy() as copy:
        drawn = draw(asked.count, asked.seed, copy)
        for c in drawn:
            if noticed_by(copy, c.file, c.mutant) is None:
                survivors += 1
                print(f"{c.file.relative_to(copy)}:{c.line}: {c.before} -> {c.after}", flush=True)
    print(f"{len(drawn) - survivors} of {len(drawn)} changes were noticed")


if __name__ == "__main__":
    main()
