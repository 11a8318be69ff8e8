/**
 * Defect: kafkajs asks any broker for a group's coordinator, and for metadata by name, and gives up if the one that it
 * happens to choose cannot be reached.
 * Repair: the next broker is asked; the error counts only if no broker can be reached.
 */
import { internal } from './internals.ts';

interface FoundBroker {
  readonly nodeId: string;
  readonly broker: unknown;
}

interface BrokerPool {
  readonly brokers: Readonly<Record<string, unknown>>;
  findBroker(asked: { readonly nodeId: string }): Promise<unknown>;
  withBroker: <T>(this: BrokerPool, work: (found: FoundBroker) => Promise<T>) => Promise<T | null>;
}

export function repairAnyBroker(): void {
  const shuffle = internal<(values: readonly string[]) => string[]>('utils/shuffle.js');
  const pool = internal<{ prototype: BrokerPool }>('cluster/brokerPool.js').prototype;
  const { withBroker } = pool;
  pool.withBroker = async function repaired(work) {
    const nodeIds = shuffle(Object.keys(this.brokers));
    // It throws.
    if (nodeIds.length === 0) return withBroker.call(this, work) as Promise<never>;
    let unreachable: { readonly error: unknown } | null = null;
    let isReached = false;
    for (const nodeId of nodeIds) {
      let broker: unknown;
      try {
        broker = await this.findBroker({ nodeId });
      } catch (error) {
        unreachable ??= { error };
        continue;
      }
      isReached = true;
      try {
        return await work({ nodeId, broker });
      } catch {
        // As kafkajs does: another broker may know better; null means that none did.
      }
    }
    if (unreachable !== null && !isReached) throw unreachable.error;
    return null;
  };
}
