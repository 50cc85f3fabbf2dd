// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Legacy iptables' rules from the kernel's tables, for where iptables-legacy-save is not installed. */
#include "firewall_blob.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#define TABLE_MAX (32 * 1024 * 1024)
#define TRIES 3

static const char *const hook_names[XT_HOOKS] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
						  "POSTROUTING" };

/* What the headers of both families' rules say. */
struct head {
	uint8_t source[16], source_mask[16], destination[16], destination_mask[16];
	char in[IFNAMSIZ], out[IFNAMSIZ];
	uint8_t in_mask[IFNAMSIZ], out_mask[IFNAMSIZ];
	uint16_t proto;
	bool fragment, go, has_proto;
	bool not_source, not_destination, not_in, not_out, not_proto, not_fragment;
	uint64_t packets, bytes;
};

struct chain {
	size_t start, end; /* of its rules, without the policy or the last return */
	char name[XT_FUNCTION_MAXNAMELEN + 1];
	const char *policy; /* NULL: made by the user */
	size_t policy_at;
};

struct reader {
	const struct xt_table_copy *table;
	struct chain *chain; /* as they lie in the table */
	size_t n, room;
	FILE *out;
};

static void read_head4(const char *from, struct head *h)
{
	struct ipt_entry e;

	memcpy(&e, from, sizeof(e));
	memcpy(h->source, &e.ip.src, 4);
	memcpy(h->source_mask, &e.ip.smsk, 4);
	memcpy(h->destination, &e.ip.dst, 4);
	memcpy(h->destination_mask, &e.ip.dmsk, 4);
	memcpy(h->in, e.ip.iniface, IFNAMSIZ);
	memcpy(h->out, e.ip.outiface, IFNAMSIZ);
	memcpy(h->in_mask, e.ip.iniface_mask, IFNAMSIZ);
	memcpy(h->out_mask, e.ip.outiface_mask, IFNAMSIZ);
	h->proto = e.ip.proto;
	h->has_proto = e.ip.proto;
	h->fragment = e.ip.flags & IPT_F_FRAG;
	h->go = e.ip.flags & IPT_F_GOTO;
	h->not_source = e.ip.invflags & IPT_INV_SRCIP;
	h->not_destination = e.ip.invflags & IPT_INV_DSTIP;
	h->not_in = e.ip.invflags & IPT_INV_VIA_IN;
	h->not_out = e.ip.invflags & IPT_INV_VIA_OUT;
	h->not_proto = e.ip.invflags & IPT_INV_PROTO;
	h->not_fragment = e.ip.invflags & IPT_INV_FRAG;
	h->packets = e.counters.pcnt;
	h->bytes = e.counters.bcnt;
}

static void read_head6(const char *from, struct head *h)
{
	struct ip6t_entry e;

	memcpy(&e, from, sizeof(e));
	memcpy(h->source, &e.ipv6.src, 16);
	memcpy(h->source_mask, &e.ipv6.smsk, 16);
	memcpy(h->destination, &e.ipv6.dst, 16);
	memcpy(h->destination_mask, &e.ipv6.dmsk, 16);
	memcpy(h->in, e.ipv6.iniface, IFNAMSIZ);
	memcpy(h->out, e.ipv6.outiface, IFNAMSIZ);
	memcpy(h->in_mask, e.ipv6.iniface_mask, IFNAMSIZ);
	memcpy(h->out_mask, e.ipv6.outiface_mask, IFNAMSIZ);
	h->proto = e.ipv6.proto;
	h->has_proto = e.ipv6.flags & IP6T_F_PROTO;
	h->go = e.ipv6.flags & IP6T_F_GOTO;
	h->not_source = e.ipv6.invflags & IP6T_INV_SRCIP;
	h->not_destination = e.ipv6.invflags & IP6T_INV_DSTIP;
	h->not_in = e.ipv6.invflags & IP6T_INV_VIA_IN;
	h->not_out = e.ipv6.invflags & IP6T_INV_VIA_OUT;
	h->not_proto = e.ipv6.invflags & IP6T_INV_PROTO;
	h->packets = e.counters.pcnt;
	h->bytes = e.counters.bcnt;
}

static void read_head(const struct xt_table_copy *table, size_t at, struct head *h)
{
	memset(h, 0, sizeof(*h));
	if (table->ipv6)
		read_head6(table->blob + at, h);
	else
		read_head4(table->blob + at, h);
}

/* ---- chains ---- */

static struct chain *add_chain(struct reader *r, size_t start, const char *name)
{
	struct chain *chain;

	if (r->n == r->room) {
		size_t room = r->room * 2 + 16;

		chain = realloc(r->chain, room * sizeof(*chain));
		if (!chain)
			return NULL;
		r->chain = chain;
		r->room = room;
	}
	chain = &r->chain[r->n++];
	*chain = (struct chain){ .start = start, .end = start };
	for (size_t i = 0; name[i] && i < sizeof(chain->name) - 1; i++)
		chain->name[i] = (unsigned char)name[i] <= ' ' || strchr("\"'\\", name[i])
					 ? '?' : name[i];
	return chain;
}

