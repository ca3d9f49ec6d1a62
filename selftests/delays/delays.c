// SPDX-License-Identifier: GPL-2.0
/*
 * Delay whoever passes certain places of vmmu and of the kernel, for a random
 * time, so that races which need a wide window are run and lost. The places are
 * where functions begin or end; vmmu.ko itself knows nothing of it. For tests
 * alone: selftests/races_delayed.sh loads it.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/jhash.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *only = "races";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "delay programs whose name begins so");

static unsigned int chance = 4;
module_param(chance, uint, 0644);
MODULE_PARM_DESC(chance, "delay one in so many passes");

static unsigned int longest = 2000;
module_param(longest, uint, 0644);
MODULE_PARM_DESC(longest, "microseconds that most delays take at most; some take eight times that");

static atomic_t passes;
static u32 seed;

/* Probes can hit while the kernel's own generator is locked. */
static u32 dice(u32 sides)
{
	return jhash_1word(atomic_inc_return(&passes), seed) % sides;
}

/*
 * One pass in @rarity times chance is delayed; for long enough, now and then,
 * that the others come round while they are delayed themselves.
 */
static void delay(unsigned int rarity)
{
	if (strncmp(current->comm, only, strlen(only)))
		return;
	if (!chance || dice(chance * rarity))
		return;
	udelay(dice(longest + 1) * (dice(8) ? 1 : 8));
}

static int at_entry(struct kprobe *probe, struct pt_regs *regs)
{
	delay(1);
	return 0;
}

/* It would do nothing, but keeps the kernel from making a jump of the probe. */
static void after_entry(struct kprobe *probe, struct pt_regs *regs,
			unsigned long flags)
{
}

static int at_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	delay(1);
	return 0;
}

/* Of what each walk does several times. */
static int at_frequent_return(struct kretprobe_instance *instance,
			      struct pt_regs *regs)
{
	delay(16);
	return 0;
}

#define ENTRY_OF(function) {						\
	.symbol_name = function,					\
	.pre_handler = at_entry,					\
	.post_handler = after_entry,					\
}

#define RETURN_OF(function, at) {					\
	.kp.symbol_name = function,					\
	.handler = at,							\
	.maxactive = 64,						\
}

static struct kprobe entries[] = {
	/* a page is locked and looked at again, but not mapped yet */
	ENTRY_OF("vmmu:vmmu_realmap_mark"),
	ENTRY_OF("finish_fault"),
	/* the core has let go of the page's lock, and asks for a write */
	ENTRY_OF("vmmu:realmem_page_mkwrite"),
	/* an entry has gone, but mappings have not */
	ENTRY_OF("unmap_mapping_pages"),
	/* something has changed, but the sequence has not moved */
	ENTRY_OF("vmmu:vmmu_realmap_invalidate"),
	/* an entry was read, and is about to be changed */
	ENTRY_OF("vmmu:vmmu_word_cmpxchg"),
	ENTRY_OF("vmmu:vmmu_walk_mark"),
	/* a page has no frame, and is about to get one */
	ENTRY_OF("vmmu:vmmu_realmap_provide"),
	/* a window's fault has its answer, and asks what it grants */
	ENTRY_OF("vmmu:vmmu_grant_pages"),
	/* a frame was found, but its owner is not noted yet */
	ENTRY_OF("vmmu:vmmu_frame_add_owner"),
	/* a run of a batch is about to be stored, and the sequence to move */
	ENTRY_OF("vmmu:vmmu_install_run"),
	/* what is granted is known, but the page table is not locked */
	ENTRY_OF("vmmu:vmmu_shadow_insert"),
	/* the sequence has moved, and it is asked what is to be zapped */
	ENTRY_OF("vmmu:vmmu_zap_entry"),
	ENTRY_OF("vmmu:vmmu_zap_frame"),
	/* what is to be zapped is known, but still there */
	ENTRY_OF("vmmu:vmmu_zap_flush"),
	/* a window's rights are about to change, but PTEs are there */
	ENTRY_OF("zap_vma_ptes"),
	/* a thread is about to sleep for a space that has its queue no more */
	ENTRY_OF("vmmu:vmmu_trapq_wait"),
	/* a space delivers elsewhere, and its sleepers do not know */
	ENTRY_OF("vmmu:vmmu_trapq_unbind"),
	/* a record was taken, and its reader fails to get it */
	ENTRY_OF("vmmu:vmmu_trapq_untake"),
};

static struct kretprobe returns[] = {
	/* an entry was read, and what it refers to is about to be used */
	RETURN_OF("vmmu:vmmu_realmap_get", at_return),
	RETURN_OF("vmmu:vmmu_word_load", at_frequent_return),
	RETURN_OF("vmmu:vmmu_walk_to", at_frequent_return),
	/* a table was found, and its entries are about to be read */
	RETURN_OF("vmmu:vmmu_walk_run", at_return),
	/* a frame is out of the table, but its page was not locked yet */
	RETURN_OF("vmmu:vmmu_realmap_clear", at_return),
};

static void remove(unsigned int nr_entries, unsigned int nr_returns)
{
	while (nr_entries)
		unregister_kprobe(&entries[--nr_entries]);
	while (nr_returns)
		unregister_kretprobe(&returns[--nr_returns]);
}

static int __init delays_init(void)
{
	unsigned int i, k;
	int err;

	seed = get_random_u32();
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		err = register_kprobe(&entries[i]);
		if (err) {
			pr_err("delays: no %s: %d\n", entries[i].symbol_name,
			       err);
			remove(i, 0);
			return err;
		}
	}
	for (k = 0; k < ARRAY_SIZE(returns); k++) {
		err = register_kretprobe(&returns[k]);
		if (err) {
			pr_err("delays: no %s: %d\n", returns[k].kp.symbol_name,
			       err);
			remove(i, k);
			return err;
		}
	}
	return 0;
}

static void __exit delays_exit(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(returns); i++)
		if (returns[i].nmissed)
			pr_info("delays: missed %s %d times\n",
				returns[i].kp.symbol_name, returns[i].nmissed);
	remove(ARRAY_SIZE(entries), ARRAY_SIZE(returns));
}

module_init(delays_init);
module_exit(delays_exit);
MODULE_DESCRIPTION("Random delays for the tests of vmmu");
MODULE_LICENSE("GPL");
