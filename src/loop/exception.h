/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_EXCEPTION_H
#define AIO_LOOP_EXCEPTION_H

/*
 * Details of errors: reference counted, immutable once they are shared.
 * A code without detail is NULL here; nothing depends on having memory.
 */

#include "asyncio/exceptions.h"

struct asyncio_exception {
    _Atomic(uint32_t) refs; /* 0: static, lives for ever */
    uint16_t depth; /* of causes below it; bounded */
    int code;
    char *message;    /* owned; NULL for none */
    const char *file; /* where it was raised; static */
    int line;
    asyncio_exception_t *cause;   /* owned; NULL for none */
    asyncio_exception_t **errors; /* of a group, owned */
    size_t count;                 /* of errors */
    void *partial;                /* bytes of an incomplete read, owned */
    size_t partial_size;
    int64_t expected; /* of an incomplete read; -1: not known */
    size_t consumed;  /* of a limit overrun */
};

/* NULL without memory. `message` is copied. */
asyncio_exception_t *aio__exception_new(int code, const char *message);
asyncio_exception_t *aio__exception_ref(asyncio_exception_t *exception);
void aio__exception_unref(asyncio_exception_t *exception);

/* Static ones, for when there is no detail or no memory. */
asyncio_exception_t *aio__exception_of(int code);

/* Add an error to a group, which takes the reference. */
int aio__exception_add(asyncio_exception_t *group, asyncio_exception_t *error);

/* Make this the newest error of the running fiber, or of the thread; takes
 * the reference, which is NULL for an error without detail. A code of 0
 * forgets the former one. Returns `code`. */
int aio__raise_exception(int code, asyncio_exception_t *exception);

/* Raise a code whose cause is the newest error. */
int aio__raise_from(int code);

/* The newest error if its code is this one (a new reference), else NULL. */
asyncio_exception_t *aio__raised(int code);

#endif
