/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What takes long: Ctrl-C ends it with what was found, and on a terminal a
 * line tells how far it is.
 */
#ifndef VMMUCTL_PROGRESS_H
#define VMMUCTL_PROGRESS_H

#include <stdbool.h>

/* From here on the first Ctrl-C is kept for interrupted(). */
void progress_begin(void);
bool interrupted(void);

/* Wait until @fd can be read, or has ended, or for Ctrl-C. */
void progress_wait(int fd);

/* Rewrite the line, once a second at most. */
void progress_show(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Take the line away, before anything else is printed. */
void progress_clear(void);

/* End by the signal, if it came; to be called when all output is out. */
void progress_end(void);

#endif /* VMMUCTL_PROGRESS_H */
