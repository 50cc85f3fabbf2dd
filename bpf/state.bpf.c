// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The definitions of what state.h declares to every other file. */
#define HCT_STATE
#include "state.h"

const volatile struct hct_config config = {};

char LICENSE[] SEC("license") = "Dual BSD/GPL";
