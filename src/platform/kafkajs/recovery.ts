/**
 * Defects of what kafkajs' consumer does after a fetch that went wrong:
 * - For an error of one partition that may mean a new leader it makes the whole group rebalance, again and again while
 *   the error lasts.
 * - A broker that cannot be reached ends the fetches from all brokers, and after some retries the consumer, although the
 *   cluster may keep that broker among its members (a broken network is seen by one side only).
 * - A consumer that the group removed, and that could not join again at once, fetches its former partitions without being a
 *   member, until a commit fails.
 *
 * Repair: the answer names the partition with an error (`range.fault`, fetch.ts), and only the metadata is refreshed. A
 * broker that cannot be reached is asked again later. If it is the coordinator of the group, the heartbeat fails, and
 * that ends the consumer as before. The heartbeat of one that is no member fails, and it joins again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchedMessages } from './fetch.ts';
import { internal } from './internals.ts';

interface ConsumerGroup {
  readonly maxWaitTime: number;
  readonly cluster: { refreshMetadata(): Promise<void> };
  fetch: (this: ConsumerGroup, nodeId: string) => Promise<{ readonly rawMessages: FetchedMessages }[]>;
  recoverFromFetch: (this: ConsumerGroup, error: Error) => Promise<void>;
  readonly memberId: string | null;
  heartbeat: (this: ConsumerGroup, options: { readonly interval: number }) => Promise<void>;
}

/** Its number in Kafka's protocol. */
const UNKNOWN_MEMBER_ID = 25;

export function repairRecovery(): void {
  const group = internal<{ prototype: ConsumerGroup }>('consumer/consumerGroup.js').prototype;
  const { fetch, recoverFromFetch, heartbeat } = group;
  const { createErrorFromCode } = internal<{ createErrorFromCode: (code: number) => Error }>('protocol/error.js');
  group.heartbeat = async function repaired(options) {
    if (this.memberId === null) throw createErrorFromCode(UNKNOWN_MEMBER_ID);
    await heartbeat.call(this, options);
  };
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
