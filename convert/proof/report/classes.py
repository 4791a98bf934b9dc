"""The classes of a classifier, as plots show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from convert.page.plot import PALETTE
from convert.proof.report.answers import Answers

CLASSES_DRAWN = 12
"""How many classes a legend names, and how many have a line."""


def class_colour(index: int) -> tuple[float, float, float]:
    """Return the colour of a class; beyond the palette they come again, darker."""
    red, green, blue = to_rgb(PALETTE[index % len(PALETTE)])
    shade = 0.7 ** (index // len(PALETTE) % 3)
    return red * shade, green * shade, blue * shade


def class_numbers(card: Mapping[str, Any], answers: Answers) -> NDArray[np.intp]:
    """Return (n,), the number of the class that is predicted; -1 for a label that is none of the card's."""
    numbers = {label: index for index, label in enumerate(card["classes"]["labels"])}
    return np.array([numbers.get(label, -1) for label in answers.prediction.tolist()], dtype=np.intp)


def class_legend(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return colour and name of the first classes."""
    labels = card["classes"]["labels"][:CLASSES_DRAWN]
    return [(to_hex(class_colour(index)), str(label)) for index, label in enumerate(labels)]
