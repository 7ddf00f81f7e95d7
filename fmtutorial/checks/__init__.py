"""Exercises that check themselves: `check("03.2", your_function)` says whether it is right, and if not, why.

The answer is compared with the truth on fresh random inputs. Nothing here raises: it prints a tick with one
sentence of insight, or a cross with what is wrong, and returns a `Result` that is true or false. Only the
module of the exercise that is asked for is loaded.
"""

import torch

from fmtutorial.checks._engine import Exercise, Result, judge
from fmtutorial.checks._exercises import ExerciseList
from fmtutorial.checks._lab import Bug, judge_bug

__all__ = ["EXERCISES", "Bug", "Exercise", "Result", "check"]

EXERCISES = ExerciseList()


def check(name: str, answer, *, quiet: bool = False) -> Result:
    """Check the answer to one exercise, print what there is to say (unless `quiet`), and return the result.

    `name` is the exercise's number, such as "03.2". For the bug laboratory `answer` is a pair, (your test,
    your repaired program).
    """
    with torch.random.fork_rng(devices=[]):  # whatever is drawn here, the caller's random state stays
        result = result_of(name, answer)
    if not quiet:
        print(result)
    return result


def result_of(name: str, answer) -> Result:
    """What `check` says and returns."""
    exercise = EXERCISES.get(name)
    if exercise is None:
        names = ", ".join(EXERCISES)
        return Result(name, False, f"There is no exercise {name!r}; there are {names}.")
    if isinstance(exercise, Bug):
        return judge_bug(name, exercise, answer)
    return judge(name, exercise, answer)
