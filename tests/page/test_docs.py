"""The page as the service answers with it: whole events in, whole responses out."""

import base64
import hashlib
import json
import re
from pathlib import Path

from lambda_fn.page.docs import page
from tests.conftest import TESTS, LoadEvent
from tests.lambda_fn.conftest import Load, load
from tests.lambda_fn.posts import with_path

__all__ = ["load"]

MAX_BYTES = 62_000
REPORT = TESTS.parent / "convert" / "page" / "base.html"
PAGE = TESTS.parent / "lambda_fn" / "page" / "docs.html"
LOOK = re.compile(r"/\* The look that .*?(?=/\* Of )", re.DOTALL)


def test_it_is_one_small_page_that_may_load_nothing(load: Load, event: LoadEvent, tmp_path: Path) -> None:
    answer = load(MODEL_URI=(tmp_path / "none.onnx").as_uri()).predict(
        with_path(event("model-http-api"), "GET", "/docs"), None
    )
    headers, text = answer["headers"], answer["body"]
    assert (answer["statusCode"], headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert len(text.encode()) < MAX_BYTES
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "connect-src 'self'" in headers["content-security-policy"]
    for kind in ("style", "script"):
        inline = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in headers["content-security-policy"]
        assert len(inline) == 1
    assert set(re.findall(r"https?://[^'\"`\s]+", text)) == {"http://www.w3.org/2000/svg"}


def test_who_has_it_is_told_so(load: Load, event: LoadEvent, tmp_path: Path) -> None:
    handler = load(MODELS_URI=tmp_path.as_uri() + "/")
    first = handler.predict(with_path(event("model-http-api"), "GET", "/docs/"), None)
    again = with_path(event("model-http-api"), "GET", "/docs")
    again["headers"]["if-none-match"] = first["headers"]["etag"]
    answer = handler.predict(again, None)
    assert (answer["statusCode"], answer["body"], answer["headers"]["etag"]) == (304, "", first["headers"]["etag"])


def test_it_knows_where_models_are_asked_for() -> None:
    firsts = {
        (front, several): page("open", front, several)[0][:120] for front in (True, False) for several in (True, False)
    }
    assert {has: (" data-front" in text, " data-several" in text) for has, text in firsts.items()} == {
        has: has for has in firsts
    }


def test_the_model_tells_its_statistics_and_no_rows(load: Load, model_file: Path, event: LoadEvent) -> None:
    handler = load(MODEL_URI=model_file.as_uri())
    card = json.loads(handler.predict(event("model-http-api"), None)["body"])
    assert card["statistics"] == json.loads((TESTS / "card.json").read_text())["statistics"]
    assert "examples" not in card
    assert "reference" not in card


def test_the_report_has_the_same_look() -> None:
    report, docs = (LOOK.findall(path.read_text()) for path in (REPORT, PAGE))
    assert len(report) == 1
    assert report == docs
