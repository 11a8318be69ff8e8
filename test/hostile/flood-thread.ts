import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { flood, type Flooded, type FloodOptions } from './flood.ts';

/** What a thread is given: everything of the options but the function. */
type ThreadOptions = Omit<FloodOptions, 'onPace'>;
type FromThread = { readonly kind: 'pace' } | { readonly kind: 'done'; readonly flooded: Flooded };

/**
 * Sends the flood from a thread of its own. It makes hundreds of megabytes at a time; the simulator, the proxies and the
 * watch in this thread would stand still meanwhile, and it would look as if the service did.
 */
export async function floodInThread({ onPace, ...options }: FloodOptions): Promise<Flooded> {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: options });
  try {
    for (;;) {
      // Rejects if the thread throws.
      const [message] = (await once(thread, 'message')) as [FromThread];
      if (message.kind === 'done') return message.flooded;
      await onPace();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      thread.postMessage('go on');
    }
  } finally {
    await thread.terminate();
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const flooded = await flood({
    ...(workerData as ThreadOptions),
    async onPace() {
      port.postMessage({ kind: 'pace' } satisfies FromThread);
      await once(port, 'message');
    },
  });
  port.postMessage({ kind: 'done', flooded } satisfies FromThread);
}
