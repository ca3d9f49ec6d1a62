// SPDX-License-Identifier: GPL-2.0
/*
 * The audit. It walks the host page tables below all windows of a VM, and asks
 * both levels again about each PTE that is there; likewise below all mappings of
 * real memory, where no PTE may allow stores to a protected page table. Which
 * pages those are is counted again. vm->lock keeps those away who are between a
 * change and its zap. A mapping is on the inode's list until its page tables are
 * freed, so under i_mmap_rwsem they stay.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "audit.h"
#include "grant.h"
#include "ptpage.h"
#include "settle.h"

/**
 * struct audit - an audit under way
 * @args: what was found so far.
 * @vm: whose.
 * @query: asks about the present space.
 * @vma: the present mapping.
 * @check: looks at a PTE of it.
 */
struct audit {
	struct vmmu_audit *args;
	struct vmmu_vm *vm;
	struct vmmu_query query;
	struct vm_area_struct *vma;
	void (*check)(struct audit *audit, u64 page, pte_t pte);
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

/* A window's PTE. */
static void check_window(struct audit *audit, u64 page, pte_t pte)
{
	struct vmmu_audit *args = audit->args;
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

static void table_is_wrong(struct audit *audit, u64 index)
{
	if (!audit->args->tables_wrong++)
		audit->args->ra = vmmu_ra_of_index(index).value;
}

/* A PTE of real memory. */
static void check_real(struct audit *audit, u64 page, pte_t pte)
{
	u64 entry = vmmu_realmap_lookup(&audit->vm->realmap, page);

	if (pte_write(pte) && entry & VMMU_REALMAP_TABLE &&
	    !(entry & VMMU_REALMAP_WRITABLE))
		table_is_wrong(audit, page);
}

/* The PTEs of one page-table page, under its lock. */
static void check_table(struct audit *audit, pmd_t *pmd, unsigned long address,
			unsigned long end)
{
	struct vm_area_struct *vma = audit->vma;
	struct mm_struct *mm = vma->vm_mm;
	u64 page = linear_page_index(vma, address);
	pmd_t seen = READ_ONCE(*pmd);
	pte_t *ptep;

	if (pmd_none(seen) || !pmd_present(seen) || pmd_leaf(seen))
		return;
	/* The page-table page may be moved to another pmd, but stays. */
	spin_lock(pte_lockptr(mm, &seen));
	if (pmd_same(seen, READ_ONCE(*pmd))) {
		ptep = pte_offset_kernel(&seen, address);
		for (; address < end; address += PAGE_SIZE, ptep++, page++)
			if (pte_present(ptep_get(ptep)))
				audit->check(audit, page, ptep_get(ptep));
	}
	spin_unlock(pte_lockptr(mm, &seen));
}

/* Go through a mapping; each level that is empty is stepped over as a whole. */
static void check_vma(struct audit *audit)
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

/* Go through all mappings of an inode. Returns how many there are. */
static u32 check_mappings(struct audit *audit, struct address_space *mapping)
{
	struct rb_node *node;
	u32 nr = 0;

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap);
	     node && !fatal_signal_pending(current); node = rb_next(node)) {
		audit->vma = rb_entry(node, struct vm_area_struct, shared.rb);
		check_vma(audit);
		nr++;
	}
	i_mmap_unlock_read(mapping);
	return nr;
}

static void check_windows(struct audit *audit)
{
	struct vmmu_space *space;

	audit->check = check_window;
	list_for_each_entry(space, &audit->vm->spaces, link) {
		vmmu_grant_query_init(&audit->query, space, VMMU_ACCESS_READ, 0);
		audit->args->windows += check_mappings(audit, space->mapping);
	}
}

/* Real pages that the real map table has as page tables, and no space does. */
static void check_strays(struct audit *audit)
{
	struct vmmu_vm *vm = audit->vm;
	u64 entry, index = 0, last = vm->realmap.nr_pages - 1;

	while (index <= last && !fatal_signal_pending(current)) {
		rcu_read_lock();
		entry = vmmu_realmap_next(&vm->realmap, &index, last);
		rcu_read_unlock();
		if (!entry)
			continue;
		if (entry & VMMU_REALMAP_TABLE && !vmmu_ptpage_find(vm, index))
			table_is_wrong(audit, index);
		index++;
		cond_resched();
	}
}

static void check_tables(struct audit *audit)
{
	u64 wrong;

	audit->args->tables = audit->vm->ptpages.nr;
	audit->args->tables_wrong = vmmu_ptpage_audit(audit->vm, &wrong);
	if (audit->args->tables_wrong)
		audit->args->ra = vmmu_ra_of_index(wrong).value;
	check_strays(audit);
	audit->check = check_real;
	check_mappings(audit, audit->vm->realmap.mapping);
}

long vmmu_audit(struct vmmu_vm *vm, struct vmmu_audit *args)
{
	struct audit audit = { .args = args, .vm = vm };
	int err;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	*args = (struct vmmu_audit){ .size = args->size };
	err = vmmu_settle_vm(vm);
	if (err)
		return err;
	down_write(&vm->lock);
	check_windows(&audit);
	check_tables(&audit);
	up_write(&vm->lock);
	return fatal_signal_pending(current) ? -EINTR : 0;
}
