/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running kernel's types: its own BTF, or a file's on a kernel that was built without. */
#ifndef HCT_KERNEL_BTF_H
#define HCT_KERNEL_BTF_H

#include <stdbool.h>

struct btf;

/* Why there are no types, and what helps, in words. */
struct kernel_btf_refusal {
	char why[384];
	char fix[256];
	int err; /* -errno where the kernel has types that could not be read; else 0 */
};

/*
 * Does the kernel itself have BTF?  Only then does it take programs at BTF
 * tracepoints and functions; else the same programs run as raw tracepoints.
 */
bool kernel_btf_is_own(void);

/*
 * The types of the running kernel, from FILE (NULL: none was given) where it has
 * none itself.  A file that is not BTF, or plainly of another kernel, is refused:
 * NULL, with R filled.
 * Some 6 MiB, as much as libbpf needs again for loading: btf__free() it before.
 */
struct btf *kernel_btf_load(const char *file, struct kernel_btf_refusal *r);

#endif
