// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 4: does a rule, or a policy, drop or refuse checks or their answers? */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "firewall/names.h"
#include "firewall/walk.h"
#include "include/hct_event.h"
#include "include/hct_flow.h"
#include "render/format.h"

#include <linux/netfilter.h>

#define MAX_HITS 24
#define MAX_LISTED 12 /* ports of a rule; multiport takes 15 */

/* What is sent: a check, or the answer to one. */
struct sent {
	const struct prefix *from;
	uint8_t protocol;
	uint16_t port; /* 0: any */
	bool reply;
	bool v6;
};

/* A rule or policy, with all that it hits. */
struct hit {
	const struct fw_chain *base, *chain;
	const struct fw_rule *rule;
	const struct prefix *from;
	bool reply, certain, unclear;
	struct sent first;
	unsigned serial; /* of the last that it hit */
	unsigned n; /* kinds of packets that it hits */
	unsigned n_certain;
	char ports[120]; /* "80, 443" */
};

struct hits {
	struct hit hit[MAX_HITS];
	size_t n;
	bool truncated;
	const struct sent *sent; /* what is on its way now */
	unsigned serial; /* of that */
	unsigned kinds[2]; /* of requests and of replies, for one network */
};

static void set_bytes(struct fw_packets *p, enum fw_field field, const void *lo, const void *hi)
{
	size_t len = fw_field_len(field), n = p->field[field].n;
	struct fw_range *range = &p->field[field].range[n];

	if (n == FW_MAX_VALUES)
		return;
	memcpy(range->lo, lo, len);
	memcpy(range->hi, hi, len);
	p->field[field].n++;
}

static void set_byte(struct fw_packets *p, enum fw_field field, uint8_t value)
{
	set_bytes(p, field, &value, &value);
}

static void set_port(struct fw_packets *p, enum fw_field field, uint16_t first, uint16_t last)
{
	set_bytes(p, field, (uint8_t[]){ (uint8_t)(first >> 8), (uint8_t)first },
		  (uint8_t[]){ (uint8_t)(last >> 8), (uint8_t)last });
}

static void set_network(struct fw_packets *p, enum fw_field field, const struct prefix *prefix)
{
	bool v6 = prefix_is_ipv6(prefix);
	uint8_t last[16];

	memcpy(last, prefix->addr, 16);
	for (unsigned bit = prefix->len; bit < 128; bit++)
		last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	set_bytes(p, field, prefix->addr + (v6 ? 0 : 12), last + (v6 ? 0 : 12));
}

/* The host's own addresses and devices: those that a check could come to. */
static void set_own(const struct check_facts *f, struct fw_packets *p, bool v6,
		    enum fw_field address, enum fw_field device)
{
	for (size_t i = 0; i < f->addresses.n; i++) {
		const struct host_address *a = &f->addresses.a[i];
		const uint8_t *bytes = a->addr + (v6 ? 0 : 12);

		if (a->global && check_device_wanted(f, a->device) &&
		    address_is_ipv6(a->addr) == v6)
			set_bytes(p, address, bytes, bytes);
	}
	for (size_t i = 0; i < f->devices.n; i++) {
		char name[16] = "";

		snprintf(name, sizeof(name), "%s", f->devices.d[i].name);
		if (check_device_wanted(f, name))
			set_bytes(p, device, name, name);
	}
}

