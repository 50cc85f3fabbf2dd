// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Uprobes on hosts_access() in every libwrap.so that this host's programs use. */
#include "attach_libwrap.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LIBRARIES 8

/* Where distributions put it; a daemon that is started later maps it from here. */
static const char *const places[] = {
	"/lib/libwrap.so.0", "/lib/*/libwrap.so.0", "/lib64/libwrap.so.0",
	"/usr/lib/libwrap.so.0", "/usr/lib/*/libwrap.so.0", "/usr/lib64/libwrap.so.0",
};

struct libwrap_links {
	struct bpf_link *links[2 * MAX_LIBRARIES];
	size_t n_links;
	struct {
		dev_t dev;
		ino_t ino;
	} seen[MAX_LIBRARIES];
	size_t n;
	struct bpf_program *enter, *leave;
	int err;
};

static struct bpf_link *attach(const struct bpf_program *program, const char *path, bool at_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "hosts_access", .retprobe = at_return);

	return bpf_program__attach_uprobe_opts(program, -1, path, 0, &opts);
}

static void add_library(struct libwrap_links *l, const char *path)
{
	struct bpf_link *enter, *leave;
	struct stat st;

	if (l->n == MAX_LIBRARIES || stat(path, &st))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (l->seen[i].dev == st.st_dev && l->seen[i].ino == st.st_ino)
			return;
	enter = attach(l->enter, path, false);
	if (!enter) {
		l->err = -errno;
		return;
	}
	leave = attach(l->leave, path, true);
	if (!leave) {
		l->err = -errno;
		bpf_link__destroy(enter);
		return;
	}
	l->links[l->n_links++] = enter;
	l->links[l->n_links++] = leave;
	l->seen[l->n].dev = st.st_dev;
	l->seen[l->n++].ino = st.st_ino;
}

/* A container's processes map a library of their own file system, reached through their root. */
static void add_mapped_by(struct libwrap_links *l, const char *pid)
{
	char path[PATH_MAX], line[PATH_MAX + 128];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	while (fgets(line, sizeof(line), maps)) {
		char *file = strchr(line, '/');

		if (!file || !strstr(file, "/libwrap.so"))
			continue;
		file[strcspn(file, "\n")] = '\0';
		snprintf(path, sizeof(path), "/proc/%s/root%.3000s", pid, file);
		add_library(l, path);
		break;
	}
	fclose(maps);
}

static void add_mapped(struct libwrap_links *l)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			add_mapped_by(l, entry->d_name);
	closedir(proc);
}

int libwrap_attach(struct bpf_program *enter, struct bpf_program *leave,
		   struct libwrap_links **out, size_t *n)
{
	struct libwrap_links *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->enter = enter;
	l->leave = leave;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		glob_t found = { 0 };

		if (glob(places[i], GLOB_NOSORT, NULL, &found) == 0)
			for (size_t j = 0; j < found.gl_pathc; j++)
				add_library(l, found.gl_pathv[j]);
		globfree(&found);
	}
	add_mapped(l);
	if (l->err && !l->n) {
		int err = l->err;

		libwrap_free(l);
		return err;
	}
	*out = l;
	*n = l->n;
	return 0;
}

void libwrap_free(struct libwrap_links *l)
{
	if (!l)
		return;
	while (l->n_links)
		bpf_link__destroy(l->links[--l->n_links]);
	free(l);
}
