"""The exercise notebooks: generated, runnable blank, and gradable with nbgrader."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import CHAPTERS, RELEASED, ROOT, SOLUTIONS, read_notebook
from traitlets.config import PyFileConfigLoader

from fmtutorial.checks import EXERCISES

IDS = [file.parent.name for file in SOLUTIONS]


def graded(file) -> dict[str, str]:
    """The check cells of a notebook, by their nbgrader ids."""
    cells = [c for c in read_notebook(file).cells if c.metadata.get("nbgrader", {}).get("grade")]
    return {c.metadata.nbgrader.grade_id: c.source for c in cells if c.cell_type == "code"}


def test_every_chapter_has_its_exercises():
    chapters = [file.name[:2] for file in CHAPTERS]
    assert [*(f"chapter{n}" for n in chapters), "lab"] == IDS


def test_exercises_are_generated_from_the_solutions():
    check = [sys.executable, str(ROOT / "tools" / "make_exercises.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_check_belongs_to_one_exercise():
    asked = [re.search(r'check\("([\w.]+)"', s)[1] for file in SOLUTIONS for s in graded(file).values()]
    assert sorted(asked) == sorted(EXERCISES)


@pytest.mark.parametrize("file", SOLUTIONS, ids=IDS)
def test_solutions_are_executed_and_all_right(file):
    for cell in read_notebook(file).cells:
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            assert "### BEGIN HIDDEN TESTS" in cell.source
            assert "".join(o.get("text", "") for o in cell.outputs).startswith("✓")
        if cell.cell_type == "code":
            assert cell.execution_count
            assert not [o for o in cell.outputs if o.output_type == "error"]


@pytest.mark.parametrize("file", RELEASED, ids=IDS)
def test_released_exercises_hold_no_solution(file):
    text = file.read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text and "# Why" not in text
    assert not [c for c in read_notebook(file).cells if c.get("outputs")]


@pytest.mark.parametrize("file", RELEASED, ids=IDS)
def test_every_exercise_has_what_a_learner_needs(file):
    cells = read_notebook(file).cells
    questions = [c.source for c in cells if c.id.startswith("ex-")]
    assert 4 <= len(questions) <= 7 or file.parent.name == "lab"
    for question in questions:
        assert question.count("<details>") == question.count("</details>") == 2
        assert re.search(r"\(\d+ min\)", question)
    minutes = sum(int(m) for c in cells for m in re.findall(r"\((\d+) min\)", c.source))
    assert f"**{minutes} minutes.**" in cells[0].source
    stubs = [c.source for c in cells if c.id.startswith("answer-")]
    assert len(stubs) == len(questions) and all("..." in stub for stub in stubs)
    assert "**Rubric**" in next(c.source for c in cells if c.id == "open")


def filled(released, solved, keep) -> nbformat.NotebookNode:
    """The exercise notebook as a learner hands it in, with the solutions of the exercises in `keep`."""
    answers = {c.id: c.source for c in read_notebook(solved).cells}
    notebook = read_notebook(released)
    for cell in notebook.cells:
        if cell.id in keep:
            cell.source = re.sub(r"\n?[ ]*### (BEGIN|END) SOLUTION", "", answers[cell.id])
    return notebook


@pytest.fixture
def course(tmp_path, monkeypatch):
    """nbgrader on an empty course folder, by its API: its three commands would import it three times."""
    from nbgrader.apps import NbGraderAPI

    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic by name
    monkeypatch.setenv("PATH", scripts)
    monkeypatch.chdir(tmp_path)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(tmp_path)
    return NbGraderAPI(config=config)


def succeeds(result: dict) -> None:
    """One of nbgrader's commands, done."""
    assert result["success"], result.get("error") or result.get("log")


def release(course, folder: Path, solved: Path) -> Path:
    """The exercise notebook that nbgrader makes of a solved one, in a course folder."""
    assignment = solved.parent.name
    source = folder / "notebooks" / "solutions" / assignment / solved.name
    source.parent.mkdir(parents=True)
    source.write_bytes(solved.read_bytes())
    succeeds(course.generate_assignment(assignment))
    return folder / "release" / assignment / solved.name


