"""The site: `sphinx-build -W -b html docs site`. Notebooks are copied in; nothing is executed.

All pages are brought together in `docs/_generated/`, which git ignores, and Sphinx reads them there. The
scripts that write some of them are in `docs/_pages/`.
"""

import shutil
import sys
import tomllib
from pathlib import Path

import nbformat

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
GENERATED = DOCS / "_generated"
sys.path[:0] = [str(DOCS / "_pages"), str(ROOT)]

import api_pages  # noqa: E402
import speed_page  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]

project, author, release = "fmtutorial", "The fmtutorial authors", PROJECT["version"]
copyright = "2026, The fmtutorial authors"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.linkcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["_static"]
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/png", 0), ("html", "text/plain", 100)]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as they are written: 1e-4, not 0.0001
add_module_names = False  # the page's title has the folder
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
smartquotes = False  # sigma' is a derivative
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
    target = GENERATED / "notebooks"
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
    """One of the repository's own pages, with links that are right on the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = text.replace("(../CONTRIBUTING.md)", "(contributing.md)")
    (GENERATED / target).write_text(text, encoding="utf-8")


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Sphinx's `linkcode` asks here for the source of a name."""
    return api_pages.address_of_source(REPOSITORY, f"v{release}", info["module"], info["fullname"])


shutil.rmtree(GENERATED, ignore_errors=True)
GENERATED.mkdir()
shutil.copytree(DOCS / "_static", GENERATED / "_static")
copy_notebooks()
copy_page("docs/index.md", "index.md")
copy_page("docs/instructors.md", "instructors.md")
copy_page("CONTRIBUTING.md", "contributing.md")
copy_page("CHANGELOG.md", "changes.md")
api_pages.write(GENERATED / "api")
speed_page.write(GENERATED / "speed.md")


def setup(app):
    """Sphinx calls this before it looks for pages: they have been brought together in `GENERATED`."""
    app.srcdir = GENERATED
    app.connect("autodoc-process-docstring", api_pages.plain_docstring)
