/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_VERSION_H
#define ASYNCIO_VERSION_H

#define ASYNCIO_VERSION_MAJOR 0
#define ASYNCIO_VERSION_MINOR 1
#define ASYNCIO_VERSION_PATCH 0

/* One number that grows with every release, for #if. */
#define ASYNCIO_VERSION                                          \
    (ASYNCIO_VERSION_MAJOR * 10000 + ASYNCIO_VERSION_MINOR * 100 \
     + ASYNCIO_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tell the version of the library that runs, which may be newer than the
 * header that was compiled.
 *
 * @python   none
 * @return   a string like "0.1.0", which lives forever
 * @suspends never
 */
__attribute__((visibility("default"))) const char *
asyncio_version_string(void);

#ifdef __cplusplus
}
#endif

#endif
