// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables, chains and rules as iptables-save prints them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"
#include "iptables_save.h"

/* Behind these, a chain's name stands as it is: iptables-save quotes none, whatever is in it. */
static bool takes_chain(const char *option, size_t len)
{
	return len == 2 && option[0] == '-' && strchr("Ajg", option[1]);
}

/* Cuts LINE into words; quotes hold words together, a backslash escapes. */
static size_t split(char *line, char *word[SAVE_MAX_WORDS])
{
	size_t n = 0;

	while (n < SAVE_MAX_WORDS) {
		char *out;
		bool quoted = false;

		line += strspn(line, " \t");
		if (!*line)
			break;
		word[n++] = out = line;
		if (*line == '"' && n > 1 && !takes_chain(word[n - 2], strlen(word[n - 2]))) {
			quoted = true;
			line++;
		}
		for (; *line && (quoted || !strchr(" \t", *line)); line++) {
			if (*line == '"' && quoted)
				quoted = false;
			else if (*line == '\\' && quoted && line[1])
				*out++ = *++line;
			else
				*out++ = *line;
		}
		if (*line)
			line++;
		*out = '\0';
	}
	return n;
}

/* The packets in "[packets:bytes]", which LINE may start with; moves it behind that. */
static bool take_counter(char **line, uint64_t *packets)
{
	char *end;

	if (**line != '[' || !isdigit((unsigned char)(*line)[1]))
		return false;
	*packets = strtoull(*line + 1, NULL, 10);
	end = strchr(*line, ']');
	if (!end)
		return false;
	*line = end + 1 + strspn(end + 1, " ");
	return true;
}

static void set_like(const struct save_parser *p, struct fw_chain *like)
{
	like->backend = p->backend;
	snprintf(like->family, sizeof(like->family), "%s", p->family);
	snprintf(like->table, sizeof(like->table), "%s", p->table);
}

/* "[1:60] -A INPUT -s 10.0.0.1/32 -j DROP", LINE from the "-A" on. */
static int take_rule(struct save_parser *p, char *line, bool counted, uint64_t packets)
{
	struct fw_chain like = { 0 }, *chain;
	const char *text;
	int err = 0;

	text = line + strcspn(line, " ");
	text += strspn(text, " ");
	text += strcspn(text, " "); /* the chain */
	text = fw_text_keep(p->rules, text + strspn(text, " "));
	if (!text)
		return -ENOMEM;
	p->n = split(line, p->word);
	set_like(p, &like);
	chain = p->n > 1 ? fw_chain_find(p->rules, &like, p->word[1]) : NULL;
	if (!chain)
		return 0;
	p->rule = fw_rule_add(p->rules, chain, false);
	if (!p->rule)
		return -ENOMEM;
	p->rule->text = text;
	p->rule->packets = packets;
	p->rule->has_packets = counted;
	for (p->at = 2; p->at < p->n && !err;) {
		size_t took = 1;

		p->negate = !strcmp(p->word[p->at], "!");
		p->at += p->negate;
		if (p->at < p->n)
			err = save_take_option(p, chain, &took);
		p->at += took;
	}
	return err;
}

/* ":INPUT ACCEPT [0:0]" */
static int take_chain(struct save_parser *p, char *line)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };
	struct fw_chain *chain, like = { 0 };
	bool base;

	p->n = split(line + 1, p->word);
	if (p->n < 2)
		return 0;
	set_like(p, &like);
	chain = fw_chain_add(p->rules, p->backend, like.family, like.table, p->word[0]);
	if (!chain)
		return -ENOMEM;
	base = strcmp(p->word[1], "-");
	for (size_t i = 0; base && i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!strcmp(p->word[0], hooks[i]))
			chain->hook = hooks[i];
	if (chain->hook)
		chain->priority = iptables_priority(chain->table, chain->hook);
	chain->drops = !strcmp(p->word[1], "DROP");
	if (base && p->n > 2)
		chain->has_policy_packets = take_counter(&p->word[2], &chain->policy_packets);
	return 0;
}

/* The line at *TEXT, terminated; *TEXT moves behind it.  Quotes can hold more than one line. */
static char *next_line(char **text)
{
	char *line = *text, *word = line, *c;
	bool quoted = false, chain = false;

	if (!*line)
		return NULL;
	for (c = line; *c && (quoted || *c != '\n'); c++) {
		if (quoted && *c == '\\' && c[1]) {
			c++;
		} else if (quoted) {
			quoted = *c != '"';
		} else if (*c == ' ') {
			chain = takes_chain(word, (size_t)(c - word));
			word = c + 1;
		} else {
			quoted = *c == '"' && c == word && c > line && !chain;
		}
	}
	*text = *c ? c + 1 : c;
	*c = '\0';
	return line;
}

static int parse(struct save_parser *p, char *text)
{
	char *line;
	int err = 0;

	while (!err && (line = next_line(&text))) {
		uint64_t packets = 0;
		bool counted = take_counter(&line, &packets);

		if (*line == '*')
			snprintf(p->table, sizeof(p->table), "%s", line + 1);
		else if (*line == ':')
			err = take_chain(p, line);
		else if (!strncmp(line, "-A ", 3))
			err = take_rule(p, line, counted, packets);
	}
	return err;
}

int fw_parse_save(struct fw_rules *rules, const char *backend, bool ipv6, char *text)
{
	struct save_parser p = { .rules = rules, .backend = backend, .ipv6 = ipv6,
				 .family = ipv6 ? "ip6" : "ip" };

	return parse(&p, text);
}

int fw_parse_ebtables(struct fw_rules *rules, const char *backend, char *text)
{
	struct save_parser p = { .rules = rules, .backend = backend,
				 .family = strcmp(backend, "arptables-nft") ? "bridge" : "arp" };

	return parse(&p, text);
}
