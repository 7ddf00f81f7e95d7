"""What is written from `notebooks/course.toml`: called by tools/sync_repository.py, which writes it.

Each function gives the text between two marks, such as `<!-- chapters -->` and `<!-- /chapters -->`.
"""

from collections.abc import Callable

from course_list import Chapter, Course, Exercises

NUMBERS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS += ["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"]
NUMBERS += ["nineteen", "twenty"]


def in_words(number: int) -> str:
    """A number as prose has it: in words up to twenty."""
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def listed(items: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def table(head: list[str], alignment: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, alignment, *rows])


def readme_chapters(course: Course, colab_link: Callable[[str], str]) -> str:
    """README's table of the chapters and the sentences below it."""
    rows = [
        [
            f"[{c.number} {c.title}](notebooks/{c.file})",
            str(c.minutes),
            c.afterwards,
            f"[Colab]({colab_link(f'notebooks/{c.file}')})",
        ]
        for c in course.chapters
    ]
    chapters = table(["notebook", "minutes", "afterwards you can", ""], ["---", "---:", "---", "---"], rows)
    first, last = course.spine[0].number, course.spine[-1].number
    moves = listed([f"{c.moves} ({c.number})" for c in course.chapters if c.moves])
    sentences = (
        f"Notebooks {first} to {last} are the spine: read them in order. Each later one stands on its own. "
        f"Interactive figures let you move {moves}."
    )
    return f"{chapters}\n\n{sentences}"


def readme_exercises(course: Course) -> str:
    """README's sentences on the exercises."""
    laboratory = course.laboratory
    count = sum(c.exercises.count for c in course.chapters)
    return (
        f"**{count} exercises** for the {in_words(len(course.chapters))} chapters are in "
        "[notebooks/exercises](notebooks/exercises), with a "
        f"[bug laboratory](notebooks/exercises/{laboratory.file}) of {in_words(laboratory.count)} broken "
        "programs. A check under each says at once what is right, or what is wrong and why; nothing stops "
        "when you leave one out. If you are stuck, the solved notebooks in "
        "[notebooks/solutions](notebooks/solutions) say why as well as how."
    )


def map_rows(chapters: list[Chapter]) -> str:
    """A part of the map in notebook 00. Chapter 00 does not link to itself."""
    head = ["notebook", "minutes", "the question it answers", "exercises"]
    rows = []
    for c in chapters:
        name = f"{c.number} {c.title}" if c.number == "00" else f"[{c.number} {c.title}]({c.file})"
        exercises = f"[{c.exercises.count}, {c.exercises.minutes} min](exercises/{c.exercises.file})"
        rows.append([name, str(c.minutes), c.question, exercises])
    return table(head, ["---", "---:", "---", "---"], rows)


def map_of_the_course(course: Course) -> str:
    """The map in notebook 00: spine, later chapters, exercises and laboratory."""
    laboratory = course.laboratory
    link = f"[{laboratory.title.lower()}](exercises/{laboratory.file})"
    return "\n\n".join(
        [
            map_rows(course.spine),
            "That is the spine. From here each chapter stands on its own:",
            map_rows(course.beyond),
            "The exercises check themselves. Do them after their chapter, or where it points to one. "
            f"When you have read the spine, {link} ({laboratory.minutes} minutes) waits with "
            f"{in_words(laboratory.count)} programs that run, look right and are wrong.",
        ]
    )


def instructors_row(name: str, minutes: str, exercises: Exercises) -> list[str]:
    """One row of the table for instructors."""
    count, points = f"{exercises.count} and an investigation", f"{exercises.points} + 3"
    return [name, minutes, count, str(exercises.minutes), points]


def instructors_table(course: Course) -> str:
    """What there is to teach, with minutes and points."""
    head = ["chapter", "minutes to read and run", "exercises", "minutes", "points"]
    rows = [instructors_row(f"{c.number} {c.title}", str(c.minutes), c.exercises) for c in course.chapters]
    rows.append(instructors_row(course.laboratory.title, "", course.laboratory))
    return table(head, ["---", "---:", "---", "---:", "---:"], rows)
