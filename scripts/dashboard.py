"""Draw the dashboard of resources/windows.yml, as whoever is on call sees it: ``python -m scripts.dashboard OUT.png``.

``--stage prod`` asks CloudWatch for the deployed one and its metrics; ``--log FILE`` takes the metrics from lines of a
function's log, and what API Gateway would count from the same lines.
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import matplotlib as mpl
import numpy as np
import yaml
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from scripts.emulator import ROOT

TEMPLATE = ROOT / "resources" / "windows.yml"
COLUMNS = 24
INCHES = (0.8, 0.55)
"""How wide a column of the grid is drawn, and how high a row of it."""
HOURS = 6
CODES = "{Plume,Function,Code}"
EDGE_DAYS = 5 / 24 / 60
"""So much is shown before and after what there is: one moment alone has no hours of its own."""
LEGEND_COLUMNS = 6
GATEWAY = "payload_"
"""How a line's sender begins whose events API Gateway sends; where none is told, it may have been that."""
GREY, INK = "#d5dbdb", "#16191f"

type Series = tuple[str, Sequence[datetime], Sequence[float]]
type Source = Callable[[Sequence[Any], Mapping[str, Any], int], Iterable[Series]]
"""Returns the series of a metric as a widget names it, with its options, in periods of so many seconds."""


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--service", default="plume")
    parser.add_argument("--stage", help="of a deployment with `dashboard: true`")
    parser.add_argument("--log", type=Path, help="a file with lines of a function's log")
    options = parser.parse_args()
    if options.log:
        body, source = written("dev"), of_lines(options.log.read_text().splitlines())
    else:
        name = f"{options.service}-{options.stage or 'dev'}"
        body = json.loads(boto3.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])
        source = of_cloudwatch()
    draw(body, source, options.out)


def written(stage: str) -> dict[str, Any]:
    """Return the body as the template has it, with names in the place of what is known once it is deployed."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", _plain)  # type: ignore[attr-defined]
    template = yaml.load(TEMPLATE.read_text(), loader)  # noqa: S506 - a SafeLoader
    text = template["Resources"]["WindowsDashboard"]["Properties"]["DashboardBody"]
    known = {"sls:stage": stage, "param:alarmLatency": "1000"}
    return json.loads(re.sub(r"\$\{([^}]+)\}", lambda found: known.get(found[1], found[1]), text))  # type: ignore[no-any-return]


def _plain(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node, deep=True)


def draw(body: Mapping[str, Any], source: Source, out: Path) -> Figure:
    """Draw every widget in its place on the grid; return what is drawn."""
    rows = max(each["y"] + each["height"] for each in body["widgets"])
    size = (COLUMNS * INCHES[0], rows * INCHES[1])
    with mpl.rc_context({"font.size": 8, "axes.edgecolor": GREY, "text.parse_math": False}):
        figure, graphs = Figure(size, facecolor="#f2f3f3", dpi=110), []
        for each in body["widgets"]:
            left, low = each["x"] / COLUMNS, 1 - (each["y"] + each["height"]) / rows
            box = (left + 0.004, low + 0.005, each["width"] / COLUMNS - 0.008, each["height"] / rows - 0.01)
            panel = figure.add_axes(box, xticks=[], yticks=[])
            if each["type"] == "text":
                _text(panel, each["properties"]["markdown"], size[0] * box[2], size[1] * box[3])
            else:
                inside = (box[0] + 0.05 * box[2], box[1] + 0.2 * box[3], 0.89 * box[2], 0.63 * box[3])
                panel.set_title(each["properties"]["title"], loc="left", x=0.02, y=1.0, pad=-14, fontweight="bold")
                graphs.append(figure.add_axes(inside))
                _graph(graphs[-1], each["properties"], source)
        spans = [span for each in figure.axes if np.isfinite(span := each.dataLim.intervalx).all()]
        for graph in graphs if spans else ():  # all show the same hours
            first, last = min(first for first, _ in spans), max(last for _, last in spans)
            edge = max(EDGE_DAYS, 0.03 * (last - first))
            graph.set_xlim(first - edge, last + edge)
        figure.savefig(out)
    return figure


def _text(panel: Any, markdown: str, width: float, height: float) -> None:
    """Write a text, its headings larger; what is bold or code is shown as it is written, without the signs."""
    at, step = 1 - 0.22 / height, 0.155 / height
    for paragraph in markdown.splitlines():
        heading = paragraph.startswith("## ")
        plain = re.sub(r"\*\*|`", "", paragraph.removeprefix("## "))
        for line in textwrap.wrap(plain, int(width * 15.5)) or [""]:
            look = {"fontsize": 11, "fontweight": "bold"} if heading else {"fontsize": 8}
            panel.text(0.03, at, line, va="center", color=INK, transform=panel.transAxes, **look)
            at -= step * (1.6 if heading else 1 if line else 0.5)


def _graph(axes: Any, properties: Mapping[str, Any], source: Source) -> None:
    sides = {"left": axes}
    period = properties.get("period", 300)
    stacks: list[Series] = []
    for entry in properties["metrics"]:
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        for label, times, values in source(entry, options, period):
            side = options.get("yAxis", "left")
            if side not in sides:
                sides[side] = axes.twinx()
            if properties.get("stacked"):
                stacks.append((label, times, values))
            else:
                look = {"color": options.get("color"), "linewidth": 1.2, "markersize": 2.5}
                sides[side].plot(*_with_gaps(times, values, period), marker=".", label=label, **look)
    _stack(axes, stacks, period)
    for line in properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(float(line["value"]), color=line.get("color"), linestyle="--", linewidth=0.8)
        axes.annotate(line["label"], (0, float(line["value"])), (3, 2), ("axes fraction", "data"), "offset points")
    handles = [each for side in sides.values() for each in side.get_legend_handles_labels()[0]]
    for side in sides.values():
        top = side.dataLim.y1
        side.set_ylim(0, 1.1 * top if 0 < top < np.inf else None)
        side.tick_params(length=0, colors="#545b64")
        side.spines[["top"]].set_visible(False)
    axes.grid(axis="y", color=GREY, linewidth=0.5)
    axes.set_ylabel(properties.get("yAxis", {}).get("left", {}).get("label", ""))
    if handles:
        ticks = AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(ticks)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(ticks))  # type: ignore[no-untyped-call]
        small = {"fontsize": 6, "columnspacing": 0.8, "labelspacing": 0.2, "handlelength": 1}
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14), "ncols": LEGEND_COLUMNS, "frameon": False}
        axes.legend(handles=handles, **place, **(small if len(handles) > LEGEND_COLUMNS else {}))
    else:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", color="#545b64")
        axes.set_xticks([])


def _with_gaps(times: Sequence[datetime], values: Sequence[float], period: int) -> tuple[list[datetime], list[float]]:
    """Return a series with nothing where a period has no value: CloudWatch joins no points across it."""
    shown: dict[datetime, float] = {}
    for time, value in zip(times, values, strict=True):
        if shown and time - max(shown) > timedelta(seconds=1.5 * period):
            shown[max(shown) + timedelta(seconds=period)] = float("nan")
        shown[time] = value
    return list(shown), list(shown.values())


def _stack(axes: Any, series: Sequence[Series], period: int) -> None:
    """Draw bars upon one another."""
    below: dict[datetime, float] = defaultdict(float)
    for number, (label, times, values) in enumerate(series):
        look = {"label": label, "align": "edge", "color": mpl.colormaps["tab20"](number % 20)}
        axes.bar(times, values, timedelta(seconds=0.8 * period), [below[time] for time in times], **look)
        for time, value in zip(times, values, strict=True):
            below[time] += value


def of_lines(lines: Iterable[str]) -> Source:
    """Return metrics out of lines of a log, as CloudWatch makes them, and API Gateway's as the function saw it."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for line in lines:
        try:
            document = json.loads(line)
            told = document["_aws"]
            at = datetime.fromtimestamp(told["Timestamp"] / 1000, UTC).timestamp()
            values = [(key, float(value)) for key, value in _values(document, told)]
        except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError):
            continue  # others may write into the log, too
        for key, value in values:
            points[key].append((at, value))

    def source(entry: Sequence[Any], options: Mapping[str, Any], period: int) -> Iterator[Series]:
        if "expression" in options:
            codes = sorted(code for name, code in points if name == "errors" and code)
            yield from ((code, *_summed(points["errors", code], "Sum", period)) for code in codes)
        elif found := points.get((entry[1], "")):
            yield (options.get("label", entry[1]), *_summed(found, options.get("stat", "Average"), period))

    return source


