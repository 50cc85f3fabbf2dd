// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running kernel's types. */
#include "kernel_btf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/open_files.h"

#define OWN_BTF "/sys/kernel/btf/vmlinux"

bool kernel_btf_is_own(void)
{
	return access(OWN_BTF, R_OK) == 0;
}

/*
 * Types that the kernel keeps in slab caches of their own, so that it tells their
 * size: never merged with others, as they are freed by RCU or copied to users.
 */
static const struct {
	const char *type, *cache;
} sized[] = {
	{ "tcp_sock", "TCP" },
	{ "udp_sock", "UDP" },
	{ "sk_buff", "skbuff_head_cache" },
};

/* Bytes of an object of CACHE, 0 where the kernel does not tell (no CONFIG_SLUB_DEBUG). */
static uint32_t object_size(const char *cache)
{
	char path[96];
	unsigned size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/object_size", cache);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%u", &size) != 1)
		size = 0;
	fclose(f);
	return size;
}

/* BTF names no version: a structure that has another size here gives a wrong file away. */
static bool is_of_this_kernel(const struct btf *btf, const char *file, const char *release,
			      struct kernel_btf_refusal *r)
{
	for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
		int id = btf__find_by_name_kind(btf, sized[i].type, BTF_KIND_STRUCT);
		uint32_t here = object_size(sized[i].cache), there;

		if (id < 0) {
			snprintf(r->why, sizeof(r->why),
				 "%s has no struct %s: it is not the BTF of a whole kernel", file, sized[i].type);
			return false;
		}
		there = btf__type_by_id(btf, (unsigned)id)->size;
		if (here && here != there) {
			snprintf(r->why, sizeof(r->why),
				 "%s is of another kernel than %s: struct %s has %u bytes there and %u here",
				 file, release, sized[i].type, there, here);
			return false;
		}
	}
	return true;
}

static struct btf *from_file(const char *file, const char *release, struct kernel_btf_refusal *r)
{
	struct btf *btf = btf__parse(file, NULL);

	snprintf(r->fix, sizeof(r->fix),
		 "give the BTF of exactly kernel %s, as pahole makes it from its vmlinux with debug information: "
		 "pahole --btf_encode_detached=FILE vmlinux", release);
	if (!btf) {
		snprintf(r->why, sizeof(r->why), "cannot read BTF from %s: %s", file,
			 errno == ENOENT || errno == EACCES || errno == EISDIR ?
			 strerror(errno) : "it is neither BTF nor an ELF file with BTF");
		return NULL;
	}
	if (is_of_this_kernel(btf, file, release, r))
		return btf;
	btf__free(btf);
	return NULL;
}

/* Why the kernel's own types cannot be read, which libbpf does not tell when it gave up looking. */
static int own_error(void)
{
	struct btf *btf = btf__parse(OWN_BTF, NULL);
	int err = btf ? -EAGAIN : -errno;

	btf__free(btf);
	return err;
}

static void put_resource_fix(struct kernel_btf_refusal *r)
{
	if (r->err == -EMFILE)
		snprintf(r->fix, sizeof(r->fix),
			 "raise the limit of open files, which is %lu: ulimit -n 1024, or LimitNOFILE= "
			 "in a systemd unit", open_files_limit());
	else
		snprintf(r->fix, sizeof(r->fix), "try again; if it stays so, the host lacks memory or files");
}

struct btf *kernel_btf_load(const char *file, struct kernel_btf_refusal *r)
{
	struct utsname kernel;
	struct btf *btf;

	memset(r, 0, sizeof(*r));
	uname(&kernel);
	if (!kernel_btf_is_own() && file)
		return from_file(file, kernel.release, r);
	btf = btf__load_vmlinux_btf(); /* looks for a vmlinux in /boot and the like, too */
	if (btf)
		return btf;
	if (kernel_btf_is_own()) {
		r->err = own_error();
		snprintf(r->why, sizeof(r->why), "cannot read this kernel's types (" OWN_BTF "): %s",
			 strerror(-r->err));
		put_resource_fix(r);
		return NULL;
	}
	snprintf(r->why, sizeof(r->why),
		 "this kernel has no BTF (" OWN_BTF "), which hctrace needs to read it");
	snprintf(r->fix, sizeof(r->fix),
		 "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (every current distribution kernel is), "
		 "or give a file with the BTF of this one, %s, with --btf", kernel.release);
	return NULL;
}
