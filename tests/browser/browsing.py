"""What a learner does in JupyterLab: open a notebook, run it, scroll through it."""

import re

WINDOW = {"width": 1280, "height": 800}
# What JupyterLab itself says when it cannot reach the internet, or is asked for something optional.
NOT_OURS = re.compile(
    r"(?i)jupyterlab/extensionmanager|net::ERR|news|404|failed to load resource|source ?map"
)

IDLE_FOR_TWO_SECONDS = """() => {
    const idle = document.querySelector('.jp-Notebook-ExecutionIndicator').dataset.status === 'idle';
    window.idleSince = idle ? window.idleSince ?? performance.now() : null;
    return idle && performance.now() - window.idleSince > 2000;
}"""


def open_notebook(browser, lab, name):
    """A page with the notebook, its kernel ready, and the list of its console errors."""
    page = browser.new_page(viewport=WINDOW)
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(f"{lab}/lab/tree/notebooks/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    named = "document.querySelector('.jp-KernelName')?.innerText.includes('Python 3')"
    page.wait_for_function(named, timeout=60_000)
    page.wait_for_function(IDLE_FOR_TWO_SECONDS, timeout=60_000)
    return page, errors


def run_all(page) -> None:
    """Kernel and cells from the start, through JupyterLab's own menu."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status=busy]", state="attached", timeout=20_000
    )
    page.wait_for_function(IDLE_FOR_TWO_SECONDS, timeout=180_000)  # it is idle between two cells as well


def read_through(page, folder, name):
    """Scroll from top to bottom, as JupyterLab draws only what is in view; collect what is seen."""
    seen = {"errors": set(), "clipped": set(), "figures": 0, "counts": set()}
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    for i in range(200):
        page.wait_for_timeout(150)
        if folder is not None:
            page.screenshot(path=folder / f"{name}-{i:02d}.png")
        found = page.evaluate(
            """() => {
            const outer = document.querySelector('.jp-WindowedPanel-outer');
            const wide = [...document.querySelectorAll('.jp-OutputArea-output, .jp-OutputArea-output img')]
                .filter(e => e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 0
                             && e.tagName !== 'IMG' || e.getBoundingClientRect().right > innerWidth + 1)
                .map(e => e.innerText.slice(0, 60) || e.tagName);
            return {
                errors: [...document.querySelectorAll('[data-mime-type$="jupyter.error"],'
                    + '[data-mime-type$="jupyter.stderr"]')].map(e => e.innerText.slice(0, 300)),
                clipped: wide,
                counts: [...document.querySelectorAll('.jp-InputPrompt')].map(e => e.innerText),
                end: outer.scrollTop + outer.clientHeight >= outer.scrollHeight - 2,
            };}"""
        )
        seen["errors"] |= set(found["errors"])
        seen["clipped"] |= set(found["clipped"])
        seen["counts"] |= {int(n) for c in found["counts"] for n in re.findall(r"\[(\d+)\]", c)}
        if found["end"]:
            return seen
        page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop += 560")
    raise AssertionError("the notebook never ended")
