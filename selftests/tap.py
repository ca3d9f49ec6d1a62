# SPDX-License-Identifier: GPL-2.0
"""Read what tests print: TAP, and the TAP of many programs that the kernel's kselftest runner wraps into one."""
import re

RESULT = re.compile(r"(not )?ok\b\s*(?P<number>\d+)?\s*-?\s*(?P<name>.*?)\s*(?:#\s*(?P<word>SKIP|TODO)\b\s*(?P<reason>.*))?$",
                    re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*SKIP\b\s*(.*))?", re.IGNORECASE)
PROGRAM = re.compile(r"# selftests: \S+ (\S+)$")
PROGRAM_RESULT = re.compile(r"(not )?ok \d+ selftests: \S+ (\S+)(?:\s+#\s*(.*))?$")


class Tap:
    """Results in the order in which they come; feed it a line at a time, then call end()."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.passed, self.failed, self.skipped = [], [], []
        self.planned = None
        self.running = ""       # what an early end interrupted, if that is known
        self.lines = []         # what was printed since the last result
        self.after_failure = False

    def count(self):
        return len(self.passed) + len(self.failed) + len(self.skipped)

    def feed(self, line):
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if plan:
            # Several programs' reports may follow each other, each with a plan.
            self.planned = (self.planned or 0) + (int(plan[1]) or 1)
            if not int(plan[1]):
                self.skipped.append((self.prefix + "all", plan[2] or "no reason given"))
        elif result:
            self.add(result)
        elif line.startswith("Bail out!"):
            self.fail(self.prefix + "the rest", [line])
        elif self.after_failure and line.startswith("#"):
            self.failed[-1][1].append(line)
        else:
            self.after_failure = False
            self.lines.append(line)

    def add(self, result):
        name = self.prefix + (result["name"] or f"test {result['number']}")
        word = (result["word"] or "").upper()
        self.after_failure = False
        if word == "SKIP":
            self.skipped.append((name, result["reason"] or "no reason given"))
        elif result[1] and word != "TODO":
            self.fail(name, self.lines)
            self.after_failure = True
        else:
            self.passed.append(name)
        self.lines = []

    def fail(self, name, lines):
        self.failed.append((name, list(lines)))

    def end(self):
        """A run that stopped early passed nothing more than it printed."""
        if self.planned is not None and self.count() < self.planned:
            self.fail(self.prefix + "the rest", [f"{self.planned} tests were planned, {self.count()} ran"] + self.lines[-30:])


class Kselftest:
    """The runner's output: each program's TAP, every line after "# ", then the program's own result."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.passed, self.failed, self.skipped = [], [], []
        self.program, self.tap = None, None
        self.running, self.lines = "", []

    def count(self):
        inside = self.tap.count() if self.tap else 0
        return len(self.passed) + len(self.failed) + len(self.skipped) + inside

    def feed(self, line):
        program, result = PROGRAM.match(line), PROGRAM_RESULT.match(line)
        if program:
            self.program, self.tap = program[1], Tap(f"{self.prefix}{program[1]}: ")
        elif result:
            self.finish(result[2], bool(result[1]), result[3] or "")
        elif self.tap and line.startswith("# "):
            self.tap.feed(line[2:])

    def finish(self, name, bad, remark):
        """The program's own result counts where its tests do not account for it: it crashed, or printed none."""
        tap = self.tap or Tap()
        self.program, self.tap = None, None
        name = self.prefix + name
        if not bad and remark.upper().startswith("SKIP") and not tap.count():
            reason = next((line for line in reversed(tap.lines) if line.strip(" #")), "no reason given")
            self.skipped.append((name, reason.strip(" #")))
            return
        tap.end()
        if bad and not tap.failed:
            tap.fail(name, [remark] + tap.lines[-40:])
        elif not tap.count():
            tap.fail(name, ["it printed no tests"] + tap.lines[-40:])
        for kind in ("passed", "failed", "skipped"):
            getattr(self, kind).extend(getattr(tap, kind))

    def end(self):
        """A program without a result was running when all ended."""
        self.running, self.lines = "", []
        if self.program:
            self.running, self.lines = self.program, self.tap.lines[-40:]
            single = next((line.split("RUN", 1)[1].strip(" .") for line in reversed(self.lines) if "RUN " in line), "")
            self.running += f" ({single})" if single else ""
            self.tap.planned = None
            for kind in ("passed", "failed", "skipped"):
                getattr(self, kind).extend(getattr(self.tap, kind))
