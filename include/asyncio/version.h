/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_VERSION_H
#define ASYNCIO_VERSION_H

/**
 * @file version.h
 * Which version this is, for the compiler and at run time.
 */

#include "export.h"

#define ASYNCIO_VERSION_MAJOR 0
#define ASYNCIO_VERSION_MINOR 1
#define ASYNCIO_VERSION_PATCH 0

/* One number that grows with every release, for #if. */
#define ASYNCIO_VERSION                                          \
    (ASYNCIO_VERSION_MAJOR * 10000 + ASYNCIO_VERSION_MINOR * 100 \
     + ASYNCIO_VERSION_PATCH)

ASYNCIO_BEGIN_DECLS

/**
 * Tell the version of the library that runs, which may be newer than the
 * header that was compiled.
 *
 * @python   (none)
 * @return   a string like "0.1.0", which lives forever
 * @suspends never
 */
ASYNCIO_EXPORT const char *asyncio_version_string(void);

ASYNCIO_END_DECLS

#endif
