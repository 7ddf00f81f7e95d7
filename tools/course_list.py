"""The one list of the course, `notebooks/course.toml`, as Python objects; and how its numbers are written."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
LIST = NOTEBOOKS / "course.toml"


@dataclass(frozen=True)
class Exercises:
    """One exercise notebook: `file` is its path below `notebooks/exercises/` and `notebooks/solutions/`."""

    file: str
    minutes: int
    count: int
    points: int
    title: str = ""

    @property
    def name(self) -> str:
        """The name that nbgrader gives to it, which is its folder: `chapter03` or `lab`."""
        return self.file.split("/")[0]


@dataclass(frozen=True)
class Chapter:
    """One chapter: `file` is its notebook's name, `moves` what its interactive figure moves."""

    number: str
    file: str
    title: str
    spine: bool
    minutes: int
    question: str
    afterwards: str
    exercises: Exercises
    moves: str | None = None


@dataclass(frozen=True)
class Course:
    """All chapters in order, and the bug laboratory."""

    chapters: list[Chapter]
    laboratory: Exercises

    @property
    def spine(self) -> list[Chapter]:
        """The chapters to read in order."""
        return [chapter for chapter in self.chapters if chapter.spine]

    @property
    def beyond(self) -> list[Chapter]:
        """The chapters that stand on their own."""
        return [chapter for chapter in self.chapters if not chapter.spine]

    @property
    def exercises(self) -> list[Exercises]:
        """Every exercise notebook, the laboratory last."""
        return [*(chapter.exercises for chapter in self.chapters), self.laboratory]


def parse(text: str) -> Course:
    """The course that a text in the form of course.toml describes."""
    content = tomllib.loads(text)
    chapters = [Chapter(**{**row, "exercises": Exercises(**row["exercises"])}) for row in content["chapters"]]
    return Course(chapters, Exercises(**content["laboratory"]))


def read() -> Course:
    """The course of this repository."""
    return parse(LIST.read_text(encoding="utf-8"))


def with_number(text: str, file: str, key: str, number: int) -> str:
    """The text of course.toml with one number of one file, a chapter or exercises, written anew."""
    pattern = rf'(file = "{re.escape(file)}"[^\[]*?\b{key} = )\d+'
    text, count = re.subn(pattern, rf"\g<1>{number}", text)
    if count != 1:
        raise SystemExit(f"course.toml should name {file} once, with its {key} after it; found {count}")
    return text
