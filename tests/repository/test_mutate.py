"""The tools that break the mathematics on purpose: the table fits the package; random changes change."""

import ast

import mutate
import mutate_randomly
import pytest
from mutations import MUTATIONS


def test_every_formula_of_the_table_stands_in_one_file():
    assert mutate.stale_rows(MUTATIONS) == []


def test_every_row_says_something_else():
    names = [(subject, meaning) for subject, _, _, meaning in MUTATIONS]
    assert len(set(names)) == len(names)


def test_stale_rows_are_named_all_at_once():
    rows = [("solver", "no such formula", "x", "first"), ("path", "nor this one", "y", "second")]
    first, second = mutate.stale_rows([*rows, *MUTATIONS])
    assert "solver, first: 0 files contain" in first and "path, second: 0 files contain" in second
    subject, right, _, _ = MUTATIONS[0]
    (same,) = mutate.stale_rows([(subject, right, right, "nothing")])
    assert "changes nothing" in same


SOURCE = '''"""3 texts stay."""
import math


def f(x: "Literal[1]", n: int = 2) -> float:
    """1 + 1"""
    _validate.count(n, 7)
    if x < 0:
        raise ValueError(f"{x + 1}")
    return -x + n * math.pi
'''


def test_only_mathematics_is_changed(tmp_path):
    file = tmp_path / "f.py"
    file.write_text(SOURCE, encoding="utf-8")
    changes = [mutate_randomly.changed_at(file, place) for place in mutate_randomly.places(file)]
    assert sorted((c.before, c.after) for c in changes) == [
        ("-x", "+x"),
        ("-x + n * math.pi", "-x - n * math.pi"),
        ("0", "1"),
        ("2", "3"),
        ("n * math.pi", "n / math.pi"),
        ("x < 0", "x >= 0"),
    ]
    original = ast.unparse(ast.parse(SOURCE))
    assert len({c.mutant for c in changes} | {original}) == 1 + len(changes)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_draw_is_repeated_by_its_seed(seed):
    first, again = mutate_randomly.draw(10, seed), mutate_randomly.draw(10, seed)
    assert first == again
    assert len({(c.file, c.mutant) for c in first}) == 10
    assert first != mutate_randomly.draw(10, seed + 1)
