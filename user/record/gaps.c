// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a report says of its recording, as it is found out. */
#include "gaps.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_GAPS 64
#define MAX_STATES 64
#define MAX_STATE_BYTES (16 * 1024 * 1024) /* over all sections */
#define WHY_LEN 160
#define NAME_LEN 65

struct gaps {
	size_t n;
	struct recording_gap g[MAX_GAPS];
	char why[MAX_GAPS][WHY_LEN];
};

struct gaps *gaps_new(void)
{
	return calloc(1, sizeof(struct gaps));
}

void gaps_free(struct gaps *g)
{
	free(g);
}

void gaps_add(struct gaps *g, const struct recording_gap *gap)
{
	struct recording_gap *last = &g->g[MAX_GAPS - 1];

	if (g->n == MAX_GAPS) {
		last->to_ns = gap->to_ns;
		last->records += gap->records;
		last->bytes += gap->bytes;
		strcpy(g->why[MAX_GAPS - 1], "and further parts");
		return;
	}
	g->g[g->n] = *gap;
	strncpy(g->why[g->n], gap->why, WHY_LEN - 1);
	g->g[g->n].why = g->why[g->n];
	g->n++;
}

void gaps_info(const struct gaps *g, struct recording_info *info)
{
	info->gaps = g->g;
	info->n_gaps = g->n;
}

struct host_states {
	size_t n;
	size_t bytes;
	struct recording_state s[MAX_STATES];
	char names[MAX_STATES][NAME_LEN];
};

struct host_states *host_states_new(void)
{
	return calloc(1, sizeof(struct host_states));
}

void host_states_free(struct host_states *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		free((char *)s->s[i].text);
	free(s);
}

void host_states_info(const struct host_states *s, struct recording_info *info)
{
	info->states = s->s;
	info->n_states = s->n;
}

static struct recording_state *find(struct host_states *s, const uint8_t *name, size_t len,
				    bool at_end)
{
	struct recording_state *state;

	for (size_t i = 0; i < s->n; i++)
		if (s->s[i].at_end == at_end && strlen(s->names[i]) == len &&
		    memcmp(s->names[i], name, len) == 0)
			return &s->s[i];
	if (s->n == MAX_STATES)
		return NULL;
	state = &s->s[s->n];
	memcpy(s->names[s->n], name, len);
	state->name = s->names[s->n++];
	state->at_end = at_end;
	return state;
}

int host_states_take(struct host_states *s, struct cursor *in, bool more)
{
	uint8_t at_end = take_byte(in);
	uint64_t time_ns = take_varint(in);
	struct recording_state *state;
	const uint8_t *name, *text;
	size_t name_len, len;
	char *grown;

	name = take_string(in, &name_len);
	text = take_string(in, &len);
	if (in->bad || at_end > 1 || name_len >= NAME_LEN || memchr(name, '\0', name_len) ||
	    memchr(text, '\0', len) || time_ns > INT64_MAX)
		return -EBADMSG;
	state = find(s, name, name_len, at_end);
	if (!state)
		return -EBADMSG;
	if (!more) {
		s->bytes -= state->len;
		state->len = 0;
		state->time_ns = time_ns;
	}
	if (s->bytes + len > MAX_STATE_BYTES)
		return -EBADMSG;
	grown = realloc((char *)state->text, state->len + len + 1);
	if (!grown)
		return -EBADMSG;
	memcpy(grown + state->len, text, len);
	state->len += len;
	grown[state->len] = '\0';
	state->text = grown;
	s->bytes += len;
	return 0;
}
