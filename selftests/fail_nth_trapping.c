// SPDX-License-Identifier: GPL-2.0
/*
 * TRAPPING spaces, stores to their tables and calls about them, failed at each of
 * their points: see fail_nth.h.
 */
#include "fail_nth_window.h"
#include "vmmu_debug.h"
#include "vmmu_trap_calls.h"

#define BITS		VMMU_MODE_NXE
#define NEW_VA		(512 * GIB)
#define NR_NEW		3

/*
 * @pte: an entry of the guest's last-level table that maps nothing
 * @slot: the root's entry for NEW_VA
 * @upper: what is to be there: three tables, each where nothing is near, of which
 *	the last one has no frame
 */
static struct {
	struct vmmu_space_create create;
	struct vmmu_install install;
	struct vmmu_install_op ops[3];
	__u64 *pte, *slot, upper;
	int trap;
} told;

static __u64 new_table(unsigned int i)
{
	return FRESH + i * 8 * MIB;
}

/* Tables that are not the guest's yet. */
static const char *prepare_tables(struct scene *s)
{
	for (unsigned int i = 0; i + 1 < NR_NEW; i++)
		*guest_entry(&s->g, new_table(i), i) =
			new_table(i + 1) | PTE_ALL;
	told.upper = new_table(0) | PTE_ALL;
	told.pte = guest_entry(&s->g, s->table, 100);
	told.slot = guest_entry(&s->g, s->g.root, index_at(NEW_VA, 4));
	return NULL;
}

/* The guest's own table traps, besides. */
static const char *prepare_trapping(struct scene *s)
{
	struct vmmu_space_create c;

	prepare_tables(s);
	if (_trapping_space(s->g.vm, FORMAT4, s->g.root, BITS, &c))
		return "no space";
	close(s->g.space);
	s->g.space = c.fd;
	return map_at(s, 0);
}

/* What windows had is zapped where tables are opened, or change. */
static const char *others_differ(const struct state *was,
				 const struct state *now)
{
	static struct state quiet;

	quiet = *now;
	quiet.vm.zaps = was->vm.zaps;
	return rest_differs(was, &quiet);
}

/* Whether the state is as before, but for frames that came on the way. */
static const char *as_before(const struct state *was, const struct state *now)
{
	if (was->audit.tables != now->audit.tables)
		return "there are more or less page tables";
	for (unsigned int i = 0; i < PAGES + 3; i++)
		if (was->translated[i].ra != now->translated[i].ra)
			return "a translation differs";
	return others_differ(was, now) ?:
	       real_differs(was, now, FRESH + 64 * MIB, PAGE, 0);
}

static const char *failed_as_before(struct scene *s, int ret,
				    const struct state *was,
				    const struct state *now)
{
	return as_before(was, now);
}

static const char *worked_as_before(struct scene *s, const struct state *was,
				    const struct state *now)
{
	return as_before(was, now);
}

/* Likewise, but for contents of the guest's tables. */
static const char *worked_besides(struct scene *s, const struct state *was,
				  const struct state *now)
{
	return others_differ(was, now) ?:
	       real_differs(was, now, FRESH, 128 * MIB, s->g.next);
}

static int do_create(struct scene *s)
{
	*told.slot = told.upper;
	return _trapping_space(s->g.vm, FORMAT4, s->g.root, BITS, &told.create);
}

static const char *settle_create(struct scene *s, int ret)
{
	if (!ret)
		close(told.create.fd);
	*told.slot = 0;
	return NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, trapping_space_create)
{
	.run = do_create, .prepare = prepare_tables, .settle = settle_create,
	.worked = worked_as_before, .failed = failed_as_before,
};

/* To a root that is the first of the new tables, and back. */
static int do_set_root(struct scene *s)
{
	return _set_root(s->g.space, new_table(0));
}

static const char *settle_set_root(struct scene *s, int ret)
{
	return _set_root(s->g.space, s->g.root) ? "no way back" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, trapping_set_root)
{
	.run = do_set_root, .prepare = prepare_trapping,
	.settle = settle_set_root, .worked = worked_as_before,
	.failed = failed_as_before,
};

