# SPDX-License-Identifier: GPL-2.0
"""What the report is about: each operation with its row, its goal, its floor and its peers.

Rows are named as build/bench/bench --list has them. Goals are instructions an operation on Linux 6.1, unless the row
says otherwise. No figure that can be measured is written down here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """At most, or at least, so much; or no more than the floor."""

    at_most: float | None = None
    at_least: float | None = None
    as_floor: bool = False


@dataclass(frozen=True)
class Floor:
    """What the kernel takes by itself: measured rows, each divided among so many entries; or a figure by definition."""

    parts: tuple = ()           # (row, among how many) each
    constant: float | None = None
    text: str = ""              # where a constant comes from

    def __str__(self):
        return self.text or " + ".join(row if share == 1 else f"{row} / {share}" for row, share in self.parts)


@dataclass(frozen=True)
class Operation:
    """A line of the report."""

    number: str
    title: str
    ours: str
    goal: Goal | None = None
    floor: Floor | None = None
    peers: tuple = ()
    caveat: str = ""
    why: str = ""               # the reason, if the goal cannot be met
    faults: bool = False        # each operation takes a page fault, which costs more since 6.12


@dataclass(frozen=True)
class Workload:
    """Programs that do the same by each way of mapping."""

    name: str
    title: str
    ways: tuple                 # of ours
    peers: tuple = ("mmap", "uffd")

    def row(self, way):
        return f"end_{self.name}_{way}"


def most(limit):
    return Goal(at_most=limit)


def floor(row, share=1):
    return Floor(((row, share),))


# How much more a fault may cost on kernels after 6.1.
FAULT_ALLOWANCE = 1.1
ALLOWED = "the goal on Linux 6.1 and a tenth, which faults cost more since then"

# Peers and what their figures leave out; a row's own note comes on top.
PEERS = {
    "anon_fault": ("fault of anonymous memory", ""),
    "dontneed_bulk": ("MADV_DONTNEED, anonymous", ""),
    "dontneed_shared_bulk": ("MADV_DONTNEED of a memfd", ""),
    "io_uring_nop_64": ("io_uring, a NOP of 64", "it maps nothing: what a batch costs by itself"),
    "kvm_dirty_log_fault": ("KVM dirty log, write fault", "it tells that a page was written, once, not what was stored"),
    "kvm_npt_fault": ("KVM with NPT, cold fault", "hardware walks the guest's own table"),
    "kvm_npt_install_use": ("KVM with NPT", "hardware walks both tables, so an install never leaves the guest; "
                                            "what it costs is the longer walk of each TLB miss, which is not counted"),
    "kvm_shadow_install_use_1": ("KVM shadow MMU, one page", ""),
    "kvm_shadow_install_use_64": ("KVM shadow MMU, 64 pages", ""),
    "kvm_shadow_remap_1": ("KVM shadow MMU", ""),
    "kvm_shadow_remap_64": ("KVM shadow MMU, 64 pages", ""),
    "kvm_translate": ("KVM_TRANSLATE", ""),
    "kvm_vm": ("KVM, one slot and one CPU", ""),
    "map_populate": ("MAP_POPULATE of new memory", ""),
    "map_populate_shared": ("MAP_POPULATE of a memfd", ""),
    "memfd_around": ("memfd, fault-around", ""),
    "memfd_fault": ("fault of a memfd's page", ""),
    "mmap_fixed": ("mmap(MAP_FIXED)", ""),
    "mmap_fixed_remap": ("mmap(MAP_FIXED) and touch", ""),
    "mmap_fixed_touch": ("mmap(MAP_FIXED) and touch", ""),
    "munmap_bulk": ("munmap(), anonymous", ""),
    "munmap_shared_bulk": ("munmap() of a memfd", ""),
    "pagemap_bulk": ("/proc/self/pagemap, in bulk", ""),
    "pagemap_single": ("/proc/self/pagemap, one page",
                       "instruction counts overstate it by far: by the clock it fares better"),
    "plain_access": ("plain memory", ""),
    "remap_file_pages": ("remap_file_pages()", ""),
    "remap_file_pages_touch": ("remap_file_pages() and touch", ""),
    "sigsegv_trap": ("mprotect() and SIGSEGV", ""),
    "sigsegv_trap_apart": ("SIGSEGV, no mapping split", ""),
    "threads_memfd_fault": ("faults of a memfd", ""),
    "threads_uffd": ("userfaultfd", ""),
    "uffd_continue": ("UFFDIO_CONTINUE", ""),
    "uffd_continue_bulk": ("UFFDIO_CONTINUE, in bulk", ""),
    "uffd_copy": ("UFFDIO_COPY", ""),
    "uffd_copy_bulk": ("UFFDIO_COPY, in bulk", ""),
    "uffd_sigbus": ("userfaultfd, SIGBUS", ""),
    "uffd_thread": ("userfaultfd, handler thread", ""),
    "uffd_wp": ("userfaultfd, write protection", ""),
}

OPERATIONS = (
    Operation("1", "translate one va to ra and pfn", "translate", most(800), floor("ioctl_copied"),
              ("kvm_translate", "pagemap_single"),
              why="a call whose argument is copied both ways, which is the floor, takes more than the goal; a walk "
                  "reads each level through the real map table"),
    Operation("2", "translate a range, a page", "translate_range", most(12), floor("ioctl", 512), ("pagemap_bulk",),
              why="an answer has 48 bytes: they are written, and copied to the caller; and each page's entry and "
                  "frame are looked at"),
    Operation("3", "window fault of a page, both walks", "window_fault", most(1750), floor("fault"),
              ("memfd_fault", "kvm_shadow_install_use_1", "kvm_npt_fault", "sigsegv_trap", "sigsegv_trap_apart",
               "uffd_sigbus", "uffd_thread"), faults=True,
              why="the kernel's own fault leaves the rest of the goal to two walks, to the notes for whoever takes "
                  "the page away, and to the insertion under the page table's lock; that takes more than twice as "
                  "much"),
    Operation("4", "first touch in order, a page", "first_touch", most(90), floor("fault", 512),
              ("memfd_around", "map_populate_shared", "map_populate", "kvm_shadow_install_use_64"),
              why="of each page ahead the entry, the frame and the frame's owner are looked at, and its PTE is made: "
                  "nothing of that is in the floor"),
    Operation("5", "install, backed, one at a time", "install_1", None, floor("ioctl"),
              ("uffd_continue", "remap_file_pages", "mmap_fixed")),
    Operation("5", "install, backed, batch of 64, each", "install_64", most(120), floor("ioctl", 64),
              ("io_uring_nop_64", "uffd_continue_bulk", "uffd_continue", "remap_file_pages", "mmap_fixed")),
    Operation("5", "install, backed, batch of 512, each", "install_512", most(80), floor("ioctl", 512),
              ("uffd_continue_bulk", "uffd_continue", "remap_file_pages", "mmap_fixed")),
    Operation("5", "the same where stores trap", "install_64_trapping", None, floor("ioctl", 64)),
    Operation("5", "the same, named by real address", "install_64_by_ra", None, floor("ioctl", 64)),
    Operation("5a", "install, new frames, batch of 64, each", "install_new_64", most(850), floor("zero_page"),
              ("uffd_copy_bulk", "uffd_copy", "map_populate"),
              why="the page allocator, the charge to the memory cgroup and the zeroing take more than the goal by "
                  "themselves; the allocator's bulk interface charges nobody"),
    Operation("6", "install and use, batch of 64, each", "install_and_use_64", most(200),
              Floor((("ioctl", 64), ("plain_access", 1))),
              ("kvm_shadow_install_use_64", "kvm_shadow_install_use_1", "kvm_npt_install_use", "memfd_fault",
               "remap_file_pages_touch", "mmap_fixed_touch"),
              why="an install and a page mapped ahead, each with the frame's lookup"),
    Operation("7", "remap a page in use, one at a time", "remap_1", most(3900), Floor((("zap_1", 1), ("fault", 1))),
              ("kvm_shadow_remap_1", "mmap_fixed_remap"), faults=True,
              why="the kernel's zap of a single page and the fault that follows it, which are the floor, take nearly "
                  "all of the goal; an install and both walks come on top"),
    Operation("7", "remap, batch of 64, each", "remap_64", most(250), Floor((("zap_64", 1), ("plain_access", 1))),
              ("kvm_shadow_remap_64", "mmap_fixed_remap"),
              why="an install and a page mapped ahead come on top of the kernel's zap, which is the floor"),
    Operation("8", "store to a page table, installed", "trapped_store", most(2400), floor("fault"),
              ("sigsegv_trap", "sigsegv_trap_apart", "uffd_wp", "kvm_dirty_log_fault"), faults=True,
              why="the kernel's way to page_mkwrite() costs more than a plain fault, which is the floor; decoding, "
                  "both walks of the tables' uses and the bookkeeping come on top"),
    Operation("9", "unmap 512 pages in use, each", "unmap_512", most(105), floor("zap_512"),
              ("dontneed_bulk", "dontneed_shared_bulk", "munmap_bulk", "munmap_shared_bulk"),
              why="the kernel's zap of pages that are there, which is the floor, takes the goal by itself"),
    Operation("9", "zap a page, one at a time", "zap_1", None, floor("ioctl")),
    Operation("9", "zap 64 pages, each", "zap_64", None, floor("ioctl", 64)),
    Operation("9", "zap 512 pages, each", "zap_512", None, floor("ioctl", 512)),
    Operation("10", "populate a real page", "populate", most(800), floor("zero_page"), ("anon_fault", "map_populate"),
              why="the page allocator and the charge to the memory cgroup take more than the rest of the goal; the "
                  "allocator's bulk interface charges nobody"),
    Operation("11", "create and destroy a VM of 1 TiB", "vm", most(10000), None, ("kvm_vm",)),
    Operation("12", "metadata of a mapped page", "memory_page", most(8.2), Floor(constant=8, text="a pointer")),
    Operation("12", "the same where stores trap", "memory_page_trapping", None, Floor(constant=8, text="a pointer")),
    Operation("12", "an empty VM of 1 TiB", "memory_vm", most(8192)),
    Operation("12", "a space", "memory_space"),
    Operation("12", "a window", "memory_window"),
    Operation("13", "load from a window, mapped", "window_access", Goal(as_floor=True),
              floor("plain_access"), ("plain_access",)),
    Operation("14", "window faults, threads to one", "threads_window_fault", Goal(at_least=1.7),
              floor("threads_plain"), ("threads_memfd_fault", "threads_uffd")),
    Operation("14", "translations", "threads_translate", None, floor("threads_plain")),
    Operation("14", "installs in a VM each", "threads_install_vms", None, floor("threads_plain")),
    Operation("14", "installs in one space", "threads_install", None, floor("threads_plain")),
    Operation("14", "trapped stores in a VM each", "threads_trapped_store_vms", None, floor("threads_plain")),
    Operation("14", "trapped stores in one space", "threads_trapped_store", None, floor("threads_plain")),
)

OUR_WAYS = ("stores", "prepared", "hypercalls", "batches", "lazy")
UNPREPARED = tuple(way for way in OUR_WAYS if way != "prepared")

WORKLOADS = (
    Workload("paging", "demand paging, a page", UNPREPARED, ("mmap", "uffd", "continue")),
    Workload("fork", "fork and copy on write, a page", OUR_WAYS),
    Workload("exit", "tear an address space down, a page", UNPREPARED),
    Workload("server", "a server's request", UNPREPARED),
)

CAVEATS = (
    "Figures are the guest's instructions, kernel and all, an operation: the least of all repeats. They charge nothing "
    "for a world switch, a cache miss or a TLB miss.",
    "The time that emulation takes is used for nothing but ratios of threads: how much more as many as there are CPUs "
    "do at once than one does. More is better there, and the floor is what the machine gives.",
    "A floor is what the kernel takes for the call, the fault or the page alone, divided among a batch's entries; what "
    "has to be done for each entry is not in it.",
)


def is_ours(name):
    """Whether a row measures vmmu: not a peer, nor a floor."""
    return (name in {operation.ours for operation in OPERATIONS} or
            name in {workload.row(way) for workload in WORKLOADS for way in workload.ways})
