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
FLOOR = 2.0236  # of the standard mixture on the straight path, by quadrature


def requirements() -> list[Requirement]:
    """What the package asks for, and what the notebooks need beside it."""
    declared = [Requirement(line) for line in metadata.requires("fmtutorial") or []]
    return [
        requirement
        for requirement in declared
        if requirement.marker is None or requirement.marker.evaluate({"extra": "notebooks"})
    ]


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

        installed = "python3" in KernelSpecManager().find_kernel_specs()
    except ImportError:
        installed = False
    if not installed:
        return False, "kernel python3: missing. python -m ipykernel install --sys-prefix"
    return True, "kernel python3"


def numbers_line() -> tuple[bool, str]:
    """Whether this machine gets a number right that is known by quadrature."""
    generator = torch.Generator().manual_seed(0)
    floor, error = exact.loss_floor(standard_mixture(), StraightPath(), 20_000, generator)
    line = f"loss floor of the standard mixture {floor:.3f} ± {error:.3f}, exactly {FLOOR}"
    if abs(floor - FLOOR) >= 5 * error:
        return False, f"{line}: wrong. Please report this with the lines above."
    return True, line


def main() -> int:
    """Print one line a check; return 1 if anything is wrong."""
    machine = f"Python {platform.python_version()}, {platform.platform()}"
    print(f"fmtutorial {metadata.version('fmtutorial')}, {machine}")

    checks = [package_line(requirement) for requirement in requirements()]
    checks += [kernel_line(), numbers_line()]
    for passed, line in checks:
        print("✓" if passed else "✗", line)

    n_failed = sum(not passed for passed, _ in checks)
    if n_failed:
        print(f"{n_failed} to repair: each ✗ says how.")
        return 1
    print("All is well.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