static int store_once(__u64 *at, __u64 value)
{
	int sig = sigsetjmp(fault_env, 0);

	if (!sig) {
		__atomic_store_n(&accessing, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(at, value, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&accessing, 0, __ATOMIC_SEQ_CST);
	return !sig ? 0 : sig == SIGBUS ? -EFAULT : -EPERM;
}

static int store_unseen(__u64 *at, __u64 value)
{
	volatile __u16 *words = (__u16 *)at;
	int sig = sigsetjmp(fault_env, 0);

	if (!sig) {
		__atomic_store_n(&accessing, 1, __ATOMIC_SEQ_CST);
		for (int i = 0; i < 4; i++)
			words[i] = value >> 16 * i;
	}
	__atomic_store_n(&accessing, 0, __ATOMIC_SEQ_CST);
	return !sig ? 0 : sig == SIGBUS ? -EFAULT : -EPERM;
}

/* The page that is mapped needs a frame, and tables of the real map. */
static int do_store(struct scene *s)
{
	return store_once(told.pte, (FRESH + 64 * MIB) | PTE_ALL);
}

static int do_store_unseen(struct scene *s)
{
	return store_unseen(told.pte, s->g.data | PTE_ALL);
}

static int do_store_table(struct scene *s)
{
	return store_once(told.slot, told.upper);
}

#define TRAPPED_STORE(run_it)						\
	.run = run_it, .prepare = prepare_trapping,			\
	.worked = worked_besides, .failed = failed_as_before,		\
	.errnos = { EFAULT }

FIXTURE_VARIANT_ADD(fail_nth, trapped_store)
{
	TRAPPED_STORE(do_store),
};

FIXTURE_VARIANT_ADD(fail_nth, trapped_store_of_tables)
{
	TRAPPED_STORE(do_store_table),
};

FIXTURE_VARIANT_ADD(fail_nth, unknown_store)
{
	TRAPPED_STORE(do_store_unseen),
};

/*
 * Unseen stores, and then a call. What was stored stays, whether the call fails or
 * not, and is established when the state is looked at.
 */
static int do_settle(struct scene *s)
{
	int ret = store_unseen(told.slot, told.upper);

	return ret ?: _invalidate(s->g.space, VMMU_INVALIDATE_ALL, 0, 0);
}

static const char *judge_settle(struct scene *s, const struct state *was,
				const struct state *now)
{
	if (!(*told.slot & PTE_P))
		return as_before(was, now);
	if (now->audit.tables != was->audit.tables + NR_NEW)
		return "the new tables are not known";
	return worked_besides(s, was, now);
}

static const char *failed_settle(struct scene *s, int ret,
				 const struct state *was,
				 const struct state *now)
{
	return judge_settle(s, was, now);
}

FIXTURE_VARIANT_ADD(fail_nth, settling)
{
	.run = do_settle, .prepare = prepare_trapping,
	.worked = judge_settle, .failed = failed_settle,
};

#define TABLE_VA	(101 * PAGE)

/* The guest's table is mapped by itself, too. */
static const char *prepare_write(struct scene *s)
{
	*guest_entry(&s->g, s->table, 101) = s->table | PTE_ALL | PTE_A | PTE_D;
	return prepare_trapping(s);
}

/* A write to a page table opens it. The entry is not present, before or after. */
static int do_write(struct scene *s)
{
	__u64 value = 0x1234 << 12;
	struct vmmu_memory m;

	return _memory(s->g.space, VMMU_IOC_WRITE, 0, TABLE_VA + 100 * 8,
		       &value, sizeof(value), &m);
}

/* The answer may meet a fault when all is done. */
static const char *failed_write(struct scene *s, int ret,
				const struct state *was,
				const struct state *now)
{
	return ret == -EFAULT ? worked_besides(s, was, now) :
				as_before(was, now);
}

FIXTURE_VARIANT_ADD(fail_nth, write_to_a_table)
{
	.run = do_write, .prepare = prepare_write,
	.worked = worked_besides, .failed = failed_write,
};

/* Tables come by a hypercall. */
static int do_install_table(struct scene *s)
{
	told.ops[0] = (struct vmmu_install_op){
		.va = NEW_VA, .level = 4, .value = told.upper,
	};
	return _install(s->g.space, 0, told.ops, 1, NULL, &told.install);
}

FIXTURE_VARIANT_ADD(fail_nth, install_of_tables)
{
	.run = do_install_table, .prepare = prepare_trapping,
	.worked = judge_settle, .failed = failed_settle,
};

/* Tables go, others come, and all of that is taken back. */
static int do_rollback(struct scene *s)
{
	int ret;

	told.ops[0] = (struct vmmu_install_op){ .va = 0, .level = 4 };
	told.ops[1] = (struct vmmu_install_op){
		.va = NEW_VA, .level = 4, .value = told.upper,
	};
	told.ops[2] = (struct vmmu_install_op){ .va = 0, .level = 9 };
	ret = _install(s->g.space, VMMU_INSTALL_ATOMIC, told.ops, 3, NULL,
		       &told.install);
	return ret == -EINVAL ? 0 : ret;
}

FIXTURE_VARIANT_ADD(fail_nth, rollback_of_tables)
{
	.run = do_rollback, .prepare = prepare_trapping,
	.worked = worked_as_before, .failed = failed_as_before,
};

static const char *prepare_delivery(struct scene *s)
{
	struct vmmu_trap_create c;
	const char *wrong = prepare_trapping(s);

	if (wrong || _trap_create(s->g.vm, &c))
		return wrong ?: "no trap file";
	s->fd = c.fd;
	return NULL;
}

static int do_deliver(struct scene *s)
{
	return _deliver(s->g.space, VMMU_TRAP_STORE, VMMU_DELIVER_NOTIFY,
			s->fd);
}

/* The room for records stays until the trap file is closed: a new one. */
static const char *settle_deliver(struct scene *s, int ret)
{
	struct vmmu_trap_create c;

	_deliver(s->g.space, VMMU_TRAP_STORE, VMMU_DELIVER_NONE, -1);
	close(s->fd);
	if (_trap_create(s->g.vm, &c))
		return "no trap file";
	s->fd = c.fd;
	return NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, deliver_notify)
{
	.run = do_deliver, .prepare = prepare_delivery,
	.settle = settle_deliver, .worked = worked_as_before,
	.failed = failed_as_before,
};

static int do_ledger(struct scene *s)
{
	struct vmmu_ledger l;

	return _ledger(s->g.space, &l) ?: _ledger(s->g.vm, &l);
}

FIXTURE_VARIANT_ADD(fail_nth, LEDGER)
{
	.run = do_ledger, .errnos = { EFAULT },
};

static int do_get_delivery(struct scene *s)
{
	__u32 delivery;

	return _delivery(s->g.space, VMMU_TRAP_STORE, &delivery);
}

FIXTURE_VARIANT_ADD(fail_nth, GET_DELIVERY)
{
	.run = do_get_delivery, .errnos = { EFAULT },
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
