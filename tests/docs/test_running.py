"""Examples are found in pages, and what they print is compared with what is shown."""

from __future__ import annotations

import pytest

from tests.docs.examples import Example, examples_of
from tests.docs.running import missing

PAGE = """# A page

```
$ curl $URL/predict \\
    -d '{}'
  {"a": …}
$ ls
```
```python
print(1)  # → 1
```
```
make demo   # all of it
make test
```
"""


def test_examples_are_found_with_what_they_show() -> None:
    assert list(examples_of("page.md", PAGE)) == [
        Example("page.md", 4, "", "curl $URL/predict \\\n    -d '{}'", ('  {"a": …}',)),
        Example("page.md", 7, "", "ls"),
        Example("page.md", 10, "python", "print(1)  # → 1\n", ("1",)),
        Example("page.md", 13, "", "make demo   # all of it"),
        Example("page.md", 14, "", "make test"),
    ]


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        (("one",), []),
        (("  two   words  ", "…", 'x{"a": …}'), []),
        (("three words",), ["three words"]),
        (("two words", "one"), ["one"]),
        (("wrote a.onnx (1,234 bytes)",), []),
    ],
)
def test_what_is_shown_is_looked_for_in_its_order(shown: tuple[str, ...], left: list[str]) -> None:
    assert missing(shown, 'one\ntwo words\nx{"a": 1}\nwrote a.onnx (99 bytes)\n') == left
