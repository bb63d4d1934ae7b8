/* SPDX-License-Identifier: MIT */
/*
 * The build and the machine behind a figure: a time without its compiler,
 * flags, CPU, kernel and mitigations says nothing, so every result carries
 * them. What cannot be read (a virtual machine has no governor) is "unknown".
 */
#include "machine.h"
#include "bench.h"
#include "bench_commit.h"

#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#ifndef BENCH_FLAGS
#define BENCH_FLAGS "unknown"
#endif

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

int
machine_pin(int core)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return -1;
    for (int i = CPU_SETSIZE - 1; core < 0 && i >= 0; i--)
        if (CPU_ISSET(i, &set))
            core = i;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return sched_setaffinity(0, sizeof set, &set) < 0 ? -1 : core;
}

const char *
machine_refusal(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return "built with a sanitizer";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return "built with a sanitizer";
#endif
#endif
#ifndef __OPTIMIZE__
    return "built without optimisation";
#endif
    return NULL;
}

void
machine_print_string(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', file);
        if ((unsigned char) *text >= ' ')
            putc(*text, file);
    }
    putc('"', file);
}

static void
print_field(FILE *file, const char *name, const char *text)
{
    fprintf(file, "\"%s\":", name);
    machine_print_string(file, text);
}

/* The first line of a file without its newline; false if it has none. */
static bool
read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool ok = fgets(line, (int) size, file) != NULL;
    fclose(file);
    if (ok)
        line[strcspn(line, "\n")] = '\0';
    return ok;
}

static void
cpu_model(char *model, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    snprintf(model, size, "unknown");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(model, size, "%s", colon);
        break;
    }
    if (file != NULL)
        fclose(file);
}

/* "name: what is done, ..." for what the CPU is vulnerable to. */
static void
mitigations(char *text, size_t size)
{
    static const char where[] = "/sys/devices/system/cpu/vulnerabilities";
    DIR *dir = opendir(where);
    size_t used = 0;

    snprintf(text, size, dir == NULL ? "unknown" : "none");
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        char path[512], line[128];
        snprintf(path, sizeof path, "%s/%s", where, d->d_name);
        if (d->d_name[0] == '.' || !read_line(path, line, sizeof line)
            || strncmp(line, "Not affected", 12) == 0 || used >= size)
            continue;
        used += (size_t) snprintf(text + used, size - used, "%s%s: %s",
                                  used == 0 ? "" : ", ", d->d_name, line);
    }
    if (dir != NULL)
        closedir(dir);
}

void
machine_print(FILE *file, int core)
{
    char text[2048], path[128];
    struct utsname name;

    putc('{', file);
    print_field(file, "commit", BENCH_COMMIT);
    putc(',', file);
    print_field(file, "compiler", COMPILER);
    putc(',', file);
    print_field(file, "flags", BENCH_FLAGS);
    putc(',', file);
    cpu_model(text, sizeof text);
    print_field(file, "cpu", text);
    putc(',', file);
    uname(&name);
    snprintf(text, sizeof text, "%s %s", name.sysname, name.release);
    print_field(file, "kernel", text);
    putc(',', file);
    mitigations(text, sizeof text);
    print_field(file, "mitigations", text);
    putc(',', file);
    snprintf(path, sizeof path,
             "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor",
             core < 0 ? 0 : core);
    print_field(file, "governor",
                read_line(path, text, 64) ? text : "unknown");
    fprintf(file, ",\"core\":%d,\"optimised\":%s}", core,
            machine_refusal() == NULL ? "true" : "false");
}

/* "Name:   123 kB" of /proc/self/status, in bytes. */
static double
status_bytes(const char *name)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtod(line + strlen(name) + 1, NULL);
    if (file != NULL)
        fclose(file);
    return kib * 1024;
}

struct bench_memory
bench_memory(void)
{
    struct bench_memory memory = {0};
    FILE *file = fopen("/proc/self/maps", "r");

    memory.rss = status_bytes("VmRSS");
    memory.page_table = status_bytes("VmPTE");
    for (int c; file != NULL && (c = getc(file)) != EOF;)
        memory.maps += c == '\n';
    if (file != NULL)
        fclose(file);
    return memory;
}
