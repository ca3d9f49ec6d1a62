# SPDX-License-Identifier: GPL-2.0
"""Show that the comparisons can fail: change one thing in vmmuctl's answers and see whether they notice.

Both functions give back (number of changes made, list of those that a comparison passed over).
"""

import copy
import dataclasses

import compare
from qemulists import WRITE

NEIGHBOURS = 20
PLACES = 5
ATTRIBUTE_BITS = (1, 2, 3, 4, 5, 6, 8, 63)


def toggle(rights, letter):
    """RIGHTS as vmmuctl writes them, with one right given or taken."""
    at = "rwxu".index(letter)
    return rights[:at] + ("-" if rights[at] == letter else letter) + rights[at + 1:]


class Window:
    """A run of a view with some neighbours, and what QEMU and the walk say of that range."""

    def __init__(self, mappings, at, view, leaves):
        self.runs = mappings[max(0, at - NEIGHBOURS):at + NEIGHBOURS]
        self.at = min(at, NEIGHBOURS)
        first, end = self.runs[0].va, self.runs[-1].va + self.runs[-1].bytes
        self.tlb = {va: page for va, page in view.tlb.items() if first <= va < end}
        self.leaves = {va: leaf for va, leaf in leaves.items() if first <= va < end}
        self.mem = [(max(va, first), min(stop, end), rights) for va, stop, rights in view.mem
                    if va < end and stop > first]

    def with_change(self, **change):
        """The runs, with fields of the middle one changed."""
        changed = list(self.runs)
        changed[self.at] = dataclasses.replace(changed[self.at], **change)
        return changed

    def changes(self):
        """Give (name, changed runs, comparisons that must notice)."""
        run = self.runs[self.at]
        yield "absence", self.runs[:self.at] + self.runs[self.at + 1:], "tlb mem walk"
        yield "real address", self.with_change(ra=run.ra ^ run.page_size), "tlb"
        yield "page size", self.with_change(page_size=run.page_size >> 9 or 1), "walk"
        yield "beyond_real", self.with_change(beyond_real=not run.beyond_real), "walk"
        for letter, noticed_by in (("w", "mem walk"), ("u", "mem walk"), ("x", "walk")):
            yield f"right {letter}", self.with_change(rights=toggle(run.rights, letter)), noticed_by
        for bit in ATTRIBUTE_BITS:
            yield f"bit {bit}", self.with_change(attributes=run.attributes ^ 1 << bit), "tlb walk"

    def notices(self, by, changed, real_bytes):
        """Whether a comparison, named tlb, mem or walk, sees a difference in CHANGED."""
        if by == "tlb":
            return compare.with_tlb(changed, self.tlb)
        if by == "mem":
            return compare.with_mem(changed, self.mem)
        return compare.with_leaves(changed, self.leaves, real_bytes)


def of_mappings(random, mappings, view, leaves, real_bytes):
    """Change single runs: the first, the last and some others."""
    made, missed = 0, []
    for at in [0, len(mappings) - 1] + random.sample(range(len(mappings)), PLACES):
        window = Window(mappings, at, view, leaves)
        if any(window.notices(by, window.runs, real_bytes) for by in ("tlb", "mem", "walk")):
            missed.append(f"the range around {mappings[at].va:#x} differs before any change")
        for name, changed, noticed_by in window.changes():
            made += 1
            missed += [f"{name} of {mappings[at].va:#x} against {by}" for by in noticed_by.split()
                       if not window.notices(by, changed, real_bytes)]
    return made, missed


def of_answers(random, answers, judged_differently, entries_differ):
    """Change single answers of one access; the two functions make the comparisons for one answer."""
    made, missed = 0, []
    for answer in random.sample([a for a in answers if a["reason"] != "NONCANONICAL"], PLACES):
        for key, value in (("reason", "RESERVED"), ("level", answer["level"] + 1), ("error_code", 64),
                           ("translated", not answer["translated"])):
            made += 1
            if not judged_differently({**answer, key: value}):
                missed.append(f"{key} of {answer['va']}")
        changed = copy.deepcopy(answer)
        entry = random.choice(changed["entries"])
        entry["value"] = hex(int(entry["value"], 16) ^ WRITE)
        made += 1
        if not entries_differ(changed):
            missed.append(f"the entry of level {entry['level']} of {answer['va']}")
    return made, missed
