// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The bottle's tc programs. */
#include "bottle_tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bottle.skel.h"
#include "trace/attach_tc.h"

struct bottle_tc {
	struct bottle_bpf *object;
	struct tc *tc;
};

int bottle_tc_open(struct bottle_tc **out, const struct hct_bottle_config *config, bool clsact)
{
	struct bottle_tc *t = calloc(1, sizeof(*t));
	struct tc_programs own;
	int err = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->tc = tc_new(TC_BOTTLE, clsact);
	if (!t->tc)
		goto fail;
	t->object = bottle_bpf__open();
	if (!t->object) {
		err = -errno;
		goto fail;
	}
	memcpy((void *)&t->object->rodata->bottle, config, sizeof(*config));
	err = bottle_bpf__load(t->object);
	if (err)
		goto fail;
	own = (struct tc_programs){ .ingress = t->object->progs.hct_bottle_out };
	err = tc_attach(t->tc, &own, config->bottle_ifindex);
	if (err)
		goto fail;
	*out = t;
	return 0;
fail:
	bottle_tc_close(t);
	return err;
}

void bottle_tc_close(struct bottle_tc *t)
{
	if (!t)
		return;
	tc_free(t->tc);
	bottle_bpf__destroy(t->object);
	free(t);
}

int bottle_tc_device_up(struct bottle_tc *t, unsigned ifindex, bool keep)
{
	struct tc_programs programs = { .egress = keep ? t->object->progs.hct_bottle_back_keep :
						  t->object->progs.hct_bottle_back };
	int err;

	if (!tc_has_link_layer(ifindex))
		programs.egress = t->object->progs.hct_bottle_back_l3;
	err = tc_attach(t->tc, &programs, ifindex);
	return err == -EALREADY ? 0 : err;
}

void bottle_tc_device_gone(struct bottle_tc *t, unsigned ifindex)
{
	tc_forget(t->tc, ifindex);
}

int bottle_tc_add(struct bottle_tc *t, const struct hct_bottle_flow *flow)
{
	uint32_t kept = 0;

	return bpf_map_update_elem(bpf_map__fd(t->object->maps.bottle_flows), flow, &kept, BPF_ANY) ?
	       -errno : 0;
}

void bottle_tc_remove(struct bottle_tc *t, const struct hct_bottle_flow *flow)
{
	bpf_map_delete_elem(bpf_map__fd(t->object->maps.bottle_flows), flow);
}

uint32_t bottle_tc_kept(const struct bottle_tc *t, const struct hct_bottle_flow *flow)
{
	uint32_t n = 0;

	return bpf_map_lookup_elem(bpf_map__fd(t->object->maps.bottle_flows), flow, &n) ? 0 : n;
}

uint64_t bottle_tc_count(const struct bottle_tc *t, enum hct_bottle_count what)
{
	uint32_t key = what;
	uint64_t n = 0;

	return bpf_map_lookup_elem(bpf_map__fd(t->object->maps.bottle_counts), &key, &n) ? 0 : n;
}
