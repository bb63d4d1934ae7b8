/* SPDX-License-Identifier: MIT */
#ifndef FETCH_OUTPUT_H
#define FETCH_OUTPUT_H

#include <stddef.h>

#include "url.h"

/* A file that takes its name only when it is complete. */
struct output {
    int fd;      /* -1: none */
    char *path;  /* the name it will have; owned */
    char *part;  /* the name it has until then; owned */
};

/* The name under `directory` for a URL: "host:port/path/to/file?query". */
char *output_path(const char *directory, const struct url *url);

/* Open a file for a URL, and make the directories on the way to it. `number`
 * tells files under way from each other. */
int output_open(struct output *output, const char *directory,
                const struct url *url, unsigned number);

int output_write(struct output *output, const void *data, size_t size);

/* The file is complete: give it its name. */
int output_commit(struct output *output);

/* Remove it, unless it is complete. */
void output_discard(struct output *output);

#endif
