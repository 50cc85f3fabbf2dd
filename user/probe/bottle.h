/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bottle: a network namespace that has no name and belongs to one thread, joined
 * by a veth pair to the namespace under watch.  When the process ends, however
 * that happens, the kernel removes all of it.
 */
#ifndef HCT_BOTTLE_RUN_H
#define HCT_BOTTLE_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct bottle;

/*
 * A bottle with address ADDR (v4-mapped).  The calling thread is, and stays, in the
 * namespace under watch.  MAC: what the other end of the pair is to have, which a
 * bridge will learn; NULL: any.  0, or -errno.
 */
int bottle_open(struct bottle **out, const uint8_t addr[16], const uint8_t mac[6]);
/* Ends what runs in it; its addresses and ways stay. */
void bottle_stop(struct bottle *b);
/* The same, and ends the bottle.  Accepts NULL. */
void bottle_close(struct bottle *b);

/* Our end of the pair, in the namespace under watch. */
unsigned bottle_ifindex(const struct bottle *b);
const char *bottle_device(const struct bottle *b);
/* Hardware address of the bottle's end. */
const uint8_t *bottle_mac(const struct bottle *b);

/*
 * Starts FN in the bottle's thread, after what runs there; it is to end soon once
 * bottle_stop_fd() is readable.
 */
void bottle_start(struct bottle *b, void (*fn)(void *ctx), void *ctx);
int bottle_stop_fd(const struct bottle *b);

#endif
