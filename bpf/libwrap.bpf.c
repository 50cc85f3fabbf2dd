// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tcp_wrappers: what hosts_access() of libwrap.so decided, as uprobes.
 * hosts_ctl() calls it, too, so one function sees every decision.
 */
#include "compat.h"
#include "emit.h"

#define STRING_LENGTH 128 /* tcpd.h */

/* struct request_info and struct host_info of tcpd.h: an ABI that has not changed since 1995. */
struct host_info {
	char name[STRING_LENGTH];
	char addr[STRING_LENGTH];
	void *sin;
	void *unit;
	void *request;
};

struct request_info {
	int fd;
	char user[STRING_LENGTH];
	char daemon[STRING_LENGTH];
	char pid[10];
	struct host_info client[1];
};

/* The request of a thread that is inside hosts_access(). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} libwrap_requests SEC(".maps");

SEC("uprobe")
int BPF_KPROBE(hct_libwrap_enter, struct request_info *request)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 address = (__u64)request;
	struct task_struct *task = (void *)bpf_get_current_task();

	if (BPF_CORE_READ(task, nsproxy, net_ns, ns.inum) == config.netns)
		bpf_map_update_elem(&libwrap_requests, &thread, &address, BPF_ANY);
	return 0;
}

/* The TCP socket behind descriptor FD of the current process; NULL when it is none. */
static __always_inline struct sock *sock_of_fd(int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **fds = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	struct socket *socket;

	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	if (bpf_probe_read_kernel(&file, sizeof(file), fds + fd) || !file)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file) /* some other kind of file */
		return NULL;
	return BPF_CORE_READ(socket, sk);
}

/* As tuple_from_sock(), of a socket that was found by following pointers. */
static __always_inline bool tuple_from_found(const struct sock *sk, struct hct_tuple *t,
					     __u32 *netns)
{
	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
	case AF_INET:
		map_ipv4(t->lb, BPF_CORE_READ(sk, __sk_common.skc_daddr));
		map_ipv4(t->target, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		break;
	case AF_INET6:
		BPF_CORE_READ_INTO((struct in6_addr *)t->lb, sk, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO((struct in6_addr *)t->target, sk, __sk_common.skc_v6_rcv_saddr);
		break;
	default:
		return false;
	}
	*netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	t->lb_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	t->target_port = bpf_htons(BPF_CORE_READ(sk, __sk_common.skc_num));
	t->protocol = IPPROTO_TCP;
	return in_range((const __u32 *)t->lb);
}

SEC("uretprobe")
int BPF_KRETPROBE(hct_libwrap_leave, int granted)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *address = bpf_map_lookup_elem(&libwrap_requests, &thread);
	struct request_info *request;
	struct hct_flow stranger = {};
	struct hct_flow *flow = NULL;
	struct hct_tuple t = {};
	struct hct_event *e;
	struct sock *sk;
	int fd = -1;
	__u32 netns;

	if (!address)
		return 0;
	request = (void *)*address;
	bpf_map_delete_elem(&libwrap_requests, &thread);
	bpf_probe_read_user(&fd, sizeof(fd), &request->fd);
	sk = sock_of_fd(fd);
	if (sk) {
		if (!tuple_from_found(sk, &t, &netns))
			return 0; /* a client from elsewhere */
		flow = flow_in(&t, netns);
	}
	e = event_begin(flow ? flow : &stranger, &t, HCT_POINT_LIBWRAP, sizeof(*e));
	if (!e)
		return 0;
	if (!flow)
		e->flags |= HCT_F_NO_TUPLE;
	event_process(e);
	__builtin_memset(&e->libwrap, 0, sizeof(e->libwrap));
	e->libwrap.granted = granted != 0;
	e->libwrap.fd = fd;
	bpf_probe_read_user_str(e->libwrap.daemon, sizeof(e->libwrap.daemon), request->daemon);
	bpf_probe_read_user_str(e->libwrap.client, sizeof(e->libwrap.client),
				request->client[0].addr);
	event_submit(e);
	return 0;
}
