/* SPDX-License-Identifier: MIT */
/*
 * Trace lines, in the words of the Python side: errors have the names of
 * Python's classes, times are eighths of a second.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

void
trace(struct machine *m, const char *who, const char *what, const char *format,
      ...)
{
    char result[RESULT + 1];
    va_list args;

    if (m->finished)
        return;
    m->lines++;
    va_start(args, format);
    vsnprintf(result, sizeof result, format, args);
    va_end(args);
    fprintf(m->out, "%d %s %s %s\n", eighths(asyncio_loop_time(m->loop)), who,
            what, result);
}

int
say(struct frame *fr, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fr->text, sizeof fr->text, format, args);
    va_end(args);
    return 0;
}

static const char *
class_of(int code)
{
    switch (code) {
#define NAME(name, number, python, text)                                       \
    case number:                                                               \
        return python;
        ASYNCIO_ERR_MAP(NAME)
#undef NAME
    case ASYNCIO_ERR_TIMEOUT:
        return "TimeoutError";
    case ERR_A:
        return "ErrA";
    case ERR_B:
        return "ErrB";
    case ERR_C:
        return "ErrC";
    default:
        return asyncio_err_name(code);
    }
}

/* Append to a buffer that keeps its length; what does not fit is lost. */
struct text {
    char *at;
    size_t left;
};

static void
append(struct text *text, const char *word)
{
    size_t n = strlen(word);

    if (n >= text->left)
        return;
    memcpy(text->at, word, n + 1);
    text->at += n;
    text->left -= n;
}

static void
append_error(struct text *text, int code, const asyncio_exception_t *detail)
{
    const char *message = asyncio_exception_message(detail);

    if (code != ASYNCIO_ERR_EXCEPTION_GROUP) {
        append(text, class_of(code));
        if (code == ASYNCIO_ERR_CANCELLED && message != NULL) {
            append(text, "!");
            append(text, message);
        }
        return;
    }
    append(text, "Group[");
    for (size_t i = 0; i < asyncio_error_group_count(detail); i++) {
        const asyncio_exception_t *e = asyncio_error_group_get(detail, i);

        if (i > 0)
            append(text, ",");
        append_error(text, asyncio_exception_code(e), e);
    }
    append(text, "]");
}

const char *
error_text(char *buffer, size_t size, int code,
           const asyncio_exception_t *detail)
{
    struct text text = {.at = buffer, .left = size};

    buffer[0] = '\0';
    if (asyncio_exception_code(detail) != code)
        detail = NULL;
    append_error(&text, code, detail);
    return buffer;
}

static void append_value(struct text *text, struct machine *m, int num);

/* A member of gather's list. */
static void
append_item(struct text *text, struct machine *m, int num)
{
    asyncio_future_t *future = m->entries[num].future;
    const asyncio_exception_t *detail;

    if (asyncio_future_cancelled(future)) {
        append(text, "CancelledError");
        return;
    }
    detail = asyncio_future_exception(future);
    if (detail == NULL)
        append_value(text, m, num);
    else if (asyncio_exception_code(detail) == ASYNCIO_ERR_CANCELLED)
        append(text, "CancelledError");
    else
        append_error(text, asyncio_exception_code(detail), detail);
}

static void
append_list(struct text *text, struct machine *m, const struct entry *entry)
{
    append(text, "[");
    for (size_t i = 0; i < entry->count; i++) {
        if (i > 0)
            append(text, ",");
        append_item(text, m, entry->children[i]);
    }
    append(text, "]");
}

static void
append_value(struct text *text, struct machine *m, int num)
{
    const struct entry *entry = &m->entries[num];
    char word[16];

    if (entry->made == MADE_GATHER) {
        append_list(text, m, entry);
    } else if (entry->made == MADE_SHIELD) {
        append_value(text, m, entry->children[0]);
    } else {
        snprintf(word, sizeof word, "%d", asyncio_future_result(entry->future));
        append(text, word);
    }
}

const char *
value_text(struct machine *m, char *buffer, size_t size, int num)
{
    struct text text = {.at = buffer, .left = size};

    buffer[0] = '\0';
    append_value(&text, m, num);
    return buffer;
}

int
say_value(struct machine *m, struct frame *fr, int num)
{
    value_text(m, fr->text, sizeof fr->text, num);
    return 0;
}
