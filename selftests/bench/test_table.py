#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Test what the report makes of results, which are made up here. Prints TAP."""

import json
import os
import re
import sys
import unittest
import xml.dom.minidom
from dataclasses import replace
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import chart  # noqa: E402
import goals  # noqa: E402
import ratios  # noqa: E402
import table  # noqa: E402
from results import BadResults, load  # noqa: E402
from testing import HERE, Folder, lines_about, made_up, main, row  # noqa: E402


def operation(name):
    return next(item for item in goals.OPERATIONS if item.ours == name)


def entry(name, *rows, **meta):
    return ratios.entry(operation(name), made_up(*rows, **meta))



class Ratios(unittest.TestCase):
    def test_ratios(self):
        item = entry("translate", row("translate", 500), row("ioctl_copied", 400), row("kvm_translate", 1000))
        self.assertEqual(item["ours/floor"], 1.25)
        self.assertEqual(item["peers"][0]["peer/ours"], 2)
        self.assertEqual(item["peers"][0]["outcome"], "win")

    def test_losses(self):
        item = entry("translate", row("translate", 500), row("kvm_translate", 250))
        self.assertEqual((item["peers"][0]["peer/ours"], item["peers"][0]["outcome"]), (0.5, "loss"))

    def test_even(self):
        for value, word in ((97.5, "even"), (102.5, "even"), (96, "loss"), (104, "win")):
            item = entry("translate", row("translate", 100), row("kvm_translate", value))
            self.assertEqual(item["peers"][0]["outcome"], word, value)

    def test_ratios_of_threads_are_better_when_higher(self):
        item = entry("threads_window_fault", row("threads_window_fault", 1.6, unit="ratio"),
                     row("threads_memfd_fault", 1.9, unit="ratio"), row("threads_uffd", 0.8, unit="ratio"))
        self.assertEqual([peer["outcome"] for peer in item["peers"][:2]], ["loss", "win"])
        self.assertIs(item["met"], False)

    def test_ratios_of_a_busy_machine_decide_nothing(self):
        for least, most, met, word in ((1.6, 1.9, None, "noisy"), (1.75, 1.9, True, "win"), (0.9, 1.6, False, "noisy")):
            item = entry("threads_window_fault", row("threads_window_fault", 1.8, unit="ratio", least=least, most=most),
                         row("threads_memfd_fault", 1.65, unit="ratio", least=1.5, most=1.7))
            self.assertEqual((item["met"], item["peers"][0]["outcome"]), (met, word))
        for plain, met in ((1.5, None), (1.9, False)):
            item = entry("threads_window_fault", row("threads_plain", plain, unit="ratio"),
                         row("threads_window_fault", 1.4, unit="ratio", least=1.3, most=1.5))
            self.assertIs(item["met"], met, "the machine gives no more")
        text = table.text(made_up(row("threads_window_fault", 1.8, unit="ratio", least=1.6, most=1.9)))
        self.assertRegex(lines_about(text, "window faults, threads")[0], ">= 1.7 NOISY")

    def test_goal_met_at_its_limit(self):
        self.assertIs(entry("translate", row("translate", 800))["met"], True)
        self.assertIs(entry("translate", row("translate", 800.1))["met"], False)

    def test_goal_of_a_ratio(self):
        for value, met in ((1.7, True), (1.69, False)):
            self.assertIs(entry("threads_window_fault", row("threads_window_fault", value, unit="ratio"))["met"], met)

    def test_goal_as_floor(self):
        for value, met in ((1.25, True), (1.3, False)):
            item = entry("window_access", row("window_access", value), row("plain_access", 1.25))
            self.assertIs(item["met"], met, value)
        self.assertIsNone(entry("window_access", row("window_access", 1.25))["met"])

    def test_faults_may_cost_more_on_later_kernels(self):
        for kernel, limit in (("6.1.0-56-amd64", 1750), ("6.1", 1750), ("6.12.9-amd64", 1925), ("6.10.1", 1925)):
            item = entry("window_fault", row("window_fault", 1), kernel=kernel)
            self.assertAlmostEqual(item["goal"]["at_most"], limit, msg=kernel)
        self.assertEqual(entry("translate", row("translate", 1), kernel="6.12.9")["goal"]["at_most"], 800)

    def test_floor_is_shared_by_a_batch(self):
        item = entry("install_64", row("install_64", 100), row("ioctl", 640))
        self.assertEqual((item["floor"]["value"], item["floor"]["is"]), (10, "ioctl / 64"))

    def test_floor_of_two_parts(self):
        item = entry("remap_1", row("remap_1", 3000), row("zap_1", 600), row("fault", 900))
        self.assertEqual((item["floor"]["value"], item["ours/floor"]), (1500, 2))
        self.assertIsNone(entry("remap_1", row("remap_1", 3000), row("zap_1", 600))["ours/floor"])

    def test_missing_rows_have_no_ratios(self):
        item = entry("translate", row("kvm_translate", 1000))
        self.assertEqual((item["ours"], item["met"], item["missing"]), (None, None, "not measured"))
        self.assertIsNone(item["peers"][0]["peer/ours"])
        self.assertIsNone(item["peers"][0]["outcome"])

    def test_nothing_is_divided_by_zero(self):
        item = entry("translate", row("translate", 0), row("ioctl_copied", 0), row("kvm_translate", 10))
        self.assertEqual((item["ours/floor"], item["peers"][0]["peer/ours"]), (None, None))

    def test_summary(self):
        counts = ratios.document(made_up(row("translate", 700), row("translate_range", 50), row("kvm_translate", 900),
                                         row("pagemap_single", 700), row("pagemap_bulk", 5)))["summary"]
        self.assertEqual((counts["goals"]["met"], counts["goals"]["missed"]), (1, 1))
        self.assertEqual([counts["peers"][word] for word in ("win", "even", "loss")], [1, 1, 1])


