// SPDX-License-Identifier: GPL-2.0
/*
 * The audit. It walks the host page tables below all windows of a VM, and asks
 * both levels again about each PTE that is there. vm->lock keeps those away who
 * are between a change and its zap. A window's mapping is on the inode's list
 * until its page tables are freed, so under i_mmap_rwsem they stay.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "audit.h"
#include "grant.h"

/**
 * struct audit - an audit under way
 * @args: what was found so far.
 * @query: asks about the present space.
 * @vma: the present window.
 */
struct audit {
	struct vmmu_audit *args;
	struct vmmu_query query;
	struct vm_area_struct *vma;
};

/* What both levels grant for @va now, in the shape of a grant. */
static u64 granted_now(struct audit *audit, struct vmmu_va va)
{
	struct vmmu_walk *walk = &audit->query.walk;
	struct vmmu_realmap *realmap = &audit->query.space->vm->realmap;
	u64 entry = 0, rights = 0;

	rcu_read_lock();
	vmmu_walk_start(walk, va);
	if (!vmmu_walk_down(walk)) {
		rights = vmmu_grant_rights(&audit->query);
		entry = vmmu_realmap_lookup(realmap,
					    vmmu_ra_index(vmmu_walk_ra(walk)));
	}
	rcu_read_unlock();
	if (!entry || !rights)
		return 0;
	if (!(entry & VMMU_REALMAP_WRITABLE))
		rights &= ~VMMU_GRANT_WRITE;
	return (entry & VMMU_REALMAP_FRAME) | rights;
}

static u64 shape_of(pte_t pte)
{
	return (u64)pte_pfn(pte) << PAGE_SHIFT | VMMU_GRANT_READ |
	       (pte_write(pte) ? VMMU_GRANT_WRITE : 0) |
	       (pte_exec(pte) ? VMMU_GRANT_EXEC : 0);
}

static void check_pte(struct audit *audit, unsigned long address, pte_t pte)
{
	struct vm_area_struct *vma = audit->vma;
	struct vmmu_audit *args = audit->args;
	u64 page = vma->vm_pgoff + ((address - vma->vm_start) >> PAGE_SHIFT);
	u64 have = shape_of(pte), may;

	args->checked++;
	may = granted_now(audit, vmmu_va(page << PAGE_SHIFT));
	if (!((have ^ may) & VMMU_REALMAP_FRAME) && !(have & ~may))
		return;
	if (args->wrong++)
		return;
	args->space = audit->query.space->id;
	args->va = page << PAGE_SHIFT;
}

/* The PTEs of one page-table page, under its lock. */
static void check_table(struct audit *audit, pmd_t *pmd, unsigned long address,
			unsigned long end)
{
	struct mm_struct *mm = audit->vma->vm_mm;
	pmd_t seen = READ_ONCE(*pmd);
	pte_t *ptep;

	if (pmd_none(seen) || !pmd_present(seen) || pmd_leaf(seen))
		return;
	/* The page-table page may be moved to another pmd, but stays. */
	spin_lock(pte_lockptr(mm, &seen));
	if (pmd_same(seen, READ_ONCE(*pmd))) {
		ptep = pte_offset_kernel(&seen, address);
		for (; address < end; address += PAGE_SIZE, ptep++)
			if (pte_present(ptep_get(ptep)))
				check_pte(audit, address, ptep_get(ptep));
	}
	spin_unlock(pte_lockptr(mm, &seen));
}

/* Go through a window; each level that is empty is stepped over as a whole. */
static void check_window(struct audit *audit)
{
	struct vm_area_struct *vma = audit->vma;
	unsigned long address = vma->vm_start, next;

	for (; address < vma->vm_end; address = next) {
		pgd_t *pgd = pgd_offset(vma->vm_mm, address);
		p4d_t *p4d;
		pud_t *pud;

		next = pgd_addr_end(address, vma->vm_end);
		if (pgd_none(READ_ONCE(*pgd)))
			continue;
		p4d = p4d_offset(pgd, address);
		next = p4d_addr_end(address, vma->vm_end);
		if (p4d_none(READ_ONCE(*p4d)))
			continue;
		pud = pud_offset(p4d, address);
		next = pud_addr_end(address, vma->vm_end);
		if (pud_none(READ_ONCE(*pud)))
			continue;
		next = pmd_addr_end(address, vma->vm_end);
		check_table(audit, pmd_offset(pud, address), address, next);
		cond_resched();
		if (fatal_signal_pending(current))
			return;
	}
}

static void check_space(struct audit *audit, struct vmmu_space *space)
{
	struct address_space *mapping = space->mapping;
	struct rb_node *node;

	vmmu_grant_query_init(&audit->query, space, VMMU_ACCESS_READ, 0);
	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap);
	     node && !fatal_signal_pending(current); node = rb_next(node)) {
		audit->vma = rb_entry(node, struct vm_area_struct, shared.rb);
		audit->args->windows++;
		check_window(audit);
	}
	i_mmap_unlock_read(mapping);
}

long vmmu_audit(struct vmmu_vm *vm, struct vmmu_audit *args)
{
	struct audit audit = { .args = args };
	struct vmmu_space *space;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	args->windows = 0;
	args->checked = 0;
	args->wrong = 0;
	args->space = 0;
	args->va = 0;
	down_read(&vm->lock);
	list_for_each_entry(space, &vm->spaces, link)
		check_space(&audit, space);
	up_read(&vm->lock);
	return fatal_signal_pending(current) ? -EINTR : 0;
}
