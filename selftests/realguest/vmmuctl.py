# SPDX-License-Identifier: GPL-2.0
"""Run vmmuctl on saved images in the test VM.

Batch collects jobs, each one run of `vmmuctl image`; run() does them all in one boot of the VM and reads the
reports. An image gets into the VM as a tar archive on a disk and is unpacked there into memory, because tar keeps
its holes, and because the VM reads a disk a hundred times as fast as the host's files.
"""

import json
import os
import shlex
import struct
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PAGE = 4096


class VmmuctlError(Exception):
    """vmmuctl, or the VM around it, failed; the text tells where to look."""


@dataclass
class Job:
    """One run of `vmmuctl image`."""

    name: str
    image: str  # file name
    arguments: list
    addresses: list  # for its stdin


class Batch:
    """Jobs to be done in one boot of the test VM."""

    def __init__(self, folder, kernel, timeout):
        self.folder, self.kernel, self.timeout = folder, kernel, timeout
        self.archives = []
        self.jobs = []

    def add_image(self, path):
        """Pack PATH for the VM, where it gets the same file name."""
        archive = path + ".tar"
        folder, name = os.path.split(path)
        subprocess.run(["tar", "-C", folder, "-cSf", archive, name], check=True)
        self.archives.append((archive, name))

    def add(self, name, image, arguments, addresses=()):
        """Add a job; its report is run()[NAME]."""
        self.jobs.append(Job(name, os.path.basename(image), arguments, addresses))

    def script(self, tool):
        """The shell script that does the jobs in the VM, image by image."""
        lines = ["cd /tmp || exit 1"]
        for number, (_, name) in enumerate(self.archives):
            lines.append(f"tar -b 4096 -xf /dev/vd{chr(ord('a') + number)} || exit 1")
            for job in (job for job in self.jobs if job.image == name):
                with open(self.file(job, "in"), "w", encoding="utf-8") as file:
                    file.writelines(f"{va:#x}\n" for va in job.addresses)
                command = shlex.join([tool, "image", name, "--json", *job.arguments])
                lines.append(f"{command} <{shlex.quote(self.file(job, 'in'))} "
                             f'>"$OUT/{job.name}.json" 2>"$OUT/{job.name}.err"; echo $? >"$OUT/{job.name}.status"')
            lines.append(f"rm {name}")
        return "\n".join(lines) + "\n"

    def file(self, job, suffix):
        """A file of a job on the host."""
        return os.path.join(self.folder, f"{job.name}.{suffix}")

    def run(self):
        """Do all jobs; give back {name: report}."""
        subprocess.run(["make", "-s", "-C", os.path.join(TOP, "userspace"), "cli"], check=True)
        script = os.path.join(self.folder, "jobs.sh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(self.script(os.path.join(TOP, "build", "userspace", "vmmuctl")))
        disks = [word for archive, _ in self.archives for word in ("--disk", archive)]
        status = subprocess.run([os.path.join(TOP, "selftests", "vm", "run"), "--kernel", self.kernel, "--timeout",
                                 str(self.timeout), "--out", self.folder, *disks, "--", "sh", script],
                                check=False).returncode
        if status:
            raise VmmuctlError(f"the test VM failed with status {status}; its messages are above, and its kernel's "
                               f"log is {self.folder}/kernel.log")
        return {job.name: self.report(job) for job in self.jobs}

    def report(self, job):
        """What a job printed, as JSON. 1 is the status of a list with an address that did not translate."""
        with open(self.file(job, "status"), encoding="utf-8") as file:
            status = int(file.read())
        with open(self.file(job, "err"), encoding="utf-8", errors="replace") as file:
            errors = file.read()
        if status not in ((0, 1) if job.addresses else (0,)):
            raise VmmuctlError(f"`vmmuctl image {shlex.join(job.arguments)}` (job {job.name}) failed with status "
                               f"{status}: {errors.strip()}")
        with open(self.file(job, "json"), encoding="utf-8") as file:
            return json.load(file)


def save_tables(image, path):
    """Write the page tables that have been read from IMAGE as an ELF core, a segment a run of tables.

    Whether an access is granted depends on these alone, and vmmuctl loads them at once.
    """
    runs = []
    for ra in sorted(image.tables):
        if runs and runs[-1][0] + runs[-1][1] == ra:
            runs[-1][1] += PAGE
        else:
            runs.append([ra, PAGE])
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(runs), 0, 0, 0)
    offset = -(-(64 + 56 * len(runs)) // PAGE) * PAGE
    with open(path, "wb") as file:
        file.write(header)
        start = offset
        for ra, length in runs:
            file.write(struct.pack("<IIQQQQQQ", 1, 4, start, 0, ra, length, length, PAGE))
            start += length
        file.seek(offset)
        for ra in sorted(image.tables):
            file.write(struct.pack("<512Q", *image.tables[ra]))
