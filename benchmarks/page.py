"""The results as a page."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterator, Sequence

from benchmarks.cost import COLD_SHARES, MEMORY_SIZES, PRICES, PRICES_DATE, REQUESTS_PRICE, Load, cost
from benchmarks.harness import WARM_CALLS
from benchmarks.in_process.processes import PROCESSES
from benchmarks.in_process.timing import ROUNDS
from benchmarks.results import COLD, Results
from benchmarks.stacks import TURNS
from benchmarks.tables import table, target_table
from benchmarks.targets import targets

CONTENDERS = """\
- **plume**: this project; the layer and the function.
- **seed**: Chalice, scikit-learn, and the pickled estimator on S3, without the boto3 that Lambda brings,
  and without bytecode, which a Chalice package does not ship.
- **web**: FastAPI, Mangum and onnxruntime as pip installs them, with their bytecode; the model from S3 by boto3.
- **empty**: a handler that answers a constant: what awslambdaric and the emulator take by themselves.
- **floor**: a handler on plume's layer that does the bare steps: `json.loads`, `np.array`, `session.run`,
  `json.dumps`; its model is a file beside it."""
MEDIANS = (
    f"Medians, and in parentheses the least and the most of a repetition, in which plume and floor have {TURNS} turns."
    " Ratios are medians, too: of those within each repetition, as a machine is not equally fast all the time."
)
PAIRS = (("plume", "floor"), ("web", "plume"), ("seed", "plume"))
IN_PROCESS = ("plume", "steps", "web", "seed", "predict")
IN_PROCESS_PAIRS = (("plume", "steps"), ("web", "plume"), ("seed", "plume"), ("predict", "plume"))
SERVED_SETTING = (
    "What it costs that models change while calls come in: medians as above. A look begins a thread, and happens once"
    " in `MODEL_TTL` seconds (60), here beside every call, of a model in a file; a candidate answers, or is compared"
    " in, a share of the calls (none, unless it is set), here all."
)
BILLED = ("plume", "floor", "web", "seed")
NONE = "-"


def page(results: Results) -> str:
    """Return the whole page in Markdown."""
    sections = [
        ["# Results", "", _setting(results.repetitions), "", *CONTENDERS.splitlines()],
        ["![The figures as bars](results.png)"],
        [MEDIANS, "", *_figures(results)],
        ["## Targets", "", *target_table(targets(results))],
        ["## In the process", "", _in_process_setting(), "", *_calls(results)],
        ["## What is served", "", SERVED_SETTING, "", *_served(results)],
        ["## A million calls, US dollars", "", _cost_setting()],
        *(_costs(architecture, {name: results.load(name) for name in BILLED}) for architecture in PRICES),
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _setting(repetitions: int) -> str:
    packages = ("onnxruntime", "numpy", "scikit-learn")
    return (
        f"Written by `make bench` on {platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python"
        f" {platform.python_version()},"
        f" {', '.join(f'{name} {importlib.metadata.version(name)}' for name in packages)}. {repetitions} interleaved"
        " repetitions through AWS's Runtime Interface Emulator and awslambdaric, with the demo model, over read-only"
        " trees; answers are compared before anything is timed. A cold start is the time from the event, which makes"
        " the emulator start the function's process, to the answer: interpreter, awslambdaric, imports, the model,"
        f" the first score. The warm round trip is the median of the {WARM_CALLS} calls after it; peak memory is the"
        " resident high-water mark of the process after them. S3 is on loopback, behind a proxy that keeps every"
        " answer back for 0 ms and for 20 ms, and behind one that speaks TLS, as AWS does, with a certificate of an"
        " authority of its own; empty and floor do not use it. The telemetry of onnxruntime, which Plume turns off,"
        " is off for all."
    )


def _figures(results: Results) -> Iterator[str]:
    names = list(results.figures[COLD])
    head = ["", *names, *_over(PAIRS)]
    rows = (
        [figure, *(_samples(samples[name]) for name in names), *(_ratio(results, figure, *pair) for pair in PAIRS)]
        for figure, samples in results.figures.items()
    )
    return table(head, rows)


def _over(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return the heads of the columns of ratios."""
    return [f"{one} / {other}" for one, other in pairs]


