import { setTimeout as pause } from 'node:timers/promises';
import type { Follow, OperationContext } from '../operations/operation.ts';
import { endLine, showInPlace } from './output.ts';
import { tellingWhy } from './sending-teller.ts';
import { untilToldToStop } from './signals.ts';

const LOOK_MS = 500;
/** Where nobody looks at the terminal a line now and then is enough. */
const LINE_EVERY_MS = 10_000;

type Output = Readonly<Record<string, unknown>>;

/**
 * Shows on standard error how far something is, and why nothing is sent meanwhile, until it is over or a signal stops
 * the command. The work continues then. Returns the last output.
 */
export function follow(context: OperationContext, following: Follow, made: Output): Promise<Output> {
  return tellingWhy(context.db, true, async () => {
    const leaving = new AbortController();
    void untilToldToStop().then(() => leaving.abort());
    const beganAt = performance.now();
    let [output, shownAt] = [made, -Infinity];
    for (;;) {
      const [over, now] = [following.isOver(output), performance.now()];
      if (over || process.stderr.isTTY || now - shownAt >= LINE_EVERY_MS) {
        shownAt = now;
        showInPlace(following.progress(output, made, now - beganAt));
      }
      if (over) {
        endLine();
        return output;
      }
      if (leaving.signal.aborted) throw new Error(following.left(output));
      await pause(LOOK_MS, undefined, { signal: leaving.signal }).catch(() => {});
      output = await following.again(context, output);
    }
  });
}
