"""The site: built without a warning, whole on its own, and alive on its first page."""

import itertools
import math
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import torch

from fmtutorial import GaussianMixture, StraightPath, exact, integrate_flow, standard_mixture
from fmtutorial.paths import AffineGaussianPath

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as README says, in a folder of its own."""
    pytest.importorskip("myst_nb")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return target


class Links(HTMLParser):
    """Collects what a page loads, where it leads, and its anchors."""

    def __init__(self):
        super().__init__()
        self.loads = []
        self.leads = []
        self.anchors = set()
        self.bare_images = []

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.anchors |= {a.get("id"), a.get("name")}
        if tag in ("script", "img", "source") and a.get("src"):
            self.loads.append(a["src"])
        if tag == "link" and a.get("rel") in ("stylesheet", "preload", "icon"):
            self.loads.append(a["href"])
        if tag == "a" and a.get("href"):
            self.leads.append(a["href"])
        if tag == "img" and not (a.get("alt") or "").strip():
            self.bare_images.append(a.get("src"))


def parsed(file: Path) -> Links:
    links = Links()
    links.feed(file.read_text(encoding="utf-8"))
    return links


def test_every_asset_is_local_and_every_internal_link_leads_somewhere(site):
    pages = {f: parsed(f) for f in site.rglob("*.html") if "_static" not in f.parts}
    assert len(pages) > 20
    for file, links in pages.items():
        for address in links.loads:
            assert not re.match(r"(https?:)?//", address), f"{file.name} loads {address}"
        for address in links.leads:
            if re.match(r"[a-z]+:", address) or address.startswith("#"):
                continue
            path, anchor = urldefrag(unquote(address))
            target = (file.parent / path.split("?")[0]).resolve()
            assert target.exists(), f"{file.name} leads to {address}"
            if anchor and target in pages:
                assert anchor in pages[target].anchors, f"{file.name} leads to {address}"


def test_every_figure_has_alternative_text(site):
    for file in (site / "notebooks").rglob("*.html"):
        bare = [src for src in parsed(file).bare_images if "_images" in src]
        assert not bare, f"{file.name}: {bare}"


def test_headings_are_in_order(site):
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        article = text[text.find("<article") : text.find("</article>")]
        levels = [int(n) for n in re.findall(r"<h([1-6])[ >]", article)]
        assert levels.count(1) <= 1
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), file.name


class Diffusion(AffineGaussianPath):
    """The variance-preserving path with beta from 0.1 to 20, as in the demonstration."""

    def alpha(self, t):
        r = 1 - t
        return torch.exp(torch.as_tensor(-0.25 * r * r * 19.9 - 0.05 * r))

    def sigma(self, t):
        return (1 - self.alpha(t) ** 2).sqrt()

    def alpha_dot(self, t):
        return self.alpha(t) * (0.5 * (1 - t) * 19.9 + 0.05)

    def sigma_dot(self, t):
        return -self.alpha(t) * self.alpha_dot(t) / self.sigma(t)


@pytest.fixture
def page(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto((site / "index.html").as_uri())
    page.wait_for_selector("#fm-said:has-text('evaluations')")
    yield page
    page.close()
    assert not [e for e in errors if "invalid theme mode" not in e]  # the theme's own, on file://


@pytest.mark.parametrize("path", ["straight", "diffusion"])
@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 0.95])
def test_the_velocity_is_the_exact_one(page, path, t):
    g = torch.Generator().manual_seed(1)
    x = 2 * torch.randn(50, 2, generator=g, dtype=torch.float64)
    parts = [([0.5, -1.0], 0.7, 0.3), ([3.0, 2.0], 0.4, 0.5), ([-2.0, 0.0], 1.2, 0.2)]
    mixture = GaussianMixture([{"mean": m, "std": s} for m, s, _ in parts], [w for *_, w in parts])
    law = StraightPath(0.05) if path == "straight" else Diffusion()
    expected = exact.marginal_velocity(mixture, law, x, t)
    script = """([x, t, parts, path]) => Array.from(fmDemo.velocity(Float64Array.from(x), t,
        parts.map(([m, s, w]) => ({m, s, w})), path, 0.05, new Float64Array(x.length)))"""
    got = torch.tensor(page.evaluate(script, [x.flatten().tolist(), t, parts, path]), dtype=torch.float64)
    assert torch.allclose(got.view_as(expected), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "rk4"])
def test_the_solvers_are_ours(page, solver):
    mixture = standard_mixture()
    path = StraightPath(0.01)
    x0 = torch.randn(20, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    expected = integrate_flow(exact.velocity_field(mixture, path), x0, n_steps=5, method=solver)[0][-1]
    script = """([x, solver]) => Array.from(fmDemo.solve(Float64Array.from(x), fmDemo.dataSets.two,
        {path: 'straight', sigmaMin: 0.01, solver, n: 5})[5])"""
    got = torch.tensor(page.evaluate(script, [x0.flatten().tolist(), solver]), dtype=torch.float64)
    assert torch.allclose(got.view_as(expected), expected, rtol=1e-6, atol=1e-6)


def test_the_distance_shown_falls_with_the_steps_and_the_controls_take_the_keyboard(page, screenshots):
    def error():
        return float(page.locator("#fm-canvas").get_attribute("data-error"))

    page.locator("#fm-n").focus()
    page.keyboard.press("Home")
    one = error()
    page.keyboard.press("End")
    many = error()
    assert one > 4 * many and "128 evaluations" in page.locator("#fm-said").inner_text()
    before = page.locator("#fm-said").inner_text()
    page.locator("#fm-canvas").focus()
    page.keyboard.press("2")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.locator("#fm-said").inner_text() != before
    page.locator("#fm-path").select_option("diffusion")
    assert math.isfinite(error())
    if screenshots is not None:
        page.screenshot(path=screenshots / "site-diffusion.png")


def test_it_draws_sixty_frames_a_second(page):
    script = """() => { const t = document.getElementById('fm-t'), times = [];
        for (let i = 0; i < 40; i++) { t.value = i / 40; const a = performance.now();
            t.dispatchEvent(new Event('input')); times.push(performance.now() - a); }
        return times.sort((a, b) => a - b)[20]; }"""
    assert page.evaluate(script) < 16.7


@pytest.mark.parametrize(("name", "width", "scheme"), [("phone", 390, "light"), ("desktop", 1280, "dark")])
def test_the_first_page_fits_its_window(browser, site, screenshots, name, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto((site / "index.html").as_uri())
    page.wait_for_selector("#fm-said:has-text('evaluations')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    box = page.locator("#fm-canvas").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    if screenshots is not None:
        page.screenshot(path=screenshots / f"site-{name}-{scheme}.png", full_page=False)
        page.locator("#fm-demo").screenshot(path=screenshots / f"site-demo-{name}.png")
    page.close()


def test_reduced_motion_is_respected(browser, site):
    page = browser.new_page(reduced_motion="reduce")
    page.goto((site / "index.html").as_uri())
    page.wait_for_selector("#fm-said:has-text('evaluations')")
    page.locator("#fm-play").click()
    assert page.locator("#fm-t").input_value() == "0" and page.locator("#fm-play").inner_text() == "Play"
    page.close()


def test_a_centre_is_dragged_by_a_finger(browser, site):
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto((site / "index.html").as_uri())
    page.wait_for_selector("#fm-said:has-text('evaluations')")
    canvas = page.locator("#fm-canvas")
    canvas.scroll_into_view_if_needed()
    before = float(canvas.get_attribute("data-error"))
    box = canvas.bounding_box()
    # the centre at (0, 0)
    x = box["x"] + box["width"] * 3.6 / 9.2
    y = box["y"] + box["height"] * (1 - 3.8 / 8.2)
    for kind, dx in [("pointerdown", 0), ("pointermove", 40), ("pointerup", 40)]:
        event = {"clientX": x + dx, "clientY": y, "pointerId": 1, "pointerType": "touch", "bubbles": True}
        page.evaluate(
            "([k, e]) => { const c = document.getElementById('fm-canvas');"
            " c.setPointerCapture = () => {}; c.dispatchEvent(new PointerEvent(k, e)); }",
            [kind, event],
        )
    assert float(canvas.get_attribute("data-error")) != before
    page.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> Path:
    """axe-core's script, from npm."""
    folder = tmp_path_factory.mktemp("axe")
    if shutil.which("npm") is None:
        pytest.skip("no npm on this machine")
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--prefix", str(folder), "axe-core@4.10.3"], check=True
    )
    return folder / "node_modules" / "axe-core" / "axe.min.js"


PAGES = [
    "index.html",
    "api/index.html",
    "api/paths.html",
    "api/training.html",
    "instructors.html",
    "search.html",
]
PAGES += [f"notebooks/{f.stem}.html" for f in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
PAGES += ["notebooks/exercises/chapter03/03_exercises.html", "notebooks/solutions/lab/00_bug_laboratory.html"]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_violation(browser, site, axe, name):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((site / name).as_uri())
    page.wait_for_timeout(1500)  # mathematics
    page.add_script_tag(path=axe)
    found, passes = page.evaluate("axe.run().then(r => [r.violations, r.passes.length])")
    assert passes > 10  # axe did look
    serious = [
        f"{v['id']}: {v['nodes'][0]['html'][:150]} ({len(v['nodes'])})"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert not serious
    page.close()
