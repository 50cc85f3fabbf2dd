// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The command that lets a probe, or its reply, pass a firewall rule, in the right place. */
#include "advice_rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fw_owner.h"

/* NAME as a word for the shell: in quotes where it could be anything else. */
static void put_word(struct diagnosis *d, const char *name)
{
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.+:/-");
	bool quote = !*name || name[plain] || *name == '-';

	say(FIX(d), quote && !strchr(name, '\'') ? "'%.63s'" : "%.63s", name);
}

static uint16_t port_of(const struct facts *f, const struct culprit *c)
{
	return c->outer ? f->port : f->inner_port;
}

static void iptables_match(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	say(FIX(d), "%s %s ", c->reply ? "-d" : "-s", f->range);
	if (f->icmp)
		say(FIX(d), f->v6 ? "-p icmpv6 --icmpv6-type %s" : "-p icmp --icmp-type %s",
		    c->reply ? "echo-reply" : "echo-request");
	else
		say(FIX(d), "-p %s %s %u", f->protocol, c->reply ? "--sport" : "--dport",
		    port_of(f, c));
}

/* nft adds by itself what tables netdev and bridge need besides: the protocol of the frame. */
static void nft_match(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	say(FIX(d), "%s %s %s ", f->v6 ? "ip6" : "ip", c->reply ? "daddr" : "saddr", f->range);
	if (f->icmp)
		say(FIX(d), "%s type %s", f->v6 ? "icmpv6" : "icmp",
		    c->reply ? "echo-reply" : "echo-request");
	else
		say(FIX(d), "%s %s %u", f->protocol, c->reply ? "sport" : "dport", port_of(f, c));
}

static void iptables_command(const struct facts *f, const char *backend, const char *table,
			     struct diagnosis *d)
{
	say(FIX(d), "ip%stables-%s ", f->v6 ? "6" : "",
	    strcmp(backend, "iptables-legacy") == 0 ? "legacy" : "nft");
	if (strcmp(table, "filter") == 0)
		return;
	say(FIX(d), "-t ");
	put_word(d, table);
	say(FIX(d), " ");
}

static void ebtables_match(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const char *ip = f->v6 ? "ip6" : "ip";

	say(FIX(d), "-p %s --%s-%s %s", f->v6 ? "IPv6" : "IPv4", ip,
	    c->reply ? "destination" : "source", f->range);
	if (!f->icmp)
		say(FIX(d), " --%s-proto %s --%s-%s %u", ip, f->protocol, ip,
		    c->reply ? "sport" : "dport", port_of(f, c));
}

/* ---- with the rule known ---- */

static void fix_by_iptables(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const struct host_rule *r = &c->rule;
	bool bridge = strncmp(r->backend, "ebtables", 8) == 0;

	if (bridge)
		say(FIX(d), strcmp(r->table, "nat") == 0 ? "ebtables -t nat " : "ebtables ");
	else
		iptables_command(f, r->backend, r->table, d);
	say(FIX(d), r->policy && !r->behind_goto ? "-A " : "-I ");
	put_word(d, r->chain);
	if (r->number > 1 && !r->policy)
		say(FIX(d), " %u", r->number);
	say(FIX(d), " ");
	if (bridge)
		ebtables_match(f, c, d);
	else
		iptables_match(f, c, d);
	say(FIX(d), " -j ACCEPT");
}

/* `insert rule … handle N` puts it ahead of that rule. */
static void fix_by_nft(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const struct host_rule *r = &c->rule;

	say(FIX(d), "nft %s rule %.11s ", r->policy && !r->behind_goto ? "add" : "insert",
	    r->family);
	put_word(d, r->table);
	say(FIX(d), " ");
	put_word(d, r->chain);
	if (r->handle && !r->policy)
		say(FIX(d), " handle %" PRIu64, r->handle);
	say(FIX(d), " ");
	nft_match(f, c, d);
	say(FIX(d), " accept");
}

static void fix_by_rule(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const struct host_rule *r = &c->rule;
	bool forwarded = strcmp(c->place.hook, "FORWARD") == 0;
	struct fw_pass pass = { .range = f->range, .lb = f->lb, .protocol = f->protocol,
				.port = f->icmp ? 0 : port_of(f, c), .v6 = f->v6,
				.reply = c->reply, .forwarded = forwarded };
	char command[512];
	struct fw_owner owner;
	bool owned = fw_owner_of(r, &owner);
	const char *remark = owned ? fw_owner_remark(&owner, r) : "";

	if (owned && fw_owner_fix(&owner, r, &pass, command, sizeof(command))) {
		say(FIX(d), "%s", command);
		return;
	}
	if (strcmp(r->backend, "nft") == 0)
		fix_by_nft(f, c, d);
	else
		fix_by_iptables(f, c, d);
	if (remark[0])
		say(FIX(d), "  # %s", remark);
	else if (forwarded && !owned && strncmp(r->backend, "iptables", 8) == 0)
		say(FIX(d), "  # with Docker: -I DOCKER-USER instead");
}

/* ---- with less known ---- */

static void fix_by_chain(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	if (strcmp(c->chain.backend, "nft") == 0) {
		say(FIX(d), "nft insert rule %s ", c->chain.family);
		put_word(d, c->chain.table);
		say(FIX(d), " ");
		put_word(d, c->chain.chain);
		say(FIX(d), " ");
		nft_match(f, c, d);
		say(FIX(d), " accept");
	} else if (c->place.bridge) {
		say(FIX(d), "ebtables -I ");
		put_word(d, c->chain.chain);
		say(FIX(d), " ");
		ebtables_match(f, c, d);
		say(FIX(d), " -j ACCEPT");
	} else {
		iptables_command(f, c->chain.backend, c->chain.table, d);
		say(FIX(d), "-I ");
		put_word(d, c->chain.chain);
		say(FIX(d), " ");
		iptables_match(f, c, d);
		say(FIX(d), " -j ACCEPT");
	}
}

static void fix_by_search(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const char *six = f->v6 ? "6" : "";

	if (c->place.backend == NF_BACKEND_LEGACY) {
		say(FIX(d),
		    "Find the rule with 'ip%stables-legacy-save -c', and accept ahead of it: "
		    "ip%stables-legacy -I %s ",
		    six, six, c->place.hook[0] ? c->place.hook : "CHAIN");
		iptables_match(f, c, d);
		say(FIX(d), " -j ACCEPT");
	} else if (c->place.backend == NF_BACKEND_EBTABLES || c->place.bridge) {
		say(FIX(d),
		    "Find the rule with 'ebtables -L' or 'nft list ruleset bridge', and accept %s "
		    "ahead of it.",
		    f->range);
	} else {
		say(FIX(d), "Find the rule with 'nft list ruleset'%s, and accept ahead of it: ",
		    c->place.backend == NF_BACKEND_NFT ? "" : " or 'iptables-save'");
		nft_match(f, c, d);
		say(FIX(d), " accept");
	}
}

void fix_culprit(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const char *space = f->p->inner_name;

	if (c->inside && space[0] && c->named) {
		say(FIX(d), "ip netns exec ");
		put_word(d, space);
		say(FIX(d), " ");
	} else if (c->inside) {
		say(FIX(d), "In %s (nsenter -n -t PID): ", space[0] ? space : "the container");
	}
	if (c->named)
		fix_by_rule(f, c, d);
	else if (c->found)
		fix_by_chain(f, c, d);
	else
		fix_by_search(f, c, d);
}
