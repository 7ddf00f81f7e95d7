"""What a model, score or sampler of a user returns is checked at its first call, wherever it comes in."""

from functools import partial

import numpy as np
import pytest
import torch
from helpers import seeded
from torch import nn

from fmtutorial import (
    GaussianMixture,
    StraightPath,
    VelocityNet,
    exact,
    fit,
    integrate_flow,
    standard_mixture,
    train,
)
from fmtutorial._callables import as_velocity, check_time_is_second
from fmtutorial.distributions import Checkerboard, EmpiricalDistribution, Moons, Spiral
from fmtutorial.metrics import (
    divergence,
    excess_loss,
    hutchinson_divergence,
    kl_to_model,
    log_prob,
    sbc_ranks,
    sliced_wasserstein,
    sliced_wasserstein_floor,
    two_sample_test,
)
from fmtutorial.paths import (
    CosinePath,
    VarianceExplodingPath,
    VariancePreservingPath,
    converted_model,
    from_library,
    to_library,
    velocity_on_path,
)
from fmtutorial.problems import HeatRod, Projectile
from fmtutorial.sampling import (
    FIXED_STEP,
    CountEvaluations,
    annealed_langevin,
    clamped,
    ddim_step,
    guided,
    langevin,
    likelihood_score_field,
    matched_score_field,
    plug_in_score_field,
    posterior_guided,
    predicted_data,
    run_sampler,
)
from fmtutorial.training import (
    ConditionalVelocityNet,
    FlowMatchingDataset,
    cfm_loss,
    dsm_loss,
    entropic_indices,
    minibatch_ot,
    ot_permutation,
    pair_loss,
    recommended_network,
    reflow_pairs,
    sinkhorn_plan,
    stable_cfm_loss,
)

X = torch.randn(6, 2, generator=seeded())
PATH = StraightPath()
HALF = torch.tensor(0.5)
H = torch.ones(1, 2)
READING = torch.zeros(1)


def one_column(x, t=None, y=None):
    return x[:, :1]


def an_array(x, t=None, y=None):
    return x.detach().numpy()


def not_a_number(x, t=None, y=None):
    return x * float("nan")


def zero_score(x, t):
    return 0 * x


def double_precision(x, t=None, y=None):
    return x.double()


WRONG = [
    (one_column, ValueError, r"must return the shape \(6, 2\), got \(6, 1\)"),
    (an_array, TypeError, r"must return a torch\.Tensor of shape \(6, 2\), got ndarray"),
    (not_a_number, ValueError, "must be finite, got 12 NaN or infinite values of 12"),
    (double_precision, TypeError, r"must return the dtype of x, torch\.float32, got torch\.float64"),
]
PLACES = {
    "euler": lambda model: integrate_flow(model, X, n_steps=2, method="euler"),
    "rk4": lambda model: integrate_flow(model, X, n_steps=2, method="rk4"),
    "dopri5": lambda model: integrate_flow(model, X, n_steps=2),
    "run_sampler": lambda model: run_sampler(ddim_step, model, X, PATH, 2),
    "langevin": lambda model: langevin(model, X, 2, 0.1),
    "annealed_langevin": lambda model: annealed_langevin(model, X, PATH, [0.5], 2, 0.1),
    "guided": lambda model: guided(model, torch.zeros(6, 1), 1.0)(X, torch.tensor(0.5)),
    "clamped": lambda model: clamped(model, X, X, torch.tensor([True, False]))(X, torch.tensor(0.5)),
    "predicted_data": lambda model: predicted_data(model, PATH, X, HALF),
    "posterior_guided": lambda model: posterior_guided(model, PATH, zero_score)(X, HALF),
    "posterior_guided's score": lambda model: posterior_guided(zero_score, PATH, model)(X, HALF),
    "plug_in_score_field": lambda model: plug_in_score_field(model, PATH, H, 0.5, READING)(X, HALF),
    "matched_score_field": lambda model: matched_score_field(model, PATH, H, 0.5, READING)(X, HALF),
    "converted_model": lambda model: converted_model(model, PATH, "velocity", "score")(X, HALF),
    "velocity_on_path": lambda model: velocity_on_path(model, PATH, CosinePath())(X, HALF),
    "from_library": lambda model: from_library(model, "torchcfm", PATH)(X, HALF),
    "to_library": lambda model: to_library(model, "torchcfm", PATH)(X, HALF),
    "log_prob": lambda model: log_prob(model, X, 2),
    "divergence": lambda model: divergence(model, X, 0.5),
    "hutchinson_divergence": lambda model: hutchinson_divergence(model, X, 0.5),
    "kl_to_model": lambda model: kl_to_model(standard_mixture(), model, 6, n_steps=2),
    "excess_loss": lambda model: excess_loss(model, standard_mixture(), PATH, 6),
}


