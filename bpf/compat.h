/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every difference between kernels that the BPF side has to know, with the
 * version that made it.  What differs in a tracepoint's arguments has a program
 * of its own (suffix _v517 and the like); the loader picks by BTF.
 */
#ifndef BPF_COMPAT_H
#define BPF_COMPAT_H

#include "state.h"

/*
 * kfree_skb: (skb, location) up to 5.16; 5.17 (c504e5c2f964) added the reason;
 * 6.11 (c53795d48ee8) added rx_sk, which is not used.  Stable kernels may have
 * the reason without the version, so the argument count decides.
 *
 * tcp_send_reset: (sk, skb); 6.10 (19822a980e19) added a reason behind them.  From
 * then on it also fires for resets of live connections, with skb NULL.
 *
 * icmp_send: the tracepoint is new in 6.11 (db3efdcf70c7).  Before, the ICMP
 * error is seen when it leaves (tc egress), and the drop tells the rest.
 *
 * fib6_table_lookup: res, table and flp in this order since 5.2.
 */

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
