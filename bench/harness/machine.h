/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stdio.h>

/* Stay on one core: the given one, or the last we may use; the core, or -1. */
int machine_pin(int core);

/* NULL, or why figures of this build would mislead. */
const char *machine_refusal(void);

/* A JSON object: commit, compiler, flags, CPU, kernel, mitigations, governor. */
void machine_print(FILE *file, int core);

/* A JSON string, quotes and all. */
void machine_print_string(FILE *file, const char *text);

#endif