static void describe(const struct check_facts *f, const struct sent *sent, struct fw_packets *p)
{
	enum fw_field lb = sent->v6 ? FW_SADDR6 : FW_SADDR4;
	enum fw_field own = sent->v6 ? FW_DADDR6 : FW_DADDR4;
	uint8_t state = sent->reply ? FW_CT_ESTABLISHED : FW_CT_NEW;
	uint16_t port = sent->port;
	bool icmp = sent->protocol == IPPROTO_ICMP || sent->protocol == IPPROTO_ICMPV6;

	memset(p, 0, sizeof(*p));
	set_byte(p, FW_NFPROTO, sent->v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	set_byte(p, FW_PROTO, sent->protocol);
	set_network(p, sent->reply ? own : lb, sent->from);
	set_own(f, p, sent->v6, sent->reply ? lb : own, sent->reply ? FW_OIF : FW_IIF);
	set_bytes(p, FW_CTSTATE, (uint8_t[]){ 0, 0, 0, state }, (uint8_t[]){ 0, 0, 0, state });
	if (icmp) {
		if (sent->v6)
			set_byte(p, FW_ICMPTYPE, sent->reply ? 129 : 128);
		else
			set_byte(p, FW_ICMPTYPE, sent->reply ? 0 : 8);
		return;
	}
	if (port)
		set_port(p, sent->reply ? FW_SPORT : FW_DPORT, port, port);
	set_port(p, sent->reply ? FW_DPORT : FW_SPORT, 1024, UINT16_MAX);
	if (sent->protocol == IPPROTO_TCP)
		set_byte(p, FW_TCPFLAGS, sent->reply ? 0x12 : 0x02); /* SYN-ACK, SYN */
}

static void take_hit(void *ctx, const struct walk_hit *w)
{
	struct hits *hits = ctx;
	struct hit *h = NULL;

	for (size_t i = 0; i < hits->n && !h; i++)
		if (hits->hit[i].base == w->base && hits->hit[i].rule == w->rule &&
		    hits->hit[i].chain == w->chain && hits->hit[i].from == hits->sent->from &&
		    hits->hit[i].first.protocol == hits->sent->protocol)
			h = &hits->hit[i];
	if (!h && hits->n == MAX_HITS) {
		hits->truncated = true;
		return;
	}
	if (!h) {
		h = &hits->hit[hits->n++];
		*h = (struct hit){ .base = w->base, .chain = w->chain, .rule = w->rule,
				   .from = hits->sent->from, .reply = hits->sent->reply,
				   .first = *hits->sent };
	}
	h->unclear |= w->unclear;
	if (h->serial == hits->serial)
		return; /* once more, by another jump */
	h->serial = hits->serial;
	h->n++;
	h->n_certain += w->certain;
	if (hits->sent->port && h->n <= MAX_LISTED)
		CHECK_PUT(h->ports, "%s%u", h->ports[0] ? ", " : "", hits->sent->port);
	else if (hits->sent->port && h->n == MAX_LISTED + 1)
		CHECK_PUT(h->ports, ", ...");
}

static bool is_at(const struct fw_chain *chain, bool reply)
{
	static const char *const in[] = { "INGRESS", "PREROUTING", "INPUT" };
	static const char *const out[] = { "OUTPUT", "POSTROUTING", "EGRESS" };

	for (size_t i = 0; i < 3 && chain->hook; i++)
		if (!strcmp(chain->hook, reply ? out[i] : in[i]))
			return true;
	return false;
}

/* Sends it through each chain that is on its way.  True: a NAT rule sends it elsewhere. */
static bool send_through(const struct check_facts *f, const struct sent *sent, struct hits *hits)
{
	const struct fw_rules *rules = &f->rules[sent->v6];
	struct fw_packets packets;
	struct walk walk = { .rules = rules, .packets = &packets, .hit = take_hit, .ctx = hits,
			     .steps_left = WALK_STEPS };

	describe(f, sent, &packets);
	hits->sent = sent;
	hits->serial++;
	for (const struct fw_chain *chain = rules->chains; chain; chain = chain->next)
		if (is_at(chain, sent->reply))
			walk_chain(&walk, chain);
	return walk.redirected;
}

static void no_matter(void *ctx, const struct walk_hit *hit)
{
}

bool check_is_redirected(const struct check_facts *f, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < f->settings->n_from; i++) {
		const struct prefix *from = &f->settings->from[i];
		struct sent sent = { from, protocol, port, false, prefix_is_ipv6(from) };
		struct fw_packets packets;
		struct walk walk = { .rules = &f->rules[sent.v6], .packets = &packets,
				     .hit = no_matter, .steps_left = WALK_STEPS };

		describe(f, &sent, &packets);
		for (const struct fw_chain *chain = walk.rules->chains; chain; chain = chain->next)
			if (chain->hook && !strcmp(chain->hook, "PREROUTING"))
				walk_chain(&walk, chain);
		if (walk.redirected)
			return true;
	}
	return false;
}

