// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who listens, and who owns a connection.
 *
 * sock_diag tells a socket's addresses, its queue and its inode number; the
 * process is the one that has that inode open.
 */
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "devices.h"
#include "netlink.h"
#include "netns.h"

#define MAX_OTHER_NETNS 64
#define MAX_HINTS 4 /* of the sockets that listen on a port */

/* States as sock_diag numbers them, include/net/tcp_states.h; unconnected UDP is in CLOSE. */
enum { STATE_ESTABLISHED = 1, STATE_SYN_SENT = 2, STATE_CLOSE = 7, STATE_LISTEN = 10 };

struct found {
	size_t n;
	bool truncated;
	struct host_listener l[HOST_MAX_LISTENERS];
	uint32_t inode[HOST_MAX_LISTENERS];
};

struct scan {
	uint8_t protocol;
	uint16_t port;
	uint32_t netns;
	struct found here; /* on the port */
	struct found elsewhere; /* on other ports, reachable from outside */
};

static void to_v6(uint8_t out[16], uint8_t family, const __be32 addr[4])
{
	memset(out, 0, 16);
	if (family == AF_INET6) {
		memcpy(out, addr, 16);
	} else if (addr[0]) { /* any address is all zero */
		out[10] = out[11] = 0xff;
		memcpy(out + 12, addr, 4);
	}
}

static bool is_loopback(const uint8_t addr[16])
{
	return addr_is_loopback(addr);
}

/* What sockets that differ only in the process (SO_REUSEPORT) have in common. */
static bool is_same_place(const struct host_listener *a, const struct host_listener *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, 16) && !strcmp(a->device, b->device);
}

/* KEEP_ONE: of several in the same place the first counts. */
static void add(struct found *found, const struct host_listener *l, uint32_t inode, bool keep_one)
{
	for (size_t i = 0; keep_one && i < found->n; i++)
		if (is_same_place(&found->l[i], l))
			return;
	if (found->n == HOST_MAX_LISTENERS) {
		found->truncated = true;
		return;
	}
	found->l[found->n] = *l;
	found->inode[found->n++] = inode;
}

static bool v6only(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct inet_diag_msg))
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
		    mnl_attr_get_payload_len(attr) >= 1)
			return mnl_attr_get_u8(attr);
	return false;
}

/* A device that is gone by now still keeps the socket from all others. */
static void name_device(uint32_t ifindex, char name[IFNAMSIZ])
{
	if (ifindex && device_name(ifindex, name))
		snprintf(name, IFNAMSIZ, "if%u", ifindex);
}

static int take_listener(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(nlh);
	struct scan *scan = data;
	struct host_listener l = {
		.port = ntohs(diag->id.idiag_sport),
		.netns = scan->netns,
	};

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*diag) || diag->id.idiag_dport)
		return MNL_CB_OK;
	to_v6(l.addr, diag->idiag_family, diag->id.idiag_src);
	l.v6only = diag->idiag_family == AF_INET6 && v6only(nlh);
	l.v4only = diag->idiag_family == AF_INET && !diag->id.idiag_src[0];
	name_device(diag->id.idiag_if, l.device);
	if (scan->protocol == IPPROTO_TCP) { /* tcp_diag_get_info() (6.1) */
		l.backlog = diag->idiag_rqueue;
		l.backlog_max = diag->idiag_wqueue;
	}
	if (l.port == scan->port)
		add(&scan->here, &l, diag->idiag_inode, false);
	else if (l.port && !is_loopback(l.addr))
		add(&scan->elsewhere, &l, diag->idiag_inode, true);
	return MNL_CB_OK;
}

static int dump(uint8_t family, uint8_t protocol, uint32_t states, mnl_cb_t cb, void *data)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;
	int err;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = protocol;
	req->idiag_states = states;
	err = netlink_ask(NETLINK_SOCK_DIAG, nlh, true, cb, data, NULL);
	/* sock_diag's way to say that it has no module for the protocol. */
	return err == -ENOENT ? -EOPNOTSUPP : err;
}

