"""The list of all exercises, whose modules are loaded when one of their exercises is first named."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._lab import Bug

FOLDER = __name__.rpartition(".")[0]


class ExerciseList(Mapping):
    """Exercises by name: "05.3" is in the module chapter05, "lab.3" in one of the modules lab_*.

    To look up one exercise loads its own module; to list all of them loads every module.
    """

    def __getitem__(self, name: str) -> Exercise | Bug:
        for module in modules_for(name):
            exercises = exercises_in(module)
            if name in exercises:
                return exercises[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        for module in chapters():
            yield from exercises_in(module)
        lab = [name for module in laboratory() for name in exercises_in(module)]
        yield from sorted(lab, key=number_in_laboratory)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def chapters() -> list[str]:
    """The names of the chapters' modules, in their order."""
    return [name for name in module_names() if name.startswith("chapter")]


def laboratory() -> list[str]:
    """The names of the bug laboratory's modules."""
    return [name for name in module_names() if name.startswith("lab_")]


def module_names() -> list[str]:
    """Every file of this folder, loaded or not, in the order of the alphabet."""
    package = importlib.import_module(FOLDER)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def modules_for(name: str) -> list[str]:
    """The modules that may hold an exercise, by the part of its name before the point."""
    part, _, _ = str(name).partition(".")
    if part == "lab":
        return laboratory()
    return [module for module in chapters() if module == f"chapter{part}"]


def exercises_in(module: str) -> dict[str, Exercise | Bug]:
    """The exercises of one module, which is loaded for it."""
    return importlib.import_module(f"{FOLDER}.{module}").EXERCISES


def number_in_laboratory(name: str) -> int:
    """12 for "lab.12"."""
    _, _, number = name.partition(".")
    return int(number)
