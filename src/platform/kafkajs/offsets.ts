/**
 * Defect: kafkajs asks where partitions start and end all or nothing: one whose broker is away, or refuses, keeps a
 * consumer from reading all others for which the group has no offset yet, and an admin from knowing anything.
 *
 * Repair: each partition has its own answer. A consumer leaves a partition out until Kafka reports its first offset;
 * `boundsByPartition` has the reason if a partition has no bounds. The functions of an admin are as strict as before.
 */
import type { Admin } from 'kafkajs';
import { withoutLeader } from './metadata.ts';

interface AskedTopic {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number }[];
  readonly fromBeginning?: boolean;
}

interface TopicOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
}

interface Cluster {
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number; readonly partitionErrorCode: number }[];
  fetchTopicsOffset(topics: readonly AskedTopic[]): Promise<TopicOffsets[]>;
  findGroupCoordinator(group: { readonly groupId: string }): Promise<Coordinator>;
}

/** The broker that a consumer group's members join. */
interface Coordinator {
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
}

type Create<T> = (options: { readonly cluster: Cluster }) => T;

/** First position, and the end for readers of committed messages. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

const clusters = new WeakMap<object, Cluster>();

export function repairAdmin(create: Create<object>): Create<object> {
  return (options) => {
    const admin = create(options);
    clusters.set(admin, options.cluster);
    return admin;
  };
}

/** The cluster that an admin works with. */
export function clusterOf(admin: Admin): Cluster {
  const cluster = clusters.get(admin);
  if (cluster === undefined) throw new Error('The admin was not created by the repaired kafkajs');
  return cluster;
}

/** Each consumer has a cluster of its own. */
export function repairConsumer(create: Create<unknown>): Create<unknown> {
  return ({ cluster, ...options }) => {
    const strict = cluster.fetchTopicsOffset.bind(cluster);
    cluster.fetchTopicsOffset = (topics) =>
      Promise.all(
        topics.map(async (asked) => {
          const found = await offsetsByPartition(cluster, asked, strict);
          const partitions = [...found].flatMap(([partition, offset]) =>
            offset instanceof Error ? [] : [{ partition, offset }],
          );
          // The leader may be another one by now.
          if (partitions.length < found.size) await cluster.refreshMetadata().catch(() => {});
          return { topic: asked.topic, partitions };
        }),
      );
    return create({ ...options, cluster });
  };
}

/**
 * Where each partition of a topic starts and ends now, or why Kafka does not report it.
 * @throws what kafkajs throws if Kafka is away, or if it refuses the topic as a whole.
 */
export async function boundsByPartition(admin: Admin, topic: string): Promise<Map<number, Bounds | Error>> {
  const cluster = clusterOf(admin);
  await cluster.addTargetTopic(topic);
  await cluster.refreshMetadataIfNecessary();
  const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
  const ask = cluster.fetchTopicsOffset.bind(cluster);
  const [lows, highs] = [
    await offsetsByPartition(cluster, { topic, partitions, fromBeginning: true }, ask),
    await offsetsByPartition(cluster, { topic, partitions, fromBeginning: false }, ask),
  ];
  return new Map(
    [...lows].map(([partition, low]) => {
      const high = highs.get(partition) ?? unanswered(topic, partition);
      if (low instanceof Error) return [partition, low];
      return [partition, high instanceof Error ? high : { low: Number(low), high: Number(high) }];
    }),
  );
}

/** Asks each broker alone, and each partition alone if the broker refuses one of several. */
async function offsetsByPartition(
  cluster: Cluster,
  { topic, partitions, ...where }: AskedTopic,
  ask: Cluster['fetchTopicsOffset'],
): Promise<Map<number, string | Error>> {
  const found = new Map<number, string | Error>();
  const askFor = async (numbers: readonly number[]): Promise<void> => {
    try {
      const [answer] = await ask([{ topic, partitions: numbers.map((partition) => ({ partition })), ...where }]);
      const offsets = new Map(answer?.partitions.map(({ partition, offset }) => [partition, offset]));
      for (const number of numbers) found.set(number, offsets.get(number) ?? unanswered(topic, number));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (numbers.length > 1 && error.name === 'KafkaJSProtocolError') {
        await Promise.all(numbers.map((number) => askFor([number])));
      } else for (const number of numbers) found.set(number, error);
    }
  };
  const wanted = new Set(partitions.map(({ partition }) => partition));
  const known = cluster.findTopicPartitionMetadata(topic).filter(({ partitionId }) => wanted.has(partitionId));
  const byLeader = Map.groupBy(known, ({ leader }) => leader);
  for (const one of byLeader.get(-1) ?? []) found.set(one.partitionId, withoutLeader(topic, one));
  byLeader.delete(-1);
  await Promise.all([...byLeader.values()].map((led) => askFor(led.map(({ partitionId }) => partitionId))));
  return found;
}

function unanswered(topic: string, partition: number): Error {
  return new Error(`Kafka does not report where ${topic}/${partition} starts and ends`);
}
