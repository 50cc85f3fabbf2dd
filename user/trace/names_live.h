/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of the running kernel: drop reasons from its BTF, functions from
 * /proc/kallsyms, devices of the current network namespace.
 */
#ifndef HCT_NAMES_LIVE_H
#define HCT_NAMES_LIVE_H

#include <stdint.h>

struct btf;
struct names_live;

/* BTF is the kernel's, not kept.  NULL: no memory.  What cannot be read is simply not named. */
struct names_live *names_live_open(const struct btf *btf);
void names_live_close(struct names_live *n); /* accepts NULL */

/*
 * Reads the symbols now, some 50 ms of work, instead of when the first is
 * asked for.
 */
void names_live_warm(struct names_live *n);

/* Interned, or NULL. */
const char *names_live_reason(struct names_live *n, uint32_t reason);
const char *names_live_symbol(struct names_live *n, uint64_t address);
const char *names_live_device(struct names_live *n, uint32_t ifindex);
/* Devices were added, renamed or removed. */
void names_live_forget_devices(struct names_live *n);

#endif
