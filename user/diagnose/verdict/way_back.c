// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The commands that make a way back: over which router, in which table, past which ban. */
#include <linux/ipv6_route.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

bool ask_way_back(const struct facts *f, struct host_gateway *out)
{
	memset(out, 0, sizeof(*out));
	if (!f->p->device_in[0] || ask_gateway(f->given.host, f->p->tuple.target, f->p->tuple.lb,
					       f->p->device_in, out))
		return false;
	/* behind a DNAT answers have another source when they are routed, and rules can go by it */
	if (strcmp(f->address, f->inner_address) != 0 && (out->rule[0] || out->maybe[0]))
		out->unsure = out->no_room = true;
	return true;
}

void advise_router(const struct facts *f, const struct host_gateway *g, struct diagnosis *d)
{
	char router[ADDR_TEXT_LEN];

	if (g->by_neighbour)
		add_advice(d, "%s is the only %s on %s: it is taken for the router.",
			   format_addr(router, g->addr), f->v6 ? "router" : "neighbour",
			   f->p->device_in);
	add_advice(d, "Make it permanent in the network configuration, too.");
}

void advise_unknown_router(const struct facts *f, const struct host_gateway *g,
			   struct diagnosis *d)
{
	const char *device = f->p->device_in;

	add_advice(d, "Add a route to %s over the router of %s's subnet, and make it permanent", f->range,
		   device[0] ? device : "the interface");
	say(ADVICE(d), "; which address the router has, %s.",
	    g->n > 1 ? "this host does not tell, as there are several" : "this host does not know");
	if (command_is_set(&d->fix.show))
		return;
	if (device[0])
		SHOW_COMMAND(d, f->v6 ? "ip -6 route show table all dev %s && ip -6 neigh show dev %s" :
					"ip route show table all dev %s && ip neigh show dev %s",
			     device, device);
	else
		SHOW_COMMAND(d, f->v6 ? "ip -6 route show table all" : "ip route show table all");
}

/* Appends what adds the route to the range, to TABLE; 0: to main. */
static void add_route(const struct facts *f, const struct host_gateway *g, uint32_t table,
		      struct diagnosis *d)
{
	char router[ADDR_TEXT_LEN];

	FIX_COMMAND(d, f->v6 ? "ip -6 route add %s via %s dev %s" : "ip route add %s via %s dev %s",
		    f->range, format_addr(router, g->addr), f->p->device_in);
	if (table)
		FIX_COMMAND(d, " table %u", table);
}

static void fix_by_route(const struct facts *f, const struct host_gateway *g, uint32_t table,
			 struct diagnosis *d)
{
	if (g->n != 1) {
		advise_unknown_router(f, g, d);
		return;
	}
	add_route(f, g, table, d);
	advise_router(f, g, d);
}

/* How what is forbidden and what is to be let in lie to each other. */
enum scope { WIDER, EQUAL, NARROWER };

static enum scope scope_of(const struct facts *f, const struct host_denial *denial)
{
	unsigned len = denial->prefix_len + (f->v6 ? 0 : 96);
	struct prefix range;

	if (prefix_parse(&range, f->range) || len < range.len)
		return WIDER;
	return len == range.len ? EQUAL : NARROWER;
}

static void show_rules(const struct facts *f, struct diagnosis *d)
{
	if (f->v6)
		SHOW_COMMAND(d, "ip -6 rule && ip -6 route show table all");
	else
		SHOW_COMMAND(d, "ip rule && ip route show table all");
}

static void advise_denial(const struct facts *f, const struct host_gateway *g, struct diagnosis *d)
{
	show_rules(f, d);
	if (g->denial.by_rule && g->rule[0])
		add_advice(d, "Delete the routing rule %u (%s), or put one ahead of it that leads "
			      "to the router.", g->rule_priority, g->rule);
	else
		add_advice(d, "Find the rule or route of the type blackhole, unreachable or prohibit "
			      "that covers %s, and delete it or put one ahead of it that leads to "
			      "the router.", f->lb);
}

