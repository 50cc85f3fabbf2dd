/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_SYSCTL_H
#define HCT_SYSCTL_H

#include <stdint.h>

/*
 * The first number of sysctl NAME, in the network namespace of the calling
 * thread.  NAME as sysctl(8) has it: "net.ipv4.conf.eth0/100.rp_filter" for
 * the device "eth0.100".  0, -ENOENT no such setting, -EINVAL not a number or
 * not a name, or -errno of reading it.
 */
int sysctl_read(const char *name, int64_t *out);

#endif
