// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words that the verdicts share. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/verdict/report.h"

/* Appends to TEXT; names of others in it neither break its line nor reach a terminal as they are. */
static void append(char *text, size_t size, const char *format, va_list args)
{
	size_t used = strnlen(text, size);
	char added[WHY_LEN];

	if (used >= size)
		return;
	vsnprintf(added, sizeof(added), format, args);
	format_safe(text + used, size - used, added);
}

void say(char *text, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append(text, size, format, args);
	va_end(args);
}

void add_advice(struct diagnosis *d, const char *format, ...)
{
	va_list args;

	if (d->fix.advice[0])
		say(ADVICE(d), " ");
	va_start(args, format);
	append(ADVICE(d), format, args);
	va_end(args);
}

void where_set(struct diagnosis *d, const char *layer, const struct probe_incident *incident)
{
	struct where *w = &d->where;

	snprintf(w->layer, sizeof(w->layer), "%s", layer);
	if (!incident)
		return;
	snprintf(w->device, sizeof(w->device), "%s", incident->device);
	snprintf(w->function, sizeof(w->function), "%s",
		 incident->function ? incident->function : "");
	snprintf(w->reason, sizeof(w->reason), "%s", incident->reason ? incident->reason : "");
}

const char *packet_words(const struct facts *f, const struct probe_incident *incident)
{
	uint8_t flags = incident->packet.tcp_flags;

	if (incident->carriage & HCT_FRAGMENT_LATER)
		return "later fragment";
	if (f->udp)
		return incident->reply ? "answer" : "datagram";
	if (f->icmp)
		return incident->reply ? "echo reply" : "echo request";
	if (flags & HCT_TCP_SYN)
		return incident->reply ? "SYN-ACK" : "SYN";
	if (incident->packet.payload_len)
		return incident->reply ? "answer" : "request";
	return incident->reply ? "reply" : flags ? "ACK" : "request";
}

const char *on_device(char out[IFNAMSIZ + 8], const char *device)
{
	snprintf(out, IFNAMSIZ + 8, "%s%.15s", device[0] ? " on " : "", device);
	return out;
}

void show_listeners(const struct facts *f, struct diagnosis *d)
{
	if (f->p->inner_netns && !f->p->inner_name[0]) /* a container's, without a name to enter it by */
		return;
	if (f->p->inner_netns)
		SHOW_COMMAND(d, "ip netns exec %s ", f->p->inner_name);
	SHOW_COMMAND(d, f->udp ? "ss -ulnp" : "ss -tlnp");
}

void show_threads(uint32_t pid, struct diagnosis *d)
{
	SHOW_COMMAND(d, "ps -L -o pid,lwp,stat,wchan:32,comm -p %u --ppid %u", pid, pid);
}

void say_process(char *text, size_t size, const struct host_listener *l)
{
	if (l->pid)
		say(text, size, "%.15s (pid %" PRIu32 ")", l->comm[0] ? l->comm : "a process",
		    l->pid);
	else
		say(text, size, "A process");
}
