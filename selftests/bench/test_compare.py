#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Test how results are compared, how sweeps are judged, and what selftests/bench/run takes. Prints TAP."""

import json
import os
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import sweeps  # noqa: E402
from results import BadResults, Results, read_text  # noqa: E402
from testing import Folder, lines_about, main, row, script  # noqa: E402

compare, run = script("compare"), script("run")


class Compare(Folder):
    def compare(self, base, new, *options, kernel="6.1.0-1-amd64"):
        return self.main(compare, *options, self.results("base", *base), self.results("new", *new, kernel=kernel))

    def test_ours_worse(self):
        status, out, _ = self.compare([row("translate", 100)], [row("translate", 102.1)])
        self.assertEqual(status, 1)
        self.assertRegex(out, r"(?m)^worse +translate +100\.00 -> 102\.10, \+2\.1 %$")

    def test_ours_within_the_limit(self):
        for value in (98, 100, 102):
            status, out, _ = self.compare([row("translate", 100)], [row("translate", value)])
            self.assertEqual((status, lines_about(out, "translate ")), (0, []), value)
            self.assertIn("1 rows of ours: 0 worse, 0 better", out)

    def test_ours_better(self):
        status, out, _ = self.compare([row("translate", 100)], [row("translate", 97.9)])
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^better +translate +100\.00 -> 97\.90, -2\.1 %$")

    def test_end_to_end_and_memory_are_ours_but_for_peers(self):
        for name, status in (("end_fork_lazy", 1), ("end_fork_mmap", 0), ("memory_page", 1)):
            self.assertEqual(self.compare([row(name, 100)], [row(name, 110)])[0], status, name)

    def test_peers_are_mentioned(self):
        for value, said in ((103, False), (103.1, True), (97, False), (90, True)):
            status, out, _ = self.compare([row("memfd_fault", 100)], [row("memfd_fault", value)])
            self.assertEqual((status, "memfd_fault" in out), (0, said), value)
            self.assertNotRegex(out, r"(?m)^(worse|better)")

    def test_wall_time_is_mentioned(self):
        rows = [[row("threads_window_fault", value, unit="ratio")] for value in (2.0, 1.5, 1.9)]
        status, out, _ = self.compare(rows[0], rows[1])
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^\(worse\) +threads_window_fault")
        self.assertNotIn("threads_window_fault ", self.compare(rows[0], rows[2])[1])

    def test_zero(self):
        self.assertEqual(self.compare([row("translate", 0)], [row("translate", 0)])[0], 0)
        self.assertEqual(self.compare([row("translate", 0)], [row("translate", 1)])[0], 1)

    def test_gone_and_new(self):
        status, out, _ = self.compare([row("translate", 100), row("vm", 1)], [row("translate", 100), row("memory_vm", 9)])
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^gone +vm +not measured any more$")
        self.assertRegex(out, r"(?m)^new +memory_vm +9\.00$")

    def test_skipped_and_back(self):
        skipped = {"name": "translate", "skipped": "no device"}
        status, out, _ = self.compare([row("translate", 100)], [skipped])
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^gone +translate +skipped: no device$")
        self.assertRegex(self.compare([skipped], [row("translate", 100)])[1], r"(?m)^new +translate +100\.00, was skipped")

    def test_failing_is_worse(self):
        for name, status in (("translate", 1), ("memfd_fault", 0)):
            failed = {"name": name, "failed": "Invalid argument"}
            self.assertEqual(self.compare([row(name, 100)], [failed])[0], status, name)

    def test_units_differ(self):
        out = self.compare([row("memory_vm", 1)], [row("memory_vm", 1, unit="bytes")])[1]
        self.assertRegex(out, r"(?m)^changed +memory_vm +counts bytes now, not instructions$")

    def test_other_kernel(self):
        rows = [row("translate", 100)]
        status, _, err = self.compare(rows, rows, kernel="6.12.9-amd64")
        self.assertEqual(status, 2)
        self.assertRegex(err, "different kernels, 6.1.0-1-amd64 and 6.12.9-amd64; --force")
        self.assertEqual(self.compare(rows, rows, "--force", kernel="6.12.9-amd64")[0], 0)

    def test_later_package_of_a_kernel(self):
        rows = [row("translate", 100)]
        status, out, _ = self.compare(rows, rows, kernel="6.1.0-57-amd64")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^new: .* kernel 6\.1\.0-57-amd64")

    def test_bad_file(self):
        status, _, err = self.main(compare, self.file("bad", "rubbish"), self.results("new", row("vm", 1)))
        self.assertEqual(status, 2)
        self.assertRegex(err, r"bad, line 1: no JSON")

    def test_nothing_measured_yet(self):
        with mock.patch.object(compare, "LAST", os.path.join(self.folder, "none")):
            status, _, err = self.main(compare, self.results("base", row("vm", 1)))
        self.assertEqual(status, 2)
        self.assertIn("run `make bench` first", err)


