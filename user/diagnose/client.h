/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a kind of health-check client goes by, as far as its request or the preset tells. */
#ifndef HCT_CLIENT_H
#define HCT_CLIENT_H

#include "cli/presets.h"
#include "probe.h"

/* Bytes of the User-Agent AGENT by which such a client is known; 0: it is not. */
size_t client_known_prefix(const char *agent, size_t len);
/*
 * By the client that says so in its User-Agent, else by the preset.  Of those that
 * are unknown the wire is asked: who ends right behind the status went by that.
 */
enum client_judges client_judges(const struct settings *s, const struct probe *p);
/*
 * The kind of client that sent R, for words about its settings: the one that says so, or what
 * --lb says.  NULL: nobody says so.
 */
const struct preset *client_preset(const struct settings *s, const struct http_request *r);

#endif