/* ---- telling ---- */

static const char *tables_tool(const struct hit *h)
{
	if (!strcmp(h->chain->backend, "iptables-legacy"))
		return h->first.v6 ? "ip6tables-legacy" : "iptables-legacy";
	return h->first.v6 ? "ip6tables-nft" : "iptables-nft";
}

static bool is_nft(const struct hit *h)
{
	return strcmp(h->chain->backend, "nft") == 0;
}

/* Whether the tool can be told the name of CHAIN, and of its table. */
static bool can_name(const struct hit *h, const struct fw_chain *chain)
{
	return is_nft(h) ? nft_can_name(chain->table) && nft_can_name(chain->name) :
			   iptables_can_name(chain->name);
}

static void put_show(const struct hit *h, struct finding *out)
{
	bool named = can_name(h, h->chain);

	if (is_nft(h) && named)
		CHECK_SHOW(out, "nft -a list chain %s %s %s", h->chain->family, h->chain->table,
			   h->chain->name);
	else if (is_nft(h))
		CHECK_SHOW(out, "nft -a list ruleset");
	else if (named)
		CHECK_SHOW(out, "%s -t %s -nvL %s --line-numbers", tables_tool(h), h->chain->table,
			   h->chain->name);
	else
		CHECK_SHOW(out, "%s -t %s -nvL --line-numbers", tables_tool(h), h->chain->table);
}

static bool is_icmp(const struct sent *sent)
{
	return sent->protocol == IPPROTO_ICMP || sent->protocol == IPPROTO_ICMPV6;
}

/* "80, 443" as one word of a command. */
static const char *port_list(char out[120], const struct hit *h, const char *before,
			     const char *behind)
{
	char *end = stpcpy(out, before);

	for (const char *c = h->ports; *c; c++)
		if (*c != ' ')
			*end++ = *c;
	strcpy(end, behind);
	return out;
}

static void put_nft_match(const struct hit *h, struct finding *out)
{
	const struct sent *s = &h->first;
	char range[PREFIX_TEXT_LEN], ports[120];
	bool list = h->n > 1;

	CHECK_FIX(out, "%s %s %s ", s->v6 ? "ip6" : "ip", s->reply ? "daddr" : "saddr",
		  format_prefix(range, h->from));
	if (is_icmp(s))
		CHECK_FIX(out, "%s type %s ", s->v6 ? "icmpv6" : "icmp",
			  s->reply ? "echo-reply" : "echo-request");
	else if (s->port && h->n <= MAX_LISTED)
		CHECK_FIX(out, "%s %s %s ", check_protocol_name(s->protocol),
			  s->reply ? "sport" : "dport",
			  port_list(ports, h, list ? "{" : "", list ? "}" : ""));
}

static void put_iptables_match(const struct hit *h, struct finding *out)
{
	const struct sent *s = &h->first;
	char range[PREFIX_TEXT_LEN], ports[120];
	bool list = h->n > 1;

	CHECK_FIX(out, "%s %s ", s->reply ? "-d" : "-s", format_prefix(range, h->from));
	if (is_icmp(s))
		CHECK_FIX(out, s->v6 ? "-p icmpv6 --icmpv6-type %s " : "-p icmp --icmp-type %s ",
			  s->reply ? "echo-reply" : "echo-request");
	else if (s->port && h->n <= MAX_LISTED)
		CHECK_FIX(out, list ? "-p %s -m multiport --%s %s " : "-p %s --%s %s ",
			  check_protocol_name(s->protocol),
			  s->reply ? (list ? "sports" : "sport") : (list ? "dports" : "dport"),
			  port_list(ports, h, "", ""));
}

