/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that grow; always with a NUL behind them. */
#ifndef HCT_RECORD_STORE_H
#define HCT_RECORD_STORE_H

#include <stddef.h>
#include <stdint.h>

struct store {
	uint8_t *data; /* free() it; NULL: nothing was added yet */
	size_t len;
};

int store_add(struct store *s, const void *data, size_t len); /* 0 or -ENOMEM */

#endif
