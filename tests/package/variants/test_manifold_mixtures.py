"""Mixtures on torus and sphere: integrals of 1, known limits, and samples with the densities they claim."""

import math

import numpy as np
import pytest
import torch
from helpers import normal, seeded
from manifold_cases import ON_SPHERE, ON_TORUS, sphere_nodes, torus_nodes

from fmtutorial import GaussianMixture
from fmtutorial.variants import Sphere, Torus, VonMisesFisherMixture, WrappedNormalMixture

PI = math.pi
both_mixtures = pytest.mark.parametrize("mixture", [ON_TORUS, ON_SPHERE], ids=repr)


@pytest.mark.parametrize("std", [0.05, 0.5, 2.0, 20.0])
def test_wrapped_normals_integrate_to_1(std):
    x, weights = torus_nodes(400, dim=1)
    mixture = WrappedNormalMixture([[3.0], [-1.0]], std, [0.25, 0.75])
    assert abs(float((weights * mixture.log_prob(x).exp()).sum()) - 1) < 1e-12


@pytest.mark.parametrize("kappa", [1e-6, 1.0, 30.0, 300.0])
def test_von_mises_fisher_integrates_to_1(kappa):
    x, weights = sphere_nodes(120)
    mixture = VonMisesFisherMixture([[1.0, 2.0, 2.0], [0.0, 0.0, -3.0]], kappa)
    assert abs(float((weights * mixture.log_prob(x).exp()).sum()) - 1) < 1e-11


def test_far_from_the_seam_it_is_a_plain_mixture():
    plain = GaussianMixture([{"mean": [0.2, 0.1], "std": [0.1, 0.2]}, {"mean": [-0.5, 0.3], "std": 0.1}])
    wrapped = WrappedNormalMixture([[0.2, 0.1], [-0.5, 0.3]], [[0.1, 0.2], [0.1, 0.1]])
    x = 0.3 * normal(50, 2)
    torch.testing.assert_close(wrapped.log_prob(x), plain.log_prob(x))


def test_the_seam_is_no_place_of_its_own():
    x = torch.tensor([[PI, 0.3], [2.0, PI]], dtype=torch.float64)
    torch.testing.assert_close(ON_TORUS.log_prob(x), ON_TORUS.log_prob(x - 2 * PI))
    shifted = WrappedNormalMixture(ON_TORUS.means + 2 * PI, ON_TORUS.std, ON_TORUS.weights)
    torch.testing.assert_close(ON_TORUS.log_prob(x), shifted.log_prob(x))


def test_a_wide_normal_is_uniform_and_a_small_kappa_too():
    x = Torus(2).uniform(5, seeded(), dtype=torch.float64)
    wide = WrappedNormalMixture([[1.0, 2.0]], 10.0)
    torch.testing.assert_close(wide.log_prob(x).exp(), torch.full((5,), 1 / Torus(2).volume).double())
    x = Sphere().uniform(5, seeded(), dtype=torch.float64)
    flat = VonMisesFisherMixture([[1.0, 2.0, 3.0]], 1e-9)
    torch.testing.assert_close(flat.log_prob(x).exp(), torch.full((5,), 1 / Sphere().volume).double())


def test_std_and_kappa_one_for_all_or_for_each():
    means = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    for std in (0.3, [[0.3], [0.3]], torch.full((2, 2), 0.3)):
        torch.testing.assert_close(WrappedNormalMixture(means, std).std, torch.full((2, 2), 0.3).double())
    torch.testing.assert_close(VonMisesFisherMixture(torch.eye(3), 2.0).kappa, torch.full((3,), 2.0).double())


@both_mixtures
@pytest.mark.parametrize("stratified", [False, True])
def test_samples_have_the_density(mixture, stratified):
    """Means of some functions over samples are their integrals, to the standard error."""
    n = 100_000
    x = mixture.sample(n, seeded(1), stratified=stratified, dtype=torch.float64)
    mixture.manifold.check_points(x, "x")
    nodes, weights = torus_nodes(100) if mixture is ON_TORUS else sphere_nodes(60)
    weights = weights * mixture.log_prob(nodes).exp()

    def waves(x):
        return torch.cat([x.cos(), x.sin(), (2 * x).cos(), (3 * x).sin(), x.cos() * x.sin().roll(1, 1)], 1)

    seen, expected = waves(x), weights @ waves(nodes)
    assert ((seen.mean(0) - expected).abs() < 4.5 * seen.std(0) / math.sqrt(n)).all()


def test_the_cosine_of_von_mises_fisher_has_its_moments():
    """E[mean . x] = coth(kappa) - 1/kappa (Fisher 1953), from small to large kappa."""
    for kappa in (1e-4, 0.5, 5.0, 500.0):
        mixture = VonMisesFisherMixture([[0.0, 3.0, 4.0]], kappa)
        cosine = mixture.sample(50_000, seeded(2), dtype=torch.float64) @ mixture.means[0]
        expected = kappa / 3 if kappa < 1e-3 else 1 / np.tanh(kappa) - 1 / kappa
        assert abs(float(cosine.mean()) - expected) < 4.5 * float(cosine.std()) / math.sqrt(50_000)


@pytest.mark.parametrize(
    "mixture",
    [
        WrappedNormalMixture(ON_TORUS.means, 0.01, ON_TORUS.weights),
        VonMisesFisherMixture(ON_SPHERE.means, 1e4, ON_SPHERE.weights),
    ],
    ids=repr,
)
def test_stratified_samples_have_fixed_counts(mixture):
    def counts(stratified):
        x = mixture.sample(999, seeded(), stratified=stratified, dtype=torch.float64)
        apart = [mixture.manifold.distance(x, mean.expand_as(x)) for mean in mixture.means]
        assert torch.stack(apart).amin(0).max() < 0.1
        return torch.stack(apart).argmin(0).bincount(minlength=3)

    assert ((counts(True) - 999 * mixture.weights).abs() < 1).all()
    assert ((counts(False) - 999 * mixture.weights).abs() < 60).all()
    assert not torch.equal(counts(True), counts(False))


@both_mixtures
def test_samples_are_of_the_dtype_asked_for(mixture):
    assert mixture.sample(3, seeded()).dtype == torch.float32
    assert mixture.sample(3, seeded(), dtype=torch.float64).dtype == torch.float64
    assert mixture.log_prob(mixture.sample(3, seeded())).dtype == torch.float32
    assert "components" in repr(mixture)
