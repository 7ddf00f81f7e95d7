"""Write requirements.txt: exact pins of everything that the course installs, read from this environment.

    python tools/lock.py

Run it in an environment that was made by `pip install -e ".[test]"` and passes all tests. It follows every
dependency from pyproject.toml down. What other systems need in addition is taken from the dependencies'
own markers, with the versions of `ELSEWHERE`.
"""

import importlib.metadata as metadata
import re
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("", "test", "notebooks", "instructors")
ELSEWHERE = {  # installed on other systems only; versions as of the last lock
    'appnope==0.1.4 ; platform_system == "Darwin"',
    'colorama==0.4.6 ; platform_system == "Windows"',
    'tzdata==2026.6 ; platform_system == "Windows"',
    'pywinpty==3.0.2 ; platform_system == "Windows"',
}
HEADER = """\
# The tested environment, everything included. Written by tools/lock.py; pyproject.toml has the ranges.
# The CUDA libraries that PyTorch's default build for Linux brings along are PyTorch's own to choose; README
# says how to get the small CPU build instead.
"""


def canonical(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(requirement: Requirement, extras) -> bool:
    """Does this requirement apply on this machine, with any of these extras?"""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras)


def closure() -> dict[str, str]:
    """The name and version of every distribution that the course needs, directly or not."""
    todo = [("fmtutorial", EXTRAS)]
    seen, pins = set(), {}
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        distribution = metadata.distribution(name)
        pins[name] = distribution.version.split("+")[0]
        requirements = map(Requirement, distribution.requires or [])
        todo += [(canonical(r.name), ("", *sorted(r.extras))) for r in requirements if wanted(r, extras)]
    del pins["fmtutorial"]
    return pins


def main() -> None:
    """Write the file."""
    lines = sorted([f"{name}=={version}" for name, version in closure().items()] + list(ELSEWHERE))
    text = HEADER + "\n".join(lines) + "\n--editable .\n"
    (ROOT / "requirements.txt").write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(lines)} pins")


if __name__ == "__main__":
    main()
