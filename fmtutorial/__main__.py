"""`python -m fmtutorial`: versions, and a check of this environment that says how to repair what is wrong."""

import importlib.metadata as metadata
import platform
import sys

import torch
from packaging.requirements import Requirement

from fmtutorial import exact
from fmtutorial.distributions import standard_mixture
from fmtutorial.paths import StraightPath

ADVICE = "python -m pip install --upgrade {name!r}"


def requirements() -> list[Requirement]:
    """What the package asks for, and what the notebooks need beside it."""
    declared = [Requirement(r) for r in metadata.requires("fmtutorial") or []]
    return [r for r in declared if r.marker is None or r.marker.evaluate({"extra": "notebooks"})]


def package_line(requirement: Requirement) -> tuple[bool, str]:
    """Whether one package is there in a version that fits, and a line about it."""
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False, f"{requirement.name}: not installed. {ADVICE.format(name=wanted)}"
    if not requirement.specifier.contains(version, prereleases=True):
        return False, f"{requirement.name} {version}: {wanted} is needed. {ADVICE.format(name=wanted)}"
    return True, f"{requirement.name} {version}"


def kernel_line() -> tuple[bool, str]:
    """Whether Jupyter has the kernel that the notebooks ask for."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        found = "python3" in KernelSpecManager().find_kernel_specs()
    except ImportError:
        found = False
    remedy = "" if found else ": missing. python -m ipykernel install --sys-prefix"
    return found, f"kernel python3{remedy}"


def numbers_line() -> tuple[bool, str]:
    """Whether this machine gets a number right that is known by quadrature."""
    floor, error = exact.loss_floor(
        standard_mixture(), StraightPath(), 20_000, torch.Generator().manual_seed(0)
    )
    right = abs(floor - 2.0236) < 5 * error
    told = f"loss floor of the standard mixture {floor:.3f} ± {error:.3f}, exactly 2.0236"
    return right, told if right else f"{told}: wrong. Please report this with the lines above."


def main() -> int:
    """Print one line a check; return 1 if anything is wrong."""
    here = f"Python {platform.python_version()}, {platform.platform()}"
    print(f"fmtutorial {metadata.version('fmtutorial')}, {here}")
    lines = [package_line(r) for r in requirements()] + [kernel_line(), numbers_line()]
    for right, line in lines:
        print("✓" if right else "✗", line)
    wrong = sum(not right for right, _ in lines)
    print("All is well." if not wrong else f"{wrong} to repair: each ✗ says how.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
