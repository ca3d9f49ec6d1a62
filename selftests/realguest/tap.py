# SPDX-License-Identifier: GPL-2.0
"""Results in the form that test runners read: TAP."""

SHOWN = 10  # differences of one comparison


class Tap:
    """Numbered results on stdout."""

    def __init__(self, planned):
        """Print the plan: PLANNED results are to come."""
        self.planned, self.count, self.failed = planned, 0, 0
        print(f"TAP version 13\n1..{planned}", flush=True)

    def result(self, name, differences, note=""):
        """Report one comparison by its list of differences; NOTE says how much was compared."""
        self.count += 1
        self.failed += bool(differences)
        print(f"{'not ok' if differences else 'ok'} {self.count} - {name}", flush=True)
        for line in differences[:SHOWN]:
            self.note(line)
        if len(differences) > SHOWN:
            self.note(f"and {len(differences) - SHOWN} more")
        self.note(note)

    @staticmethod
    def note(text):
        """Print a diagnostic, if there is one."""
        if text:
            print(f"# {text}", flush=True)

    def passed(self):
        """Whether everything that was planned came, and was right."""
        return not self.failed and self.count == self.planned
