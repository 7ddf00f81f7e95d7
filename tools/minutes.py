"""How long chapters and exercises take, by a rule, for a learner who knows PyTorch and does the predictions.

    python tools/minutes.py           show what each notebook says and what the rule gives
    python tools/minutes.py --write   write them, and the counts of exercises, where they are stated

A chapter takes, rounded to 5 minutes,

    a minute for 160 words (a formula within a line counts as 3 words; the references are not read),
    half a minute for a displayed equation,
    a minute for 12 lines of code (blank lines, comments and the Colab cell are not counted),
    a minute for a prediction, and a minute for a figure,
    and the time that its cells run, from benchmarks/results/suite.json where that has been measured.

A chapter beyond 75 minutes says in its first cell where its second sitting starts.

Exercises take what their questions say, each by its author's estimate: the sum is written into the first
cell. The rule checks the sum, which must lie between 2/3 and 3/2 of

    the time to read them, as above, with 4 minutes of thought for a question,
    and a minute for a line of the model answers, the investigation's included.
"""

import json
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import course_list
import nbformat
from course_list import NOTEBOOKS, ROOT

WORDS_A_MINUTE, WORDS_A_FORMULA, CODE_LINES_A_MINUTE = 160, 3, 12
MINUTES_AN_EQUATION = 0.5
MINUTES_A_PREDICTION = MINUTES_A_FIGURE = 1.0
MINUTES_A_QUESTION, MINUTES_AN_ANSWER_LINE = 4.0, 1.0
SITTING = 75

CHAPTER_STATES = r"\*\*Time:\*\* (\d+) minutes"
EXERCISES_STATE = r"\*\*(\d+) minutes"
EQUATION, FORMULA, WORD = r"\$\$.*?\$\$", r"\$[^$]+\$", r"[A-Za-z][\w'’-]*"


@dataclass
class Content:
    """What there is to read, to think over and to run in a notebook."""

    words: int = 0
    formulas: int = 0
    equations: int = 0
    code_lines: int = 0
    predictions: int = 0
    figures: int = 0
    questions: int = 0
    answer_lines: int = 0

    def __add__(self, other: "Content") -> "Content":
        return Content(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def reading(self) -> float:
        """Minutes to read text and equations."""
        words = self.words + WORDS_A_FORMULA * self.formulas
        return words / WORDS_A_MINUTE + MINUTES_AN_EQUATION * self.equations

    @property
    def working(self) -> float:
        """Minutes to read code and figures, and to predict."""
        code = self.code_lines / CODE_LINES_A_MINUTE
        return code + MINUTES_A_PREDICTION * self.predictions + MINUTES_A_FIGURE * self.figures

    @property
    def answering(self) -> float:
        """Minutes to think over exercises and to write their answers."""
        return MINUTES_A_QUESTION * self.questions + MINUTES_AN_ANSWER_LINE * self.answer_lines


def lines_of_code(source: str) -> int:
    """Lines that are neither blank nor a comment."""
    stripped = [line.strip() for line in source.splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in stripped)


def text_content(source: str) -> Content:
    """What a markdown cell holds."""
    source = source.split("## References")[0]
    without_equations, equations = re.subn(EQUATION, " ", source, flags=re.DOTALL)
    plain, formulas = re.subn(FORMULA, " ", without_equations)
    plain = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", plain)  # addresses and tags are not read
    return Content(
        words=len(re.findall(WORD, plain)),
        formulas=formulas,
        equations=equations,
        predictions=len(re.findall(r"(?i)predict, then run", source)),
    )


def code_content(cell) -> Content:
    """What a code cell of a chapter holds."""
    figures = sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    return Content(code_lines=lines_of_code(cell.source), figures=figures)


def answer_content(cell) -> Content:
    """What a learner writes into a code cell of an exercise notebook."""
    answers = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL)
    return Content(answer_lines=sum(lines_of_code(answer) for answer in answers))


def cells_of(file: Path) -> list:
    """A notebook's cells without the one for Colab."""
    return [cell for cell in nbformat.read(file, as_version=4).cells if cell.id != "colab"]


