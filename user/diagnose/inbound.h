/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rule that lets checks in where this host cannot look, in the words of a cloud's console. */
#ifndef HCT_INBOUND_H
#define HCT_INBOUND_H

#include <stddef.h>

#include "cli/options.h"

#define INBOUND_LEN 320

/* The words of the load balancer's settings; those of the default where there is no preset. */
const struct preset_words *inbound_words(const struct settings *s);
/* "port 80", "ports 80, 443"; "the check's port" where none is given. */
char *inbound_ports(char *out, size_t size, const struct settings *s);
/* "action Allow, type IPv4, protocol TCP, port 80, source 100.125.0.0/16". */
char *inbound_rule(char out[INBOUND_LEN], const struct settings *s);
/* What the checks of S are made by: "TCP", "UDP", "ICMP", "TCP and UDP". */
const char *inbound_protocol(const struct settings *s);

#endif
