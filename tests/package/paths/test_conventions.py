"""Conversions between predictions and between paths: round trips, exact fields, trajectories."""

import pytest
import torch
from helpers import mixtures, normal, seeded, times
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import (
    CosinePath,
    StraightPath,
    VarianceExplodingPath,
    VariancePreservingPath,
    exact,
    integrate_flow,
    standard_mixture,
)
from fmtutorial.paths import (
    KINDS,
    convert,
    convert_unchecked,
    converted_model,
    move_to_path,
    noise_and_data,
    velocity_on_path,
)

MIXTURE = standard_mixture()
PATHS = [StraightPath(0.0), StraightPath(0.1), CosinePath(), VariancePreservingPath()]
PATHS += [VarianceExplodingPath(), VarianceExplodingPath(0.1, 5.0, 1.0)]
paths = st.sampled_from(PATHS)


def posterior_means(mixture, path, x, t):
    """E[x0 | x_t] and E[x1 | x_t], written without the velocity: from the components' own posteriors."""
    log_joint = []
    means = []
    a = float(path.alpha(t))
    s = float(path.sigma(t))
    for w, m, c in zip(mixture.weights, mixture.means, mixture.covariances, strict=True):
        total = a**2 * c + s**2 * torch.eye(mixture.dim, dtype=torch.float64)
        normal_k = torch.distributions.MultivariateNormal(a * m, total)
        log_joint.append(w.log() + normal_k.log_prob(x))
        means.append(m + (x - a * m) @ torch.linalg.solve(total, a * c))
    r = torch.softmax(torch.stack(log_joint, 1), 1)
    data = torch.einsum("nk,kni->ni", r, torch.stack(means))
    return (x - a * data) / s, data


@given(mixtures, paths, times)
def test_noise_and_data_are_the_posterior_means(mixture, path, t):
    x = float(path.sigma(t) + path.alpha(t)) * normal(20, mixture.dim)
    u = exact.marginal_velocity(mixture, path, x, t)
    for ours, expected in zip(
        noise_and_data(u, x, t, path), posterior_means(mixture, path, x, t), strict=True
    ):
        torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-6)


