"""What holds of every dialect in the table."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from lambda_fn.codecs.codec import Codec
from lambda_fn.codecs.dialects import CODECS, codec


@pytest.mark.parametrize("dialect", [codec(each) for each in CODECS], ids=CODECS)
@pytest.mark.parametrize("labels", [(0, 1), (False, True), ("a", 'say "hi"'), (0.5, 1.5), ()])
def test_what_an_answer_takes_at_the_least_is_no_more_than_it_takes(dialect: Codec, labels: tuple[Any, ...]) -> None:
    shortest = np.array([labels[0]] * 1000 if labels else [0.0] * 1000, object if "a" in labels else None)
    for probabilities in (None, np.full((1000, len(labels)), 0.5)) if labels else (None,):
        body = dialect.encode(shortest, probabilities, labels)
        sent = base64.b64encode(body).decode() if isinstance(body, bytes) else body
        least = dialect.least_bytes(1000, labels, probabilities is not None)
        assert len(shortest) < least <= len(json.dumps(sent, ensure_ascii=False))
