# SPDX-License-Identifier: GPL-2.0
"""Compare what vmmuctl says with QEMU's lists and with the independent walk.

Each function gives back a list of differences in words; an empty one means that all is equal. Mappings are
vmmuctl's runs, read by mappings_of(); answers are the elements of its list "translations", as JSON has them.
"""

from dataclasses import dataclass

from pagetable import Verdict, judge
from qemulists import LARGE, NX, TLB_FLAGS, USER, WRITE, ListError, join


@dataclass
class Mapping:
    """A run of pages that are mapped alike."""

    va: int
    bytes: int
    ra: int
    page_size: int
    attributes: int
    rights: str
    beyond_real: bool

    @property
    def rights_bits(self):
        """Effective rights as USER and WRITE."""
        return USER * ("u" in self.rights) | WRITE * ("w" in self.rights)


@dataclass
class Page:
    """One page of a run."""

    va: int
    ra: int
    run: Mapping


def mappings_of(report):
    """The mappings in vmmuctl's report."""
    return [Mapping(int(m["va"], 16), m["bytes"], int(m["ra"], 16), m["page_size"], int(m["attributes"], 16),
                    m["rights"], m["beyond_real"]) for m in report["mappings"]]


def pages(mappings, differences):
    """{va: Page} of all runs; what is odd about them is added to DIFFERENCES."""
    result = {}
    for run in mappings:
        if run.page_size not in (1 << 12, 1 << 21, 1 << 30) or run.bytes % run.page_size or not run.bytes:
            differences.append(f"the run at {run.va:#x} has {run.bytes} bytes in pages of {run.page_size}")
            continue
        for offset in range(0, run.bytes, run.page_size):
            if run.va + offset in result:
                differences.append(f"{run.va + offset:#x} is listed twice")
            result[run.va + offset] = Page(run.va + offset, run.ra + offset, run)
    return result


def match(ours, theirs, name, differences):
    """Pairs of what both list; what only one lists is a difference."""
    for va in ours.keys() - theirs.keys():
        differences.append(f"{va:#x} is not in {name}")
    for va in theirs.keys() - ours.keys():
        differences.append(f"{va:#x} is in {name} only")
    return [(ours[va], theirs[va]) for va in ours.keys() & theirs.keys()]


def with_tlb(mappings, tlb):
    """Address and leaf flags of every page against `info tlb`."""
    differences = []
    for page, (ra, flags) in match(pages(mappings, differences), tlb, "info tlb", differences):
        hidden = LARGE if page.run.page_size == 4096 else 0
        mine = page.run.attributes & TLB_FLAGS & ~hidden
        if (page.ra, mine) != (ra, flags):
            differences.append(f"{page.va:#x}: ra {page.ra:#x} flags {mine:#x}, info tlb: {ra:#x} {flags:#x}")
    return differences


def with_mem(mappings, mem):
    """Effective U and W over the whole extent of every mapping against `info mem`."""
    try:
        ours = join([(run.va, run.va + run.bytes, run.rights_bits) for run in mappings])
    except ListError as error:
        return [str(error)]
    both = set(ours) & set(mem)
    return ([f"{va:#x}-{end:#x} has U|W {rights:#x}, not so in info mem" for va, end, rights in ours
             if (va, end, rights) not in both] +
            [f"info mem has {va:#x}-{end:#x} with U|W {rights:#x}" for va, end, rights in mem
             if (va, end, rights) not in both])


def with_leaves(mappings, leaves, real_bytes):
    """What QEMU's lists don't show: page size, effective NX, all attribute bits, and what is beyond real memory."""
    differences = []
    for page, leaf in match(pages(mappings, differences), leaves, "the walk", differences):
        mine = page.run.page_size, page.run.attributes, page.run.rights, page.run.beyond_real
        rights = rights_text(leaf.rights, leaf.nx)
        theirs = leaf.bytes, leaf.attributes, rights, leaf.ra >= real_bytes
        if mine != theirs:
            differences.append(f"{page.va:#x}: page size, attributes, rights, beyond are {mine}, should be {theirs}")
    return differences


def rights_text(rights, nx):
    """Rights as vmmuctl writes them."""
    return f"r{'w' if rights & WRITE else '-'}{'-' if nx else 'x'}{'u' if rights & USER else '-'}"


def with_entries(answers, table):
    """The entries of each explanation: their places and values, and that their rights add up to those reported."""
    differences = []
    for answer in answers:
        va = int(answer["va"], 16)
        entries = [(e["level"], int(e["ra"], 16), int(e["value"], 16)) for e in answer.get("entries", [])]
        expected = table.walk(va) if answer["reason"] != "NONCANONICAL" else []
        if entries != expected:
            differences.append(f"{va:#x}: entries {entries}, should be {expected}")
        elif answer["translated"]:
            differences += [f"{va:#x}: {text}" for text in sum_of_entries(answer, entries, va)]
    return differences


def sum_of_entries(answer, entries, va):
    """Rights, page size and address of a translated answer against its own entries."""
    rights, nx = USER | WRITE, False
    for _, _, value in entries:
        rights &= value
        nx = nx or bool(value & NX)
    size = 1 << 12 + 9 * (entries[-1][0] - 1)
    ra = entries[-1][2] & 0x000ffffffffff000 & ~(size - 1) | va & (size - 1)
    for key, value in (("rights", rights_text(rights, nx)), ("page_size", size), ("ra", hex(ra))):
        if answer[key] != value:
            yield f"{key} is {answer[key]}, the entries make {value}"


def verdict_of(answer):
    """The Verdict in an answer. That a page has no frame is no refusal, that it is beyond real memory is no fault."""
    reason = answer["reason"]
    if reason in ("NOT_BACKED", "BEYOND_REAL"):
        reason = "NONE"
    return Verdict(reason, answer["level"], answer["error_code"])


def with_judge(answers, addresses, access, user, table, mode, real_bytes):
    """The outcome of each access against the prediction: reason, level and error code."""
    differences = []
    asked = [int(answer["va"], 16) for answer in answers]
    if asked != addresses:
        return [f"{len(addresses)} addresses were asked, {len(asked)} answered, or in another order"]
    for answer, va in zip(answers, asked):
        expected = judge(table, va, access, user, mode)
        if verdict_of(answer) != expected:
            differences.append(f"{va:#x} {access} {'user' if user else 'supervisor'}: {answer}, should be {expected}")
        beyond = answer["ra"] is not None and int(answer["ra"], 16) >= real_bytes
        if answer["translated"] != (expected.reason == "NONE" and not beyond):
            differences.append(f"{va:#x} {access}: translated is {answer['translated']}")
        if (answer["reason"] == "BEYOND_REAL") != (expected.reason == "NONE" and beyond):
            differences.append(f"{va:#x} {access}: {answer['reason']}, and beyond real memory is {beyond}")
    return differences
