"""Chapter 00's exercises as a new learner works them: blank, four wrong answers, then all ticks."""

import pytest
from browsing import NOT_OURS, open_notebook, run_all

pytestmark = pytest.mark.browser

POINT = "def point(x0, x1, t):\n    t = t[:, None]\n    return {}"
TARGET = "def target(x0, x1):\n    return {}"
FIRST = "def first_velocity(x0, x1):\n    return {}"
SAMPLE = """def sample(v, x0, n_steps):
    x = x0
    for k in range({}):
        x = x + v(x, k / n_steps) / n_steps
    return x"""
LEAKED = "def leaked_samples(x0, n_steps):\n    return {}"
STEPS = [  # (exercise, what the learner writes, how the check begins, a word of it)
    (0, POINT.format("(1 - t) * x1 + t * x0"), "✗", "Time is reversed"),
    (0, POINT.format("t * x1 + (1 - t) * x0"), "✓", "straight line"),
    (1, TARGET.format("x1 - x0"), "✓", "does not depend on t"),
    (2, FIRST.format("x1 - x0"), "✗", "paired the rows"),
    (2, FIRST.format("x1.mean(0) - x0"), "✓", "on the mean of the data"),
    (3, SAMPLE.format("n_steps + 1"), "✗", "n + 1 steps"),
    (3, SAMPLE.format("n_steps"), "✓", "at its own beginning"),
    (4, LEAKED.format("2 * x0"), "✗", "doubles x0"),
    (4, LEAKED.format("(1 + 1 / n_steps) ** n_steps * x0"), "✓", "learns v(x, t) = x"),
]  # fmt: skip


def check_outputs(page):
    """The printed lines of the five checks, from top to bottom."""
    return [line for line in page.locator(".jp-OutputArea-output pre").all_inner_texts() if line[:1] in "○✗✓"]


def answer(page, k: int, source: str) -> str:
    """Write an answer into the k-th stub, run it and its check; return what the check prints."""
    cell = page.locator(".jp-CodeCell", has=page.locator(f".cm-content:has-text('def {source[4:10]}')")).first
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(300)
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(1500)
    said = page.locator(f".jp-OutputArea-output pre:has-text('00.{k + 1}')").first
    return said.inner_text()


def test_a_learner_goes_from_blank_to_all_ticks(browser, lab, screenshots):
    page, console = open_notebook(browser, lab, "exercises/chapter00/00_exercises.ipynb")
    page.set_viewport_size({"width": 1280, "height": 4000})  # all cells in view
    run_all(page)
    blank = check_outputs(page)
    assert len(blank) == 5 and all("Not attempted yet" in line for line in blank)
    assert page.locator("[data-mime-type$='jupyter.error']").count() == 0
    for k, source, mark, word in STEPS:
        said = answer(page, k, source)
        assert said.startswith(mark) and word in said, said
        if screenshots is not None and mark == "✗":
            page.screenshot(path=screenshots / f"learner-{k}-wrong.png")
    assert [line[0] for line in check_outputs(page)] == ["✓"] * 5
    if screenshots is not None:
        page.screenshot(path=screenshots / "learner-done.png")
    assert not [e for e in console if not NOT_OURS.search(e)]
    page.close()
