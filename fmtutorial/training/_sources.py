"""What `train` and `fit` may learn from: stored data, or a sampler that draws fresh ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._callables import draw
from fmtutorial._types import DataSource

# Points (N, d), or a tuple of tensors with N rows each, such as points and their conditions.
Columns: TypeAlias = Tensor | tuple[Tensor, ...]


def as_columns(batch: Columns) -> tuple[Tensor, ...]:
    """Give a batch as a tuple of tensors: (x1,) for points alone, (x1, y) for points and conditions."""
    if isinstance(batch, tuple):
        return batch
    return (batch,)


@dataclass(frozen=True)
class StoredData:
    """Data that are all there: tensors with a row for each of `n_points` examples."""

    columns: tuple[Tensor, ...]

    @property
    def n_points(self) -> int:
        """The number of examples, which is the length of an epoch."""
        return len(self.columns[0])

    def example(self, generator: Generator | None) -> tuple[Tensor, ...]:
        """Give examples that show the shapes and classes: here all of them."""
        return self.columns

    def draw(self, n_wanted: int, generator: Generator | None) -> tuple[Tensor, ...]:
        """Shuffle one epoch, however many examples are wanted."""
        order = _random.permutation(self.n_points, self.columns[0], generator)
        return tuple(column[order] for column in self.columns)

    def check_conditions(self, model: nn.Module | None, column: int = 1) -> None:
        """Raise unless the model, where it can tell, takes every condition, which stand in this column."""
        if len(self.columns) > column and hasattr(model, "check_condition"):
            model.check_condition(self.columns[column], self.n_points)


@dataclass(frozen=True)
class FreshSamples:
    """Data that are drawn when they are wanted; they have no number and no epochs."""

    sampler: DataSource
    name: str = "data"
    n_points: None = None

    def example(self, generator: Generator | None) -> tuple[Tensor, ...]:
        """Draw one example, which shows the shapes."""
        return self.draw(1, generator)

    def draw(self, n_wanted: int, generator: Generator | None) -> tuple[Tensor, ...]:
        """Draw as many examples as are wanted."""
        return draw(self.sampler, n_wanted, generator, self.name)

    def check_conditions(self, model: nn.Module | None, column: int = 1) -> None:
        """Nothing can be checked before it is drawn."""


@dataclass(frozen=True)
class ChangedData:
    """Data of another source, changed when they are drawn: `change` takes and returns the columns."""

    source: StoredData | FreshSamples
    change: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]

    @property
    def n_points(self) -> int | None:
        """The number of examples of the other source."""
        return self.source.n_points

    def example(self, generator: Generator | None) -> tuple[Tensor, ...]:
        """Give the other's examples, changed."""
        return self.change(self.source.example(generator))

    def draw(self, n_wanted: int, generator: Generator | None) -> tuple[Tensor, ...]:
        """Draw from the other source, and change what comes."""
        return self.change(self.source.draw(n_wanted, generator))

    def check_conditions(self, model: nn.Module | None, column: int = 1) -> None:
        """Raise unless the model takes every condition of the other source."""
        self.source.check_conditions(model, column)


Source: TypeAlias = StoredData | FreshSamples | ChangedData


def as_source(
    data: Columns | DataSource | Source, condition: Tensor | None = None, name: str = "data"
) -> Source:
    """Say once what `data` are: points (N, d), a tuple (x1, y), or a sampler; `condition` is the y of points.

    Errors call the argument by `name`. A source is returned as it is.
    """
    if isinstance(data, (StoredData, FreshSamples, ChangedData)):
        return data
    if condition is not None:
        if not isinstance(data, Tensor):
            kind = type(data).__name__
            raise TypeError(f"condition needs {name} to be a tensor, got {kind}, which holds its own")
        if not isinstance(condition, Tensor):
            raise TypeError(f"condition must be a torch.Tensor, got {type(condition).__name__}")
        data = (data, condition)
    if isinstance(data, type):
        raise TypeError(f"{name} must be an object and not its class, got {data.__name__}")
    if hasattr(data, "sample"):
        return FreshSamples(data, name)
    return StoredData(_checked_columns(data, name))


def _checked_columns(data: Columns, name: str) -> tuple[Tensor, ...]:
    """Check that `data` are finite points, and that whatever comes with them has as many rows."""
    columns = as_columns(data)
    if not columns or not all(isinstance(column, Tensor) for column in columns):
        raise TypeError(
            f"{name} must be a tensor (N, d), a tuple of tensors, or have a .sample(n, generator), "
            f"got {type(data).__name__}"
        )
    columns = (_validate.points(columns[0], name), *columns[1:])
    if len(columns[0]) == 0:
        raise ValueError(f"{name} must have at least one point, got an empty tensor")
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"{name} must be a tuple of tensors of equal length, got {lengths}")
    return columns