static int dump_listeners(void *ctx)
{
	struct scan *scan = ctx;
	uint32_t states = 1U << (scan->protocol == IPPROTO_TCP ? STATE_LISTEN : STATE_CLOSE);
	int err;

	err = dump(AF_INET, scan->protocol, states, take_listener, scan);
	if (!err)
		err = dump(AF_INET6, scan->protocol, states, take_listener, scan);
	return err;
}

static int by_port(const void *a, const void *b)
{
	const struct host_listener *x = a, *y = b;

	return x->port - y->port;
}

/* What SCAN found, with the processes: those on the port first. */
static void tell(struct process_sockets *sockets, struct scan *scan, struct host_listeners *out)
{
	uint32_t pids[HOST_MAX_LISTENERS];
	size_t on_port = scan->here.n;

	for (size_t i = 0; i < scan->elsewhere.n; i++)
		add(&scan->here, &scan->elsewhere.l[i], scan->elsewhere.inode[i], false);
	process_sockets_find(sockets, scan->here.inode, pids, scan->here.n);

	out->n = scan->here.n;
	out->truncated = scan->here.truncated || scan->elsewhere.truncated;
	for (size_t i = 0; i < out->n; i++) {
		out->l[i] = scan->here.l[i];
		out->l[i].pid = pids[i];
		if (pids[i])
			process_comm(pids[i], out->l[i].comm);
	}
	qsort(out->l + on_port, out->n - on_port, sizeof(out->l[0]), by_port);
}

int listeners_find(struct process_sockets *sockets, uint8_t protocol, uint16_t port,
		   struct host_listeners *out)
{
	struct scan scan = { .protocol = protocol, .port = port, .netns = netns_self() };
	int err;

	memset(out, 0, sizeof(*out));
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return -EPROTONOSUPPORT;
	err = dump_listeners(&scan);
	if (err)
		return err;
	tell(sockets, &scan, out);
	return 0;
}

int listeners_find_in(struct process_sockets *sockets, uint32_t netns, uint8_t protocol,
		      uint16_t port, struct host_listeners *out)
{
	struct scan scan = { .protocol = protocol, .port = port, .netns = netns };
	struct netns_ref refs[MAX_OTHER_NETNS];
	size_t n, i = 0;
	int err;

	memset(out, 0, sizeof(*out));
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return -EPROTONOSUPPORT;
	n = netns_others(refs, MAX_OTHER_NETNS);
	while (i < n && refs[i].netns != netns)
		i++;
	if (i == n)
		return -ENOENT;
	err = netns_visit(&refs[i], dump_listeners, &scan);
	if (!err)
		tell(sockets, &scan, out);
	return err;
}

/* The connection asked for, and what was found. */
struct wanted {
	struct inet_diag_sockid id; /* from the host's point of view: source is the target */
	uint8_t family;
	uint32_t inode;
	int rank; /* UDP: how closely the socket found fits */
};

static int take_connection(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(nlh);
	struct wanted *wanted = data;

	/* Where there is no connection, __inet_lookup() (6.1) falls back to the listener. */
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*diag) && diag->idiag_state != STATE_LISTEN)
		wanted->inode = diag->idiag_inode;
	return MNL_CB_OK;
}

static int find_connection(struct wanted *wanted)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = wanted->family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = ~0U;
	req->id = wanted->id;
	req->id.idiag_cookie[0] = req->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return netlink_ask(NETLINK_SOCK_DIAG, nlh, false, take_connection, wanted, NULL);
}

/* The closest fit takes the datagram: connected, then bound to the address, then to any. */
static int take_datagram_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(nlh);
	struct wanted *wanted = data;
	uint8_t local[16], remote[16], target[16], lb[16];
	bool any, v6 = diag->idiag_family == AF_INET6;
	int rank = 1;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*diag) ||
	    diag->id.idiag_sport != wanted->id.idiag_sport)
		return MNL_CB_OK;
	to_v6(local, diag->idiag_family, diag->id.idiag_src);
	to_v6(remote, diag->idiag_family, diag->id.idiag_dst);
	to_v6(target, wanted->family, wanted->id.idiag_src);
	to_v6(lb, wanted->family, wanted->id.idiag_dst);
	any = IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)local);
	if (!any && memcmp(local, target, 16))
		return MNL_CB_OK;
	if (any && v6 != (wanted->family == AF_INET6) && (!v6 || v6only(nlh)))
		return MNL_CB_OK;
	if (diag->id.idiag_dport) {
		if (diag->id.idiag_dport != wanted->id.idiag_dport || memcmp(remote, lb, 16))
			return MNL_CB_OK;
		rank += 4;
	}
	if (!any)
		rank += 2;
	if (v6 == (wanted->family == AF_INET6))
		rank++;
	if (rank > wanted->rank) {
		wanted->rank = rank;
		wanted->inode = diag->idiag_inode;
	}
	return MNL_CB_OK;
}

