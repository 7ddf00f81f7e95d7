"""Execute notebooks in place and store their outputs the way the course keeps them.

    python tools/run_notebooks.py                       # all numbered notebooks
    python tools/run_notebooks.py notebooks/03*.ipynb   # some of them
    python tools/run_notebooks.py --measure             # write nothing; exit 1 beyond 60 s or 1000 MB
    python tools/run_notebooks.py --shift-seeds 1000    # write nothing; every seed larger by 1000

With shifted seeds each draw is another one, so an assertion that holds by luck fails: the cell and its error
are printed, and the exit status is 1.

Each runs from top to bottom in its own folder. Widget views, which would be dead without a kernel, are
dropped from the stored outputs (their static image stays); so are time stamps and other passing metadata.
Prints seconds and peak memory for each notebook.
"""

import argparse
import ast
import os
import time
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def peak_megabytes(pid: int) -> float:
    """The most resident memory that a process has had so far (Linux), or NaN where that is not known."""
    try:
        line = next(s for s in Path(f"/proc/{pid}/status").read_text().splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return float("nan")


def clean(notebook) -> None:
    """Keep sources, ids and outputs; drop what changes from run to run or machine to machine."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        if cell.cell_type == "code":
            cell.outputs = in_one_piece(cell.outputs)


def in_one_piece(outputs: list) -> list:
    """Outputs in which neighbouring pieces of printed text are one: a busy machine sends them in several."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.output_type == "stream" and output.name == last.get("name"):
            last.text += output.text
        else:
            merged.append(output)
    return merged


class ShiftSeeds(ast.NodeTransformer):
    """Adds a number to every seed: of `manual_seed(...)`, `default_rng(...)`, `seed=` and `random_state=`."""

    CALLS = ("manual_seed", "default_rng")
    KEYWORDS = ("seed", "random_state")

    def __init__(self, by: int):
        self.by = by

    def plus(self, seed: ast.expr) -> ast.expr:
        """The expression `seed + by`."""
        return ast.BinOp(seed, ast.Add(), ast.Constant(self.by))

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Shift the seed of one call, and of those inside it."""
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in self.CALLS and node.args:
            node.args[0] = self.plus(node.args[0])
        for keyword in node.keywords:
            if keyword.arg in self.KEYWORDS and not self.is_passed_on(keyword.value):
                keyword.value = self.plus(keyword.value)
        return node

    def is_passed_on(self, seed: ast.expr) -> bool:
        """Only a number is a seed here: a name would be shifted where it arrives, a second time."""
        return not isinstance(seed, ast.Constant) or not isinstance(seed.value, int)


def with_shifted_seeds(source: str, by: int) -> str:
    """A cell's source with every seed larger by `by`."""
    if by == 0:
        return source
    plain_python = TransformerManager().transform_cell(source)  # without IPython's magics
    return ast.unparse(ast.fix_missing_locations(ShiftSeeds(by).visit(ast.parse(plain_python))))


def run(file: Path, write: bool = True, shift: int = 0) -> tuple[float, float]:
    """Execute one notebook, in place if `write`; return seconds and peak megabytes."""
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = with_shifted_seeds(cell.source, shift)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": file.parent}}
    )
    start = time.perf_counter()
    with client.setup_kernel():
        for i, cell in enumerate(notebook.cells):
            client.execute_cell(cell, i)
        seconds, megabytes = time.perf_counter() - start, peak_megabytes(client.km.provisioner.pid)
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
    clean(notebook)
    nbformat.validate(notebook)
    if write:
        nbformat.write(notebook, file)
    return seconds, megabytes


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all numbered notebooks unless given")
    parser.add_argument("--measure", action="store_true", help="write nothing")
    parser.add_argument("--shift-seeds", type=int, default=0, metavar="N", help="write nothing")
    return parser.parse_args()


def main() -> int:
    """Run the notebooks that were named, or all, and print a line for each."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    asked, wrong = arguments(), 0
    write = not (asked.measure or asked.shift_seeds)
    files = [file.resolve() for file in asked.notebooks]
    for file in files or sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        try:
            seconds, megabytes = run(file, write, asked.shift_seeds)
        except CellExecutionError as error:
            print(f"{file.name}: a cell failed\n{error}", flush=True)
            wrong += 1
            continue
        too_much = asked.measure and (seconds > 60 or megabytes > 1000)
        wrong += too_much
        verdict = "  too much" if too_much else ""
        print(f"{file.name:45s} {seconds:6.1f} s {megabytes:7.0f} MB{verdict}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
