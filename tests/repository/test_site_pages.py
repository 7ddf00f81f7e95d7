"""The pages that the site writes about the package: every folder, every public name, and plain text."""

import api_pages
import pytest

import fmtutorial

FOLDERS = list(api_pages.described())


def test_every_folder_has_its_page(tmp_path):
    api_pages.write(tmp_path)
    assert sorted(file.stem for file in tmp_path.iterdir()) == sorted(["index", *FOLDERS])
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert all(f"({folder}.md)" in index for folder in FOLDERS)


@pytest.mark.parametrize("folder", [name for name in FOLDERS if name != "checks"])
def test_every_public_name_is_described_once(folder):
    module = getattr(fmtutorial, folder)
    lines = api_pages.page(module).splitlines()
    described = sorted(line.split(".")[-1].split(":: ")[-1] for line in lines if line.startswith(".. "))
    assert described == sorted(module.__all__)


def test_docstrings_are_shown_as_they_stand():
    lines = ["E |v|^2 * 2 for `x_t` and x_, y_t"]
    api_pages.plain_docstring(None, "function", "f", None, None, lines)
    assert lines == [r"E \|v\|^2 \* 2 for ``x_t`` and x\_, y_t"]


def test_a_name_is_linked_to_its_source():
    link = api_pages.address_of_source("R", "v1", "fmtutorial.paths", "StraightPath.sample")
    assert link.startswith("R/blob/v1/fmtutorial/paths/affine.py#L")  # where it is inherited from
    assert api_pages.address_of_source("R", "v1", "fmtutorial.paths", "KINDS") is None
