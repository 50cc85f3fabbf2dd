// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What could not be looked at: it is said, with the reason and what helps against that. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/open_files.h"
#include "check.h"

static const char *reason(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return "that needs root";
	case -E2BIG:
		return "there are too many";
	case -ENOBUFS:
	case -ENOMEM:
		return "there was no memory for it";
	case -ETIMEDOUT:
		return "no answer came in time";
	case -EINTR:
		return "it changed all the while";
	default:
		return strerror(-err);
	}
}

static void put_open_files(struct finding *out)
{
	CHECK_PUT(out->why, "This process may have %lu files open at once (ulimit -n), which is "
			    "too few.", open_files_limit());
	if (open_files_raise(&out->fix.command))
		CHECK_ADVISE(out, "Then run the check again in the same shell.  In a systemd unit, "
				  "LimitNOFILE= sets it.");
	else
		CHECK_ADVISE(out, "Have root raise the limit of open files to 1024 (limits.conf, or "
				  "LimitNOFILE= of a systemd unit), and run the check again.");
}

static void put_help(int err, struct finding *out)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		CHECK_ADVISE(out, "Run the check as root (sudo).");
		break;
	case -EMFILE:
		put_open_files(out);
		break;
	case -ENFILE:
		CHECK_ADVISE(out, "The whole system has as many files open as it may (sysctl "
				  "fs.file-max): raise that, or find what opens so many.");
		CHECK_SHOW(out, "sysctl fs.file-nr");
		break;
	case -ENOBUFS:
	case -ENOMEM:
		CHECK_ADVISE(out, "Run the check again; if it stays so, give the host more memory.");
		CHECK_SHOW(out, "free -m");
		break;
	case -E2BIG:
		CHECK_ADVISE(out, "Ask for less at once: with --port for one port, or --interface "
				  "for one interface.");
		break;
	default:
		CHECK_ADVISE(out, "Run the check again; if it stays so, look at it by hand.");
	}
}

void check_unread(struct check *c, int err, const char *subject, ...)
{
	struct finding out = check_finding(c, CHECK_UNREAD);
	va_list args;

	va_start(args, subject);
	vsnprintf(out.what, sizeof(out.what), subject, args);
	va_end(args);
	CHECK_PUT(out.what, " could not be read: %s.", reason(err));
	put_help(err, &out);
	check_say(c, &out);
}
