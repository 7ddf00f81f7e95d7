"""Write notebooks/exercises/ from notebooks/solutions/ with nbgrader's preprocessors.

    python tools/make_exercises.py           write the files
    python tools/make_exercises.py --check   only say which are out of date; exit 1 if anything is

Solutions become stubs, hidden tests and outputs go, check cells are locked: what `nbgrader
generate_assignment` does, without its database.
"""

import sys
from pathlib import Path

import nbformat
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[1]
STEPS = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ClearHiddenTests, ComputeChecksums)


def released(file: Path) -> str:
    """The text of the exercise notebook that belongs to a solved one."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    notebook = nbformat.read(file, as_version=4)
    for step in STEPS:
        notebook, _ = step(config=config).preprocess(notebook, {})
    return nbformat.writes(notebook) + "\n"


def wanted() -> dict[Path, str]:
    """Every exercise notebook with the text that it should have."""
    sources = sorted((ROOT / "notebooks" / "solutions").glob("*/*.ipynb"))
    return {ROOT / "notebooks" / "exercises" / s.parent.name / s.name: released(s) for s in sources}


def main() -> int:
    """Write, or with --check compare."""
    stale = {
        file: text
        for file, text in wanted().items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    }
    for file, text in stale.items():
        print("out of date:" if "--check" in sys.argv else "written:", file.relative_to(ROOT))
        if "--check" not in sys.argv:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    raise SystemExit(main())
