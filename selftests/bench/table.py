#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print the benchmark's results as a table: ours, against goals, floors and peers."""

import argparse
import json
import os
import sys
import textwrap

sys.dont_write_bytecode = True      # no __pycache__ among the sources
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import chart  # noqa: E402
import ratios  # noqa: E402
from goals import CAVEATS, OUR_WAYS, WORKLOADS  # noqa: E402
from results import BadResults, load  # noqa: E402

EPILOG = """\
FILE has the JSON lines of build/bench/bench and build/bench/threads, or is a document that --json wrote; several are
taken together. `-` is stdin.

exit status: 0, or 2 if the usage or a FILE is wrong
"""

WIDTH = 120         # of the table
NAME, FIGURE, GOAL, WORD = 48, 9, 17, 5
UNITS = {"bytes": " B", "ratio": " x"}


def figure(value, unit="instructions"):
    """A number with as many digits as tell something."""
    if value is None:
        return "-"
    digits = 2 if value < 10 else 1 if value < 1000 else 0
    return f"{value:.{digits}f}{UNITS.get(unit, '')}"


def ratio(value):
    """Losses keep their digits."""
    return f"{value:.4f}" if value is not None and value < 0.1 else figure(value)


class Notes:
    """Caveats under the table, numbered as they come up."""

    def __init__(self):
        self.texts = []

    def marks(self, texts):
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
        return "".join(f" [{self.texts.index(text) + 1}]" for text in texts)

    def lines(self):
        for count, text in enumerate(self.texts, 1):
            text = text[0].upper() + text[1:].rstrip(".") + "."
            yield from textwrap.wrap(text, WIDTH, initial_indent=f"{f'[{count}]':<5}", subsequent_indent=" " * 5)


def goal_text(item):
    """The limit, and what came of it."""
    words = {True: " met", False: " MISSED", None: " NOISY" if item["spread"] else ""}[item["met"]]
    for key, sign in (("at_most", "<="), ("at_least", ">="), ("as_floor", "=")):
        if item["goal"] and key in item["goal"]:
            limit = item["goal"][key]
            return f"{sign} {'floor' if key == 'as_floor' else f'{limit:.6g}'}{words}"
    return "-"


def columns(name, ours="", goal="", peer="", floor="", above="", compared="", word=""):
    return (f"{name:<{NAME}} {ours:>{FIGURE}}  {goal:<{GOAL}}{peer:>{FIGURE}} {floor:>{FIGURE}} {above:>10} {compared:>9} "
            f"{word:<{WORD}}").rstrip()


def peer_line(peer, unit, notes):
    name = "      " + peer["name"]
    if peer["missing"]:
        return f"{name:<{NAME}}  {peer['missing']}"
    return columns(name + notes.marks(peer["caveats"]), peer=figure(peer["value"], unit),
                   compared=ratio(peer["peer/ours"]), word=word_of(peer))


def word_of(peer):
    """Losses are as loud as wins."""
    return (peer["outcome"] or "").upper()


def operation_lines(item, notes):
    """The operation, then each peer, then why the goal is not met."""
    floor = item["floor"] or {"value": None, "is": ""}
    name = f"{item['number']:<3} {item['operation']}"
    if item["missing"]:
        yield f"{name:<{NAME}}  {item['missing']}"
    else:
        of_what = f"  ({floor['is']})" if item["floor"] else ""
        of_what += f"  {item['spread'][0]:.2f} to {item['spread'][1]:.2f}" if item["spread"] else ""
        yield columns(name + notes.marks(item["caveats"]), figure(item["ours"], item["unit"]), goal_text(item), "",
                      figure(floor["value"], item["unit"]), figure(item["ours/floor"])) + of_what
    if item["met"] is False and item["why"]:
        text = f"why: {item['why']} (floor {figure(floor['value'], item['unit'])}: {floor['is']})"
        yield from textwrap.wrap(text, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 11)
    for peer in item["peers"]:
        yield peer_line(peer, item["unit"], notes)


def missing_lines(reasons):
    """REASONS is a list of ways and why they are missing, if they are: a line a reason."""
    for reason in dict.fromkeys(reason for _, reason in reasons if reason):
        yield f"      {', '.join(way for way, why in reasons if why == reason)}: {reason}"