@pytest.mark.parametrize("wrong, error, words", WRONG, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_answer_is_named_at_the_first_call(place, wrong, error, words):
    with pytest.raises(error, match=words):
        PLACES[place](wrong)


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_called_is_named(place):
    with pytest.raises(TypeError, match="must be callable"):
        PLACES[place](torch.zeros(6, 2))


def test_only_the_first_answer_is_checked():
    calls = []

    def model(x, t):
        calls.append(float(t))
        return x

    checked = as_velocity(model)
    for t in (0.0, 0.5):
        checked(X, torch.tensor(t))
    assert calls == [0.0, 0.5]


class Concatenates(nn.Module):
    """What many write: t as a column beside x."""

    def __init__(self, *between):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), *between, nn.Linear(8, 2))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t], dim=1))


@pytest.mark.parametrize("method", [*FIXED_STEP, "dopri5"])
def test_a_network_sees_its_time_as_in_training(method):
    net = Concatenates()
    train(net, X, PATH, n_steps=2, batch_size=3, progress=False)
    for model in (net, CountEvaluations(net)):
        trajectory, _ = integrate_flow(model, X, n_steps=2, method=method)
        assert torch.isfinite(trajectory).all()


@pytest.mark.parametrize("place", sorted(set(PLACES) - {"langevin", "guided", "from_library"}))
def test_a_network_sees_its_time_as_a_column_everywhere(place):
    PLACES[place](Concatenates().eval())


@pytest.mark.parametrize("place", PLACES)
def test_a_class_is_not_one_of_its_objects(place):
    with pytest.raises(TypeError, match="an object, and not its class, got VelocityNet"):
        PLACES[place](VelocityNet)


def test_points_of_another_dtype_than_the_network_are_named():
    net = nn.Linear(2, 2).double()

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x, t):
            return self.net(x)

    with pytest.raises(TypeError, match=r"parameters of torch\.float64 and points of torch\.float32"):
        integrate_flow(Own(), X, n_steps=2, method="euler")


def test_a_flow_that_leaves_the_numbers_says_when_and_what_to_try():
    with pytest.raises(FloatingPointError, match=r"t = 0\.\d+, with method='rk4' and n_steps=20.*more steps"):
        integrate_flow(lambda x, t: 1e3 * x**3, X + 1, n_steps=20, method="rk4")
    with pytest.raises(FloatingPointError, match="method='dopri5' gave up"):
        integrate_flow(lambda x, t: 1e3 * x**3, X + 1, n_steps=20)


def test_an_adaptive_method_gives_up_in_words():
    with pytest.raises(FloatingPointError, match=r"gave up \(max_num_steps exceeded.*fixed-step"):
        integrate_flow(lambda x, t: -1e5 * (x - 1), X, n_steps=1, max_num_steps=50)


@pytest.mark.parametrize("path", [StraightPath(0.0), VariancePreservingPath()], ids=str)
def test_the_field_of_data_without_width_is_never_nan_without_a_word(path):
    field = exact.velocity_field(EmpiricalDistribution(X.double()), path)
    start = torch.randn(4, 2, generator=seeded(1), dtype=torch.float64)
    for method in ("rk4", "heun2"):
        with pytest.raises(FloatingPointError, match=r"t = 1, with .*'midpoint'"):
            integrate_flow(field, start, n_steps=20, method=method)
    for method in ("euler", "midpoint", "heun3"):
        assert torch.isfinite(integrate_flow(field, start, n_steps=20, method=method)[0]).all()


@pytest.mark.parametrize("method", ["euler", "rk4", "dopri5"])
def test_the_end_alone_is_the_end_of_the_whole(method):
    field = exact.velocity_field(standard_mixture(), PATH)
    trajectory, t = integrate_flow(field, X, n_steps=7, method=method)
    end, last = integrate_flow(field, X, n_steps=7, method=method, only_end=True)
    assert end.shape == (1, 6, 2) and torch.equal(end[0], trajectory[-1]) and torch.equal(last, t[-1:])
    assert end.untyped_storage().nbytes() == 4 * 12  # it keeps nothing else alive