def chapter_content(file: Path) -> Content:
    """The sum over a chapter's cells."""
    contents = [
        text_content(cell.source) if cell.cell_type == "markdown" else code_content(cell)
        for cell in cells_of(file)
    ]
    return sum(contents, Content())


def exercises_content(file: Path) -> Content:
    """The sum over the cells of a solved exercise notebook."""
    total = Content()
    for cell in cells_of(file):
        if cell.cell_type == "code":
            total += answer_content(cell)
        elif not cell.get("metadata", {}).get("nbgrader", {}).get("solution"):  # not the model's finding
            total += text_content(cell.source)
        total += Content(questions=int(cell.id.startswith("ex-")))
    return total


def running_minutes(file: Path) -> float:
    """Minutes that a notebook's cells run, as the benchmarks measured it, or 0 before they have."""
    results = ROOT / "benchmarks" / "results" / "suite.json"
    rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
    seconds = {row["name"]: row["median"] for row in rows if row["unit"] == "s"}
    return seconds.get(f"notebooks.{file.name}", 0.0) / 60


def chapter_minutes(file: Path) -> int:
    """What the rule gives for a chapter."""
    content = chapter_content(file)
    return 5 * round((content.reading + content.working + running_minutes(file)) / 5)


def exercises_by_rule(file: Path) -> float:
    """What the rule gives for the exercises of a solved notebook."""
    content = exercises_content(file)
    return content.reading + content.answering


def exercises_minutes(file: Path) -> int:
    """The sum of what the questions of a notebook say."""
    return sum(int(m) for cell in cells_of(file) for m in re.findall(r"\((\d+) min\)", cell.source))


def questions(file: Path) -> int:
    """How many exercises a solved notebook has, without its investigation."""
    return sum(cell.id.startswith("ex-") for cell in cells_of(file))


def points(file: Path) -> int:
    """The points that its checks give."""
    return sum(cell.metadata.nbgrader.points for cell in cells_of(file) if cell.id.startswith("check-"))


def stated(file: Path, pattern: str) -> int:
    """The minutes that the first cell of a notebook states."""
    found = re.search(pattern, cells_of(file)[0].source)
    if found is None:
        raise SystemExit(f"the first cell of {file.name} states no minutes")
    return int(found[1])


def state(file: Path, pattern: str, minutes: int) -> None:
    """Write minutes into the first cell of a notebook; everything else stays to the letter."""
    content = json.loads(file.read_text(encoding="utf-8"))
    first = "".join(content["cells"][0]["source"])
    found = re.search(pattern, first)
    first = first[: found.start(1)] + str(minutes) + first[found.end(1) :]
    content["cells"][0]["source"] = first.splitlines(keepends=True)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Print a line for each notebook, and write if asked."""
    text = course_list.LIST.read_text(encoding="utf-8")
    write = "--write" in sys.argv
    for chapter in course_list.read().chapters:
        file = NOTEBOOKS / chapter.file
        minutes, said = chapter_minutes(file), stated(file, CHAPTER_STATES)
        print(f"{chapter.file:45s} says {said:3d}, the rule gives {minutes:3d}")
        if write:
            text = course_list.with_number(text, chapter.file, "minutes", minutes)
            state(file, CHAPTER_STATES, minutes)
    for exercises in course_list.read().exercises:
        file = NOTEBOOKS / "solutions" / exercises.file
        minutes, rule = exercises_minutes(file), exercises_by_rule(file)
        verdict = "" if 2 / 3 < minutes / rule < 3 / 2 else "  too far apart"
        print(f"{exercises.file:45s} asks {minutes:3d}, the rule gives {rule:3.0f}{verdict}")
        if write:
            text = course_list.with_number(text, exercises.file, "minutes", minutes)
            text = course_list.with_number(text, exercises.file, "count", questions(file))
            text = course_list.with_number(text, exercises.file, "points", points(file))
            state(file, EXERCISES_STATE, minutes)
    if write:
        course_list.LIST.write_text(text, encoding="utf-8", newline="\n")
        print("written; now run tools/make_exercises.py and tools/sync_repository.py")


if __name__ == "__main__":
    main()
