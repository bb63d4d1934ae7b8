/* SPDX-License-Identifier: MIT */
#ifndef AIO_SYNC_STAGGERED_H
#define AIO_SYNC_STAGGERED_H

#include "task/awaiter.h"

/* As those of task/awaiter.h, for the runners of a race. */
asyncio_future_t *aio__staggered_awaiter(struct aio__future_cb *cb);

#endif
