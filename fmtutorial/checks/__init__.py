"""Exercises that check themselves: `check("03.2", your_function)` says whether it is right, and if not, why.

The answer is compared with the truth on fresh random inputs. Nothing here raises: it prints a tick with one
sentence of insight, or a cross with what is wrong, and returns a `Result` that is true or false.
"""

import torch

from fmtutorial.checks import (
    chapter00,
    chapter01,
    chapter02,
    chapter03,
    chapter04,
    chapter05,
    chapter06,
    chapter07,
    chapter08,
    chapter09,
    chapter10,
    lab_loops,
    lab_paths,
    lab_steps,
)
from fmtutorial.checks._engine import Exercise, Result, judge
from fmtutorial.checks._lab import Bug, judge_bug


def _by_number(item) -> int:
    """The number of an exercise of the laboratory."""
    return int(item[0].split(".")[1])


EXERCISES: dict[str, Exercise | Bug] = {
    **chapter00.EXERCISES,
    **chapter01.EXERCISES,
    **chapter02.EXERCISES,
    **chapter03.EXERCISES,
    **chapter04.EXERCISES,
    **chapter05.EXERCISES,
    **chapter06.EXERCISES,
    **chapter07.EXERCISES,
    **chapter08.EXERCISES,
    **chapter09.EXERCISES,
    **chapter10.EXERCISES,
    **dict(sorted((lab_paths.EXERCISES | lab_steps.EXERCISES | lab_loops.EXERCISES).items(), key=_by_number)),
}


def check(name: str, answer, *, quiet: bool = False) -> Result:
    """Check the answer to one exercise, print what there is to say (unless `quiet`), and return the result.

    `name` is the exercise's number, such as "03.2". For the bug laboratory `answer` is a pair, (your test,
    your repaired program).
    """
    exercise = EXERCISES.get(name)
    with torch.random.fork_rng(devices=[]):  # whatever is drawn here, the caller's random state stays
        if exercise is None:
            result = Result(name, False, f"There is no exercise {name!r}; there are {', '.join(EXERCISES)}.")
        elif isinstance(exercise, Bug):
            result = judge_bug(name, exercise, answer)
        else:
            result = judge(name, exercise, answer)
    if not quiet:
        print(result)
    return result