/* The hook whose rules begin at AT; -1: none's. */
static int hook_at(const struct xt_table_copy *table, size_t at)
{
	for (int hook = 0; hook < XT_HOOKS; hook++)
		if (table->valid_hooks & 1U << hook && table->hook_entry[hook] == at)
			return hook;
	return -1;
}

static const char *policy_of(const struct xt_table_copy *table, size_t at)
{
	struct xt_part target;
	struct xt_rule rule;
	int verdict = 0;

	if (xt_table_rule(table, at, &rule) && xt_table_target(table, &rule, &target))
		xt_standard_verdict(&target, &verdict);
	return verdict == -NF_DROP - 1 ? "DROP" : "ACCEPT";
}

/*
 * Where chains begin: at the hooks' entries, and behind a rule with target ERROR,
 * which holds a chain's name (struct xt_error_target); so does the table's end.
 */
static int find_chains(struct reader *r, bool *whole)
{
	struct chain *chain = NULL;
	struct xt_rule rule;
	struct xt_part target;
	size_t at, last = 0; /* rule before this one */

	for (at = 0; xt_table_rule(r->table, at, &rule); last = at, at = rule.next) {
		int hook = hook_at(r->table, at);
		bool head = xt_table_target(r->table, &rule, &target) &&
			    !strcmp(target.name, "ERROR");
		char name[XT_FUNCTION_MAXNAMELEN + 1] = "";

		if (hook < 0 && !head)
			continue;
		if (chain && !chain->policy)
			chain->end = last; /* it ends in a return that the user did not write */
		if (head) {
			memcpy(name, target.data,
			       target.len < sizeof(name) - 1 ? target.len : sizeof(name) - 1);
			chain = add_chain(r, rule.next, name);
		} else {
			chain = add_chain(r, at, hook_names[hook]);
		}
		if (!chain)
			return -ENOMEM;
		if (!head) {
			chain->policy = policy_of(r->table, r->table->underflow[hook]);
			chain->policy_at = chain->end = r->table->underflow[hook];
		}
	}
	*whole = at == r->table->size;
	/* The last one is the end of the table. */
	if (r->n && !r->chain[r->n - 1].policy)
		r->n--;
	else
		*whole = false;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct chain *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* ---- rules ---- */

void xt_put_address(FILE *out, const void *address, bool ipv6)
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(ipv6 ? AF_INET6 : AF_INET, address, text, sizeof(text)), out);
}

void xt_put_option(FILE *out, bool negate, const char *name)
{
	fprintf(out, " %s%s", negate ? "! " : "", name);
}

/* As xtables_save_string() of iptables 1.8.9 does. */
void xt_put_word(FILE *out, const char *text, size_t len)
{
	static const char plain[] = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool quote = false;

	len = strnlen(text, len);
	for (size_t i = 0; i < len; i++)
		quote |= !strchr(plain, text[i]);
	fputs(quote || !len ? " \"" : " ", out);
	for (size_t i = 0; i < len; i++) {
		if (strchr("\"\\'", text[i]))
			fputc('\\', out);
		fputc(text[i], out);
	}
	if (quote || !len)
		fputc('"', out);
}

static void put_network(const struct reader *r, bool negate, const char *option,
			const uint8_t *address, const uint8_t *mask)
{
	size_t len = r->table->ipv6 ? 16 : 4, ones = 0;
	bool prefix = true;

	for (size_t bit = 0; bit < len * 8; bit++)
		if (mask[bit / 8] & 0x80 >> bit % 8) {
			prefix &= ones == bit;
			ones++;
		}
	for (size_t i = 0; i < len && !ones; i++)
		if (address[i])
			ones = SIZE_MAX; /* 1.2.3.4/0, which iptables-save prints, too */
	if (!ones && !negate)
		return;
	xt_put_option(r->out, negate, option);
	fputc(' ', r->out);
	xt_put_address(r->out, address, r->table->ipv6);
	fputc('/', r->out);
	if (prefix)
		fprintf(r->out, "%zu", ones == SIZE_MAX ? 0 : ones);
	else
		xt_put_address(r->out, mask, r->table->ipv6);
}

static void put_device(const struct reader *r, bool negate, const char *option, const char *name,
		       const uint8_t *mask)
{
	char text[IFNAMSIZ + 1] = "";
	size_t len = strnlen(name, IFNAMSIZ - 1);

	if (!mask[0])
		return;
	for (size_t i = 0; i < len; i++)
		text[i] = (unsigned char)name[i] <= ' ' || name[i] == '"' ? '?' : name[i];
	if (len && name[len - 1] != '+' && !mask[len]) /* its end is not compared */
		strcat(text, "+");
	xt_put_option(r->out, negate, option);
	fprintf(r->out, " %s", text);
}

static void put_protocol(const struct reader *r, const struct head *h)
{
	const struct protoent *known;

	if (!h->has_proto)
		return;
	xt_put_option(r->out, h->not_proto, "-p");
	if (h->proto == IPPROTO_TCP || h->proto == IPPROTO_UDP)
		fputs(h->proto == IPPROTO_TCP ? " tcp" : " udp", r->out);
	else if (h->proto == IPPROTO_ICMP)
		fputs(" icmp", r->out);
	else if (h->proto == IPPROTO_ICMPV6)
		fputs(" ipv6-icmp", r->out);
	else if ((known = getprotobynumber(h->proto)))
		fprintf(r->out, " %.32s", known->p_name);
	else
		fprintf(r->out, " %u", h->proto);
}

