"""A large JSON body that is read as a whole: it takes up to 35 times its size, and no more."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from lambda_fn.codecs.places import deeper
from lambda_fn.errors import Problem, ServiceError

ROW_DEPTH = 3
"""How deep a row stands: in the document, in its ``data``. No value of a row is a list or an object."""
MANY = 100_000
"""So many lists and objects within rows take 10 to 30 MB: 3 million, which 6 MB may hold, take 300."""


def check_nesting(body: bytes, row_depth: int = ROW_DEPTH) -> None:
    """Raise ServiceError (malformed-json) if a body has many more lists or objects than rows would be."""
    if body.count(b"[") + body.count(b"{") > MANY and deeper(body, row_depth) > MANY:
        detail = f"the body nests deeper than this service reads: it has more than {MANY} lists or objects within rows"
        raise ServiceError(Problem.MALFORMED_JSON, detail)


@contextmanager
def many_objects() -> Iterator[None]:
    """Make many objects, none of which refers to itself: Python's looks for such take as long as to make them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