class Table(Folder):
    def test_goals_met_and_missed(self):
        text = table.text(made_up(row("translate", 702), row("translate_range", 567.6)))
        self.assertRegex(lines_about(text, "1   translate one")[0], r" 702\.0 +<= 800 met\b")
        self.assertRegex(lines_about(text, "2   translate a range")[0], r" 567\.6 +<= 12 MISSED\b")
        self.assertIn("goals: 1 met, 1 missed,", text)

    def test_losses_are_as_clear_as_wins(self):
        text = table.text(made_up(row("install_and_use_64", 200), row("kvm_npt_install_use", 12.5),
                                  row("memfd_fault", 2200)))
        self.assertRegex(lines_about(text, "KVM with NPT [")[0], r"12\.5 +0\.0625 LOSS$")
        self.assertRegex("\n".join(lines_about(text, "fault of a memfd")), r"2200 +11\.0 WIN\n?")
        self.assertIn("lost: install_and_use_64 against kvm_npt_install_use", text)

    def test_reasons_for_missing_rows(self):
        text = table.text(made_up(row("translate", 700), {"name": "kvm_translate", "skipped": "no SVM"},
                                  {"name": "vm", "failed": "Cannot allocate memory"}))
        self.assertRegex(lines_about(text, "KVM_TRANSLATE")[0], r"skipped: no SVM$")
        self.assertRegex(lines_about(text, "create and destroy")[0], r"failed: Cannot allocate memory$")
        self.assertRegex(lines_about(text, "pagemap, one page")[0], r"not measured$")

    def test_why_is_shown_with_the_floor_of_a_missed_goal(self):
        told = replace(operation("translate"), why="the call alone takes it")
        with mock.patch.object(ratios, "OPERATIONS", (told,)):
            missed = table.text(made_up(row("translate", 900), row("ioctl_copied", 790)))
            met = table.text(made_up(row("translate", 799), row("ioctl_copied", 790)))
        self.assertIn("why: the call alone takes it (floor 790.0: ioctl_copied)", missed)
        self.assertNotIn("why:", met)

    def test_notes_are_numbered_and_come_once(self):
        note = "calls of mmap() are overstated 3 times"
        text = table.text(made_up(row("install_64", 100), row("install_512", 90), row("mmap_fixed", 9000, note=note)))
        marked = [re.search(r"\[(\d+)\]", line)[1] for line in lines_about(text, "mmap(MAP_FIXED) [")]
        self.assertEqual(len(marked), 3)
        self.assertEqual(len(set(marked)), 1)
        self.assertEqual(len(lines_about(text, "are overstated 3 times")), 1)
        self.assertRegex(text, rf"(?m)^\[{marked[0]}\] +Calls of mmap\(\) are overstated 3 times\.$")

    def test_world_switches_and_misses_are_not_charged(self):
        text = " ".join(table.text(made_up(row("translate", 1))).split())
        self.assertIn("charge nothing for a world switch, a cache miss or a TLB miss", text)

    def test_units(self):
        text = table.text(made_up(row("memory_page", 8.01, unit="bytes"), row("threads_plain", 1.9, unit="ratio"),
                                  row("threads_window_fault", 1.8, unit="ratio", least=1.75, most=1.82)))
        self.assertRegex(lines_about(text, "metadata of a mapped page")[0], r"8\.01 B +<= 8\.2 met +8\.00 B")
        self.assertRegex(lines_about(text, "window faults, threads")[0],
                         r"1\.80 x +>= 1\.7 met +1\.90 x +0\.95  \(threads_plain\)  1\.75 to 1\.82$")

    def test_end_to_end(self):
        rows = [row(f"end_fork_{way}", value) for way, value in
                (("stores", 100), ("hypercalls", 200), ("batches", 50), ("mmap", 100))]
        text = table.text(made_up(*rows, {"name": "end_fork_lazy", "failed": "the process died"}))
        self.assertRegex(lines_about(text, "fork and copy")[0], r" 100\.0 +- +200\.0 +50\.0 +-")
        self.assertRegex(lines_about(text, "mmap, 100.0")[0], r"1\.00 EVEN +- +0\.50 LOSS +2\.00 WIN +-")
        self.assertTrue(lines_about(text, "lazy: failed: the process died"))
        self.assertTrue(lines_about(text, "uffd: not measured"))

    def test_unknown_rows_are_shown(self):
        text = table.text(made_up(row("translate", 1), row("something_new", 42.5, what="an operation")))
        self.assertRegex(lines_about(text, "something_new")[0], r"something_new +42\.5 +an operation")

    def test_json_document(self):
        path = self.results("lines", row("translate", 500), row("kvm_translate", 1000),
                            commit="abc", date="today", repeats=3)
        status, out, _ = self.main(table, "--json", path)
        document = json.loads(out)
        self.assertEqual(status, 0)
        about = [document[key] for key in ("kernel", "commit", "date", "repeats")]
        self.assertEqual(about, ["6.1.0-1-amd64", "abc", "today", 3])
        self.assertEqual([raw["name"] for raw in document["rows"]], ["translate", "kvm_translate"])
        self.assertEqual(document["table"][0]["peers"][0]["peer/ours"], 2)
        again = self.main(table, self.file("document", out))
        self.assertEqual(again, self.main(table, path))

    def test_picture(self):
        path, picture = self.results("lines", row("translate", 500), row("kvm_translate", 1000), row("ioctl_copied", 400),
                                     row("end_exit_lazy", 70), row("end_exit_mmap", 7)), os.path.join(self.folder, "a.svg")
        self.assertEqual(self.main(table, "--svg", picture, path)[0], 0)
        drawn = xml.dom.minidom.parse(picture)
        words = [node.firstChild.data for node in drawn.getElementsByTagName("text")]
        for word in ("KVM_TRANSLATE", "translate one va to ra and pfn", "500", "vmmu, lazy", "mmap"):
            self.assertIn(word, words)
        colours = [node.getAttribute("fill") for node in drawn.getElementsByTagName("rect")]
        self.assertEqual(colours.count(chart.COLOURS["cheaper"]), 2)    # one is the legend's

    def test_picture_of_nothing(self):
        xml.dom.minidom.parseString(chart.svg(ratios.document(made_up(row("syscall", 300)))))

    def test_names_fit_in_their_column(self):
        titles = [f"{item.number:<3} {item.title}" for item in goals.OPERATIONS]
        titles += ["      " + name for name, _ in goals.PEERS.values()]
        self.assertLessEqual(max(map(len, titles)), table.NAME - len(" [10]"))


