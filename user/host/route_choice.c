// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which routing rule and which table decide about a reply. */
#include "route_choice.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

enum decision { DECIDED_NOTHING, DECIDED_ROUTE, DECIDED_BY_RULE, DECIDED_BY_ROUTE };

static enum rule_fit fit_of(const struct route_choice *c, const struct routing_rule *rule)
{
	return routing_rule_fit(rule, c->family, c->from, c->to, c->in_vrf);
}

static uint32_t table_of(const struct route_choice *c, const struct routing_rule *rule)
{
	return rule->l3mdev ? c->vrf_table : rule->table;
}

static struct table_route *find_table(const struct route_choice *c, uint32_t table)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->t[i].table == table)
			return (struct table_route *)&c->t[i];
	return NULL;
}

int route_choice_begin(struct route_choice *c)
{
	int err = routing_rules_read(c->family, &c->rules);

	c->n = 0;
	c->overflow = c->rules.truncated;
	for (size_t i = 0; !err && i < c->rules.n; i++) {
		const struct routing_rule *rule = &c->rules.r[i];

		if (rule->action != FR_ACT_TO_TBL || fit_of(c, rule) == FIT_NO ||
		    find_table(c, table_of(c, rule)))
			continue;
		if (c->n == CHOICE_TABLES) {
			c->overflow = true;
			return 0;
		}
		c->t[c->n++] = (struct table_route){ .table = table_of(c, rule) };
	}
	return err;
}

void route_choice_offer(struct route_choice *c, const struct table_route *route)
{
	struct table_route *best = find_table(c, route->table);

	if (!best || !routing_covers(c->family, route->prefix, route->len, c->to))
		return;
	if (best->found && (best->len > route->len ||
			    (best->len == route->len && best->metric <= route->metric)))
		return;
	*best = *route;
	best->found = true;
}

/* ---- the way through the rules ---- */

