"""Write the public repository's address, which stands in pyproject.toml alone, wherever it is repeated.

python tools/sync_repository.py           # write
python tools/sync_repository.py --check   # only say what is out of date; exit 1 if anything is
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START = "notebooks/00_start_here.ipynb"


def facts() -> tuple[str, str]:
    """The repository as owner/name, and the course's version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/"), project["version"]


def colab_cell() -> str:
    """The first code cell of every notebook."""
    repository, version = facts()
    return (
        "# On Colab this installs the course; anywhere else it only looks whether the course is there.\n"
        "import sys\n"
        "from importlib.util import find_spec\n\n"
        'if "google.colab" in sys.modules:\n'
        f'    %pip install -q "fmtutorial @ git+https://github.com/{repository}@v{version}"\n'
        'elif find_spec("fmtutorial") is None:\n'
        "    raise ModuleNotFoundError(\n"
        '        "This kernel has no fmtutorial. At the top of the repository run: "\n'
        '        f"{sys.executable} -m pip install -r requirements.txt"\n'
        "    )"
    )


def colab_link(notebook: str) -> str:
    """The address that opens a notebook, named by its path in the repository, on Colab."""
    repository, version = facts()
    return f"https://colab.research.google.com/github/{repository}/blob/v{version}/{notebook}"


def badges() -> str:
    """The lines of README between its two badge marks."""
    repository, version = facts()
    binder = f"https://mybinder.org/v2/gh/{repository}/v{version}?urlpath=lab/tree/{START}"
    tests = f"https://github.com/{repository}/actions/workflows/tests.yml"
    return "\n".join(
        [
            f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab_link(START)})",
            f"[![Launch on Binder](https://mybinder.org/badge_logo.svg)]({binder})",
            f"[![Tests]({tests}/badge.svg)]({tests})",
        ]
    )


def between(text: str, mark: str, new: str) -> str:
    """`text` with what stands between `<!-- mark -->` and `<!-- /mark -->` replaced."""
    pattern = rf"(<!-- {mark} -->\n).*?(\n<!-- /{mark} -->)"
    text, count = re.subn(pattern, lambda m: m[1] + new + m[2], text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"expected one pair of {mark} marks, found {count}")
    return text


def clone() -> str:
    """README's lines that fetch the course."""
    repository, _ = facts()
    return f"```bash\ngit clone https://github.com/{repository}\ncd {repository.split('/')[1]}\n```"


def readme(text: str) -> str:
    """README with its badges, its clone command, its citation and its table's Colab links written anew."""
    repository, version = facts()
    text = between(text, "badges", badges())
    text = between(text, "clone", clone())
    citation = (
        "```bibtex\n@software{fmtutorial,\n  author  = {{The fmtutorial authors}},\n"
        "  title   = {fmtutorial: learn flow matching by doing},\n  year    = {2026},\n"
        f"  version = {{{version}}},\n  url     = {{https://github.com/{repository}}}\n}}\n```"
    )
    text = between(text, "citation", citation)
    return re.sub(
        r"\[Colab\]\(https://colab\.research\.google\.com/[^)]*/(notebooks/[^)]*)\)",
        lambda m: f"[Colab]({colab_link(m[1])})",
        text,
    )


def citation(text: str) -> str:
    """CITATION.cff with the repository and the version written anew."""
    repository, version = facts()
    text = re.sub(r"(?m)^repository-code: .*$", f"repository-code: https://github.com/{repository}", text)
    return re.sub(r"(?m)^version: .*$", f"version: {version}", text)


def notebook(text: str) -> str:
    """A notebook with its `colab` cell written anew; everything else stays to the letter."""
    content = json.loads(text)
    cells = [cell for cell in content["cells"] if cell["id"] == "colab"]
    if len(cells) != 1:
        raise SystemExit(f"expected one cell with the id colab, found {len(cells)}")
    cells[0]["source"] = colab_cell().splitlines(keepends=True)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def wanted() -> dict[Path, str]:
    """Every file that repeats the address, with the text that it should have."""
    files = {ROOT / "README.md": readme, ROOT / "CITATION.cff": citation}
    files |= dict.fromkeys(sorted((ROOT / "notebooks").rglob("[0-9][0-9]_*.ipynb")), notebook)
    return {file: write(file.read_text(encoding="utf-8")) for file, write in files.items()}


def main() -> int:
    """Write, or with --check compare."""
    stale = [file for file, text in wanted().items() if file.read_text(encoding="utf-8") != text]
    for file in stale:
        print("out of date:" if "--check" in sys.argv else "written:", file.relative_to(ROOT))
        if "--check" not in sys.argv:
            file.write_text(wanted()[file], encoding="utf-8", newline="\n")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    raise SystemExit(main())
