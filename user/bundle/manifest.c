// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* MANIFEST.txt of a bundle. */
#include "manifest.h"

#include <inttypes.h>

#include "render/format.h"

static const char redaction[] =
	"\nRedacted\n"
	"  Replaced, everywhere and always by the same pseudonym:\n"
	"    addresses outside the load balancer's ranges (those with equal beginnings\n"
	"      keep equal beginnings; private ones stay private), MAC addresses\n"
	"    names of processes (proc-N), users (user-N), network namespaces (netns-N),\n"
	"      hosts (host-N); paths (/path-N) and queries of HTTP requests\n"
	"    comments, log prefixes and other words of people in firewall rules (text-N)\n"
	"    commands in hosts.allow and hosts.deny (command-N), e-mail addresses\n"
	"  Removed: what packets carried, but for HTTP's first line, the names of usual\n"
	"    headers, and the first bytes of other protocols.\n"
	"  Kept, for no diagnosis is possible without: the load balancer's addresses and\n"
	"    networks around them, loopback and multicast addresses, ports, times, lengths,\n"
	"    process and user numbers, names of interfaces, of tables, chains and sets of\n"
	"    the firewall, of kernel functions, and the kernel's version.\n"
	"  Verdicts were made of the redacted recording.  What the pseudonyms stand for is\n"
	"  not in this bundle; whoever made it may have kept it (--redact-map).\n";

static void put_time(FILE *out, const struct manifest *m, const char *what, uint64_t ns)
{
	char text[ISO_TEXT_LEN];

	fprintf(out, "  %-11s %s\n", what, format_iso(text, (int64_t)ns + m->info->wall_offset_ns));
}

static void put_gap(FILE *out, const struct manifest *m, const struct recording_gap *gap)
{
	char from[ISO_TEXT_LEN], why[256];

	fprintf(out, "  after %s: %s",
		gap->from_ns ? format_iso(from, (int64_t)gap->from_ns + m->info->wall_offset_ns)
			     : "the beginning",
		format_safe(why, sizeof(why), gap->why ? gap->why : "not known why"));
	if (gap->records)
		fprintf(out, "; records missing: %" PRIu64, gap->records);
	if (gap->bytes)
		fprintf(out, "; bytes unreadable: %" PRIu64, gap->bytes);
	putc('\n', out);
}

void manifest_start(FILE *out, const struct manifest *m)
{
	char text[300];

	fputs("A bundle of hctrace " HCT_VERSION ": why a load balancer's health check failed\n\n"
	      "Run\n", out);
	put_time(out, m, "start", m->info->start_ns);
	put_time(out, m, "end", m->info->end_ns);
	fprintf(out, "  %-11s %s\n", "kernel", format_safe(text, sizeof(text), m->kernel));
	fprintf(out, "  %-11s %s\n", "range",
		format_safe(text, sizeof(text), m->settings->from_text));
	if (m->settings->preset)
		fprintf(out, "  %-11s %s\n", "preset", m->settings->preset->name);
	fprintf(out, "  %-11s %s\n", "redacted", m->redacted ? "yes, see below" : "no");
	fputs("\nFiles\n", out);
}

void manifest_file(FILE *out, const char *name, const char *what)
{
	fprintf(out, "  %-34s %s\n", name, what);
}

void manifest_end(FILE *out, const struct manifest *m)
{
	fputs("\nWhat is missing\n", out);
	if (recording_complete(m->info) && !m->lost && !m->missing_points && m->info->n_states)
		fputs("  nothing\n", out);
	if (!m->info->has_start)
		fputs("  the beginning of the run: it was dropped or lost\n", out);
	if (!m->info->has_end)
		fputs("  an end: the recording stops without one, as after a crash or a kill\n", out);
	for (size_t i = 0; i < m->info->n_gaps; i++)
		put_gap(out, m, &m->info->gaps[i]);
	if (m->lost)
		fprintf(out, "  events that were lost while it ran: %" PRIu64 "\n", m->lost);
	if (m->missing_points)
		fprintf(out, "  observation points that could not be attached: %" PRIu64
			     " (report.txt says which)\n", m->missing_points);
	if (!m->info->n_states)
		fputs("  the host's state: the recording has none\n", out);
	if (m->redacted)
		fputs(redaction, out);
}
