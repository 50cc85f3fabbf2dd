// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whether functions of the kernel can be watched, by trying. */
#include "function_try.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "kernel_btf.h"
#include "point_list.h"

#define FUNCTION "inet_csk_accept" /* seldom called, in every kernel, and wanted anyway */

static int try_attach(int id)
{
	/* return 0 */
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_load_opts opts = { .sz = sizeof(opts),
					   .expected_attach_type = BPF_TRACE_FEXIT,
					   .attach_btf_id = (unsigned)id };
	int link, err, program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "hct_try", "Dual BSD/GPL",
					       insns, sizeof(insns) / sizeof(insns[0]), &opts);

	if (program < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, program);
	err = link < 0 ? -errno : 0;
	if (link >= 0)
		close(link);
	close(program);
	return err;
}

const char *function_try(const struct btf *btf)
{
	int id, err;

	if (!kernel_btf_is_own())
		return "function probes need BTF of the kernel's own";
	id = btf__find_by_name_kind(btf, FUNCTION, BTF_KIND_FUNC);
	if (id < 0)
		return "this kernel has no function " FUNCTION;
	err = try_attach(id);
	return err ? point_detail("this kernel refuses function probes: %s", strerror(-err)) : NULL;
}
