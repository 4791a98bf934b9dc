import os
import re

import pytest

from lambda_fn.config import ConfigError, Settings


def test_settings_come_from_the_environment() -> None:
    environ = {"MODEL_URI": "s3://bucket/key", "OBJECTS_URI": "s3://bucket/objects/", "MAX_BODY_BYTES": "10"}
    environ["BASE_PATH"] = "v1"
    assert Settings.from_environ(environ) == Settings(
        model_uri="s3://bucket/key",
        objects_uri="s3://bucket/objects/",
        max_body_bytes=10,
        max_object_bytes=1_000_000,
        max_model_bytes=256_000_000,
        scoring_threads=os.process_cpu_count() or 1,
        base_path="/v1",
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [("", ""), ("/", ""), ("v1", "/v1"), ("/v1", "/v1"), ("/v1/", "/v1"), ("a/b-c/d.e", "/a/b-c/d.e"), ("$a", "/$a")],
)
def test_a_base_path_has_a_slash_in_front_and_none_at_its_end(text: str, path: str) -> None:
    assert Settings.from_environ({"MODEL_URI": "s3://b/k", "BASE_PATH": text}).base_path == path


@pytest.mark.parametrize(
    ("environ", "threads"),
    [
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}, 1),
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}, 1),
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1770"}, 2),
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3538"}, 2),
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "10240"}, 3),
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "unknown"}, 3),
        ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "0"}, 3),
        ({}, 3),
        ({"SCORING_THREADS": "2"}, 2),
        ({"SCORING_THREADS": "4", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}, 4),
    ],
)
def test_there_is_a_thread_for_each_vcpu_or_part_of_one(
    environ: dict[str, str], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3)
    assert Settings.from_environ({"MODEL_URI": "s3://b/k"} | environ).scoring_threads == threads


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "neither MODEL_URI"),
        ({"MODEL_URI": ""}, "neither MODEL_URI"),
        ({"MODEL_URI": "model.onnx"}, "not 'model.onnx'"),
        ({"MODEL_URI": "s3://bucket"}, "not 's3://bucket'"),
        ({"MODEL_URI": "file://"}, "not 'file://'"),
        ({"OBJECTS_URI": "s3://bucket/objects"}, "slash at its end"),
        ({"OBJECTS_URI": "s3://bucket/"}, "not 's3://bucket/'"),
        ({"MODEL_URI": "s3://b/o/k", "OBJECTS_URI": "s3://b/o/"}, "within OBJECTS_URI"),
        ({"MODEL_URI": "s3://b/k", "MAX_BODY_BYTES": "many"}, "MAX_BODY_BYTES is a positive whole number, not 'many'"),
        ({"MODEL_URI": "s3://b/k", "MAX_OBJECT_BYTES": "0"}, "MAX_OBJECT_BYTES is a positive whole number, not '0'"),
        ({"MODEL_URI": "s3://b/k", "MAX_MODEL_BYTES": "1e9"}, "MAX_MODEL_BYTES is a positive whole number, not '1e9'"),
        *(
            ({"MODEL_URI": "s3://b/k", "BASE_PATH": text}, f"such as v1 or models/iris, not {text!r}")
            for text in ("a//b", "a b", "https://api.example.com/v1", "a?b", "a%20b", "é", "a\n")
        ),
        ({"MODEL_URI": "s3://b/k", "SCORING_THREADS": "0"}, "SCORING_THREADS is a positive whole number, not '0'"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Settings.from_environ(environ)
