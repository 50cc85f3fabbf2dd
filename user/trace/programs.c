// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The BPF programs: choosing and loading them. */
#include "programs.h"

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/open_files.h"
#include "function_try.h"
#include "hctrace.skel.h"
#include "kernel_btf.h"

_Static_assert(MAX_PREFIXES == HCT_MAX_PREFIXES && MAX_PORTS == HCT_MAX_PORTS,
	       "options.h and the wire format allow the same number");

#define RESTART_NS 900000000ULL /* below the shortest interval of a health check, 1 s */
#define FILES_NEEDED (2 * n_program_rows + 64) /* each with its link; maps, types, devices, our own */
#define OWN_MAP ".rodata.watched" /* bpf/function_xdp.bpf.c */
#define PROG_TYPE_NETFILTER 32 /* 6.4; libbpf 1.1 does not know it */
#define ATTACH_TYPE_NETFILTER 45

static bool is_tc(enum how how)
{
	return how == BY_TC || how == BY_TC_L3;
}

/* Where the object for HOW's programs is kept. */
static struct hctrace_bpf **object_of(struct programs *p, enum how how)
{
	switch (how) {
	case BY_TC_L3:
		return &p->l3;
	case BY_LADDER:
		return &p->ladder;
	case BY_RULE_FUNCTION:
	case BY_TABLE_FUNCTION:
		return &p->modules;
	default:
		return &p->object;
	}
}

/* These share an object: looking for types in all modules is most of what it costs. */
static bool is_of_module(enum how how)
{
	return how == BY_RULE_FUNCTION || how == BY_TABLE_FUNCTION;
}

static bool is_late(enum how how)
{
	return how == BY_TC_L3 || how == BY_LADDER || how == BY_XDP_PROGRAM || is_of_module(how);
}

/* NULL when the settings ask for the row, else why it is left out. */
static const char *not_asked_for(const struct settings *s, const struct program_row *row)
{
	if (s->passive && (is_tc(row->how) || row->how == BY_XDP || row->how == BY_LADDER))
		return "left out by --passive";
	if (row->how == BY_XDP && !s->xdp)
		return "only with --xdp";
	if (!s->passive && (row->point == HCT_POINT_RECEIVE || row->point == HCT_POINT_TRANSMIT))
		return "not needed: tc sees arrival and departure";
	return NULL;
}

struct bpf_program *programs_get(const struct programs *p, size_t row)
{
	struct hctrace_bpf *object = *object_of((struct programs *)p, program_rows[row].how);

	return object ? bpf_object__find_program_by_name(object->obj, program_rows[row].program) :
			NULL;
}

void programs_choose(struct programs *p, const struct settings *settings, const struct btf *btf,
		     struct point_list *list)
{
	const char *no_functions;

