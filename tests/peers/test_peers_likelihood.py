"""Our log-likelihood is flow_matching's on the same field, the same points, the same steps and probes."""

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import StraightPath, VelocityNet, exact, standard_mixture
from fmtutorial.metrics import log_prob

pytestmark = pytest.mark.peers
MIXTURE, PATH = standard_mixture(), StraightPath(0.1)


def network():
    torch.manual_seed(0)
    return VelocityNet(hidden_dim=32, time_dim=5, depth=3).double()


FIELDS = {"exact velocity": exact.velocity_field(MIXTURE, PATH), "network": network()}


@pytest.fixture(params=FIELDS)
def field(request):
    return FIELDS[request.param]


@pytest.fixture
def theirs():
    """flow_matching's likelihood, with the standard normal as the source."""
    library = pytest.importorskip("flow_matching.solver", reason="pip install flow_matching")

    def likelihood(field, x, **options):
        solver = library.ODESolver(velocity_model=field)
        time_grid = torch.tensor([1.0, 0.0], dtype=x.dtype)
        zero = torch.zeros(2, dtype=x.dtype)
        source = torch.distributions.Independent(torch.distributions.Normal(zero, 1 + zero), 1)
        found = solver.compute_likelihood(x, source.log_prob, time_grid=time_grid, **options)
        return found[1].detach()

    return likelihood


@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
@pytest.mark.parametrize("n_steps", [1, 8, 20])
def test_the_exact_divergence_with_equal_steps_agrees_to_rounding(theirs, field, method, n_steps):
    x = 2 * normal(40, 2)
    expected = theirs(field, x.clone(), step_size=1 / n_steps, method=method, exact_divergence=True)
    torch.testing.assert_close(log_prob(field, x, n_steps, method), expected, rtol=1e-9, atol=1e-9)


def test_adaptive_solutions_agree_to_their_tolerance(theirs, field):
    x = 2 * normal(40, 2)
    tight = {"method": "dopri5", "atol": 1e-9, "rtol": 1e-9}
    expected = theirs(field, x.clone(), step_size=None, exact_divergence=True, **tight)
    torch.testing.assert_close(log_prob(field, x, **tight), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_hutchinsons_estimate_with_the_same_probe_agrees_to_rounding(theirs, seed):
    # theirs draws single-precision signs from the global state; the sign of a whole probe does not matter
    net, x = network().float(), 2 * normal(40, 2).float()
    torch.manual_seed(seed)
    expected = theirs(net, x.clone(), step_size=0.1, method="midpoint", exact_divergence=False)
    found = log_prob(net, x, 10, "midpoint", "hutchinson", generator=seeded(seed))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (found - log_prob(net, x, 10, "midpoint")).abs().max() > 0.01  # it is an estimate


def test_a_condition_goes_along(theirs):
    shifts, y = torch.tensor([[3.0, 0.0], [0.0, -2.0]], dtype=torch.float64), torch.arange(40) % 2

    def conditional(x, t, y):
        return shifts[y] + torch.sin(t * x)

    x = normal(40, 2)
    expected = theirs(conditional, x.clone(), step_size=0.1, method="rk4", exact_divergence=True, y=y)
    found = log_prob(lambda x, t: conditional(x, t, y), x, 10)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
