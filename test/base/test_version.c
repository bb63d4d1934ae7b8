/* SPDX-License-Identifier: MIT */
#include "behaviour.h"
#include "config.h"

#include <asyncio/version.h>
#include <stdio.h>

PLAIN(the_header_and_the_library_agree_on_the_version)
{
    char header[32];
    snprintf(header, sizeof header, "%d.%d.%d", ASYNCIO_VERSION_MAJOR,
             ASYNCIO_VERSION_MINOR, ASYNCIO_VERSION_PATCH);
    ck_assert_str_eq(header, AIO__VERSION);
    ck_assert_str_eq(header, asyncio_version_string());
}
