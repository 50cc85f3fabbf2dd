// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Watches what other people's XDP programs do: fexit on each of them. */
#include "attach_xdp_program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hctrace.skel.h"

#define MAX_PROGRAMS 16
#define MAX_DEVICES 64
#define OURS "hct_" /* of another hctrace: lets everything pass */

struct watched_program {
	uint32_t id;
	struct hctrace_bpf *object;
	struct bpf_link *link;
};

struct xdp_watch {
	const struct programs *programs;
	struct watched_program watched[MAX_PROGRAMS];
	size_t n;
	struct {
		unsigned ifindex;
		uint32_t id;
	} devices[MAX_DEVICES];
	size_t n_devices;
};

struct xdp_watch *xdp_watch_new(const struct programs *programs)
{
	struct xdp_watch *w = calloc(1, sizeof(*w));

	if (w)
		w->programs = programs;
	return w;
}

static void release(struct watched_program *p)
{
	bpf_link__destroy(p->link);
	hctrace_bpf__destroy(p->object);
}

void xdp_watch_free(struct xdp_watch *w)
{
	if (!w)
		return;
	while (w->n)
		release(&w->watched[--w->n]);
	free(w);
}

size_t xdp_watch_count(const struct xdp_watch *w)
{
	return w->n;
}

/* The program of a device; 0 none. */
static uint32_t program_of(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query((int)ifindex, 0, &opts))
		return 0;
	return opts.drv_prog_id ? opts.drv_prog_id : opts.skb_prog_id;
}

/* Its main function's whole name, as its own BTF has it; a program's name is cut. */
static int main_function(int fd, struct bpf_prog_info *info, char *out, size_t size)
{
	struct bpf_prog_info ask = { .nr_func_info = info->nr_func_info,
				     .func_info_rec_size = info->func_info_rec_size };
	uint32_t len = sizeof(ask);
	const struct bpf_func_info *first;
	const struct btf_type *type;
	struct btf *btf;
	void *functions;
	int err;

	if (!info->btf_id || !info->nr_func_info || info->func_info_rec_size < sizeof(*first))
		return -EOPNOTSUPP;
	functions = calloc(info->nr_func_info, info->func_info_rec_size);
	if (!functions)
		return -ENOMEM;
	ask.func_info = (uintptr_t)functions;
	err = bpf_obj_get_info_by_fd(fd, &ask, &len) ? -errno : 0;
	btf = err ? NULL : btf__load_from_kernel_by_id(info->btf_id);
	first = functions;
	type = btf ? btf__type_by_id(btf, first->type_id) : NULL;
	if (type)
		snprintf(out, size, "%s", btf__name_by_offset(btf, type->name_off));
	else if (!err)
		err = -EOPNOTSUPP;
	btf__free(btf);
	free(functions);
	return err;
}

static int watch_fd(struct xdp_watch *w, int fd, struct bpf_prog_info *info)
{
	struct watched_program *p = &w->watched[w->n];
	char function[256];
	int err;

	if (w->n == MAX_PROGRAMS)
		return -ENOSPC;
	err = main_function(fd, info, function, sizeof(function));
	if (!err)
		err = programs_load_xdp(w->programs, fd, function, info->id, info->name, &p->object);
	if (err)
		return err;
	p->link = bpf_program__attach(p->object->progs.hct_xdp_verdict);
	if (!p->link) {
		err = -errno;
		hctrace_bpf__destroy(p->object);
		return err;
	}
	p->id = info->id;
	w->n++;
	return 0;
}

static int watch_program(struct xdp_watch *w, uint32_t id, char words[XDP_WORDS_LEN])
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int err, fd;

	for (size_t i = 0; i < w->n; i++)
		if (w->watched[i].id == id)
			return 0;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* gone already */
	err = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
	if (!err && strncmp(info.name, OURS, strlen(OURS)) != 0)
		err = watch_fd(w, fd, &info);
	if (err)
		snprintf(words, XDP_WORDS_LEN, "cannot watch XDP program %.16s (id %u): %s",
			 info.name, id, err == -EOPNOTSUPP ? "it has no BTF" : strerror(-err));
	close(fd);
	return err;
}

static bool is_somewhere(const struct xdp_watch *w, uint32_t id)
{
	for (size_t i = 0; i < w->n_devices; i++)
		if (w->devices[i].id == id)
			return true;
	return false;
}

/* Remembers that IFINDEX has program ID, 0 none. */
static void note_device(struct xdp_watch *w, unsigned ifindex, uint32_t id)
{
	size_t i = 0;

	while (i < w->n_devices && w->devices[i].ifindex != ifindex)
		i++;
	if (i == MAX_DEVICES)
		return;
	if (i == w->n_devices)
		w->devices[w->n_devices++].ifindex = ifindex;
	w->devices[i].id = id;
	if (!id)
		w->devices[i] = w->devices[--w->n_devices];
}

int xdp_watch_device(struct xdp_watch *w, unsigned ifindex, char words[XDP_WORDS_LEN])
{
	uint32_t id = program_of(ifindex);

	note_device(w, ifindex, id);
	for (size_t i = w->n; i-- > 0;)
		if (!is_somewhere(w, w->watched[i].id)) {
			release(&w->watched[i]);
			w->watched[i] = w->watched[--w->n];
		}
	return id ? watch_program(w, id, words) : 0;
}