	if (!kernel_btf_is_own()) {
		p->btf = settings->btf;
		/* libbpf 1.1 asks for the section's BTF whatever the program's type is set to */
		libbpf_register_prog_handler("tp_btf+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL);
	}
	/* 6.1, 34dd3bad1a6f: by bpf_mem_alloc a map can grow under a tracepoint */
	p->preallocate = btf__find_by_name_kind(btf, "bpf_mem_alloc", BTF_KIND_STRUCT) < 0;
	no_functions = function_try(btf);
	for (size_t i = 0; i < n_program_rows; i++) {
		const char *why = not_asked_for(settings, &program_rows[i]);

		if (!why && program_is_function(program_rows[i].how))
			why = no_functions;
		if (!why)
			why = program_lacks(btf, &program_rows[i]);
		p->wanted[i] = !why;
		if (why)
			point_list_say(list, program_rows[i].point, false, why);
	}
}

static void fill_config(struct hct_config *config, const struct settings *s, uint32_t netns)
{
	memset(config, 0, sizeof(*config));
	config->netns = netns;
	config->protocols = s->protocols;
	config->max_events = HCT_FLOW_MAX_EVENTS;
	config->follow_users = s->all_traffic;
	config->restart_ns = RESTART_NS;
	config->by_probes = !kernel_btf_is_own();
	config->n_ports = (uint32_t)s->n_ports;
	for (size_t i = 0; i < s->n_ports; i++)
		config->ports[i] = htons(s->ports[i]);
	if (s->probe_from) { /* its own probes and no others */
		config->n_prefixes = 1;
		memcpy(config->prefixes[0].addr, s->probe_from->alone.addr, 16);
		memset(config->prefixes[0].mask, 0xff, 16);
		return;
	}
	config->n_prefixes = (uint32_t)s->n_from;
	for (size_t i = 0; i < s->n_from; i++) {
		uint8_t *mask = (uint8_t *)config->prefixes[i].mask;

		memcpy(config->prefixes[i].addr, s->from[i].addr, 16);
		for (unsigned bit = 0; bit < s->from[i].len; bit++)
			mask[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	}
}

static void unload(struct programs *p, enum how how)
{
	struct hctrace_bpf **object = object_of(p, how);

	hctrace_bpf__destroy(*object);
	*object = NULL;
}

void programs_unload(struct programs *p)
{
	static const enum how objects[] = { BY_RULE_FUNCTION, BY_LADDER, BY_TC_L3, BY_TC };

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		unload(p, objects[i]);
}

void programs_replace_tc(struct programs *p)
{
	for (size_t i = 0; i < n_program_rows; i++) {
		if (is_tc(program_rows[i].how))
			p->wanted[i] = false;
		if (program_rows[i].point == HCT_POINT_RECEIVE ||
		    program_rows[i].point == HCT_POINT_TRANSMIT)
			p->wanted[i] = true;
	}
}

/* An object of the programs; without BTF of its own the kernel's types come from a file. */
static struct hctrace_bpf *open_object(const struct programs *p)
{
	struct bpf_object_open_opts opts = { .sz = sizeof(opts), .btf_custom_path = p->btf };

	return hctrace_bpf__open_opts(&opts);
}

/*
 * What loading needed for a moment: the kernel's types on the heap, and the pages of this program that
 * have the object's file, which come back when they are read again.
 */
static void give_back(void)
{
	size_t size, page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t file = (uintptr_t)hctrace_bpf__elf_bytes(&size);
	uintptr_t first = (file + page - 1) & ~(page - 1), end = (file + size) & ~(page - 1);

	malloc_trim(0);
	if (first < end)
		madvise((void *)first, end - first, MADV_DONTNEED);
}

/* Lets OBJECT load only the programs of WANTED. */
static void take_only(struct hctrace_bpf *object, const bool wanted[MAX_PROGRAM_ROWS])
{
	for (size_t i = 0; i < n_program_rows; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(object->obj, program_rows[i].program);

		bpf_program__set_autoload(program, wanted[i]);
		if (program_rows[i].how == BY_LADDER) {
			bpf_program__set_type(program, PROG_TYPE_NETFILTER);
			bpf_program__set_expected_attach_type(program, ATTACH_TYPE_NETFILTER);
		}
	}
}

static int try_load(struct programs *p, const bool wanted[MAX_PROGRAM_ROWS],
		    const struct hct_config *config, uint32_t buffer)
{
	int err = 0;

	p->object = open_object(p);
	if (!p->object)
		return -errno;
	memcpy((void *)&p->object->rodata->config, config, sizeof(*config));
	take_only(p->object, wanted);
	if (buffer)
		err = bpf_map__set_max_entries(p->object->maps.events, buffer);
	if (!err && p->preallocate)
		err = bpf_map__set_map_flags(p->object->maps.flows, 0);
	if (!err)
		err = bpf_object__load(p->object->obj);
	if (err)
		programs_unload(p);
	give_back();
	return err;
}

/* The maps of OBJECT, its read-only data included, are those of the first; but for what is its own. */
static int share_maps(const struct programs *p, struct hctrace_bpf *object)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object->obj) {
		struct bpf_map *first =
			bpf_object__find_map_by_name(p->object->obj, bpf_map__name(map));

		if (strcmp(bpf_map__name(map), OWN_MAP) == 0)
			continue;
		err = first ? bpf_map__reuse_fd(map, bpf_map__fd(first)) : -ENOENT;
		if (err)
			break;
	}
	return err;
}

static int load_shared(const struct programs *p, struct hctrace_bpf *object)
{
	int err = share_maps(p, object);

	return err ? err : bpf_object__load(object->obj);
}

bool programs_want(const struct programs *p, enum how how)
{
	for (size_t i = 0; i < n_program_rows; i++)
		if (p->wanted[i] && program_rows[i].how == how)
			return true;
	return false;
}

