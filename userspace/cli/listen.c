// SPDX-License-Identifier: GPL-2.0
/*
 * Listen to installs. Spaces are reached by way of processes that hold them, and let
 * go again as soon as they deliver here: who watches must not keep them alive. The
 * trap file keeps the VM, but ends with its last space.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "holders.h"
#include "listen.h"

/* The spaces to listen to, open. */
struct chosen {
	struct remote *list;
	size_t nr;
};

static void chosen_close(struct chosen *chosen)
{
	while (chosen->nr)
		remote_close(&chosen->list[--chosen->nr]);
	free(chosen->list);
}

static bool wants(const struct wanted *wanted, uint64_t id)
{
	size_t i;

	for (i = 0; i < wanted->nr_spaces; i++)
		if (wanted->spaces[i] == id)
			return true;
	return !wanted->nr_spaces;
}

/* Open a space through a process that holds it. Return an exit code. */
static int choose(struct chosen *chosen, const struct found_space *space)
{
	int code;

	chosen->list = grow(chosen->list, chosen->nr + 1,
			    sizeof(*chosen->list));
	code = remote_open_found(space, &chosen->list[chosen->nr]);
	if (!code)
		chosen->nr++;
	return code;
}

static const char missing[] =
	"space %" PRIu64 " of VM %" PRIu64 ": no process that you may look at holds it";

/* Choose among the spaces that were found. Return an exit code. */
static int choose_found(struct chosen *chosen, const struct found *found,
			uint64_t vm, const struct wanted *wanted)
{
	int code = CLI_OK;
	size_t i;

	for (i = 0; i < wanted->nr_spaces; i++)
		if (!found_space(found, vm, wanted->spaces[i]))
			return negative(missing, wanted->spaces[i], vm);
	for (i = 0; i < found->nr_spaces && !code; i++)
		if (found->spaces[i].vm == vm &&
		    wants(wanted, found->spaces[i].id))
			code = choose(chosen, &found->spaces[i]);
	if (!code && !chosen->nr)
		code = negative("VM %" PRIu64 ": no process that you may look at holds a space",
				vm);
	return code;
}

static int choose_of_vm(struct chosen *chosen, uint64_t vm,
			const struct wanted *wanted)
{
	struct found found;
	int code, err = found_scan("/proc", &found);

	code = err ? refused(err, "/proc") :
		choose_found(chosen, &found, vm, wanted);
	unreadable_say(&found);
	found_free(&found);
	return code;
}

static const char busy[] =
	"space %" PRIu64 ": kind %s goes to another monitor (%s)";
static const char elsewhere[] = "--replace takes it away from there";

/* Whether nobody else listens to what is wanted of @space. Return an exit code. */
static int check_free(const struct remote *space, const struct wanted *wanted)
{
	uint64_t id = space->space.id;
	uint32_t kind;

	for (kind = VMMU_TRAP_HYPERCALL; kind <= VMMU_TRAP_DISCARD; kind++) {
		int delivery;

		if (!(wanted->kinds & 1U << kind))
			continue;
		delivery = vmmu_get_delivery(space->fd, kind);
		if (delivery < 0)
			return refused(delivery, "space %" PRIu64, id);
		if (delivery != VMMU_DELIVER_NONE && !wanted->replace)
			return refused_remedy(EBUSY, elsewhere, busy, id,
					      vmmu_trap_kind_name(kind),
					      vmmu_delivery_name(delivery));
	}
	return CLI_OK;
}

/* Room for records is charged to the VM, with the limit of its creator. */
static const char notes_remedy[] =
	"the VM is at the limit that it was created under (`vmmuctl show`), or memory is short";

static int bind_space(struct listener *listener, const struct remote *space,
		      uint32_t kinds)
{
	uint64_t id = space->space.id;
	uint32_t kind;

	for (kind = VMMU_TRAP_HYPERCALL; kind <= VMMU_TRAP_DISCARD; kind++) {
		int err = 0;

		if (kinds & 1U << kind)
			err = vmmu_set_delivery_of(space->fd, kind,
						   VMMU_DELIVER_NOTIFY,
						   listener->trap);
		if (err)
			return refused_remedy(err, err == -ENOMEM ? notes_remedy : NULL,
					      "space %" PRIu64, id);
	}
	listener->spaces[listener->nr_spaces++] = (struct listened){
		.id = id,
		.format = space->space.format,
	};
	return CLI_OK;
}

/* Bind the spaces. What was bound before a failure ends with the trap file. */
static int bind_all(struct listener *listener, int vm,
		    const struct chosen *chosen, const struct wanted *wanted)
{
	int code = CLI_OK;
	size_t i;

	for (i = 0; i < chosen->nr && !code; i++)
		code = check_free(&chosen->list[i], wanted);
	if (code)
		return code;
	listener->trap = vmmu_trap_create(vm);
	if (listener->trap < 0)
		return refused(listener->trap, "trap file");
	fcntl(listener->trap, F_SETFL, O_NONBLOCK);
	listener->spaces = grow(NULL, chosen->nr, sizeof(*listener->spaces));
	for (i = 0; i < chosen->nr && !code; i++)
		code = bind_space(listener, &chosen->list[i], wanted->kinds);
	return code;
}

static int begin_in_space(struct listener *listener, const struct remote *space,
			  const struct wanted *wanted)
{
	struct chosen chosen = { .list = (struct remote *)space, .nr = 1 };
	struct remote vm;
	int code;

	if (wanted->nr_spaces)
		return complain("trap: the object is a space; --space needs a VM");
	code = remote_open_vm_of(space, &vm);
	if (code)
		return code;
	listener->vm = vm.vm.id;
	code = bind_all(listener, vm.fd, &chosen, wanted);
	remote_close(&vm);
	return code;
}

int listen_begin(struct listener *listener, const struct remote *object,
		 const struct wanted *wanted)
{
	struct chosen chosen = { 0 };
	int code;

	*listener = (struct listener){ .trap = -1 };
	if (object->kind == REMOTE_SPACE)
		return begin_in_space(listener, object, wanted);
	listener->vm = object->vm.id;
	code = choose_of_vm(&chosen, listener->vm, wanted);
	if (!code)
		code = bind_all(listener, object->fd, &chosen, wanted);
	chosen_close(&chosen);
	return code;
}

void listen_end(struct listener *listener)
{
	if (listener->trap >= 0)
		close(listener->trap);
	free(listener->spaces);
	*listener = (struct listener){ .trap = -1 };
}

uint32_t listen_format(const struct listener *listener, uint64_t space)
{
	size_t i;

	for (i = 0; i < listener->nr_spaces; i++)
		if (listener->spaces[i].id == space)
			return listener->spaces[i].format;
	return 0;
}
