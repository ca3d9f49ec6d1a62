/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows of a scene, see fail_nth.h. They are put where the host has no page
 * table yet, so that each level of it is missing at first, too.
 */
#ifndef FAIL_NTH_WINDOW_H
#define FAIL_NTH_WINDOW_H

#include "fail_nth.h"
#include "vmmu_window.h"

#define EMPTY		((void *)(96ULL << 40))	/* no mapping is near */
#define FIRST_VA	((BACKED - 1) * PAGE)	/* the last page with a frame */
#define MISSING		PAGE			/* from there to one without */
#define UNMAPPED_VA	(64 * PAGE)

static sigjmp_buf fault_env;
static int accessing;

static inline void faulted(int sig)
{
	if (__atomic_load_n(&accessing, __ATOMIC_RELAXED))
		siglongjmp(fault_env, sig);
}

/* 0, -EFAULT for a SIGBUS, -EPERM for a SIGSEGV, -EINTR for a SIGALRM. */
static inline int access_once(unsigned char *at, __u32 kind)
{
	int sig = sigsetjmp(fault_env, 0);

	if (!sig) {
		__atomic_store_n(&accessing, 1, __ATOMIC_SEQ_CST);
		if (kind == READ)
			__atomic_load_n(at, __ATOMIC_SEQ_CST);
		else if (kind == WRITE)
			__atomic_store_n(at + 8, 1, __ATOMIC_SEQ_CST);
		else
			((void (*)(void))at)();
	}
	__atomic_store_n(&accessing, 0, __ATOMIC_SEQ_CST);
	return !sig ? 0 : sig == SIGBUS ? -EFAULT :
	       sig == SIGALRM ? -EINTR : -EPERM;
}

static inline const char *map_at(struct scene *s, __u64 va)
{
	struct sigaction act = {
		.sa_handler = faulted,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGALRM, &act, NULL);
	s->at = mmap(EMPTY, MAPPED, RWX, MAP_SHARED | MAP_FIXED, s->g.space, va);
	if (s->at != MAP_FAILED)
		return NULL;
	s->at = NULL;
	return "no window";
}

static inline const char *prepare_window(struct scene *s)
{
	/* A `ret`, where fetches go. */
	s->g.mem[s->g.data + ((BACKED - 1) ^ 1) * PAGE] = 0xc3;
	return map_at(s, FIRST_VA);
}

/* A window through which a page was read. */
static inline const char *prepare_read(struct scene *s)
{
	const char *wrong = prepare_window(s);

	return wrong ?: access_once(s->at, READ) ? "no access" : NULL;
}

#endif /* FAIL_NTH_WINDOW_H */
