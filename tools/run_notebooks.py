"""Execute notebooks in place and store their outputs the way the course keeps them.

    python tools/run_notebooks.py                       # all numbered notebooks
    python tools/run_notebooks.py notebooks/03*.ipynb   # some of them
    python tools/run_notebooks.py --measure             # write nothing; exit 1 beyond 60 s or 1000 MB

Each runs from top to bottom in its own folder. Widget views, which would be dead without a kernel, are
dropped from the stored outputs (their static image stays); so are time stamps and other passing metadata.
Prints seconds and peak memory for each notebook.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

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


def run(file: Path, write: bool = True) -> tuple[float, float]:
    """Execute one notebook, in place if `write`; return seconds and peak megabytes."""
    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": file.parent}}
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


def main() -> int:
    """Run the notebooks that were named, or all, and print a line for each."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    write, too_much = "--measure" not in sys.argv, 0
    named = [Path(a).resolve() for a in sys.argv[1:] if not a.startswith("--")]
    for file in named or sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        seconds, megabytes = run(file, write)
        beyond = seconds > 60 or megabytes > 1000
        too_much += beyond
        print(
            f"{file.name:45s} {seconds:6.1f} s {megabytes:7.0f} MB{'  too much' if beyond else ''}",
            flush=True,
        )
    return int(too_much > 0 and not write)


if __name__ == "__main__":
    raise SystemExit(main())
