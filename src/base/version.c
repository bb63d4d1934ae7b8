/* SPDX-License-Identifier: MIT */
/*
 * The version of the library that was linked, as the build system knows it.
 * The header has the same number in macros; a test compares the two, so that
 * neither can be forgotten in a release. Python counterpart: none.
 */
#include "config.h"

#include <asyncio/version.h>

const char *
asyncio_version_string(void)
{
    return AIO__VERSION;
}
