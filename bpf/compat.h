/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What differs between kernels inside a program.  What differs in what a program
 * is attached to (arguments, functions that are not there) is in the table of
 * programs, user/trace/program_table.c: such a difference has a program of its
 * own, and the loader chooses by BTF.
 */
#ifndef BPF_COMPAT_H
#define BPF_COMPAT_H

#include "state.h"

/*
 * enum skb_drop_reason has other values in each version, and before 5.17 there is
 * none: a reason is then 0.
 */
static __always_inline bool is_netfilter_drop(__u32 reason)
{
	return bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP) &&
	       reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP);
}

/*
 * A field of a program's own argument.  Where the kernel has BTF of its own the argument is typed
 * and read directly.  Where it has none (--btf FILE) the same programs run as raw tracepoints,
 * whose arguments are plain numbers: read by probes.  The verifier knows config and follows one.
 */
#define ARG_READ(ptr, field) (config.by_probes ? BPF_CORE_READ(ptr, field) : (ptr)->field)

#endif
