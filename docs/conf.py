"""The site: `sphinx-build -W -b html docs site`. Notebooks are copied in; nothing is executed."""

import shutil
import sys
import tomllib
from pathlib import Path

import nbformat

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS))

import api_pages  # noqa: E402
import speed_page  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]

project, author, release = "fmtutorial", "The fmtutorial authors", PROJECT["version"]
copyright = "2026, The fmtutorial authors"
extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design", "sphinx-mathjax-offline"]
exclude_patterns = ["requirements.txt", "notebooks/**/.ipynb_checkpoints"]
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/png", 0), ("html", "text/plain", 100)]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # IPython's %pip

html_theme = "sphinx_book_theme"
html_title = "fmtutorial"
html_static_path = ["_static", "images"]
html_css_files = ["site.css"]
html_theme_options = {
    "repository_url": REPOSITORY,
    "use_repository_button": True,
    "use_source_button": False,
    "path_to_docs": "",
    "repository_branch": f"v{release}",
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
    "home_page_in_toc": True,
    "show_toc_level": 2,
}


def copy_notebooks() -> None:
    """Bring the notebooks under docs/, with the alternative texts of their figures where myst-nb looks."""
    target = DOCS / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    for file in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in file.parts:
            continue
        notebook = nbformat.read(file, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                    cell.metadata["mystnb"] = {"image": {"alt": alt.replace("\n", " ")}}
        copy = target / file.relative_to(ROOT / "notebooks")
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, copy)


def copy_page(name: str, target: str) -> None:
    """One of the repository's own pages as a page of the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    (DOCS / target).write_text(text, encoding="utf-8")


def correct_links(app, docname, source) -> None:
    """Links that are right in the repository, made right in the site."""
    source[0] = source[0].replace("(../CONTRIBUTING.md)", "(contributing.md)")


copy_notebooks()
copy_page("CONTRIBUTING.md", "contributing.md")
copy_page("CHANGELOG.md", "changes.md")
api_pages.write(DOCS / "api.md", REPOSITORY, f"v{release}")
speed_page.write(DOCS / "speed.md")


def setup(app):
    """Sphinx calls this."""
    app.connect("source-read", correct_links)