def test_a_conditional_flow_is_counted_and_its_labels_are_checked():
    net = ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
    counted = CountEvaluations(net)
    y = torch.arange(6) % 3
    integrate_flow(counted, X, n_steps=3, method="midpoint", condition=y)
    assert counted.nfe == 6
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        integrate_flow(counted, X, n_steps=3, method="midpoint", condition=y + 1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_labels_of_every_integer_type(dtype):
    y = (torch.arange(6) % 3).to(dtype)
    net, _ = fit(X, n_steps=2, condition=y, progress=False)
    expected = net(X, 0.5, y.long())
    assert torch.equal(net(X, 0.5, y), expected)
    integrate_flow(net, X, n_steps=1, method="euler", condition=y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fit_takes_the_dtype_of_the_data(dtype):
    x1 = X.to(dtype)
    net, history = fit(x1, n_steps=3, progress=False)
    assert len(history.losses) == 3 and not net.training
    assert next(net.parameters()).dtype == dtype
    assert integrate_flow(net, x1, n_steps=2, method="rk4")[0].dtype == dtype
    assert log_prob(net, x1, n_steps=2).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_by_name(dtype):
    with pytest.raises(TypeError, match=rf"x0 must be .* float32 or float64, got {dtype}"):
        integrate_flow(VelocityNet(), X.to(dtype))


def test_epochs_are_enough_for_fit():
    _, history = fit(torch.randn(300, 2, generator=seeded()), n_epochs=2, progress=False)
    assert len(history.losses) == 4  # two epochs of 256 and 44


def test_fit_warns_of_data_far_from_unit_scale():
    for x1 in (0.01 * X, X + 100, 1000 * X):
        with pytest.warns(UserWarning, match="far from unit scale"):
            fit(x1, n_steps=1, progress=False)


def test_conditional_reflow_trains():
    net = ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
    y = torch.arange(50) % 3
    x0, x1 = reflow_pairs(net, 50, 2, condition=y, batch_size=20, generator=seeded())
    history = train(net, (x0, x1, y), StraightPath(0.0), n_steps=3, loss_fn=pair_loss, progress=False)
    assert len(history.losses) == 3


class BadSampler:
    def __init__(self, value):
        self.value = value

    def sample(self, n, generator=None):
        return self.value(n)


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda n: [0.0] * n, "must return tensors with 1 rows, got list"),
        (lambda n: torch.zeros(n + 1, 2), r"must return tensors with 1 rows, got \(2, 2\)"),
        (lambda n: torch.full((n, 2), float("nan")), "what BadSampler.sample.* returns must be finite"),
    ],
    ids=["list", "rows", "nan"],
)
def test_what_a_sampler_returns_is_blamed_on_the_sampler(value, words):
    with pytest.raises((TypeError, ValueError), match=words):
        fit(BadSampler(value), n_steps=1, progress=False)


def test_a_sampler_of_another_kind_is_named():
    class DataFrame:
        def sample(self, n=None, frac=None):
            raise ValueError("Please enter a value for frac OR n, not both")

    with pytest.raises(TypeError, match=r"data must be a tensor.*DataFrame\.sample\(1, generator\) failed"):
        fit(DataFrame(), n_steps=1, progress=False)


def test_what_is_no_network_is_named():
    with pytest.raises(TypeError, match="an object and not its class, got VelocityNet"):
        train(VelocityNet, X, PATH, n_steps=1)
    with pytest.raises(ValueError, match="model must have parameters to train, got Identity"):
        train(nn.Identity(), X, PATH, n_steps=1)


def test_a_coupling_of_another_kind_is_named():
    net = VelocityNet(hidden_dim=8)
    with pytest.raises(TypeError, match=r"coupling\(x0, x1\) must return the row of x1.*got tuple"):
        cfm_loss(net, X, PATH, coupling=lambda x0, x1: (x0, x1))
    assert torch.isfinite(cfm_loss(net, X, PATH, coupling=ot_permutation))


def test_a_seed_in_the_place_of_a_generator_is_named():
    with pytest.raises(TypeError, match=r"generator must be a torch\.Generator or None, got int: 0"):
        standard_mixture().sample(5, 0)


