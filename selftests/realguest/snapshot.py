# SPDX-License-Identifier: GPL-2.0
"""Boot a Debian kernel as a guest of plain QEMU, stop it, and save what the comparison needs.

take() gives a Snapshot: the memory in a file, and for each page table of the running process a View with QEMU's
own lists. GUESTS says which guests there are.
"""

import os
import re
import subprocess
from dataclasses import dataclass, field

from machine import Machine, MachineError
from pagetable import Image, PageTable
from qemulists import Registers, info_registers, info_tlb, take_info_mem

HERE = os.path.dirname(os.path.realpath(__file__))

# QEMU's TCG offers this width and no other; it stands here because vmmuctl has to be told.
MAXPHYADDR = 40

# With page-table isolation a process has a second table, at the other half of the 8 KiB that CR3 points into.
PTI_USER_HALF = 1 << 12


@dataclass
class Guest:
    """How to boot one guest and save it."""

    name: str
    levels: int
    memory: list  # QEMU's arguments
    boot: str  # more kernel command line
    save: str  # raw or elf
    views: tuple


# Memory is so large because the kernel maps a GiB by one entry only if it lies whole between what it gave away
# early, at the bottom and the top. The second guest has most of its memory above 4 GiB, and a hole below.
GUESTS = (
    Guest("4-level", 4, ["-m", "2176M"], "pti=off", "raw", ("process",)),
    Guest("5-level", 5, ["-machine", "max-ram-below-4g=512M", "-m", "2688M"], "pti=on", "elf", ("user", "kernel")),
)


@dataclass
class View:
    """One page table as QEMU sees it."""

    name: str
    root: int
    tlb: dict  # info_tlb()
    mem: list  # take_info_mem()


@dataclass
class Snapshot:
    """A stopped guest."""

    guest: Guest
    path: str
    image: Image
    registers: Registers
    facts: dict  # what the guest said on its console
    views: list = field(default_factory=list)

    @property
    def pkru(self):
        """The register PKRU as the guest's program read it."""
        return int(self.facts["pkru"], 16)

    def page_table(self, view):
        """The independent walker on a view's table."""
        return PageTable(self.image, view.root, self.registers.levels)


def build_initramfs(folder):
    """Compile the guest's program and pack it as the only file; give back the archive."""
    archive = os.path.join(folder, "initramfs")
    subprocess.run(["gcc", "-O2", "-Wall", "-static", "-o", os.path.join(folder, "init"),
                    os.path.join(HERE, "guest.c")], check=True)
    with open(archive, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=folder, input=b"init\n", stdout=out, check=True)
    return archive


def boot_image(facts):
    """The bzImage beside an unpacked kernel's vmlinux: only its boot code can switch to five levels."""
    path = os.path.join(os.path.dirname(facts["vmlinux"]), "boot", f"vmlinuz-{facts['release']}")
    if not os.path.exists(path):
        raise MachineError(f"there is no {path}; the guest needs one of Debian's kernels, 6.1 or 6.12")
    return path


def qemu_arguments(guest, kernel, initramfs):
    """What makes the machine, and the kernel in it, the one that GUEST asks for."""
    la57 = "on" if guest.levels == 5 else "off"
    return ["-machine", "pc", "-cpu", f"max,la57={la57},phys-bits={MAXPHYADDR}", *guest.memory,
            "-kernel", kernel, "-initrd", initramfs,
            "-append", f"console=ttyS0 loglevel=4 panic=-1 nokaslr hugepages=8 {guest.boot}"]


def console_facts(text, path):
    """The lines "guest: KEY=VALUE" that guest.c prints, as a dict."""
    facts = dict(re.findall(r"^guest: (\w+)=(.*?)\r?$", text, re.MULTILINE))
    if "failed" in facts:
        raise MachineError(f"the guest's program failed at {facts['failed']}; its console is in {path}")
    return facts


def save_memory(machine, how, path):
    """Write the stopped machine's memory to PATH, as a raw file or as an ELF core, with holes for zeroes.

    QEMU writes each zero, so that what it writes goes through a pipe to dd, which leaves them out.
    """
    pipe = path + ".pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["dd", f"if={pipe}", f"of={path}", "ibs=64K", "obs=4K", "conv=sparse", "status=none"])
    try:
        if how == "elf":
            machine.qmp("dump-guest-memory", paging=False, protocol=f"file:{pipe}")
        else:
            size = machine.qmp("query-memory-size-summary")["base-memory"]
            machine.qmp("pmemsave", val=0, size=size, filename=pipe)
        if writer.wait():
            raise MachineError(f"dd could not write {path}; its reason is above")
    finally:
        writer.kill()
        writer.wait()
        os.unlink(pipe)


def take(guest, kernel, initramfs, folder, boot_timeout):
    """Boot GUEST, stop it while its program runs in user mode, and save everything in FOLDER."""
    stem = os.path.join(folder, guest.name)
    with Machine(qemu_arguments(guest, kernel, initramfs), stem + ".console") as machine:
        machine.qmp("cont")
        text = machine.wait_console("guest: ready=1", boot_timeout)
        facts = console_facts(text, machine.console)
        registers = info_registers(machine.stop_at(3))
        path = f"{stem}.{guest.save}"
        save_memory(machine, guest.save, path)
        snapshot = Snapshot(guest, path, Image(path), registers, facts)
        for name in guest.views:
            snapshot.views.append(take_view(machine, snapshot, name))
    return snapshot


def take_view(machine, snapshot, name):
    """Ask QEMU for the lists of one page table of the stopped guest."""
    registers = snapshot.registers
    root = registers.cr3 & ~PTI_USER_HALF if name == "kernel" else registers.cr3
    if name != "process" and not registers.cr3 & PTI_USER_HALF:
        raise MachineError("the guest was booted with pti=on, but CR3 in user mode is not the user half")
    machine.gdb.write("CR3", root)
    shown = info_registers(machine.monitor("info registers"))
    if shown.cr3 != root:
        raise MachineError(f"CR3 was to be {root:#x}, and QEMU shows {shown.cr3:#x}")
    tlb = info_tlb(machine.monitor("info tlb"))
    table = snapshot.image.table(root & ~0xfff) if registers.levels == 5 else None
    return View(name, root, tlb, take_info_mem(machine, shown, table))
