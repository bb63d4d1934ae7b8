/* SPDX-License-Identifier: MIT */
/*
 * Names and texts of error codes: asyncio's from their map, libuv's from
 * libuv's own map, so that both stay complete by themselves.
 */
#include <stddef.h>
#include <uv.h>

#include "asyncio/exceptions.h"

const char *
asyncio_strerror(int code)
{
    switch (code) {
#define CASE(name, number, python, text)                                      \
    case number:                                                              \
        return text;
        ASYNCIO_ERR_MAP(CASE)
#undef CASE
#define CASE(name, text)                                                      \
    case UV_##name:                                                           \
        return text;
        UV_ERRNO_MAP(CASE)
#undef CASE
    case 0:
        return "success";
    default:
        return "unknown error";
    }
}

const char *
asyncio_err_name(int code)
{
    /* TimeoutError has two names; asyncio's is the one to show. */
    if (code == ASYNCIO_ERR_TIMEOUT)
        return "ASYNCIO_ERR_TIMEOUT";
    switch (code) {
#define CASE(name, number, python, text)                                      \
    case number:                                                              \
        return "ASYNCIO_ERR_" #name;
        ASYNCIO_ERR_MAP(CASE)
#undef CASE
#define CASE(name, text)                                                      \
    case UV_##name:                                                           \
        return "UV_" #name;
        UV_ERRNO_MAP(CASE)
#undef CASE
    case 0:
        return "OK";
    default:
        return "unknown";
    }
}