/* At the top of the base chain: what is accepted there meets no other rule of it. */
static void put_fix(const struct hit *h, struct finding *out)
{
	char range[PREFIX_TEXT_LEN];

	if (!can_name(h, h->base)) {
		CHECK_ADVISE(out, "Let the program that made this table accept packets %s %s ahead of "
				  "that rule: no tool can be told a name like that of its table or "
				  "chain.", h->reply ? "to" : "from", format_prefix(range, h->from));
	} else if (is_nft(h)) {
		CHECK_FIX(out, "nft insert rule %s %s %s ", h->base->family, h->base->table,
			  h->base->name);
		put_nft_match(h, out);
		CHECK_FIX(out, "accept");
	} else {
		CHECK_FIX(out, "%s -t %s -I %s ", tables_tool(h), h->base->table, h->base->name);
		put_iptables_match(h, out);
		CHECK_FIX(out, "-j ACCEPT");
	}
}

static void put_what(const struct hit *h, struct finding *out)
{
	const char *sent = h->reply ? "answers to" : "checks from";
	char range[PREFIX_TEXT_LEN];
	bool refuses = h->rule && h->rule->verdict == FW_REJECT;

	if (!h->rule)
		CHECK_PUT(out->what, "The policy of chain %s of table %s (%s)", h->chain->name,
			  h->chain->table, h->chain->backend);
	else if (h->rule->handle && !h->rule->text)
		CHECK_PUT(out->what, "The rule with handle %llu in chain %s of table %s %s (%s)",
			  (unsigned long long)h->rule->handle, h->chain->name, h->chain->family,
			  h->chain->table, h->chain->backend);
	else
		CHECK_PUT(out->what, "Rule %u in chain %s of table %s (%s)", h->rule->number,
			  h->chain->name, h->chain->table, h->chain->backend);
	if (h->unclear)
		CHECK_PUT(out->what, " may drop");
	else
		CHECK_PUT(out->what, h->n_certain ? " %ss" : " can %s",
			  refuses ? "refuse" : "drop");
	CHECK_PUT(out->what, " %s %s", sent, format_prefix(range, h->from));
	if (h->ports[0])
		CHECK_PUT(out->what, ", %s port %s", check_protocol_name(h->first.protocol),
			  h->ports);
	else if (is_icmp(&h->first))
		CHECK_PUT(out->what, ", ping");
	CHECK_PUT(out->what, ".");
}

static void tell(struct check *c, const struct hits *hits, const struct hit *h)
{
	/* Without --port it is not known what is checked: only what hits all is sure to hurt. */
	bool all = c->facts->settings->n_ports || h->n_certain >= hits->kinds[h->reply];
	bool icmp_asked = c->facts->settings->protocols & (HCT_PROTO_ICMP | HCT_PROTO_UDP);
	bool fail = h->n_certain && all && (!is_icmp(&h->first) || icmp_asked);
	struct finding out = check_finding(c, fail ? CHECK_FAIL : CHECK_WARN);

	put_what(h, &out);
	if (h->rule && h->rule->text)
		CHECK_PUT(out.why, "The rule: -A %s %s", h->chain->name, h->rule->text);
	else if (h->unclear)
		CHECK_PUT(out.why, "What the rule does with the packet cannot be told from here.");
	else if (h->rule && !h->n_certain)
		CHECK_PUT(out.why, "It depends on what the rule, or one before it, looks at "
				   "besides "
				   "addresses and ports.");
	put_show(h, &out);
	put_fix(h, &out);
	check_say(c, &out);
}

/* Everything that the network FROM sends and is sent. */
static void walk_network(struct check *c, const struct prefix *from,
			 const struct check_ports *ports, struct hits *hits,
			 struct check_ports *redirected)
{
	bool v6 = prefix_is_ipv6(from), udp = c->facts->settings->protocols & HCT_PROTO_UDP;
	struct sent sent = { .from = from, .v6 = v6 };

