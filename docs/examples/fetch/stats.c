/* SPDX-License-Identifier: MIT */
/*
 * Numbers: what is counted, and how it is written for people.
 */
#include "stats.h"

#include <asyncio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

int
stats_init(struct stats *stats, unsigned total)
{
    *stats = (struct stats){.total = total};
    stats->latency = calloc(total + 1, sizeof *stats->latency);
    return stats->latency != NULL ? 0 : UV_ENOMEM;
}

void
stats_fini(struct stats *stats)
{
    free(stats->latency);
    stats->latency = NULL;
}

void
stats_add_ok(struct stats *stats, double latency)
{
    stats->latency[stats->ok++] = latency;
}

void
stats_add_error(struct stats *stats, const char *kind)
{
    unsigned i = 0;

    stats->failed++;
    while (i < stats->kind_count && strcmp(stats->kinds[i].name, kind) != 0)
        i++;
    if (i == KINDS_MAX)
        i--; /* the rest counts as the last */
    if (i == stats->kind_count) {
        snprintf(stats->kinds[i].name, KIND_SIZE, "%s",
                 i < KINDS_MAX - 1 ? kind : "other");
        stats->kind_count++;
    }
    stats->kinds[i].count++;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

double
stats_percentile(struct stats *stats, double share)
{
    if (stats->ok == 0)
        return 0;
    qsort(stats->latency, stats->ok, sizeof *stats->latency, by_value);
    double rank = ceil(share * stats->ok);
    return stats->latency[rank < 1 ? 0 : (unsigned) rank - 1];
}

const char *
stats_kind(int code)
{
    switch (code) {
    case ASYNCIO_ERR_TIMEOUT:
        return "timed out";
    case ASYNCIO_ERR_INCOMPLETE_READ:
    case ASYNCIO_ERR_CLOSED:
        return "connection closed early";
    case UV_ECONNRESET:
    case UV_EPIPE:
        return "connection reset";
    case UV_ECONNREFUSED:
        return "connection refused";
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_AGAIN:
    case UV_EAI_FAIL:
        return "host not found";
    case UV_EPROTO:
        return "bad response";
    case UV_ELOOP:
        return "too many redirects";
    case UV_EINVAL:
    case UV_EPROTONOSUPPORT:
        return "bad URL";
    case UV_EFBIG:
        return "page too large";
    case ASYNCIO_ERR_SSL:
    case ASYNCIO_ERR_SSL_EOF:
        return "TLS error";
    case ASYNCIO_ERR_SSL_CERT_VERIFICATION:
        return "bad certificate";
    default:
        return asyncio_strerror(code);
    }
}

char *
format_bytes(char *buffer, size_t size, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;

    for (; bytes >= 1000 && unit < 4; unit++)
        bytes /= 1024;
    snprintf(buffer, size, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s",
             bytes, units[unit]);
    return buffer;
}

char *
format_seconds(char *buffer, size_t size, double seconds)
{
    if (seconds < 0.9995)
        snprintf(buffer, size, seconds < 0.01 ? "%.2f ms" : "%.0f ms",
                 seconds * 1e3);
    else if (seconds < 60)
        snprintf(buffer, size, "%.2f s", seconds);
    else
        snprintf(buffer, size, "%.0f:%02.0f min", floor(seconds / 60),
                 floor(fmod(seconds, 60)));
    return buffer;
}

char *
format_count(char *buffer, size_t size, double count)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", count);
    size_t out = 0;

    for (int i = 0; i < length && out + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer[out++] = ',';
        buffer[out++] = digits[i];
    }
    buffer[out] = '\0';
    return buffer;
}
