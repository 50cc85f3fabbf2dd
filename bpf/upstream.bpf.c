// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Connections that processes of this host open themselves and that fail, while
 * checks come in: a proxy that accepts a check and cannot reach what is behind it.
 *
 * Who tells whose connection it was is user space, by the process.  Others pay for
 * two compares at each change of a socket's state, and for a stamp of at most
 * MAX_STAMPS connections a second on each CPU while checks come in.
 */
#include "compat.h"
#include "sock.h"

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2 };

#define CHECKS_NS 30000000000ULL /* so long after a check was connected, attempts are stamped */
#define RENEW_NS 100000000ULL /* the time of the last check is written no more often: it is shared */
#define MAX_STAMPS 1000
#define SECOND_NS 1000000000ULL

/* When a check was connected last. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} upstream_checks SEC(".maps");

struct attempt {
	__u64 start_ns;
	__u32 pid;
	__u32 parent;
	char comm[HCT_COMM_LEN];
};

/* Connections in SYN_SENT, by the address of their socket. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct attempt);
} upstream_attempts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tokens);
} upstream_tokens SEC(".maps");

static __always_inline bool may_stamp(__u64 now)
{
	__u32 zero = 0;
	__u64 *check = bpf_map_lookup_elem(&upstream_checks, &zero);
	struct tokens *t = bpf_map_lookup_elem(&upstream_tokens, &zero);

	if (!check || !t || !*check || now - *check > CHECKS_NS)
		return false;
	if (now - t->since_ns > SECOND_NS) {
		t->since_ns = now;
		t->used = 0;
	}
	return t->used++ < MAX_STAMPS;
}

/*
 * Of the watched namespace, or of a child of one of its processes, which rootlessport has
 * in the container's.
 */
static __always_inline bool is_ours(const struct sock *sk, struct task_struct *task)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == config.netns ||
	       BPF_CORE_READ(task, real_parent, nsproxy, net_ns, ns.inum) == config.netns;
}

/* In connect(): later the socket's process is not the one that runs. */
static __always_inline void begin(const struct sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct attempt a = { .start_ns = bpf_ktime_get_ns() };
	__u64 key = (__u64)sk;

	if (!is_ours(sk, task) || !may_stamp(a.start_ns))
		return;
	a.pid = bpf_get_current_pid_tgid() >> 32;
	a.parent = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(a.comm, sizeof(a.comm));
	bpf_map_update_elem(&upstream_attempts, &key, &a, BPF_ANY);
}

static __always_inline void tell(const struct sock *sk, const struct attempt *a)
{
	struct hct_flow stranger = {};
	struct hct_tuple none = {};
	struct hct_event *e = event_begin(&stranger, &none, HCT_POINT_UPSTREAM, HCT_EVENT_SHORT);

	if (!e)
		return;
	e->flags = HCT_F_NO_TUPLE | HCT_F_PROCESS;
	e->pid = a->pid;
	__builtin_memcpy(e->comm, a->comm, sizeof(e->comm));
	__builtin_memset(&e->listener, 0, sizeof(struct hct_route));
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		map_ipv4(e->upstream.addr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	else
		BPF_CORE_READ_INTO((struct in6_addr *)e->upstream.addr, sk, __sk_common.skc_v6_daddr);
	e->upstream.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	e->upstream.err = BPF_CORE_READ(sk, sk_err);
	e->upstream.parent = a->parent;
	e->upstream.took_us = (e->time_ns - a->start_ns) / 1000;
	event_submit(e);
}

static __always_inline void note_check(const struct sock *sk)
{
	struct hct_tuple t;
	__u32 netns, zero = 0;
	__u64 now, *check;

	if (!flow_of_sock(sk, &t, &netns))
		return;
	now = bpf_ktime_get_ns();
	check = bpf_map_lookup_elem(&upstream_checks, &zero);
	if (check && now - *check > RENEW_NS)
		*check = now;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(hct_upstream, const struct sock *sk, const int old, const int new)
{
	__u64 key = (__u64)sk;
	struct attempt *a;

	if (new == TCP_SYN_SENT) {
		begin(sk);
	} else if (old == TCP_SYN_SENT) {
		a = bpf_map_lookup_elem(&upstream_attempts, &key);
		if (!a)
			return 0;
		if (new != TCP_ESTABLISHED)
			tell(sk, a);
		bpf_map_delete_elem(&upstream_attempts, &key);
	} else if (new == TCP_ESTABLISHED) {
		note_check(sk);
	}
	return 0;
}