@given(mixtures, paths, times)
def test_exact_velocity_and_exact_score_are_converted_into_each_other(mixture, path, t):
    x = float(path.sigma(t) + path.alpha(t)) * normal(20, mixture.dim)
    u = exact.marginal_velocity(mixture, path, x, t)
    score = exact.marginal_score(mixture, path, x, t)
    close = {"rtol": 1e-7, "atol": 1e-7}
    torch.testing.assert_close(convert(u, x, t, path, "velocity", "score"), score, **close)
    torch.testing.assert_close(convert(score, x, t, path, "score", "velocity"), u, **close)
    noise, data = posterior_means(mixture, path, x, t)
    torch.testing.assert_close(convert(noise, x, t, path, "noise", "score"), score, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(convert(data, x, t, path, "data", "velocity"), u, rtol=1e-5, atol=1e-5)


@given(paths, times, st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_round_trips(path, t, source, target):
    x = normal(15, 3, 1)
    value = normal(15, 3, 2)
    there = convert(value, x, t, path, source, target)
    torch.testing.assert_close(convert(there, x, t, path, target, source), value, rtol=1e-6, atol=1e-6)


@given(paths, times, st.sampled_from(KINDS), st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_two_conversions_are_one(path, t, a, b, c):
    x = normal(15, 3, 1)
    value = normal(15, 3, 2)
    direct = convert(value, x, t, path, a, c)
    detour = convert(convert(value, x, t, path, a, b), x, t, path, b, c)
    torch.testing.assert_close(detour, direct, rtol=1e-5, atol=1e-5)


@given(paths, times)
def test_on_a_known_pair_every_prediction_is_what_it_is_called(path, t):
    x0 = normal(30, 2, 3)
    x1 = normal(30, 2, 4)
    x_t = path.sample(x0, x1, t)
    u_t = path.velocity(x0, x1, t)
    close = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(convert(u_t, x_t, t, path, "velocity", "noise"), x0, **close)
    torch.testing.assert_close(convert(u_t, x_t, t, path, "velocity", "data"), x1, **close)
    v = path.alpha(t) * x0 - path.sigma(t) * x1
    torch.testing.assert_close(convert(u_t, x_t, t, path, "velocity", "v"), v, **close)
    score = (path.alpha(t) * x1 - x_t) / path.sigma(t) ** 2  # of N(alpha x1, sigma^2 I)
    torch.testing.assert_close(convert(u_t, x_t, t, path, "velocity", "score"), score, rtol=1e-5, atol=1e-4)


@given(times)
def test_salimans_v_is_the_velocity_of_the_cosine_path_up_to_a_factor(t):
    x = normal(10, 2, 1)
    u = normal(10, 2, 2)
    v = convert(u, x, t, CosinePath(), "velocity", "v")
    torch.testing.assert_close(v, -u / (torch.pi / 2), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("path", [StraightPath(0.0), CosinePath()], ids=repr)
def test_the_ends_where_a_velocity_still_tells_all(path):
    x0 = normal(10, 2, 1)
    x1 = normal(10, 2, 2)
    for t in (0.0, 1.0):
        x_t = path.sample(x0, x1, t)
        u_t = path.velocity(x0, x1, t)
        noise, data = noise_and_data(u_t, x_t, torch.tensor(t).double(), path)
        torch.testing.assert_close(noise, x0, atol=1e-12, rtol=0)
        torch.testing.assert_close(data, x1, atol=1e-12, rtol=0)


def test_the_variance_preserving_end_where_sigma_dot_is_infinite():
    path = VariancePreservingPath()
    x = normal(10, 2)
    u = exact.marginal_velocity(MIXTURE, path, x, 1.0)
    torch.testing.assert_close(convert(u, x, 1.0, path, "velocity", "score"), MIXTURE.score(x))
    noise, data = noise_and_data(u, x, torch.tensor(1.0).double(), path)
    torch.testing.assert_close(data, x)
    assert (noise == 0).all()


@given(mixtures, st.sampled_from(PATHS[1:]), st.sampled_from(PATHS[1:]), st.floats(0.2, 0.8))
def test_marginals_of_two_paths_are_rescaled_copies(mixture, path, other, t):
    t = torch.tensor(t, dtype=torch.float64)
    if not other.noise_ratio(1.0) < path.noise_ratio(t) < other.noise_ratio(0.0):
        return
    x = normal(20, mixture.dim)
    y, s = move_to_path(x, t, path, other)
    scale = float(other.alpha(s) / path.alpha(t))
    torch.testing.assert_close(y, scale * x, rtol=1e-9, atol=1e-12)
    log_p = exact.marginal_log_prob(mixture, path, x, t)
    log_q = exact.marginal_log_prob(mixture, other, y, s)
    torch.testing.assert_close(log_q, log_p - mixture.dim * torch.tensor(scale).log(), rtol=1e-7, atol=1e-7)
    back, again = move_to_path(y, s, other, path)
    torch.testing.assert_close(back, x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(again, t, rtol=0, atol=1e-9)


@pytest.mark.parametrize("other", [CosinePath(), VariancePreservingPath(), VarianceExplodingPath()], ids=repr)
def test_trajectories_of_one_path_map_onto_those_of_another(other):
    path = StraightPath(0.0)
    x = normal(30, 2)
    span = (0.1, 0.9)
    solve = {"n_steps": 1, "atol": 1e-10, "rtol": 1e-10}
    end = integrate_flow(exact.velocity_field(MIXTURE, path), x, span, **solve)[0][-1]
    moments = torch.tensor(span, dtype=torch.float64)
    first, s0 = move_to_path(x, moments[0], path, other)
    last, s1 = move_to_path(end, moments[1], path, other)
    there = integrate_flow(exact.velocity_field(MIXTURE, other), first, (float(s0), float(s1)), **solve)[0][
        -1
    ]
    torch.testing.assert_close(there, last, rtol=1e-6, atol=1e-6)


@given(paths, st.sampled_from(PATHS[1:4]), st.floats(0.1, 0.9))
def test_the_exact_velocity_of_one_path_gives_that_of_another(path, other, t):
    t = torch.tensor(t, dtype=torch.float64)
    if not path.noise_ratio(1.0) < other.noise_ratio(t) < path.noise_ratio(0.0):
        return
    x = normal(20, 2)
    ours = velocity_on_path(exact.velocity_field(MIXTURE, path), path, other)(x, t)
    torch.testing.assert_close(ours, exact.marginal_velocity(MIXTURE, other, x, t), rtol=1e-6, atol=1e-6)


def test_converted_models_take_times_of_any_shape():
    path = CosinePath()
    x = normal(8, 2)
    score = converted_model(exact.velocity_field(MIXTURE, path), path, "velocity", "score")
    expected = exact.marginal_score(MIXTURE, path, x, 0.3)
    for t in (0.3, torch.tensor(0.3), torch.full((8,), 0.3), torch.full((8, 1), 0.3)):
        torch.testing.assert_close(score(x, t), expected, rtol=1e-5, atol=1e-5)


def test_single_precision_is_kept():
    path = VariancePreservingPath()
    x = torch.randn(8, 2, generator=seeded())
    value = convert(x, x, torch.rand(8, generator=seeded()), path, "noise", "velocity")
    assert value.dtype == torch.float32
    moved, s = move_to_path(x, torch.tensor(0.5), path, CosinePath())
    assert moved.dtype == s.dtype == torch.float32


@pytest.mark.parametrize("other", [StraightPath(0.0), CosinePath()], ids=repr)
def test_noise_stays_noise_and_data_stay_data(other):
    # at the ends alpha or sigma is 0 on both paths, and the scale is that of the other one
    x = normal(8, 2)
    for path in (StraightPath(0.0), CosinePath()):
        for end in (0.0, 1.0):
            moved, t = move_to_path(x, torch.tensor(end).double(), path, other)
            torch.testing.assert_close(moved, x, rtol=1e-12, atol=0)
            torch.testing.assert_close(t, torch.tensor(end).double(), rtol=0, atol=1e-15)


@given(st.sampled_from(PATHS), st.sampled_from(PATHS[:4]), st.floats(0.05, 0.95))
def test_a_point_keeps_its_noise_and_its_data(path, other, t):
    # x = alpha x1 + sigma x0 moves to the point of the same x0 and x1, up to the one scale of both
    t = torch.tensor(t, dtype=torch.float64)
    if not other.noise_ratio(1.0) <= path.noise_ratio(t) <= other.noise_ratio(0.0):
        return
    x0 = normal(10, 2, 5)
    x1 = normal(10, 2, 6)
    moved, t_other = move_to_path(path.sample(x0, x1, t), t, path, other)
    torch.testing.assert_close(moved, other.sample(x0, x1, t_other), rtol=1e-7, atol=1e-7)


def test_unchecked_conversion_is_the_checked_one():
    path = CosinePath()
    x = normal(8, 2)
    value = normal(8, 2, 1)
    t = torch.linspace(0.1, 0.9, 8, dtype=torch.float64)[:, None]
    for source in KINDS:
        for target in KINDS:
            checked = convert(value, x, t, path, source, target)
            unchecked = convert_unchecked(value, x, t, path, source, target)
            assert torch.equal(checked, unchecked), (source, target)
