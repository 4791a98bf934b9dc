import math
import os
import re

import pytest

from lambda_fn.config import ConfigError, Settings, scoring_threads


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


def test_settings_of_what_is_served_come_from_the_environment() -> None:
    digest = "0123456789abcdef" * 4
    environ = {
        "MODELS_URI": "file:///models/",
        "MODEL_TTL": "2.5",
        "CANDIDATE_SHARE": "0.1",
        "CANDIDATE_MODE": "shadow",
        "CANDIDATE_KEY": "header:X-User",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    }
    settings = Settings.from_environ(environ)
    assert (settings.model_uri, settings.models_uri) == (None, "file:///models/")
    assert (settings.model_ttl, settings.memory_bytes) == (2.5, 2**29)
    assert (settings.candidate_share, settings.candidate_shadow) == (0.1, True)
    assert settings.candidate_key == ("header", "x-user")
    settings = Settings.from_environ({"MODELS_URI": "s3://b/models/", "MODEL_TTL": "0", "CANDIDATE_KEY": "feature:A b"})
    assert (settings.model_ttl, settings.candidate_key) == (math.inf, ("feature", "A b"))
    settings = Settings.from_environ({"MODEL_URI": "s3://b/k", "MODEL_SHA256": digest.upper()})
    assert settings.model_sha256 == digest
    settings = Settings.from_environ({"MODEL_URI": "s3://b/k", "DOOR": "key"})
    assert (settings.door, settings.docs_door) == ("key", "key")
    settings = Settings.from_environ({"MODEL_URI": "s3://b/k", "DOOR": "key", "DOCS_DOOR": "open"})
    assert (settings.door, settings.docs_door) == ("key", "open")
    settings = Settings.from_environ({"MODEL_URI": "s3://b/k"})
    assert (settings.model_ttl, settings.memory_bytes, settings.candidate_share) == (60.0, None, 0.0)


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
    assert scoring_threads(environ) == threads


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
        ({"MODELS_URI": "s3://b/models"}, "MODELS_URI is s3://bucket/prefix/ or file:///path/"),
        ({"MODELS_URI": "s3://b/o/m/", "OBJECTS_URI": "s3://b/o/"}, "MODELS_URI 's3://b/o/m/' is within OBJECTS_URI"),
        ({"MODEL_URI": "s3://b/k", "MODEL_TTL": "-1"}, "MODEL_TTL is a number from 0 on, not '-1'"),
        ({"MODEL_URI": "s3://b/k", "MODEL_TTL": "inf"}, "MODEL_TTL is a number from 0 on, not 'inf'"),
        ({"MODEL_URI": "s3://b/k", "MODEL_TTL": "a minute"}, "MODEL_TTL is a number from 0 on, not 'a minute'"),
        ({"MODEL_URI": "s3://b/k", "CANDIDATE_SHARE": "1.1"}, "CANDIDATE_SHARE is a number from 0 to 1, not '1.1'"),
        ({"MODEL_URI": "s3://b/k", "CANDIDATE_SHARE": "nan"}, "CANDIDATE_SHARE is a number from 0 to 1, not 'nan'"),
        (
            {"MODEL_URI": "s3://b/k", "CANDIDATE_SHARE": "1", "MODEL_SHA256": "0" * 64},
            "MODEL_SHA256 pins the only model",
        ),
        ({"MODEL_URI": "s3://b/k", "CANDIDATE_MODE": "both"}, "CANDIDATE_MODE is answer or shadow, not 'both'"),
        ({"MODEL_URI": "s3://b/k", "CANDIDATE_KEY": "x-user"}, "CANDIDATE_KEY is header:NAME or feature:NAME"),
        ({"MODEL_URI": "s3://b/k", "CANDIDATE_KEY": "header:"}, "CANDIDATE_KEY is header:NAME or feature:NAME"),
        ({"MODEL_URI": "s3://b/k", "MODEL_SHA256": "abc"}, "MODEL_SHA256 is 64 hexadecimal digits, not 'abc'"),
        ({"MODEL_URI": "s3://b/k", "SCORING_THREADS": "0"}, "SCORING_THREADS is a positive whole number, not '0'"),
        ({"MODEL_URI": "s3://b/k", "LOG_CALLS": "some"}, "LOG_CALLS is none, errors or all, not 'some'"),
        ({"MODEL_URI": "s3://b/k", "METRICS": "True"}, "METRICS is false or true, not 'True'"),
        ({"MODEL_URI": "s3://b/k", "SERVER_TIMING": "1"}, "SERVER_TIMING is false or true, not '1'"),
        ({"MODEL_URI": "s3://b/k", "LOG_INPUTS": "no"}, "LOG_INPUTS is false or true, not 'no'"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Settings.from_environ(environ)
