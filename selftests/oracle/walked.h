/* SPDX-License-Identifier: GPL-2.0 */
/* vmmu's answer for a vector, by its walk and its formats in userspace. */
#ifndef ORACLE_WALKED_H
#define ORACLE_WALKED_H

#include "compare.h"

void oracle_walk(const struct oracle_header *header,
		 const struct oracle_vector *vector,
		 struct oracle_answer *answer);

#endif /* ORACLE_WALKED_H */
