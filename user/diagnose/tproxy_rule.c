// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A firewall rule that hands packets to a transparent proxy: which, and to whom. */
#include "tproxy_rule.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "nf_packet.h"
#include "rules.h"

/* ---- its text ---- */

/* What follows WORDS in TEXT; NULL: they are not in it. */
static const char *behind(const char *text, const char *words)
{
	const char *found = text ? strstr(text, words) : NULL;

	return found ? found + strlen(words) : NULL;
}

/* A number at TEXT that ends with the word, or with a slash or a colon; *END: behind it. */
static bool take_number(const char *text, uint32_t *out, const char **end)
{
	unsigned long long n;
	char *stop;

	if (!text || *text < '0' || *text > '9')
		return false;
	n = strtoull(text, &stop, 0);
	if (n > UINT32_MAX || (*stop && !strchr(" /", *stop)))
		return false;
	*out = (uint32_t)n;
	*end = stop;
	return true;
}

static void take_address(const char *text, size_t len, struct tproxy *out)
{
	char word[INET6_ADDRSTRLEN];
	uint8_t addr[16] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t any[16], any_v4[16] = { [10] = 0xff, [11] = 0xff };

	if (!len || len >= sizeof(word))
		return;
	memcpy(word, text, len);
	word[len] = '\0';
	if (inet_pton(AF_INET, word, addr + 12) != 1 && inet_pton(AF_INET6, word, addr) != 1)
		return;
	if (memcmp(addr, any, 16) == 0 || memcmp(addr, any_v4, 16) == 0)
		return;
	out->has_address = true;
	memcpy(out->address, addr, 16);
}

/* "--on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1" */
static void read_iptables(const char *text, struct tproxy *out)
{
	const char *at = behind(text, "--on-ip "), *end;
	uint32_t port;

	if (at)
		take_address(at, strcspn(at, " "), out);
	if (take_number(behind(text, "--on-port "), &port, &end) && port <= UINT16_MAX)
		out->port = (uint16_t)port;
	if (!take_number(behind(text, "--tproxy-mark "), &out->mark, &end))
		return;
	out->mask = UINT32_MAX;
	if (*end == '/' && !take_number(end + 1, &out->mask, &end))
		return;
	out->has_mark = out->mark != 0;
}

/* "tproxy to :3129 meta mark set 0x00000001", "tproxy ip6 to [::1]:3129" */
static void read_nft(const char *text, struct tproxy *out)
{
	const char *at = behind(text, "tproxy "), *end;
	size_t len;
	uint32_t port;

	at = behind(at, "to ");
	if (!at)
		return;
	len = strcspn(at, " ");
	end = memchr(at, ']', len);
	if (at[0] == '[' && end) {
		take_address(at + 1, (size_t)(end - at - 1), out);
		end++;
	} else {
		end = memchr(at, ':', len);
		if (end && memchr(end + 1, ':', len - (size_t)(end + 1 - at)))
			end = NULL; /* an IPv6 address without a port */
		take_address(at, end ? (size_t)(end - at) : len, out);
	}
	if (end && *end == ':' && take_number(end + 1, &port, &end) && port <= UINT16_MAX)
		out->port = (uint16_t)port;
	at = behind(text, "meta mark set ");
	out->mask = UINT32_MAX;
	out->has_mark = take_number(at, &out->mark, &end) && out->mark &&
			(!*end || *end == ' ') && strncmp(end, " or ", 4) != 0 &&
			strncmp(end, " and ", 5) != 0;
}

void tproxy_read_text(const char *text, uint16_t target_port, struct tproxy *out)
{
	out->port = 0;
	out->has_mark = out->has_address = false;
	out->mark = 0;
	if (strstr(text, "TPROXY"))
		read_iptables(text, out);
	else
		read_nft(text, out);
	/* without a port the packet's own is meant */
	if (!out->port && (out->has_address || strstr(text, "--on-port 0")))
		out->port = target_port;
}

/* ---- the rule ---- */

void tproxy_of_culprit(const struct facts *f, const struct culprit *rule, struct tproxy *out)
{
	memset(out, 0, sizeof(*out));
	out->culprit = *rule;
	out->alone = true;
	tproxy_read_text(rule->rule.text, f->port, out);
}

bool tproxy_find(const struct facts *f, struct tproxy *out)
{
	struct host_packet packet;
	struct host_rules rules;
	struct culprit c;
	size_t n = 0, best = 0;

	nf_packet_arriving(f->p, &packet);
	if (ask_rules(f->given.host, &packet, &rules))
		return false;
	for (size_t i = 0; i < rules.n && i < HOST_MAX_RULES; i++) {
		if (rules.r[i].kind != RULE_TPROXY)
			continue;
		if (!n || (rules.r[i].surely && !rules.r[best].surely))
			best = i;
		n++;
	}
	if (!n)
		return false;
	memset(&c, 0, sizeof(c));
	c.named = true;
	c.outer = true;
	c.place.hook = "PREROUTING";
	c.rule = rules.r[best];
	c.confidence = n == 1 && !rules.truncated ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY;
	tproxy_of_culprit(f, &c, out);
	out->alone = n == 1 && !rules.truncated;
	return true;
}

/* ---- who is to have it ---- */

static bool is_any(const struct host_listener *l, bool v6)
{
	static const uint8_t any[16], any_v4[16] = { [10] = 0xff, [11] = 0xff };

	if (memcmp(l->addr, any_v4, 16) == 0)
		return !v6;
	return memcmp(l->addr, any, 16) == 0 && (v6 || !l->v6only);
}

static bool is_loopback(const struct host_listener *l)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff }, v6[16] = { [15] = 1 };

	return (memcmp(l->addr, v4, 12) == 0 && l->addr[12] == 127) || memcmp(l->addr, v6, 16) == 0;
}

/* Of a rule without an address the kernel takes the arriving device's first one, or the target's. */
static bool suits(const struct facts *f, const struct tproxy *t, const struct host_listener *l)
{
	if (is_any(l, f->v6))
		return true;
	if (t->has_address)
		return memcmp(l->addr, t->address, 16) == 0;
	return !is_loopback(l);
}

enum tproxy_listener tproxy_listener(const struct facts *f, const struct tproxy *t,
				     struct host_listener *who)
{
	enum tproxy_listener result = TPROXY_NOBODY;
	struct host_listeners all;

	memset(who, 0, sizeof(*who));
	if (!t->port || ask_listeners(f->given.host, f->p->tuple.protocol, t->port, &all))
		return TPROXY_UNKNOWN;
	for (size_t i = 0; i < all.n && i < HOST_MAX_LISTENERS; i++) {
		const struct host_listener *l = &all.l[i];

		if (l->port != t->port || l->other_netns)
			continue;
		*who = *l;
		if (suits(f, t, l))
			return TPROXY_SOMEBODY;
		result = TPROXY_ELSEWHERE;
	}
	return result;
}
