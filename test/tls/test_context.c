/* SPDX-License-Identifier: MIT */
/* TLS contexts: defaults, files, and what is refused. */
#include "peers.h"

#include <openssl/ssl.h>

PLAIN(a_missing_file_is_the_error_of_the_system)
{
    asyncio_ssl_context_t *context;

    assert_r(asyncio_ssl_context_new_server(&context), 0);
    assert_r(asyncio_ssl_context_load_cert_chain(context, "/nowhere", NULL),
             UV_ENOENT);
    assert_r(asyncio_ssl_context_load_verify_locations(context, "/nowhere",
                                                       NULL),
             UV_ENOENT);
    asyncio_ssl_context_unref(context);
}
