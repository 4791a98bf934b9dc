"""The command line: build a layer, check it, trace what goes into it; compile the function."""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from layers import gate
from layers.architecture import ARCHITECTURES
from layers.build import REQUIREMENTS, build
from layers.function import compile_function
from layers.prune import MODULES
from layers.sbom import check_description


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if a layer may not ship."""
    parser = argparse.ArgumentParser(prog="python -m layers", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    build_parser = commands.add_parser("build", help="build the layer for an architecture, and check it")
    build_parser.add_argument("architecture", choices=ARCHITECTURES)
    build_parser.add_argument("--out", type=Path, required=True)
    check_parser = commands.add_parser("check", help="check layers that are built: layer-ARCHITECTURE.zip")
    check_parser.add_argument("layers", nargs="+", type=built_layer)
    commands.add_parser("function", help="write the bytecode of lambda_fn/, which the function's package takes along")
    commands.add_parser("trace", help="write layers/modules.txt: what the scoring suite loads of the wheels")
    options = parser.parse_args(arguments)
    if options.command == "trace":
        from layers.trace import trace  # here: it imports scikit-learn

        MODULES.write_text(trace())
        return 0
    if options.command == "function":
        compile_function()
        return 0
    if options.command == "build":
        build(ARCHITECTURES[options.architecture], options.out)
        return 0 if report(options.out, options.architecture) else 1
    passed = [report(layer, layer.stem.removeprefix("layer-")) for layer in options.layers]
    return 0 if all(passed) else 1


def built_layer(name: str) -> Path:
    """Return the path of a layer's zip; raise ArgumentTypeError if the name or the file is not one."""
    path, names = Path(name), [f"layer-{architecture}.zip" for architecture in ARCHITECTURES]
    if path.name not in names:
        raise argparse.ArgumentTypeError(f"the name tells the architecture: expected {' or '.join(names)}, got {name}")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name}; make layer builds it")
    if not zipfile.is_zipfile(path):
        raise argparse.ArgumentTypeError(f"expected a zip, {name} is none")
    return path


def report(layer: Path, architecture: str) -> bool:
    """Print sizes and faults of the zip `layer`; return whether it may ship."""
    faults = [*gate.check(layer, ARCHITECTURES[architecture]), *check_description(layer, REQUIREMENTS)]
    print(gate.summary(layer))
    if faults:
        print(*(f"  {fault}" for fault in faults), "  the largest files:", *gate.largest(layer), sep="\n")
    return not faults


if __name__ == "__main__":
    sys.exit(main())
