"""Bugs around the network and its data: times that look alike, noise drawn once, a forgotten layer, lost labels."""

import math

import torch
from torch import nn

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import normal
from fmtutorial.checks._lab import Bug


# 6. Times that look alike.
def features(t):
    return torch.cat([t, torch.cos(2 * math.pi * t), torch.sin(2 * math.pi * t)], dim=1)


def features_broken(t):
    return torch.cat([torch.cos(2 * math.pi * t), torch.sin(2 * math.pi * t)], dim=1)


def facts_about_features(program) -> str | None:
    """A word for how well a program's features tell times apart."""
    t = torch.linspace(0, 1, 41).unsqueeze(1)
    f = program(t)
    if f is None or f is ...:
        return None
    if f.ndim != 2 or len(f) != len(t) or f.shape[1] < 3:
        return "another shape"
    apart = torch.cdist(f.float(), f.float()) + torch.eye(len(t))
    if float(apart[0, -1]) < 1e-3:
        return "t = 0 and t = 1 alike"
    return "two times alike" if float(apart.min()) < 1e-3 else "all times different"


# 9. Pairs of noise and data that never change.
def epochs(x1, n_epochs):
    return [torch.cat([torch.randn_like(x1), x1], dim=1) for _ in range(n_epochs)]


def epochs_broken(x1, n_epochs):
    x0 = torch.randn_like(x1)
    return [torch.cat([x0, x1], dim=1) for _ in range(n_epochs)]


def epochs_at_once(x1, n_epochs):
    noise = torch.randn(n_epochs, *x1.shape, dtype=x1.dtype)
    return [torch.cat([x0, x1], dim=1) for x0 in noise]


def facts_about_epochs(made, x1) -> str | None:
    """A word for what a list of epochs, each (n, 2d) of noise and data, looks like."""
    if made is None or made is ...:
        return None
    d = x1.shape[1]
    if any(e.shape != (len(x1), 2 * d) for e in made):
        return "another shape"
    if not all(torch.equal(e[:, d:], x1) for e in made):
        return "the data changed"
    x0 = torch.stack([e[:, :d] for e in made])
    if torch.equal(x0[0], x0[1]):
        return "the same noise in every epoch"
    if len(x1) > 1 and torch.equal(x0[:, 0], x0[:, 1]):
        return "one noise for all points"
    spread = float(x0.std())
    return (
        "fresh noise" if abs(spread - 1) < 0.15 and abs(float(x0.mean())) < 0.15 else "noise of another law"
    )


# 10. An optimizer that does not know every layer.
class Net(nn.Module):
    """A first, some hidden and a last layer."""

    def __init__(self, n_hidden: int):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.hidden = nn.ModuleList([nn.Linear(8, 8) for _ in range(n_hidden)])
        self.last = nn.Linear(8, 2)


def optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def optimizer_broken(model):
    return torch.optim.Adam([*model.first.parameters(), *model.last.parameters()], lr=1e-3)


def optimizer_in_groups(model):
    return torch.optim.AdamW([{"params": list(layer.parameters())} for layer in model.children()], lr=1e-3)


def facts_about_optimizer(made, model) -> str | None:
    """A word for how much of a model an optimizer moves."""
    if made is None or made is ...:
        return None
    held = [id(p) for group in made.param_groups for p in group["params"]]
    names = {id(p): name for name, p in model.named_parameters()}
    missing = sorted({names[i].split(".")[0] for i in names if i not in held})
    if missing:
        return f"without {', '.join(missing)}"
    return "every layer" if len(held) == len(set(held)) == len(names) else "parameters of something else"


# 12. Labels that stay behind when their data move.
def coupled(x1, labels, order):
    return torch.cat([x1[order], labels[order, None].to(x1)], dim=1)


def coupled_broken(x1, labels, order):
    return torch.cat([x1[order], labels[:, None].to(x1)], dim=1)


def coupled_by_rows(x1, labels, order):
    return torch.stack([torch.cat([x1[i], labels[i : i + 1].to(x1)]) for i in order.tolist()])


def coupled_inputs(g):
    cases = []
    for n, d in [(1, 2), (6, 2), (5, 3)]:
        order = torch.randperm(n, generator=g).roll(1)
        cases.append((normal(g, n, d), torch.arange(n) % 4 + torch.randint(3, (n,), generator=g) * 4, order))
    return cases


EXERCISES = {
    "lab.6": Bug(
        Exercise(
            "a function features(t) -> (n, m) of t (n, 1), m at least 3, that gives different times different features",
            lambda: "all times different",
            lambda g: [()],
            "The network cannot tell what its input does not show: noise and data had the same time.",
            {
                "t = 0 and t = 1 still look the same: add something without a period, or take a period above 1.": lambda: "t = 0 and t = 1 alike",
                "Two other times look the same now.": lambda: "two times alike",
                "The features of t (n, 1) should have the shape (n, m), with m at least 3: keep the two and add what is missing.": lambda: "another shape",
            },
            compared_quantity=facts_about_features,
        ),
        features_broken,
        (features, lambda t: torch.cat([torch.cos(math.pi * t), t, t**2], dim=1)),
    ),
    "lab.9": Bug(
        Exercise(
            "the program repaired: a list of n_epochs tensors (n, 2d), noise beside data",
            lambda x1: "fresh noise",
            lambda g: [(normal(g, 400, 2),), (normal(g, 300, 1),)],
            "With fixed pairs the network learns those lines and not the marginal velocity: its loss even falls below the floor.",
            {
                "Every epoch still has the same noise.": lambda x1: "the same noise in every epoch",
                "All points of an epoch have the same noise: draw one for each.": lambda x1: "one noise for all points",
                "The noise is not N(0, I) any more.": lambda x1: "noise of another law",
                "The data must stay as they are.": lambda x1: "the data changed",
            },
            compared_quantity=lambda program, x1: facts_about_epochs(program(x1, 3), x1),
        ),
        epochs_broken,
        (epochs, epochs_at_once),
    ),
    "lab.10": Bug(
        Exercise(
            "the program repaired: an optimizer for a model, whatever its layers",
            lambda model: "every layer",
            lambda g: [(Net(1),), (Net(3),)],
            "A flat loss that is not the floor: count the parameters that move.",
            {
                "The hidden layers are still missing.": lambda model: "without hidden",
                "Some parameters are not this model's, or are there twice.": lambda model: "parameters of something else",
                "The first layer is missing now.": lambda model: "without first",
                "The last layer is missing now.": lambda model: "without last",
            },
            compared_quantity=lambda program, model: facts_about_optimizer(program(model), model),
        ),
        optimizer_broken,
        (optimizer, optimizer_in_groups),
    ),
    "lab.12": Bug(
        Exercise(
            "the program repaired: (n, d + 1), data in the coupling's order with each point's own label",
            coupled,
            coupled_inputs,
            "A coupling moves whole examples. With lost labels the loss looks normal and conditional samples are of the wrong class.",
            {
                "The labels are still in the old order.": coupled_broken,
                "Now neither is permuted: the data must follow the coupling.": lambda x1, labels, order: coupled(x1, labels, torch.arange(len(x1))),
                "Now only the labels are permuted.": lambda x1, labels, order: torch.cat([x1, labels[order, None].to(x1)], 1),
                "This is the inverse permutation: row i is x1[order[i]].": lambda x1, labels, order: coupled(x1, labels, order.argsort()),
            },
        ),
        coupled_broken,
        (coupled, coupled_by_rows),
    ),
}  # fmt: skip
