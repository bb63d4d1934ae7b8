/* SPDX-License-Identifier: MIT */
/* The documented style, as a careful user compiles it. Never run. */
#include <asyncio/version.h>

int
main(void)
{
    return asyncio_version_string()[0] == '\0';
}
