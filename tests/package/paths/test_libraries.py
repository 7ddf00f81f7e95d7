"""What the networks of other libraries are shown and return, and the way back."""

import pytest
import torch
from helpers import normal

from fmtutorial import CosinePath, StraightPath, VariancePreservingPath, exact, standard_mixture
from fmtutorial.paths import CONVENTIONS, from_library, to_library

MIXTURE = standard_mixture()


@pytest.mark.parametrize("library", CONVENTIONS)
@pytest.mark.parametrize("path", [StraightPath(0.0), CosinePath(), VariancePreservingPath()], ids=repr)
def test_there_and_back_through_a_library(library, path):
    x = normal(20, 2)
    t = torch.tensor(0.6).double()
    u = exact.velocity_field(MIXTURE, path)
    network = to_library(u, library, path)
    back = from_library(network, library, path)
    torch.testing.assert_close(back(x, t), u(x, t), rtol=1e-6, atol=1e-6)


def test_what_the_libraries_networks_return():
    path = StraightPath(0.0)
    x = normal(20, 2)
    u = exact.velocity_field(MIXTURE, path)
    theirs = {name: to_library(u, name, path) for name in CONVENTIONS}
    torch.testing.assert_close(theirs["torchcfm"](x, 0.3), u(x, 0.3))
    torch.testing.assert_close(theirs["diffusers_flow"](x, 300.0), -u(x, 0.7))  # 300: 30% noise
    sigma = torch.tensor(0.8).double()  # EDM's denoiser of x1 + 0.8 n: E[x1 | .]
    blurred = MIXTURE.smoothed(0.8)
    torch.testing.assert_close(theirs["edm"](x, sigma), x + 0.64 * blurred.score(x), rtol=1e-6, atol=1e-6)
    vp = VariancePreservingPath()
    s = 0.4
    expected = exact.marginal_score(MIXTURE, vp, x, 1 - s)
    torch.testing.assert_close(theirs["score_sde"](x, s), expected, rtol=1e-6, atol=1e-6)
    eps = -vp.sigma(1 - s) * expected
    torch.testing.assert_close(theirs["diffusers_ddpm"](x, 399.0), eps, rtol=1e-6, atol=1e-6)