static bool refuses(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

/* fib4_rule_suppress() */
static bool is_suppressed(const struct routing_rule *rule, const struct table_route *route)
{
	return rule->suppress_len != UINT32_MAX && route->len <= rule->suppress_len;
}

/* What RULE leads to, where a reply meets it; DECIDED_NOTHING: the next one is asked. */
static enum decision decision_of(const struct route_choice *c, const struct routing_rule *rule,
				 const struct table_route **route)
{
	switch (rule->action) {
	case FR_ACT_BLACKHOLE:
	case FR_ACT_UNREACHABLE:
	case FR_ACT_PROHIBIT:
		return DECIDED_BY_RULE;
	case FR_ACT_TO_TBL:
		break;
	default:
		return DECIDED_NOTHING;
	}
	*route = find_table(c, table_of(c, rule));
	if (!*route || !(*route)->found || (*route)->type == RTN_THROW)
		return DECIDED_NOTHING;
	if (refuses((*route)->type))
		return DECIDED_BY_ROUTE;
	return is_suppressed(rule, *route) ? DECIDED_NOTHING : DECIDED_ROUTE;
}

/* Where a goto leads to; kernels let it lead on only, and to nothing where there is none. */
static size_t behind_goto(const struct route_choice *c, size_t i)
{
	const struct routing_rule *rule = &c->rules.r[i];

	for (size_t j = i + 1; j < c->rules.n; j++)
		if (c->rules.r[j].priority == rule->target)
			return j;
	return i + 1;
}

/* The first decision from rule *AT on, and *AT whose it is. */
static enum decision decide(const struct route_choice *c, size_t *at,
			    const struct table_route **route)
{
	size_t i = *at;

	while (i < c->rules.n) {
		const struct routing_rule *rule = &c->rules.r[i];
		enum decision decision;

		if (fit_of(c, rule) != FIT_YES) {
			i++;
			continue;
		}
		decision = decision_of(c, rule, route);
		if (decision != DECIDED_NOTHING) {
			*at = i;
			return decision;
		}
		i = rule->action == FR_ACT_GOTO ? behind_goto(c, i) : i + 1;
	}
	*at = i;
	return DECIDED_NOTHING;
}

/* ---- what follows ---- */

static void tell_rule(const struct route_choice *c, size_t i, struct host_gateway *out)
{
	const struct routing_rule *rule = &c->rules.r[i];

	if (rule->action == FR_ACT_TO_TBL && table_of(c, rule) == RT_TABLE_MAIN &&
	    rule->suppress_len == UINT32_MAX && !rule->from && !rule->to)
		return; /* as on any host */
	routing_rule_text(rule, c->family, out->rule, sizeof(out->rule));
	out->rule_priority = rule->priority;
}

/*
 * The table of its own that replies of such an address or to such a destination are
 * looked up in ahead of what decides: a route there is taken.
 */
static void tell_table(const struct route_choice *c, size_t decider, struct host_gateway *out)
{
	out->main_unread = true;
	for (size_t i = 0; i < c->rules.n && i <= decider; i++) {
		const struct routing_rule *rule = &c->rules.r[i];
		uint32_t table = table_of(c, rule);
		const struct table_route *best = find_table(c, table);

		if (rule->action == FR_ACT_GOTO && fit_of(c, rule) == FIT_YES)
			i = behind_goto(c, i) - 1;
		if (rule->action != FR_ACT_TO_TBL || fit_of(c, rule) != FIT_YES)
			continue;
		if (table == RT_TABLE_MAIN && rule->suppress_len == UINT32_MAX)
			out->main_unread = false;
		if (table == RT_TABLE_LOCAL || table == RT_TABLE_MAIN || rule->invert ||
		    (!rule->from && !rule->to && !rule->l3mdev) ||
		    (rule->suppress_len != UINT32_MAX && rule->suppress_len) ||
		    (best && best->found && best->type == RTN_THROW) || out->table ||
		    !out->main_unread)
			continue;
		out->table = table;
		if (!out->rule[0])
			tell_rule(c, i, out);
	}
}

/* A new rule is put ahead of all but the first where it names no priority (fib_default_rule_pref()). */
static void tell_room(const struct route_choice *c, size_t decider, struct host_gateway *out)
{
	const struct routing_rules *rules = &c->rules;

	if (decider > 0 && rules->n > 1 && rules->r[1].priority > 0)
		return;
	if (decider < rules->n && rules->r[decider].priority > 1)
		out->new_priority = rules->r[decider].priority - 1;
	else
		out->no_room = true;
}

/* The first rule that may be met, and would decide. */
static size_t tell_maybe(const struct route_choice *c, size_t decider, struct host_gateway *out)
{
	for (size_t i = 0; i < c->rules.n && i < decider; i++) {
		const struct routing_rule *rule = &c->rules.r[i];
		enum rule_fit fit = fit_of(c, rule);
		const struct table_route *route;

		if ((fit != FIT_MARKED && fit != FIT_MAYBE) ||
		    (rule->action != FR_ACT_GOTO &&
		     decision_of(c, rule, &route) == DECIDED_NOTHING))
			continue;
		if (!out->maybe[0] || (fit == FIT_MAYBE && !out->unsure)) {
			routing_rule_text(rule, c->family, out->maybe, sizeof(out->maybe));
			out->maybe_priority = rule->priority;
			out->maybe_denies = decision_of(c, rule, &route) == DECIDED_BY_RULE;
		}
		if (fit == FIT_MAYBE) {
			out->unsure = true;
			return i;
		}
	}
	return decider;
}

static void tell_denial(const struct route_choice *c, size_t decider, enum decision decision,
			const struct table_route *route, struct host_gateway *out)
{
	static const char *const by_rule[] = { [FR_ACT_BLACKHOLE] = "blackhole",
					       [FR_ACT_UNREACHABLE] = "unreachable",
					       [FR_ACT_PROHIBIT] = "prohibit" };
	const struct routing_rule *rule = &c->rules.r[decider];
	struct host_denial *denial = &out->denial;
	const struct table_route *next = NULL;
	size_t behind = decider + 1;

	out->n_denials = 1;
	denial->by_rule = decision == DECIDED_BY_RULE;
	if (denial->by_rule) {
		snprintf(denial->type, sizeof(denial->type), "%s", by_rule[rule->action]);
		denial->priority = rule->priority;
		denial->only_destination = rule->to && !rule->invert && out->rule[0];
		denial->prefix_len = rule->dst_len;
		memcpy(denial->prefix, rule->dst, 16);
	} else {
		snprintf(denial->type, sizeof(denial->type), "%s",
			 route->type == RTN_BLACKHOLE	? "blackhole" :
			 route->type == RTN_UNREACHABLE ? "unreachable" :
							  "prohibit");
		denial->table = route->table;
		denial->only_destination = true;
		denial->prefix_len = route->len;
		memcpy(denial->prefix, route->prefix, 16);
	}
	switch (decide(c, &behind, &next)) {
	case DECIDED_ROUTE:
		out->next_table = next->table;
		break;
	case DECIDED_BY_RULE:
	case DECIDED_BY_ROUTE:
		out->n_denials++;
		break;
	case DECIDED_NOTHING:
		break;
	}
}

/* Nothing was found: a rule that did not take what its table has? */
static void tell_suppressed(const struct route_choice *c, struct host_gateway *out)
{
	for (size_t i = 0; i < c->rules.n; i++) {
		const struct routing_rule *rule = &c->rules.r[i];
		const struct table_route *route;

		if (rule->action != FR_ACT_TO_TBL || fit_of(c, rule) != FIT_YES)
			continue;
		route = find_table(c, table_of(c, rule));
		if (!route || !route->found || !is_suppressed(rule, route))
			continue;
		tell_rule(c, i, out);
		out->suppressed = true;
		return;
	}
}

void route_choice_tell(const struct route_choice *c, struct host_gateway *out)
{
	const struct table_route *route = NULL;
	size_t decider = 0;
	enum decision decision = decide(c, &decider, &route);

	if (c->overflow) { /* then nothing is known but that */
		out->unsure = out->no_room = true;
		return;
	}
	if (decision != DECIDED_NOTHING)
		tell_rule(c, decider, out);
	else
		tell_suppressed(c, out);
	if (decision == DECIDED_ROUTE) {
		out->found_table = route->table;
		out->found_len = route->len;
		out->found_metric = route->metric;
	} else if (decision != DECIDED_NOTHING) {
		tell_denial(c, decider, decision, route, out);
	}
	tell_table(c, decider, out);
	tell_room(c, tell_maybe(c, decider, out), out);
}
