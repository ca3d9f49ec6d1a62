# SPDX-License-Identifier: GPL-2.0
"""Choose the addresses that are asked about one by one: enough, and of every kind that a page table has."""

from dataclasses import dataclass

# Pages that are alike are taken from every GiB: most of a Linux page table is 65536 aliases of one page (espfix).
REGION = 30
PER_KIND = 100
PER_GAP_LEVEL = 150
NONCANONICAL = 100


@dataclass
class Sample:
    """Addresses by what is expected of them."""

    mapped: list
    unmapped: dict  # {level: [va, ...]}
    noncanonical: list

    def addresses(self):
        """All of them, in the order in which they are asked."""
        return self.mapped + [va for vas in self.unmapped.values() for va in vas] + self.noncanonical


def pick(random, values, count):
    """COUNT of VALUES, the first and the last among them; all if there are fewer."""
    if len(values) <= count:
        return list(values)
    return [values[0], values[-1]] + random.sample(values[1:-1], count - 2)


def inside(random, va, level):
    """An address somewhere in the range of the entry of LEVEL at VA."""
    return va + random.randrange(1 << 12 + 9 * (level - 1))


def choose(random, table, survey):
    """Take a Sample of what the Survey found in the page table."""
    kinds = {}
    for leaf in survey.leaves.values():
        kinds.setdefault((leaf.level, leaf.attributes, leaf.rights, leaf.nx, leaf.va >> REGION), []).append(leaf)
    mapped = [inside(random, leaf.va, leaf.level) for leaves in kinds.values()
              for leaf in pick(random, leaves, PER_KIND)]

    unmapped = {level: [inside(random, va, level) for va in pick(random, vas, PER_GAP_LEVEL)]
                for level, vas in survey.gaps.items()}
    unmapped[1] += [inside(random, va, 1) for va in pick(random, survey.marked, PER_GAP_LEVEL)]

    half = 1 << table.va_bits - 1
    noncanonical = [half, (1 << 64) - half - 1]
    noncanonical += [random.randrange(half, (1 << 64) - half) for _ in range(NONCANONICAL - len(noncanonical))]
    return Sample(mapped, unmapped, noncanonical)
