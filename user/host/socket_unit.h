/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which socket unit of systemd has a port, by the unit files: systemctl may wait. */
#ifndef HCT_SOCKET_UNIT_H
#define HCT_SOCKET_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* As host_ops.socket_unit. */
int socket_unit_find(uint16_t port, char out[64]);
/* Has the unit FILE a ListenStream= of PORT in its section [Socket]? */
bool socket_unit_listens(FILE *file, uint16_t port);
/* The same search in the folders of units below ROOT, a descriptor. */
int socket_unit_find_below(int root, uint16_t port, char out[64]);

#endif
