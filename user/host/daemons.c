// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which processes ask libwrap, and by what names. */
#include "daemons.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "open_below.h"
#include "process.h"

#define MAX_CONFIG 65536
#define BLANKS " \t"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static uint16_t port_of(const char *service)
{
	const char *colon = strrchr(service, ':'); /* inetd: address:service */
	const struct servent *known;
	unsigned long number;
	char *end;

	service = colon ? colon + 1 : service;
	number = strtoul(service, &end, 10);
	if (end != service && !*end)
		return number <= UINT16_MAX ? (uint16_t)number : 0;
	known = getservbyname(service, NULL);
	return known ? ntohs((uint16_t)known->s_port) : 0;
}

static void add(struct wrapped_daemons *out, const char *name, uint16_t port)
{
	if (!*name || out->n == MAX_WRAPPED_DAEMONS)
		return;
	snprintf(out->d[out->n].name, sizeof(out->d[0].name), "%.63s", name);
	out->d[out->n++].port = port;
}

/* A service of xinetd, as far as it matters to libwrap. */
struct service {
	char name[64], server[256], first_arg[256], flags[128];
	uint16_t port;
	bool disabled;
};

static void add_service(struct wrapped_daemons *out, const struct service *s)
{
	uint16_t port = s->port ? s->port : port_of(s->name);

	if (s->disabled || !s->name[0])
		return;
	if (!strcmp(base_name(s->server),
		    "tcpd")) /* asks by itself, by the name that it is given */
		add(out, base_name(s->first_arg), port);
	else if (!strstr(s->flags, "NOLIBWRAP"))
		add(out, s->server[0] ? base_name(s->server) : s->name, port);
}

/* NAME = VALUE, or NAME += VALUE. */
static void take_attribute(struct service *s, char *line)
{
	char *value = strchr(line, '=');
	size_t len = strcspn(line, BLANKS "+=");

	if (!value)
		return;
	value += 1 + strspn(value + 1, BLANKS);
	line[len] = '\0';
	if (!strcmp(line, "server"))
		snprintf(s->server, sizeof(s->server), "%s", value);
	else if (!strcmp(line, "server_args"))
		snprintf(s->first_arg, sizeof(s->first_arg), "%.*s", (int)strcspn(value, BLANKS),
			 value);
	else if (!strcmp(line, "flags"))
		snprintf(s->flags, sizeof(s->flags), "%s", value);
	else if (!strcmp(line, "port"))
		s->port = port_of(value);
	else if (!strcmp(line, "disable"))
		s->disabled = !strcmp(value, "yes");
}

/* Calls FN with each line of TEXT, without blanks around and comments. */
static void each_line(const char *text, void (*fn)(void *ctx, char *line), void *ctx)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[1024], *start = line;

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		start += strspn(line, BLANKS);
		for (size_t n = strlen(start); n && strchr(BLANKS "\r", start[n - 1]); n--)
			start[n - 1] = '\0';
		if (*start && *start != '#')
			fn(ctx, start);
		text += len + (text[len] == '\n');
	}
}

struct xinetd {
	struct wrapped_daemons *out;
	struct service service;
};

static void take_xinetd_line(void *ctx, char *line)
{
	struct xinetd *x = ctx;

	if (!strncmp(line, "service", 7) && strchr(BLANKS, line[7])) {
		memset(&x->service, 0, sizeof(x->service));
		snprintf(x->service.name, sizeof(x->service.name), "%.*s",
			 (int)strcspn(line + 8, BLANKS "{"), line + 8 + strspn(line + 8, BLANKS));
	} else if (*line == '}') {
		add_service(x->out, &x->service);
		memset(&x->service, 0, sizeof(x->service));
	} else {
		take_attribute(&x->service, line);
	}
}

void daemons_parse_xinetd(const char *text, struct wrapped_daemons *out)
{
	struct xinetd x = { .out = out };

	each_line(text, take_xinetd_line, &x);
}

/* "http stream tcp nowait root /usr/sbin/tcpd in.httpd -x" */
static void take_inetd_line(void *ctx, char *line)
{
	struct wrapped_daemons *out = ctx;
	char *word[7] = { NULL }, *rest;
	size_t n = 0;

	for (char *w = strtok_r(line, BLANKS, &rest); w && n < 7; w = strtok_r(NULL, BLANKS, &rest))
		word[n++] = w;
	if (n < 6)
		return;
	add(out, base_name(n > 6 ? word[6] : strcmp(word[5], "internal") ? word[5] : word[0]),
	    port_of(word[0]));
}

void daemons_parse_inetd(const char *text, struct wrapped_daemons *out)
{
	each_line(text, take_inetd_line, out);
}

/* ---- the running process ---- */

/* What is read of one process. */
struct config {
	int root; /* its root directory */
	struct wrapped_daemons *out;
};

static void set_unreadable(struct config *c, int err)
{
	c->out->unreadable = true;
	if (!c->out->err)
		c->out->err = err;
}

