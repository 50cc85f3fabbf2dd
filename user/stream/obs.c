// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Observations: questions that several readers ask of one. */
#include "obs.h"

struct flow_key flow_key(uint64_t id, const struct hct_tuple *tuple)
{
	return (struct flow_key){ .id = id, .tuple = *tuple };
}

bool obs_is_whole(const struct obs *o)
{
	if (o->point == HCT_POINT_XDP_VERDICT)
		return o->xdp.action != NULL;
	return o->point != HCT_POINT_NFT_TRACE ||
	       (o->rule.family && o->rule.table && o->rule.chain && o->rule.verdict);
}

bool function_is(const char *function, const char *name)
{
	if (!function)
		return false;
	/* each name of a stack is held against dozens, and most differ in the first letters */
	while (*name && *function == *name) {
		function++;
		name++;
	}
	return !*name && (*function == '\0' || *function == '.' || *function == '+');
}

bool obs_called_from(const struct obs *o, const char *function)
{
	if (function_is(o->function, function))
		return true;
	for (size_t i = 0; i < o->stack_len && i < HCT_STACK_MAX; i++)
		if (function_is(o->stack[i], function))
			return true;
	return false;
}

struct flow_key exchange_key(uint64_t id, const struct hct_tuple *tuple, uint32_t exchange)
{
	struct flow_key key = flow_key(id, tuple);

	key.exchange = exchange > 1 ? exchange : 0;
	return key;
}
