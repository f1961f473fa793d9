/** Has a kernel work on for a while after it said goodbye, as it does anyway, for a moment, on a machine under load. */
export const lingering = `
import asyncio
def _linger(kernel, goodbye):
    async def at_shutdown():
        await goodbye()
        await asyncio.sleep(1)
    kernel._at_shutdown = at_shutdown
_linger(get_ipython().kernel, get_ipython().kernel._at_shutdown)`
