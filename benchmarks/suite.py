"""The suite: seconds of each test file and of each notebook, from one run of pytest.

python -m benchmarks suite       # runs pytest --nbval once, one process: minutes
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

from benchmarks.timing import row

ROOT = Path(__file__).resolve().parents[1]
COMMAND = ["pytest", "--nbval", "-n", "0", "-q"]


def by_file(junit: str) -> dict[str, float]:
    """Seconds of each test file or notebook, from the text of a JUnit report."""
    seconds: dict[str, float] = defaultdict(float)
    for case in ET.fromstring(junit).iter("testcase"):
        name = case.get("file") or case.get("classname") or "?"
        name = name.removesuffix(".py").replace("\\", "/")
        name = name if name.endswith(".ipynb") else name.replace("/", ".")
        seconds[name] += float(case.get("time") or 0)
    return dict(seconds)


def slowest(junit: str, n: int = 10) -> dict[str, float]:
    """The n slowest single tests that are not cells of notebooks."""
    cases = [
        (f"{c.get('classname')}::{c.get('name')}", float(c.get("time") or 0))
        for c in ET.fromstring(junit).iter("testcase")
    ]
    tests = [c for c in cases if "ipynb" not in c[0]]
    return dict(sorted(tests, key=lambda c: -c[1])[:n])


def report() -> str:
    """The JUnit report of the whole suite, run on one process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "junit.xml")
        command = [sys.executable, "-m", *COMMAND, f"--junitxml={file}"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        print(done.stdout.strip().splitlines()[-1])
        return file.read_text(encoding="utf-8")


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """One round, whatever was asked for."""
    junit = report()
    files = sorted(by_file(junit).items(), key=lambda f: -f[1])
    rows = [row("everything, one process", [sum(s for _, s in files)], "s")]
    rows += [row(name, [s], "s") for name, s in files if s >= 0.5]
    rows += [row(f"slowest: {name}", [s], "s") for name, s in slowest(junit).items()]
    return rows, ["wall time of one process; two processes share it, a file each (`--dist loadscope`)"]