def test_the_likelihood_works_in_inference_mode():
    net = VelocityNet(hidden_dim=8)
    expected = log_prob(net, X, n_steps=4).detach()
    with torch.inference_mode():
        torch.testing.assert_close(log_prob(net, X.clone(), n_steps=4), expected)


def test_the_exact_field_of_the_exploding_path_has_no_kl():
    mixture, path = standard_mixture(), VarianceExplodingPath()
    field = exact.velocity_field(mixture, path)
    kl, error = kl_to_model(mixture, field, 200, seeded(), n_steps=200, path=path)
    # the start lacks alpha(0) x1, of variance 5.3 beside sigma(0)^2 = 6400
    assert abs(kl) < 4 * error + 5e-3


def test_a_network_of_other_arguments_is_named():
    with pytest.raises(TypeError, match=r"model must be callable as model\(x, t\), but .*positional"):
        integrate_flow(nn.Identity(), X, n_steps=1)
    with pytest.raises(TypeError, match=r"model must be callable as model\(x, t\), but .*positional"):
        train(nn.Linear(2, 2), X, PATH, n_steps=1, progress=False)


@pytest.mark.parametrize("own", ["data", "model"])
def test_dtypes_that_do_not_go_together_are_named_in_training_too(own):
    x1, net = X, VelocityNet(hidden_dim=8)
    if own == "data":
        x1 = x1.double()
    else:
        net = net.double()
    for loss in (cfm_loss, stable_cfm_loss):
        with pytest.raises(
            TypeError, match=r"one dtype, got parameters of torch.float.. and points of torch"
        ):
            train(net, x1, PATH, n_steps=1, loss_fn=loss, progress=False)
    with pytest.raises(TypeError, match=r"one dtype, got parameters of torch.float.. and points of torch"):
        pair_loss(net, (x1, x1), PATH)


def test_conditions_take_the_dtype_of_their_network():
    y = torch.randn(6, 1, generator=seeded(), dtype=torch.float64)
    net, _ = fit(X, condition=y, n_steps=2, progress=False)
    assert integrate_flow(net, X, n_steps=1, method="euler", condition=y)[0].dtype == torch.float32


# Every function that draws.
DRAWS = {
    "fit": lambda g: fit(X, n_steps=1, generator=g, progress=False),
    "recommended_network": lambda g: recommended_network(X, generator=g),
    "GaussianMixture": lambda g: standard_mixture().sample(5, g),
    "EmpiricalDistribution": lambda g: EmpiricalDistribution(X).sample(5, g),
    "Moons": lambda g: Moons().sample(5, g),
    "Checkerboard": lambda g: Checkerboard().sample(5, g),
    "Spiral": lambda g: Spiral().sample(5, g),
    "FlowMatchingDataset": lambda g: FlowMatchingDataset(standard_mixture(), 5, generator=g),
    "cfm_loss": lambda g: cfm_loss(zero_score, X, PATH, g),
    "stable_cfm_loss": lambda g: stable_cfm_loss(zero_score, X, PATH, g),
    "pair_loss": lambda g: pair_loss(zero_score, (X, X), PATH, g),
    "dsm_loss": lambda g: dsm_loss(lambda x: x, X, 1.0, g),
    "reflow_pairs": lambda g: reflow_pairs(zero_score, 5, 2, generator=g),
    "entropic_indices": lambda g: entropic_indices(X, X, 1.0, g),
    "langevin": lambda g: langevin(lambda x: x, X, 2, 0.1, g),
    "ddim_step": lambda g: run_sampler(
        ddim_step, zero_score, X, PATH, times=[0.5, 0.6], eta=1.0, generator=g
    ),
    "excess_loss": lambda g: excess_loss(zero_score, standard_mixture(), PATH, 5, g),
    "loss_floor": lambda g: exact.loss_floor(standard_mixture(), PATH, 5, g),
    "hutchinson": lambda g: hutchinson_divergence(lambda x, t: x, X, 0.5, generator=g),
    "sliced_wasserstein": lambda g: sliced_wasserstein(X, X, 4, g),
    "two_sample_test": lambda g: two_sample_test(X, X, 2, g),
    "sbc_ranks": lambda g: sbc_ranks(X, X[:, None], g),
    "HeatRod": lambda g: HeatRod().sample(5, g),
    "Projectile": lambda g: Projectile().sample(5, g),
}


