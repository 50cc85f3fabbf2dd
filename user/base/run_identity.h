/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which run it is, and on which host: what tells the objects of many hosts apart. */
#ifndef HCT_RUN_IDENTITY_H
#define HCT_RUN_IDENTITY_H

#define JSON_SCHEMA 2 /* what each object calls "schema": the version of doc/hctrace.schema.json */
#define RUN_HOST_LEN 65 /* a host's name with its NUL: __NEW_UTS_LEN + 1 */
#define RUN_ID_LEN 17 /* 16 hex digits and a NUL */

struct run_identity {
	char host[RUN_HOST_LEN];
	char run[RUN_ID_LEN]; /* random; "" where the kernel gave no random bytes */
};

/* This host, and a new run on it. */
void run_identity_make(struct run_identity *out);

#endif
