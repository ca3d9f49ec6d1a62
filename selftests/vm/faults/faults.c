// SPDX-License-Identifier: GPL-2.0
/*
 * Do what a sound kernel never does, so that selftests/vm/test-run can tell
 * that selftests/vm/run notices. `insmod faults.ko what=NAME` does it at once;
 * nothing else uses this module.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "the name of a row of the table of faults");

static int *nowhere;

/* Keep a CPU to itself for longer than the RCU stall detector waits. */
static int stall(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), 30 * MSEC_PER_SEC);

	preempt_disable();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	preempt_enable();
	return 0;
}

static int warn_when_leaving(struct notifier_block *block, unsigned long state, void *data)
{
	struct module *module = data;

	WARN_ON(state == MODULE_STATE_GOING && !strcmp(module->name, "vmmu"));
	return NOTIFY_DONE;
}

static struct notifier_block leaving = { .notifier_call = warn_when_leaving };

static int late(void)
{
	return register_module_notifier(&leaving);
}

static int hold(void)
{
	return PTR_ERR_OR_ZERO(filp_open("/dev/vmmu", O_RDONLY, 0));
}

static int warn(void)
{
	WARN_ON(1);
	return 0;
}

static int bug(void)
{
	BUG();
}

static int oops(void)
{
	WRITE_ONCE(*nowhere, 1);
	return 0;
}

static int hang(void)
{
	schedule_timeout_uninterruptible(60 * HZ);
	return 0;
}

/*
 * What follows, only a kernel with the checker for it notices. The variables
 * are hidden, or the compiler would notice first.
 */

static int out_of_bounds(void)
{
	size_t bytes = 24;
	char *object;

	OPTIMIZER_HIDE_VAR(bytes);
	object = kzalloc(bytes, GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	WRITE_ONCE(object[bytes], 1);
	kfree(object);
	return 0;
}

static int use_after_free(void)
{
	char *object = kzalloc(24, GFP_KERNEL), *freed = object;

	if (!object)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(freed);
	kfree(object);
	return READ_ONCE(freed[8]) ? -EIO : 0;
}

static int shift(void)
{
	int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	return (1 << bits) < 0 ? -EIO : 0;
}

static int leak(void)
{
	int i;

	/* Several, since a stale pointer somewhere may hide one. */
	for (i = 0; i < 10; i++) {
		char *object = kmalloc(100, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(object);
	}
	return 0;
}

static int sleep_in_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
	return 0;
}

/* Two locks in both orders: a deadlock that did not happen this time. */
static int lock_order(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
	return 0;
}

static int rcu_without_lock(void)
{
	static int __rcu *pointer;

	return rcu_dereference(pointer) ? -EIO : 0;
}

static int list_twice(void)
{
	static LIST_HEAD(head);
	static LIST_HEAD(entry);

	list_add(&entry, &head);
	list_add(&entry, &head);
	return 0;
}

static const struct {
	const char *name;
	int (*make)(void);
} faults[] = {
	{ "warn", warn },
	{ "bug", bug },
	{ "oops", oops },
	{ "hang", hang },
	{ "stall", stall },
	{ "hold", hold },
	{ "late", late },
	{ "out-of-bounds", out_of_bounds },
	{ "use-after-free", use_after_free },
	{ "shift", shift },
	{ "leak", leak },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "lock-order", lock_order },
	{ "rcu-without-lock", rcu_without_lock },
	{ "list-twice", list_twice },
};

static int __init faults_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(what, faults[i].name))
			return faults[i].make();
	return -EINVAL;
}

module_init(faults_init);
MODULE_DESCRIPTION("Faults for the test of vmmu's test VM");
MODULE_LICENSE("GPL");
