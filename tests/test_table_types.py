"""A table as pandas writes it, scored by the service, against the estimator on the table itself, types and all.

For every type of column behind every encoder: the same answers, or a refusal. scikit-learn is the oracle.
"""

from pathlib import Path

import pyarrow
import pytest
from rich.console import Console

from convert.errors import ConvertError
from convert.proof.verify import verify
from lambda_fn.errors import ServiceError
from tests.tables import COLUMNS, ENCODERS, assert_served, fitted_on, sample_of, served

pytestmark = pytest.mark.filterwarnings("ignore")

TYPED = ["float32", "float16", "Float32", "objects of float32", "Int64", "bool", "boolean with NA", "text with None"]
"""Those whose type a Parquet file tells more of than CSV does."""
NOT_SERVED = {"empty and None", "booleans and numbers", "bytes", "dates", "complex"} | {
    *("datetime64", "timedelta64", "intervals")
}
UNTOLD = ("objects of float32", "marked")
"""scikit-learn makes float64 of the objects, which are not the marker then; nothing but `verify` with Parquet tells."""
AS_TEXT, AS_NUMBERS = ("numbers as text", "decimals"), ("scaled", "as it is", "marked")


def outcome_of(name: str, encoder: str, ending: str, folder: Path) -> str:
    """Return what becomes of the column behind the encoder."""
    fitted = fitted_on(COLUMNS[name], ENCODERS[encoder]())
    if fitted is None or (name, encoder) == UNTOLD:
        return "not fitted"
    estimator, table = fitted
    try:
        sample = sample_of(table, folder, ending)
    except (pyarrow.ArrowException, TypeError, NotImplementedError):
        return "no sample"
    try:
        model = served(estimator, folder, sample)
    except ConvertError as error:
        return f"refused: {error}"
    try:
        assert_served(estimator, table, model)
    except ServiceError as error:
        return f"asked for, then refused: {error.problem.code}"
    return "served"


@pytest.mark.parametrize(
    ("name", "ending"), [(name, "csv") for name in COLUMNS] + [(name, "parquet") for name in TYPED]
)
def test_every_type_behind_every_encoder_is_served_right_or_refused(name: str, ending: str, tmp_path: Path) -> None:
    outcomes = {encoder: outcome_of(name, encoder, ending, tmp_path) for encoder in ENCODERS}
    for encoder, outcome in outcomes.items():
        assert "\n" not in outcome
        assert len(outcome) < 400
        if outcome.startswith("asked for"):  # what is written as text, numbers are made of, and CSV does not show
            assert (name, ending, encoder) in {(each, "csv", how) for each in AS_TEXT for how in AS_NUMBERS}
        assert not (name in NOT_SERVED and outcome == "served"), encoder
    assert name in {*NOT_SERVED, *AS_TEXT} or "served" in outcomes.values()


VERIFIED = [
    ("float32", "one-hot, unknown ignored"),
    ("float16", "ordinal"),
    ("Float32", "imputed"),
    ("float32", "marked"),
    ("boolean with NA", "one-hot"),
    ("text with None", "one-hot, unknown ignored"),
    ("text with None", "None imputed"),
    ("category", "NA imputed"),
    ("spaces", "one-hot"),
]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(("name", "encoder"), VERIFIED)
def test_what_is_served_right_is_certified(name: str, encoder: str, ending: str, tmp_path: Path) -> None:
    fitted = fitted_on(COLUMNS[name], ENCODERS[encoder]())
    assert fitted is not None
    estimator, table = fitted
    sample = sample_of(table, tmp_path, ending)
    assert_served(estimator, table, served(estimator, tmp_path, sample))
    with (tmp_path / "output.txt").open("w") as file:
        same = verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(file=file, width=200))
    assert same, (tmp_path / "output.txt").read_text()
