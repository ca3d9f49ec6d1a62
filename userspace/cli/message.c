// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: each is one line on stderr that names what failed, why, and what
 * helps.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void start(const char *format, va_list arguments)
{
	fflush(stdout);
	fputs("vmmuctl: ", stderr);
	vfprintf(stderr, format, arguments);
}

/* One whole line. */
static void line(const char *format, va_list arguments)
{
	start(format, arguments);
	fputc('\n', stderr);
}

int complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line(format, arguments);
	va_end(arguments);
	return CLI_USAGE;
}

int negative(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line(format, arguments);
	va_end(arguments);
	return CLI_NEGATIVE;
}

/* What helps against an error of a vmmu call; NULL where nothing general does. */
static const char *remedy_of(int err)
{
	switch (err) {
	case ENOMEM:
		return "more memory is needed, or a higher limit (ulimit -l)";
	case EHWPOISON:
		return "the hardware has lost this page; discarding it gives the guest a fresh one";
	case EIO:
		return "the VM is dead; the kernel log says why";
	case EINTR:
		return "it was interrupted";
	case EOPNOTSUPP:
		return "this module does not know it; `vmmuctl info` tells what it knows";
	case ENOTTY:
		return "this is no file of vmmu's, or its module is older than this program";
	default:
		return NULL;
	}
}

static int refuse(int err, const char *remedy, const char *format,
		  va_list arguments)
{
	err = abs(err);
	start(format, arguments);
	fprintf(stderr, ": %s", strerror(err));
	if (!remedy)
		remedy = remedy_of(err);
	if (remedy)
		fprintf(stderr, ": %s", remedy);
	fputc('\n', stderr);
	return CLI_REFUSED;
}

int refused(int err, const char *format, ...)
{
	va_list arguments;
	int code;

	va_start(arguments, format);
	code = refuse(err, NULL, format, arguments);
	va_end(arguments);
	return code;
}

int refused_remedy(int err, const char *remedy, const char *format, ...)
{
	va_list arguments;
	int code;

	va_start(arguments, format);
	code = refuse(err, remedy, format, arguments);
	va_end(arguments);
	return code;
}

int usage(const char *command)
{
	fprintf(stderr, "Try `vmmuctl %s --help`.\n", command);
	return CLI_USAGE;
}

void *grow(void *memory, size_t nr, size_t bytes)
{
	memory = reallocarray(memory, nr ? nr : 1, bytes);
	if (!memory)
		exit(refused(ENOMEM, "%zu elements", nr));
	return memory;
}

int open_device(void)
{
	const char *remedy = NULL;
	int fd = vmmu_open(NULL);

	if (fd >= 0)
		return fd;
	switch (-fd) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		remedy = "load the module with `make load` or `modprobe vmmu`";
		break;
	case EACCES:
	case EPERM:
		remedy = "run as root, or have a udev rule open the device to you";
		break;
	}
	return -refused_remedy(fd, remedy, VMMU_DEVICE);
}

int finish_output(int code)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (!fflush(stdout) && !failed)
		return code;
	/* What failed earlier and was dropped has left no errno: fail anew. */
	if (!errno && putchar('\n') != EOF)
		fflush(stdout);
	/* Whoever closed the pipe has read enough. */
	if (errno != EPIPE)
		refused_remedy(errno ? errno : EIO, "the output is incomplete",
			       "standard output");
	return CLI_REFUSED;
}