static int find_datagram_socket(struct wanted *wanted)
{
	uint32_t states = 1U << STATE_CLOSE | 1U << STATE_ESTABLISHED;
	int err = 0;

	if (wanted->family == AF_INET)
		err = dump(AF_INET, IPPROTO_UDP, states, take_datagram_socket, wanted);
	if (!err)
		err = dump(AF_INET6, IPPROTO_UDP, states, take_datagram_socket, wanted);
	return err;
}

/*
 * Who listens on the port most likely accepted, too (or its children did): to
 * know the listener's process makes the search short.
 */
static uint32_t process_of(struct process_sockets *sockets, const struct wanted *wanted,
			   const struct hct_tuple *tuple)
{
	struct scan scan = { .protocol = tuple->protocol, .port = ntohs(tuple->target_port) };
	uint32_t inodes[1 + MAX_HINTS] = { wanted->inode }, pids[1 + MAX_HINTS];
	size_t n = 1;

	if (tuple->protocol == IPPROTO_TCP && dump_listeners(&scan) == 0)
		for (size_t i = 0; i < scan.here.n && i < MAX_HINTS; i++)
			inodes[n++] = scan.here.inode[i];
	process_sockets_find(sockets, inodes, pids, n);
	return pids[0];
}

int listeners_owner(struct process_sockets *sockets, const struct hct_tuple *tuple,
		    struct host_process *out)
{
	struct wanted wanted = { .family = AF_INET6 };
	int err;

	memset(out, 0, sizeof(*out));
	wanted.id.idiag_sport = tuple->target_port;
	wanted.id.idiag_dport = tuple->lb_port;
	if (addr_is_ipv4(tuple->target)) {
		wanted.family = AF_INET;
		memcpy(wanted.id.idiag_src, tuple->target + 12, 4);
		memcpy(wanted.id.idiag_dst, tuple->lb + 12, 4);
	} else {
		memcpy(wanted.id.idiag_src, tuple->target, 16);
		memcpy(wanted.id.idiag_dst, tuple->lb, 16);
	}
	switch (tuple->protocol) {
	case IPPROTO_TCP:
		err = find_connection(&wanted);
		break;
	case IPPROTO_UDP:
		err = find_datagram_socket(&wanted);
		break;
	default:
		err = -ENOENT;
	}
	if (err)
		return err;
	/* A connection that no process has accepted has no inode. */
	if (!wanted.inode)
		return -ENOENT;
	out->pid = process_of(sockets, &wanted, tuple);
	if (!out->pid)
		return -ESRCH;
	err = process_comm(out->pid, out->comm);
	return err == -ESRCH ? -ENOENT : err;
}

static int take_connecting(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(nlh);
	struct connecting_list *out = data;
	struct connecting *one;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*diag) || !diag->idiag_inode ||
	    out->n == MAX_CONNECTING)
		return MNL_CB_OK;
	one = &out->c[out->n++];
	one->inode = diag->idiag_inode;
	one->port = ntohs(diag->id.idiag_dport);
	to_v6(one->addr, diag->idiag_family, diag->id.idiag_dst);
	return MNL_CB_OK;
}

int listeners_connecting(struct connecting_list *out)
{
	int err;

	out->n = 0;
	err = dump(AF_INET, IPPROTO_TCP, 1U << STATE_SYN_SENT, take_connecting, out);
	if (!err)
		err = dump(AF_INET6, IPPROTO_TCP, 1U << STATE_SYN_SENT, take_connecting, out);
	return err;
}
