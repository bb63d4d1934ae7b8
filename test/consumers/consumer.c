/* SPDX-License-Identifier: MIT */
/* What every kind of consumer builds and runs. */
#include <asyncio/version.h>
#include <stdio.h>

int
main(void)
{
    puts(asyncio_version_string());
    return 0;
}
