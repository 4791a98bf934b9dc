"""Ask who keeps count of holes about all that is locked, and list the licences of what ships: `make audit`."""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.licences import check_licences, parts
from scripts.lock import LOCKS

ROOT = Path(__file__).parent.parent
EXCEPTIONS = Path(__file__).with_name("audit.toml")
PIP_AUDIT = ROOT / ".tools" / "audit" / "bin" / "pip-audit"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
PYTHON_ADVICE = "have pyproject.toml ask for a version without it, then `make lock`"
NODE_ADVICE = "`npm audit fix --package-lock-only`, or a version in package.json, then `npm install`"
Pin = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Hole:
    """A known vulnerability: its ids, in what, locked where, and what to do."""

    ids: frozenset[str]
    package: str
    locks: str
    advice: str

    def __str__(self) -> str:
        return f"{self.package} ({self.locks}) has {', '.join(sorted(self.ids))}: {self.advice}"


class UnaskedError(Exception):
    """A service that did not answer, and what it did instead."""


def pins(locks: Iterable[Path]) -> dict[Pin, list[str]]:
    """Return each package and version that the lock files pin, for whatever system, and the files that do."""
    found: dict[Pin, list[str]] = {}
    for lock in locks:
        for name, version in PIN.findall(lock.read_text()):
            found.setdefault((name, version), []).append(lock.name)
    return found


def python_holes(pinned: Mapping[Pin, list[str]]) -> Iterator[Hole]:
    """Yield what OSV knows of the packages, asked by pip-audit; raise UnaskedError for one that it did not answer for.

    pip-audit takes one version of a package at a time, so it is asked again for those that are pinned in several.
    """
    rest = list(pinned)
    while rest:
        some = dict(reversed(rest))
        rest = [pin for pin in rest if some[pin[0]] != pin[1]]
        for package in _pip_audit(some):
            name, version = package["name"], some[package["name"]]
            if "skip_reason" in package:
                raise UnaskedError(package["skip_reason"])
            for hole in package["vulns"]:
                fixed = f"it is fixed in {' and '.join(hole['fix_versions'])}: " if hole["fix_versions"] else ""
                locks = ", ".join(pinned[name, version])
                yield Hole(frozenset([hole["id"], *hole["aliases"]]), f"{name} {version}", locks, fixed + PYTHON_ADVICE)


def _pip_audit(some: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what pip-audit says of packages and their versions.

    OSV is asked, as PyPI's own service answers 404 where an index stands between, and pip-audit then says "no known
    vulnerabilities found".
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("".join(f"{name}=={version}\n" for name, version in some.items()))
        command = [str(PIP_AUDIT), "--requirement", str(file), "--no-deps", "--disable-pip"]
        command += ["--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise UnaskedError((done.stderr.strip().splitlines() or ["it said nothing"])[-1]) from None
    return packages


def node_holes(folder: Path) -> Iterator[Hole]:
    """Yield what npm's registry knows of what package-lock.json in `folder` pins; raise UnaskedError."""
    command = ["npm", "audit", "--json", "--package-lock-only"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise UnaskedError(done.stderr.strip() or "it said nothing") from None
    if "vulnerabilities" not in report:
        raise UnaskedError(report.get("message") or report.get("error", {}).get("summary") or "it gave no report")
    for package in report["vulnerabilities"].values():
        for hole in package["via"]:  # a text names another package of the report, by which this one has it
            if isinstance(hole, dict):
                ids = frozenset([hole["url"].rpartition("/")[2]])
                yield Hole(ids, f"{package['name']} {hole['range']}", "package-lock.json", NODE_ADVICE)


def exceptions(file: Path, today: datetime.date) -> set[str]:
    """Return the ids that `file` lets pass; raise ValueError for one without a reason, or whose day is over."""
    passing = set()
    for entry in tomllib.loads(file.read_text()).get("exception", []):
        until = entry.get("until")
        if set(entry) != {"id", "reason", "until"} or not entry["reason"] or type(until) is not datetime.date:
            raise ValueError(f"{file.name}: an exception has an id, a reason, and until, a day: {entry}")
        if until < today:
            raise ValueError(f"{file.name}: the exception for {entry['id']} was until {until}: look again")
        passing.add(entry["id"])
    return passing


def audit(passing: set[str], *, offline: bool) -> bool:
    """Print what is known of all that is locked; return whether nothing is, `passing` aside, and all were asked.

    offline: whether a service that does not answer is let pass; it is named all the same.
    """
    pinned = pins(ROOT / lock for lock in LOCKS)
    asked: dict[str, Callable[[], Iterator[Hole]]] = {
        f"OSV, of {len(pinned)} packages in {len(LOCKS)} lock files of Python": lambda: python_holes(pinned),
        "npm's registry, of package-lock.json": lambda: node_holes(ROOT),
    }
    passed = True
    for what, ask in asked.items():
        try:
            holes = list(ask())
        except UnaskedError as error:
            passed &= offline
            print(f"not asked: {what}: {error}", end="\n" if offline else "; --offline lets that pass\n")
            continue
        open_holes = [hole for hole in holes if not hole.ids & passing]
        passed &= not open_holes
        print(f"asked: {what}: {len(open_holes)} known, {len(holes) - len(open_holes)} let pass by {EXCEPTIONS.name}")
        print(*(f"  {hole}" for hole in open_holes), sep="\n", end="\n" if open_holes else "")
    return passed


def licences(layer: Path) -> bool:
    """Print the licences of what is in the zip `layer`; return whether all are allowed."""
    with zipfile.ZipFile(layer) as archive:
        under: dict[str, list[str]] = {}
        for part in parts(archive):
            under.setdefault(part.licences or "unknown", []).append(f"{part.name} {part.version}".strip())
        faults = list(check_licences(archive))
    print(f"{layer}:", *(f"  {licence}: {', '.join(names)}" for licence, names in under.items()), *faults, sep="\n")
    return not faults


def main() -> int:
    """Print what is known; return 1 if something is to be done, or if a service was not asked without --offline."""
    parser = argparse.ArgumentParser(prog="scripts.audit", description=__doc__)
    parser.add_argument("layers", nargs="*", type=Path, help="zips whose licences are listed")
    parser.add_argument("--offline", action="store_true", help="pass where a service can't be asked, and name it")
    options = parser.parse_args()
    try:
        passing = exceptions(EXCEPTIONS, datetime.datetime.now(tz=datetime.UTC).date())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    passed = [*map(licences, options.layers), audit(passing, offline=options.offline)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
