"""The stored notebooks are what a learner should find: executed in order, described, and free of leftovers.

That they still run, and still give the same outputs, is nbval's job.
"""

import ast
import re
import sys

import nbformat
import pytest
from helpers import CHAPTERS, python_of, read_notebook

DECLARED = {
    "fmtutorial",
    "ipywidgets",
    "matplotlib",
    "numpy",
    "scipy",
    "seaborn",
    "sklearn",
    "torch",
    "torchdiffeq",
}
PARTS = [
    "you will be able to",
    "## Summary",
    "## Notation",
    "## The same in the big libraries",
    "## References",
]

pytestmark = pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda file: file.stem)


def code_cells(file):
    """The code cells of a notebook."""
    return [cell for cell in read_notebook(file).cells if cell.cell_type == "code"]


def text(file) -> str:
    """All prose of a notebook."""
    return "\n".join(cell.source for cell in read_notebook(file).cells if cell.cell_type == "markdown")


def test_is_valid_and_has_stable_ids(notebook):
    content = read_notebook(notebook)
    nbformat.validate(content)
    assert (content.nbformat, content.nbformat_minor) >= (4, 5)
    ids = [cell.id for cell in content.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", i) for i in ids), "ids are words that somebody chose"


def test_kernel_is_python3_and_no_widget_state_is_stored(notebook):
    metadata = read_notebook(notebook).metadata
    assert metadata.kernelspec.name == "python3"
    assert "widgets" not in metadata
    assert "application/vnd.jupyter.widget" not in notebook.read_text(encoding="utf-8")


def test_is_executed_in_order_without_errors(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]


def test_cells_that_print_or_draw_have_their_output(notebook):
    for cell in code_cells(notebook):
        top_level = [n for n in ast.parse(python_of(cell)).body if isinstance(n, ast.Expr)]
        calls = {ast.unparse(n.value.func) for n in top_level if isinstance(n.value, ast.Call)}
        if calls & {"print", "show", "display"}:
            assert cell.outputs, f"{cell.id} has no output: run tools/run_notebooks.py"


def test_imports_only_what_is_declared(notebook):
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(python_of(cell))):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                top = module.split(".")[0]
                assert top in DECLARED or top in sys.stdlib_module_names | {"IPython"}, module


def test_every_figure_has_alternative_text(notebook):
    images = [o for cell in code_cells(notebook) for o in cell.outputs if "image/png" in o.get("data", {})]
    assert images
    for image in images:
        assert len(image.metadata["image/png"]["alt"]) > 40


def test_opens_with_objectives_and_closes_with_what_to_keep(notebook):
    prose = text(notebook).lower()
    missing = [part for part in PARTS if part.lower() not in prose]
    assert not missing
    first = read_notebook(notebook).cells[0].source
    assert "minutes" in first and "You need" in first


def test_asks_before_it_answers(notebook):
    assert len(re.findall(r"(?i)predict, then run", text(notebook))) >= 2


def test_asserts_its_claims(notebook):
    assert sum("assert" in cell.source for cell in code_cells(notebook)) >= 4


def test_nothing_is_hidden_or_tagged(notebook):
    for cell in read_notebook(notebook).cells:
        assert not cell.metadata.get("jupyter", {}).get("source_hidden")
        assert not cell.metadata.get("tags"), "a tag such as raises-exception would hide a failure from nbval"


def test_cells_are_short(notebook):
    lengths = sorted(sum(bool(s.strip()) for s in cell.source.splitlines()) for cell in code_cells(notebook))
    assert lengths[-1] <= 25
    assert lengths[len(lengths) // 2] <= 13


def test_links_between_notebooks_lead_somewhere(notebook):
    for link in re.findall(r"\]\(([^)#:]+\.ipynb)", text(notebook)):
        assert (notebook.parent / link).exists(), link


def test_seeds_are_visible(notebook):
    code = "\n".join(cell.source for cell in code_cells(notebook))
    assert "manual_seed(" in code
    assert "torch.set_num_threads(1)" in code


MATHEMATICS = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
COMMANDS = set(
    re.findall(
        r"\w+",
        """
Big Bigl Bigr Delta Gamma Longleftrightarrow Longrightarrow Phi Rightarrow Sigma Vert alpha approx
arccos arctan bar begin beta big bigl bigm bigr blacksquare boxed cdot circ cos ddot delta det dfrac
displaystyle dot dots ell end epsilon eta exp frac gamma ge hat in infty int kappa lVert lambda
langle ldots le left leftarrow ln log lvert mapsto mathbb mathcal mathrm mathtt max mid min mu nabla
ne neq oint omega operatorname partial phi pi pm prod propto psi qquad quad rVert rangle rho right
rvert sigma sim sin sqrt star sum tag tau text textstyle tfrac theta times to top underbrace
varepsilon varphi xi xrightarrow
""",
    )
)


def test_formulas_use_known_commands(notebook):
    """A lost space makes a command that no renderer knows, and the whole formula is lost."""
    for cell in read_notebook(notebook).cells:
        if cell.cell_type == "markdown":
            for formula in MATHEMATICS.findall(cell.source):
                unknown = set(re.findall(r"\\([a-zA-Z]+)", formula)) - COMMANDS
                assert not unknown, f"{cell.id}: {unknown}"
