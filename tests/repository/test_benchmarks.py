"""The benchmarks' own arithmetic and their stored results. Speed itself is never asserted."""

import ast
import json
import math
import re

import pytest
import torch
from helpers import ROOT, seeded

from benchmarks import figures, problem_data, problem_recipes, problems, sampling, suite, timing, training
from benchmarks.__main__ import PARTS
from benchmarks.quality import log_prob

RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 3.0])
def test_the_slope_of_a_power_law_is_its_exponent(exponent):
    sizes = [10, 100, 1000, 5000]
    assert timing.slope(sizes, [0.3 * s**exponent for s in sizes]) == pytest.approx(exponent, abs=1e-12)


def test_a_fixed_cost_lowers_the_slope():
    assert 0 < timing.slope([1, 2, 4], [10 + s for s in (1, 2, 4)]) < 0.3


def test_a_row_holds_the_median_and_the_extremes():
    found = timing.row("x", [3.0, 1.0, 8.0, 2.0], "ms", size=7)
    assert found == {"name": "x", "size": 7, "unit": "ms", "median": 2.5, "least": 1.0, "most": 8.0}


def test_ratios_are_taken_round_by_round():
    # a machine that is ten times slower in the second round changes no ratio
    values = {"a": [2.0, 20.0, 2.0], "b": [1.0, 10.0, 1.0]}
    (found,) = timing.ratio_rows(values, "b")
    assert (found["name"], found["median"], found["least"], found["most"]) == ("a / b", 2.0, 2.0, 2.0)


def test_sides_take_turns_and_each_starts_a_round():
    order = []

    def side(name):
        return lambda: order.append(name) or float(len(order))

    values = timing.interleaved({n: side(n) for n in "abc"}, 3)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"  # the first three warm up
    assert all(len(v) == 3 for v in values.values())


def test_a_missing_peer_is_told_with_the_remedy(capsys):
    assert timing.peer("no_such_library.part") is None
    said = capsys.readouterr().out
    assert "no_such_library is missing" in said and "pip install -e '.[benchmarks]'" in said
    assert timing.peer("math") is math


def test_a_record_is_written_and_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "RESULTS", tmp_path)
    result = timing.record("part", [timing.row("x", [1.0, 2.0], "ms", n=3)], 2, ["a note"])
    timing.write(result)
    assert timing.read("part") == result
    assert not timing.problems(result)


GOOD = {"name": "x", "unit": "ms", "median": 1.0, "least": 1.0, "most": 3.0}


@pytest.mark.parametrize(
    "change, word",
    [
        ({"date": 3}, "date must be str"),
        ({"host": "mine"}, "unknown key host"),
        ({"rows": [{k: v for k, v in GOOD.items() if k != "most"}]}, "row 0 has no most"),
        ({"rows": [GOOD, GOOD | {"least": 2.0}]}, "row 1: least <= median"),
        ({"rows": [GOOD | {"median": math.nan}]}, "row 0: least <= median"),
    ],
)
def test_a_wrong_result_is_refused_with_its_reason(change, word, tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "RESULTS", tmp_path)
    result = timing.record("part", [GOOD], 1, []) | change
    with pytest.raises(ValueError, match=word):
        timing.write(result)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", RESULTS, ids=lambda f: f.stem)
