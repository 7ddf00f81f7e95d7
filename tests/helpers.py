"""What several tests share: places, notebooks, seeds, random mixtures, and the table of wrong calls."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from fmtutorial import ConditionalVelocityNet, GaussianMixture, StraightPath, VelocityNet, standard_mixture
from fmtutorial.variants import MaskPath, UniformPath

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
CHAPTERS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
RELEASED = sorted((NOTEBOOKS / "exercises").glob("*/*.ipynb"))
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*/*.ipynb"))

settings.register_profile("course", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("course")


def read_notebook(file: Path) -> nbformat.NotebookNode:
    """A stored notebook."""
    return nbformat.read(file, as_version=4)


def python_of(cell) -> str:
    """A code cell's source without IPython's magics."""
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", cell.source)


def seeded(seed: int = 0) -> torch.Generator:
    """A fresh generator."""
    return torch.Generator().manual_seed(seed)


TOKEN_PATHS = [MaskPath(3), UniformPath(3)]
both_token_paths = pytest.mark.parametrize("path", TOKEN_PATHS, ids=str)


def random_table(seed: int = 0, length: int = 3, n_symbols: int = 3) -> torch.Tensor:
    """Random probabilities of the strings of `length` tokens, some of them small."""
    q = torch.rand((n_symbols,) * length, generator=seeded(seed), dtype=torch.float64) ** 3
    return q / q.sum()


def random_mixture(seed: int, dim: int, n_components: int) -> GaussianMixture:
    """A mixture with full covariances and unequal weights."""
    generator = seeded(seed)
    weights = torch.rand(n_components, generator=generator, dtype=torch.float64) + 0.1
    parameters = []
    for _ in range(n_components):
        a = torch.randn(dim, dim, generator=generator, dtype=torch.float64)
        mean = 2 * torch.randn(dim, generator=generator, dtype=torch.float64)
        parameters.append({"mean": mean, "cov": a @ a.T / dim + 0.2 * torch.eye(dim, dtype=torch.float64)})
    return GaussianMixture(parameters, weights / weights.sum())


mixtures = st.builds(random_mixture, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
times = st.floats(0.02, 0.98)
widths = st.sampled_from([0.0, 1e-4, 0.1, 0.5])


def normal(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    """Standard normal points in double precision."""
    return torch.randn(n, dim, generator=seeded(seed), dtype=torch.float64)


# What is right in a wrong call, except for the one argument that is wrong.
MIXTURE = standard_mixture()
PATH = StraightPath(0.1)
POINTS = normal(5, 2)
FLOAT_POINTS = POINTS.float()
NOT_NUMBERS = torch.full((5, 2), float("nan"), dtype=torch.float64)
IDENTITY = [[1.0, 0.0], [0.0, 1.0]]
LABELS = torch.tensor([0, 1, 2, 0, 1])
SMALL = {"hidden_dim": 4, "n_blocks": 1}
NETWORK = VelocityNet(hidden_dim=4)
BY_LABEL = ConditionalVelocityNet(2, n_classes=3, **SMALL)
ALWAYS_LABELLED = ConditionalVelocityNet(2, n_classes=3, unconditional=False, **SMALL)
BY_NUMBERS = ConditionalVelocityNet(2, condition_dim=2, unconditional=False, **SMALL)


class Case(NamedTuple):
    """A wrong call: what is wrong with it, the call, its error, and words that the message must have."""

    wrong: str
    call: Callable[[], object]
    error: type[Exception]
    words: str

    def __str__(self) -> str:
        return self.wrong


def check_error(case: Case) -> None:
    """The call raises the error, and its message has all words; what stands in parentheses is one word."""
    with pytest.raises(case.error) as caught:
        case.call()
    message = str(caught.value)
    for word in re.findall(r"\([^)]*\)|\S+", case.words):
        assert word in message, f"{word!r} is not in {message!r}"
