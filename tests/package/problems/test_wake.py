"""The airfoil's wake: its shape, its edges, symmetry, the two forms of its step, and the onset."""

import math
from importlib.util import find_spec

import pytest
import torch
from helpers import seeded

from fmtutorial.problems import Wake, airfoil, moments

SMALL = Wake(height=24, width=40, chord=10.0)


def test_the_airfoil_has_the_area_of_its_formula():
    """Between the two sides: 2 * 0.6 * (0.2969 * 2/3 - 0.126/2 - 0.3516/3 + 0.2843/4 - 0.1015/5) chords^2."""
    chord = 400.0
    formula = 1.2 * (0.2969 * 2 / 3 - 0.126 / 2 - 0.3516 / 3 + 0.2843 / 4 - 0.1015 / 5) * chord**2
    added = 1.2 * chord  # 0.6 cells on either side
    for angle in (0.0, 20.0):
        cells = int(airfoil(400, 600, chord, angle, (100.0, 200.0)).sum())
        assert cells == pytest.approx(formula + added, rel=0.01)


def test_an_airfoil_without_an_angle_is_symmetric_and_a_turned_one_falls_behind_its_nose():
    level = airfoil(81, 160, 60.0, 0.0, (40.0, 40.0))
    assert torch.equal(level, level.flip(0))
    turned = airfoil(81, 160, 60.0, 20.0, (40.0, 40.0))
    y, x = torch.nonzero(turned, as_tuple=True)
    tail = x.argmax()
    assert float(40 - y[tail]) == pytest.approx(60 * math.sin(math.radians(20)), abs=2)
    assert float(x[tail] - 40) == pytest.approx(60 * math.cos(math.radians(20)), abs=2)


def test_the_free_stream_stays_as_it_is_without_a_body():
    wake = Wake(12, 20, 5.0)
    wake.__dict__["solid"] = torch.zeros(12, 20, dtype=torch.bool)
    f = wake.free_stream(2)
    after = wake.step(f, torch.tensor([50.0, 100.0], dtype=torch.float64))
    torch.testing.assert_close(after, f, rtol=0, atol=1e-14)
    u, v, p = wake.fields(f)[0]
    torch.testing.assert_close(u, torch.ones_like(u))
    assert v.abs().max() < 1e-12 and p.abs().max() < 1e-10


def test_an_airfoil_without_an_angle_gives_a_symmetric_flow():
    wake = Wake(25, 40, 10.0, angle=0.0)
    wake.__dict__["solid"] = airfoil(25, 40, 10.0, 0.0, (9.0, 12.0))  # in the middle of 25 rows
    f = wake.free_stream(1)
    for _ in range(60):
        f = wake.step(f, torch.tensor([40.0], dtype=torch.float64))
    u, v, p = wake.fields(f)[0]
    assert v.abs().max() > 0.05
    for field, sign in ((u, 1), (v, -1), (p, 1)):
        torch.testing.assert_close(field, sign * field.flip(0), rtol=0, atol=1e-10)


def test_the_flow_stops_at_the_nose_and_is_slow_behind_the_body():
    fields = SMALL.simulate([30.0], 400)[0, 0]
    assert (fields[:, SMALL.solid] == 0).all()
    y, x = torch.nonzero(SMALL.solid, as_tuple=True)
    behind = fields[0, y.min() : y.max() + 1, x.max() + 2]
    assert float(behind.mean()) < 0.6  # in units of the stream
    nose = x.min()
    assert float(fields[2, y[x.argmin()], nose - 1]) > 0.2  # the stream is stopped there


def test_runs_of_a_batch_do_not_touch_one_another():
    together = SMALL.simulate([30.0, 60.0], 50, n_snapshots=3, every=10)
    assert together.shape == (2, 3, 3, 24, 40)
    for k, number in enumerate((30.0, 60.0)):
        alone = SMALL.simulate([number], 50, n_snapshots=3, every=10)
        torch.testing.assert_close(together[k], alone[0], rtol=0, atol=1e-13)
    last = SMALL.simulate([30.0], 50)
    torch.testing.assert_close(together[:1, -1:], last, rtol=0, atol=1e-13)
    earlier = SMALL.simulate([30.0], 40)
    torch.testing.assert_close(together[:1, 1:2], earlier, rtol=0, atol=1e-13)


def test_the_seed_disturbs_by_a_thousandth():
    f = SMALL.start(2, seed=3)
    assert torch.equal(f[0], f[1]) and torch.equal(f, SMALL.start(2, seed=3))
    assert not torch.equal(f, SMALL.start(2, seed=4))
    inner = (f / SMALL.free_stream(2) - 1)[:, :, 1:-1, 1:-1]
    assert float(inner.std()) == pytest.approx(0.001, rel=0.05)
    assert float(moments(f)[0].mean()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"height": 0}, "height must be an integer of at least 1, got 0"),
        ({"chord": 0.0}, "chord"),
        ({"angle": 120.0}, "angle"),
        ({"inflow": 0.5}, "inflow"),
    ],
)
def test_wrong_channels_are_refused_by_name(change, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Wake(**change)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (([], 10), "reynolds must be a list of positive numbers"),
        (([0.0], 10), "reynolds must be a list of positive numbers"),
        (([[30.0]], 10), "reynolds must be a list of positive numbers"),
        (([math.inf], 10), "reynolds"),
        (([30.0], 0), "n_steps"),
        (([30.0], 10, 3, 37), r"n_steps must be at least \(n_snapshots - 1\) \* every \+ 1 = 75, got 10"),
        (([30.0], 10, 0), "n_snapshots"),
        (([30.0], 10, 1, 0), "every"),
    ],
)
def test_wrong_runs_are_refused_by_name(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        SMALL.simulate(*arguments)


def test_a_flow_that_leaves_the_numbers_says_what_to_do():
    wake = Wake(24, 40, 10.0, inflow=0.3)
    with pytest.raises(FloatingPointError, match="lower Reynolds numbers than"):
        wake.simulate([1e6], 3000)


def test_random_starts_have_a_seed_of_their_own():
    state = torch.random.get_rng_state()
    SMALL.start(1, seed=int(torch.randint(100, (), generator=seeded())))
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.skipif(find_spec("numba") is not None, reason="numba is installed")
def test_without_numba_the_compiled_form_says_how_to_get_it():
    with pytest.raises(
        ModuleNotFoundError, match=r"compiled=True needs numba: pip install 'fmtutorial\[wake\]'"
    ):
        SMALL.simulate([30.0], 10, compiled=True)
