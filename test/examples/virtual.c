/* SPDX-License-Identifier: MIT */
/*
 * Runs an example (see virtual.h). With an argument, each line is printed
 * after the time of the loop's clock at which it was written.
 */
#include "virtual.h"

#include <stdio.h>

#undef main

static bool line_begins = true;

static ssize_t
write_lines(void *cookie, const char *data, size_t size)
{
    FILE *out = cookie;

    for (size_t i = 0; i < size; i++) {
        if (line_begins) {
            asyncio_loop_t *loop = asyncio_peek_running_loop();
            if (loop != NULL)
                fprintf(out, "%.3f ", asyncio_loop_time(loop));
            else
                fputs("- ", out);
        }
        putc(data[i], out);
        line_begins = data[i] == '\n';
    }
    return (ssize_t) size;
}

int
main(int argc, char **argv)
{
    FILE *plain = stdout;

    (void) argv;
    if (argc > 1) {
        stdout = fopencookie(plain, "w",
                             (cookie_io_functions_t){.write = write_lines});
        setvbuf(stdout, NULL, _IONBF, 0);
    }
    int status = example_main();
    fflush(stdout);
    fflush(plain);
    return status;
}
