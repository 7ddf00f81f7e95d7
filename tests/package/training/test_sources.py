"""What training learns from is said once: points, columns of equal length, or a sampler."""

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import VelocityNet, fit, standard_mixture, train
from fmtutorial.paths import StraightPath
from fmtutorial.training import _sources
from fmtutorial.training._sources import FreshSamples, StoredData, as_source

X1 = normal(12, 2).float()
Y = torch.arange(12)


class Simulator:
    """Points and a condition that is their sum."""

    def sample(self, n, generator=None):
        x1 = torch.randn(n, 2, generator=generator)
        return x1, x1.sum(1, keepdim=True)


def test_points_and_columns_are_stored_data():
    for data, condition, n_columns in ((X1, None, 1), ((X1, Y), None, 2), (X1, Y, 2), ((X1, Y, Y), None, 3)):
        source = as_source(data, condition)
        assert isinstance(source, StoredData)
        assert source.n_points == 12 and len(source.columns) == n_columns
        assert source.columns[0] is X1


def test_an_epoch_has_every_row_once_and_keeps_the_columns_together():
    x1, y = as_source((X1, Y)).draw(5, seeded())
    assert sorted(y.tolist()) == list(range(12)) and y.tolist() != list(range(12))
    assert torch.equal(x1, X1[y])


def test_a_sampler_draws_what_is_wanted_and_has_no_number_of_points():
    source = as_source(Simulator())
    assert isinstance(source, FreshSamples) and source.n_points is None
    x1, y = source.draw(7, seeded(3))
    expected, _ = Simulator().sample(7, seeded(3))
    assert torch.equal(x1, expected) and y.shape == (7, 1)
    assert [len(column) for column in source.example(seeded())] == [1, 1]
    (x1,) = as_source(standard_mixture()).draw(4, seeded())
    assert x1.shape == (4, 2)


def test_a_source_stays_itself_and_fit_checks_its_data_once(monkeypatch):
    source = as_source(X1)
    assert as_source(source) is source
    checked = []
    original = _sources._checked_columns

    def counting(data, name):
        checked.append(name)
        return original(data, name)

    monkeypatch.setattr(_sources, "_checked_columns", counting)
    fit(X1, n_steps=2, generator=seeded(), progress=False)
    assert checked == ["data"]
    train(VelocityNet(hidden_dim=4), X1, StraightPath(), n_steps=2, progress=False)
    assert checked == ["data", "x1"]


@pytest.mark.parametrize("name", ["x1", "data"])
def test_errors_call_the_argument_by_its_name(name):
    with pytest.raises(TypeError, match=f"^{name} must be a tensor"):
        as_source([1.0], name=name)
    with pytest.raises(ValueError, match=f"^{name} must have at least one point"):
        as_source(X1[:0], name=name)
    with pytest.raises(ValueError, match=rf"^{name} .* of equal length, got \[12, 3\]"):
        as_source((X1, Y[:3]), name=name)
    with pytest.raises(TypeError, match=f"condition needs {name} to be a tensor"):
        as_source(Simulator(), Y, name=name)


def test_epochs_need_stored_data():
    with pytest.raises(ValueError, match="n_epochs needs x1 to be a tensor"):
        train(VelocityNet(hidden_dim=4), standard_mixture(), StraightPath(), n_epochs=1, progress=False)