def _values(document: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield what a line tells, by the name of the metric, and the code if it is one by code."""
    for directive in told["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            yield (metric["Name"], ""), document[metric["Name"]]
            if ["Function", "Code"] in directive["Dimensions"]:
                yield (metric["Name"], document["Code"]), document[metric["Name"]]
    if "calls" in document and str(document.get("sender", GATEWAY)).startswith(GATEWAY):
        yield ("Count", ""), 1
        yield ("Latency", ""), document["total_ms"]
        fault = "faults" in document
        yield ("4xx", ""), float("errors" in document and not fault)
        yield ("5xx", ""), float(fault)


def _summed(points: Sequence[tuple[float, float]], stat: str, period: int) -> tuple[list[datetime], list[float]]:
    """Return a statistic of the values in each period."""
    periods: dict[int, list[float]] = defaultdict(list)
    for at, value in points:
        periods[int(at // period)].append(value)
    ways: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Maximum": max, "Average": lambda v: sum(v) / len(v)}
    way = ways.get(stat) or (lambda values: float(np.percentile(values, float(stat[1:]))))
    ordered = sorted(periods)
    return [datetime.fromtimestamp(each * period, UTC) for each in ordered], [way(periods[each]) for each in ordered]


def of_cloudwatch() -> Source:
    """Return metrics as CloudWatch answers them, of the last hours; what a search finds is looked for here."""
    client = boto3.client("cloudwatch")

    def get(namespace: str, name: str, dimensions: Mapping[str, str], stat: str, period: int) -> Any:
        listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        metric = {"Namespace": namespace, "MetricName": name, "Dimensions": listed}
        query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
        end = datetime.now(UTC)
        [found] = client.get_metric_data(
            MetricDataQueries=[query],
            StartTime=end - timedelta(hours=HOURS),
            EndTime=end,
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        return found["Timestamps"], found["Values"]

    def source(entry: Sequence[Any], options: Mapping[str, Any], period: int) -> Iterator[Series]:
        if "expression" not in options:
            dimensions = dict(zip(entry[2:-1:2], entry[3:-1:2], strict=True))
            times, values = get(entry[0], entry[1], dimensions, options["stat"], period)
            if len(times):
                yield options.get("label", entry[1]), times, values
            return
        for metric in client.list_metrics(Namespace="Plume", MetricName="errors")["Metrics"]:
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            if "Code" in dimensions and f'"{dimensions.get("Function")}"' in options["expression"]:
                yield (dimensions["Code"], *get("Plume", "errors", dimensions, "Sum", period))

    return source


if __name__ == "__main__":
    main()
