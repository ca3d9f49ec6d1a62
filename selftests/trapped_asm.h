/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is in trapped.S.
 */
#ifndef TRAPPED_ASM_H
#define TRAPPED_ASM_H

extern const unsigned char compat_begin[], compat_code[], compat_end[];

/* What begins at the first one is executed up to the last one. */
extern unsigned char stores[], store_1[], store_2[], store_3[], store_4[],
		     stores_end[];

extern unsigned char flagged[], flagged_1[], flagged_2[], flagged_3[],
		     flagged_4[];

#endif /* TRAPPED_ASM_H */
