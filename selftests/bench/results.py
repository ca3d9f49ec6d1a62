# SPDX-License-Identifier: GPL-2.0
"""Read what the benchmark's programs print, or a document that was made of it."""

import json
import math
import sys

META = ("kernel", "date", "commit", "repeats")


class BadResults(Exception):
    """These are no results; the text tells where and why."""


def number(value):
    """VALUE as a number that can be computed with, or None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return value
    return None


def check_row(row, where):
    """One of value, skipped and failed, and texts where texts belong."""
    name = row["name"]
    if not isinstance(name, str) or not name:
        raise BadResults(f"{where}: a name has to be a text")
    told = [key for key in ("value", "skipped", "failed") if key in row]
    if len(told) != 1:
        raise BadResults(f"{where}: {name} has to have one of value, skipped and failed")
    if told == ["value"] and number(row["value"]) is None:
        raise BadResults(f"{where}: {name}: the value has to be a number, not {json.dumps(row['value'])}")
    for key in ("what", "note", "unit", "skipped", "failed"):
        if not isinstance(row.get(key, ""), str):
            raise BadResults(f"{where}: {name}: {key} has to be a text")


class Results:
    """Rows by their names, in order, and what is known about the run: see META."""

    def __init__(self):
        self.meta, self.rows = {}, {}

    def add(self, item, where):
        """ITEM is a row, or what is known about the run."""
        if not isinstance(item, dict):
            raise BadResults(f"{where}: a JSON object is expected, not {json.dumps(item)[:40]}")
        if "name" not in item:
            if not set(item) <= set(META):
                raise BadResults(f"{where}: an object without a name")
            self.meta.update(item)
            return
        check_row(item, where)
        if item["name"] in self.rows:
            raise BadResults(f"{where}: {item['name']} comes twice")
        self.rows[item["name"]] = item

    def value(self, name):
        """The figure, or None."""
        return self.rows.get(name, {}).get("value")

    def unit(self, name):
        """Of the figure; rows that do not name theirs count instructions."""
        return self.rows.get(name, {}).get("unit", "instructions")

    def spread(self, name):
        """The least and the most of all repeats, for figures of which the median is taken, or None."""
        found = [number(self.rows.get(name, {}).get(key)) for key in ("least", "most")]
        return None if None in found else found

    def missing(self, name):
        """Why there is no figure, or None if there is one."""
        row = self.rows.get(name)
        if row is None:
            return "not measured"
        return next((f"{key}: {row[key]}" for key in ("skipped", "failed") if key in row), None)

    def failed(self):
        return [name for name, row in self.rows.items() if "failed" in row]


def read_lines(text, where, add):
    """Hand each JSON line on."""
    for count, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                item = json.loads(line)
            except ValueError as error:
                raise BadResults(f"{where}, line {count}: no JSON: {error}") from None
            add(item, f"{where}, line {count}")


def read_file(path):
    """The text of a file; `-` is stdin."""
    try:
        if path == "-":
            return sys.stdin.read()
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadResults(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def read_text(text, where, results):
    """JSON lines, or a document, into RESULTS."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "rows" not in document:
        read_lines(text, where, results.add)
        return
    if not isinstance(document["rows"], list):
        raise BadResults(f"{where}: rows has to be a list")
    results.meta.update((key, document[key]) for key in META if key in document)
    for row in document["rows"]:
        if not isinstance(row, dict) or "name" not in row:
            raise BadResults(f"{where}: a row without a name")
        results.add(row, where)


def load(*paths):
    """The results of files together; those without any row are refused."""
    results = Results()
    for path in paths:
        read_text(read_file(path), path, results)
    if not results.rows:
        raise BadResults(f"{', '.join(paths)}: no results")
    return results