def _samples(samples: Sequence[float]) -> str:
    median = _number(statistics.median(samples))
    return median if len(samples) == 1 else f"{median} ({_number(min(samples))} to {_number(max(samples))})"


def _ratio(results: Results, figure: str, one: str, other: str) -> str:
    return f"{results.ratio(figure, one, other):.2f}"


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.{2 if value < 10 else 0}f}"


def _in_process_setting() -> str:
    return (
        f"Medians of {PROCESSES} processes with {ROUNDS} samples each, taken in turns, in µs a call; of plume's the"
        " least and the most, too. The steps are floor's handler, in the process that runs plume's, on the layer;"
        " web's and seed's run with their own packages; scikit-learn's predict gets its rows as an array. All bodies"
        " are JSON."
    )


def _calls(results: Results) -> Iterator[str]:
    def row(what: str, count: str) -> list[str]:
        names = {name: f"{name} {count}" for name in IN_PROCESS}
        ours = [each * 1e6 for each in results.calls[names["plume"]]]
        medians = [f"{results.call(name) * 1e6:,.1f}" for name in names.values()]
        medians[0] += f" ({min(ours):,.1f} to {max(ours):,.1f})"
        ratios = [results.call_ratio(names[one], names[other]) for one, other in IN_PROCESS_PAIRS]
        return [what, *medians, *(f"{ratio:.2f}" for ratio in ratios)]

    head = ["", *IN_PROCESS, *_over(IN_PROCESS_PAIRS)]
    return table(head, [row("2 rows", "2"), row("10,000 rows", "10000")])


def _served(results: Results) -> Iterator[str]:
    def row(what: str, name: str) -> list[str]:
        return [what, *_samples([each * 1e6 for each in results.calls[name]]).split(" ", 1)]

    rows = [
        row("which model answers, and whose it is, of any call", "whose"),
        row("a call of 2 rows, as above", "plume 2"),
        row("the same, if each one looks for another model", "looking 2"),
        row("the same, answered by a candidate", "answering 2"),
        row("the same, with a candidate in its shadow", "in shadow 2"),
    ]
    return table(["", "µs", "least and most"], rows)


def _cost_setting() -> str:
    prices = ", ".join(f"${price:.10f} per GB-second on {name}" for name, price in PRICES.items())
    return (
        f"{prices}, ${REQUESTS_PRICE:.2f} per million requests (us-east-1, first tier, without the free one; list of"
        f" {PRICES_DATE}). A cold call is billed with its INIT, as since August 2025; durations are rounded up to 1 ms."
        " They are those measured here: the warm round trip, which has the emulator's own time in it, and the cold"
        " start with 20 ms of S3 latency. That a function has less than one vCPU below 1,769 MB is **not** modelled,"
        " there durations and costs are higher; and arm64 is taken to be as fast as this machine. A stack whose peak"
        " memory is above the size does not run there (-)."
    )


def _costs(architecture: str, loads: dict[str, Load]) -> list[str]:
    def row(memory: int, share: float) -> list[str]:
        dollars = {
            name: cost(load, memory, share, architecture) if load.fits(memory) else None for name, load in loads.items()
        }
        ratios = [_quotient(dollars[one], dollars[other]) for one, other in PAIRS]
        return [
            f"{memory:,}",
            f"{share:.0%}",
            *(NONE if each is None else f"{each:.3f}" for each in dollars.values()),
            *ratios,
        ]

    head = ["MB", "cold", *BILLED, *_over(PAIRS)]
    rows = (row(memory, share) for memory in MEMORY_SIZES for share in COLD_SHARES)
    return [f"{architecture}:", "", *table(head, rows)]


def _quotient(one: float | None, other: float | None) -> str:
    return NONE if one is None or other is None else f"{one / other:.2f}"
