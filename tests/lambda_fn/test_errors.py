import re

from lambda_fn.errors import Kind, Problem, ServiceError, described
from tests.conftest import TESTS


def test_details_are_those_of_rfc_9457() -> None:
    error = ServiceError(Problem.NAN, "row 3, column 1 is nan", row=3, column=1)
    assert error.details() == {
        "type": "urn:problem-type:plume:nan",
        "title": "A value is NaN, which the model refuses",
        "status": 400,
        "code": "nan",
        "detail": "row 3, column 1 is nan",
        "row": 3,
        "column": 1,
    }


def test_an_unexpected_error_is_told_by_type_and_place() -> None:
    """The innermost first; without its words, and paths of the machine."""

    def fail() -> None:
        raise KeyError("what was sent")

    try:
        fail()
    except KeyError as error:
        told = re.sub(r":\d+", ":", described(error))
    assert told == f"KeyError ({__name__}: in fail, {__name__}: in test_an_unexpected_error_is_told_by_type_and_place)"


def test_half_a_surrogate_does_not_reach_the_runtime_which_could_not_encode_it() -> None:
    detail = ServiceError(Problem.NOT_FOUND, "/\ud800é").details()["detail"]
    assert detail == "/\\ud800é"


def test_the_documentation_lists_every_error_with_its_status() -> None:
    text = (TESTS.parent / "docs" / "errors.md").read_text()
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \| (.+?) \|", text, re.MULTILINE)
    assert listed == [
        (problem.code, str(problem.status), problem.title)
        for problem in vars(Problem).values()
        if isinstance(problem, Kind)
    ]
