"""Write docs/api.md, the API reference, out of the document that the service answers: `python -m tests.reference`.

It tells of the demo model; tests/test_reference.py fails when it is not what the document says.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from convert.export import export
from convert.train import train
from tests.keep import started

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "api.md"
TOP = """# API reference

What `GET /openapi.json` says where the demo model is served, written by `python -m tests.reference`. Your own service
answers the same for your model: its features with their ranges and categories, its class labels, bodies to paste.

```
curl $URL/openapi.json -o openapi.json
openapi-python-client generate --path openapi.json
npx openapi-typescript openapi.json -o api.d.ts
```

The paths are relative to where the document is, so that a stage or a base path stays in front of them. While no model
is published, rows of any model are described; what keeps a model from being loaded is answered with its 503. With
[several models](deploying.md#several-models) the document tells of the one that `/predict` is answered by. `/objects`
is another function's, for callers who sign: [calling.md](calling.md#routes). `AnyRows`, `AnyTable` and `AnyPrediction`
are Rows, Table and Prediction of a model that the document does not know.
"""


def document(file: Path) -> dict[str, Any]:
    """Return what the service answers where the model `file` is in front, and others may be beside it."""
    event = json.loads((ROOT / "tests" / "events" / "openapi-http-api.json").read_text())
    with started(file, MODELS_URI=f"{file.parent.as_uri()}/") as handler:
        made: dict[str, Any] = json.loads(handler.predict(event, None)["body"])
        return made


def reference(made: Mapping[str, Any]) -> str:
    """Return the page, in Markdown."""
    lines = [TOP, "## Calls", "", "| call | name | |", "|---|---|---|"]
    calls = [(f"{method.upper()} {path}", told) for path, method, told in _operations(made)]
    lines += [f"| {_linked(call)} | `{told['operationId']}` | {told['summary']} |" for call, told in calls]
    for path, method, told in _operations(made):
        lines += ["", f"### {method.upper()} {path}", "", *_call(path, made["paths"][path], told)]
    lines += ["", "## Schemas"]
    for name, schema in made["components"]["schemas"].items():
        if not name.endswith("Problem") and not name.startswith("Any"):
            lines += ["", f"### {name}", "", *_schema(schema)]
    lines += ["", "## Errors", "", "Problem details; what to do about each is in [errors.md](errors.md).", ""]
    lines += ["| status | codes |", "|---|---|", *_errors(made)]
    return "\n".join(lines) + "\n"


def _operations(made: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for path, item in made["paths"].items():
        for method, told in item.items():
            if method != "parameters":
                yield path, method, told


def _call(path: str, item: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that tell of a call: what it takes, what it answers."""
    yield f"{told['summary']}. {told.get('description', '')}".rstrip()
    yield ""
    for parameter in [*item.get("parameters", []), *told.get("parameters", [])]:
        where = f"`{parameter['name']}` in the {parameter['in']}"
        yield f"- {where}: {words(parameter['schema'])}. {parameter['description']}"
    for media_type, body in told.get("requestBody", {}).get("content", {}).items():
        yield f"- takes `{media_type}`: {words(body['schema'])}"
    answers = told["responses"]["200"]["content"].items()
    yield f"- answers 200, {', '.join(f'`{kind}`: {words(each["schema"])}' for kind, each in answers)}"
    if errors := [status for status in told["responses"] if status >= "400"]:
        yield f"- errors {', '.join(errors)}"
    pasted = [
        _curl(path, media_type, example["value"])
        for media_type, body in told.get("requestBody", {}).get("content", {}).items()
        for example in body.get("examples", {}).values()
    ]
    if pasted and "{version}" not in path:  # which nobody knows here
        yield from ["", "```", *pasted, "```"]


def _curl(path: str, media_type: str, body: Any) -> str:
    """Return the command that sends a body to a path."""
    if media_type == "application/json":
        return f"curl $URL{path} --json {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    text = "$" + shlex.quote(body.replace("\n", "\\n"))
    return f"curl $URL{path} -H 'content-type: {media_type}' --data-binary {text}"


def _schema(schema: Mapping[str, Any]) -> Iterator[str]:
    if "description" in schema:
        yield schema["description"]
        yield ""
    if "properties" not in schema:
        yield f"{words(schema)[:1].upper()}{words(schema)[1:]}."
        return
    yield "| member | | |"
    yield "|---|---|---|"
    required = schema.get("required", [])
    for name, each in schema["properties"].items():
        told = each.get("description", "")
        yield f"| `{name}`{'' if name in required else ', or none'} | {words(each)} | {told} |".replace("  ", " ")


def words(schema: Mapping[str, Any]) -> str:
    """Return what a schema takes, in words.

    >>> words({"type": ["number", "null"], "minimum": 0}), words({"type": "string", "enum": ["a", "b"]})
    ('number or null, from 0', '`"a"`, `"b"`')
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"`{name}`" if name.startswith("Any") else f"[{name}](#{name.lower()})"
    if schema.get("format") == "binary":
        return "bytes"
    if "anyOf" in schema:
        return " or ".join(map(words, schema["anyOf"]))
    for known in ("const", "enum"):
        if known in schema:
            values = schema[known] if known == "enum" else [schema[known]]
            return ", ".join(f"`{json.dumps(value)}`" for value in values)
    kinds = schema.get("type", "anything")
    text = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "prefixItems" in schema:
        return f"array of {', '.join(map(words, schema['prefixItems']))}"
    if "items" in schema:
        count = f"{schema['minItems']} " if schema.get("minItems") == schema.get("maxItems", ()) else ""
        text = f"array of {count}{words(schema['items'])}"
    limits = [f"{word} {schema[name]}" for word, name in (("from", "minimum"), ("to", "maximum")) if name in schema]
    return ", ".join([text, " ".join(limits)] if limits else [text])


def _errors(made: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in made["components"]["schemas"].items():
        if name.endswith("Problem"):
            members = schema["properties"]
            codes = ", ".join(f"`{code}`" for code in members["code"]["enum"])
            yield f"| {members['status']['const']} | {codes} |"


def _linked(call: str) -> str:
    """Return a call with a link to its heading; that of ``/`` alone has another anchor wherever it is shown."""
    anchor = _anchor(call)
    return f"`{call}`" if anchor.endswith("-") else f"[`{call}`](#{anchor})"


def _anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links."""
    kept = [letter for letter in heading.lower() if letter.isalnum() or letter in " -_"]
    return "".join(kept).replace(" ", "-")


def main() -> int:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        fitted = train(Path(folder, "iris.joblib"))[0]
        export(fitted, fitted.with_suffix(".onnx"), name="iris")
        PAGE.write_text(reference(document(fitted.with_suffix(".onnx"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