@pytest.mark.parametrize("seed", [0, np.random.default_rng(0)], ids=["int", "numpy"])
@pytest.mark.parametrize("function", DRAWS)
def test_what_is_no_generator_is_named_wherever_numbers_are_drawn(function, seed):
    with pytest.raises(TypeError, match=r"generator must be a torch\.Generator or None, got"):
        DRAWS[function](seed)


@pytest.mark.parametrize(
    "function",
    [
        lambda sampler: excess_loss(zero_score, sampler, PATH, 5),
        lambda sampler: FlowMatchingDataset(sampler, 5),
        lambda sampler: sliced_wasserstein_floor(sampler, 5),
        lambda sampler: fit(sampler, n_steps=1, progress=False),
    ],
    ids=["excess_loss", "FlowMatchingDataset", "sliced_wasserstein_floor", "fit"],
)
def test_what_a_sampler_returns_is_checked_wherever_it_is_asked(function):
    for wrong in (lambda n: np.zeros((n, 2)), lambda n: None, lambda n: ()):
        with pytest.raises(TypeError, match=r"BadSampler.sample\(\d, generator\) must return tensors"):
            function(BadSampler(wrong))
    with pytest.raises(TypeError, match=r"BadSampler.sample\(\d, generator\) failed: .*no attribute 'foo'"):
        function(BadSampler(lambda n: n.foo))


def test_conditions_of_a_sampler_that_are_no_numbers_are_blamed_on_it():
    def simulate(n):
        return torch.zeros(n, 2), torch.full((n, 1), float("nan"))

    with pytest.raises(ValueError, match=r"what BadSampler.sample.* returns must be finite"):
        fit(BadSampler(simulate), n_steps=1, progress=False)


def test_the_class_of_a_sampler_and_a_condition_of_another_kind_are_named():
    with pytest.raises(TypeError, match="data must be an object and not its class, got Moons"):
        fit(Moons, n_steps=1)
    with pytest.raises(TypeError, match=r"condition must be a torch\.Tensor, got list"):
        fit(X, condition=[0] * 6)


def test_classes_with_gaps_are_asked_about():
    y = torch.tensor([0, 10**6, 0, 10**6, 0, 0])
    with pytest.raises(ValueError, match=r"2 classes from 0 to 1000000.*return_inverse"):
        fit(X, condition=y, n_steps=1, progress=False)
    net, _ = fit(X, condition=y.unique(return_inverse=True)[1], n_steps=1, progress=False)
    assert net.n_classes == 2


@pytest.mark.parametrize(
    "name, meant",
    [("coupling", "partial"), ("epochs", "n_epochs"), ("learning_rate", "give lr"), ("seed", "manual_seed")],
)
def test_an_option_that_fit_does_not_have_is_named(name, meant):
    with pytest.raises(TypeError, match=rf"options of fit are .*batch_size.*got {name}: .*{meant}"):
        fit(X, **{name: 1})


def test_what_is_no_coupling_is_named():
    for wrong in ("ot", ot_permutation(X, X)):
        with pytest.raises(TypeError, match=r"coupling must be callable as coupling\(x0, x1\)"):
            cfm_loss(zero_score, X, PATH, coupling=wrong)
    for wrong in (minibatch_ot, lambda x0, x1: sinkhorn_plan(x0, x1, 1.0)):
        with pytest.raises(TypeError, match="row of x1 for each x0"):
            cfm_loss(zero_score, X, PATH, coupling=wrong)


def test_pairs_are_pairs():
    with pytest.raises(TypeError, match=r"pairs must be a tuple \(x0, x1\)"):
        train(VelocityNet(hidden_dim=8), X, PATH, n_steps=1, loss_fn=pair_loss, progress=False)
    with pytest.raises(ValueError, match="x0 and x1 must have the same shape"):
        pair_loss(zero_score, (X, X[:, :1]), PATH)
    net = ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
    y = torch.arange(6) % 4
    for loss in (pair_loss, partial(pair_loss)):
        with pytest.raises(ValueError, match="classes from 0 to 2, got 0 to 3"):
            train(net, (X, X, y), PATH, n_steps=1, loss_fn=loss, progress=False)


