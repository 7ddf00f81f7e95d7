"""Every notebook as a learner meets it: opened in JupyterLab, run to its end, controls by keyboard."""

import os
import statistics

import pytest
from browsing import NOT_OURS, open_notebook, read_through, run_all
from helpers import CHAPTERS
from walks import walked

pytestmark = pytest.mark.browser
NOTEBOOKS = walked(CHAPTERS)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda f: f.stem)
def test_a_notebook_opens_and_runs_to_its_end(browser, lab, notebook, screenshots):
    page, console = open_notebook(browser, lab, notebook.name)
    assert page.locator(".jp-Dialog").count() == 0
    run_all(page)
    assert page.locator(".jp-Dialog").count() == 0
    seen = read_through(page, screenshots, notebook.stem)
    assert not seen["errors"]
    assert not seen["clipped"]
    n = notebook.read_text(encoding="utf-8").count('"cell_type": "code"')
    assert seen["counts"] == set(range(1, n + 1))
    assert not [e for e in console if not NOT_OURS.search(e)]
    page.close()


# each slider's label and the key to press, a dozen times or to the end; of buttons each is tried
EXPLORERS = {
    "03_conditional_flow_matching": {"sigma_min": "ArrowRight", "time t": "ArrowLeft", "data": None},
    "05_ode_inference": {"steps": "ArrowRight", "time t": "ArrowLeft", "solver": None, "velocity": None},
    "07_diffusion_is_flow_matching": {"noise": "ArrowRight", "steps": "ArrowLeft", "velocity": None},
    "08_likelihood": {"sigma_min": "ArrowRight", "points": None},
    "06_straighter_paths": {"Euler steps": "ArrowRight", "coupling": None},
    "09_images_and_guidance": {"strength w": "ArrowRight", "show": None},
    "10_physics_with_uncertainty": {"4th sensor": "ArrowRight", "hot spot": None, "find out": None},
    "11_few_steps": {"jumps": "ArrowRight", "departure s": "ArrowRight", "recipe": None},
    "12_discrete_flows": {"steps": "ArrowRight", "noise": "ArrowRight", "path": None, "posterior": None},
    "13_bridges": {"s of the path": "ArrowRight", "epsilon": "ArrowRight", "time t": "ArrowLeft"},
    "14_flows_on_manifolds": {
        "angle 1": "ArrowLeft",
        "angle 2": "ArrowRight",
        "t": "ArrowLeft",  # at t = 1 both paths have one picture
        "path": None,
    },
}
# From the key to the new image; on the way the request leaves, and the image's message arrives.
WATCH = """() => {
    const image = document.querySelector('.widget-image');
    window.redraws = [];
    let now = null, arrived = 0, heard = new WeakSet();
    addEventListener('keydown', () => { now = {pressed: performance.now()}; }, true);
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        if (!heard.has(this)) {
            heard.add(this);
            this.addEventListener('message', e => {
                const size = e.data.byteLength ?? e.data.size ?? e.data.length;
                if (size > 20000) arrived = e.timeStamp;
            });
        }
        if (now) now.sent ??= performance.now();
        return send.call(this, data);
    };
    new MutationObserver(() => {
        if (now === null) return;
        const seen = {...now, changed: performance.now()};
        now = null;
        image.decode().catch(() => {}).then(() => {
            const end = performance.now();
            window.redraws.push({
                total: end - seen.pressed,
                "front end, before": seen.sent - seen.pressed,
                "kernel and transport": arrived - seen.sent,
                "front end, after": end - arrived,
            });
        });
    }).observe(image, {attributes: true, attributeFilter: ['src']});
}"""


def scroll_to_explorer(page):
    for _ in range(200):
        if page.locator(".widget-image").count() and page.locator(".widget-image").first.is_visible():
            page.locator(".widget-image").first.scroll_into_view_if_needed()
            page.wait_for_timeout(500)
            return
        page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop += 500")
        page.wait_for_timeout(150)
    raise AssertionError("no interactive figure found")


def press(page, key) -> None:
    """Press a key and wait until the image has changed."""
    before = page.locator(".widget-image").get_attribute("src")
    page.keyboard.press(key)
    changed = "old => document.querySelector('.widget-image').src !== old"
    page.wait_for_function(changed, arg=before, timeout=5_000)
    page.wait_for_timeout(120)


def move(page, label, key) -> set[str]:
    """Work one control by keyboard alone; return the sentences that were shown."""
    box = page.locator(f".widget-label:text-is('{label}')").locator("xpath=..")
    said = set()
    if key:
        handle = box.locator(".noUi-handle")
        handle.focus()
        end = handle.get_attribute("aria-valuemax" if key == "ArrowRight" else "aria-valuemin")
        for _ in range(12):
            if handle.get_attribute("aria-valuenow") == end:
                break
            press(page, key)
            said.add(page.locator("[role=status]").inner_text())
        return said
    buttons = box.locator("button")
    chosen = ["mod-active" in buttons.nth(i).get_attribute("class") for i in range(buttons.count())]
    for i in sorted(range(len(chosen)), key=chosen.__getitem__):  # the one that is pressed already comes last
        buttons.nth(i).focus()
        press(page, "Space")
        said.add(page.locator("[role=status]").inner_text())
    return said


def keep(name, redraws) -> None:
    """The same times as a benchmark's result: `BENCHMARKS=1 pytest -m browser -n 0 -k keyboard`."""
    from benchmarks.timing import record, row, table, write

    rows = [
        row(part, [t[part] for t in times], "ms", control=label)
        for label, times in redraws.items()
        for part in times[0]
    ]
    notes = ["JupyterLab in headless Chromium without a GPU, on the kernel's own machine"]
    write(record(f"browser_{name[:2]}", rows, len(next(iter(redraws.values()))), notes))
    print(table(rows))


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_control_answers_the_keyboard(browser, lab, name, screenshots):
    page, console = open_notebook(browser, lab, f"{name}.ipynb")
    run_all(page)
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    scroll_to_explorer(page)
    page.evaluate(WATCH)
    redraws = {}
    for label, key in EXPLORERS[name].items():
        page.evaluate("window.redraws = []")
        said = move(page, label, key)
        times = page.evaluate("window.redraws")
        assert len(said) == len(times) >= 2, f"{label}: the numbers shown follow the control"
        redraws[label] = times
        if screenshots is not None:
            page.screenshot(path=screenshots / f"{name}-widget-{label.replace(' ', '_')}.png")
    medians = {label: statistics.median(t["total"] for t in times) for label, times in redraws.items()}
    print(f"\n{name}, from key to new image: {', '.join(f'{k} {v:.0f} ms' for k, v in medians.items())}")
    if "BENCHMARKS" in os.environ:
        keep(name, redraws)
    assert all(0 < m < 100 for m in medians.values()), medians
    assert not [e for e in console if not NOT_OURS.search(e)]
    page.close()
