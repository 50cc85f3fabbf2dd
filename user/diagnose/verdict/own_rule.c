// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The next hop does not answer, and this host's own firewall is why: it drops the
 * answer, or the question.  The rules that were read prove it, walked with such a
 * packet; a counter that has grown since proves that one came.
 */
#include <stdio.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/resolution.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

static int ask(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	return ask_rules(((const struct facts *)ctx)->given.host, packet, out);
}

static void set_where(const struct host_rule *rule, struct diagnosis *d)
{
	struct culprit c = { .named = true, .rule = *rule };
	struct where before = d->where;
	const char *hook;

	c.confidence = rule->counted && rule->hits ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY;
	hook = strrchr(rule->hook, ' '); /* "arp INPUT": the family says the rest */
	c.place.hook = hook ? hook + 1 : rule->hook;
	where_culprit(d, &c, NULL);
	memcpy(d->where.layer, before.layer, sizeof(before.layer));
	memcpy(d->where.device, before.device, sizeof(before.device));
	memcpy(d->where.function, before.function, sizeof(before.function));
	memcpy(d->where.reason, before.reason, sizeof(before.reason));
}

bool blame_own_rule(const struct facts *f, const uint8_t hop[16], const char *device,
		    struct diagnosis *d)
{
	struct resolution_cause cause;

	if (!resolution_find(ask, (void *)f, hop, device, false, &cause))
		return false;
	set_where(&cause.rule, d);
	say(WHY(d), ", because %s", cause.why);
	end_sentence(d);
	d->fix = cause.fix;
	add_advice(d, "Save the rules so that they outlast a reboot.");
	return true;
}
