// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Drops by the kernel: what its reasons and functions say. */
#include <string.h>

#include "diagnose/verdict/report.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

bool reason_in(const struct probe_incident *drop, const char *const *reasons, size_t n)
{
	return drop && drop->reason && is_one_of(drop->reason, reasons, n);
}

bool function_in(const struct probe_incident *drop, const char *const *functions, size_t n)
{
	for (size_t i = 0; drop && i < n; i++)
		if (function_is(drop->function, functions[i]))
			return true;
	return false;
}

/* Kernels before 5.17 give no reason; later ones not everywhere. */
bool has_no_reason(const struct probe_incident *drop)
{
	return !drop->reason || strcmp(drop->reason, "NOT_SPECIFIED") == 0;
}

/* One of REASONS, or, where the kernel gives none, one of FUNCTIONS. */
bool dropped_for(const struct probe_incident *drop, const char *const reasons[],
			size_t n_reasons, const char *const functions[], size_t n_functions)
{
	return reason_in(drop, reasons, n_reasons) ||
	       (has_no_reason(drop) && function_in(drop, functions, n_functions));
}