	hits->kinds[0] = hits->kinds[1] = ports->n ? (unsigned)ports->n : 1;
	for (size_t reply = 0; reply < 2; reply++) {
		sent.reply = reply;
		for (size_t i = 0; i < ports->n; i++) {
			sent.protocol = ports->p[i].protocol;
			sent.port = ports->p[i].port;
			if (send_through(c->facts, &sent, hits) && !reply &&
			    redirected->n < CHECK_MAX_PORTS)
				redirected->p[redirected->n++] = ports->p[i];
		}
		sent.port = 0;
		if (!ports->n && check_wants(c->facts, HCT_PROTO_TCP)) {
			sent.protocol = IPPROTO_TCP;
			send_through(c->facts, &sent, hits);
		}
		/* UDP checks ping, too. */
		if (udp || c->facts->settings->protocols & HCT_PROTO_ICMP) {
			sent.protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
			hits->kinds[reply]++;
			send_through(c->facts, &sent, hits);
		}
	}
}

static void tell_unread(struct check *c, bool v6)
{
	int err = c->facts->rules_err[v6];
	struct finding out = check_finding(c, CHECK_UNREAD);

	if (err) {
		check_unread(c, err, "The %s firewall rules", v6 ? "IPv6" : "IPv4");
		return;
	}
	CHECK_PUT(out.what, "Not all %s firewall rules could be read: %s.", v6 ? "IPv6" : "IPv4",
		  c->facts->rules[v6].why);
	CHECK_ADVISE(&out, "Install what is missing and run the check again as root, or look at "
			   "them by hand.");
	CHECK_SHOW(&out, v6 ? "nft -a list ruleset; ip6tables-legacy-save" :
			      "nft -a list ruleset; iptables-legacy-save");
	check_say(c, &out);
}

static void tell_redirected(struct check *c, const struct check_ports *ports)
{
	struct finding out = check_finding(c, CHECK_NOTE);

	for (size_t i = 0; i < ports->n; i++)
		CHECK_PUT(out.what, "%s%u",
			  i ? ", "
			    : "A NAT rule sends checks on elsewhere, as to "
			      "a container: port ",
			  ports->p[i].port);
	CHECK_PUT(out.what, ". What happens to them there, 'hctrace live' shows.");
	CHECK_SHOW(&out, "nft -a list ruleset; iptables-legacy-save -t nat");
	check_say(c, &out);
}

static void tell_truncated(struct check *c, const struct prefix *from)
{
	struct finding out = check_finding(c, CHECK_NOTE);
	char range[PREFIX_TEXT_LEN];

	CHECK_PUT(out.what, "More rules than these %d can drop checks from %s.", MAX_HITS,
		  format_prefix(range, from));
	CHECK_SHOW(&out, "nft -a list ruleset");
	check_say(c, &out);
}

void check_firewall(struct check *c)
{
	struct check_ports redirected = { 0 }, ports;
	struct hits hits;

	check_ports_or_say(c, &ports);
	for (size_t i = 0; i < 2; i++)
		if (check_has_family(c->facts, i) &&
		    (c->facts->rules_err[i] || c->facts->rules[i].incomplete))
			tell_unread(c, i);
	for (size_t i = 0; i < c->facts->settings->n_from; i++) {
		const struct prefix *from = &c->facts->settings->from[i];
		struct finding ok = check_finding(c, CHECK_OK);
		char range[PREFIX_TEXT_LEN];

		if (c->facts->rules_err[prefix_is_ipv6(from)])
			continue;
		memset(&hits, 0, sizeof(hits));
		walk_network(c, from, &ports, &hits, &redirected);
		for (size_t j = 0; j < hits.n; j++)
			tell(c, &hits, &hits.hit[j]);
		if (hits.truncated)
			tell_truncated(c, from);
		CHECK_PUT(ok.what, "No firewall rule that was read drops checks from %s.",
			  format_prefix(range, from));
		CHECK_SHOW(&ok, prefix_is_ipv6(from) ? "nft -a list ruleset; ip6tables-legacy-save" :
						       "nft -a list ruleset; iptables-legacy-save");
		if (!hits.n)
			check_say(c, &ok);
	}
	if (redirected.n)
		tell_redirected(c, &redirected);
}
