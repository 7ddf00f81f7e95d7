"""The sonnets as tokens."""

import torch

from fmtutorial.variants import ALPHABET, decode, encode, sonnets


def test_there_are_154_sonnets_of_14_lines_mostly():
    poems = sonnets().split("\n\n")
    n_lines = [len(poem.strip().splitlines()) for poem in poems]
    assert len(poems) == 154 and n_lines[125] == 12 and n_lines[98] == 15  # as they are
    assert sum(n == 14 for n in n_lines) >= 151
    assert poems[17].startswith("Shall I compare thee to a summer's day?")


def test_encoding_keeps_the_words():
    tokens = encode("Shall I compare thee,\n to a summer's day?")
    assert decode(tokens[None]) == ["shall i compare thee to a summers day"]
    assert tokens.dtype == torch.long and len(ALPHABET) == 27


def test_a_mask_is_shown_as_a_line():
    assert decode(torch.tensor([[1, 27, 0, 26]])) == ["a_ z"]
