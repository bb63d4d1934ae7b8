/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_CONSTANTS_H
#define ASYNCIO_CONSTANTS_H

/**
 * @file constants.h
 * The numbers that asyncio is tuned with. Times are in seconds, sizes in
 * bytes. To read, not to change: most have a keyword where they apply.
 */

/** Bytes a StreamReader buffers for a line unless `.limit` says otherwise. */
#define ASYNCIO_STREAM_DEFAULT_LIMIT 65536

/** Writes to a lost connection before the log says so. */
#define ASYNCIO_LOG_THRESHOLD_FOR_CONNLOST_WRITES 5

/** Pause of a server that ran out of descriptors. */
#define ASYNCIO_ACCEPT_RETRY_DELAY 1

/** How much of a file is read at once where the system cannot send it. */
#define ASYNCIO_SENDFILE_FALLBACK_READBUFFER_SIZE (256 * 1024)

/** How long a TLS handshake may take. */
#define ASYNCIO_SSL_HANDSHAKE_TIMEOUT 60.0

/** How long a TLS connection may take to close. */
#define ASYNCIO_SSL_SHUTDOWN_TIMEOUT 30.0

/** Decrypted bytes that may wait for a protocol. */
#define ASYNCIO_FLOW_CONTROL_HIGH_WATER_SSL_READ (256 * 1024)

/** Bytes that may wait to be encrypted and sent. */
#define ASYNCIO_FLOW_CONTROL_HIGH_WATER_SSL_WRITE (512 * 1024)

#endif
