from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.secrets import search

# In parts: this file, too, is searched.
PLANTED = {
    "aws.py": ("AWS Access Key", 'key = "AKIA' + 'Z3MSJV7Q2XGW5BND"'),
    "github.sh": ("GitHub Token", "curl -H x:ghp_" + "x7Kq2mVb9TzR4wLc8N" + "dJ1sHf6GyPe3UaQ5oI"),
    "key.pem": ("Private Key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
    "settings.yml": ("Secret Keyword", 'password: "corr3ct-' + 'horse"'),
}
ALLOWED = {
    "event.json": '{"accessKey": "AKIAIOSFODNN7EXAMPLE", "apiId": "a1b2c3d4e5"}',
    "known.py": PLANTED["aws.py"][1] + "  # pragma: allowlist secret",
    "picture.png": "\0" + PLANTED["aws.py"][1],
}


def test_secrets_that_git_keeps_are_found_and_not_printed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name, (_, line) in PLANTED.items():
        (tmp_path / name).write_text(f"one\n{line}\n")
    for name, text in ALLOWED.items():
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "not_kept.py").write_text(PLANTED["aws.py"][1])
    found = "".join(search(tmp_path))
    for name, (kind, line) in PLANTED.items():
        assert f"{kind}\nLocation:    {name}:2" in found
        assert line not in found
    assert found.count("Location:") == len(PLANTED)
