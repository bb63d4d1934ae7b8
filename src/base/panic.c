/* SPDX-License-Identifier: MIT */
/*
 * The last words of a program that misused the library beyond repair.
 */
#include "base/panic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
aio__panic(const char *format, ...)
{
    va_list args;

    fputs("libasyncio: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
