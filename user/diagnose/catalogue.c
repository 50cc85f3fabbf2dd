// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verdicts by number and by name, and what a fix is as one text. */
#include <stdio.h>
#include <string.h>

#include "verdict.h"

static const struct verdict *const catalogue[VERDICT_COUNT] = {
#define X(ID, name) [VERDICT_##ID] = &verdict_##name,
	VERDICTS(X)
#undef X
};

const struct verdict *verdict_info(enum verdict_id id)
{
	return catalogue[(unsigned)id < VERDICT_COUNT ? id : VERDICT_UNKNOWN];
}

int verdict_by_name(const char *name)
{
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (strcmp(catalogue[i]->id, name) == 0)
			return i;
	return -1;
}

size_t verdicts_needing(unsigned point, enum verdict_id out[VERDICT_COUNT])
{
	size_t n = 0;

	for (int i = 0; i < VERDICT_COUNT; i++)
		if (point < HCT_POINT_COUNT && catalogue[i]->needs & UINT32_C(1) << point)
			out[n++] = i;
	return n;
}

bool point_is_needed(unsigned point)
{
	enum verdict_id needing[VERDICT_COUNT];

	return verdicts_needing(point, needing) > 0;
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_PASS] = "pass", [OUTCOME_FAIL] = "fail", [OUTCOME_UNKNOWN] = "unknown",
	};

	return names[(unsigned)outcome <= OUTCOME_UNKNOWN ? outcome : OUTCOME_UNKNOWN];
}

const char *confidence_name(enum confidence confidence)
{
	static const char *const names[] = {
		[CONFIDENCE_CERTAIN] = "certain", [CONFIDENCE_LIKELY] = "likely",
		[CONFIDENCE_GUESS] = "guess",
	};

	return names[(unsigned)confidence <= CONFIDENCE_GUESS ? confidence : CONFIDENCE_GUESS];
}

const char *fix_text(char out[FIX_TEXT_LEN], const struct fix *fix)
{
	bool both = fix->command.text[0] && fix->advice[0];

	snprintf(out, FIX_TEXT_LEN, "%s%s%s", fix->command.text, both ? "  # " : "", fix->advice);
	return out;
}

bool fix_is_empty(const struct fix *fix)
{
	return !fix->command.text[0] && !fix->advice[0] && !fix->show.text[0];
}

bool fix_is_same(const struct fix *a, const struct fix *b)
{
	return strcmp(a->command.text, b->command.text) == 0 && strcmp(a->advice, b->advice) == 0 &&
	       strcmp(a->undo.text, b->undo.text) == 0 && strcmp(a->show.text, b->show.text) == 0;
}
