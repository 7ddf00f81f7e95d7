"""Judges an answer to the bug laboratory: a test that finds the bug, and a program without it."""

from collections.abc import Callable
from dataclasses import dataclass

from fmtutorial.checks._engine import Complaint, Exercise, Result, call, is_blank, judge, not_attempted

PROGRAM = "the program repaired, with the same arguments and the same kind of result"


@dataclass(frozen=True)
class Bug:
    """One broken program.

    exercise: judges the repaired program. broken: the program as handed out. sound: right programs in
    different styles, which a fair test accepts.
    """

    exercise: Exercise
    broken: Callable
    sound: tuple[Callable, ...]


def judge_bug(name: str, bug: Bug, answer) -> Result:
    """The result of a pair (test, repaired)."""
    expects = "a pair (test, repaired): test(program) is True for a right program and False for a broken one"
    if is_blank(answer):
        return not_attempted(name, expects)
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not all(map(callable, answer)):
        return Result(name, False, f"Expected {expects}.")
    test, repaired = answer
    try:
        verdict = call(test, (bug.broken,), test)
        if is_blank(verdict):
            return not_attempted(name, f"{expects}; and the program repaired")
        complaint = complaint_about(test, verdict, bug)
    except Complaint as raised:
        complaint = f"Your test: {raised}"
    if complaint is not None:
        return Result(name, False, complaint)
    return judge(name, bug.exercise, repaired)


def complaint_about(test: Callable, verdict, bug: Bug) -> str | None:
    """What is wrong with the learner's test, or None."""
    if bool(verdict):
        return "Your test accepts the broken program: it measures nothing that the bug changes."
    for _ in range(3):  # a fair test does not depend on luck
        if not all(bool(call(test, (program,), test)) for program in bug.sound):
            return "Your test rejects a program that is right: it is too strict, or asks for the wrong thing."
        if bool(call(test, (bug.broken,), test)):
            return "Your test accepts the broken program some of the time: measure more, or more sharply."
    return None
