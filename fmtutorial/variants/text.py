"""A small real text: Shakespeare's sonnets, as tokens of 27 symbols."""

import string
from importlib.resources import files

import torch
from torch import Tensor

ALPHABET = " " + string.ascii_lowercase  # a token's symbol is its place here


def sonnets() -> str:
    """Shakespeare's 154 sonnets (1609, in modern spelling), a blank line between two of them."""
    return files("fmtutorial.variants").joinpath("sonnets.txt").read_text(encoding="utf-8")


def encode(text: str) -> Tensor:
    """The tokens (N,) of a text: letters in lower case, and one space for all that stands between two words.

    Apostrophes are dropped: "beauty's" is "beautys".
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    letters = [c if c in ALPHABET else " " for c in text.lower() if c != "'"]
    words = "".join(letters).split()
    return torch.tensor([ALPHABET.index(c) for c in " ".join(words)], dtype=torch.long)


def decode(tokens: Tensor) -> list[str]:
    """The strings of tokens (n, L); a token beyond the alphabet, such as the mask, becomes "_"."""
    if not isinstance(tokens, Tensor) or tokens.ndim != 2:
        raise ValueError(f"tokens must be a torch.Tensor of shape (n, L), got {tokens!r}")
    symbols = ALPHABET + "_"
    last = len(ALPHABET)
    return ["".join(symbols[min(int(a), last)] for a in row) for row in tokens]
