/* SPDX-License-Identifier: MIT */
/*
 * libuv closes its descriptors by syscall(), which the thread sanitizer does
 * not watch: it would take the same number, given to another thread next, for
 * one descriptor that two threads make at once. So tell it of the close.
 */
#include "base/macros.h"

#if AIO__TSAN

#include <dlfcn.h>
#include <sanitizer/linux_syscall_hooks.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*syscall_fn)(long number, ...);

long
syscall(long number, ...)
{
    syscall_fn systems;
    long arg[6];
    va_list args;

    *(void **) &systems = dlsym(RTLD_NEXT, "syscall");
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        arg[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_close)
        __sanitizer_syscall_pre_close(arg[0]);
    return systems(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

#endif
