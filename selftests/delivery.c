// SPDX-License-Identifier: GPL-2.0
/*
 * Where guest page faults go: what is set is told by SPACE_INFO, TRAP_INFO and
 * fdinfo, and how it ends.
 */
#include "vmmu_guest.h"
#include "vmmu_proc.h"
#include "vmmu_trap_calls.h"

FIXTURE(delivery) {
	struct guest g;
	int trap;
};

FIXTURE_SETUP(delivery)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, 4 * MIB, FORMAT4, 0);
	self->trap = trap_create(self->g.vm);
}

FIXTURE_TEARDOWN(delivery)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Assert what a space delivers, by all accounts. */
#define delivers(space, what) do {					\
	int __space = (space), __what = (what);				\
	const char *__text = fdinfo_text(__space, "vmmu-faults");	\
									\
	ASSERT_EQ(__what, space_info(__space).delivery);		\
	ASSERT_EQ(0, space_info(__space).reserved);			\
	ASSERT_NE(NULL, __text);					\
	ASSERT_STREQ(__what == VMMU_DELIVER_RECORD ? "record" : "signal",\
		     __text);						\
} while (0)

TEST_F(delivery, is_told)
{
	int space = self->g.space, trap = self->trap;
	int other = trap_create(self->g.vm);
	struct vmmu_trap_info i = trap_info(trap);

	EXPECT_EQ(vm_info(self->g.vm).id, i.vm_id);
	EXPECT_EQ(0, i.made + i.read + i.withdrawn + i.overflowed + i.answered);
	EXPECT_EQ(0, i.waiting + i.nr_spaces);
	EXPECT_EQ(i.vm_id, fdinfo_u64(trap, "vmmu-trap-of-vm"));
	EXPECT_EQ(0, fdinfo_u64(trap, "vmmu-waiting"));
	ASSERT_NE(NULL, fdinfo_text(trap, "vmmu-records"));
	EXPECT_STREQ("0 made, 0 read, 0 withdrawn, 0 overflowed, 0 answered",
		     fdinfo_text(trap, "vmmu-records"));

	delivers(space, VMMU_DELIVER_SIGNAL);
	deliver_records(space, trap);
	delivers(space, VMMU_DELIVER_RECORD);
	EXPECT_EQ(1, trap_info(trap).nr_spaces);
	/* Again is once. */
	deliver_records(space, trap);
	EXPECT_EQ(1, trap_info(trap).nr_spaces);
	deliver_records(space, other);
	EXPECT_EQ(0, trap_info(trap).nr_spaces);
	EXPECT_EQ(1, trap_info(other).nr_spaces);
	delivers(space, VMMU_DELIVER_RECORD);
	deliver_signals(space);
	delivers(space, VMMU_DELIVER_SIGNAL);
	deliver_signals(space);
	EXPECT_EQ(0, trap_info(other).nr_spaces);
	close(other);
	close(trap);
}

TEST_F(delivery, of_several_spaces)
{
	int spaces[8], i;

	for (i = 0; i < 8; i++) {
		spaces[i] = space_create(self->g.vm, FORMAT4, 0, 0);
		deliver_records(spaces[i], self->trap);
		EXPECT_EQ(i + 1, trap_info(self->trap).nr_spaces);
	}
	while (i--) {
		close(spaces[i]);
		EXPECT_EQ(i, trap_info(self->trap).nr_spaces);
	}
	delivers(self->g.space, VMMU_DELIVER_SIGNAL);
	close(self->trap);
}

/* Nobody is there to answer: signals, and that is told, too. */
TEST_F(delivery, to_a_trap_that_is_closed)
{
	int again = dup(self->trap);

	deliver_records(self->g.space, self->trap);
	close(self->trap);
	delivers(self->g.space, VMMU_DELIVER_RECORD);
	close(again);
	delivers(self->g.space, VMMU_DELIVER_SIGNAL);
	again = trap_create(self->g.vm);
	deliver_records(self->g.space, again);
	delivers(self->g.space, VMMU_DELIVER_RECORD);
	close(again);
}

/* The file holds its VM. */
TEST_F(delivery, outlives_the_vm_descriptor)
{
	int vm = vm_create(self->g.dev, MIB), trap = trap_create(vm);
	__u64 id = vm_info(vm).id;

	close(vm);
	EXPECT_EQ(id, trap_info(trap).vm_id);
	EXPECT_EQ(id, fdinfo_u64(trap, "vmmu-trap-of-vm"));
	close(trap);
	close(self->trap);
}

TEST_HARNESS_MAIN
