"""Names of the types in the signatures of the public functions, for type checkers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

# types of numpy
Array: TypeAlias = NDArray[Any]
RowSelector: TypeAlias = slice | int | Sequence[int] | Sequence[bool] | NDArray[Any] | None
RandomStateType: TypeAlias = int | np.random.RandomState | None
PathType: TypeAlias = str | PathLike[str]
Region: TypeAlias = str | Callable[[Any], ArrayLike] | Mapping[Any, float]

# what has no type in every installation: scikit-learn has no annotations, and the data
# frames and axes are those of optional libraries
ArrayOrTensor: TypeAlias = Any
Axes: TypeAlias = Any  # of matplotlib, or an array of them
Container: TypeAlias = Any  # of samples: an array, data frame, list, data set, ...
CrossValidation: TypeAlias = int | Iterable[Any] | Any | None
Estimator: TypeAlias = Any
Frame: TypeAlias = Any  # of pandas or polars
Scoring: TypeAlias = Any  # what `scoring` of scikit-learn may be

__all__ = [
    "Array",
    "ArrayLike",
    "ArrayOrTensor",
    "Axes",
    "Container",
    "CrossValidation",
    "Estimator",
    "Frame",
    "Function",
    "PathType",
    "RandomStateType",
    "Region",
    "RowSelector",
    "Scoring",
]
