"""The paths of tokens: kernels are laws, samples have them, and wrong states are named."""

import pytest
import torch
from helpers import both_token_paths, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial.variants import MaskPath, UniformPath, all_states


@both_token_paths
@given(t=st.floats(0, 1))
def test_a_kernel_is_a_mixture_of_symbol_and_noise(path, t):
    kernel = path.kernel(t)
    assert kernel.shape == (3, path.n_states)
    torch.testing.assert_close(kernel.sum(1), torch.ones(3).double())
    for a in range(3):
        for y in range(path.n_states):
            noise = 1 / 3 if isinstance(path, UniformPath) else float(y == 3)
            assert float(kernel[a, y]) == pytest.approx(t * (a == y) + (1 - t) * noise, abs=1e-12)


@both_token_paths
def test_the_derivative_is_that_of_the_kernel(path):
    difference = (path.kernel(0.7) - path.kernel(0.2)) / 0.5
    torch.testing.assert_close(path.kernel_derivative(), difference)


@both_token_paths
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_samples_have_the_kernels_law(path, t):
    x1 = torch.tensor([[0, 2]]).expand(40_000, 2)
    x_t = path.sample(x1, torch.full((40_000, 1), t), seeded())
    for i, a in enumerate((0, 2)):
        shares = torch.bincount(x_t[:, i], minlength=path.n_states) / 40_000
        assert (shares - path.kernel(t)[a]).abs().max() < 4 * 0.5 / 40_000**0.5
    both = (x_t[:, 0] == 0) & (x_t[:, 1] == 2)  # the two tokens are independent given x1
    assert abs(float(both.double().mean() - path.kernel(t)[0, 0] * path.kernel(t)[2, 2])) < 0.01


@both_token_paths
def test_the_log_likelihood_is_the_kernels_up_to_a_constant(path):
    x = all_states(path, 2)
    likelihood = path.kernel(0.3).T[x]  # (n, L, V)
    expected = likelihood / likelihood.sum(-1, keepdim=True)
    ours = path.log_likelihood(x, 0.3).softmax(-1).double()
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    columns = path.log_likelihood(x, torch.full((len(x), 1), 0.3))
    torch.testing.assert_close(columns, path.log_likelihood(x, 0.3))


def test_all_states_are_in_the_order_of_a_table():
    x = all_states(MaskPath(2), 3)
    table = torch.arange(27).reshape(3, 3, 3)
    assert table[x[:, 0], x[:, 1], x[:, 2]].tolist() == list(range(27))
