// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * check_fields VMLINUX.H OBJECT BTF…: does every type and field that
 * vmlinux.h declares exist in each kernel's BTF?
 *
 * The compiler takes any field name for a CO-RE type; only the kernel notices,
 * at load.  This notices on the build host, for kernels that are not running.
 * Exit status 1 when something is missing.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELOCATED "relocated ----" /* the heading in vmlinux.h behind which types are the kernel's */
#define MAX_TYPES 128

/* Types that not every kernel has, with the point that goes missing there. */
static const struct {
	const char *type;
	const char *since;
} newer[] = {
	{ "bpf_nf_ctx", "6.4: without it no netfilter ladder" },
};

/* Types of modules, which a kernel's own BTF has where they are built in. */
static const char *const of_modules[] = { "nft_", "xt_table" };

/* Fields that only older kernels have: read by a program that others do not load. */
static const struct {
	const char *type, *field;
} older[] = {
	{ "nft_traceinfo", "pkt" }, /* up to 6.3 */
	{ "nft_traceinfo", "rule" },
	{ "nft_traceinfo", "verdict" },
};

struct types {
	char names[MAX_TYPES][64];
	size_t n;
};

static bool read_declared(const char *path, struct types *t)
{
	FILE *file = fopen(path, "re");
	char line[256], name[64];
	bool relocated = false;

	if (!file) {
		perror(path);
		return false;
	}
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, RELOCATED))
			relocated = true;
		if (relocated && sscanf(line, "struct %63[a-z0-9_] {", name) == 1 &&
		    strchr(line, '{') && t->n < MAX_TYPES)
			strcpy(t->names[t->n++], name);
	}
	fclose(file);
	return t->n > 0;
}

/* Does TYPE (a struct or union) have member NAME, directly or in an anonymous part? */
static bool has_member(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *m = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, m++) {
		const char *has = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner;

		if (has[0]) {
			if (strcmp(has, name) == 0)
				return true;
			continue;
		}
		inner = btf__type_by_id(btf, m->type);
		while (inner && (btf_is_mod(inner) || btf_is_typedef(inner)))
			inner = btf__type_by_id(btf, inner->type);
		if (inner && btf_is_composite(inner) && has_member(btf, inner, name))
			return true;
	}
	return false;
}

static bool is_older(const char *type, const char *field)
{
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++)
		if (strcmp(older[i].type, type) == 0 && strcmp(older[i].field, field) == 0)
			return true;
	return false;
}

static bool is_of_module(const char *type)
{
	for (size_t i = 0; i < sizeof(of_modules) / sizeof(of_modules[0]); i++)
		if (strncmp(type, of_modules[i], strlen(of_modules[i])) == 0)
			return true;
	return false;
}

static unsigned check_type(const struct btf *ours, const struct btf_type *declared,
			   const struct btf *kernel, const struct btf_type *real, const char *name)
{
	const struct btf_member *m = btf_members(declared);
	unsigned missing = 0;

	for (int i = 0; i < btf_vlen(declared); i++, m++) {
		const char *field = btf__name_by_offset(ours, m->name_off);

		if (field[0] && !has_member(kernel, real, field) && !is_older(name, field)) {
			printf("  struct %s has no field %s\n", name, field);
			missing++;
		}
	}
	return missing;
}

static const char *comes_with(const char *type)
{
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++)
		if (strcmp(newer[i].type, type) == 0)
			return newer[i].since;
	return NULL;
}

static unsigned check_kernel(const struct types *types, const struct btf *ours, const char *path)
{
	struct btf *kernel = btf__parse(path, NULL);
	unsigned missing = 0, checked = 0;

	if (!kernel) {
		printf("%s: cannot be read as BTF\n", path);
		return 1;
	}
	printf("%s\n", path);
	for (size_t i = 0; i < types->n; i++) {
		const char *name = types->names[i];
		int declared = btf__find_by_name_kind(ours, name, BTF_KIND_STRUCT);
		int real = btf__find_by_name_kind(kernel, name, BTF_KIND_STRUCT);

		if (declared < 0) /* not used by any program */
			continue;
		checked++;
		if (real >= 0) {
			missing += check_type(ours, btf__type_by_id(ours, (unsigned)declared), kernel,
					      btf__type_by_id(kernel, (unsigned)real), name);
		} else if (is_of_module(name)) {
			printf("  struct %s is of a module here\n", name);
		} else if (comes_with(name)) {
			printf("  struct %s is new in %s\n", name, comes_with(name));
		} else {
			printf("  there is no struct %s\n", name);
			missing++;
		}
	}
	printf("  %u types checked, %u names missing\n", checked, missing);
	btf__free(kernel);
	return missing;
}

int main(int argc, char **argv)
{
	struct types types = { .n = 0 };
	unsigned missing = 0;
	struct btf *ours;

	if (argc < 4) {
		fprintf(stderr, "usage: check_fields VMLINUX.H OBJECT BTF…\n");
		return 2;
	}
	if (!read_declared(argv[1], &types))
		return 2;
	ours = btf__parse(argv[2], NULL);
	if (!ours) {
		fprintf(stderr, "%s: no BTF\n", argv[2]);
		return 2;
	}
	for (int i = 3; i < argc; i++)
		missing += check_kernel(&types, ours, argv[i]);
	btf__free(ours);
	return missing ? 1 : 0;
}
