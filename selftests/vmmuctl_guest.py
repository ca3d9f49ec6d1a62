#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Hold VMs and page tables for vmmuctl to look at, through the shared library.

usage: vmmuctl_guest.py LIBVMMU FOLDER

Prints "VM SPACE SPACE5 ENDLESS-VM ENDLESS-SPACE CHILD ORPHAN EMPTY TRAP WINDOWED-VM STALE-VM", then waits for the end
of stdin. CHILD is a process that alone holds two spaces of a VM, but not the VM itself, by the descriptors ORPHAN and
EMPTY; the rest are descriptor numbers of this process. The endless space's only table refers to itself from every
entry, so that real page 0 is mapped at every address, and real page 0x1000 at none. The orphan maps one page, the empty
space none. The trap file gets the page faults of SPACE5, of which there are none. The windowed VM has a window that was
touched, the stale one a window that grants what its page table does not any more. FOLDER gets raw.img and core.elf: the
same memory as a raw image and as an ELF core with QEMU's note.
"""
import ctypes
import os
import struct
import sys

REAL_BYTES = 4 << 20
ROOT, ROOT5 = 0x1000, 0x3000
P, W, U, PS, NX = 1, 2, 4, 0x80, 1 << 63
MODE = b"WP NXE CPL3 MAXPHYADDR=40"
FORMAT_4LEVEL, FORMAT_5LEVEL = 1, 2

# (va, level, entry): level 1 maps 4 KiB, level 2 maps 2 MiB.
PAGES = [
    (0x400000, 1, 0x10000 | P | U),                         # program text
    (0x401000, 1, 0x11000 | P | U),                         # goes on where it ends, mapped alike
    (0x402000, 1, 0x12000 | P | U | W | NX),                # data
    (0x403000, 1, 0x13000 | P | U | NX),                    # constants
    (0x404000, 1, 0x8000_0000 | P | U | W | NX),            # beyond real memory
    (0x405000, 1, 0x14000 | P | U | W | 1 << 45),           # a reserved bit with 40 address bits
    (0x600000, 2, 0x200000 | P | U | W | PS | NX),          # a large page
    (0xffff_8000_0000_0000, 1, 0x15000 | P | W | NX),       # the kernel's
]


class InstallOp(ctypes.Structure):
    _fields_ = [("va", ctypes.c_uint64), ("value", ctypes.c_uint64), ("level", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32)]


def check(what, result):
    if result < 0:
        sys.exit(f"{what}: {os.strerror(-result)}")
    return result


def tables_for(levels, pages, next_table):
    """The installs for the pages, upper levels first; tables come from next_table on."""
    made, ops = set(), []
    for va, leaf, entry in pages:
        for level in range(levels, leaf, -1):
            place = (level, va >> (12 + 9 * (level - 1)))
            if place not in made:
                made.add(place)
                ops.append((va, level, next_table | P | W | U))
                next_table += 4096
        ops.append((va, leaf, entry))
    return ops


def install(lib, space, ops):
    array = (InstallOp * len(ops))(*[InstallOp(va, value, level, 0) for va, level, value in ops])
    check("install", lib.vmmu_install(space, array, len(ops), 0, None, None))


def map_memory(lib, vm, size):
    memory = ctypes.c_void_p()
    check("mmap", lib.vmmu_real_map_memory(vm, 0, size, 3, ctypes.byref(memory)))
    return memory.value


def windowed_vm(lib, device, mode, stale):
    """A VM with a window, touched; if stale, its guest has changed the entry by a plain store, and not said so."""
    vm = check("VM", lib.vmmu_vm_create(device, 8192, None))
    space = check("space", lib.vmmu_space_create(vm, FORMAT_4LEVEL, 0, 0, mode, None))
    table = map_memory(lib, vm, 4096)
    ctypes.memmove(table, struct.pack("<Q", P | W | U), 8)
    window = ctypes.c_void_p()
    check("window", lib.vmmu_window_map(space, 0, 4096, 1, None, ctypes.byref(window)))
    ctypes.string_at(window.value, 1)
    if stale:
        ctypes.memmove(table, bytes(8), 8)
    return vm


def write_images(folder, memory):
    """Save real memory as a raw image, and in two pieces as a core as QEMU writes it."""
    with open(os.path.join(folder, "raw.img"), "wb") as raw:
        raw.write(memory)
    state = struct.pack("<II", 1, 440) + bytes(18 * 8 + 10 * 24)
    state += struct.pack("<5Q", 1 << 31 | 1 << 16 | 1, 0, 0, ROOT | 0x5, 1 << 5) + bytes(8)
    note = struct.pack("<III", 5, len(state), 0) + b"QEMU\0\0\0\0" + state
    half = len(memory) // 2
    header_bytes = 64 + 3 * 56
    rows = [(4, header_bytes, 0, len(note)),
            (1, header_bytes + len(note), half, half),
            (1, header_bytes + len(note) + half, 0, half)]
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(rows), 0, 0, 0)
    for kind, offset, address, size in rows:
        header += struct.pack("<IIQQQQQQ", kind, 0, offset, 0, address, size, size, 0)
    with open(os.path.join(folder, "core.elf"), "wb") as core:
        core.write(header + note + memory[half:] + memory[:half])


def main():
    lib = ctypes.CDLL(sys.argv[1])
    lib.vmmu_vm_create.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_void_p]
    lib.vmmu_real_map_memory.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]
    lib.vmmu_space_create.argtypes = [ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p,
                                      ctypes.c_void_p]
    lib.vmmu_window_map.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p,
                                    ctypes.c_void_p]
    device = check("open", lib.vmmu_open(None))
    vm = check("VM", lib.vmmu_vm_create(device, REAL_BYTES, None))
    mode = ctypes.create_string_buffer(256)     # more than a struct vmmu_mode
    check("mode", lib.vmmu_mode_from_text(MODE, mode))
    space = check("space", lib.vmmu_space_create(vm, FORMAT_4LEVEL, 0, ROOT, mode, None))
    space5 = check("5-level space", lib.vmmu_space_create(vm, FORMAT_5LEVEL, 0, ROOT5, mode, None))
    install(lib, space, tables_for(4, PAGES, 0x20000))
    install(lib, space5, tables_for(5, PAGES[:2] + [(0xff00_0000_0000_0000, 1, 0x15000 | P | W | NX)], 0x40000))

    trap = check("trap file", lib.vmmu_trap_create(vm))
    check("delivery", lib.vmmu_set_delivery(space5, 1, trap))

    # Another VM, of which a child alone keeps the spaces.
    other = check("VM", lib.vmmu_vm_create(device, 4096, None))
    orphan = check("space", lib.vmmu_space_create(other, FORMAT_4LEVEL, 0, 0, mode, None))
    empty = check("space", lib.vmmu_space_create(other, FORMAT_4LEVEL, 0, 0x1000, mode, None))
    ctypes.memmove(map_memory(lib, other, 4096), struct.pack("<Q", P | W | U), 8)
    child = os.fork()
    if not child:
        for fd in (device, vm, space, space5, trap, other):
            os.close(fd)
        sys.stdin.read()
        os._exit(0)
    for fd in (orphan, empty, other):
        os.close(fd)

    endless = check("VM", lib.vmmu_vm_create(device, 8192, None))
    endless_space = check("space", lib.vmmu_space_create(endless, FORMAT_4LEVEL, 0, 0, mode, None))
    ctypes.memmove(map_memory(lib, endless, 4096), struct.pack("<Q", P | W | U) * 512, 4096)

    windowed = windowed_vm(lib, device, mode, False)
    stale = windowed_vm(lib, device, mode, True)
    tables = bytearray(REAL_BYTES)
    tables[:0x80000] = ctypes.string_at(map_memory(lib, vm, REAL_BYTES), 0x80000)
    write_images(sys.argv[2], bytes(tables))
    print(vm, space, space5, endless, endless_space, child, orphan, empty, trap, windowed, stale, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