def test_fit_makes_the_network_of_given_pairs():
    net, _ = fit((X, X), loss_fn=pair_loss, n_steps=1, progress=False)
    assert isinstance(net, VelocityNet)
    net, _ = fit((X, X, torch.arange(6) % 3), loss_fn=pair_loss, n_steps=1, progress=False)
    assert net.n_classes == 3


@pytest.mark.parametrize("n_points, n_batches", [(1, 1), (255, 1), (256, 1), (257, 1), (258, 2), (513, 2)])
def test_a_single_point_left_over_joins_the_batch_before(n_points, n_batches):
    x1 = torch.randn(n_points, 2, generator=seeded())
    sizes = []

    def loss(model, batch, path, generator):
        sizes.append(len(batch))
        return cfm_loss(model, batch, path, generator)

    fit(x1, model=Concatenates(), n_epochs=1, loss_fn=loss, progress=False)
    assert len(sizes) == n_batches and sum(sizes) == n_points
    if n_points > 1:  # and so batch normalisation works
        fit(x1, model=Concatenates(nn.BatchNorm1d(8)), n_epochs=1, progress=False)


def test_a_model_with_batch_normalisation_and_dropout_samples_the_same_twice():
    net = Concatenates(nn.BatchNorm1d(8), nn.Dropout(0.3))
    fit(X, model=net, n_steps=3, progress=False)
    before = [value.clone() for value in net.buffers()]
    runs = [integrate_flow(net, X, n_steps=3, method="rk4")[0] for _ in range(2)]
    assert torch.equal(*runs) and all(map(torch.equal, before, net.buffers()))


def test_inference_mode_and_no_grad():
    mixture, matrix = standard_mixture(), torch.ones(1, 2)
    velocity = exact.velocity_field(mixture, PATH)
    fields = [
        likelihood_score_field(mixture, PATH, matrix, 0.5, READING),
        plug_in_score_field(velocity, PATH, matrix, 0.5, READING),
        matched_score_field(velocity, PATH, matrix, 0.5, READING),
    ]
    expected = [field(X, HALF) for field in fields]
    accuracy = two_sample_test(X, X + 1, 5, seeded())
    with torch.inference_mode():
        fields.append(likelihood_score_field(mixture, PATH, matrix.clone(), 0.5, READING.clone()))
        for field, value in zip(fields, [*expected, expected[0]], strict=True):
            torch.testing.assert_close(field(X.clone(), HALF.clone()), value)
        assert two_sample_test(X.clone(), X + 1, 5, seeded()) == accuracy
        with pytest.raises(RuntimeError, match=r"train needs gradients.*inference_mode"):
            fit(X, n_steps=1)
    with torch.no_grad():
        assert len(fit(X, n_steps=2, progress=False)[1].losses) == 2
        assert two_sample_test(X, X + 1, 5, seeded()) == accuracy


def test_a_mixture_too_narrow_or_too_wide_for_the_points_is_named():
    for std in (1e-25, 1e20):
        mixture = GaussianMixture([{"mean": [0.0, 0.0], "std": std}])
        assert torch.isfinite(mixture.score(std * X.double())).all()
        for function in (mixture.log_prob, mixture.score, exact.velocity_field(mixture, PATH)):
            arguments = (X,) if function in (mixture.log_prob, mixture.score) else (X, HALF)
            with pytest.raises(ValueError, match="dtype that holds the mixture's variances"):
                function(*arguments)


class TimeFirst(nn.Module):
    """The order of other libraries, whose shapes broadcast without a word."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, t, x):
        return self.linear(x) * t


def time_first(t, y, *arguments):
    return t * y


@pytest.mark.parametrize(
    "call",
    [
        lambda: fit(X, model=TimeFirst(), n_steps=1),
        lambda: train(TimeFirst(), X, PATH, n_steps=1, loss_fn=partial(cfm_loss)),
        lambda: integrate_flow(TimeFirst(), X),
        lambda: integrate_flow(time_first, X),
        lambda: log_prob(time_first, X),
    ],
    ids=["fit", "train", "integrate a network", "integrate a function", "log_prob"],
)
def test_the_time_first_is_refused_by_its_name(call):
    with pytest.raises(
        TypeError, match=r"callable as model\(x, t\), got one with the parameters \(t, [xy]\)"
    ):
        call()


def test_only_names_of_the_time_are_refused():
    for model in (lambda x, t: x, lambda *both: both[0], lambda time: time, partial(torch.add, alpha=0), max):
        check_time_is_second(model)
