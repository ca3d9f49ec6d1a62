// SPDX-License-Identifier: GPL-2.0
/*
 * Find the VMs, spaces and trap files of this host: every descriptor of every process
 * whose link reads "vmmu:...", by the lines of its fdinfo. Processes come and
 * go meanwhile: what has vanished is not there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fdinfo.h"

#define LINK_PREFIX	"vmmu:"

struct found_vm *found_vm(const struct found *found, uint64_t id)
{
	size_t i;

	for (i = 0; i < found->nr_vms; i++)
		if (found->vms[i].id == id)
			return &found->vms[i];
	return NULL;
}

struct found_space *found_space(const struct found *found, uint64_t vm,
				uint64_t id)
{
	size_t i;

	for (i = 0; i < found->nr_spaces; i++)
		if (found->spaces[i].vm == vm && found->spaces[i].id == id)
			return &found->spaces[i];
	return NULL;
}

/* The VM, noted now if it was not found before. */
static struct found_vm *vm_of(struct found *found, uint64_t id)
{
	struct found_vm *vm = found_vm(found, id);

	if (vm)
		return vm;
	found->vms = grow(found->vms, ++found->nr_vms, sizeof(*found->vms));
	vm = &found->vms[found->nr_vms - 1];
	*vm = (struct found_vm){ .id = id };
	return vm;
}

static struct found_space *space_of(struct found *found, uint64_t vm,
				    uint64_t id)
{
	struct found_space *space = found_space(found, vm, id);

	if (space)
		return space;
	found->spaces = grow(found->spaces, ++found->nr_spaces,
			     sizeof(*found->spaces));
	space = &found->spaces[found->nr_spaces - 1];
	*space = (struct found_space){ .id = id, .vm = vm };
	return space;
}

static struct found_trap *trap_of(struct found *found, uint64_t inode)
{
	struct found_trap *trap;
	size_t i;

	for (i = 0; i < found->nr_traps; i++)
		if (found->traps[i].inode == inode)
			return &found->traps[i];
	found->traps = grow(found->traps, ++found->nr_traps,
			    sizeof(*found->traps));
	trap = &found->traps[found->nr_traps - 1];
	*trap = (struct found_trap){ .inode = inode };
	return trap;
}

/* Note that @process, which has no descriptors yet, holds it by @fd, too. */
static void add_holder(struct holders *holders, const struct holder *process,
		       int fd)
{
	struct holder *last = holders->nr ? &holders->list[holders->nr - 1] :
		NULL;

	if (!last || last->pid != process->pid) {
		holders->list = grow(holders->list, ++holders->nr,
				     sizeof(*holders->list));
		last = &holders->list[holders->nr - 1];
		*last = *process;
	}
	last->fds = grow(last->fds, ++last->nr_fds, sizeof(*last->fds));
	last->fds[last->nr_fds - 1] = fd;
}

/* The value of "@key:\t" at the start of a line of @text; NULL if none. */
static const char *value_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text) {
		if (!strncmp(text, key, length) && text[length] == ':')
			return text + length + 1 +
				strspn(text + length + 1, " \t");
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

static uint64_t number_of(const char *text, const char *key)
{
	const char *value = value_of(text, key);

	return value ? strtoull(value, NULL, 0) : 0;
}

static void text_of(const char *text, const char *key, char *value, size_t room)
{
	const char *start = value_of(text, key);

	snprintf(value, room, "%.*s", start ? (int)strcspn(start, "\n") : 0,
		 start ? start : "");
}

static void add_vm(struct found *found, const char *text,
		   const struct holder *process, int fd)
{
	struct found_vm *vm = vm_of(found, number_of(text, "vmmu-vm"));

	vm->known = true;
	vm->real_bytes = number_of(text, "vmmu-real-bytes");
	vm->frames = number_of(text, "vmmu-frames");
	vm->tables = number_of(text, "vmmu-tables");
	vm->nr_spaces = number_of(text, "vmmu-spaces");
	vm->charged_bytes = number_of(text, "vmmu-charged-bytes");
	vm->sequence = number_of(text, "vmmu-sequence");
	vm->zaps = number_of(text, "vmmu-zaps");
	text_of(text, "vmmu-state", vm->state, sizeof(vm->state));
	add_holder(&vm->holders, process, fd);
}

static void add_space(struct found *found, const char *text,
		      const struct holder *process, int fd)
{
	uint64_t vm = number_of(text, "vmmu-of-vm");
	struct found_space *space = space_of(found, vm,
					     number_of(text, "vmmu-space"));

	vm_of(found, vm);
	space->root = number_of(text, "vmmu-root");
	text_of(text, "vmmu-format", space->format, sizeof(space->format));
	text_of(text, "vmmu-mode", space->mode, sizeof(space->mode));
	text_of(text, "vmmu-kind", space->kind, sizeof(space->kind));
	text_of(text, "vmmu-faults", space->delivery, sizeof(space->delivery));
	text_of(text, "vmmu-installs", space->installs,
		sizeof(space->installs));
	add_holder(&space->holders, process, fd);
}

static void add_trap(struct found *found, const char *text,
		     const struct holder *process, int fd)
{
	struct found_trap *trap = trap_of(found, number_of(text, "ino"));

	trap->vm = number_of(text, "vmmu-trap-of-vm");
	vm_of(found, trap->vm);
	trap->waiting = number_of(text, "vmmu-waiting");
	text_of(text, "vmmu-records", trap->records, sizeof(trap->records));
	add_holder(&trap->holders, process, fd);
}

/* Read the file @path into @text; false if there is nothing to be had. */
static bool read_text(int dir, const char *path, char *text, size_t room)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, room - 1);
	close(fd);
	if (length < 0)
		return false;
	text[length] = '\0';
	return true;
}

