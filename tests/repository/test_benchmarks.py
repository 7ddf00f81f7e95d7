"""The benchmarks' own arithmetic and their stored results. Speed itself is never asserted."""

import ast
import json
import math
import re

import pytest
import torch
from helpers import ROOT, seeded

from benchmarks import figures, sampling, suite, timing, training
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
            r"(?m)^\s*(import|from) (torchcfm|flow_matching|ot|sklearn|diffusers)\b", text
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
