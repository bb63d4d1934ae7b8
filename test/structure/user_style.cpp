/* SPDX-License-Identifier: MIT */
/* The functions beneath the macros, from C++17. Never run. */
#include <asyncio/version.h>

int
main()
{
    return asyncio_version_string()[0] == '\0';
}
