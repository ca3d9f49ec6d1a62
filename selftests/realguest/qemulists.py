# SPDX-License-Identifier: GPL-2.0
"""What QEMU's monitor says about a stopped x86-64 machine, read into plain values.

info_registers  control registers and what follows from them
info_tlb        every leaf of the page table: address and flags of the last-level entry
info_mem        effective user and write rights, as ranges
take_info_mem   the same out of a Machine, by a detour where QEMU's own walk of five levels is broken

Nothing here reads guest memory but through QEMU: these lists are the second opinion.
"""

import re
from dataclasses import dataclass

PRESENT, WRITE, USER, LARGE = 1 << 0, 1 << 1, 1 << 2, 1 << 7
NX = 1 << 63
ADDRESS = 0x000ffffffffff000

CR4_LA57 = 1 << 12

# The letters of `info tlb` in their order, as bits of an x86-64 entry. P is the page-size bit: QEMU leaves it
# out of a 4 KiB page's flags, where the same bit selects a memory type.
TLB_LETTERS = (("X", NX), ("G", 1 << 8), ("P", LARGE), ("D", 1 << 6), ("A", 1 << 5), ("C", 1 << 4),
               ("T", 1 << 3), ("U", USER), ("W", WRITE))
TLB_FLAGS = sum(bit for _, bit in TLB_LETTERS)


class ListError(Exception):
    """QEMU printed something that is not in the expected form."""


@dataclass
class Registers:
    """The registers that translation depends on."""

    cr0: int
    cr3: int
    cr4: int
    efer: int
    cpl: int

    @property
    def levels(self):
        """Levels of paging."""
        return 5 if self.cr4 & CR4_LA57 else 4

    def mode_words(self):
        """The mode bits that are set, by vmmuctl's names. AC is not among them: a program's is not the kernel's."""
        bits = (("WP", self.cr0 >> 16), ("NXE", self.efer >> 11), ("SMEP", self.cr4 >> 20),
                ("SMAP", self.cr4 >> 21), ("PKE", self.cr4 >> 22))
        return frozenset(name for name, value in bits if value & 1)


def info_registers(text):
    """Parse `info registers`."""
    def field(name):
        match = re.search(rf"\b{name}\s*=\s*([0-9a-fA-F]+)", text)
        if not match:
            raise ListError(f"`info registers` shows no {name}")
        return int(match.group(1), 16)

    registers = Registers(field("CR0"), field("CR3"), field("CR4"), field("EFER"), field("CPL"))
    if not registers.cr0 >> 31 & 1 or not registers.efer >> 10 & 1:
        raise ListError("the machine is not in long mode with paging on")
    return registers


def sign_extend(va, bits):
    """The canonical 64-bit address whose low BITS bits are those of VA."""
    va &= (1 << bits) - 1
    return va | (1 << 64) - (1 << bits) if va >> (bits - 1) else va


def info_tlb(text):
    """Parse `info tlb` into {va: (ra, flags)}, flags being TLB_FLAGS bits of the entry."""
    line_form = re.compile(r"([0-9a-f]{16}): ([0-9a-f]{16}) ([-X][-G][-P][-D][-A][-C][-T][-U][-W])")
    pages = {}
    for line in text.splitlines():
        match = line_form.fullmatch(line)
        if not match:
            raise ListError(f"`info tlb` has an unknown line: {line!r}")
        flags = sum(bit for letter, bit in TLB_LETTERS if letter in match.group(3))
        va = int(match.group(1), 16)
        if va in pages:
            raise ListError(f"`info tlb` lists {va:#x} twice")
        pages[va] = int(match.group(2), 16), flags
    return pages


def info_mem(text):
    """Parse `info mem` into ranges (va, end, rights) in order; rights are USER and WRITE, end may be 2**64.

    QEMU sign-extends the end of a range like an address, so it is taken from the length.
    """
    line_form = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) ([-u])r([-w])")
    ranges = []
    for line in text.splitlines():
        match = line_form.fullmatch(line)
        if not match:
            raise ListError(f"`info mem` has an unknown line: {line!r}")
        va, length = int(match.group(1), 16), int(match.group(3), 16)
        rights = USER * (match.group(4) == "u") | WRITE * (match.group(5) == "w")
        ranges.append((va, va + length, rights))
    return ranges


def join(ranges):
    """Sort ranges (va, end, rights) and join neighbours with equal rights. Overlap is an error."""
    joined = []
    for va, end, rights in sorted(ranges):
        if joined and va < joined[-1][1]:
            raise ListError(f"ranges overlap at {va:#x}")
        if joined and joined[-1][1:] == (va, rights):
            joined[-1] = joined[-1][0], end, rights
        else:
            joined.append((va, end, rights))
    return joined


def take_info_mem(machine, registers, root_table):
    """Ask a stopped MACHINE for `info mem` of the table at its CR3 and give back the ranges.

    With five levels QEMU 7.2's `info mem` lists nothing and takes half a minute: it tests two present bits the
    wrong way round. With four it is right. So the machine is shown each PML4 by itself, as if LA57 were off, and
    the rights of the PML5E above are combined here. ROOT_TABLE is the PML5 as 512 entries, None with four levels.
    The registers are as before on return; the machine must stay stopped meanwhile.
    """
    if registers.levels == 4:
        return join(info_mem(machine.monitor("info mem")))
    ranges = []
    try:
        machine.gdb.write("CR4", registers.cr4 & ~CR4_LA57)
        for index, entry in enumerate(root_table):
            if entry & PRESENT:
                machine.gdb.write("CR3", entry & ADDRESS)
                ranges += [(place(va, index), place(va, index) + end - va, rights & entry)
                           for va, end, rights in info_mem(machine.monitor("info mem"))]
    finally:
        machine.gdb.write("CR3", registers.cr3)
        machine.gdb.write("CR4", registers.cr4)
    return join(ranges)


def place(va, index):
    """The 57-bit address of what VA is in the 48-bit half under entry INDEX of the PML5."""
    return sign_extend(index << 48 | va & (1 << 48) - 1, 57)