def hand_in(folder: Path, student: str, solved: Path, notebook: nbformat.NotebookNode) -> None:
    """Put a learner's notebook where nbgrader looks for it."""
    file = folder / "submitted" / student / solved.parent.name / solved.name
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, file)


@pytest.mark.parametrize("solved", SOLUTIONS, ids=IDS)
@pytest.mark.filterwarnings("ignore")  # nbgrader's own
def test_the_whole_chain_of_nbgrader(solved, course, tmp_path):
    """Full solutions get full points, blank ones zero, and a half-solved one exactly its half."""
    from nbgrader.api import Gradebook

    assignment = solved.parent.name
    released = release(course, tmp_path, solved)
    cells = read_notebook(solved).cells
    answers = [c.id for c in cells if c.id.startswith("answer-")]
    points = {c.id: c.metadata.nbgrader.points for c in cells if c.id.startswith("check-")}
    half = answers[: len(answers) // 2]
    if "answer-04-2" in answers:  # 04.2 uses 04.1
        half = answers[:1]
    for student, keep in {"full": answers, "blank": [], "half": half}.items():
        hand_in(tmp_path, student, solved, filled(released, solved, keep))
        succeeds(course.autograde(assignment, student))
    succeeds(course.generate_feedback(assignment, student_id="half"))
    half_points = sum(points[a.replace("answer", "check")] for a in half)
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        students = ("full", "blank", "half")
        scores = {s: book.find_submission(assignment, s).code_score for s in students}
        most = book.find_assignment(assignment).max_code_score
        assert book.find_assignment(assignment).max_written_score == 3
    assert scores == {"full": most, "blank": 0, "half": half_points}
    assert most == sum(points.values()) > 0
    assert (tmp_path / "feedback" / "half" / assignment / solved.with_suffix(".html").name).exists()


@pytest.mark.filterwarnings("ignore")
def test_one_copied_cell_stops_one_learner_and_not_the_class(course, tmp_path):
    """What docs/instructors.md says to do when a submission stops the grading."""
    from nbgrader.api import Gradebook

    assignment, solved = "chapter00", next(f for f in SOLUTIONS if f.parent.name == "chapter00")
    released = release(course, tmp_path, solved)
    answers = [c.id for c in read_notebook(released).cells if c.id.startswith("answer-")]

    # one learner copied a cell, another deleted a check
    copied = filled(released, solved, answers)
    place = next(i for i, c in enumerate(copied.cells) if c.id == answers[0])
    copied.cells.insert(place + 1, nbformat.from_dict(copied.cells[place] | {"id": "copy"}))
    deleted = filled(released, solved, answers)
    deleted.cells = [c for c in deleted.cells if c.id != answers[-1].replace("answer", "check")]
    hand_in(tmp_path, "ada", solved, copied)
    hand_in(tmp_path, "bob", solved, deleted)
    assert not course.autograde(assignment, "ada")["success"]
    succeeds(course.autograde(assignment, "bob"))

    # without the copy ada has her points; bob lacks those of the exercise whose check he deleted
    copied.cells.pop(place + 1)
    hand_in(tmp_path, "ada", solved, copied)
    succeeds(course.autograde(assignment, "ada"))
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        most = book.find_assignment(assignment).max_code_score
        scores = [book.find_submission(assignment, s).code_score for s in ("ada", "bob")]
    cells = read_notebook(solved).cells
    lost = next(c.metadata.nbgrader.points for c in cells if c.id == answers[-1].replace("answer", "check"))
    assert scores == [most, most - lost] and lost > 0


def test_solution_notebooks_store_no_widget_state_and_a_plain_kernel():
    for file in [*SOLUTIONS, *RELEASED]:
        metadata = json.loads(file.read_text(encoding="utf-8"))["metadata"]
        assert metadata["kernelspec"]["name"] == "python3" and "widgets" not in metadata


def test_the_instructors_page_names_exercises_that_exist():
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    for name in re.findall(r"\b(\d\d\.\d|lab\.\d+)\b", page):
        assert name in EXERCISES, name
