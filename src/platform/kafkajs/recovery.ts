/**
 * Defects of what kafkajs' consumer does after a fetch that went wrong:
 * - For an error of one partition that may mean a new leader it makes the whole group rebalance, again and again while
 *   the error lasts.
 * - A broker that cannot be reached ends the fetches from all brokers, and after some retries the consumer, although the
 *   cluster may keep that broker among its members (a broken network is seen by one side only).
 *
 * Repair: the answer names the partition with an error (`range.fault`, fetch.ts), and only the metadata is refreshed. A
 * broker that cannot be reached is asked again later. If it is the coordinator of the group, the heartbeat fails, and
 * that ends the consumer as before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchedMessages } from './fetch.ts';
import { internal } from './internals.ts';

interface ConsumerGroup {
  readonly maxWaitTime: number;
  readonly cluster: { refreshMetadata(): Promise<void> };
  fetch: (this: ConsumerGroup, nodeId: string) => Promise<{ readonly rawMessages: FetchedMessages }[]>;
  recoverFromFetch: (this: ConsumerGroup, error: Error) => Promise<void>;
}

export function repairRecovery(): void {
  const group = internal<{ prototype: ConsumerGroup }>('consumer/consumerGroup.js').prototype;
  const { fetch, recoverFromFetch } = group;
  group.fetch = async function repaired(nodeId) {
    const batches = await fetch.call(this, nodeId);
    const isFaulty = batches.some(({ rawMessages: { range } }) => range !== undefined && range.fault !== null);
    // If this fails, what was fetched of the others is still good.
    if (isFaulty) await this.cluster.refreshMetadata().catch(() => {});
    return batches;
  };
  group.recoverFromFetch = async function repaired(error) {
    if (error.name === 'KafkaJSConnectionError') await sleep(this.maxWaitTime);
    else await recoverFromFetch.call(this, error);
  };
}
