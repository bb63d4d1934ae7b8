/* SPDX-License-Identifier: MIT */
/* The functions beneath the macros, from C++17. Never run. */
#include <asyncio.h>
#include <cstdio>

namespace
{

struct work {
    int n;
    double delay;
};

int
run_work(void *arg)
{
    auto *self = static_cast<work *>(arg);

    int r = asyncio_sleep(self->delay);
    return r < 0 ? r : self->n;
}

int
async_main(void *)
{
    work frame{1, 0.5};
    asyncio_create_task_options_t options{};
    options.size = sizeof options;
    options.name = "slow";
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(run_work, &frame, sizeof frame), &options);

    int r = asyncio_gather(&task, 1, nullptr);
    if (r == 0)
        r = asyncio_await_future(task);
    asyncio_future_unref(task);
    if (asyncio_failed(r))
        std::printf("%s\n", asyncio_err_name(r));
    return r;
}

} // namespace

int
main()
{
    return asyncio_main(asyncio_coro_new(async_main, nullptr, 0), nullptr);
}
