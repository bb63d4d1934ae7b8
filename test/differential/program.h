/* SPDX-License-Identifier: MIT */
#ifndef DIFFERENTIAL_PROGRAM_H
#define DIFFERENTIAL_PROGRAM_H

/*
 * Programs as generate.py writes them; program.py describes the text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    ARGS_MAX = 8,
    BODIES_MAX = 16,
    CALLBACKS_MAX = 8,
    OBJECTS_MAX = 16,
    RUNS_MAX = 8,
    NO_TIME = -99, /* the delay that stands for Python's None */
};

struct operation;

/* One line: an operation, and the lines of its block if it has one. */
struct line {
    const struct operation *operation;
    int args[ARGS_MAX];
    int count; /* of args */
    char tag[32]; /* where it stands, as the trace has it */
    struct line *body;
    struct line *handler;
    struct line *next;
};

struct object_line {
    char kind[16];
    int value;
};

struct program {
    uint64_t seed;
    int flags; /* 1: the loop has the eager task factory */
    struct object_line objects[OBJECTS_MAX];
    size_t object_count;
    int runs[RUNS_MAX];
    size_t run_count;
    struct line *bodies[BODIES_MAX];
    struct line *callbacks[CALLBACKS_MAX];
    struct line **owned;
    size_t owned_count, owned_size;
};

/* Read the next program; false at the end of the file. Bad text aborts. */
bool program_read(struct program *program, FILE *file);
void program_fini(struct program *program);

#endif
