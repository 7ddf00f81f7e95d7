"""Chapter 12 beside facebook's flow_matching: the same rates, paths and samples on the same inputs."""

import pytest
import torch

from fmtutorial.variants import (
    MaskPath,
    UniformPath,
    all_states,
    jump_rates,
    posterior_field,
    sampler_law,
)

pytestmark = pytest.mark.peers

PATHS = [MaskPath(3), UniformPath(3)]
both_paths = pytest.mark.parametrize("path", PATHS, ids=str)


@pytest.fixture
def their_path():
    theirs = pytest.importorskip("flow_matching.path")
    scheduler = pytest.importorskip("flow_matching.path.scheduler")
    return theirs.MixtureDiscreteProbPath(scheduler=scheduler.PolynomialConvexScheduler(n=1.0))


@pytest.fixture
def table():
    q = torch.rand(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** 3
    return q / q.sum()


def over_states(posterior, path):
    """The posterior with a probability for the mask too, which is 0: (n, L, S)."""
    return torch.nn.functional.pad(posterior, (0, path.n_states - path.n_symbols))


@both_paths
def test_the_rates_are_the_same(path, their_path, table):
    x, t = all_states(path, 2), 0.4
    posterior = posterior_field(table, path)(x, t)
    logits = over_states(posterior, path).log()
    theirs = their_path.posterior_to_velocity(logits, x, torch.full((len(x),), t, dtype=torch.float64))
    torch.testing.assert_close(jump_rates(posterior, x, path, t), theirs)


@both_paths
def test_points_on_the_path_have_the_same_law(path, their_path):
    x1 = torch.tensor([[0, 2]]).expand(40_000, 2)
    torch.manual_seed(0)
    x0 = torch.multinomial(path.noise(), 80_000, True).reshape(-1, 2)
    theirs = their_path.sample(x_0=x0, x_1=x1, t=torch.full((40_000,), 0.3)).x_t
    for i, a in enumerate((0, 2)):
        shares = torch.bincount(theirs[:, i], minlength=path.n_states) / 40_000
        assert (shares - path.kernel(0.3)[a]).abs().max() < 0.012


@both_paths
def test_many_steps_of_their_solver_have_our_law(path, their_path, table):
    """Their step jumps with the probability 1 - exp(-h rate), ours with h rate: the same for short steps."""
    solvers = pytest.importorskip("flow_matching.solver")
    posterior = posterior_field(table, path)

    def model(x, t):
        return over_states(posterior(x, float(t[0])), path)

    n, n_steps = 20_000, 100
    torch.manual_seed(1)
    start = torch.multinomial(path.noise(), 2 * n, True).reshape(n, 2)
    solver = solvers.MixtureDiscreteEulerSolver(model=model, path=their_path, vocabulary_size=path.n_states)
    x = solver.sample(x_init=start, step_size=1 / n_steps, time_grid=torch.tensor([0.0, 1.0]))
    shares = torch.bincount(3 * x[:, 0] + x[:, 1], minlength=9).reshape(3, 3) / n
    assert (shares - sampler_law(posterior, path, 2, n_steps)).abs().max() < 4 * 0.5 / n**0.5 + 0.005
