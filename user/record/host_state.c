// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The host's state as its own tools and files have it. */
#include "host_state.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/run_tool.h"

#define MAX_FILE (256 * 1024)

/* A section is what a tool prints, or what the files of a pattern hold. */
static const struct section {
	const char *name;
	const char *argv[7]; /* NULL-terminated */
	const char *only_with; /* a file without which the tool is not run: it would load a module */
	const char *files[8]; /* NULL-terminated patterns, of glob(7) */
} sections[] = {
	{ "system", .files = { "/proc/version", "/etc/os-release" } },
	{ "addresses", { "ip", "address" } },
	{ "links", { "ip", "-details", "-statistics", "link" } },
	{ "routes", { "ip", "-4", "route", "show", "table", "all" } },
	{ "routes (IPv6)", { "ip", "-6", "route", "show", "table", "all" } },
	{ "routing rules", { "ip", "-4", "rule" } },
	{ "routing rules (IPv6)", { "ip", "-6", "rule" } },
	{ "neighbours", { "ip", "neighbour" } },
	{ "listeners", { "ss", "-tulnp" } },
	{ "queueing disciplines", { "tc", "qdisc" } },
	{ "firewall rules (nftables)", { "nft", "-a", "list", "ruleset" } },
	{ "firewall rules (iptables-legacy)", { "iptables-legacy-save", "-c" },
	  .only_with = "/proc/net/ip_tables_names" },
	{ "firewall rules (ip6tables-legacy)", { "ip6tables-legacy-save", "-c" },
	  .only_with = "/proc/net/ip6_tables_names" },
	{ "sysctls", .files = { "/proc/sys/net/core/somaxconn", "/proc/sys/net/ipv4/icmp_*",
				"/proc/sys/net/ipv4/ip_*", "/proc/sys/net/ipv4/tcp_*",
				"/proc/sys/net/ipv4/conf/*/*",
				"/proc/sys/net/ipv6/conf/*/disable_ipv6",
				"/proc/sys/net/netfilter/nf_conntrack_*" } },
	{ "hosts.allow", .files = { "/etc/hosts.allow" } },
	{ "hosts.deny", .files = { "/etc/hosts.deny" } },
};

static void put_file(FILE *out, const char *path, bool named)
{
	/* tcp_fastopen_key is nobody's business; others can only be written */
	FILE *in = strstr(path, "_key") ? NULL : fopen(path, "re");
	char buffer[4096];
	size_t n, all = 0;

	if (!in)
		return;
	if (named)
		fprintf(out, "%s: ", path);
	while (all < MAX_FILE && (n = fread(buffer, 1, sizeof(buffer), in))) {
		for (size_t i = 0; i < n; i++)
			if (!buffer[i])
				buffer[i] = '?';
		fwrite(buffer, 1, n, out);
		all += n;
	}
	fclose(in);
}

static char *from_files(const struct section *section)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool found = false;

	if (!out)
		return NULL;
	for (size_t i = 0; section->files[i]; i++) {
		bool pattern = strpbrk(section->files[i], "*[") || strstr(section->files[i], "sys");
		glob_t paths;

		if (glob(section->files[i], 0, NULL, &paths))
			continue;
		for (size_t n = 0; n < paths.gl_pathc; n++)
			put_file(out, paths.gl_pathv[n], pattern);
		found |= paths.gl_pathc > 0;
		globfree(&paths);
	}
	if (!found)
		fprintf(out, "(%s is not there)\n", section->files[0]);
	fclose(out);
	return text;
}

static char *from_tool(const struct section *section)
{
	char *text = NULL;
	int err;

	if (section->only_with && access(section->only_with, F_OK))
		return strdup("(not in use)\n");
	err = run_tool(section->argv, &text);
	if (!err)
		return text;
	if (asprintf(&text, "(%s %s)\n", section->argv[0],
		     err == -ENOENT ? "is not installed" :
		     err == -ETIMEDOUT ? "took too long" :
		     err == -EFBIG ? "printed too much" : "failed") < 0)
		return NULL;
	return text;
}

void host_state_collect(void (*put)(void *ctx, const char *name, const char *text), void *ctx)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const struct section *section = &sections[i];
		char *text = section->argv[0] ? from_tool(section) : from_files(section);

		put(ctx, section->name, !text ? "(there was no memory for it)\n" :
					!*text ? "(none)\n" : text);
		free(text);
	}
}
