/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One question to the kernel over netlink, asked in the network namespace of the calling thread. */
#ifndef HCT_NETLINK_H
#define HCT_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

#define NETLINK_TRIES 3

/*
 * Sends REQUEST (flags and sequence number are completed here) on a socket of
 * its own and hands every answer to CB, until the kernel says that was all.
 * DUMP: the answer is a list.
 *
 * Returns 0, or -errno: what the kernel answered, what CB left in errno with
 * MNL_CB_ERROR, -ETIMEDOUT when no answer came within half a second, -EINTR
 * when the list changed while it was read (ask again, from the start).
 * *REFUSED, where not NULL, says whether the error is the kernel's answer.
 */
int netlink_ask(int bus, struct nlmsghdr *request, bool dump, mnl_cb_t cb, void *data,
		bool *refused);

#endif
