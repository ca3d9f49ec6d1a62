// SPDX-License-Identifier: GPL-2.0
/*
 * What is no call of ours: opening the device, mapping real memory, and first
 * accesses to it, by instructions and by system calls. Each is failed at each
 * of its points: see fail_nth.h.
 */
#include "fail_nth.h"

static int do_open(struct scene *s)
{
	s->fd = open("/dev/vmmu", O_RDWR | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static const char *settle_open(struct scene *s, int ret)
{
	struct vmmu_info i;

	if (ret)
		return NULL;
	if (_info(s->fd, &i))
		return "the device does not answer";
	close(s->fd);
	s->fd = -1;
	return NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, open)
{
	.run = do_open, .settle = settle_open,
};

static int do_mmap(struct scene *s)
{
	s->at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, s->g.vm,
		     FRESH);
	if (s->at != MAP_FAILED)
		return 0;
	s->at = NULL;
	return -errno;
}

static const char *settle_mmap(struct scene *s, int ret)
{
	if (s->at && munmap(s->at, MAPPED))
		return "no mapping";
	s->at = NULL;
	return NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, mmap)
{
	.run = do_mmap, .settle = settle_mmap, .errnos = { ENOMEM },
};

static sigjmp_buf fault_env;

static void faulted(int sig)
{
	siglongjmp(fault_env, sig);
}

/* What accesses go to: a mapping of its own, which nothing has touched. */
static const char *prepare_fresh(struct scene *s)
{
	struct sigaction act = {
		.sa_handler = faulted,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &act, NULL);
	return do_mmap(s) ? "no mapping" : NULL;
}

static const char *prepare_backed(struct scene *s)
{
	__u64 done;

	if (_range(s->g.vm, VMMU_IOC_POPULATE, FRESH, PAGE, &done))
		return "no frame";
	return prepare_fresh(s);
}

static const char *prepare_read(struct scene *s)
{
	const char *wrong = prepare_fresh(s);

	if (!wrong && (access_read(s->at) || access_read(s->at + PAGE)))
		wrong = "no access";
	return wrong;
}

/* A file of two pages, whose bytes are 'f'. */
static const char *prepare_file(struct scene *s)
{
	static char text[2 * PAGE];

	memset(text, 'f', sizeof(text));
	s->fd = memfd_create("vmmu", MFD_CLOEXEC);
	if (s->fd < 0 || write(s->fd, text, sizeof(text)) != sizeof(text))
		return "no file";
	return prepare_fresh(s);
}

/* An access by an instruction; no system call goes along with it. */
static int access_once(unsigned char *at, int write)
{
	if (sigsetjmp(fault_env, 0))
		return -EFAULT;
	if (write)
		__atomic_store_n(at, 1, __ATOMIC_SEQ_CST);
	else
		__atomic_load_n(at, __ATOMIC_SEQ_CST);
	return 0;
}

static int do_read_fault(struct scene *s)
{
	return access_once(s->at, 0);
}

static int do_write_fault(struct scene *s)
{
	return access_once(s->at, 1);
}

static int do_read_call(struct scene *s)
{
	ssize_t got = pread(s->fd, s->at, 2 * PAGE, 0);

	return got < 0 ? -errno : got == 2 * PAGE ? 0 : -EFAULT;
}

static int do_write_call(struct scene *s)
{
	ssize_t got = pwrite(s->fd, s->at, 2 * PAGE, 0);

	return got < 0 ? -errno : got == 2 * PAGE ? 0 : -EFAULT;
}

/* The first @nr pages have their frames; the first byte is, the rest is zero. */
static const char *judge_access(struct scene *s, const struct state *was,
				const struct state *now, unsigned int nr,
				unsigned char first)
{
	unsigned char *page = s->g.mem + FRESH;

	if (frames_within(now, FRESH, nr * PAGE) != nr)
		return "a page that was accessed has no frame";
	if (*page != first || !all_bytes(page + 1, 0, PAGE - 1))
		return "other contents";
	if (was->vm.sequence != now->vm.sequence)
		return "sequence differs";
	return rest_differs(was, now) ?:
	       real_differs(was, now, FRESH, nr * PAGE, 0);
}

static const char *worked_read_fault(struct scene *s, const struct state *was,
				     const struct state *now)
{
	return judge_access(s, was, now, 1, 0);
}

static const char *worked_write_fault(struct scene *s, const struct state *was,
				      const struct state *now)
{
	return judge_access(s, was, now, 1, 1);
}

static const char *worked_write_call(struct scene *s, const struct state *was,
				     const struct state *now)
{
	return judge_access(s, was, now, 2, 0);
}

static const char *worked_read_call(struct scene *s, const struct state *was,
				    const struct state *now)
{
	if (!all_bytes(s->g.mem + FRESH, 'f', 2 * PAGE))
		return "other contents";
	return rest_differs(was, now) ?:
	       real_differs(was, now, FRESH, 2 * PAGE, 0);
}

/* A system call that ends early may have touched some of the pages. */
static const char *failed_call(struct scene *s, int ret,
			       const struct state *was,
			       const struct state *now)
{
	return rest_differs(was, now) ?:
	       real_differs(was, now, FRESH, 2 * PAGE, 0);
}

FIXTURE_VARIANT_ADD(fail_nth, read_fault)
{
	.run = do_read_fault, .prepare = prepare_fresh,
	.worked = worked_read_fault, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, read_fault_backed)
{
	.run = do_read_fault, .prepare = prepare_backed, .errnos = { EFAULT },
	.pointless = true,
};

FIXTURE_VARIANT_ADD(fail_nth, write_fault)
{
	.run = do_write_fault, .prepare = prepare_fresh,
	.worked = worked_write_fault, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, write_fault_backed)
{
	.run = do_write_fault, .prepare = prepare_backed,
	.worked = worked_write_fault, .errnos = { EFAULT }, .pointless = true,
};

FIXTURE_VARIANT_ADD(fail_nth, write_after_read)
{
	.run = do_write_fault, .prepare = prepare_read,
	.worked = worked_write_fault, .errnos = { EFAULT }, .pointless = true,
};

FIXTURE_VARIANT_ADD(fail_nth, read_call)
{
	.run = do_read_call, .prepare = prepare_file,
	.worked = worked_read_call, .failed = failed_call,
};

FIXTURE_VARIANT_ADD(fail_nth, write_call)
{
	.run = do_write_call, .prepare = prepare_file,
	.worked = worked_write_call, .failed = failed_call,
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
