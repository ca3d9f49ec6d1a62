# SPDX-License-Identifier: GPL-2.0
"""What the tests of the benchmark's report share: made-up results, programs run as functions, TAP."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import tempfile
import unittest

from results import Results

HERE = os.path.dirname(os.path.realpath(__file__))


def script(name):
    """A program of this folder as a module."""
    loader = importlib.machinery.SourceFileLoader("bench_" + name, os.path.join(HERE, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def row(name, value, **more):
    return {"name": name, "value": value, **more}


def made_up(*rows, **meta):
    """Results of ROWS; Linux 6.1 unless META tells another."""
    results = Results()
    for item in ({"kernel": "6.1.0-1-amd64", **meta}, *rows):
        results.add(item, "test")
    return results


def lines_about(text, words):
    return [line for line in text.splitlines() if words in line]


class Folder(unittest.TestCase):
    """A folder for files, and what a program prints."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vmmu-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def results(self, name, *rows, **meta):
        """A file of JSON lines."""
        lines = [{"kernel": "6.1.0-1-amd64", **meta}, *rows]
        return self.file(name, "".join(json.dumps(line) + "\n" for line in lines))

    @staticmethod
    def main(program, *arguments):
        """The exit status, stdout and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = program.main(list(arguments))
            except SystemExit as ended:
                status = ended.code
        return status, out.getvalue(), err.getvalue()


class Tap(unittest.TestResult):
    """A line a test, and what went wrong."""

    def tell(self, test, problem="", remark=""):
        print(f"{'not ok' if problem else 'ok'} {self.testsRun} - bench {'.'.join(test.id().split('.')[1:])}{remark}")
        for line in problem.splitlines():
            print("# " + line)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.tell(test, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell(test, remark=" # SKIP " + reason)


def main():
    suite, result = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]), Tap()
    print(f"TAP version 13\n1..{suite.countTestCases()}")
    suite.run(result)
    return 0 if result.wasSuccessful() else 1
