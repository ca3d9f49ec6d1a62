/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the module builds for. Kbuild looks
 * into the kernel's headers and defines VMMU_HAVE_*.
 */
#ifndef VMMU_COMPAT_H
#define VMMU_COMPAT_H

#endif /* VMMU_COMPAT_H */
