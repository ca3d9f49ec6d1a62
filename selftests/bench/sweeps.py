# SPDX-License-Identifier: GPL-2.0
"""Read and print what build/bench/scale measured: how costs grow, a sweep a line.

A sweep has a name, a parameter, points of it and of the cost, and a ratio, the most, or a slope, which its limit is for.
"""

import json

from results import META, BadResults, number, read_lines

BINARY = (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10))


def check_sweep(sweep, where):
    """Points, or why there are none."""
    name = sweep.get("name")
    if not isinstance(name, str) or not name:
        raise BadResults(f"{where}: a sweep without a name")
    if "skipped" in sweep or "failed" in sweep:
        return
    points = sweep.get("points")
    if not isinstance(points, list) or not points:
        raise BadResults(f"{where}: {name} has no points")
    for point in points:
        if not isinstance(point, list) or len(point) != 2 or None in map(number, point):
            raise BadResults(f"{where}: {name}: a point has to be two numbers, not {json.dumps(point)}")
    for key in ("ratio", "most", "slope", "limit"):
        value = sweep.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadResults(f"{where}: {name}: {key} has to be a number, not {json.dumps(value)}")


class Sweeps:
    """In order, and what is known about the run."""

    def __init__(self):
        self.meta, self.sweeps = {}, []

    def add(self, item, where):
        if not isinstance(item, dict):
            raise BadResults(f"{where}: a JSON object is expected, not {json.dumps(item)[:40]}")
        if "name" not in item and item and set(item) <= set(META):
            self.meta.update(item)
            return
        check_sweep(item, where)
        self.sweeps.append({**item, "within": within(item)})

    def read(self, text, where):
        read_lines(text, where, self.add)
        if not self.sweeps:
            raise BadResults(f"{where}: no sweeps")

    def failed(self):
        return [sweep["name"] for sweep in self.sweeps if "failed" in sweep]

    def document(self):
        return {**self.meta, "sweeps": self.sweeps}


def verdict_key(sweep):
    """Which figure the limit is for."""
    return next((key for key in ("ratio", "most", "slope") if key in sweep), None)


def within(sweep):
    """Whether the sweep keeps its limit, or None if it has none."""
    key = verdict_key(sweep)
    return None if key is None or "limit" not in sweep else sweep[key] <= sweep["limit"]


def parameter(value, what):
    """Bytes read best in powers of two."""
    if "bytes" in what:
        for unit, shift in BINARY:
            if value >= 1 << shift and not value % (1 << shift):
                return f"{int(value) >> shift} {unit}"
    return f"{value:g}"


def sweep_lines(sweep):
    told = next((f"{key}: {sweep[key]}" for key in ("skipped", "failed") if key in sweep), None)
    if told:
        yield f"{sweep['name']}: {told}"
        return
    what = sweep.get("parameter", "x")
    yield f"{sweep['name']}: {sweep['what']}" if "what" in sweep else sweep["name"]
    yield f"{what:>16}  {sweep.get('unit', 'instructions'):>14}"
    for x, y in sweep["points"]:
        yield f"{parameter(x, what):>16}  {y:>14.{2 if y < 10 else 1}f}"
    key = verdict_key(sweep)
    if key:
        limit = f"limit {sweep['limit']:g}: {'within' if sweep['within'] else 'BEYOND'}" if "limit" in sweep else "no limit"
        yield f"  {key} {sweep[key]:.4g}, {limit}"
    if "note" in sweep:
        yield f"  {sweep['note']}"


def text(sweeps):
    """All sweeps, and how many keep their limits."""
    known = [f"Linux {sweeps.meta.get('kernel', 'unknown')}"]
    known += [f"{key} {sweeps.meta[key]}" for key in ("commit", "date") if key in sweeps.meta]
    lines = [", ".join(known), ""]
    for sweep in sweeps.sweeps:
        lines += [*sweep_lines(sweep), ""]
    verdicts = [sweep["within"] for sweep in sweeps.sweeps]
    beyond = [sweep["name"] for sweep in sweeps.sweeps if sweep["within"] is False]
    lines.append(f"limits: {verdicts.count(True)} kept, {len(beyond)} broken{': ' if beyond else ''}{', '.join(beyond)}, "
                 f"{verdicts.count(None)} without a verdict")
    return "\n".join(lines) + "\n"
