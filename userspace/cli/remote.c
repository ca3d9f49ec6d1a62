// SPDX-License-Identifier: GPL-2.0
/*
 * Reach a VM, space or trap file of another process: pidfd_getfd(2) duplicates its
 * descriptor, for which ptrace permission is needed.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fdinfo.h"
#include "remote.h"

/* Duplicate the descriptor; -errno. */
static int duplicate(const struct target *target)
{
	int pidfd = syscall(SYS_pidfd_open, target->pid, 0);
	int fd, err;

	if (pidfd < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, pidfd, target->fd, 0);
	err = errno;
	close(pidfd);
	return fd < 0 ? -err : fd;
}

static const char * const kinds[] = {
	[REMOTE_VM] = "VM",
	[REMOTE_SPACE] = "space",
	[REMOTE_TRAP] = "trap file",
};

/* Ask what it is; 0 or -errno. */
static int identify(struct remote *remote)
{
	int err = vmmu_vm_info(remote->fd, &remote->vm);

	remote->kind = REMOTE_VM;
	if (err != -ENOTTY)
		return err;
	err = vmmu_space_info(remote->fd, &remote->space);
	remote->kind = REMOTE_SPACE;
	if (err != -ENOTTY)
		return err;
	remote->kind = REMOTE_TRAP;
	return vmmu_trap_info(remote->fd, &remote->trap);
}

/*
 * Whether the descriptor is a file of vmmu's at all, by its name: other files
 * are not sent a call that might mean something to them.
 */
static bool is_ours(int fd)
{
	char path[32], name[8];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, name, 6) == 6 && !memcmp(name, "vmmu:[", 6);
}

int remote_try(struct remote *remote, const struct target *target)
{
	struct stat stat = { 0 };
	int err;

	remote->fd = duplicate(target);
	if (remote->fd < 0)
		return remote->fd;
	err = is_ours(remote->fd) ? identify(remote) : -ENOTTY;
	fstat(remote->fd, &stat);
	remote->device = stat.st_dev;
	remote->inode = stat.st_ino;
	if (err)
		close(remote->fd);
	return err;
}

int remote_refuse(const struct target *target, int err)
{
	const char *remedy = NULL;

	switch (-err) {
	case ENOTTY:
		return complain("fd %d of process %d is neither a VM nor a space nor a trap file",
				target->fd, target->pid);
	case ESRCH:
	case EINVAL:
	case ENOENT:
		return refused_remedy(err, "`vmmuctl list` shows who holds a VM",
				      "process %d", target->pid);
	case EPERM:
	case EACCES:
		remedy = "ptrace permission is needed: run as root";
		break;
	case EBADF:
		remedy = "`vmmuctl list` shows which descriptors hold VMs";
		break;
	}
	return refused_remedy(err, remedy, "descriptor %d of process %d",
			      target->fd, target->pid);
}

int remote_open(struct remote *remote, const struct target *target)
{
	int err = remote_try(remote, target);

	return err ? remote_refuse(target, err) : CLI_OK;
}

void remote_close(struct remote *remote)
{
	close(remote->fd);
}

/* Whether it is this space of this VM; or this VM, if @space is 0. */
static bool is(const struct remote *remote, uint64_t vm, uint64_t space)
{
	if (!space)
		return remote->kind == REMOTE_VM && remote->vm.id == vm;
	return remote->kind == REMOTE_SPACE && remote->space.vm_id == vm &&
		remote->space.id == space;
}

/* Open that through one of those who held it. As remote_open(). */
static int open_held(const struct holders *holders, uint64_t vm, uint64_t space,
		     struct remote *remote)
{
	struct target target = { 0 };
	int err = -ESRCH;
	size_t i;

	for (i = 0; i < holders->nr; i++) {
		target.pid = holders->list[i].pid;
		target.fd = holders->list[i].fds[0];
		err = remote_try(remote, &target);
		if (!err && is(remote, vm, space))
			return CLI_OK;
		if (!err)
			remote_close(remote);
		/* Closed, and in use for something else. */
		if (!err || err == -ENOTTY)
			err = -EBADF;
	}
	return remote_refuse(&target, err);
}

int remote_open_found(const struct found_space *space, struct remote *remote)
{
	return open_held(&space->holders, space->vm, space->id, remote);
}

static const char holder_remedy[] =
	"no process that you may look at holds the VM itself";

int remote_open_vm_of(const struct remote *space, struct remote *vm)
{
	uint64_t id = space->space.vm_id;
	const struct found_vm *holder;
	struct found found;
	int code, err = found_scan("/proc", &found);

	if (err) {
		code = refused(err, "/proc");
	} else {
		holder = found_vm(&found, id);
		if (holder && holder->holders.nr)
			code = open_held(&holder->holders, id, 0, vm);
		else
			code = refused_remedy(ENOENT, holder_remedy, "VM %" PRIu64, id);
	}
	found_free(&found);
	return code;
}

bool remote_is_at(const struct remote *remote, const struct target *target)
{
	struct stat status;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", target->pid, target->fd);
	return !stat(path, &status) && status.st_dev == remote->device &&
		status.st_ino == remote->inode;
}

bool remote_is_same(const struct remote *one, const struct remote *other)
{
	return one->device == other->device && one->inode == other->inode;
}

#define KIND(kind)	(1U << (kind))