class Definition(unittest.TestCase):
    def test_every_peer_has_a_name(self):
        self.assertEqual({peer for item in goals.OPERATIONS for peer in item.peers} - set(goals.PEERS), set())

    def test_every_row_of_ours_is_in_the_report(self):
        with open(os.path.join(HERE, "ours.c"), encoding="utf-8") as file:
            names = re.findall(r'\.name = "(\w+)"', file.read())
        self.assertEqual([name for name in names if not goals.is_ours(name)], [])

    def test_every_goal_has_a_row_of_its_own(self):
        names = [item.ours for item in goals.OPERATIONS]
        self.assertEqual(len(names), len(set(names)))


class BadFiles(Folder):
    def refused(self, content, expected):
        with self.assertRaisesRegex(BadResults, expected):
            load(self.file("bad", content))

    def test_missing_file(self):
        status, _, err = self.main(table, os.path.join(self.folder, "none"))
        self.assertEqual(status, 2)
        self.assertRegex(err, r"none: No such file or directory")

    def test_no_json(self):
        self.refused('{"name": "a", "value": 1}\nrubbish\n', "bad, line 2: no JSON")

    def test_no_text(self):
        self.refused(b"\xff\xfe\x00", "bad: .*utf-8")

    def test_empty(self):
        self.refused("", "bad: no results")
        self.refused('{"kernel": "6.1"}', "bad: no results")

    def test_no_object(self):
        self.refused("[1, 2]", "bad, line 1: a JSON object is expected, not")

    def test_no_name(self):
        self.refused('{"value": 1}', "bad, line 1: an object without a name")

    def test_no_value(self):
        self.refused('{"name": "a"}', "a has to have one of value, skipped and failed")

    def test_two_outcomes(self):
        self.refused('{"name": "a", "value": 1, "failed": "x"}', "a has to have one of")

    def test_value_is_no_number(self):
        for value in ('"12"', "NaN", "Infinity", "-1", "true", "null", "[1]"):
            self.refused(f'{{"name": "a", "value": {value}}}', "a: the value has to be a number")

    def test_text_is_no_text(self):
        self.refused('{"name": "a", "value": 1, "note": 3}', "a: note has to be a text")
        self.refused('{"name": 7, "value": 1}', "a name has to be a text")

    def test_row_twice(self):
        self.refused('{"name": "a", "value": 1}\n{"name": "a", "value": 2}\n', "line 2: a comes twice")

    def test_bad_document(self):
        self.refused('{"rows": 3}', "rows has to be a list")
        self.refused('{"rows": [{"value": 1}]}', "a row without a name")
        self.refused('{"rows": []}', "no results")

if __name__ == "__main__":
    sys.exit(main())
