// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about windows and traps, and a thread's falling asleep, failed at
 * each of their points: see fail_nth.h.
 */
#include <sys/time.h>

#include "fail_nth_window.h"
#include "vmmu_trap_calls.h"

static struct {
	struct vmmu_trap_create trap;
	struct vmmu_trap_info info;
	struct vmmu_audit audit;
	struct vmmu_fault fault;
} told;

static int do_invalidate(struct scene *s)
{
	return _invalidate(s->g.space, 0, FIRST_VA, PAGE);
}

static const char *worked_invalidate(struct scene *s, const struct state *was,
				     const struct state *now)
{
	static struct state quiet;

	if (now->vm.sequence != was->vm.sequence + 1 ||
	    now->vm.zaps != was->vm.zaps + 1)
		return "nothing was invalidated";
	quiet = *now;
	quiet.vm.sequence = was->vm.sequence;
	quiet.vm.zaps = was->vm.zaps;
	return differs(was, &quiet);
}

FIXTURE_VARIANT_ADD(fail_nth, INVALIDATE)
{
	.run = do_invalidate, .prepare = prepare_read,
	.worked = worked_invalidate, .errnos = { EFAULT },
};

static int do_audit(struct scene *s)
{
	return _audit(s->g.vm, &told.audit);
}

static const char *settle_audit(struct scene *s, int ret)
{
	return !ret && (told.audit.wrong || told.audit.checked != 1) ?
	       "not the one right PTE" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, AUDIT)
{
	.run = do_audit, .prepare = prepare_read, .settle = settle_audit,
	.errnos = { EFAULT },
};

static int do_fault(struct scene *s)
{
	return _fault(s->g.space, s->at, READ, &told.fault);
}

static const char *settle_fault(struct scene *s, int ret)
{
	return !ret && told.fault.va != FIRST_VA ? "another address" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, FAULT)
{
	.run = do_fault, .prepare = prepare_read, .settle = settle_fault,
	.errnos = { EFAULT },
};

static int do_trap_create(struct scene *s)
{
	return _trap_create(s->g.vm, &told.trap);
}

static const char *settle_trap_create(struct scene *s, int ret)
{
	struct vmmu_trap_info i;

	if (ret)
		return told.trap.fd == POISON32 ? NULL :
						  "a descriptor came back";
	if (_trap_info(told.trap.fd, &i))
		return "the trap does not answer";
	return close(told.trap.fd) ? "no descriptor came back" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, TRAP_CREATE)
{
	.run = do_trap_create, .settle = settle_trap_create,
};

static const char *prepare_trap(struct scene *s)
{
	if (do_trap_create(s))
		return "no trap";
	s->fd = told.trap.fd;
	return NULL;
}

static int do_trap_info(struct scene *s)
{
	return _trap_info(s->fd, &told.info);
}

FIXTURE_VARIANT_ADD(fail_nth, TRAP_INFO)
{
	.run = do_trap_info, .prepare = prepare_trap, .errnos = { EFAULT },
};

static int do_set_delivery(struct scene *s)
{
	return _set_delivery(s->g.space, VMMU_DELIVER_RECORD, s->fd);
}

static const char *settle_delivery(struct scene *s, int ret)
{
	struct vmmu_space_info i;

	if (do_trap_info(s) || told.info.nr_spaces != !ret ||
	    _space_info(s->g.space, &i) || i.delivery != !ret)
		return "not what the call has told";
	return _set_delivery(s->g.space, VMMU_DELIVER_SIGNAL, -1) ?
	       "no way back" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, SET_DELIVERY)
{
	.run = do_set_delivery, .prepare = prepare_trap,
	.settle = settle_delivery, .errnos = { EFAULT },
};

/*
 * A thread that is to sleep gets a signal instead when there is no memory for
 * it to sleep. Another signal ends its sleep, for want of an answer.
 */
static const char *prepare_sleep(struct scene *s)
{
	struct itimerval often = { { 0, 400000 }, { 0, 400000 } };
	const char *wrong = prepare_trap(s) ?: map_at(s, UNMAPPED_VA);

	if (!wrong && (do_set_delivery(s) ||
		       setitimer(ITIMER_REAL, &often, NULL)))
		wrong = "no delivery, or no timer";
	return wrong;
}

static int do_sleep(struct scene *s)
{
	int ret = access_once(s->at, READ);

	return ret == -EINTR ? 0 : ret ?: -EPROTO;
}

static const char *settle_sleep(struct scene *s, int ret)
{
	__u64 before = told.info.made;

	if (do_trap_info(s) || told.info.waiting ||
	    told.info.made != told.info.withdrawn)
		return "a record is left";
	/* With a SIGSEGV, too, if it was the SIGALRM's frame that failed. */
	return !ret && told.info.made == before ? "no record" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, window_sleep)
{
	.run = do_sleep, .prepare = prepare_sleep, .settle = settle_sleep,
	.errnos = { EPERM },
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
