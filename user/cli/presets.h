/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The load balancers whose habits are known, and where they probe from. */
#ifndef HCT_PRESETS_H
#define HCT_PRESETS_H

#include "options.h"

#define PRESET_MANNER_LEN 200

extern const struct preset presets[]; /* the first is the default */
extern const size_t n_presets;

/*
 * Finds the preset of "NAME" or "NAME:SUBNET[,SUBNET]…"; *SUBNETS is what
 * follows the colon, inside TEXT, or NULL.  NULL: no such preset.
 */
const struct preset *preset_find(const char *text, const char **subnets);
/* NULL: no such preset. */
const struct preset *preset_named(const char *name);
/* What PRESET needs behind a colon: "SUBNET", "ADDR"; NULL: nothing, its sources are known. */
const char *preset_argument(const struct preset *preset);
/*
 * "a TCP check by its handshake, …": what its client goes by, how it ends a check,
 * and whether it keeps the connection.
 */
void preset_manner(char out[PRESET_MANNER_LEN], const struct preset *preset);
/* "status", "status-line", "whole-answer"; NULL: not known, or configured there. */
const char *judges_name(enum client_judges judges);

#endif
