// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Fills in the texts of nftables' rules: by the tools where they are installed, else by us. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "host/run_tool.h"

int fw_texts_add(struct fw_texts *texts, uint64_t handle, const char *text)
{
	struct fw_text *more;
	const char *kept = fw_text_keep(texts->rules, text);

	if (!kept)
		return -ENOMEM;
	if (texts->n == texts->room) {
		size_t room = texts->room * 2 + 64;

		more = realloc(texts->text, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		texts->text = more;
		texts->room = room;
	}
	texts->text[texts->n++] = (struct fw_text){ handle, kept };
	return 0;
}

void fw_texts_free(struct fw_texts *texts)
{
	free(texts->text);
	texts->text = NULL;
	texts->n = texts->room = 0;
}

static int by_handle(const void *a, const void *b)
{
	const struct fw_text *x = a, *y = b;

	return (x->handle > y->handle) - (x->handle < y->handle);
}

static bool is_same_table(const struct fw_chain *a, const struct fw_chain *b)
{
	return !strcmp(a->table, b->table) && !strcmp(a->family, b->family) &&
	       !strcmp(a->backend, b->backend);
}

static bool lacks_text(const struct fw_chain *chain)
{
	const struct fw_rule *rule = chain->rules;

	while (rule && rule->text)
		rule = rule->next;
	return rule;
}

/* Gives the rules of LIKE's table that have no text yet those of TEXTS. */
static void give(struct fw_rules *rules, const struct fw_chain *like, struct fw_texts *texts)
{
	if (texts->n)
		qsort(texts->text, texts->n, sizeof(*texts->text), by_handle);
	for (struct fw_chain *c = rules->chains; c; c = c->next)
		for (struct fw_rule *r = is_same_table(c, like) ? c->rules : NULL; r; r = r->next) {
			struct fw_text key = { .handle = r->handle }, *found;

			found = r->text || !texts->n ? NULL
				: bsearch(&key, texts->text, texts->n, sizeof(key), by_handle);
			if (found)
				r->text = found->text;
		}
}

/* nft takes its arguments for a script: only a plain name is a name there. */
static bool is_plain(const char *name)
{
	if (!isalpha((unsigned char)*name))
		return false;
	while (isalnum((unsigned char)*name) || (*name && strchr("_.-/", *name)))
		name++;
	return !*name;
}

/* 0 also when the tool has no answer; or -ENOMEM. */
static int ask_nft(struct fw_rules *rules, const struct fw_chain *like)
{
	struct fw_texts texts = { .rules = rules };
	char *listing;
	int err;

	if (!is_plain(like->table))
		return 0;
	/* -s: without the counters' values, so that a rule's text stays what it was. */
	err = run_tool((const char *const[]){ "nft", "-a", "-s", "list", "table", like->family,
					      like->table, NULL }, &listing);
	if (err)
		return err == -ENOMEM ? err : 0;
	err = fw_parse_listing(&texts, listing);
	free(listing);
	if (!err)
		give(rules, like, &texts);
	fw_texts_free(&texts);
	return err;
}

static int render(struct fw_rules *rules, const struct fw_chain *like)
{
	struct fw_texts texts = { .rules = rules };
	int err = fw_render_table(&texts, like->family, like->table);

	if (!err)
		give(rules, like, &texts);
	fw_texts_free(&texts);
	return err;
}

/* ---- ebtables and arptables ---- */

/* Rules of SAVED stand in the same order as those of RULES. */
static void give_in_order(struct fw_rules *rules, const struct fw_rules *saved,
			  const char *backend)
{
	for (struct fw_chain *c = rules->chains; c; c = c->next) {
		const struct fw_chain *same =
			strcmp(c->backend, backend) ? NULL : fw_chain_find(saved, c, c->name);
		const struct fw_rule *from = same ? same->rules : NULL;

		if (!same || same->n_rules != c->n_rules)
			continue;
		for (struct fw_rule *r = c->rules; r && from; r = r->next, from = from->next)
			r->text = fw_text_keep(rules, from->text);
	}
}

/* BACKEND: "ebtables-nft" or "arptables-nft", which have a tool "…-save" alike. */
static int ask_save(struct fw_rules *rules, const char *backend)
{
	struct fw_rules saved = { 0 };
	char *text, tool[32];
	int err;

	snprintf(tool, sizeof(tool), "%s-save", backend);
	err = run_tool((const char *const[]){ tool, NULL }, &text);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = fw_parse_ebtables(&saved, backend, text);
	free(text);
	if (!err)
		give_in_order(rules, &saved, backend);
	fw_rules_free(&saved);
	return err;
}

int fw_text_complete(struct fw_rules *rules)
{
	bool ebtables = false, arptables = false;
	int err = 0;

	for (struct fw_chain *c = rules->chains; c && !err; c = c->next) {
		if (!lacks_text(c))
			continue;
		if (!strcmp(c->backend, "ebtables-nft") && !ebtables) {
			ebtables = true;
			err = ask_save(rules, c->backend);
		}
		if (!strcmp(c->backend, "arptables-nft") && !arptables) {
			arptables = true;
			err = ask_save(rules, c->backend);
		}
		if (!err && lacks_text(c))
			err = ask_nft(rules, c);
		if (!err && lacks_text(c))
			err = render(rules, c);
		/* Gone since it was read. */
		for (struct fw_rule *r = c->rules; r && !err; r = r->next)
			if (!r->text)
				r->text = "…";
	}
	return err;
}