class Sweeps(unittest.TestCase):
    @staticmethod
    def read(*items):
        found = sweeps.Sweeps()
        found.read("".join(json.dumps(item) + "\n" for item in items), "test")
        return found

    def test_limits(self):
        points = [[1 << 20, 8000], [1 << 40, 8400]]
        found = self.read({"kernel": "6.1.0-1-amd64"},
                          {"name": "flat", "parameter": "real bytes", "points": points, "ratio": 1.05, "limit": 1.1},
                          {"name": "steep", "parameter": "windows", "points": [[1, 2], [9, 40]], "slope": 4.75, "limit": 4},
                          {"name": "free", "parameter": "x", "points": [[1, 2]]})
        text = sweeps.text(found)
        self.assertIn("           1 TiB          8400.0\n", text)
        self.assertIn("ratio 1.05, limit 1.1: within", text)
        self.assertIn("slope 4.75, limit 4: BEYOND", text)
        self.assertIn("limits: 1 kept, 1 broken: steep, 1 without a verdict", text)
        self.assertEqual([sweep["within"] for sweep in found.document()["sweeps"]], [True, False, None])

    def test_reasons(self):
        found = self.read({"name": "vms", "failed": "Too many open files"}, {"name": "batch", "skipped": "no batches"})
        self.assertIn("vms: failed: Too many open files", sweeps.text(found))
        self.assertIn("batch: skipped: no batches", sweeps.text(found))
        self.assertEqual(found.failed(), ["vms"])

    def test_bounds(self):
        found = self.read({"name": "idle", "points": [[1, 8193]], "most": 8193, "limit": 8192})
        self.assertIn("most 8193, limit 8192: BEYOND", sweeps.text(found))

    def test_bad_sweeps(self):
        for item, expected in (
                ([1], "a JSON object"), ({"points": [[1, 2]]}, "without a name"), ({"name": "a"}, "no points"),
                ({"name": "a", "points": [[1]]}, "two numbers"), ({"name": "a", "points": [[1, "2"]]}, "two numbers"),
                ({"name": "a", "points": [[1, 2]], "ratio": "1"}, "ratio has to be a number")):
            with self.assertRaisesRegex(BadResults, expected):
                self.read(item)
        with self.assertRaisesRegex(BadResults, "no sweeps"):
            self.read()


class Run(Folder):
    def test_bad_usage(self):
        for arguments, expected in (
                (["--repeats", "0"], "0 is no number from 1 to 1000"), (["--repeats", "x"], "x is no number"),
                (["--json", self.folder], "cannot write"), (["--svg", "/none/a.svg"], "cannot write /none"),
                (["--scale", "--svg", os.path.join(self.folder, "a")], "not --scale"), (["rubbish"], "rubbish")):
            status, _, err = self.main(run, *arguments)
            self.assertEqual(status, 2, arguments)
            self.assertRegex(err, expected)

    def test_kernel(self):
        for kernel, expected in (("", "6.1"), ("6.12", "6.12")):
            with mock.patch.dict(os.environ, {"KERNEL": kernel}):
                self.assertEqual(run.parse([]).kernel, expected)
                self.assertEqual(run.parse(["--kernel", "6.9"]).kernel, "6.9")

    def test_results_of_programs_add_up(self):
        found = Results()
        for line in ({"name": "vm", "value": 1}, {"name": "threads_x", "value": 2}):
            read_text('{"kernel": "6.1"}\n' + json.dumps(line), "test", found)
        self.assertEqual(list(found.rows), ["vm", "threads_x"])

if __name__ == "__main__":
    sys.exit(main())
