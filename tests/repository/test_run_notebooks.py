"""tools/run_notebooks.py shifts every seed once, and keeps printed text in one piece."""

import pytest
from nbformat.v4 import new_output
from run_notebooks import in_one_piece, with_shifted_seeds


@pytest.mark.parametrize(
    "source, shifted",
    [
        ("g = torch.Generator().manual_seed(3)", "g = torch.Generator().manual_seed(3 + 1000)"),
        ("rng = np.random.default_rng(seed)", "rng = np.random.default_rng(seed + 1000)"),
        ("Forest(random_state=0, n=5)", "Forest(random_state=0 + 1000, n=5)"),
        ("Forest(random_state=None)", "Forest(random_state=None)"),
        ("run(seed=seed)", "run(seed=seed)"),  # shifted where it arrives
        ("a = f(seed=1, b=manual_seed(2))", "a = f(seed=1 + 1000, b=manual_seed(2 + 1000))"),
        ("print('manual_seed(1)')", "print('manual_seed(1)')"),
    ],
)
def test_seeds_are_shifted_once(source, shifted):
    assert with_shifted_seeds(source, 1000) == shifted
    assert with_shifted_seeds(source, 0) == source


def test_magics_survive():
    shifted = with_shifted_seeds("%pip install -q x\ntorch.manual_seed(1)", 5)
    assert "'pip', 'install -q x'" in shifted and "manual_seed(1 + 5)" in shifted


def test_printed_text_is_joined_up_to_the_next_figure_or_warning():
    def printed(text, name="stdout"):
        return new_output("stream", name=name, text=text)

    figure = new_output("display_data", data={"text/plain": "a figure"})
    pieces = [
        printed("a\n"),
        printed("b\n"),
        figure,
        printed("c\n"),
        printed("w\n", "stderr"),
        printed("d\n"),
    ]
    joined = in_one_piece(pieces)
    assert [output.get("text") for output in joined] == ["a\nb\n", None, "c\n", "w\n", "d\n"]
    assert in_one_piece([]) == []