/* Which programs this kernel can take in the object for HOW, with the modules that it has now. */
static bool choose_late(struct programs *p, enum how how, bool wanted[MAX_PROGRAM_ROWS])
{
	struct btf *kernel = NULL;
	bool any = false;

	for (size_t i = 0; i < n_program_rows; i++) {
		wanted[i] = p->wanted[i] && (program_rows[i].how == how || (is_of_module(how) &&
						is_of_module(program_rows[i].how)));
		if (wanted[i] && program_rows[i].module) {
			if (!kernel)
				kernel = btf__load_vmlinux_btf();
			p->looked[i] = program_module_is_there(&program_rows[i]);
			wanted[i] = kernel && program_fits_now(kernel, &program_rows[i]);
		}
		any |= wanted[i];
	}
	btf__free(kernel);
	return any;
}

/* Was a module loaded since whose programs were left out? */
static bool is_outdated(const struct programs *p, enum how how)
{
	for (size_t i = 0; is_of_module(how) && i < n_program_rows; i++)
		if (p->wanted[i] && program_rows[i].module && !p->looked[i] &&
		    program_module_is_there(&program_rows[i]))
			return true;
	return false;
}

void programs_look_again(struct programs *p)
{
	if (is_outdated(p, BY_RULE_FUNCTION))
		unload(p, BY_RULE_FUNCTION);
}

static int load_late(struct programs *p, enum how how)
{
	struct hctrace_bpf **late = object_of(p, how);
	bool wanted[MAX_PROGRAM_ROWS];
	int err;

	if (!choose_late(p, how, wanted))
		return -ENOTSUP;
	*late = open_object(p);
	if (!*late)
		return -errno;
	take_only(*late, wanted);
	err = load_shared(p, *late);
	if (err) {
		hctrace_bpf__destroy(*late);
		*late = NULL;
	}
	give_back();
	return err;
}

int programs_load_late(struct programs *p, enum how how)
{
	int err;

	if (*object_of(p, how))
		return 0;
	if (!programs_want(p, how))
		return -ENOTSUP;
	err = load_late(p, how);
	if (!err || err == -ENOTSUP || !is_of_module(how))
		return err;
	/* a table's arguments have another order before 5.16: nftables goes without them */
	for (size_t i = 0; i < n_program_rows; i++)
		if (program_rows[i].how == BY_TABLE_FUNCTION)
			p->wanted[i] = false;
	return how == BY_TABLE_FUNCTION ? err : load_late(p, how);
}

int programs_load_xdp(const struct programs *p, int target, const char *function, uint32_t id,
		      const char *name, struct hctrace_bpf **out)
{
	bool wanted[MAX_PROGRAM_ROWS];
	struct hctrace_bpf *object;
	int err;

	for (size_t i = 0; i < n_program_rows; i++)
		wanted[i] = p->wanted[i] && program_rows[i].how == BY_XDP_PROGRAM;
	object = open_object(p);
	if (!object)
		return -errno;
	take_only(object, wanted);
	object->rodata_watched->watched.id = id;
	snprintf((char *)object->rodata_watched->watched.name, HCT_PROGRAM_NAME_LEN, "%s", name);
	err = bpf_program__set_attach_target(object->progs.hct_xdp_verdict, target, function);
	if (!err)
		err = load_shared(p, object);
	give_back();
	if (err) {
		hctrace_bpf__destroy(object);
		return err;
	}
	*out = object;
	return 0;
}

/*
 * Loads all but the late ones, or, when the kernel refuses, finds out one by one which programs
 * it takes and loads those.
 */
int programs_load(struct programs *p, const struct settings *settings, uint32_t netns,
		  struct point_list *list)
{
	bool now[MAX_PROGRAM_ROWS];
	struct hct_config config;
	size_t taken = 0;
	int err;

	/* libbpf takes "no more files" for what the kernel cannot do, and goes on without it */
	if (open_files_limit() && open_files_limit() < FILES_NEEDED)
		return -EMFILE;
	for (size_t i = 0; i < n_program_rows; i++)
		now[i] = p->wanted[i] && !is_late(program_rows[i].how);
	fill_config(&config, settings, netns);
	err = try_load(p, now, &config, settings->buffer);
	if (!err || err == -EPERM || err == -EMFILE || err == -ENFILE)
		return err;
	for (size_t i = 0; i < n_program_rows; i++) {
		bool alone[MAX_PROGRAM_ROWS] = { false };

		if (!now[i])
			continue;
		alone[i] = true;
		err = try_load(p, alone, &config, settings->buffer);
		if (err) {
			now[i] = false;
			p->wanted[i] = false;
			point_list_say(list, program_rows[i].point, false,
			    point_detail("the kernel refused the program: %s", strerror(-err)));
			continue;
		}
		taken++;
		programs_unload(p);
	}
	return taken ? try_load(p, now, &config, settings->buffer) : err;
}
