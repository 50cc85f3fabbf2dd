// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 4: does a rule, or a policy, drop or refuse checks or their answers? */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "firewall_hit.h"
#include "diagnose/fw_owner.h"
#include "diagnose/reverse_path_rule.h"
#include "firewall/rule_find.h"
#include "firewall/walk.h"
#include "include/hct_event.h"
#include "include/hct_flow.h"
#include "render/format.h"

#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

#define MAX_HITS 24
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
	if (!sent->reply) /* it is for an address of this host */
		set_byte(p, FW_DADDRTYPE, RTN_LOCAL);
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
	if (h->n <= MAX_LISTED)
		h->port[h->n - 1] = hits->sent->port;
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

/* Sends a request through the chains of HOOK, or with NULL of all.  True: NAT sends it elsewhere. */
static bool request_through(const struct check_facts *f, uint8_t protocol, uint16_t port,
			    const char *hook, void (*hit)(void *ctx, const struct walk_hit *hit),
			    void *ctx)
{
	for (size_t i = 0; i < f->settings->n_from; i++) {
		const struct prefix *from = &f->settings->from[i];
		struct sent sent = { from, protocol, port, false, prefix_is_ipv6(from) };
		struct fw_packets packets;
		struct walk walk = { .rules = &f->rules[sent.v6], .packets = &packets,
				     .hit = hit, .ctx = ctx, .steps_left = WALK_STEPS };

		describe(f, &sent, &packets);
		for (const struct fw_chain *chain = walk.rules->chains; chain; chain = chain->next)
			if (hook ? chain->hook && !strcmp(chain->hook, hook) : is_at(chain, false))
				walk_chain(&walk, chain);
		if (walk.redirected)
			return true;
	}
	return false;
}

static void no_matter(void *ctx, const struct walk_hit *hit)
{
}

bool check_is_redirected(const struct check_facts *f, uint8_t protocol, uint16_t port)
{
	return request_through(f, protocol, port, "PREROUTING", no_matter, NULL);
}

/* The rule has to name the port: kube-proxy has others, which meet all. */
static void note_kube(void *ctx, const struct walk_hit *hit)
{
	struct host_rule rule;
	struct fw_owner owner;

	rule_tell(hit, &rule);
	for (size_t i = 0; hit->rule && i < hit->rule->n; i++)
		if (hit->rule->cond[i].field == FW_DPORT || hit->rule->cond[i].field == FW_TUPLE)
			*(bool *)ctx |= fw_owner_of(&rule, &owner) && owner.id == OWNER_KUBE_PROXY;
}

bool check_is_kube_port(const struct check_facts *f, uint8_t protocol, uint16_t port)
{
	bool is_kube = false;

	request_through(f, protocol, port, NULL, note_kube, &is_kube);
	return is_kube;
}

/* ---- telling ---- */

static void put_what(const struct hit *h, struct finding *out)
{
	const char *sent = h->reply ? "answers to" : "checks from";
	char range[PREFIX_TEXT_LEN];
	bool refuses = h->rule && h->rule->verdict == FW_REJECT;

	if (!h->rule)
		CHECK_PUT(out->what, "The policy of chain %s of table %s (%s)", h->chain->name,
			  h->chain->table, h->chain->backend);
	else if (h->rule->handle && hit_is_nft(h))
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
	else if (hit_is_icmp(&h->first))
		CHECK_PUT(out->what, ", ping");
	CHECK_PUT(out->what, ".");
}

/* How many findings that were. */
static size_t tell(struct check *c, const struct hits *hits, const struct hit *h)
{
	/* Without --port it is not known what is checked: only what hits all is sure to hurt. */
	bool all = c->facts->settings->n_ports || h->n_certain >= hits->kinds[h->reply];
	bool icmp_asked = c->facts->settings->protocols & (HCT_PROTO_ICMP | HCT_PROTO_UDP);
	bool fail = h->n_certain && all && (!hit_is_icmp(&h->first) || icmp_asked);
	struct finding out = check_finding(c, fail ? CHECK_FAIL : CHECK_WARN);
	struct host_rule rule;

	hit_rule(c->facts, h, &rule);
	if (!h->reply && is_reverse_path_rule(&rule))
		return check_reverse_path(c, h, &rule);
	put_what(h, &out);
	hit_put_why(c->facts, h, &out);
	hit_put_show(h, &out);
	hit_put_fix(c->facts, h, &out);
	check_say(c, &out);
	return 1;
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
		size_t told = 0;

		if (c->facts->rules_err[prefix_is_ipv6(from)])
			continue;
		memset(&hits, 0, sizeof(hits));
		walk_network(c, from, &ports, &hits, &redirected);
		for (size_t j = 0; j < hits.n; j++)
			told += tell(c, &hits, &hits.hit[j]);
		if (hits.truncated)
			tell_truncated(c, from);
		check_resolution(c, from);
		CHECK_PUT(ok.what, "No firewall rule that was read drops checks from %s.",
			  format_prefix(range, from));
		CHECK_SHOW(&ok, prefix_is_ipv6(from) ? "nft -a list ruleset; ip6tables-legacy-save" :
						       "nft -a list ruleset; iptables-legacy-save");
		if (!told)
			check_say(c, &ok);
	}
	if (redirected.n)
		tell_redirected(c, &redirected);
}
