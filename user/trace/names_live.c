// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of the running kernel. */
#include "names_live.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/names.h"

#define REASON_PREFIX "SKB_DROP_REASON_"
#define MAX_REASONS 512
#define MAX_SYMBOLS (1U << 20)
#define MAX_POOL (32U << 20)
#define MAX_DEVICES 64
#define LOOKED_UP_BITS 10
#define LOOKED_UP (1U << LOOKED_UP_BITS)

/* Kernel text symbols, compact: there are some 60,000 to 100,000. */
struct symbol {
	uint64_t address;
	uint32_t name; /* offset in the pool */
};

struct names_live {
	const char *reasons[MAX_REASONS];
	bool symbols_read;
	struct symbol *symbols;
	size_t n_symbols;
	char *pool;
	size_t pool_len;
	/* the same few call chains come again and again: a search for each frame would be dear */
	struct {
		uint64_t address;
		const char *name;
	} looked_up[LOOKED_UP];
	struct {
		uint32_t ifindex;
		const char *name;
	} devices[MAX_DEVICES];
	size_t n_devices;
};

static void read_reasons(struct names_live *n, const struct btf *btf)
{
	const struct btf_type *type;
	const struct btf_enum *value;
	int id;

	id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);
	if (id >= 0) {
		type = btf__type_by_id(btf, (unsigned)id);
		value = btf_enum(type);
		for (int i = 0; i < btf_vlen(type); i++, value++) {
			const char *name = btf__name_by_offset(btf, value->name_off);

			if (strncmp(name, REASON_PREFIX, strlen(REASON_PREFIX)) == 0)
				name += strlen(REASON_PREFIX);
			if (value->val >= 0 && value->val < MAX_REASONS)
				n->reasons[value->val] = names_intern(name);
		}
	}
}

struct names_live *names_live_open(const struct btf *btf)
{
	struct names_live *n = calloc(1, sizeof(*n));

	if (n)
		read_reasons(n, btf);
	return n;
}

void names_live_close(struct names_live *n)
{
	if (!n)
		return;
	free(n->symbols);
	free(n->pool);
	free(n);
}

/*
 * Takes address space for the largest kernel at once: pages that are not
 * touched cost nothing, while growing step by step would copy, and touch more
 * than is kept.
 */
static bool reserve(struct names_live *n)
{
	n->symbols = malloc(MAX_SYMBOLS * sizeof(*n->symbols));
	n->pool = malloc(MAX_POOL);
	return n->symbols && n->pool;
}

static bool add_symbol(struct names_live *n, uint64_t address, const char *name, size_t len)
{
	if (n->n_symbols == MAX_SYMBOLS || n->pool_len + len + 1 > MAX_POOL)
		return false;
	n->symbols[n->n_symbols].address = address;
	n->symbols[n->n_symbols++].name = (uint32_t)n->pool_len;
	memcpy(n->pool + n->pool_len, name, len);
	n->pool[n->pool_len + len] = '\0';
	n->pool_len += len + 1;
	return true;
}

/* Gives back what was reserved and not used. */
static void shrink(struct names_live *n)
{
	void *symbols = realloc(n->symbols, (n->n_symbols + 1) * sizeof(*n->symbols));
	void *pool = realloc(n->pool, n->pool_len + 1);

	if (symbols)
		n->symbols = symbols;
	if (pool)
		n->pool = pool;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct symbol *)a)->address, y = ((const struct symbol *)b)->address;

	return x < y ? -1 : x > y;
}

/* Lines read "ffffffff81000000 T name[\t[module]]"; all zeros when kptr_restrict hides them. */
static void read_symbols(struct names_live *n)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[640];
	bool sorted = true;

	n->symbols_read = true;
	if (!file)
		return;
	if (!reserve(n)) {
		fclose(file);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);

		if (!address || end[0] != ' ' || !strchr("tTwW", end[1]) || end[2] != ' ')
			continue;
		/* the padding ahead of a function (6.2): half of all symbols, and nobody calls from there */
		if (strncmp(end + 3, "__pfx_", 6) == 0)
			continue;
		if (n->n_symbols && n->symbols[n->n_symbols - 1].address > address)
			sorted = false;
		if (!add_symbol(n, address, end + 3, strcspn(end + 3, "\t\n")))
			break;
	}
	fclose(file);
	shrink(n);
	if (!sorted)
		qsort(n->symbols, n->n_symbols, sizeof(struct symbol), by_address);
}

void names_live_warm(struct names_live *n)
{
	if (!n->symbols_read)
		read_symbols(n);
}

const char *names_live_reason(struct names_live *n, uint32_t reason)
{
	char number[32];

	if (reason < MAX_REASONS && n->reasons[reason])
		return n->reasons[reason];
	snprintf(number, sizeof(number), "%#x", reason); /* of a subsystem: mac80211, openvswitch … */
	return names_intern(number);
}

static const char *find_symbol(const struct names_live *n, uint64_t address)
{
	size_t low = 0, high = n->n_symbols;

	while (low < high) { /* the last symbol at or below the address */
		size_t middle = low + (high - low) / 2;

		if (n->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? names_intern(n->pool + n->symbols[low - 1].name) : NULL;
}

const char *names_live_symbol(struct names_live *n, uint64_t address)
{
	size_t slot = address * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LOOKED_UP_BITS);

	names_live_warm(n);
	if (n->looked_up[slot].address != address) {
		n->looked_up[slot].name = find_symbol(n, address);
		n->looked_up[slot].address = address;
	}
	return n->looked_up[slot].name;
}

const char *names_live_device(struct names_live *n, uint32_t ifindex)
{
	char name[IF_NAMESIZE];
	const char *interned;

	for (size_t i = 0; i < n->n_devices; i++)
		if (n->devices[i].ifindex == ifindex)
			return n->devices[i].name;
	if (!if_indextoname(ifindex, name))
		return NULL;
	interned = names_intern(name);
	if (n->n_devices == MAX_DEVICES)
		n->n_devices = 0;
	n->devices[n->n_devices].ifindex = ifindex;
	n->devices[n->n_devices++].name = interned;
	return interned;
}

void names_live_forget_devices(struct names_live *n)
{
	n->n_devices = 0;
}