static void put_verdict(const struct reader *r, const struct xt_rule *rule, const struct head *h,
			int verdict)
{
	struct chain key = { .start = (size_t)verdict }, *to;

	if (verdict < 0) {
		fprintf(r->out, " -j %s",
			verdict == -NF_ACCEPT - 1 ? "ACCEPT" : verdict == -NF_DROP - 1 ? "DROP"
			: verdict == -NF_QUEUE - 1 ? "QUEUE" : verdict == XT_RETURN ? "RETURN"
			: "…");
		return;
	}
	if ((size_t)verdict == rule->next) /* a rule without a target */
		return;
	to = bsearch(&key, r->chain, r->n, sizeof(key), by_start);
	fprintf(r->out, " %s %s", h->go ? "-g" : "-j", to ? to->name : "…");
}

static void put_rule(const struct reader *r, const struct chain *chain, const struct xt_rule *rule)
{
	size_t at = rule->matches;
	struct xt_part part;
	struct head h;
	int verdict;

	read_head(r->table, rule->at, &h);
	fprintf(r->out, "[%llu:%llu] -A %s", (unsigned long long)h.packets,
		(unsigned long long)h.bytes, chain->name);
	put_network(r, h.not_source, "-s", h.source, h.source_mask);
	put_network(r, h.not_destination, "-d", h.destination, h.destination_mask);
	put_device(r, h.not_in, "-i", h.in, h.in_mask);
	put_device(r, h.not_out, "-o", h.out, h.out_mask);
	put_protocol(r, &h);
	if (h.fragment)
		xt_put_option(r->out, h.not_fragment, "-f");
	while (xt_table_match(r->table, rule, &at, &part))
		xt_put_match(r->out, &part, r->table->ipv6);
	if (at != rule->target)
		fputs(" -m …", r->out);
	if (!xt_table_target(r->table, rule, &part))
		fputs(" -j …", r->out);
	else if (xt_standard_verdict(&part, &verdict))
		put_verdict(r, rule, &h, verdict);
	else
		xt_put_target(r->out, &part, r->table->ipv6);
	fputc('\n', r->out);
}

static void put_table(const struct reader *r, const char *name)
{
	struct xt_rule rule;
	struct head h;

	fprintf(r->out, "*%s\n", name);
	for (size_t i = 0; i < r->n; i++) {
		const struct chain *c = &r->chain[i];
		bool found = c->policy && xt_table_rule(r->table, c->policy_at, &rule);

		memset(&h, 0, sizeof(h));
		if (found)
			read_head(r->table, c->policy_at, &h);
		fprintf(r->out, ":%s %s [%llu:%llu]\n", c->name, c->policy ? c->policy : "-",
			(unsigned long long)h.packets, (unsigned long long)h.bytes);
	}
	for (size_t i = 0; i < r->n; i++)
		for (size_t at = r->chain[i].start;
		     at < r->chain[i].end && xt_table_rule(r->table, at, &rule); at = rule.next)
			put_rule(r, &r->chain[i], &rule);
}

char *fw_blob_text(const struct xt_table_copy *table, const char *name, bool *whole)
{
	struct reader r = { .table = table };
	char *text = NULL;
	size_t size;
	int err = find_chains(&r, whole);

	r.out = err ? NULL : open_memstream(&text, &size);
	if (r.out) {
		put_table(&r, name);
		if (fclose(r.out)) {
			free(text);
			text = NULL;
		}
	}
	free(r.chain);
	return text;
}

static int read_table(int fd, bool ipv6, const char *name, struct fw_rules *rules, bool *whole)
{
	struct xt_table_copy table;
	int err, tries = TRIES;
	bool good = true;
	char *text;

	do {
		err = xt_table_read(fd, ipv6, name, TABLE_MAX, &table);
		if (err)
			xt_table_free(&table);
	} while (err == -EAGAIN && --tries);
	if (err)
		return err;
	text = fw_blob_text(&table, name, &good);
	xt_table_free(&table);
	*whole &= good;
	err = text ? fw_parse_save(rules, "iptables-legacy", ipv6, text) : -ENOMEM;
	free(text);
	return err;
}

int fw_read_legacy(bool ipv6, struct fw_rules *rules, bool *whole)
{
	FILE *names = fopen(ipv6 ? "/proc/thread-self/net/ip6_tables_names"
				 : "/proc/thread-self/net/ip_tables_names", "re");
	char name[XT_TABLE_MAXNAMELEN];
	int fd, err = 0;

	*whole = true;
	if (!names)
		return errno == ENOENT ? 0 : -errno;
	fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		err = -errno;
	while (!err && fscanf(names, "%31s", name) == 1)
		err = read_table(fd, ipv6, name, rules, whole);
	if (fd >= 0)
		close(fd);
	fclose(names);
	return err;
}
