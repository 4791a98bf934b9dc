"""What passes from a codec to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rows(Protocol):
    """Rows of shape (n, features): an array, or what makes one of a slice when it is asked for."""

    def __len__(self) -> int:
        """Return n."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        """Return the `rows` from one on to another; raise ServiceError where they are no numbers."""
