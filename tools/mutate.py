"""Break the mathematics on purpose, one formula at a time, and see which test notices.

    python tools/mutate.py            every mutation of tools/mutations.py; exit 1 if one goes unnoticed
    python tools/mutate.py solver     only the mutations of some subjects
    python tools/mutate.py --check    run nothing; exit 1 if a row of the table no longer fits the package

Each mutation is made in a temporary copy of the repository, so that nothing here changes. The tests of the
folder that holds the formula run first, and the others only if those notice nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_list import ROOT
from mutations import MUTATIONS

TESTS = "tests/package"


def files_with(formula: str, root: Path = ROOT) -> list[Path]:
    """The files of the package that contain a formula. The exercises' answers repeat many: not counted."""
    package = root / "fmtutorial"
    sources = [file for file in sorted(package.rglob("*.py")) if package / "checks" not in file.parents]
    return [file for file in sources if formula in file.read_text(encoding="utf-8")]


def stale_rows(mutations: list[tuple[str, str, str, str]]) -> list[str]:
    """What is wrong with the table: a sentence for each row whose formula does not stand in one file."""
    sentences = []
    for subject, right, wrong, meaning in mutations:
        count = len(files_with(right))
        if count != 1:
            sentences.append(f"{subject}, {meaning}: {count} files contain {right!r}, where one should")
        elif right == wrong:
            sentences.append(f"{subject}, {meaning}: changes nothing")
    return sentences


@contextmanager
def repository_copy() -> Iterator[Path]:
    """A temporary copy of the repository, whose tests pass."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        skip = shutil.ignore_patterns(
            ".git", ".venv", "site", "_generated", "__pycache__", ".ipynb_checkpoints"
        )
        shutil.copytree(ROOT, copy, ignore=skip)
        if failing := first_failure(copy, TESTS):
            raise SystemExit(f"{failing} fails before anything is changed")
        yield copy


def first_failure(copy: Path, *arguments: str) -> str | None:
    """The first test that fails in `copy`, or None."""
    environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", *arguments, "-x", "-q", "-n", "0"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    if done.returncode == 5:  # no tests there
        return None
    found = re.search(r"(?m)^(?:FAILED|ERROR) (\S+)", done.stdout)
    if done.returncode and not found:
        raise SystemExit(done.stdout + done.stderr)
    return found[1] if found else None


def noticed_by(copy: Path, file: Path, mutant: str) -> str | None:
    """The first test that fails when `file`, in `copy`, holds the text `mutant`; None if all pass."""
    source = file.read_text(encoding="utf-8")
    own_tests = f"{TESTS}/{file.relative_to(copy / 'fmtutorial').parts[0]}"
    file.write_text(mutant, encoding="utf-8")
    try:
        noticed = first_failure(copy, own_tests) if (copy / own_tests).is_dir() else None
        return noticed or first_failure(copy, TESTS, f"--ignore={own_tests}")
    finally:
        file.write_text(source, encoding="utf-8")


def main() -> int:
    """Check the table, then print a row for each mutation."""
    sentences = stale_rows(MUTATIONS)
    for sentence in sentences:
        print(sentence)
    if sentences or "--check" in sys.argv:
        return int(bool(sentences))
    chosen = [row for row in MUTATIONS if len(sys.argv) == 1 or row[0] in sys.argv[1:]]
    survivors = 0
    with repository_copy() as copy:
        print("| subject | what was broken | caught by |\n|---|---|---|")
        for subject, right, wrong, meaning in chosen:
            (file,) = files_with(right, copy)
            mutant = file.read_text(encoding="utf-8").replace(right, wrong)
            caught = noticed_by(copy, file, mutant)
            survivors += caught is None
            print(f"| {subject} | {meaning} | {caught or '**nothing**'} |", flush=True)
    return int(survivors > 0)


if __name__ == "__main__":
    raise SystemExit(main())
