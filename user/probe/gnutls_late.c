// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* GnuTLS, loaded when it is needed. */
#include "gnutls_late.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#define LIBRARY "libgnutls.so.30" /* the ABI of GnuTLS 3, since 2015 */

/* All of CALLS from LIBRARY, or false. */
static bool load(struct gnutls_calls *calls)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return false;
#define X(name) \
	calls->name = (__typeof__(&(name)))dlsym(library, #name); \
	if (!calls->name) \
		return false;
	GNUTLS_CALLS(X)
#undef X
	return true;
}

const struct gnutls_calls *gnutls_late(void)
{
	static struct gnutls_calls calls;
	static bool loaded;

	if (!loaded)
		loaded = load(&calls);
	return loaded ? &calls : NULL;
}
