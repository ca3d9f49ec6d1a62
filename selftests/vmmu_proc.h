/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests ask of the host: children, signals of an access, fdinfo, pagemap,
 * users. Nothing here knows a call of /dev/vmmu.
 */
#ifndef VMMU_PROC_H
#define VMMU_PROC_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/types.h>

#define NOBODY	65534

/* For code that runs in a child, where the harness's assertions do not work. */
#define CHILD_CHECK(what) do {						\
	if (!(what)) {							\
		fprintf(stderr, "# %s:%d: child: %s (errno %d)\n",	\
			__FILE__, __LINE__, #what, errno);		\
		_exit(99);						\
	}								\
} while (0)

/* Wait for a child: its exit status, or 128 plus the signal that ended it. */
static inline int child_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static inline __u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/*
 * Accesses that may be refused. Each gives 0, or the signal it raised; the
 * address that the signal named is in access_address.
 */
static sigjmp_buf access_env;
static void *access_address;

static inline void access_refused(int sig, siginfo_t *si, void *context)
{
	access_address = si->si_addr;
	siglongjmp(access_env, sig);
}

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_STORE };

static inline int access_attempt(void *at, enum access_kind kind, __u64 value)
{
	struct sigaction act = {
		.sa_sigaction = access_refused,
		.sa_flags = SA_SIGINFO,
	};
	struct sigaction bus, segv;
	int sig;

	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	sig = sigsetjmp(access_env, 1);
	if (!sig) {
		/* An xchg would be a read first where QEMU has one CPU only. */
		if (kind == ACCESS_STORE)
			__atomic_store_n((__u64 *)at, value, __ATOMIC_RELAXED);
		else if (kind == ACCESS_WRITE)
			__atomic_store_n((__u8 *)at, value, __ATOMIC_RELAXED);
		else
			__atomic_load_n((__u8 *)at, __ATOMIC_RELAXED);
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

static inline int access_read(void *at)
{
	return access_attempt(at, ACCESS_READ, 0);
}

static inline int access_write(void *at, unsigned char byte)
{
	return access_attempt(at, ACCESS_WRITE, byte);
}

/* Of 8 bytes, by one instruction. */
static inline int access_store(__u64 *at, __u64 value)
{
	return access_attempt(at, ACCESS_STORE, value);
}

/* True when @bytes from @at on all are @value. */
static inline int all_bytes(const void *at, unsigned char value, size_t bytes)
{
	const unsigned char *p = at;

	return p[0] == value && !memcmp(p, p + 1, bytes - 1);
}

/*
 * The text after "@key:\t" in a file's fdinfo, in a buffer that the next call
 * overwrites; NULL when there is no such line.
 */
static inline const char *fdinfo_text(int fd, const char *key)
{
	static char line[256];
	size_t len = strlen(key);
	const char *found = NULL;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		return NULL;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, key, len) && !strncmp(line + len, ":\t", 2))
			found = line + len + 2;
	}
	fclose(f);
	return found;
}

/* The same as a number; ~0 when it is none. */
static inline __u64 fdinfo_u64(int fd, const char *key)
{
	const char *text = fdinfo_text(fd, key);
	char *end;
	__u64 value;

	if (!text || !*text)
		return ~0ULL;
	value = strtoull(text, &end, 0);
	return *end ? ~0ULL : value;
}

/* The frame behind an address by the host's own account; 0 when none shows. */
static inline __u64 pagemap_frame(const void *at)
{
	__u64 entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)at / 4096 * 8) !=
	    sizeof(entry) || !(entry >> 63))
		entry = 0;
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* Whether this kernel runs for tests only, so that it may be harmed. */
static inline int booted_for_tests(void)
{
	char line[4096] = {};
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = read(fd, line, sizeof(line) - 1);

	close(fd);
	return bytes > 0 && strstr(line, "page_poison=1");
}

/* Write a text to a file, of /proc say; 0 or -errno. */
static inline int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Number of file descriptors that the process has. */
static inline int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/*
 * Become a user without capabilities, and back: real and effective user
 * change, the saved one stays root.
 */
static inline int become_nobody(void)
{
	return setresuid(NOBODY, NOBODY, 0);
}

static inline int become_root(void)
{
	return setresuid(0, 0, 0);
}

/* Do without a capability. */
static inline int drop_capability(int capability)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[capability / 32].effective &= ~(1U << capability % 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static inline int limit_memlock(__u64 bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* Send a file descriptor over a socket. */
static inline int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

static inline int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

#endif /* VMMU_PROC_H */
