# SPDX-License-Identifier: GPL-2.0
"""All comparisons of one page table of a stopped guest: what to ask of vmmuctl, and what to make of the answers."""

import random

import compare
import mutations
from pagetable import Mode
from qemulists import LARGE, NX, TLB_FLAGS, join
from sample import choose
from snapshot import MAXPHYADDR

ACCESSES = [(access, user) for user in (False, True) for access in "rwx"]
SIZES = ((1 << 12, "4 KiB"), (1 << 21, "2 MiB"), (1 << 30, "1 GiB"))


def counted(pairs):
    """The counts of (what, number) pairs in words."""
    return ", ".join(f"{number} {what}" for what, number in pairs if number)


class ViewCheck:
    """One page table, an address sample in it, and its results."""

    RESULTS = 9

    def __init__(self, snapshot, view, seed):
        self.snapshot, self.view = snapshot, view
        self.name = f"{snapshot.guest.name} {view.name}"
        self.random = random.Random(f"{seed} {self.name}")
        self.table = snapshot.page_table(view)
        survey = self.table.survey()
        self.leaves = survey.leaves
        self.sample = choose(self.random, self.table, survey)
        self.mode = Mode(snapshot.registers.mode_words(), snapshot.pkru)

    def job(self, what):
        """The name of a job."""
        return f"{self.name} {what}".replace(" ", "-")

    def access_job(self, access, user):
        """The name of the job that asks about an access."""
        return self.job(f"{'user' if user else 'supervisor'} {access}")

    def settings(self, from_note):
        """vmmuctl's arguments for this table: all, or those that an ELF core's note does not tell."""
        registers = self.snapshot.registers
        arguments = ["--pkru", hex(self.mode.pkru), "--maxphyaddr", str(MAXPHYADDR)]
        if not from_note:
            arguments += ["--cr3", hex(self.view.root), "--levels", str(registers.levels),
                          "--cr0", hex(registers.cr0), "--cr4", hex(registers.cr4), "--efer", hex(registers.efer)]
        return arguments

    def add_jobs(self, batch, tables):
        """Ask for all mappings and for explained reads on the image; for other accesses on its TABLES alone."""
        addresses = self.sample.addresses()
        image = self.snapshot.image
        noted = self.snapshot.guest.save == "elf" and self.view.root == self.snapshot.registers.cr3
        batch.add(self.job("all"), self.snapshot.path, ["--all", *self.settings(noted)])
        for access, user in ACCESSES:
            question = ["--explain", "--access", access, *["--user"] * user]
            if (access, user) == ("r", False):
                batch.add(self.access_job(access, user), self.snapshot.path,
                          question + self.settings(noted), addresses)
            else:
                batch.add(self.access_job(access, user), tables,
                          question + self.settings(False) + ["--real-size", str(image.bytes)], addresses)

    def report(self, tap, reports):
        """Make all comparisons with what vmmuctl reported."""
        everything = reports[self.job("all")]
        mappings = compare.mappings_of(everything)
        answers = {kind: reports[self.access_job(*kind)]["translations"] for kind in ACCESSES}
        self.report_settings(tap, everything["space"])
        self.report_lists(tap, mappings)
        self.report_leaves(tap, mappings)
        self.report_entries(tap, answers)
        self.report_refusals(tap, answers)
        self.report_changes(tap, mappings, answers)

    def report_settings(self, tap, space):
        """What vmmuctl registered, against QEMU's registers."""
        levels = self.snapshot.registers.levels
        words = set(space["mode"].split())
        expected = self.mode.words | {f"PKRU={self.mode.pkru:#x}", f"MAXPHYADDR={MAXPHYADDR}"}
        right = (int(space["root"], 16) == self.table.root and words == expected and
                 space["format"] == f"x86-64-{levels}level" and space["real_bytes"] == self.snapshot.image.bytes)
        wrong = [f"{space} should be {levels} levels at {self.table.root:#x}, mode {sorted(expected)}, "
                 f"{self.snapshot.image.bytes} bytes"]
        tap.result(f"{self.name}: vmmuctl takes root, levels and mode from image and arguments",
                   [] if right else wrong, f"{self.snapshot.guest.save} image, {space['mode']}, root {space['root']}")

    def report_lists(self, tap, mappings):
        """Everything that is mapped, against QEMU's two lists; and this test's walk first, since it judges later."""
        tlb = {va: (leaf.ra, leaf.entry & TLB_FLAGS & ~(LARGE if leaf.level == 1 else 0))
               for va, leaf in self.leaves.items()}
        mem = join([(va, va + leaf.bytes, leaf.rights) for va, leaf in self.leaves.items()])
        wrong = ["the walk and info tlb differ"] * (tlb != self.view.tlb)
        wrong += ["the walk and info mem differ"] * (mem != self.view.mem)
        tap.result(f"{self.name}: the walk of this test agrees with info tlb and info mem", wrong)
        tap.result(f"{self.name}: address and leaf flags of every mapping are those of info tlb",
                   compare.with_tlb(mappings, self.view.tlb), f"{len(self.view.tlb)} pages in {len(mappings)} runs, "
                   f"{len({ra for ra, _ in self.view.tlb.values()})} different real pages")
        tap.result(f"{self.name}: effective U and W of every mapping are those of info mem",
                   compare.with_mem(mappings, self.view.mem),
                   f"{len(self.view.mem)} ranges, {sum(end - va for va, end, _ in self.view.mem) >> 20} MiB")

    def report_leaves(self, tap, mappings):
        """What QEMU does not list."""
        leaves = self.leaves.values()
        real_bytes = self.snapshot.image.bytes
        sizes = counted((f"of {name}", sum(leaf.bytes == size for leaf in leaves)) for size, name in SIZES)
        upper = sum(leaf.nx and not leaf.entry & NX for leaf in leaves)
        tap.result(f"{self.name}: page size, NX and all attribute bits of every mapping are right",
                   compare.with_leaves(mappings, self.leaves, real_bytes),
                   f"pages: {sizes}; {sum(leaf.nx for leaf in leaves)} no-execute, {upper} of them by an upper level; "
                   f"{sum(leaf.ra >= real_bytes for leaf in leaves)} beyond real memory")

    def report_entries(self, tap, answers):
        """The entries in the explanations."""
        everything = [answer for kind in ACCESSES for answer in answers[kind]]
        entries = sum(len(answer.get("entries", [])) for answer in everything)
        sizes = counted((f"in {name} pages", sum(answer["page_size"] == size for answer in everything))
                        for size, name in SIZES)
        tap.result(f"{self.name}: explanations show the entries; rights, page size and address follow from them",
                   compare.with_entries(everything, self.table),
                   f"{entries} entries in {len(everything)} explanations; translated: {sizes}")

    def judged(self, kind, answers, addresses):
        """Differences between the answers for one kind of access and the predictions."""
        return compare.with_judge(answers, addresses, *kind, self.table, self.mode, self.snapshot.image.bytes)

    def report_refusals(self, tap, answers):
        """Reasons, levels and error codes, first of addresses that are not mapped, then of accesses to mapped ones."""
        mapped = len(self.sample.mapped)
        addresses = self.sample.addresses()
        for part, name in ((slice(mapped, None), "addresses that are not mapped are refused, at the right level"),
                           (slice(mapped), "accesses come out with the right reason, level and error code")):
            differences, counts = [], {}
            for kind in ACCESSES:
                differences += self.judged(kind, answers[kind][part], addresses[part])
                for answer in answers[kind][part]:
                    reason = compare.verdict_of(answer).reason.replace("NONE", "granted")
                    if part.start is not None and answer["level"]:
                        reason += f" at level {answer['level']}"
                    counts[reason] = counts.get(reason, 0) + 1
            tap.result(f"{self.name}: {name}", differences, counted(sorted(counts.items())))

    def report_changes(self, tap, mappings, answers):
        """That the comparisons above can fail."""
        made, missed = mutations.of_mappings(self.random, mappings, self.view, self.leaves,
                                             self.snapshot.image.bytes)
        for kind in ACCESSES:
            more, passed_over = mutations.of_answers(
                self.random, answers[kind],
                lambda answer, kind=kind: self.judged(kind, [answer], [int(answer["va"], 16)]),
                lambda answer: compare.with_entries([answer], self.table))
            made, missed = made + more, missed + passed_over
        tap.result(f"{self.name}: the comparisons notice a single change", missed, f"{made} changes were tried")
