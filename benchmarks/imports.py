"""Imports: whole processes, from the start of Python to its end, beside `import torch`.

    python -m benchmarks imports
    BEFORE=path/of/another/version python -m benchmarks imports

Every side is a fresh process. BEFORE names a folder that holds another version of the package, such as
`git worktree add FOLDER COMMIT` makes; it is then timed in the same rounds.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.timing import interleaved, ratio_rows, row

ROOT = Path(__file__).resolve().parents[1]
OURS = {
    "import fmtutorial": "import fmtutorial",
    "import fmtutorial, then fit": "import fmtutorial; fmtutorial.fit",
}


def seconds(code: str, folder: Path) -> float:
    """Wall time of a fresh Python that runs `code` and finds packages in `folder` first."""
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
    return time.perf_counter() - start


def sides() -> dict[str, Callable[[], float]]:
    """What is timed, by name: torch alone, this version, and the one in BEFORE if it is set."""
    found = {"import torch": partial(seconds, "import torch", ROOT)}
    found |= {name: partial(seconds, code, ROOT) for name, code in OURS.items()}
    if before := os.environ.get("BEFORE"):
        found |= {f"{name} (before)": partial(seconds, code, Path(before)) for name, code in OURS.items()}
    return found


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Seconds of each side, and ratios to `import torch` round by round."""
    values = interleaved(sides(), rounds)
    rows = [row(name, spent, "s") for name, spent in values.items()]
    rows += ratio_rows(values, "import torch")
    notes = ["wall time of whole processes; the files are in the operating system's cache"]
    if "BEFORE" in os.environ:
        notes.append("before: the version in which every module was loaded at once")
    return rows, notes
