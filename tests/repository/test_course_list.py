"""notebooks/course.toml lists the course once, and everything else agrees with it."""

import re

import course_list
import minutes
import pytest
import sync_course
import sync_repository
from helpers import CHAPTERS, NOTEBOOKS, RELEASED, ROOT, SOLUTIONS, read_notebook

from fmtutorial.checks import EXERCISES

COURSE = course_list.read()
BY_NAME = {exercises.name: exercises for exercises in COURSE.exercises}


def test_the_list_has_every_notebook():
    assert [chapter.file for chapter in COURSE.chapters] == [file.name for file in CHAPTERS]
    listed = sorted(exercises.file for exercises in COURSE.exercises)
    for files, folder in [(SOLUTIONS, "solutions"), (RELEASED, "exercises")]:
        assert listed == [file.relative_to(NOTEBOOKS / folder).as_posix() for file in files]


def test_chapters_are_numbered_as_their_files_and_titled_as_they_say():
    for chapter in COURSE.chapters:
        assert chapter.file.startswith(f"{chapter.number}_")
        title = read_notebook(NOTEBOOKS / chapter.file).cells[0].source.splitlines()[0]
        assert title.startswith(f"# {chapter.number} · {chapter.title}")


def test_the_list_has_every_exercise_of_the_checks():
    prefixes = {chapter.exercises.name: f"{chapter.number}." for chapter in COURSE.chapters}
    prefixes["lab"] = "lab."
    assert {name.split(".")[0] + "." for name in EXERCISES} == set(prefixes.values())
    for name, prefix in prefixes.items():
        assert BY_NAME[name].count == sum(exercise.startswith(prefix) for exercise in EXERCISES), name


@pytest.mark.parametrize("name", BY_NAME)
def test_counts_and_points_are_those_of_the_notebook(name):
    cells = read_notebook(NOTEBOOKS / "solutions" / BY_NAME[name].file).cells
    assert BY_NAME[name].count == sum(cell.id.startswith("ex-") for cell in cells)
    points = [cell.metadata.nbgrader.points for cell in cells if cell.id.startswith("check-")]
    assert BY_NAME[name].points == sum(points)


@pytest.mark.parametrize("chapter", COURSE.chapters, ids=lambda chapter: chapter.number)
def test_a_chapter_moves_what_the_list_says(chapter):
    sources = "\n".join(cell.source for cell in read_notebook(NOTEBOOKS / chapter.file).cells)
    has_figure = "_explorer(" in sources
    assert has_figure == (chapter.moves is not None)


@pytest.mark.parametrize("chapter", COURSE.chapters, ids=lambda chapter: chapter.number)
def test_minutes_of_a_chapter_follow_the_rule(chapter):
    file = NOTEBOOKS / chapter.file
    hint = "run tools/minutes.py --write"
    assert chapter.minutes == minutes.stated(file, minutes.CHAPTER_STATES), hint
    assert abs(chapter.minutes - minutes.chapter_minutes(file)) <= 5, hint
    if chapter.minutes > minutes.SITTING:
        assert "second sitting" in read_notebook(file).cells[0].source


@pytest.mark.parametrize("name", BY_NAME)
def test_minutes_of_exercises_are_the_sum_of_their_questions_and_near_the_rule(name):
    file = NOTEBOOKS / "solutions" / BY_NAME[name].file
    hint = "run tools/minutes.py --write"
    assert BY_NAME[name].minutes == minutes.stated(file, minutes.EXERCISES_STATE), hint
    assert BY_NAME[name].minutes == minutes.exercises_minutes(file), hint
    by_rule = minutes.exercises_by_rule(file)
    assert 2 / 3 < BY_NAME[name].minutes / by_rule < 3 / 2, f"the rule gives {by_rule:.0f} minutes"


def test_the_parts_of_a_text_are_counted_each_once():
    content = minutes.text_content(
        "**Predict, then run.** Is $x$ [more](a/long/address.md) than $y$?\n\n$$\na = b\n$$\n\n"
        "## References\n\nnot read"
    )
    assert (content.words, content.formulas, content.equations, content.predictions) == (6, 2, 1, 1)
    assert minutes.lines_of_code("x = 1\n\n# a comment\n    y = 2  # counted\n") == 2


def test_minutes_are_written_where_they_belong():
    text = course_list.LIST.read_text(encoding="utf-8")
    chapter, exercises = COURSE.chapters[3], COURSE.chapters[3].exercises
    changed = course_list.with_number(text, chapter.file, "minutes", 123)
    changed = course_list.parse(course_list.with_number(changed, exercises.file, "minutes", 321))
    assert (changed.chapters[3].minutes, changed.chapters[3].exercises.minutes) == (123, 321)
    others = [c for c in zip(COURSE.chapters, changed.chapters, strict=True) if c[0] != chapter]
    assert all(before == after for before, after in others)
    with pytest.raises(SystemExit, match="no_such_file"):
        course_list.with_number(text, "no_such_file.ipynb", "minutes", 1)


def test_a_stale_table_is_noticed():
    for file, text in sync_repository.wanted().items():
        assert text == file.read_text(encoding="utf-8"), f"{file.name}: run tools/sync_repository.py"
    with pytest.raises(SystemExit, match="one pair of chapters marks"):
        sync_repository.between("no marks", "chapters", "new")


def test_readme_counts_its_notebooks():
    spine, beyond = (sync_course.in_words(len(part)) for part in (COURSE.spine, COURSE.beyond))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{spine} Jupyter notebooks for two days, and {beyond} more" in text
    assert sum(chapter.minutes for chapter in COURSE.spine) <= 9 * 60, "longer than two days"


@pytest.mark.parametrize(
    "items, sentence", [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_read_as_prose(items, sentence):
    assert sync_course.listed(items) == sentence
    assert sync_course.in_words(13) == "thirteen" and sync_course.in_words(99) == "99"


def test_every_link_of_the_map_leads_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", sync_course.map_of_the_course(COURSE)):
        assert (NOTEBOOKS / link).exists(), link