/* Act on the object, if it is one of these kinds, which @needed names. */
static int run(const struct target *target, unsigned int kinds_taken,
	       const char *needed, remote_act_fn *act, void *context)
{
	struct remote remote;
	int code = remote_open(&remote, target);

	if (code)
		return code;
	if (kinds_taken & KIND(remote.kind))
		code = act(&remote, context);
	else
		code = complain("descriptor %d of process %d is a %s; a %s is needed",
				target->fd, target->pid, kinds[remote.kind],
				needed);
	remote_close(&remote);
	return code;
}

int remote_run(const struct target *target, remote_act_fn *act, void *context)
{
	return run(target, KIND(REMOTE_VM) | KIND(REMOTE_SPACE), "VM or a space",
		   act, context);
}

int remote_run_any(const struct target *target, remote_act_fn *act,
		   void *context)
{
	return run(target, ~0U, "", act, context);
}

int remote_run_vm(const struct target *target, remote_act_fn *act,
		  void *context)
{
	return run(target, KIND(REMOTE_VM), "VM", act, context);
}

int remote_run_space(const struct target *target, remote_act_fn *act,
		     void *context)
{
	return run(target, KIND(REMOTE_SPACE), "space", act, context);
}

const char *remote_state_name(const struct vmmu_vm_info *vm)
{
	return vm->state & VMMU_VM_DEAD ? "dead" : "live";
}

const char *remote_kind_name(const struct vmmu_space_info *space)
{
	return space->space_flags & VMMU_SPACE_TRAPPING ? "trapping" : "lazy";
}

const char *remote_format_name(const struct vmmu_space_info *space)
{
	const char *name = vmmu_format_name(space->format);

	return name ? name : "unknown format";
}

void remote_print(const struct remote *remote)
{
	const struct vmmu_space_info *space = &remote->space;
	const struct vmmu_vm_info *vm = &remote->vm;
	char mode[VMMU_TEXT_BYTES], real[32];

	if (remote->kind == REMOTE_VM)
		printf("VM %" PRIu64 ": %s of real memory, %" PRIu64
		       " frames, %" PRIu64 " tables, %" PRIu32 " spaces%s\n",
		       (uint64_t)vm->id,
		       bytes_text(vm->real_bytes, real, sizeof(real)),
		       (uint64_t)vm->frames, (uint64_t)vm->tables,
		       vm->nr_spaces,
		       vm->state & VMMU_VM_DEAD ? ", dead" : "");
	else
		printf("space %" PRIu64 " of VM %" PRIu64 ": %s, root 0x%" PRIx64
		       ", %s, mode %s, %s of real memory\n",
		       (uint64_t)space->id, (uint64_t)space->vm_id,
		       remote_format_name(space), (uint64_t)space->root,
		       remote_kind_name(space),
		       vmmu_mode_text(&space->mode, mode, sizeof(mode)),
		       bytes_text(space->real_bytes, real, sizeof(real)));
}

static struct json_object *vm_json(const struct vmmu_vm_info *vm)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "id", vm->id);
	json_add_number(o, "real_bytes", vm->real_bytes);
	json_add_number(o, "frames", vm->frames);
	json_add_number(o, "tables", vm->tables);
	json_add_number(o, "nr_spaces", vm->nr_spaces);
	json_add_number(o, "charged_bytes", vm->charged_bytes);
	if (vm->limit_bytes == UINT64_MAX)
		json_add(o, "limit_bytes", NULL);
	else
		json_add_number(o, "limit_bytes", vm->limit_bytes);
	json_add_number(o, "sequence", vm->sequence);
	json_add_number(o, "zaps", vm->zaps);
	json_add_text(o, "state", remote_state_name(vm));
	json_add_bool(o, "frames_shown", vm->state & VMMU_VM_FRAMES_SHOWN);
	return o;
}

static struct json_object *trap_json(const struct vmmu_trap_info *trap)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "vm_id", trap->vm_id);
	json_add_number(o, "nr_spaces", trap->nr_spaces);
	json_add_number(o, "made", trap->made);
	json_add_number(o, "read", trap->read);
	json_add_number(o, "withdrawn", trap->withdrawn);
	json_add_number(o, "overflowed", trap->overflowed);
	json_add_number(o, "answered", trap->answered);
	json_add_number(o, "waiting", trap->waiting);
	return o;
}

struct json_object *remote_json(const struct remote *remote)
{
	const struct vmmu_space_info *space = &remote->space;
	char mode[VMMU_TEXT_BYTES];
	struct json_object *o;

	if (remote->kind == REMOTE_VM)
		return vm_json(&remote->vm);
	if (remote->kind == REMOTE_TRAP)
		return trap_json(&remote->trap);
	o = json_object_new_object();
	json_add_number(o, "id", space->id);
	json_add_number(o, "vm_id", space->vm_id);
	json_add_text(o, "format", vmmu_format_name(space->format));
	json_add_hex(o, "root", space->root);
	json_add_text(o, "mode", vmmu_mode_text(&space->mode, mode,
						sizeof(mode)));
	json_add_text(o, "kind", remote_kind_name(space));
	json_add_text(o, "delivery", vmmu_delivery_name(space->delivery));
	json_add_number(o, "real_bytes", space->real_bytes);
	json_add_number(o, "levels", space->levels);
	json_add_number(o, "va_bits", space->va_bits);
	return o;
}
