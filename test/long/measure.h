/* SPDX-License-Identifier: MIT */
/* What the long programs share: what the kernel says of a process, and limits
 * on descriptors. */
#ifndef TEST_LONG_MEASURE_H
#define TEST_LONG_MEASURE_H

#include <asyncio.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#ifdef __has_feature
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif

/* What a sanitizer keeps for itself is resident, too. */
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED_THREAD 1
#define SANITIZED 1
#elif defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define SANITIZED_THREAD 0
#define SANITIZED 1
#else
#define SANITIZED_THREAD 0
#define SANITIZED 0
#endif

enum { EXIT_SKIPPED = 77 };

static inline int
must_at(int r, const char *what, const char *file, int line)
{
    if (r >= 0)
        return r;
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, asyncio_err_name(r));
    exit(EXIT_FAILURE);
}

#define must(call) must_at((call), #call, __FILE__, __LINE__)

/* A line of the status of a process, in KiB. */
static inline long
status_kib(const char *process, const char *key)
{
    char path[64], line[256];
    size_t length = strlen(key);
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%s/status", process);
    FILE *file = fopen(path, "r");
    while (file != NULL && kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            kib = strtol(line + length + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kib;
}

static inline int
count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = -1; /* the directory's own */

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

/* So many descriptors for this process, or the end as a test that is skipped. */
static inline void
need_fds(rlim_t n)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= n)
        return;
    limit.rlim_cur = n;
    if (limit.rlim_max < n)
        limit.rlim_max = n;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return;
    printf("skipped: it takes %lu descriptors: raise ulimit -Hn\n",
           (unsigned long) n);
    exit(EXIT_SKIPPED);
}

#endif
