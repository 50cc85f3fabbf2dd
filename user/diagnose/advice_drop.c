// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: drops by the kernel outside the firewall and routing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "ask.h"
#include "reasons.h"
#include "rule_sets.h"

/* "XDP program fw (id 12)" */
static void say_xdp_program(const struct facts *f, struct diagnosis *d)
{
	const struct obs_xdp *xdp = &f->p->xdp;

	say(WHY(d), "The XDP program %s%s(id %" PRIu32 ") on %s", xdp->program,
	    xdp->program[0] ? " " : "", xdp->program_id, f->p->device_in);
}

static void where_device(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "device", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
}

/* By its own word. */
static void tell_xdp_verdict(const struct facts *f, struct diagnosis *d)
{
	const struct obs_xdp *xdp = &f->p->xdp;
	bool aborted = strcmp(xdp->action, "XDP_ABORTED") == 0;

	where_device(f, d);
	say_xdp_program(f, d);
	say(WHY(d), "%s the %s from %s%s.", aborted ? " failed over" : " dropped",
	    f->connected ? "request" : f->what, f->lb, aborted ? ", so it was dropped" : "");
	say(FIX(d),
	    "bpftool prog show id %" PRIu32 " tells who loaded it; let it pass %s, or take it off: "
	    "ip link set dev %s xdp off", xdp->program_id, f->range, f->p->device_in);
	if (f->connected)
		d->code = f->late_code;
}

void tell_xdp_elsewhere(const struct facts *f, struct diagnosis *d)
{
	const struct obs_xdp *xdp = &f->p->xdp;

	where_device(f, d);
	say_xdp_program(f, d);
	say(WHY(d), " sent the %s from %s %s (%s), past the network stack: what came of it is not seen "
	    "here.", f->connected ? "request" : f->what, f->lb,
	    strcmp(xdp->action, "XDP_TX") == 0 ? "out again" : "elsewhere", xdp->action);
	say(FIX(d), "bpftool prog show id %" PRIu32 " tells who loaded it; look there for the target's "
	    "health.", xdp->program_id);
}

void tell_xdp_drop(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in[0] ? f->p->device_in : "DEV";

	if (f->p->xdp.action) {
		tell_xdp_verdict(f, d);
		return;
	}
	where_set(d, "device", f->drop);
	say(WHY(d), "An XDP program on %s dropped the %s from %s.", device,
	    packet_words(f, f->drop), f->lb);
	say(FIX(d),
	    "ip link show dev %s names the program; let it pass %s, or take it off: ip link set "
	    "dev %s xdp off",
	    device, f->range, device);
}

void tell_tc_drop(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in[0] ? f->p->device_in : "DEV";

	where_set(d, "device", f->drop);
	say(WHY(d), "A tc filter or program on %s dropped the %s from %s.", device,
	    packet_words(f, f->drop), f->lb);
	say(FIX(d),
	    "tc filter show dev %s ingress (and 'bpftool net'), then let %s pass ahead of the "
	    "dropping filter.",
	    device, f->range);
	if (f->connected)
		d->code = f->late_code;
}

void tell_policy_drop(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop->reason ? f->drop->reason : "";
	bool xfrm = strncmp(reason, "XFRM", 4) == 0 ||
		    function_is(f->drop->function, "xfrm4_policy_check");
	bool cgroup = strncmp(reason, "BPF_CGROUP", 10) == 0;
	bool lsm = strcmp(reason, "SECURITY_HOOK") == 0 || strcmp(reason, "LSM") == 0;

	where_set(d, "socket", f->drop);
	say(WHY(d), "%s dropped the %s%s.",
	    xfrm     ? "An IPsec policy"
	    : cgroup ? "A BPF program of a control group"
	    : lsm    ? "A security module (SELinux, AppArmor, …)"
		     : "A filter on the socket (SO_ATTACH_FILTER, or a "
		       "control group's BPF program)",
	    packet_words(f, f->drop), f->drop->reply ? " to the load balancer" : "");
	if (xfrm)
		say(FIX(d),
		    "ip xfrm policy, then exempt %s: ip xfrm policy add src %s dir in action allow "
		    "priority 1",
		    f->range, f->range);
	else if (cgroup)
		say(FIX(d),
		    "bpftool cgroup tree lists the programs; let %s pass (systemd: "
		    "IPAddressAllow=%s in the unit).",
		    f->range, f->range);
	else if (lsm)
		say(FIX(d), "See 'journalctl -k' or 'ausearch -m avc' for the denial, and allow it "
			    "in the policy.");
	else
		say(FIX(d),
		    "ss -tlnp --bpf 'sport = :%u' shows the socket's filter; bpftool cgroup tree "
		    "the control "
		    "group's (systemd: IPAddressAllow=%s in the unit).",
		    f->port, f->range);
	if (f->connected)
		d->code = f->late_code;
}

void tell_stale_connection(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "socket", f->drop);
	say(WHY(d),
	    "An old connection with the same addresses and ports (%s) took the SYN for a late "
	    "packet of its "
	    "own and dropped it (%s).",
	    f->target, f->drop->reason);
	if (strstr(f->drop->reason, "RFC7323"))
		say(FIX(d), "The source's TCP timestamps went backwards (several nodes behind one "
			    "address): "
			    "sysctl -w net.ipv4.tcp_timestamps=0 on this host.");
	else
		say(FIX(d),
		    "ss -tan 'dst %s' shows the old connection; ss -K 'dst %s' ends it. If it "
		    "returns, look "
		    "for why this host keeps connections open that the load balancer has ended.",
		    f->lb, f->lb);
}

void tell_socket_buffer_full(const struct facts *f, struct diagnosis *d)
{
	bool memory = strcmp(f->drop->reason, "PROTO_MEM") == 0;
	struct host_listener l;

	where_set(d, "socket", f->drop);
	say(WHY(d),
	    "The receive buffer of the socket on port %u was full, so the kernel dropped the %s "
	    "(%s)",
	    f->port, packet_words(f, f->drop), f->drop->reason);
	if (f->p->has_process)
		say(WHY(d), ": %s does not read fast enough.", f->process);
	else if (facts_listener(f, &l) && l.pid)
		say(WHY(d), ": %s (pid %" PRIu32 ") does not read fast enough.", l.comm, l.pid);
	else
		say(WHY(d), ": its process does not read fast enough.");
	if (memory)
		say(FIX(d),
		    "Raise net.ipv4.%s_mem (see 'sysctl net.ipv4.%s_mem' and /proc/net/sockstat), "
		    "and find what "
		    "holds the memory: ss -%cmp",
		    f->protocol, f->protocol, f->udp ? 'u' : 't');
	else
		say(FIX(d), "Find out why the process is slow (top, strace -p); a larger buffer "
			    "helps over bursts: "
			    "sysctl -w net.core.rmem_max=8388608 net.core.rmem_default=1048576");
}

void tell_kernel_drop(const struct facts *f, struct diagnosis *d)
{
	const struct probe_incident *drop = f->drop;
	const char *meaning = reason_meaning(drop->reason), *fix = reason_fix(drop->reason);
	char device[IFNAMSIZ + 8];

	if (tell_localnet(f, d))
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
	say(FIX(d), "%s",
	    fix ? fix
		: "Look at 'nstat -az' and 'ip -s link' for the counter that grows with each "
		  "probe; "
		  "the kernel's name of the reason says what it disliked.");
	if (f->connected)
		d->code = f->late_code;
}
