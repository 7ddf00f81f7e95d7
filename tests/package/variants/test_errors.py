"""Wrong arguments of the variants: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import FLOAT_POINTS, MIXTURE, NOT_NUMBERS, PATH, POINTS, Case, check_error

from fmtutorial import EmpiricalDistribution, GaussianMixture, VelocityNet
from fmtutorial.variants import (
    AverageVelocityNet,
    Bridge,
    MaskPath,
    TokenNet,
    UniformPath,
    all_states,
    bridge_fields,
    bridge_log_prob,
    bridge_moments,
    bridge_score,
    bridge_velocity,
    checkerboard_table,
    consistency_loss,
    decode,
    distillation_loss,
    draw_strings,
    encode,
    entropy,
    exact_average_velocity,
    exact_flow_map,
    excess_token_loss,
    flow_map_trajectories,
    gaussian_bridge,
    generator_matrix,
    jump,
    jump_rates,
    lagrangian_loss,
    markovian_projection,
    meanflow_floor,
    meanflow_loss,
    one_at_a_time_law,
    paired_gap,
    posterior_field,
    progressive_loss,
    renoised_jumps,
    sample_bridge,
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
TOKENS = MaskPath(2)
X = torch.tensor([[0, 1], [2, 2]])
P = torch.full((2, 2, 2), 0.5)
EXACT = posterior_field(Q, TOKENS)
NET = TokenNet(TOKENS, 2, 4)
AVERAGE = AverageVelocityNet(hidden_dim=4)


def logits(x, t):
    return torch.zeros(*x.shape, 2)


def flat(x, t):
    return torch.full((len(x), 2), 0.5)


BRIDGE = Bridge(1.0)
FIELDS = bridge_fields(MIXTURE, MIXTURE, BRIDGE)
ON_A_LINE = GaussianMixture([{"mean": [0.0], "std": 1.0}])
EYE = torch.eye(2)

CASES = [
    Case("MaskPath n_symbols=0", lambda: MaskPath(0), ValueError, "n_symbols at least 1 0"),
    Case("UniformPath n_symbols=2.0", lambda: UniformPath(2.0), TypeError, "n_symbols integer float"),
    Case("all_states path=2", lambda: all_states(2, 2), TypeError, "path MaskPath UniformPath int"),
    Case("all_states length=0", lambda: all_states(TOKENS, 0), ValueError, "length at least 1 0"),
    Case("token_marginal table=list", lambda: token_marginal([0.5], TOKENS, 0.5), TypeError, "table Tensor list"),
    Case("token_marginal table of integers", lambda: token_marginal(X, TOKENS, 0.5), TypeError, "table int64"),
    Case("token_marginal three symbols", lambda: token_marginal(torch.ones(3) / 3, TOKENS, 0.5), ValueError, "table 2 symbols (3,)"),
    Case("token_posterior sum 2", lambda: token_posterior(2 * Q, TOKENS, 0.5), ValueError, "table sum 1 sum 2"),
    Case("token_marginal_derivative t=2", lambda: token_marginal_derivative(Q, TOKENS, 2.0), ValueError, "t [0.0, 1.0] 2.0"),
    Case("posterior_field path='mask'", lambda: posterior_field(Q, "mask"), TypeError, "path MaskPath str"),
    Case("draw_strings n=0", lambda: draw_strings(Q, 0), ValueError, "n at least 1 0"),
    Case("draw_strings table=2", lambda: draw_strings(2, 5), TypeError, "table (V,) 2"),
    Case("checkerboard_table n_symbols=-1", lambda: checkerboard_table(-1), ValueError, "n_symbols at least 1 -1"),
    Case("jump_rates t=1", lambda: jump_rates(P, X, TOKENS, 1.0), ValueError, "t [0.0, 1.0) 1.0"),
    Case("jump_rates noise_level=-1", lambda: jump_rates(P, X, TOKENS, 0.5, -1.0), ValueError, "noise_level -1.0"),
    Case("jump_rates x of floats", lambda: jump_rates(P, X.float(), TOKENS, 0.5), TypeError, "x int64 float32"),
    Case("jump_rates x of one axis", lambda: jump_rates(P, X[0], TOKENS, 0.5), ValueError, "x (n, L) (2,)"),
    Case("jump_rates x=3", lambda: jump_rates(P, X + 1, TOKENS, 0.5), ValueError, "x 0 to 2 1 to 3"),
    Case("jump_rates posterior of another shape", lambda: jump_rates(P[0], X, TOKENS, 0.5), ValueError, "posterior (2, 2, 2) (2, 2)"),
    Case("jump_rates posterior=0.5", lambda: jump_rates(0.5, X, TOKENS, 0.5), TypeError, "posterior Tensor float"),
    Case("generator_matrix n_states=0", lambda: generator_matrix(P, X, 0), ValueError, "n_states at least 1 0"),
    Case("sampler_law n_steps=0", lambda: sampler_law(EXACT, TOKENS, 2, 0), ValueError, "n_steps at least 1 0"),
    Case("sampler_law posterior=logits", lambda: sampler_law(logits, TOKENS, 2, 4), ValueError, "posterior(x, t) sum 1 softmax"),
    Case("sampler_law posterior=table", lambda: sampler_law(Q, TOKENS, 2, 4), TypeError, "posterior callable Tensor"),
    Case("sample_tokens posterior of another shape", lambda: sample_tokens(flat, TOKENS, 3, 2, 4), ValueError, "posterior(x, t) (3, 2, 2) (3, 2)"),
    Case("sample_tokens generator=0", lambda: sample_tokens(EXACT, TOKENS, 3, 2, 4, generator=0), TypeError, "generator torch.Generator int"),
    Case("one_at_a_time_law uniform path", lambda: one_at_a_time_law(EXACT, UniformPath(2), 2), TypeError, "path MaskPath UniformPath"),
    Case("unmask_one_at_a_time n=0", lambda: unmask_one_at_a_time(EXACT, TOKENS, 0, 2), ValueError, "n at least 1 0"),
    Case("entropy NaN", lambda: entropy(Q * torch.nan), ValueError, "table finite 4 NaN"),
    Case("total_variation of two shapes", lambda: total_variation(Q, Q[0]), ValueError, "p q (2, 2) (2,)"),
    Case("token_loss_floor sum 2", lambda: token_loss_floor(2 * Q, TOKENS), ValueError, "table sum 1"),
    Case("excess_token_loss path=None", lambda: excess_token_loss(EXACT, Q, None), TypeError, "path MaskPath NoneType"),
    Case("TokenNet length=0", lambda: TokenNet(TOKENS, 0), ValueError, "length at least 1 0"),
    Case("TokenNet hidden_dim='a'", lambda: TokenNet(TOKENS, 2, "a"), TypeError, "hidden_dim integer str"),
    Case("train_tokens x1 with masks", lambda: train_tokens(NET, X, TOKENS, 5), ValueError, "x1 0 to 1 0 to 2"),
    Case("train_tokens lr=0", lambda: train_tokens(NET, X[:1], TOKENS, 5, lr=0.0), ValueError, "lr (0.0 0.0"),
    Case("encode text=3", lambda: encode(3), TypeError, "text string int"),
    Case("decode tokens=1", lambda: decode(torch.tensor([1])), ValueError, "tokens (n, L)"),
    Case("exact_flow_map mixture=data", lambda: exact_flow_map(EmpiricalDistribution(POINTS), PATH, POINTS, 0, 1), TypeError, "mixture GaussianMixture EmpiricalDistribution"),
    Case("exact_flow_map path='straight'", lambda: exact_flow_map(MIXTURE, "straight", POINTS, 0, 1), TypeError, "path AffineGaussianPath str"),
    Case("exact_flow_map x of three columns", lambda: exact_flow_map(MIXTURE, PATH, torch.zeros(5, 3), 0, 1), ValueError, "x (n, 2) (5, 3)"),
    Case("exact_flow_map s=-1", lambda: exact_flow_map(MIXTURE, PATH, POINTS, -1, 1), ValueError, "s must lie in [0, 1] -1.0"),
    Case("exact_average_velocity t=2", lambda: exact_average_velocity(MIXTURE, PATH, POINTS, 0, 2), ValueError, "t must lie in [0, 1] 2.0"),
    Case("exact_average_velocity s='0'", lambda: exact_average_velocity(MIXTURE, PATH, POINTS, "0", 1), TypeError, "s must be a number str"),
    Case("exact_average_velocity s of 3 rows", lambda: exact_average_velocity(MIXTURE, PATH, POINTS, torch.zeros(3, 1), 1), ValueError, "s (5, 1) (3, 1)"),
    Case("exact_average_velocity n_steps=0", lambda: exact_average_velocity(MIXTURE, PATH, POINTS, 0, 1, 0), ValueError, "n_steps at least 1 0"),
    Case("meanflow_floor n=0", lambda: meanflow_floor(MIXTURE, PATH, 0), ValueError, "n at least 1 0"),
    Case("meanflow_floor interval=0.5", lambda: meanflow_floor(MIXTURE, PATH, 9, interval=0.5), TypeError, "interval (s, t) 0.5"),
    Case("meanflow_floor interval to 2", lambda: meanflow_floor(MIXTURE, PATH, 9, interval=(0, 2)), ValueError, "interval[1] [0.0, 1.0] 2"),
    Case("meanflow_floor generator=0", lambda: meanflow_floor(MIXTURE, PATH, 9, 0), TypeError, "generator torch.Generator int"),
    Case("AverageVelocityNet dim=0", lambda: AverageVelocityNet(0), ValueError, "dim at least 1 0"),
    Case("AverageVelocityNet depth=2.5", lambda: AverageVelocityNet(depth=2.5), TypeError, "depth integer float"),
    Case("AverageVelocityNet x of three columns", lambda: AVERAGE(torch.zeros(5, 3), 0, 1), ValueError, "x (n, 2) (5, 3)"),
    Case("AverageVelocityNet s of 3 rows", lambda: AVERAGE(FLOAT_POINTS, torch.zeros(3, 1), 1), ValueError, "s (5, 1) (3, 1)"),
    Case("flow_map_trajectories n_times=1", lambda: flow_map_trajectories(AVERAGE, 3, 2, 1), ValueError, "n_times at least 2 1"),
    Case("flow_map_trajectories of two times", lambda: flow_map_trajectories(AVERAGE, 3, 2), TypeError, "model must be callable model(x, t)"),
    Case("jump x0 with NaN", lambda: jump(AVERAGE, NOT_NUMBERS, 1), ValueError, "x0 finite 10 NaN"),
    Case("jump n_steps=0", lambda: jump(AVERAGE, FLOAT_POINTS, 0), ValueError, "n_steps at least 1 0"),
    Case("jump model of one time", lambda: jump(VelocityNet(), FLOAT_POINTS, 1), TypeError, "model must be callable model(x, s, t)"),
    Case("jump in another dtype", lambda: jump(AVERAGE, POINTS, 1), TypeError, "model dtype float32 float64"),
    Case("jump model of another shape", lambda: jump(lambda x, s, t: x[:, :1], POINTS, 1), ValueError, "model(x, s, t) (5, 2) (5, 1)"),
    Case("renoised_jumps x0 with NaN", lambda: renoised_jumps(AVERAGE, NOT_NUMBERS, PATH, 1), ValueError, "x0 finite 10 NaN"),
    Case("renoised_jumps n_steps=0", lambda: renoised_jumps(AVERAGE, FLOAT_POINTS, PATH, 0), ValueError, "n_steps at least 1 0"),
    Case("renoised_jumps path=2", lambda: renoised_jumps(AVERAGE, FLOAT_POINTS, 2, 1), TypeError, "path int"),
    Case("renoised_jumps model of one time", lambda: renoised_jumps(VelocityNet(), FLOAT_POINTS, PATH, 1), TypeError, "model must be callable model(x, s, t)"),
    Case("renoised_jumps generator=0", lambda: renoised_jumps(AVERAGE, FLOAT_POINTS, PATH, 2, 0), TypeError, "generator torch.Generator int"),
    Case("paired_gap of two shapes", lambda: paired_gap(POINTS, POINTS[:2]), ValueError, "ends exact_ends (5, 2) (2, 2)"),
    Case("paired_gap ends=list", lambda: paired_gap([[0.0]], POINTS), TypeError, "ends torch.Tensor list"),
    Case("distillation_loss points", lambda: distillation_loss(AVERAGE, POINTS), ValueError, "trajectories (n, n_times, d) (5, 2)"),
    Case("meanflow_loss diagonal=2", lambda: meanflow_loss(AVERAGE, FLOAT_POINTS, PATH, diagonal=2), ValueError, "diagonal [0.0, 1.0] 2"),
    Case("meanflow_loss target='exact'", lambda: meanflow_loss(AVERAGE, FLOAT_POINTS, PATH, target="exact"), ValueError, "target 'batch', 'conditional' 'exact'"),
    Case("meanflow_loss model of one time", lambda: meanflow_loss(VelocityNet(), FLOAT_POINTS, PATH), TypeError, "model must be callable model(x, s, t)"),
    Case("meanflow_loss in another dtype", lambda: meanflow_loss(AVERAGE, POINTS, PATH), TypeError, "model dtype float32 float64"),
    Case("consistency_loss in another dtype", lambda: consistency_loss(AVERAGE, POINTS, PATH), TypeError, "model dtype float32 float64"),
    Case("lagrangian_loss with conditions", lambda: lagrangian_loss(AVERAGE, (FLOAT_POINTS, X), PATH), TypeError, "batch points tuple"),
    Case("progressive_loss path='straight'", lambda: progressive_loss(AVERAGE, FLOAT_POINTS, "straight"), TypeError, "path AffineGaussianPath str"),
    Case("progressive_loss model of another shape", lambda: progressive_loss(lambda x, s, t: x[:, :1], FLOAT_POINTS, PATH), ValueError, "model(x, s, t) (5, 2) (5, 1)"),
    Case("consistency_loss generator=0", lambda: consistency_loss(AVERAGE, FLOAT_POINTS, PATH, 0), TypeError, "generator torch.Generator int"),
    Case("Bridge s=-1", lambda: Bridge(-1.0), ValueError, "s [0.0, inf] -1.0"),
    Case("Bridge s='1'", lambda: Bridge("1"), TypeError, "s real number str"),
    Case("Bridge.sample of two shapes", lambda: BRIDGE.sample(POINTS, POINTS[:2], 0.5), ValueError, "x0 x1 (5, 2) (2, 2)"),
    Case("Bridge.sample t=1.5", lambda: BRIDGE.sample(POINTS, POINTS, 1.5), ValueError, "t [0, 1] 1.5"),
    Case("bridge_velocity mixture1=tensor", lambda: bridge_velocity(MIXTURE, POINTS, BRIDGE, POINTS, 0.5), TypeError, "mixture1 GaussianMixture Tensor"),
    Case("bridge_score of two dimensions", lambda: bridge_score(MIXTURE, ON_A_LINE, BRIDGE, POINTS, 0.5), ValueError, "mixture0 mixture1 dimension 2 1"),
    Case("bridge_log_prob bridge=1.0", lambda: bridge_log_prob(MIXTURE, MIXTURE, 1.0, POINTS, 0.5), TypeError, "bridge Bridge float"),
    Case("bridge_log_prob x with NaN", lambda: bridge_log_prob(MIXTURE, MIXTURE, BRIDGE, NOT_NUMBERS, 0.5), ValueError, "x finite 10 NaN"),
    Case("bridge_fields mixture0=list", lambda: bridge_fields([MIXTURE], MIXTURE, BRIDGE), TypeError, "mixture0 GaussianMixture list"),
    Case("sample_bridge noise_level=-1", lambda: sample_bridge(*FIELDS, POINTS, noise_level=-1.0), ValueError, "noise_level 0.0 -1.0"),
    Case("sample_bridge score of another shape", lambda: sample_bridge(FIELDS[0], lambda x, t: x[:, :1], POINTS, 2, 1.0), ValueError, "score(x, t) (5, 2) (5, 1)"),
    Case("gaussian_bridge s=0", lambda: gaussian_bridge(EYE, EYE, 0.0), ValueError, "s 0.0 0.0"),
    Case("gaussian_bridge cov1 not definite", lambda: gaussian_bridge(EYE, -EYE, 1.0), ValueError, "cov1 positive definite"),
    Case("gaussian_bridge of two sizes", lambda: gaussian_bridge(EYE, torch.eye(3), 1.0), ValueError, "cov0 cov1 (2, 2) (3, 3)"),
    Case("gaussian_bridge cov0=1.0", lambda: gaussian_bridge(1.0, EYE, 1.0), TypeError, "cov0 (d, d) float"),
    Case("markovian_projection cross of another shape", lambda: markovian_projection(EYE, EYE, EYE[:1], 1.0), ValueError, "cross cov0 (1, 2) (2, 2)"),
    Case("bridge_moments t=2", lambda: bridge_moments(EYE, EYE, EYE / 2, 1.0, 2.0), ValueError, "t [0.0, 1.0] 2.0"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
