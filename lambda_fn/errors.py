"""Every error the service answers: its code, its HTTP status, its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LISTED = 20
SEE_THE_LOG = "the function's log has the rest"
"""What a 503 ends with: whoever calls is told neither places nor the words of S3 and onnxruntime, which name some."""


class Kind:
    """A kind of problem: HTTP status and title. Its code is its name in kebab case, ``wrong-width``, and stable.

    No enumeration: to make one of so many takes 0.4 ms of a cold start, of these 0.05.
    """

    __slots__ = ("code", "status", "title")

    def __init__(self, status: int, title: str) -> None:
        self.status = status
        self.title = title

    def __set_name__(self, owner: type, name: str) -> None:
        self.code = name.lower().replace("_", "-")

    def __repr__(self) -> str:
        return self.code


class Problem:
    """The kinds of problems; docs/errors.md lists them."""

    # the request as a whole
    NOT_FOUND = Kind(404, "There is nothing at this path")
    METHOD_NOT_ALLOWED = Kind(405, "This path does not take this method")
    UNSUPPORTED_MEDIA_TYPE = Kind(415, "The body's media type is not taken here")
    UNSUPPORTED_ENCODING = Kind(415, "The body's Content-Encoding is not taken here")
    NOT_ACCEPTABLE = Kind(406, "The answer can't be had in a media type that the request accepts")
    BODY_TOO_LARGE = Kind(413, "The body is too large")
    RESPONSE_TOO_LARGE = Kind(413, "The answer would be too large")
    INVALID_QUERY = Kind(400, "A query parameter has a value it does not take")
    MALFORMED_EVENT = Kind(400, "The event is none that AWS sends")
    MALFORMED_BASE64 = Kind(400, "The body says that it is base64 and is not")
    MALFORMED_ENCODING = Kind(400, "The body is not packed as its Content-Encoding says")
    MALFORMED_JSON = Kind(400, "The body is not JSON")
    MALFORMED_CSV = Kind(400, "The body is not CSV")
    MALFORMED_NPY = Kind(400, "The body is not an NPY file of rows")
    MALFORMED_TENSOR = Kind(400, "An input is not a tensor as it says")
    DUPLICATE_MEMBER = Kind(400, "A JSON object has a member twice")
    UNKNOWN_MEMBER = Kind(400, "The body has a member that is not taken")
    INVALID_MEMBER = Kind(400, "A member of the body has a value it does not take")
    # the rows
    MISSING_DATA = Kind(400, "The body has no list of rows under `data`")
    EMPTY_DATA = Kind(400, "There is no row to score")
    INVALID_ROW = Kind(400, "A row is neither a list nor an object")
    RAGGED_ROWS = Kind(400, "The rows are of different lengths")
    WRONG_WIDTH = Kind(400, "The rows have another number of values than the model has features")
    UNKNOWN_FEATURE = Kind(400, "A row names a feature that the model does not have")
    MISSING_FEATURE = Kind(400, "A row lacks a feature that the model takes")
    NOT_A_NUMBER = Kind(400, "A value is not a number")
    WRONG_TYPE = Kind(400, "A value is of another type than its feature")
    UNKNOWN_CATEGORY = Kind(400, "A value is none of the categories that the model takes")
    NAN = Kind(400, "A value is NaN, which the model refuses")
    INFINITY = Kind(400, "A value is infinite, which the model refuses")
    BEYOND_FLOAT32 = Kind(400, "A value is beyond the range of float32, which the model refuses")
    SCORE_NOT_FINITE = Kind(400, "The answer for a row is not a finite number, which JSON has no word for")
    NO_PROBABILITIES = Kind(400, "The model has no probabilities")
    # the objects
    INVALID_KEY = Kind(400, "The key is not one that objects are kept under")
    OBJECT_NOT_FOUND = Kind(404, "There is no object under this key")
    # the models
    MODEL_NOT_FOUND = Kind(404, "There is no model of this name")
    # the service
    NOT_CONFIGURED = Kind(503, "The function lacks a setting")
    MODEL_NOT_PUBLISHED = Kind(503, "No model has been published yet")
    MODEL_INVALID = Kind(503, "What is published is not a model this service loads")
    MODEL_TOO_LARGE = Kind(503, "The function has no memory for the model")
    STORAGE_UNAVAILABLE = Kind(503, "The storage did not answer as it should")
    INTERNAL_ERROR = Kind(500, "The service failed")


RETRY_AFTER: Mapping[Kind, int] = {
    Problem.MODEL_NOT_PUBLISHED: 5,
    Problem.MODEL_INVALID: 5,
    Problem.MODEL_TOO_LARGE: 60,
    Problem.STORAGE_UNAVAILABLE: 1,
}
"""After how many seconds a call may be answered otherwise: the next one tries again."""


class ServiceError(Exception):
    """Raised where a problem is found; `handler` turns it into RFC 9457 problem details.

    `row` and `column` count from 0; `retry_after` is in seconds; `private` is for the log, instead of `detail`.
    """

    def __init__(
        self,
        problem: Kind,
        detail: str,
        *,
        row: int | None = None,
        column: int | None = None,
        allow: str | None = None,
        retry_after: int | None = None,
        private: str = "",
    ) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.row = row
        self.column = column
        self.allow = allow
        self.private = private
        self.retry_after = RETRY_AFTER.get(problem) if retry_after is None else retry_after

    def again(self) -> ServiceError:
        """Return the same error, not raised yet: it holds no frames, with whatever is in them."""
        return ServiceError(
            self.problem,
            self.detail,
            row=self.row,
            column=self.column,
            allow=self.allow,
            retry_after=self.retry_after,
        )

    def later(self, seconds: float) -> ServiceError:
        """Return the same error for a call that may be repeated after so many seconds."""
        later = self.again()
        later.retry_after = max(1, -int(-seconds // 1))
        return later

    @property
    def told(self) -> str:
        """What the log says of it: where it happened, and in whose words."""
        return self.private or self.detail

    @property
    def place(self) -> str:
        """Where in the rows it is, without what stands there."""
        places = {"row": self.row, "column": self.column}
        return ", ".join(f"{name} {place}" for name, place in places.items() if place is not None)

    @property
    def text(self) -> str:
        """What whoever calls is told, as UTF-8 has it: a client may send half a surrogate."""
        return self.detail.encode("utf-8", "backslashreplace").decode()

    def details(self) -> dict[str, str | int]:
        """Return the members of the problem details document.

        >>> error = ServiceError(Problem.NAN, "row 3, column 0 ('age') is nan", row=3, column=0).details()
        >>> error["code"], error["status"], error["row"], error["column"]
        ('nan', 400, 3, 0)
        """
        details: dict[str, str | int] = {
            "type": f"urn:problem-type:plume:{self.problem.code}",
            "title": self.problem.title,
            "status": self.problem.status,
            "code": self.problem.code,
            "detail": self.text,
        }
        if self.row is not None:
            details["row"] = self.row
        if self.column is not None:
            details["column"] = self.column
        return details


def described(error: BaseException | None) -> str:
    """Return types and frames, the innermost first, of an unexpected error, and of what it came from.

    Its words may quote what was sent, and paths tell of the machine: a frame is named by its module.
    """
    told: list[str] = []
    while error is not None and len(told) < LISTED:
        frames, trace = [], error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            frames.append(f"{frame.f_globals.get('__name__')}:{trace.tb_lineno} in {frame.f_code.co_name}")
            trace = trace.tb_next
        told.append(f"{type(error).__name__} ({', '.join(frames[: -LISTED - 1 : -1])})")
        error = error.__cause__ or error.__context__
    return " from ".join(told)


def listed(values: Sequence[object]) -> str:
    """Return the values as a message lists them: of many, the first few."""
    return ", ".join(map(repr, values[:LISTED])) + (", …" if len(values) > LISTED else "")
