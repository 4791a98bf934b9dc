"""What is looked for: an answer or an exception that no input may lead to."""

from __future__ import annotations

import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]


class FindError(Exception):
    """Raised for what no input may lead to; `kind` tells one mistake from others, whatever the input was."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}\n{detail}" if detail else kind)
        self.kind = kind


def uncaught(error: BaseException) -> FindError:
    """Return the find that an exception is, told by its class and the last lines of the service in its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if f"{ROOT}/lambda_fn/" in each.filename] or frames
    where = " < ".join(f"{Path(each.filename).name}:{each.name}" for each in own[:-3:-1])
    return FindError(f"{type(error).__name__} in {where}", "".join(traceback.format_exception(error))[-3000:])
