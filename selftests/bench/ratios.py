# SPDX-License-Identifier: GPL-2.0
"""Compute the report: every operation against its goal, its floor and its peers, as a document for JSON.

A ratio is None where one of its figures is missing, or nothing to divide by.
"""

import re

from goals import ALLOWED, FAULT_ALLOWANCE, OPERATIONS, PEERS, WORKLOADS, Operation

EVEN = 0.03         # peers' figures move by that much between runs
AS_FLOOR = 1.02     # ours move by that much


def divide(one, other):
    """ONE / OTHER, if that is anything."""
    return None if one is None or not other else one / other


def outcome(ratio, higher_is_better=False):
    """Who is better, if a peer's figure is RATIO times ours."""
    if ratio is None:
        return None
    if abs(ratio - 1) <= EVEN:
        return "even"
    return "win" if (ratio > 1) != higher_is_better else "loss"


def floor_of(floor, results):
    """The floor's figure, or None, and its text."""
    if floor is None:
        return None
    if floor.constant is not None:
        return {"is": str(floor), "value": floor.constant}
    values = [(results.value(row), share) for row, share in floor.parts]
    if any(value is None for value, _ in values):
        return {"is": str(floor), "value": None}
    return {"is": str(floor), "value": sum(value / share for value, share in values)}


def after_first(results):
    """Whether the kernel is known, and not the one that goals are for."""
    kernel = str(results.meta.get("kernel", ""))
    return bool(kernel) and not re.match(r"6\.1(\D|$)", kernel)


def goal_of(operation, results, floor):
    """The limit as it is on this kernel, or None."""
    goal = operation.goal
    if goal is None:
        return None
    if goal.as_floor:
        limit = floor["value"] if floor else None
        return {"as_floor": limit} if limit is not None else None
    if goal.at_least is not None:
        return {"at_least": goal.at_least}
    return {"at_most": goal.at_most * (FAULT_ALLOWANCE if operation.faults and after_first(results) else 1)}


def meets(goal, value, spread=None, floor=None):
    """Whether the goal is met, or None if that can't be told: the spread is on both its sides, or the machine below it."""
    if goal is None or value is None:
        return None
    if spread:
        least, most = (meets(goal, end) for end in spread)
        beyond = floor and floor["value"] is not None and floor["value"] < goal.get("at_least", 0)
        return least if least == most and (least or not beyond) else None
    if "at_least" in goal:
        return value >= goal["at_least"]
    if "as_floor" in goal:
        return value <= goal["as_floor"] * AS_FLOOR
    return value <= goal["at_most"]


def overlap(one, other):
    return one[0] <= other[1] and other[0] <= one[1]


def peer_of(row, ours, unit, spread, results):
    """How the peer compares. Only ratios are better when they are higher."""
    value = results.value(row)
    ratio = divide(value, ours)
    word = outcome(ratio, unit == "ratio")
    if word and spread and results.spread(row) and overlap(spread, results.spread(row)):
        word = "noisy"
    name, caveat = PEERS.get(row, (row, ""))
    return {"row": row, "name": name, "value": value, "missing": results.missing(row), "peer/ours": ratio,
            "outcome": word, "caveats": caveats(caveat, row, results)}


def caveats(text, row, results):
    """Ours, and what the row itself says."""
    note = results.rows.get(row, {}).get("note")
    return [caveat for caveat in (text, note) if caveat]


def entry(operation, results):
    """One operation, as the document has it."""
    ours, unit = results.value(operation.ours), results.unit(operation.ours)
    floor = floor_of(operation.floor, results)
    allowed = ALLOWED if operation.faults and after_first(results) else ""
    goal, spread = goal_of(operation, results, floor), results.spread(operation.ours)
    return {"number": operation.number, "operation": operation.title, "row": operation.ours, "unit": unit,
            "ours": ours, "missing": results.missing(operation.ours), "spread": spread,
            "goal": goal, "met": meets(goal, ours, spread, floor), "why": operation.why,
            "floor": floor, "ours/floor": divide(ours, floor["value"]) if floor else None,
            "caveats": [text for text in (operation.caveat, allowed) if text] + caveats("", operation.ours, results),
            "peers": [peer_of(peer, ours, unit, spread, results) for peer in operation.peers]}


def end_to_end(results):
    """Each workload by each of our ways, against the same without vmmu."""
    return [entry(Operation(workload.name, f"{workload.title}, {way}", workload.row(way),
                            peers=tuple(workload.row(peer) for peer in workload.peers)), results)
            for workload in WORKLOADS for way in workload.ways]


def others(table, results):
    """Rows that were measured but that the table does not show: floors, and whatever is new."""
    shown = {item["row"] for item in table} | {peer["row"] for item in table for peer in item["peers"]}
    return [name for name in results.rows if name not in shown]


def summary(table):
    """How many goals and comparisons ended how."""
    goals = [item["met"] for item in table if item["goal"] or item["met"] is not None]
    peers = [peer["outcome"] for item in table for peer in item["peers"]]
    told = {word: peers.count(word) for word in ("win", "even", "loss")}
    return {"goals": {"met": goals.count(True), "missed": goals.count(False), "undecided": goals.count(None)},
            "peers": told | {"undecided": len(peers) - sum(told.values())}}


def document(results):
    """Everything: what was measured, and what comes of it."""
    table, ends = [entry(operation, results) for operation in OPERATIONS], end_to_end(results)
    return {**results.meta, "rows": list(results.rows.values()), "table": table, "end to end": ends,
            "summary": summary(table + ends)}
