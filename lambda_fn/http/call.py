"""How far a call has come, for what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_fn.errors import ServiceError


class Call:
    """Marks of one call, in seconds by `time.monotonic`, 0 for what has not come; set where it comes.

    began: when its event came; found: its model is there; parsed: so are its rows; scored: so are their scores.
    compared: how many seconds a candidate's answer was compared for.
    loaded, name: the model that scores, and what the path calls it; dialect: what the body is written in.
    bytes_in, bytes_out: of the bodies, as they came and went over the wire.
    """

    began = found = parsed = scored = compared = 0.0
    rows: int | None = None
    loaded: Any = None
    name = dialect = message_id = ""
    sender = "sqs"
    gateway_id: Any = None
    bytes_in = bytes_out = 0
    status = 200
    code = detail = ""
    row: int | None = None
    column: int | None = None

    def failed(self, error: ServiceError) -> None:
        """Remember of an error what is told; not itself, which holds frames, and they the rows."""
        self.code, self.detail, self.row, self.column = error.problem.code, error.detail, error.row, error.column
        self.status = error.problem.status
