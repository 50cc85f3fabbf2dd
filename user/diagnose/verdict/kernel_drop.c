// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: dropped by the kernel outside firewall and routing. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/reasons.h"
#include "diagnose/verdict/report.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static enum match match_policy_drop(const struct facts *f)
{
	static const char *const reasons[] = { "SOCKET_FILTER",	    "XFRM_POLICY",
					       "BPF_CGROUP_EGRESS", "BPF_CGROUP_INGRESS",
					       "SECURITY_HOOK",	    "LSM" };
	static const char *const functions[] = { "sk_filter_trim_cap", "xfrm4_policy_check" };

	return f->drop && dropped_for(f->drop, reasons, N(reasons), functions, N(functions))
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

static enum match match_socket_buffer_full(const struct facts *f)
{
	static const char *const reasons[] = { "SOCKET_RCVBUFF", "SOCKET_BACKLOG", "PROTO_MEM",
					       "TCP_ZEROWINDOW" };

	return f->drop && !f->drop->reply && reason_in(f->drop, reasons, N(reasons)) ? MATCH_CERTAIN
										     : NO_MATCH;
}

static enum match match_kernel_drop(const struct facts *f)
{
	return f->drop && !f->drop->reply ? MATCH_CERTAIN : NO_MATCH;
}

static void report_policy_drop(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop->reason ? f->drop->reason : "";
	bool xfrm = strncmp(reason, "XFRM", 4) == 0 ||
		    function_is(f->drop->function, "xfrm4_policy_check");
	bool cgroup = strncmp(reason, "BPF_CGROUP", 10) == 0;
	bool lsm = strcmp(reason, "SECURITY_HOOK") == 0 || strcmp(reason, "LSM") == 0;
	char filter[24];

	where_set(d, "socket", f->drop);
	say(WHY(d), "%s dropped the %s%s.",
	    xfrm     ? "An IPsec policy"
	    : cgroup ? "A BPF program of a control group"
	    : lsm    ? "A security module (SELinux, AppArmor, …)"
		     : "A filter on the socket (SO_ATTACH_FILTER, or a "
		       "control group's BPF program)",
	    packet_words(f, f->drop), f->drop->reply ? " to the load balancer" : "");
	if (xfrm) {
		add_advice(d, "Exempt %s by a policy of its own, with the action allow and a lower "
			      "priority number.", f->range);
		SHOW_COMMAND(d, "ip xfrm policy");
	} else if (cgroup) {
		add_advice(d, "Let %s pass (systemd: IPAddressAllow=%s in the unit).", f->range, f->range);
		SHOW_COMMAND(d, "bpftool cgroup tree");
	} else if (lsm) {
		add_advice(d, "Look for the denial in the kernel's log, or with ausearch, and allow it in "
			      "the policy.");
		SHOW_COMMAND(d, "journalctl -k");
	} else {
		snprintf(filter, sizeof(filter), "sport = :%u", f->port);
		add_advice(d, "Look at the socket's filter, and at the control group's programs (systemd: "
			      "IPAddressAllow=%s in the unit).", f->range);
		SHOW_COMMAND(d, f->udp ? "ss -ulnp --bpf %s; bpftool cgroup tree" :
					 "ss -tlnp --bpf %s; bpftool cgroup tree", filter);
	}
	if (f->connected)
		d->code = f->late_code;
}

static void report_socket_buffer_full(const struct facts *f, struct diagnosis *d)
{
	bool memory = strcmp(f->drop->reason, "PROTO_MEM") == 0;
	struct host_listener l;
	uint32_t pid = f->p->has_process ? f->p->pid : facts_listener(f, &l) ? l.pid : 0;

	where_set(d, "socket", f->drop);
	say(WHY(d),
	    "The receive buffer of the socket on port %u was full, so the kernel dropped the %s "
	    "(%s)",
	    f->port, packet_words(f, f->drop), f->drop->reason);
	if (f->p->has_process)
		say(WHY(d), ": %s does not read fast enough.", f->process);
	else if (pid)
		say(WHY(d), ": %s (pid %" PRIu32 ") does not read fast enough.", l.comm, l.pid);
	else
		say(WHY(d), ": its process does not read fast enough.");
	if (memory) {
		add_advice(d, "Raise net.ipv4.%s_mem, and find what holds the memory.", f->protocol);
		SHOW_COMMAND(d, f->udp ? "sysctl net.ipv4.udp_mem; cat /proc/net/sockstat; ss -uamp" :
					 "sysctl net.ipv4.tcp_mem; cat /proc/net/sockstat; ss -tamp");
	} else {
		add_advice(d, "Find out why the process is slow; a larger buffer (net.core.rmem_max and "
			      "net.core.rmem_default) helps over bursts.");
		if (pid)
			show_threads(pid, d);
	}
}

static void report_kernel_drop(const struct facts *f, struct diagnosis *d)
{
	const struct probe_incident *drop = f->drop;
	const char *meaning = drop_meaning(drop->reason, drop->function);
	const char *fix = reason_fix(drop->reason);
	char device[IFNAMSIZ + 8];

	if (report_localnet(f, d))
		return;
	if (!meaning)
		meaning = function_meaning(drop->function);
	where_set(d, "device", drop);
	say(WHY(d), "The kernel dropped the %s%s", packet_words(f, drop),
	    on_device(device, f->p->device_in));
	if (meaning)
		say(WHY(d), "%s%s (%s", meaning_joint(meaning), meaning,
		    drop->reason ? drop->reason : "no reason given");
	else
		say(WHY(d), " (%s", drop->reason ? drop->reason : "no reason given");
	say(WHY(d), "%s%s).", drop->function ? ", in kernel function " : "",
	    drop->function ? drop->function : "");
	add_advice(d, "%s",
		   fix ? fix : "Look for the counter that grows with each probe; the kernel's name of the "
			       "reason says what it disliked.");
	SHOW_COMMAND(d, "nstat -az; ip -s link");
	if (f->connected)
		d->code = f->late_code;
}

const struct verdict verdict_policy_drop = {
	.id = "policy-drop",
	.code = "CONNECT_TIMEOUT",
	.step = "4",
	.summary = "security policy dropped it",
	.meaning = "A policy outside the firewall dropped the request: a cgroup BPF program, a "
		"socket filter, a security module or an IPsec policy.",
	.evidence = "The kernel gave that policy as the reason of the drop.",
	.remedy = "Look at 'bpftool cgroup tree', 'ip xfrm policy', and the audit log of SELinux "
		"or AppArmor.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .match = match_policy_drop, .report = report_policy_drop },
};

const struct verdict verdict_socket_buffer_full = {
	.id = "socket-buffer-full",
	.code = "RECV_RESPONSE_TIMEOUT",
	.step = "6",
	.summary = "socket buffer full",
	.meaning = "The process does not read its data fast enough: the receive buffer is full and "
		"the kernel drops what comes.",
	.evidence = "The kernel gave the socket's receive buffer or backlog as the reason of the "
		"drop.",
	.remedy = "Find out why the process does not read; for bursts raise net.core.rmem_max and "
		"the service's receive buffer.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_socket_buffer_full, .report = report_socket_buffer_full },
};

const struct verdict verdict_kernel_drop = {
	.id = "kernel-drop",
	.code = "CONNECT_TIMEOUT",
	.step = "",
	.summary = "kernel dropped it",
	.meaning = "The kernel dropped the request for a reason that has no verdict of its own.",
	.evidence = "The reason and the place of the drop as the kernel reported them.",
	.remedy = "The reason usually says what to look at: checksum, packet length, memory, IP "
		"options.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .absence = AHEAD, .match = match_kernel_drop, .report = report_kernel_drop },
};