def workload_lines(workload, items, notes):
    """A workload: a column a way of ours, and a line a peer with what it takes of each."""
    def line(name, figures):
        return (f"{name:<{NAME}}" + "".join(f"{text:>15}" for text in figures)).rstrip()

    ways = dict(zip(workload.ways, items))
    marks = notes.marks([f"{way}: {text}" for way, item in ways.items() for text in item["caveats"]])
    yield line(workload.title + marks, [f"{figure(ways[way]['ours']) if way in ways else ''} {'':{WORD}}" for way in OUR_WAYS])
    peers = items[0]["peers"]
    yield from missing_lines([(way, item["missing"]) for way, item in ways.items()] +
                             [(way, peer["missing"]) for way, peer in zip(workload.peers, peers)])
    for number, (way, peer) in enumerate(zip(workload.peers, peers)):
        if not peer["missing"]:
            name = f"      {way}, {figure(peer['value'])}{notes.marks(peer['caveats'])}"
            compared = [ways[way]["peers"][number] if way in ways else None for way in OUR_WAYS]
            yield line(name, [f"{ratio(one['peer/ours'])} {word_of(one):<{WORD}}" if one else "" for one in compared])


def end_lines(items, notes):
    yield f"{'end to end, peer/ours below':<{NAME}}" + "".join(f"{way + ' ' * (WORD + 1):>15}" for way in OUR_WAYS).rstrip()
    for workload in WORKLOADS:
        rows = [workload.row(way) for way in workload.ways]
        yield from workload_lines(workload, [item for item in items if item["row"] in rows], notes)


def other_lines(names, results, notes):
    for name in names:
        row = results.rows[name]
        told = results.missing(name) or figure(row["value"], results.unit(name))
        marks = notes.marks(ratios.caveats("", name, results))
        yield f"{name + marks:<28} {told:>9}  {row.get('what', '')}".rstrip()


def summary_lines(counts, items):
    goals, peers = counts["goals"], counts["peers"]
    yield f"goals: {goals['met']} met, {goals['missed']} missed, {goals['undecided']} undecided"
    yield (f"against peers: {peers['win']} won, {peers['loss']} lost, {peers['even']} even, "
           f"{peers['undecided']} undecided")
    lost = [f"{item['row']} against {peer['row']}" for item in items for peer in item["peers"] if peer["outcome"] == "loss"]
    if lost:
        yield from textwrap.wrap("lost: " + ", ".join(lost), WIDTH, subsequent_indent="  ")


def text(results):
    """The whole report."""
    report, notes = ratios.document(results), Notes()
    table, ends = report["table"], report["end to end"]
    known = [f"Linux {results.meta.get('kernel', 'unknown')}"]
    known += [f"{key} {results.meta[key]}" for key in ("commit", "date", "repeats") if key in results.meta]
    lines = [", ".join(known), "",
             columns("operation" + notes.marks(CAVEATS), "ours", "goal", "peer", "floor", "ours/floor", "peer/ours")]
    for item in table:
        lines += operation_lines(item, notes)
    lines += ["", *end_lines(ends, notes)]
    rest = ratios.others(table + ends, results)
    lines += ["", "floors, and what else was measured", *other_lines(rest, results, notes)] if rest else []
    return "\n".join([*lines, "", *summary_lines(report["summary"], table + ends), "", *notes.lines()]) + "\n"


def write(path, content):
    """To a file, or to stdout if it is `-`."""
    if path == "-":
        sys.stdout.write(content)
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise BadResults(f"{path}: {error.strerror}") from None


def write_json(path, results):
    write(path, json.dumps(ratios.document(results), indent=1) + "\n")


def write_svg(path, results):
    write(path, chart.svg(ratios.document(results)))


def main(argv):
    parser = argparse.ArgumentParser(prog="table.py", description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print one document instead: all figures, all ratios")
    parser.add_argument("--svg", metavar="PICTURE", help="draw a bar chart, too")
    args = parser.parse_args(argv)
    try:
        results = load(*args.files)
        if args.svg:
            write_svg(args.svg, results)
        if args.json:
            write_json("-", results)
        else:
            sys.stdout.write(text(results))
    except BadResults as error:
        print(f"table.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
