"""Write the two things that stand in one place and are repeated in others.

    python tools/sync_repository.py           write
    python tools/sync_repository.py --check   only say what is out of date; exit 1 if anything is

The public repository's address stands in pyproject.toml; badges, Colab cells and citation repeat it. The list
of chapters and exercises stands in notebooks/course.toml; README's tables, notebook 00's map and the table
for instructors repeat it (tools/sync_course.py has their words).
"""

import json
import re
import sys
import tomllib
from pathlib import Path

import course_list
import sync_course
from course_list import ROOT

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
    pattern = rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)"
    text, count = re.subn(pattern, lambda m: f"{m[1]}{new}\n{m[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"expected one pair of {mark} marks, found {count}")
    return text


def clone() -> str:
    """README's lines that fetch the course."""
    repository, _ = facts()
    return f"```bash\ngit clone https://github.com/{repository}\ncd {repository.split('/')[1]}\n```"


def bibtex() -> str:
    """README's citation."""
    repository, version = facts()
    return (
        "```bibtex\n@software{fmtutorial,\n  author  = {{The fmtutorial authors}},\n"
        "  title   = {fmtutorial: learn flow matching by doing},\n  year    = {2026},\n"
        f"  version = {{{version}}},\n  url     = {{https://github.com/{repository}}}\n}}\n```"
    )


def readme(text: str) -> str:
    """README with what is written into it."""
    the_course = course_list.read()
    text = between(text, "badges", badges())
    text = between(text, "clone", clone())
    text = between(text, "chapters", f"\n{sync_course.readme_chapters(the_course, colab_link)}\n")
    text = between(text, "exercises", f"\n{sync_course.readme_exercises(the_course)}\n")
    return between(text, "citation", bibtex())


def instructors(text: str) -> str:
    """The page for instructors with its table."""
    return between(text, "chapters", f"\n{sync_course.instructors_table(course_list.read())}\n")


def citation(text: str) -> str:
    """CITATION.cff with the repository and the version written anew."""
    repository, version = facts()
    text = re.sub(r"(?m)^repository-code: .*$", f"repository-code: https://github.com/{repository}", text)
    return re.sub(r"(?m)^version: .*$", f"version: {version}", text)


def the_cell(content: dict, name: str) -> dict:
    """The one cell of a notebook that has this id."""
    cells = [cell for cell in content["cells"] if cell["id"] == name]
    if len(cells) != 1:
        raise SystemExit(f"expected one cell with the id {name}, found {len(cells)}")
    return cells[0]


def notebook(text: str) -> str:
    """A notebook with its `colab` cell written anew; everything else stays to the letter."""
    content = json.loads(text)
    the_cell(content, "colab")["source"] = colab_cell().splitlines(keepends=True)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def start_notebook(text: str) -> str:
    """Notebook 00: its `colab` cell, and the tables in its cell `map`."""
    content = json.loads(notebook(text))
    cell = the_cell(content, "map")
    tables = f"\n{sync_course.map_of_the_course(course_list.read())}\n"
    cell["source"] = between("".join(cell["source"]), "chapters", tables).splitlines(keepends=True)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def wanted() -> dict[Path, str]:
    """Every file that repeats something, with the text that it should have."""
    writers = dict.fromkeys(sorted((ROOT / "notebooks").rglob("[0-9][0-9]_*.ipynb")), notebook)
    writers |= {
        ROOT / START: start_notebook,
        ROOT / "README.md": readme,
        ROOT / "docs" / "instructors.md": instructors,
        ROOT / "CITATION.cff": citation,
    }
    return {file: write(file.read_text(encoding="utf-8")) for file, write in writers.items()}


def main() -> int:
    """Write, or with --check compare."""
    only_check = "--check" in sys.argv
    stale = {file: text for file, text in wanted().items() if file.read_text(encoding="utf-8") != text}
    for file, text in stale.items():
        print("out of date:" if only_check else "written:", file.relative_to(ROOT))
        if not only_check:
            file.write_text(text, encoding="utf-8", newline="\n")
    return int(bool(stale) and only_check)


if __name__ == "__main__":
    raise SystemExit(main())
