"""Which notebooks the slow walks (a browser, Colab, Binder) take: those that a change touches, and a third.

The third changes with each commit, so that three commits in a row see every notebook. All of them at once:
`WALK=all pytest -m "browser or installation" -n 0`.
"""

import os
import re
import subprocess
from pathlib import Path

from helpers import ROOT


def git(*command: str) -> str | None:
    """What git answers, or None where there is no git or no such history."""
    try:
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def changed_files() -> list[str]:
    """The paths that differ from where this branch left main; on main itself, from the commit before."""
    here = git("rev-parse", "HEAD")
    for base in ("origin/main", "main"):
        start = git("merge-base", base, "HEAD")
        if start and start != here:
            break
    else:
        start = "HEAD~1"
    return (git("diff", "--name-only", start) or "").splitlines()


def chapter_of(path: str) -> str | None:
    """The chapter to which a notebook, its exercises or its checks belong: "03", "lab" or None."""
    found = re.search(r"notebooks/(\d\d)_|chapter(\d\d)|/(lab)[_/]", path)
    return next((group for group in found.groups() if group), None) if found else None


def choose(notebooks: list[Path], changed: list[str], turn: int) -> list[Path]:
    """The notebooks of the chapters that `changed` touches, and of the others every third, from `turn` on."""
    touched = {chapter_of(path) for path in changed} - {None}
    names = [chapter_of(notebook.as_posix()) for notebook in notebooks]
    others = [notebook for notebook, name in zip(notebooks, names, strict=True) if name not in touched]
    third = set(others[turn % 3 :: 3])
    return [n for n, name in zip(notebooks, names, strict=True) if name in touched or n in third]


def walked(notebooks: list[Path]) -> list[Path]:
    """The notebooks that a walk takes this time."""
    commits = git("rev-list", "--count", "HEAD")
    if os.environ.get("WALK") == "all" or commits is None:
        return notebooks
    return choose(notebooks, changed_files(), int(commits))
