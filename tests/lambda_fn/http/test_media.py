import pytest

from lambda_fn.http.media import choose, parse

OFFERS = ("text/csv", "application/json", "application/x-npy")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("text/html, */*;q=0.1", "text/csv"),
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("application/*", "application/json"),
        ("application/x-npy, application/json;q=0.9", "application/x-npy"),
        ("application/x-npy;q=0.5,application/json;q=0.50001", "application/json"),
        ("*/*, text/csv;q=0", "application/json"),
        ("application/*;q=0.2, application/json;q=0, text/*;q=0.1", "application/x-npy"),
        ("text/csv, application/json", "text/csv"),
        ("text/html", None),
        ("text/csv;q=0", None),
        ("text/csv;q=high", None),
        ("text/csv;q=nan", None),
        (",;,=", None),
    ],
)
def test_the_best_of_what_is_accepted_is_chosen(accept: str, chosen: str | None) -> None:
    assert choose(accept, OFFERS) == chosen


def test_a_media_type_has_parameters() -> None:
    assert parse('Text/CSV ; Charset="UTF-8";header=present;;odd') == (
        "text/csv",
        {"charset": "utf-8", "header": "present", "": "", "odd": ""},
    )
