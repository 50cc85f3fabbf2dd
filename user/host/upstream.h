/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a proxy connects to, by its command line. */
#ifndef HCT_UPSTREAM_H
#define HCT_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * COMMAND is a command line as /proc/PID/cmdline has it: LEN bytes, a 0 behind each word
 * and behind the last.  False: it is no proxy that we know, or connects to a name.
 */
bool upstream_of_command(const char *command, size_t len, uint8_t addr[16], uint16_t *port);

#endif
