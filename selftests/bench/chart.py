# SPDX-License-Identifier: GPL-2.0
"""Draw the report as a bar chart, in SVG: a group an operation, on a logarithmic scale."""

import math
from xml.sax.saxutils import escape

COLOURS = {"ours": "#1f6fb2", "dearer": "#b9b4ac", "cheaper": "#c8452f", "floor": "#3d8f57"}
LEGEND = (("ours", "vmmu"), ("dearer", "a peer that takes more, or as much"), ("cheaper", "a peer that takes less"),
          ("floor", "the kernel's own share"))
LEFT, RIGHT, PLOT, TOP = 250, 80, 560, 92
BAR, GAP, TITLE = 15, 10, 18
STYLE = "font-family='DejaVu Sans, Verdana, sans-serif' font-size='11'"


def bar(kind, name, value):
    return {"kind": kind, "name": name, "value": value}


def peer_bars(peers):
    return [bar("cheaper" if peer["outcome"] == "loss" else "dearer", peer["name"], peer["value"])
            for peer in peers if peer["value"]]


def groups(document):
    """What is counted in instructions: a title and bars each."""
    for item in document["table"]:
        if item["unit"] != "instructions" or not item["ours"]:
            continue
        bars = [bar("ours", "vmmu", item["ours"]), *peer_bars(item["peers"])]
        if item["floor"] and item["floor"]["value"]:
            bars.append(bar("floor", item["floor"]["is"], item["floor"]["value"]))
        yield item["operation"], bars
    yield from ends(document["end to end"])


def ends(items):
    """A group a workload: our ways, and what is no more dear than all of them, or than none."""
    workloads = {}
    for item in items:
        workloads.setdefault(item["number"], []).append(item)
    for ways in workloads.values():
        measured = [item for item in ways if item["ours"]]
        if not measured:
            continue
        title = measured[0]["operation"].rpartition(",")[0]
        best = min(measured, key=lambda item: item["ours"])
        bars = [bar("ours", "vmmu, " + item["row"].rpartition("_")[2], item["ours"]) for item in measured]
        peers = [{**peer, "name": peer["row"].rpartition("_")[2]} for peer in best["peers"]]
        yield title, bars + peer_bars(peers)


class Scale:
    """Powers of ten, wide enough for all bars."""

    def __init__(self, values):
        self.first = math.floor(math.log10(min(values)))
        self.last = max(math.ceil(math.log10(max(values))), self.first + 1)

    def x(self, value):
        return LEFT + PLOT * (math.log10(value) - self.first) / (self.last - self.first)

    def decades(self):
        return [10.0 ** power for power in range(self.first, self.last + 1)]


def text(x, y, words, more=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' {more}>{escape(words)}</text>"


def rect(x, y, width, height, colour):
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{colour}'/>"


def figure(value):
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def head(document):
    """The title and the legend."""
    yield text(16, 24, "Instructions an operation, fewer is better", "font-size='16' font-weight='bold'")
    yield text(16, 42, f"Linux {document.get('kernel', 'unknown')}; logarithmic scale; the colour of an end-to-end "
                       "peer compares it with our best way", "fill='#555'")
    x = 16
    for kind, words in LEGEND:
        yield rect(x, 52, 12, 12, COLOURS[kind])
        yield text(x + 17, 62, words)
        x += 17 + 7 * len(words) + 20


def axis(scale, bottom):
    for value in scale.decades():
        x = scale.x(value)
        yield f"<line x1='{x:.1f}' y1='{TOP}' x2='{x:.1f}' y2='{bottom:.1f}' stroke='#ddd'/>"
        yield text(x, TOP - 6, f"{value:,.6g}" if value < 1 else f"{value:,.0f}", "text-anchor='middle' fill='#555'")


def group(scale, y, title, bars):
    """The group's shapes; its height is height()."""
    yield text(16, y + 13, title, "font-weight='bold'")
    y += TITLE
    for one in bars:
        width = max(scale.x(one["value"]) - LEFT, 1)
        yield text(LEFT - 6, y + 11, one["name"], "text-anchor='end'")
        yield rect(LEFT, y + 1, width, BAR - 3, COLOURS[one["kind"]])
        yield text(LEFT + width + 4, y + 11, figure(one["value"]))
        y += BAR


def height(bars):
    return TITLE + BAR * len(bars) + GAP


def svg(document):
    """The picture's text."""
    drawn = list(groups(document))
    scale = Scale([one["value"] for _, bars in drawn for one in bars] or [1])
    bottom = TOP + sum(height(bars) for _, bars in drawn)
    width, total = LEFT + PLOT + RIGHT, bottom + 10
    shapes = [rect(0, 0, width, total, "#ffffff"), *head(document), *axis(scale, bottom)]
    y = TOP
    for title, bars in drawn:
        shapes += group(scale, y, title, bars)
        y += height(bars)
    return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{total}' viewBox='0 0 {width} {total}' "
            f"{STYLE}>\n" + "\n".join(shapes) + "\n</svg>\n")