/* The words of a rule, each as a value: names of devices are among them. */
static void add_words(const char *words, struct diagnosis *d)
{
	char word[HOST_RULE_LEN];

	while (*words) {
		size_t len = strcspn(words, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		if (len)
			FIX_COMMAND(d, " %s", word);
		words += len + (words[len] == ' ');
	}
}

static void delete_rule(const struct facts *f, const struct host_gateway *g, struct diagnosis *d)
{
	static const char any[] = "from all "; /* goes without saying */
	bool is_any = strncmp(g->rule, any, sizeof(any) - 1) == 0;

	FIX_COMMAND(d, f->v6 ? "ip -6 rule del priority %u" : "ip rule del priority %u",
		    g->rule_priority);
	add_words(g->rule + (is_any ? sizeof(any) - 1 : 0), d);
}

static void delete_denial(const struct facts *f, const struct host_denial *denial,
			  struct diagnosis *d)
{
	struct prefix prefix = { .len = (uint8_t)(denial->prefix_len + (f->v6 ? 0 : 96)) };
	char text[PREFIX_TEXT_LEN];

	memcpy(prefix.addr, denial->prefix, 16);
	format_prefix(text, &prefix);
	if (denial->by_rule)
		FIX_COMMAND(d, f->v6 ? "ip -6 rule del priority %u to %s %s" :
				       "ip rule del priority %u to %s %s",
			    denial->priority, text, denial->type);
	else
		FIX_COMMAND(d, f->v6 ? "ip -6 route del %s %s" : "ip route del %s %s", denial->type,
			    text);
	if (!denial->by_rule && denial->table != RT_TABLE_MAIN)
		FIX_COMMAND(d, " table %u", denial->table);
}

/* Has answers of the target to the load balancer looked up in TABLE, ahead of the rule that decides. */
static void add_rule(const struct facts *f, const struct host_gateway *g, bool to_range,
		     uint32_t table, struct diagnosis *d)
{
	FIX_COMMAND(d, f->v6 ? "ip -6 rule add from %s" : "ip rule add from %s", f->address);
	if (to_range)
		FIX_COMMAND(d, " to %s", f->range);
	if (table == RT_TABLE_MAIN)
		FIX_COMMAND(d, " table main");
	else
		FIX_COMMAND(d, " table %u", table);
	if (g->new_priority)
		FIX_COMMAND(d, " priority %u", g->new_priority);
}

static bool is_kept_from_main(const struct host_gateway *g)
{
	return g->n_denials ? g->denial.by_rule : !g->found_table && g->main_unread;
}

/* TABLE 0: main. */
static void replace_route(const struct facts *f, const char *to, const struct host_gateway *g,
			  uint32_t table, struct diagnosis *d)
{
	char router[ADDR_TEXT_LEN];

	FIX_COMMAND(d, f->v6 ? "ip -6 route replace %s via %s dev %s" :
			       "ip route replace %s via %s dev %s",
		    to, format_addr(router, g->addr), f->p->device_in);
	/* the kernel asks the rules for the gateway's own route, too: fib_check_nh() */
	if (table == g->free_table && is_kept_from_main(g))
		FIX_COMMAND(d, " onlink");
	if (table)
		FIX_COMMAND(d, " table %u", table);
}

bool may_be_denied(const struct facts *f, const struct host_gateway *g)
{
	return !f->p->has_route && g->maybe_denies;
}

/* A table that nothing uses yet, and a rule ahead of all that leads elsewhere. */
static bool fix_by_new_table(const struct facts *f, const char *to, const struct host_gateway *g,
			     struct diagnosis *d)
{
	if (g->n != 1 || !g->free_table || g->no_room ||
	    strcmp(f->address, f->inner_address) != 0)
		return false;
	replace_route(f, to, g, g->free_table, d);
	FIX_COMMAND(d, " && ");
	add_rule(f, g, false, g->free_table, d);
	advise_router(f, g, d);
	return true;
}

/*
 * A rule for no other destinations than the range goes as a whole.  Of one that is for
 * more the rest stays: only another rule ahead of it leads past it.
 */
static void fix_denied_by_rule(const struct facts *f, const struct host_gateway *g,
			       struct diagnosis *d)
{
	bool lifted = g->denial.only_destination && scope_of(f, &g->denial) != WIDER &&
		      g->n_denials == 1 && !g->unsure;

	if (!lifted && g->next_table && !g->no_room &&
	    strcmp(f->address, f->inner_address) == 0) {
		add_rule(f, g, true, g->next_table, d);
		add_advice(d, "Make it permanent in the network configuration, too.");
	} else if (!lifted) {
		if (!fix_by_new_table(f, f->range, g, d))
			advise_denial(f, g, d);
	} else {
		delete_rule(f, g, d);
		if (!g->next_table && g->n == 1) {
			FIX_COMMAND(d, " && ");
			add_route(f, g, g->table, d);
			advise_router(f, g, d);
		} else {
			add_advice(d, "Take it out of the network configuration, too.");
		}
	}
}

/* Where the way goes in place of a route that refused. */
static uint32_t table_behind(const struct host_gateway *g)
{
	bool in_main = g->denial.table == RT_TABLE_MAIN;

	return g->table || !g->rule[0] || in_main ? g->table : g->denial.table;
}

/*
 * A ban of no more than the range goes as a whole.  Of one that is wider the
 * rest stays: past a route a more specific one of the same table leads, past a rule none
 * does.
 */
static void fix_denied(const struct facts *f, const struct host_gateway *g, struct diagnosis *d)
{
	const struct host_denial *denial = &g->denial;
	enum scope scope = scope_of(f, denial);

	if (denial->by_rule && g->rule[0]) {
		fix_denied_by_rule(f, g, d);
	} else if (g->n_denials != 1 || g->unsure || !denial->only_destination ||
		   (scope == WIDER && denial->by_rule)) {
		if (!g->rule[0] || !fix_by_new_table(f, f->range, g, d))
			advise_denial(f, g, d);
	} else if (scope == WIDER) {
		fix_by_route(f, g, denial->table == RT_TABLE_MAIN ? 0 : denial->table, d);
	} else {
		delete_denial(f, denial, d);
		if (!denial->by_rule && scope == EQUAL && g->n == 1) {
			FIX_COMMAND(d, " && ");
			add_route(f, g, table_behind(g), d);
			advise_router(f, g, d);
		} else {
			add_advice(d, "Take it out of the network configuration, too.");
		}
	}
}

/* Would a route to TO in the table that answers of the target are looked up in be taken? */
static bool is_taken_there(const struct facts *f, const char *to, const struct host_gateway *g)
{
	struct prefix prefix = { .len = f->v6 ? 0 : 96 };
	unsigned len;

	if (!g->table || g->unsure)
		return false;
	if (g->found_table != g->table)
		return true;
	if (strcmp(to, "default") != 0 && prefix_parse(&prefix, to))
		return false;
	len = prefix.len - (f->v6 ? 0 : 96);
	/* of IPv6 the one with the smaller metric counts, and a new one has 1024 */
	return g->found_len < len ||
	       (g->found_len == len && (!f->v6 || g->found_metric == IP6_RT_PRIO_USER));
}

bool fix_by_table(const struct facts *f, const char *to, struct host_gateway *g,
		  struct diagnosis *d)
{
	if (!ask_way_back(f, g) || g->n != 1)
		return false;
	if (!is_taken_there(f, to, g))
		return fix_by_new_table(f, to, g, d);
	replace_route(f, to, g, g->table, d);
	advise_router(f, g, d);
	return true;
}

void fix_same_table(const struct facts *f, const uint8_t address[16], const struct host_gateway *g,
		    struct diagnosis *d)
{
	struct facts other = *f;

	if (is_taken_there(f, f->range, g))
		return;
	format_addr(other.address, address);
	FIX_COMMAND(d, " && ");
	add_rule(&other, g, false, g->free_table, d);
}

bool fix_by_other_router(const struct facts *f, const uint8_t router[16],
			 const struct host_gateway *g, struct diagnosis *d)
{
	struct host_gateway other = *g;
	uint32_t table = g->found_table == RT_TABLE_MAIN ? 0 : g->found_table;
	struct prefix range;
	unsigned len;

	if (!g->found_table || g->unsure || prefix_parse(&range, f->range))
		return false;
	len = range.len - (f->v6 ? 0 : 96);
	/* one of the same prefix and metric is replaced; of IPv6, with all its next hops */
	if (g->found_len > len ||
	    (g->found_len == len && g->found_metric != (f->v6 ? IP6_RT_PRIO_USER : 0)))
		return false;
	memcpy(other.addr, router, 16);
	replace_route(f, f->range, &other, table, d);
	return true;
}

/* By addresses alone there is a route: another would change nothing. */
static void advise_rules(const struct facts *f, const struct host_gateway *g, struct diagnosis *d)
{
	add_advice(d, "Where that route was added since, the next check passes.");
	if (g->maybe[0])
		add_advice(d, "Else look at the routing rule %u (%s): it may keep this connection "
			      "from that route.", g->maybe_priority, g->maybe);
	else
		add_advice(d, "Else look for the routing rule that keeps this connection from "
			      "that route: by a mark, a device or a port.");
	SHOW_COMMAND(d, f->v6 ? "ip -6 rule" : "ip rule");
}

void fix_way_back(const struct facts *f, bool has_route, const struct host_gateway *g,
		  struct diagnosis *d)
{
	bool past_rule = has_route && may_be_denied(f, g);

	if (g->n_denials)
		fix_denied(f, g, d);
	else if (has_route && !(past_rule && fix_by_new_table(f, f->range, g, d)))
		advise_rules(f, g, d);
	else if (past_rule)
		return;
	else if (!g->unsure && !g->found_table && (g->table || !g->main_unread))
		fix_by_route(f, g, g->table, d);
	else if (!fix_by_new_table(f, f->range, g, d))
		advise_unknown_router(f, g, d);
}
