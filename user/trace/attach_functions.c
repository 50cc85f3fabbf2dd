// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions of the kernel and its modules that are watched for a while only. */
#include "attach_functions.h"

#include <bpf/libbpf.h>
#include <errno.h>

void functions_detach(struct programs *p, struct bpf_link *links[N_PROGRAMS], enum how how)
{
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		if (program_rows[i].how != how)
			continue;
		bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
}

static bool any_attached(struct bpf_link *const links[N_PROGRAMS])
{
	for (size_t i = 0; i < N_PROGRAMS; i++)
		if (program_rows[i].module && links[i])
			return true;
	return false;
}

int functions_attach(struct programs *p, struct bpf_link *links[N_PROGRAMS], enum how how)
{
	bool any = false;
	int err;

	if (!any_attached(links))
		programs_look_again(p);
	err = programs_load_late(p, how);
	for (size_t i = 0; !err && i < N_PROGRAMS; i++) {
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
