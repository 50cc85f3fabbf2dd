// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions of the kernel and its modules that are watched for a while only. */
#include "attach_functions.h"

#include <bpf/libbpf.h>
#include <errno.h>

void functions_detach(struct programs *p, struct bpf_link *links[MAX_PROGRAM_ROWS], enum how how)
{
	for (size_t i = 0; i < n_program_rows; i++) {
		if (program_rows[i].how != how)
			continue;
		bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
}

static bool any_attached(struct bpf_link *const links[MAX_PROGRAM_ROWS])
{
	for (size_t i = 0; i < n_program_rows; i++)
		if (program_rows[i].module && links[i])
			return true;
	return false;
}

int functions_attach(struct programs *p, struct bpf_link *links[MAX_PROGRAM_ROWS], enum how how)
{
	bool any = false;
	int err;

	if (!any_attached(links))
		programs_look_again(p);
	err = programs_load_late(p, how);
	for (size_t i = 0; !err && i < n_program_rows; i++) {
		struct bpf_program *program = program_rows[i].how == how ? programs_get(p, i) : NULL;

		if (!program || bpf_program__fd(program) < 0)
			continue;
		if (!links[i])
			links[i] = bpf_program__attach(program);
		any |= links[i] != NULL;
	}
	if (any)
		return 0;
	functions_detach(p, links, how);
	return err ? err : -ENOTSUP;
}
