// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: dropped at the device, by an XDP program or a tc filter. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/bpf_owner.h"
#include "diagnose/verdict/report.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* The program's own word for a packet without which there was no answer. */
static bool kept_by_xdp(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!p->xdp.action || p->first_byte_ns || p->reply_ns)
		return false;
	return !f->tcp || p->request_ns || (!p->synack_ns && !p->established_ns);
}

static enum match match_xdp_drop(const struct facts *f)
{
	static const char *const reasons[] = { "XDP" };
	static const char *const functions[] = { "do_xdp_generic", "netif_receive_generic_xdp" };
	static const char *const refusals[] = { "XDP_DROP", "XDP_ABORTED" };
	/* drops for want of memory, too */
	static const char *const drivers[] = { "veth_xdp_rcv_skb", "veth_xdp_rcv", "veth_poll" };

	if (kept_by_xdp(f))
		return is_one_of(f->p->xdp.action, refusals, N(refusals)) ? MATCH_CERTAIN : NO_MATCH;
	if (!f->drop || f->drop->reply)
		return NO_MATCH;
	if (reason_in(f->drop, reasons, N(reasons)))
		return MATCH_CERTAIN;
	if (!has_no_reason(f->drop))
		return NO_MATCH;
	if (function_in(f->drop, functions, N(functions)))
		return MATCH_CERTAIN;
	return function_in(f->drop, drivers, N(drivers)) ? MATCH_LIKELY : NO_MATCH;
}

/* Sent on or out again: whether an answer came from there is not seen here. */
static enum match match_xdp_elsewhere(const struct facts *f)
{
	return kept_by_xdp(f) && !f->drop ? MATCH_GUESS : NO_MATCH;
}

static enum match match_tc_drop(const struct facts *f)
{
	static const char *const reasons[] = { "TC_INGRESS", "TC_EGRESS" };
	static const char *const functions[] = { "sch_handle_ingress", "sch_handle_egress" };

	if (!f->drop || f->drop->reply)
		return NO_MATCH;
	if (dropped_for(f->drop, reasons, N(reasons), functions, N(functions)))
		return MATCH_CERTAIN;
	/*
	 * Before 5.17, with sch_handle_ingress() inlined: of the drops there all others are for
	 * want of a protocol that takes the packet, and IP is one.  With two VLAN tags it is none:
	 * that its arrival tells (carriage.c).
	 */
	return !f->drop->reason && !f->drop->gap && function_is(f->drop->function, "__netif_receive_skb_core") ?
		       MATCH_LIKELY : NO_MATCH;
}

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

/* To take it off would let in all that it keeps out: that is for its owner to do. */
static void advise_xdp(const struct facts *f, struct diagnosis *d)
{
	const char *owner = bpf_owner_advise(f->p->xdp.program, f->range, &d->fix);

	if (owner) {
		say(WHY(d), " It is %s's.", owner);
		return;
	}
	add_advice(d, "See who loaded the program, and let it pass %s; without it all that it keeps "
		      "out would come in.", f->range);
}

/* By its own word. */
static void report_xdp_verdict(const struct facts *f, struct diagnosis *d)
{
	const struct obs_xdp *xdp = &f->p->xdp;
	bool aborted = strcmp(xdp->action, "XDP_ABORTED") == 0;

	where_device(f, d);
	say_xdp_program(f, d);
	say(WHY(d), "%s the %s from %s%s.", aborted ? " failed over" : " dropped",
	    f->connected ? "request" : f->what, f->lb, aborted ? ", so it was dropped" : "");
	advise_xdp(f, d);
	if (!command_is_set(&d->fix.show))
		SHOW_COMMAND(d, "bpftool prog show id %u", xdp->program_id);
	if (f->connected)
		d->code = f->late_code;
}

static void report_xdp_elsewhere(const struct facts *f, struct diagnosis *d)
{
	const struct obs_xdp *xdp = &f->p->xdp;

	where_device(f, d);
	say_xdp_program(f, d);
	say(WHY(d), " sent the %s from %s %s (%s), past the network stack: what came of it is not seen "
	    "here.", f->connected ? "request" : f->what, f->lb,
	    strcmp(xdp->action, "XDP_TX") == 0 ? "out again" : "elsewhere", xdp->action);
	add_advice(d, "See who loaded it; look there for the target's health.");
	SHOW_COMMAND(d, "bpftool prog show id %u", xdp->program_id);
}

static void report_xdp_drop(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in;
	char on[IFNAMSIZ + 8];

	if (f->p->xdp.action) {
		report_xdp_verdict(f, d);
		return;
	}
	where_set(d, "device", f->drop);
	say(WHY(d), "An XDP program%s dropped the %s from %s.", on_device(on, device),
	    packet_words(f, f->drop), f->lb);
	advise_xdp(f, d);
	if (command_is_set(&d->fix.show))
		return;
	if (device[0])
		SHOW_COMMAND(d, "ip link show dev %s", device);
	else
		SHOW_COMMAND(d, "bpftool net");
}

static void report_tc_drop(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in;
	char on[IFNAMSIZ + 8];

	where_set(d, "device", f->drop);
	say(WHY(d), "A tc filter or program%s dropped the %s from %s.", on_device(on, device),
	    packet_words(f, f->drop), f->lb);
	add_advice(d, "Let %s pass ahead of the filter or program that drops.", f->range);
	if (device[0])
		SHOW_COMMAND(d, "tc filter show dev %s ingress; bpftool net show dev %s", device, device);
	else
		SHOW_COMMAND(d, "bpftool net");
	if (f->connected)
		d->code = f->late_code;
}

const struct verdict verdict_xdp_drop = {
	.id = "xdp-drop",
	.code = "CONNECT_TIMEOUT",
	.step = "4",
	.summary = "XDP program dropped it",
	.meaning = "An XDP program on the network interface dropped the request before the network "
		"stack saw it.",
	.evidence = "The packet was seen ahead of the XDP program and not behind it, or the kernel "
		"gave XDP as the reason of the drop.",
	.remedy = "Find the program with 'ip link' or 'bpftool net', and make it pass the load "
		"balancer's addresses.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_xdp_drop, .report = report_xdp_drop },
};

const struct verdict verdict_tc_drop = {
	.id = "tc-drop",
	.code = "CONNECT_TIMEOUT",
	.step = "4",
	.summary = "tc filter dropped it",
	.meaning = "A traffic control filter on the interface dropped the request.",
	.evidence = "The kernel gave the ingress or egress filter as the reason of the drop.",
	.remedy = "List the filters with 'tc filter show dev DEV ingress' and let the load "
		"balancer's addresses pass.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .match = match_tc_drop, .report = report_tc_drop },
};

const struct rule xdp_elsewhere = { .match = match_xdp_elsewhere, .report = report_xdp_elsewhere };
