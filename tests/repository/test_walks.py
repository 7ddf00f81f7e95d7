"""The slow walks take what a change touches and a third of the others, and three turns see everything."""

import pytest
import walks
from helpers import CHAPTERS, RELEASED, SOLUTIONS


@pytest.mark.parametrize(
    "path, chapter",
    [
        ("notebooks/03_conditional_flow_matching.ipynb", "03"),
        ("notebooks/solutions/chapter07/07_exercises.ipynb", "07"),
        ("notebooks/exercises/lab/00_bug_laboratory.ipynb", "lab"),
        ("fmtutorial/checks/chapter10.py", "10"),
        ("fmtutorial/checks/lab_paths.py", "lab"),
        ("fmtutorial/paths/affine.py", None),
        ("README.md", None),
    ],
)
def test_a_path_belongs_to_a_chapter(path, chapter):
    assert walks.chapter_of(path) == chapter


def test_every_notebook_belongs_to_a_chapter():
    assert all(walks.chapter_of(file.as_posix()) for file in [*CHAPTERS, *RELEASED, *SOLUTIONS])


def test_three_turns_see_every_notebook_once():
    turns = [walks.choose(CHAPTERS, ["README.md"], turn) for turn in (5, 6, 7)]
    assert sorted(file for turn in turns for file in turn) == CHAPTERS
    assert max(len(turn) for turn in turns) <= len(CHAPTERS) / 3 + 1


def test_touched_chapters_are_always_walked():
    changed = ["notebooks/04_training.ipynb", "notebooks/solutions/chapter09/09_exercises.ipynb"]
    for turn in range(3):
        names = {walks.chapter_of(file.as_posix()) for file in walks.choose(CHAPTERS, changed, turn)}
        assert {"04", "09"} <= names and len(names) < len(CHAPTERS)


def test_on_demand_all_are_walked(monkeypatch):
    monkeypatch.setenv("WALK", "all")
    assert walks.walked(CHAPTERS) == CHAPTERS
    monkeypatch.delenv("WALK")
    monkeypatch.setattr(walks, "git", lambda *command: None)  # no git: nothing is left out
    assert walks.walked(CHAPTERS) == CHAPTERS
