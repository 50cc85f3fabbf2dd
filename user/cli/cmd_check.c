// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace check: the load balancer's troubleshooting procedure, without waiting for a probe. */
#include "cmd_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "check/check_output.h"
#include "enter_netns.h"
#include "host/devices.h"
#include "host/host_live.h"
#include "host/netns.h"
#include "host/process.h"
#include "trace/attached.h"
#include "trace/capabilities.h"

/*
 * The first namespace is that of process 1; where that cannot be seen, root may not
 * write in another what can only be set in the first.
 */
static void read_netns(struct check_facts *f)
{
	struct stat first, own;

	f->first_netns_is_seen = stat("/proc/1/ns/net", &first) == 0;
	if (f->first_netns_is_seen && stat("/proc/thread-self/ns/net", &own) == 0)
		f->own_netns = first.st_ino != own.st_ino;
	else
		f->own_netns = geteuid() == 0 &&
			       access("/proc/sys/net/netfilter/nf_conntrack_max", W_OK) != 0;
}

/* Reads what the steps do not ask for by themselves; what cannot be read, they say. */
static void read_facts(struct check_facts *f)
{
	const struct settings *s = f->settings;

	f->proc_err = access("/proc/sys/net", R_OK | X_OK) ? -errno : 0;
	f->processes_err = process_may_search();
	read_netns(f);
	f->devices_err = devices_read(&f->devices);
	f->addresses_err = addresses_read(&f->addresses);
	for (size_t v6 = 0; v6 < 2; v6++)
		if (check_has_family(f, v6)) {
			f->rules_err[v6] = fw_rules_read(v6, &f->rules[v6]);
			if (!f->rules_err[v6]) /* without: they are known by their handles */
				fw_text_complete(&f->rules[v6]);
		}
	f->programs_err =
		attached_read(&f->devices, f->program, CHECK_MAX_PROGRAMS, &f->n_programs);
	f->n_capabilities =
		capabilities_read(s, netns_self(), f->capability, CHECK_MAX_CAPABILITIES);
	errno = 0;
	if (getloadavg(&f->load, 1) != 1)
		f->load_err = errno ? -errno : -EIO;
	f->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	f->daemons = daemons_read;
}

static int unknown_interface(const struct settings *s)
{
	for (size_t i = 0; i < s->n_interfaces; i++) {
		unsigned ifindex;

		if (device_index(s->interfaces[i], &ifindex) != -ENODEV)
			continue; /* where that cannot be asked, the steps say so */
		fprintf(stderr, "hctrace: there is no interface '%s'; 'ip link' lists them\n",
			s->interfaces[i]);
		return 1;
	}
	return 0;
}

static int run(const struct check_facts *facts)
{
	struct check_text *text = NULL;
	struct check_json json = { .out = stdout, .self = facts->settings->self };
	struct check check = { .facts = facts, .report = check_json_report, .ctx = &json };

	if (!facts->settings->json) {
		text = check_text_open(stdout, facts->settings);
		if (!text)
			return -ENOMEM;
		check.report = check_text_report;
		check.ctx = text;
	}
	check_run(&check);
	if (text)
		check_text_close(text, &check);
	else
		check_json_end(&json, &check);
	/* what was found is sure, whatever could not be looked at beside it */
	if (check.count[CHECK_FAIL])
		return EXIT_SOME_FAILED;
	return check.count[CHECK_UNREAD] ? EXIT_CANNOT_TRACE : EXIT_ALL_HEALTHY;
}

int cmd_check(const struct settings *settings)
{
	struct check_facts *facts = calloc(1, sizeof(*facts));
	struct host host = { 0 };
	int status = EXIT_CANNOT_TRACE;
	int err = facts ? 0 : -ENOMEM;

	if (enter_netns(settings))
		goto cleanup;
	if (unknown_interface(settings)) {
		status = EXIT_USAGE;
		goto cleanup;
	}
	if (!err)
		err = host_live_open(&host);
	if (!err) {
		facts->settings = settings;
		facts->host = &host;
		read_facts(facts);
	}
	if (!err)
		err = run(facts);
	if (err >= 0)
		status = err;
	else
		fprintf(stderr, "hctrace: cannot look at this host: %s\n", strerror(-err));

cleanup:
	host_live_close(&host);
	for (size_t v6 = 0; facts && v6 < 2; v6++)
		fw_rules_free(&facts->rules[v6]);
	free(facts);
	return status;
}