/* Look at descriptor @fd of @process, whose folder is @dir. */
static void scan_fd(struct found *found, int dir, const struct holder *process,
		    int fd)
{
	char path[32], target[64], text[2048];
	ssize_t length;

	snprintf(path, sizeof(path), "fd/%d", fd);
	length = readlinkat(dir, path, target, sizeof(target));
	if (length < (ssize_t)strlen(LINK_PREFIX) ||
	    strncmp(target, LINK_PREFIX, strlen(LINK_PREFIX)))
		return;
	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	if (!read_text(dir, path, text, sizeof(text)))
		return;
	if (value_of(text, "vmmu-vm"))
		add_vm(found, text, process, fd);
	else if (value_of(text, "vmmu-space"))
		add_space(found, text, process, fd);
	else if (value_of(text, "vmmu-trap-of-vm"))
		add_trap(found, text, process, fd);
}

static int compare_ints(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The entries of folder @fd that are numbers, in order; takes over @fd. */
static size_t numbers_in(int fd, int **numbers)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	uint64_t value;
	size_t nr = 0;

	*numbers = NULL;
	if (!dir) {
		close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		if (!number(entry->d_name, &value) || value > INT32_MAX)
			continue;
		*numbers = grow(*numbers, ++nr, sizeof(**numbers));
		(*numbers)[nr - 1] = value;
	}
	closedir(dir);
	if (nr)
		qsort(*numbers, nr, sizeof(**numbers), compare_ints);
	return nr;
}

/* The name of the process of folder @dir; a process chooses it freely. */
static void read_comm(int dir, char *comm, size_t room)
{
	if (!read_text(dir, "comm", comm, room))
		return;
	comm[strcspn(comm, "\n")] = '\0';
	for (; *comm; comm++)
		if (*comm < ' ' || *comm > '~')
			*comm = '?';
}

static void scan_process(struct found *found, int proc, pid_t pid)
{
	struct holder process = { .pid = pid };
	size_t i, nr_fds;
	int dir, fds, *list;
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	dir = openat(proc, name, O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	fds = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds < 0) {
		if (errno == EACCES || errno == EPERM)
			found->unreadable++;
		close(dir);
		return;
	}
	read_comm(dir, process.comm, sizeof(process.comm));
	nr_fds = numbers_in(fds, &list);
	for (i = 0; i < nr_fds; i++)
		scan_fd(found, dir, &process, list[i]);
	free(list);
	close(dir);
}

static int compare_vms(const void *a, const void *b)
{
	const struct found_vm *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int compare_spaces(const void *a, const void *b)
{
	const struct found_space *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm > y->vm ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static int compare_traps(const void *a, const void *b)
{
	const struct found_trap *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm > y->vm ? 1 : -1;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

static void sort(struct found *found)
{
	if (found->nr_vms)
		qsort(found->vms, found->nr_vms, sizeof(*found->vms),
		      compare_vms);
	if (found->nr_spaces)
		qsort(found->spaces, found->nr_spaces, sizeof(*found->spaces),
		      compare_spaces);
	if (found->nr_traps)
		qsort(found->traps, found->nr_traps, sizeof(*found->traps),
		      compare_traps);
}

int found_scan(const char *path, struct found *found)
{
	int proc = open(path, O_DIRECTORY | O_CLOEXEC);
	size_t i, nr_pids;
	int list, *pids;

	*found = (struct found){ 0 };
	if (proc < 0)
		return -errno;
	list = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (list < 0) {
		int err = -errno;

		close(proc);
		return err;
	}
	nr_pids = numbers_in(list, &pids);
	for (i = 0; i < nr_pids; i++)
		scan_process(found, proc, pids[i]);
	free(pids);
	close(proc);
	sort(found);
	return 0;
}

static void holders_free(struct holders *holders)
{
	size_t i;

	for (i = 0; i < holders->nr; i++)
		free(holders->list[i].fds);
	free(holders->list);
}

void found_free(struct found *found)
{
	size_t i;

	for (i = 0; i < found->nr_vms; i++)
		holders_free(&found->vms[i].holders);
	for (i = 0; i < found->nr_spaces; i++)
		holders_free(&found->spaces[i].holders);
	for (i = 0; i < found->nr_traps; i++)
		holders_free(&found->traps[i].holders);
	free(found->vms);
	free(found->spaces);
	free(found->traps);
	*found = (struct found){ 0 };
}
