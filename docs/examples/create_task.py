import asyncio


async def worker(number):
    print(f"Worker {number} started")
    await asyncio.sleep(2)
    print(f"Worker {number} finished")


async def main():
    workers = [asyncio.create_task(worker(i + 1)) for i in range(3)]
    await asyncio.gather(*workers)


asyncio.run(main())
