// SPDX-License-Identifier: GPL-2.0
/*
 * Which file a call belongs to, by all numbers that there are; and files that
 * are closed, replaced or inherited while calls are made on them.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#include "vmmu_calls.h"

TEST_F(calls, wrong_file)
{
	int others[4];
	const struct row *row;
	int f;

	ASSERT_EQ(0, pipe(others));
	others[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	others[3] = eventfd(0, EFD_CLOEXEC);
	self->files = open_files();
	for (row = rows; row->name; row++) {
		for (f = 0; f < NR_FILES; f++) {
			if (is_on(row->cmd, f))
				continue;
			fill(row);
			fails_with(ENOTTY, call(file[f], row->cmd, arg))
				TH_LOG("%s on file %d", row->name, f);
			unchanged(row);
		}
		for (f = 0; f < ARRAY_SIZE(others); f++) {
			fails_with(ENOTTY, call(others[f], row->cmd, arg))
				TH_LOG("%s on other file %d", row->name, f);
		}
	}
}

/* Whether a file has the call of this number. */
static bool has_call(int f, unsigned long cmd)
{
	const struct row *row;

	for (row = rows; row->name; row++)
		if (row->cmd == cmd &&
		    (row->file == f || cmd == VMMU_IOC_INFO))
			return true;
	return false;
}

/* Every number of our type, whatever the address. */
TEST_F(calls, unknown_numbers)
{
	unsigned int nr, known = 0;
	int f;

	for (nr = 0; nr < 256; nr++) {
		unsigned long cmd = _IO(VMMU_IOC_TYPE, nr);

		for (f = 0; f < NR_FILES; f++) {
			memset(arg, 0, PAGE);
			if (has_call(f, cmd)) {
				known++;
				continue;
			}
			fails_with(ENOTTY, call(file[f], cmd, arg))
				TH_LOG("number 0x%x on file %d", nr, f);
			fails_with(ENOTTY, call(file[f], cmd, NULL));
			fails_with(ENOTTY, call(file[f], cmd, (void *)-8L));
			ASSERT_TRUE(all_bytes(arg, 0, PAGE));
		}
	}
	/* INFO is everybody's; every other row is one file's. */
	ASSERT_EQ(&rows[known - (NR_FILES - 1)], row_of(0));
	unchanged(rows);
}

/* A known number of another type, in another direction, with a size. */
TEST_F(calls, other_shapes)
{
	const struct row *row;
	unsigned int type, direction, i;

	for (row = rows; row->name; row++) {
		unsigned int sizes[] = { 0, 1, 4, 8, row->bytes, PAGE, 0x3fff };
		int fd = file[row->file], nr = _IOC_NR(row->cmd);

		fill(row);
		for (type = 0; type < 256; type++) {
			/* Some numbers of 'T', 'X' and 0 every file has. */
			if (type == VMMU_IOC_TYPE || type == 'T' ||
			    type == 'X' || !type)
				continue;
			fails_with(ENOTTY, call(fd, _IO(type, nr), arg))
				TH_LOG("type %#x on file %d", type, row->file);
		}
		for (direction = 0; direction < 4; direction++) {
			for (i = 0; i < ARRAY_SIZE(sizes); i++) {
				unsigned long cmd = _IOC(direction,
							 VMMU_IOC_TYPE, nr,
							 sizes[i]);

				if (cmd == row->cmd)
					continue;
				fails_with(ENOTTY, call(fd, cmd, arg))
					TH_LOG("%#lx", cmd);
			}
		}
	}
	unchanged(rows);
}

/* What the threads of a test share. */
#define SLOT	700		/* the descriptor that they fight for */

static union arg templates[32];
static int stop;
static unsigned long results[3];	/* 0, EBADF, ENOTTY */
static int surprise;

static void *call_all(void *unused)
{
	union arg *own = malloc(sizeof(*own));

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const struct row *row;

		for (row = rows; row->name; row++) {
			int ret;

			*own = templates[row - rows];
			ret = ioctl(SLOT, row->cmd, own) ? errno : 0;
			if (!ret)
				let_go(row, own);
			if (ret && ret != EBADF && ret != ENOTTY)
				surprise = ret;
			__atomic_fetch_add(&results[!ret ? 0 : ret == EBADF ?
						    1 : 2],
					   1, __ATOMIC_RELAXED);
		}
	}
	free(own);
	return NULL;
}

/* The file is closed and replaced under the calls. */
TEST_F(calls, file_is_replaced)
{
	const struct row *row;
	pthread_t threads[2];
	int i, n;

	for (row = rows; row->name; row++) {
		ASSERT_GT(ARRAY_SIZE(templates), row - rows);
		fill(row);
		templates[row - rows] = *arg;
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, call_all, NULL));
	for (n = 0; n < 400; n++) {
		ASSERT_EQ(SLOT, dup2(file[n % NR_FILES], SLOT));
		sleep_ms(n % 3);
		if (n % 5 == 0)
			close(SLOT);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close(SLOT);
	printf("# %lu worked, %lu EBADF, %lu ENOTTY\n", results[0], results[1],
	       results[2]);
	ASSERT_EQ(0, surprise);
	ASSERT_LT(0, results[0]);
	ASSERT_LT(0, results[2]);
	unchanged(rows);
}

/* Without call(): EBADF is no error of ours, but may come. */
static void *populate_thread(void *fd)
{
	struct vmmu_range r = { .size = sizeof(r), .bytes = 8 * MIB };

	return ioctl(*(int *)fd, VMMU_IOC_POPULATE, &r) ?
	       (void *)(long)-errno : NULL;
}

/* The call outlives the last descriptor; the VM goes when it returns. */
TEST_F(calls, last_descriptor_is_closed)
{
	unsigned int n, worked = 0;

	for (n = 0; n < rounds(100); n++) {
		int vm = vm_create(file[DEV], 8 * MIB);
		pthread_t thread;
		void *ret;

		ASSERT_EQ(0, pthread_create(&thread, NULL, populate_thread,
					    &vm));
		if (n % 2) {
			while (!vm_info(vm).frames)
				;
		}
		close(vm);
		pthread_join(thread, &ret);
		ASSERT_TRUE(!ret || (long)ret == -EBADF);
		worked += !ret;
	}
	ASSERT_LE(rounds(100) / 2, worked);
	unchanged(rows);
}

/* A child calls on what it inherited, after the parent has closed it. */
TEST_F(calls, after_fork)
{
	int pipes[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		const struct row *row;

		close(pipes[1]);
		CHILD_CHECK(!read(pipes[0], &byte, 1));
		for (row = rows; row->name; row++) {
			fill(row);
			CHILD_CHECK(!try_call(row));
			arg->info.flags = 1U << 31;
			CHILD_CHECK(gives(EOPNOTSUPP, try_call(row)));
		}
		_exit(0);
	}
	close(file[DEV]);
	close(g.vm);
	close(g.space);
	close(file[TRAP]);
	close(pipes[1]);
	close(pipes[0]);
	ASSERT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