def test_stored_results_are_whole_and_say_nothing_of_their_machine_but_its_processor(file):
    text = file.read_text(encoding="utf-8")
    result = json.loads(text)
    assert not timing.problems(result)
    assert result["part"] == file.stem and result["rows"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", result["date"]) and "torch" in result["versions"]
    assert str(ROOT.parent) not in text
    assert not re.search(r"/home/|/root/|/tmp/|/Users/|\\\\Users|localhost", text)


@pytest.mark.parametrize("part", figures.FIGURES)
def test_figures_are_drawn_from_the_results(part):
    if not (ROOT / "benchmarks" / "results" / f"{part}.json").exists():
        pytest.skip(f"{part} has not been measured")
    result = timing.read(part)
    figure, alt = figures.FIGURES[part](result)
    assert figure.axes and all(ax.has_data() for ax in figure.axes)
    assert len(alt) > 100 and "nan" not in alt
    assert figures.provenance(result).count(result["date"]) == 1
    assert len(figures.markdown_table(result)) == 2 + len(result["rows"])
    figures.plt.close(figure)


def test_every_part_has_its_module_and_its_figure():
    assert set(PARTS) == set(figures.FIGURES)
    for part in PARTS:
        tree = ast.parse((ROOT / "benchmarks" / f"{part}.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)
        assert "run" in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


def test_the_package_never_imports_a_peer():
    for file in (ROOT / "fmtutorial").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"(?m)^\s*(import|from) (torchcfm|flow_matching|ot|sklearn|diffusers|sbi|zuko)\b", text
        ), file


JUNIT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="one" time="1.5"/>
<testcase classname="tests.test_a" name="two" time="0.5"/>
<testcase classname="notebooks/01_x.ipynb" name="Cell 0" time="3.0"/></testsuite></testsuites>"""


def test_seconds_are_summed_by_file():
    assert suite.by_file(JUNIT) == {"tests.test_a": 2.0, "notebooks/01_x.ipynb": 3.0}
    assert suite.slowest(JUNIT, 1) == {"tests.test_a::one": 1.5}


def test_the_textbook_and_the_plain_loop_do_what_they_are_said_to():
    item = training.TextbookDataset(training.DATA[:3].numpy())[0]
    assert [tuple(v.shape) for v in item] == [(2,), (1,), (2,)]
    x0 = torch.randn(5, 2, generator=seeded(0))
    for n in (1, 4):
        torch.testing.assert_close(
            sampling.plain_loop(sampling.EXACT, x0, n, sampling.midpoint_step),
            sampling.by_torchdiffeq(sampling.EXACT, x0, n),
            rtol=1e-4,
            atol=1e-5,
        )


def test_the_fallback_for_the_likelihood_knows_a_gaussian():
    # v(x, t) = x log 2 carries N(0, I) to N(0, 4 I)
    x = torch.randn(20, 2, generator=seeded(1), dtype=torch.float64)
    expected = torch.distributions.Normal(0.0, 2.0).log_prob(x).sum(1)
    torch.testing.assert_close(log_prob(lambda x, t: x * math.log(2), x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["moons", "checkerboard", "spiral", "eight Gaussians"])
def test_a_shapes_density_has_the_mass_one_where_its_samples_are(name):
    """E[q(x) / p(x)] over samples x ~ p is the mass of a density q where p > 0."""
    shape = problem_data.shapes()[name]
    x = shape.sample(20_000, seeded(0)).double()
    # of p q / p = q for a density q: here a Gaussian about one sample, of which only the neighbours matter
    width = 0.03
    for centre in x[:3]:
        near = (x - centre).square().sum(1) < (6 * width) ** 2
        weights = torch.zeros(len(x), dtype=torch.float64)
        weights[near] = (-shape.log_density(x[near])).exp()
        square = (x - centre).square().sum(1) / width**2
        q = (-0.5 * square).exp() / (2 * math.pi * width**2)
        terms = q * weights
        error = float(terms.std()) / len(x) ** 0.5
        inside = 1.0
        if name == "checkerboard":  # q may reach beyond the squares
            drawn = centre + width * torch.randn(20_000, 2, generator=seeded(1), dtype=torch.float64)
            corner = torch.floor(drawn / 2)
            is_dark = ((corner.sum(1) % 2) == 0) & (drawn.abs() < 4).all(1)
            inside = float(is_dark.double().mean())
        assert float(terms.mean()) == pytest.approx(inside, abs=5 * error + 0.01)


@pytest.mark.parametrize("name", problem_data.SIMULATORS)
def test_the_exact_posterior_and_the_simulator_tell_of_one_joint_distribution(name):
    """Ranks of theta among posterior samples are uniform (Talts et al. 2018)."""
    simulator = problem_data.SIMULATORS[name]
    generator = seeded(3)
    theta = simulator.prior(60, generator)
    y = simulator.simulate(theta, generator)
    n = 19
    samples = torch.stack([simulator.posterior(each, n, generator) for each in y])  # (60, 19, dim)
    for read in (lambda v: v[..., 0], lambda v: v.sum(-1), lambda v: v[..., 0] * v[..., 1]):
        ranks = (read(samples) < read(theta)[:, None]).sum(1).double()
        mean_error = (n * n / 12 + n / 6) ** 0.5 / len(y) ** 0.5
        assert abs(float(ranks.mean()) - n / 2) < 4 * mean_error
        counts = torch.bincount((ranks / 5).long(), minlength=4).double()
        assert float((counts - 15).square().sum() / 15) < 21.1  # chi squared of 3, one in ten thousand


def test_slcp_rejection_never_meets_a_likelihood_above_its_bound():
    y = torch.tensor([0.3, -1.0, 0.8, 0.1, -0.5, -0.2, 0.1, 0.4])
    points = y.double().reshape(4, 2)
    scatter = (points - points.mean(0)).T @ (points - points.mean(0))

    def log_likelihood(s):
        return -1.5 * torch.logdet(s) - 0.5 * torch.trace(torch.linalg.solve(s, scatter))

    best = log_likelihood(scatter / 3)
    assert float(best) == pytest.approx(-1.5 * float(torch.logdet(scatter / 3)) - 3)
    root = torch.linalg.cholesky(scatter / 3)
    for seed in range(20):
        step = torch.eye(2) + 0.1 * torch.randn(2, 2, generator=seeded(seed), dtype=torch.float64)
        assert log_likelihood(root @ step @ step.T @ root.T) <= best


def test_the_rows_of_problems_pair_the_seeds(tmp_path):
    chosen = [("table", "t", None, ())]
    nats = {"fit": (1.0, 2.0, 6.0), "other": (0.5, 1.5, 5.5), "better": (1.0, 2.5, 6.5)}
    found = {f"t | {s} | {name}": {"nats": v[s], "s": 5.0} for s in range(3) for name, v in nats.items()}
    rows = problems.rows_from(chosen, found)
    other = next(r for r in rows if r["name"] == "other" and r["unit"] == "nats")
    assert (other["fit_ahead"], other["fit_ahead_error"]) == (0.5, 0.0)
    assert other["mean"] == 2.5 and other["standard_error"] == pytest.approx(1.528, abs=1e-3)
    result = timing.record("problems", rows, 3, [])
    assert not timing.problems(result)
    # better is ahead by 1/3 +- 1/6, which is not more than twice the error
    assert "on 1 of 1 rows" in figures.where_fit_is_behind(result)[0]
    found["t | 0 | better"]["nats"] = 1.4
    (said,) = figures.where_fit_is_behind(timing.record("problems", problems.rows_from(chosen, found), 3, []))
    assert "on 0 of 1 rows" in said and "t (better by 0.467" in said


def test_rows_beside_published_figures_have_no_fit_to_be_ahead_of():
    chosen = [("published", "p", None, ())]
    found = {f"p | {s} | {name}": {"C2ST": 0.5 + s} for s in range(3) for name in ("ours", "theirs")}
    rows = problems.rows_from(chosen, found)
    assert [r["mean"] for r in rows] == [1.5, 1.5] and all("fit_ahead" not in r for r in rows)
    table = figures.problem_tables(timing.record("problems", rows, 3, []))
    assert table[0] == "| beside published figures, C2ST | ours | theirs |"


def test_the_published_two_sample_test():
    pytest.importorskip("sklearn")
    a, b = torch.randn(2, 1000, 2, generator=seeded())
    assert abs(problems.published_c2st(a, b) - 0.5) < 4 * math.sqrt(0.25 / 2000)
    # N(0, 1) against N(2, 1) in one column: the best accuracy is Phi(1) = 0.841
    b[:, 0] += 2
    assert problems.published_c2st(a, b) == pytest.approx(0.841, abs=4 * math.sqrt(0.134 / 2000))


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch):
    calls = []

    def judge(name, seed):
        calls.append(seed)
        yield "fit", {"nats": float(seed)}

    file = tmp_path / "log.jsonl"
    chosen = [("table", "t", judge, ("t",))]
    monkeypatch.setattr(problems, "SEEDS", (0, 1))
    problems.measure(chosen, file)
    monkeypatch.setattr(problems, "SEEDS", (0, 1, 2))
    found = problems.measure(chosen, file)
    assert calls == [0, 1, 2] and found["t | 2 | fit"] == {"nats": 2.0}
    assert problems.known(file) == found


def test_a_gaussians_recipe_is_its_density():
    x = torch.randn(500, 3, generator=seeded(2)) @ torch.randn(3, 3, generator=seeded(3))
    density = problem_recipes.gaussian_density(x, 0.0, 0)
    covariance = torch.cov(x.double().T)
    centred = x.double() - x.double().mean(0)
    squares = (centred @ torch.linalg.inv(covariance) * centred).sum(1)
    expected = -0.5 * squares - 0.5 * torch.logdet(2 * math.pi * covariance)
    torch.testing.assert_close(density.log_prob(x), expected, rtol=1e-4, atol=1e-4)
    assert density.sample(7).shape == (7, 3)
