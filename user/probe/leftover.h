/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the host still holds of a check when its sender goes: else it would answer later, to
 * nobody.
 */
#ifndef HCT_LEFTOVER_H
#define HCT_LEFTOVER_H

#include <stdint.h>

/*
 * Ends the TCP connection from FROM (port FROM_PORT_BE, network order) to TARGET, PORT, if this
 * namespace has one, half-open ones included.  Where the kernel cannot (CONFIG_INET_DIAG_DESTROY),
 * it stays until it times out.
 */
void leftover_end(const uint8_t from[16], uint16_t from_port_be, const uint8_t target[16],
		  uint16_t port);

#endif
