// SPDX-License-Identifier: GPL-2.0
/*
 * Do what a sound kernel never does, so that selftests/vm/test-run can tell
 * that selftests/vm/run notices. `insmod faults.ko what=NAME` does it at once;
 * nothing else uses this module.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "warn, bug, oops, hang, stall, hold or late");

static int *nowhere;

/* Keep a CPU to itself for longer than the RCU stall detector waits. */
static void stall(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), 30 * MSEC_PER_SEC);

	preempt_disable();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	preempt_enable();
}

static int warn_when_leaving(struct notifier_block *block, unsigned long state, void *data)
{
	struct module *module = data;

	WARN_ON(state == MODULE_STATE_GOING && !strcmp(module->name, "vmmu"));
	return NOTIFY_DONE;
}

static struct notifier_block leaving = { .notifier_call = warn_when_leaving };

static int __init faults_init(void)
{
	if (!strcmp(what, "warn"))
		WARN_ON(1);
	else if (!strcmp(what, "bug"))
		BUG();
	else if (!strcmp(what, "oops"))
		WRITE_ONCE(*nowhere, 1);
	else if (!strcmp(what, "hang"))
		schedule_timeout_uninterruptible(60 * HZ);
	else if (!strcmp(what, "stall"))
		stall();
	else if (!strcmp(what, "hold"))
		return PTR_ERR_OR_ZERO(filp_open("/dev/vmmu", O_RDONLY, 0));
	else if (!strcmp(what, "late"))
		return register_module_notifier(&leaving);
	else
		return -EINVAL;
	return 0;
}

module_init(faults_init);
MODULE_DESCRIPTION("Faults for the test of vmmu's test VM");
MODULE_LICENSE("GPL");
