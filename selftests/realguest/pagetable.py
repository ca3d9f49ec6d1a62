# SPDX-License-Identifier: GPL-2.0
"""A walk of x86-64 page tables in a saved memory image, written for clarity and independent of vmmu.

It knows what QEMU's lists don't say: which entry, at which level, decides. The tests first compare it with
`info tlb` and `info mem`, and then use it to choose addresses and to predict refusals and their error codes.
"""

import struct
from dataclasses import dataclass

from qemulists import ADDRESS, LARGE, NX, PRESENT, USER, WRITE, sign_extend

ENTRIES = struct.Struct("<512Q")
PF_P, PF_W, PF_U, PF_I, PF_PK = 1, 2, 4, 16, 32


class ImageError(Exception):
    """The memory image is not what it should be."""


class Image:
    """A saved memory: a raw file, or an ELF core whose segments lie at their physical addresses."""

    def __init__(self, path):
        """Open PATH; segments become (first ra, bytes in the file, offset in the file)."""
        self.file = open(path, "rb")
        self.file.seek(0, 2)
        self.bytes = self.file.tell()
        self.segments = [(0, self.bytes, 0)]
        self.file.seek(0)
        header = self.file.read(64)
        if header[:4] == b"\x7fELF":
            self._read_segments(header)
        self.tables = {}

    def _read_segments(self, header):
        offset, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        self.segments = []
        for i in range(count):
            self.file.seek(offset + i * size)
            kind, _, start, _, ra, length, _, _ = struct.unpack("<IIQQQQQQ", self.file.read(56))
            if kind == 1:
                self.segments.append((ra, length, start))
        if not self.segments:
            raise ImageError(f"{self.file.name} is an ELF file without a memory segment")
        self.bytes = max(ra + length for ra, length, _ in self.segments)

    def table(self, ra):
        """The 512 entries of the table at RA. Holes between segments read as zeroes."""
        if ra not in self.tables:
            self.tables[ra] = self._read_table(ra)
        return self.tables[ra]

    def _read_table(self, ra):
        for first, length, start in self.segments:
            if first <= ra <= first + length - 4096:
                self.file.seek(start + ra - first)
                return ENTRIES.unpack(self.file.read(4096))
        if ra >= self.bytes:
            raise ImageError(f"a page table lies at {ra:#x}, outside the saved memory")
        return (0,) * 512


@dataclass
class Leaf:
    """One present last-level entry: what it maps, and what all levels together grant."""

    va: int
    level: int
    entry: int
    rights: int  # USER and WRITE, ANDed over the levels
    nx: bool  # ORed over the levels

    @property
    def bytes(self):
        """Bytes that it maps: the page size."""
        return 1 << 12 + 9 * (self.level - 1)

    @property
    def ra(self):
        """Real address of the page."""
        return self.entry & ADDRESS & ~(self.bytes - 1)

    @property
    def attributes(self):
        """The entry without the address, the memory-type bit 12 of a large page included."""
        return self.entry & ~(ADDRESS & ~(self.bytes - 1))


@dataclass
class Survey:
    """All that a page table says."""

    leaves: dict  # {va: Leaf}
    gaps: dict  # {level: [va, ...]}: the entries that are not present
    marked: list  # the va of those that are not present, but not zero either


class PageTable:
    """The page table with LEVELS levels at ROOT in an Image."""

    def __init__(self, image, root, levels):
        self.image = image
        self.root = root & ADDRESS
        self.levels = levels
        self.va_bits = 12 + 9 * levels

    def entries(self):
        """Walk everything: give (va, level, entry, steps) for each leaf and each entry that is not present.

        STEPS are the entries above, root first.
        """
        yield from self._entries(self.root, self.levels, 0, ())

    def _entries(self, table, level, base, steps):
        for index, entry in enumerate(self.image.table(table)):
            va = base | index << 12 + 9 * (level - 1)
            if not entry & PRESENT or level == 1 or (level < 4 and entry & LARGE):
                yield sign_extend(va, self.va_bits), level, entry, steps
            else:
                yield from self._entries(entry & ADDRESS, level - 1, va, steps + (entry,))

    def survey(self):
        """Walk everything; give back a Survey."""
        survey = Survey({}, {level: [] for level in range(1, self.levels + 1)}, [])
        for va, level, entry, steps in self.entries():
            if not entry & PRESENT:
                survey.gaps[level].append(va)
                if entry:
                    survey.marked.append(va)
                continue
            rights, nx = USER | WRITE, False
            for step in steps + (entry,):
                rights &= step
                nx = nx or bool(step & NX)
            survey.leaves[va] = Leaf(va, level, entry, rights, nx)
        return survey

    def walk(self, va):
        """The entries that a walk to VA reads: [(level, ra of the entry, entry), ...], root first."""
        steps, table = [], self.root
        for level in range(self.levels, 0, -1):
            index = va >> 12 + 9 * (level - 1) & 511
            entry = self.image.table(table)[index]
            steps.append((level, table + 8 * index, entry))
            if not entry & PRESENT or (1 < level < 4 and entry & LARGE):
                break
            table = entry & ADDRESS
        return steps


@dataclass(frozen=True)
class Mode:
    """The processor state that an access depends on: the mode bits that are set, by name, and PKRU."""

    words: frozenset
    pkru: int

    def key_forbids(self, leaf, write, user):
        """Whether the protection key of a user page forbids a data access."""
        bits = self.pkru >> 2 * (leaf >> 59 & 15)
        return "PKE" in self.words and bool(bits & 1 or (bits & 2 and write and (user or "WP" in self.words)))


@dataclass(frozen=True)
class Verdict:
    """What an access comes to: vmmuctl's name for the reason (NONE if granted), its level, the error code or None."""

    reason: str
    level: int
    error_code: int | None


def judge(table, va, access, user, mode):
    """Predict what comes of an ACCESS (r, w or x) to VA, by a USER or the supervisor, under MODE.

    For entries without reserved bits set, as a running Linux has them.
    """
    if sign_extend(va, table.va_bits) != va:
        return Verdict("NONCANONICAL", 0, None)
    steps = table.walk(va)
    leaf_level, _, leaf = steps[-1]
    words, write, fetch = mode.words, access == "w", access == "x"
    code = PF_W * write | PF_U * user | PF_I * (fetch and bool(words & {"NXE", "SMEP"}))
    if not leaf & PRESENT:
        return Verdict("NOT_PRESENT", leaf_level, code)
    user_page = all(entry & USER for _, _, entry in steps)
    key = user_page and not fetch and mode.key_forbids(leaf, write, user)
    code |= PF_P | PF_PK * key

    def highest(wrong):
        return next((level for level, _, entry in steps if wrong(entry)), 0)

    if user and not user_page:
        return Verdict("USER", highest(lambda entry: not entry & USER), code)
    if fetch and not user and user_page and "SMEP" in words:
        return Verdict("SMEP", leaf_level, code)
    if not fetch and not user and user_page and "SMAP" in words:
        return Verdict("SMAP", leaf_level, code)
    if write and (user or "WP" in words) and (level := highest(lambda entry: not entry & WRITE)):
        return Verdict("WRITE", level, code)
    if fetch and "NXE" in words and (level := highest(lambda entry: entry & NX)):
        return Verdict("NX", level, code)
    return Verdict("PKEY", leaf_level, code) if key else Verdict("NONE", leaf_level, None)
