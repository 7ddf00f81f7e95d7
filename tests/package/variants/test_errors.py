"""Wrong arguments of the variants: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import Case, check_error

from fmtutorial.variants import (
    MaskPath,
    TokenNet,
    UniformPath,
    all_states,
    checkerboard_table,
    decode,
    draw_strings,
    encode,
    entropy,
    excess_token_loss,
    generator_matrix,
    jump_rates,
    one_at_a_time_law,
    posterior_field,
    sample_tokens,
    sampler_law,
    token_loss_floor,
    token_marginal,
    token_marginal_derivative,
    token_posterior,
    total_variation,
    train_tokens,
    unmask_one_at_a_time,
)

Q = torch.full((2, 2), 0.25)
PATH = MaskPath(2)
X = torch.tensor([[0, 1], [2, 2]])
P = torch.full((2, 2, 2), 0.5)
EXACT = posterior_field(Q, PATH)
NET = TokenNet(PATH, 2, 4)


def logits(x, t):
    return torch.zeros(*x.shape, 2)


def flat(x, t):
    return torch.full((len(x), 2), 0.5)


CASES = [
    Case("MaskPath n_symbols=0", lambda: MaskPath(0), ValueError, "n_symbols at least 1 0"),
    Case("UniformPath n_symbols=2.0", lambda: UniformPath(2.0), TypeError, "n_symbols integer float"),
    Case("all_states path=2", lambda: all_states(2, 2), TypeError, "path MaskPath UniformPath int"),
    Case("all_states length=0", lambda: all_states(PATH, 0), ValueError, "length at least 1 0"),
    Case("token_marginal table=list", lambda: token_marginal([0.5], PATH, 0.5), TypeError, "table Tensor list"),
    Case("token_marginal table of integers", lambda: token_marginal(X, PATH, 0.5), TypeError, "table int64"),
    Case("token_marginal three symbols", lambda: token_marginal(torch.ones(3) / 3, PATH, 0.5), ValueError, "table 2 symbols (3,)"),
    Case("token_posterior sum 2", lambda: token_posterior(2 * Q, PATH, 0.5), ValueError, "table sum 1 sum 2"),
    Case("token_marginal_derivative t=2", lambda: token_marginal_derivative(Q, PATH, 2.0), ValueError, "t [0.0, 1.0] 2.0"),
    Case("posterior_field path='mask'", lambda: posterior_field(Q, "mask"), TypeError, "path MaskPath str"),
    Case("draw_strings n=0", lambda: draw_strings(Q, 0), ValueError, "n at least 1 0"),
    Case("draw_strings table=2", lambda: draw_strings(2, 5), TypeError, "table (V,) 2"),
    Case("checkerboard_table n_symbols=-1", lambda: checkerboard_table(-1), ValueError, "n_symbols at least 1 -1"),
    Case("jump_rates t=1", lambda: jump_rates(P, X, PATH, 1.0), ValueError, "t [0.0, 1.0) 1.0"),
    Case("jump_rates noise_level=-1", lambda: jump_rates(P, X, PATH, 0.5, -1.0), ValueError, "noise_level -1.0"),
    Case("jump_rates x of floats", lambda: jump_rates(P, X.float(), PATH, 0.5), TypeError, "x int64 float32"),
    Case("jump_rates x of one axis", lambda: jump_rates(P, X[0], PATH, 0.5), ValueError, "x (n, L) (2,)"),
    Case("jump_rates x=3", lambda: jump_rates(P, X + 1, PATH, 0.5), ValueError, "x 0 to 2 1 to 3"),
    Case("jump_rates posterior of another shape", lambda: jump_rates(P[0], X, PATH, 0.5), ValueError, "posterior (2, 2, 2) (2, 2)"),
    Case("jump_rates posterior=0.5", lambda: jump_rates(0.5, X, PATH, 0.5), TypeError, "posterior Tensor float"),
    Case("generator_matrix n_states=0", lambda: generator_matrix(P, X, 0), ValueError, "n_states at least 1 0"),
    Case("sampler_law n_steps=0", lambda: sampler_law(EXACT, PATH, 2, 0), ValueError, "n_steps at least 1 0"),
    Case("sampler_law posterior=logits", lambda: sampler_law(logits, PATH, 2, 4), ValueError, "posterior(x, t) sum 1 softmax"),
    Case("sampler_law posterior=table", lambda: sampler_law(Q, PATH, 2, 4), TypeError, "posterior callable Tensor"),
    Case("sample_tokens posterior of another shape", lambda: sample_tokens(flat, PATH, 3, 2, 4), ValueError, "posterior(x, t) (3, 2, 2) (3, 2)"),
    Case("sample_tokens generator=0", lambda: sample_tokens(EXACT, PATH, 3, 2, 4, generator=0), TypeError, "generator torch.Generator int"),
    Case("one_at_a_time_law uniform path", lambda: one_at_a_time_law(EXACT, UniformPath(2), 2), TypeError, "path MaskPath UniformPath"),
    Case("unmask_one_at_a_time n=0", lambda: unmask_one_at_a_time(EXACT, PATH, 0, 2), ValueError, "n at least 1 0"),
    Case("entropy NaN", lambda: entropy(Q * torch.nan), ValueError, "table finite 4 NaN"),
    Case("total_variation of two shapes", lambda: total_variation(Q, Q[0]), ValueError, "p q (2, 2) (2,)"),
    Case("token_loss_floor sum 2", lambda: token_loss_floor(2 * Q, PATH), ValueError, "table sum 1"),
    Case("excess_token_loss path=None", lambda: excess_token_loss(EXACT, Q, None), TypeError, "path MaskPath NoneType"),
    Case("TokenNet length=0", lambda: TokenNet(PATH, 0), ValueError, "length at least 1 0"),
    Case("TokenNet hidden_dim='a'", lambda: TokenNet(PATH, 2, "a"), TypeError, "hidden_dim integer str"),
    Case("train_tokens x1 with masks", lambda: train_tokens(NET, X, PATH, 5), ValueError, "x1 0 to 1 0 to 2"),
    Case("train_tokens lr=0", lambda: train_tokens(NET, X[:1], PATH, 5, lr=0.0), ValueError, "lr (0.0 0.0"),
    Case("encode text=3", lambda: encode(3), TypeError, "text string int"),
    Case("decode tokens=1", lambda: decode(torch.tensor([1])), ValueError, "tokens (n, L)"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
