// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which socket unit of systemd has a port, by the unit files: systemctl may wait. */
#include "socket_unit.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "open_below.h"

#define MAX_LINES 2000 /* of a file */
#define MAX_FILES 4000 /* of a folder */
#define SUFFIX ".socket"

/* systemd.socket(5): "80", "0.0.0.0:80", "[::]:80"; what is after a blank is none of it. */
static bool is_port(const char *value, uint16_t port)
{
	const char *number = strrchr(value, ':');
	char *end;
	unsigned long found;

	number = number ? number + 1 : value;
	found = strtoul(number, &end, 10);
	return isdigit((unsigned char)*number) && (!*end || isspace((unsigned char)*end)) &&
	       found == port;
}

bool socket_unit_listens(FILE *file, uint16_t port)
{
	static const char key[] = "ListenStream";
	bool in_section = false, found = false;
	char line[512];

	for (int i = 0; i < MAX_LINES && fgets(line, sizeof(line), file); i++) {
		char *at = line + strspn(line, " \t");

		if (*at == '[')
			in_section = strncmp(at, "[Socket]", 8) == 0;
		if (!in_section || strncmp(at, key, sizeof(key) - 1) != 0)
			continue;
		at += sizeof(key) - 1;
		at += strspn(at, " \t");
		if (*at++ != '=')
			continue;
		at += strspn(at, " \t");
		if (!*at || *at == '\n')
			found = false; /* an empty value takes back those before */
		else
			found |= is_port(at, port);
	}
	return found;
}

static bool is_socket_unit(const char *name)
{
	size_t len = strlen(name);

	return len > sizeof(SUFFIX) - 1 && len < 64 &&
	       strcmp(name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0;
}

static bool search(int root, const char *folder, uint16_t port, char out[64])
{
	int fd = open_folder_below(root, folder);
	const struct dirent *entry;
	bool found = false;
	char path[400];
	DIR *dir;

	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return false;
	}
	for (int i = 0; i < MAX_FILES && !found && (entry = readdir(dir)); i++) {
		FILE *file;

		if (!is_socket_unit(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = open_below(root, path);
		if (!file)
			continue;
		found = socket_unit_listens(file, port);
		fclose(file);
		if (found)
			snprintf(out, 64, "%.63s", entry->d_name);
	}
	closedir(dir);
	return found;
}

int socket_unit_find_below(int root, uint16_t port, char out[64])
{
	/* in the order in which systemd goes by them */
	static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
					       "/usr/local/lib/systemd/system",
					       "/usr/lib/systemd/system", "/lib/systemd/system",
					       "/run/systemd/generator" };

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (search(root, folders[i], port, out))
			return 0;
	return -ENOENT;
}

int socket_unit_find(uint16_t port, char out[64])
{
	int err, root = open_root(1);

	out[0] = '\0';
	if (root < 0)
		return root;
	err = socket_unit_find_below(root, port, out);
	close(root);
	return err;
}
