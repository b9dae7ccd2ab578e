"""Reports of a load from its JSON document: lines for a terminal, Markdown, HTML with pictures, and JUnit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from conformance.core.text import clean_for_xml, escape_controls
from conformance.report.html.page import render_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _MAX_POINTS = 720, 160, 60, 600


def summary_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What came of a load, in some lines of text."""
    totals, load = document["totals"], document["load"]
    yield (
        f"{document['profile']['name']}: {totals['sent']:,} requests sent, {totals['accepted']:,} accepted, "
        f"{totals['limited']:,} limited, {totals['failed']:,} failed, {totals['unknown']:,} without a known answer"
    )
    for item in document["promises"]:
        place = (
            "also one by one"
            if item["is_broken_alone"]
            else f"first at {item['first_rate']:,.0f} requests a second, {item['first_in_flight']} in flight"
        )
        yield escape_controls(f"{item['level'].upper()} {item['check']}: {item['cause']} ({item['count']:,}x, {place})")
    for item in document["service_levels"]:
        word = "held" if item["is_held"] else "NOT HELD"
        yield f"{item['name']}: {item['value']:g}, at most {item['limit']:g}: {word}"
    if (delivery := document.get("delivery")) is not None:
        yield (
            f"sink: of {delivery['accepted']:,} accepted events {delivery['missing']:,} are missing, "
            f"{delivery['doubled']:,} doubled; {delivery['refused']:,} refused ones arrived"
        )
    if load["shape"] == "find-limit":
        limit = load["limit_requests_per_s"]
        yield f"limit: {limit:,.1f} requests a second" if limit else "limit: none found"
    for reason in load["client_limited"]:
        yield f"this measured the client, not the server: {reason}"
    if load["stopped"]:
        yield f"ended early: {load['stopped']}"


def render_markdown_load(document: Mapping[str, Any]) -> str:
    """Markdown for pull requests."""
    lines = [
        f"# Load: {document['profile']['title']}",
        "",
        *(f"- {_cell(line)}" for line in summary_lines(document)),
        "",
    ]
    lines += [
        "| step | rate/s | accepted | limited | failed | p50 ms | p95 ms | p99 ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(step['name'])} | {step['rate']:g} | {step['accepted']} | {step['limited']} | {step['failed']} | "
        f"{step['p50_ms']:g} | {step['p95_ms']:g} | {step['p99_ms']:g} |"
        for step in document["steps"]
    ]
    return "\n".join([*lines, ""])


def render_html_load(document: Mapping[str, Any]) -> str:
    """One page with pictures of latency and answers over time."""
    seconds = document["seconds"]
    pictures = [
        _picture("Latency in ms (p50, p95, p99)", seconds, ("p50_ms", "p95_ms", "p99_ms")),
        _picture("Requests a second (accepted, limited, failed)", seconds, ("accepted", "limited", "failed")),
    ]
    return render_page("load.html", document=document, lines=[*summary_lines(document)], pictures=pictures)


def render_junit_load(document: Mapping[str, Any]) -> str:
    """JUnit: a test case for each broken promise and each service level, and one for the load itself."""
    gate = document["load"]["gate"]
    ranks = {"must": 0, "should": 1, "may": 2, "client": 3}
    suite = ET.Element("testsuite", name=f"load.{document['profile']['name']}")
    cases = [("load", document["load"]["stopped"])]
    cases += [
        (f"{item['check']}: {item['cause']}", f"{item['count']} times, first at {item['first_rate']:g}/s")
        for item in document["promises"]
        if ranks[item["level"]] <= ranks[gate]
    ]
    cases += [
        (item["name"], "" if item["is_held"] else f"{item['value']:g}, at most {item['limit']:g}")
        for item in document["service_levels"]
    ]
    for name, failure in cases:
        case = ET.SubElement(suite, "testcase", classname=suite.get("name", ""), name=clean_for_xml(name))
        if failure:
            ET.SubElement(case, "failure", message=clean_for_xml(failure))
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(1 for _, failure in cases if failure)))
    suite.set("errors", "0")
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cell(text: str) -> str:
    return escape_controls(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _picture(title: str, seconds: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """A picture of some figures over time: polylines in a box, by the coordinates of SVG."""
    shown = seconds[:: max(1, len(seconds) // _MAX_POINTS)]
    highest = max((second[name] for second in shown for name in names), default=0) or 1
    length = max((second["at_s"] for second in shown), default=0) or 1
    lines = [
        {
            "name": name.removesuffix("_ms"),
            "level": level,
            "points": " ".join(
                f"{_LEFT + (_WIDTH - _LEFT - 10) * max(0, second['at_s']) / length:.1f},"
                f"{_HEIGHT - 20 - (_HEIGHT - 30) * second[name] / highest:.1f}"
                for second in shown
            ),
        }
        for name, level in zip(names, ("must", "should", "may"), strict=True)
    ]
    return {"title": title, "lines": lines, "highest": f"{highest:,.4g}", "length_s": length,
            "width": _WIDTH, "height": _HEIGHT, "left": _LEFT}  # fmt: skip