/* PATH as the process sees it; NULL: it cannot be read, which is noted. */
static char *read_config(struct config *c, const char *path)
{
	FILE *file = open_below(c->root, path);
	char *text = file ? calloc(1, MAX_CONFIG + 1) : NULL;

	if (!text)
		set_unreadable(c, file ? -ENOMEM : -errno);
	if (text && !fread(text, 1, MAX_CONFIG, file) && ferror(file)) {
		set_unreadable(c, -EIO);
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static void parse_folder(struct config *c, const char *path)
{
	int fd = open_folder_below(c->root, path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char full[PATH_MAX], *text;

	if (!dir) {
		if (fd != -ENOENT)
			set_unreadable(c, fd < 0 ? fd : -errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		/* as xinetd does: no dots, no backups */
		if (strchr(entry->d_name, '.') || strchr(entry->d_name, '~'))
			continue;
		if (snprintf(full, sizeof(full), "%s/%s", path, entry->d_name) >= (int)sizeof(full))
			continue;
		text = read_config(c, full);
		if (text)
			daemons_parse_xinetd(text, c->out);
		free(text);
	}
	closedir(dir);
}

static void parse_includes(struct config *c, const char *text)
{
	for (const char *at = text; (at = strstr(at, "includedir")); at += 10) {
		const char *path = at + 10 + strspn(at + 10, BLANKS);
		char folder[PATH_MAX];

		snprintf(folder, sizeof(folder), "%.*s", (int)strcspn(path, " \t\r\n"), path);
		if ((at == text || at[-1] == '\n') && *folder == '/')
			parse_folder(c, folder);
	}
}

/* The file that the command line names behind OPTION (NULL: as its last word), or DEFAULT_PATH. */
static void config_path(uint32_t pid, const char *option, const char *default_path,
			char out[PATH_MAX])
{
	char path[32], line[4096];
	size_t len, at = 0;
	FILE *file;

	snprintf(out, PATH_MAX, "%s", default_path);
	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	len = fread(line, 1, sizeof(line) - 1, file);
	line[len] = '\0';
	fclose(file);
	for (const char *before = NULL; at < len; at += strlen(line + at) + 1) {
		if (before && line[at] == '/' && (!option || !strcmp(before, option)))
			snprintf(out, PATH_MAX, "%s", line + at);
		before = line + at;
	}
}

static int maps_libwrap(uint32_t pid)
{
	char path[32], line[PATH_MAX + 128];
	int err = -ENOENT;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (err && fgets(line, sizeof(line), maps))
		if (strstr(line, "/libwrap.so"))
			err = 0;
	if (ferror(maps))
		err = -EACCES;
	fclose(maps);
	return err;
}

/* The services of xinetd, or inetd, from the configuration that its command line names. */
static void read_services(uint32_t pid, bool xinetd, struct config *c)
{
	char path[PATH_MAX], *text;

	config_path(pid, xinetd ? "-f" : NULL, xinetd ? "/etc/xinetd.conf" : "/etc/inetd.conf", path);
	text = read_config(c, path);
	c->out->from_config = text;
	if (text && xinetd) {
		daemons_parse_xinetd(text, c->out);
		parse_includes(c, text);
	} else if (text) {
		daemons_parse_inetd(text, c->out);
	}
	free(text);
}

/* Whether libwrap's files are others there: of a container, or mounted for that process alone. */
static bool is_other_root(int root)
{
	static const char *const paths[] = { ".", "etc", "etc/hosts.allow", "etc/hosts.deny" };
	int here = open_root(0);
	bool other = false;

	for (size_t i = 0; here >= 0 && i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct stat theirs = { 0 }, ours = { 0 };

		if (fstatat(root, paths[i], &theirs, 0))
			memset(&theirs, 0, sizeof(theirs));
		if (fstatat(here, paths[i], &ours, 0))
			memset(&ours, 0, sizeof(ours));
		other |= theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino;
	}
	if (here >= 0)
		close(here);
	return other;
}

int daemons_read(uint32_t pid, struct wrapped_daemons *out)
{
	struct config c = { .out = out };
	char comm[HCT_COMM_LEN];
	bool xinetd, inetd;
	int err;

	memset(out, 0, sizeof(*out));
	err = process_comm(pid, comm);
	if (err)
		return err;
	err = maps_libwrap(pid);
	xinetd = !strcmp(comm, "xinetd");
	inetd = !strcmp(comm, "inetd");
	/* A service may have tcpd ask even where (x)inetd itself does not. */
	if (err && !((xinetd || inetd) && err == -ENOENT))
		return err;
	c.root = open_root(pid);
	if (c.root < 0)
		return c.root;
	out->other_root = is_other_root(c.root);
	if (xinetd || inetd)
		read_services(pid, xinetd, &c);
	if (!out->from_config)
		add(out, comm, 0);
	close(c.root);
	return 0;
}
