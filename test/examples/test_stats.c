/* SPDX-License-Identifier: MIT */
/* fetch/stats.c: percentiles, kinds of errors, numbers for people. */
#include "behaviour.h"

#include "fetch/stats.h"

PLAIN(a_percentile_is_a_latency_that_so_many_did_not_exceed)
{
    struct stats stats;

    assert_ok(stats_init(&stats, 100));
    ck_assert_double_eq(stats_percentile(&stats, 0.5), 0);
    for (int i = 100; i > 0; i--)
        stats_add_ok(&stats, i);
    ck_assert_double_eq(stats_percentile(&stats, 0.5), 50);
    ck_assert_double_eq(stats_percentile(&stats, 0.95), 95);
    ck_assert_double_eq(stats_percentile(&stats, 0.99), 99);
    ck_assert_double_eq(stats_percentile(&stats, 1), 100);
    ck_assert_double_eq(stats_percentile(&stats, 0), 1);
    stats_fini(&stats);
}

PLAIN(errors_are_counted_by_kind)
{
    struct stats stats;
    char kind[16];

    assert_ok(stats_init(&stats, 0));
    for (int i = 0; i < 30; i++) {
        snprintf(kind, sizeof kind, "kind %d", i);
        stats_add_error(&stats, kind);
        stats_add_error(&stats, "kind 3");
    }
    ck_assert_uint_eq(stats.failed, 60);
    ck_assert_uint_eq(stats.kind_count, KINDS_MAX);
    ck_assert_uint_eq(stats.kinds[1].count, 31);
    ck_assert_str_eq(stats.kinds[KINDS_MAX - 1].name, "other");
    unsigned sum = 0;
    for (unsigned i = 0; i < stats.kind_count; i++)
        sum += stats.kinds[i].count;
    ck_assert_uint_eq(sum, 60);
    stats_fini(&stats);
}

PLAIN(numbers_are_written_for_people)
{
    char text[32];

    ck_assert_str_eq(format_bytes(text, sizeof text, 0), "0 B");
    ck_assert_str_eq(format_bytes(text, sizeof text, 999), "999 B");
    ck_assert_str_eq(format_bytes(text, sizeof text, 1536), "1.5 KiB");
    ck_assert_str_eq(format_bytes(text, sizeof text, 300e6), "286 MiB");
    ck_assert_str_eq(format_seconds(text, sizeof text, 0.0012), "1.20 ms");
    ck_assert_str_eq(format_seconds(text, sizeof text, 0.1234), "123 ms");
    ck_assert_str_eq(format_seconds(text, sizeof text, 2.5), "2.50 s");
    ck_assert_str_eq(format_seconds(text, sizeof text, 125.4), "2:05 min");
    ck_assert_str_eq(format_count(text, sizeof text, 7), "7");
    ck_assert_str_eq(format_count(text, sizeof text, 1234567), "1,234,567");
}
