/**
 * Defect: kafkajs throws away the metadata of all topics for one partition without a leader, or for one topic that the
 * broker refuses. So one broker that is away stops every consumer and producer, also for the partitions of the others.
 *
 * Repair: such a partition has leader -1 and keeps its error code. A topic that was there keeps its partitions in the
 * same way. Nobody reads them, a send to one fails alone with that code, and the metadata is asked for again soon.
 * `createTopics` still sees the error of kafkajs: that is how it waits for leaders.
 */
import { internal } from './internals.ts';

interface PartitionMetadata {
  readonly partitionErrorCode: number;
  readonly partitionId: number;
  readonly leader: number;
}

interface TopicMetadata {
  readonly topicErrorCode: number;
  readonly topic: string;
  readonly partitionMetadata: readonly PartitionMetadata[];
}

interface Metadata {
  readonly topicMetadata: readonly TopicMetadata[];
}

interface Broker {
  metadata(topics: readonly string[]): Promise<Metadata>;
}

interface BrokerPool {
  metadata: Metadata | null;
  metadataExpireAt: number | null;
  refreshMetadata: (this: BrokerPool, topics: readonly string[]) => Promise<void>;
  findConnectedBroker: (this: BrokerPool) => Promise<Broker>;
  withBroker: (this: BrokerPool, work: (found: { nodeId: string; broker: Broker }) => unknown) => Promise<unknown>;
}

interface Response {
  decode(bytes: Buffer): Promise<Metadata>;
  parse(answer: Metadata): Promise<Metadata>;
}

interface MetadataDefinition {
  protocol: (
    this: void,
    version: { version: number },
  ) => (request: unknown) => { readonly request: unknown; readonly response: Response };
}

interface Cluster {
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  findLeaderForPartitions: (this: Cluster, topic: string, partitions: readonly (number | string)[]) => unknown;
}

/** An error of a broker, as kafkajs names it. */
export interface ProtocolError extends Error {
  readonly type: string;
}

const NO_LEADER = -1;
const LEADER_NOT_AVAILABLE = 5;
/** The partition has its leader, and one of its other replicas is away. */
const REPLICA_NOT_AVAILABLE = 9;
/** How soon the metadata is asked for again while a partition has no leader. */
const ASK_AGAIN_MS = 1_000;

/** The error that kafkajs throws for a code of the protocol. */
export function protocolError(code: number): ProtocolError {
  return internal<{ createErrorFromCode(code: number): ProtocolError }>('protocol/error.js').createErrorFromCode(code);
}

/** Why nobody can be asked for a partition without a leader, as an error that names it. */
export function withoutLeader(topic: string, { partitionId, partitionErrorCode }: PartitionMetadata): ProtocolError {
  const error = protocolError(partitionErrorCode === 0 ? LEADER_NOT_AVAILABLE : partitionErrorCode);
  error.message = `${topic}/${partitionId}: ${error.message}`;
  return error;
}

export function repairMetadata(): void {
  /** What the broker answered, by the error that kafkajs made of it. */
  const answers = new WeakMap<object, Metadata>();
  keepAnswers(answers);

  const pool = internal<{ prototype: BrokerPool }>('cluster/brokerPool.js').prototype;
  const { refreshMetadata, findConnectedBroker, withBroker } = pool;
  pool.refreshMetadata = async function repaired(topics) {
    await refreshMetadata.call(this, topics);
    const isLed = ({ partitionMetadata }: TopicMetadata): boolean =>
      partitionMetadata.every(({ leader }) => leader >= 0);
    if (this.metadata?.topicMetadata.every(isLed) !== false) return;
    this.metadataExpireAt = Math.min(this.metadataExpireAt ?? 0, Date.now() + ASK_AGAIN_MS);
  };
  // Only `refreshMetadata` calls it.
  pool.findConnectedBroker = async function repaired() {
    return tolerant(await findConnectedBroker.call(this), this.metadata);
  };
  pool.withBroker = function repaired(work) {
    return withBroker.call(this, ({ nodeId, broker }) => work({ nodeId, broker: tolerant(broker, null) }));
  };

  const cluster = internal<{ prototype: Cluster }>('cluster/index.js').prototype;
  const { findLeaderForPartitions } = cluster;
  cluster.findLeaderForPartitions = function repaired(topic, partitions) {
    const wanted = new Set(partitions.map(Number));
    const dead = this.findTopicPartitionMetadata(topic).find(
      ({ leader, partitionId }) => leader < 0 && wanted.has(partitionId),
    );
    if (dead !== undefined) throw withoutLeader(topic, dead);
    return findLeaderForPartitions.call(this, topic, partitions);
  };

  function tolerant(broker: Broker, known: Metadata | null): Broker {
    const metadata = async (topics: readonly string[]): Promise<Metadata> => {
      try {
        return await broker.metadata(topics);
      } catch (error) {
        const answer = answers.get(error as object);
        const usable = answer === undefined ? null : usableOf(answer, known);
        if (usable === null) throw error;
        return usable;
      }
    };
    return Object.create(broker, { metadata: { value: metadata } }) as Broker;
  }
}

function keepAnswers(answers: WeakMap<object, Metadata>): void {
  const definition = internal<MetadataDefinition>('protocol/requests/metadata/index.js');
  const { protocol } = definition;
  definition.protocol = (version) => {
    const original = protocol(version);
    return (request) => {
      const made = original(request);
      const parse = async (answer: Metadata): Promise<Metadata> => {
        try {
          return await made.response.parse(answer);
        } catch (error) {
          answers.set(error as object, answer);
          throw error;
        }
      };
      return { ...made, response: { ...made.response, parse } };
    };
  };
}

/** Null if the answer is of no use: a topic that nobody knew has an error, or every topic has one. */
function usableOf(answer: Metadata, known: Metadata | null): Metadata | null {
  if (answer.topicMetadata.every(({ topicErrorCode }) => topicErrorCode !== 0)) return null;
  const topics = answer.topicMetadata.map((one): TopicMetadata | null => {
    const { topic, topicErrorCode } = one;
    const refused = (partition: PartitionMetadata): PartitionMetadata => ({
      ...partition,
      partitionErrorCode: topicErrorCode === 0 ? partition.partitionErrorCode : topicErrorCode,
      leader: NO_LEADER,
    });
    if (topicErrorCode === 0) {
      const partitionMetadata = one.partitionMetadata.map((partition) =>
        [0, REPLICA_NOT_AVAILABLE].includes(partition.partitionErrorCode) ? partition : refused(partition),
      );
      return { ...one, partitionMetadata };
    }
    const before = known?.topicMetadata.find((other) => other.topic === topic);
    return before === undefined ? null : { ...before, partitionMetadata: before.partitionMetadata.map(refused) };
  });
  return topics.every((topic) => topic !== null) ? { ...answer, topicMetadata: topics } : null;
}
