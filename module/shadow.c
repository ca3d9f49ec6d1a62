// SPDX-License-Identifier: GPL-2.0
/*
 * Shadow page tables, the inserting half: see shadow.h for the protocol.
 */
#include <linux/mm.h>

#include "compat.h"
#include "shadow.h"

static void note_bit(unsigned long *word, u64 number)
{
	unsigned int bit = number % BITS_PER_LONG;

	if (!test_bit(bit, word))
		set_bit(bit, word);
}

void vmmu_shadow_note_walk(struct vmmu_space *space, const struct vmmu_walk *walk)
{
	const struct vmmu_format *format = space->format;
	u64 number = walk->va.value >> VMMU_PAGE_SHIFT;

	for (unsigned int level = 2; level <= format->levels; level++) {
		number >>= format->index_bits;
		note_bit(&space->shadowed[level], number);
	}
	if (unlikely(walk->level > 1))
		note_bit(&space->large[walk->level],
			 walk->va.value >> walk->entry.page_shift);
}

/**
 * struct insertion - an insertion under way
 * @vma: the window.
 * @space: its space.
 * @sequence: the invalidation sequence when the grants were found.
 * @grants: what is left to insert.
 * @checked: whether the sequence was looked at under the page-table lock.
 * @stale: whether the first page has another frame's PTE.
 * @rights: of the grant before.
 * @change: bits that differ between a grant with these rights and its PTE.
 */
struct insertion {
	struct vm_area_struct *vma;
	struct vmmu_space *space;
	u64 sequence;
	const u64 *grants;
	bool checked;
	bool stale;
	u64 rights;
	pteval_t change;
};

/* A PTE's rights by a grant, as far as the VMA has them. */
static pteval_t make_bits(struct vm_area_struct *vma, u64 rights)
{
	pgprot_t prot = READ_ONCE(vma->vm_page_prot);
	pte_t pte;

	if (!(rights & VMMU_GRANT_EXEC))
		prot = __pgprot(pgprot_val(prot) | _PAGE_NX);
	pte = pte_mkspecial(pte_mkyoung(pfn_pte(0, prot)));
	/* Never dirty and read-only: x86 gives that another meaning. */
	if ((rights & VMMU_GRANT_WRITE) && (vma->vm_flags & VM_WRITE))
		pte = pte_mkdirty(pte_mkwrite_novma(pte));
	else
		pte = pte_wrprotect(pte_mkclean(pte));
	return pte_val(pte);
}

/*
 * The last look, under the page-table lock. Pairs with the barrier in
 * vmmu_realmap_invalidate(): a zap that finds no page table, or no note, does
 * not take this lock.
 */
static bool still_granted(struct insertion *insertion)
{
	if (insertion->checked)
		return true;
	smp_mb__after_spinlock();
	insertion->checked = true;
	return vmmu_realmap_sequence(&insertion->space->vm->realmap) ==
	       insertion->sequence;
}

/* Fill one PTE, for a grant. */
static __always_inline void fill(struct insertion *insertion, pte_t *ptep,
				 unsigned long address, u64 grant, bool first)
{
	u64 rights = grant & VMMU_GRANT_RIGHTS;
	pte_t pte = ptep_get(ptep);

	if (!pte_none(pte)) {
		if (pte_pfn(pte) != grant >> PAGE_SHIFT) {
			insertion->stale |= first;
			return;
		}
		if (pte_write(pte) || !(grant & VMMU_GRANT_WRITE))
			return;
	}
	if (unlikely(rights != insertion->rights)) {
		insertion->rights = rights;
		insertion->change = rights ^ make_bits(insertion->vma, rights);
	}
	set_pte_at(insertion->vma->vm_mm, address, ptep,
		   __pte(grant ^ insertion->change));
}

/* Likewise; a callback of apply_to_page_range(), which holds the lock. */
static int fill_next(pte_t *ptep, unsigned long address, void *data)
{
	struct insertion *insertion = data;
	bool first = !insertion->checked;
	u64 grant = *insertion->grants++;

	if (!still_granted(insertion))
		return -EAGAIN;
	if (grant)
		fill(insertion, ptep, address, grant, first);
	return 0;
}

/* The entry of @address's page-table page; NULL: that has to be made. */
static pmd_t *find_pmd(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(READ_ONCE(*pgd)))
		return NULL;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(READ_ONCE(*p4d)))
		return NULL;
	pud = pud_offset(p4d, address);
	if (pud_none(READ_ONCE(*pud)))
		return NULL;
	return pmd_offset(pud, address);
}

int vmmu_shadow_insert(struct vm_area_struct *vma, unsigned long address,
		       pmd_t *pmd, struct vmmu_space *space, u64 sequence,
		       const u64 *grants, unsigned int nr)
{
	struct insertion insertion = {
		.vma = vma,
		.space = space,
		.sequence = sequence,
		.grants = grants,
	};
	pte_t *ptep;
	int err = 0;

	if (!pmd)
		pmd = find_pmd(vma->vm_mm, address);
	if (!pmd || pmd_none(READ_ONCE(*pmd))) {
		err = apply_to_page_range(vma->vm_mm, address, nr * PAGE_SIZE,
					  fill_next, &insertion);
		goto out;
	}
	spin_lock(pte_lockptr(vma->vm_mm, pmd));
	ptep = pte_offset_kernel(pmd, address);
	if (!still_granted(&insertion))
		err = -EAGAIN;
	for (unsigned int i = 0; i < nr && !err; i++)
		if (grants[i])
			fill(&insertion, ptep + i, address + i * PAGE_SIZE,
			     grants[i], !i);
	spin_unlock(pte_lockptr(vma->vm_mm, pmd));
out:
	return !err && insertion.stale ? -ESTALE : err;
}

void vmmu_shadow_zap_stale(struct vm_area_struct *vma, unsigned long address)
{
	zap_vma_ptes(vma, address, PAGE_SIZE);
}
