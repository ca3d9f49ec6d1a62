#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A guest OS that changes its page table on demand, for vmmuctl to watch, through the shared library.

usage: vmmuctl_installer.py LIBVMMU

Prints "VM TRAPPING LAZY", the descriptors of a VM and of two spaces of it, then obeys the commands on stdin, one a line,
and says "done" after each, until the end of stdin. The trapping space maps nothing at first: its entry for VA, of the
last level, lies at real address 0x4000. The lazy one's root table is empty. Numbers are hexadecimal.

store ENTRY       store the entry for VA, by one instruction
byte VALUE        store one byte of it, which opens its page
table ENTRY       store another entry of the table above, by one instruction
hypercall ENTRY   install the entry for VA
lazy ENTRY        install an entry of the root of the lazy space
back ENTRY        the same as hypercall, in an all-or-nothing batch that fails
discard           discard the table that has the entry for VA
flood N           N stores, each an install
listen KIND HOW   have installs of KIND (a number) delivered here by HOW (a number)
close             close both spaces

SIGUSR1 makes the trapping space's descriptor the lazy one's, so that it is closed.
"""
import ctypes
import os
import signal
import sys

from vmmuctl_guest import FORMAT_4LEVEL, MODE, P, REAL_BYTES, ROOT, U, W, InstallOp, check, install, map_memory, tables_for

VA, PTE, PDE = 0x400000, 0x4000, 0x3018
LAZY_ROOT = 0x8000
TRAPPING, ATOMIC = 1, 1


class Installer:
    def __init__(self, lib):
        self.lib = lib
        self.flooded = 0
        mode = ctypes.create_string_buffer(256)
        check("mode", lib.vmmu_mode_from_text(MODE, mode))
        self.vm = check("VM", lib.vmmu_vm_create(check("open", lib.vmmu_open(None)), REAL_BYTES, None))
        self.space = check("space", lib.vmmu_space_create(self.vm, FORMAT_4LEVEL, TRAPPING, ROOT, mode, None))
        self.lazy = check("space", lib.vmmu_space_create(self.vm, FORMAT_4LEVEL, 0, LAZY_ROOT, mode, None))
        self.memory = map_memory(lib, self.vm, REAL_BYTES)
        install(lib, self.space, tables_for(4, [(VA, 1, 0)], 0x2000))

    def put(self, ra, value):
        ctypes.c_uint64.from_address(self.memory + ra).value = value

    def obey(self, word, *numbers):
        numbers = [int(number, 16) for number in numbers]
        if word == "store":
            self.put(PTE, *numbers)
        elif word == "table":
            self.put(PDE, *numbers)
        elif word == "byte":
            ctypes.c_uint8.from_address(self.memory + PTE + 1).value = numbers[0]
        elif word == "hypercall":
            install(self.lib, self.space, [(VA, 1, *numbers)])
        elif word == "lazy":
            install(self.lib, self.lazy, [(0, 4, *numbers)])
        elif word == "back":
            batch = (InstallOp * 2)(InstallOp(VA, numbers[0], 1, 0), InstallOp(VA, 0, 9, 0))
            assert self.lib.vmmu_install(self.space, batch, 2, ATOMIC, None, None) < 0
        elif word == "discard":
            check("discard", self.lib.vmmu_discard(self.vm, ctypes.c_uint64(PTE), ctypes.c_uint64(4096), None))
        elif word == "flood":
            for _ in range(numbers[0]):
                self.put(PTE + 8 * (self.flooded % 512), 0x10000 + 4096 * (self.flooded // 512 % 2) | P | W | U)
                self.flooded += 1
        elif word == "listen":
            trap = check("trap file", self.lib.vmmu_trap_create(self.vm))
            check("delivery", self.lib.vmmu_set_delivery_of(self.space, *numbers, trap))
        elif word == "close":
            for fd in (self.space, self.lazy):
                os.close(fd)
        else:
            sys.exit(f"{word}: no such command")


def main():
    lib = ctypes.CDLL(sys.argv[1])
    lib.vmmu_vm_create.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_void_p]
    lib.vmmu_real_map_memory.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]
    lib.vmmu_space_create.argtypes = [ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p,
                                      ctypes.c_void_p]
    installer = Installer(lib)
    signal.signal(signal.SIGUSR1, lambda *_: os.dup2(installer.lazy, installer.space))
    print(installer.vm, installer.space, installer.lazy, flush=True)
    for line in sys.stdin:
        installer.obey(*line.split())
        print("done", flush=True)


if __name__ == "__main__":
    main()
