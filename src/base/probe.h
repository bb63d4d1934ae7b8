/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_PROBE_H
#define AIO_BASE_PROBE_H

/*
 * Static probes, for bpftrace, perf, SystemTap and gdb: an instruction that
 * does nothing, and a note in the library that says where it is and in which
 * registers its two arguments are. docs/tutorial.md lists them.
 */

#include "config.h"

#if AIO__HAVE_USDT
#include <sys/sdt.h>
#define aio__probe(name, a, b) DTRACE_PROBE2(libasyncio, name, a, b)
#else
#define aio__probe(name, a, b) ((void) (a), (void) (b))
#endif

#endif
