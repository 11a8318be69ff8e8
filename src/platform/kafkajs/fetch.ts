/**
 * Defects of how kafkajs reads the answer of a fetch: it decodes everything at once, however much that is, one record
 * that it cannot decode fails the whole answer (and so stops all partitions of the broker for good), and any error of
 * one partition does too.
 *
 * Repair: the answer is decoded here, a partition at a time and within a budget. The records are read by partition.ts.
 */
import { readPartition } from './partition.ts';
import { UNPACKED_BYTES_MAX } from './codecs.ts';
import { internal } from './internals.ts';
import { protocolError } from './metadata.ts';
import { abortedTransactions, type AbortedTransaction } from './transactions.ts';
import type { ReceivedMessage } from './unreadable.ts';

/** What a fetch covered of its partition. */
export interface FetchedRange {
  /** Where the fetch started. */
  readonly position: number;
  /** The position after everything that was read, also what has no message: control records, rolled back ones. */
  readonly nextOffset: number;
  /** The end of the partition: the offset that its next record will get. */
  readonly highWatermark: number;
  /** Before the first open transaction; the end, if none is open. Nothing is delivered from there on. */
  readonly lastStableOffset: number;
  /** The position does not exist in the partition. */
  readonly isOutOfRange: boolean;
  /** Why the broker reads nothing of the partition now, as Kafka names it; null if it does. */
  readonly fault: string | null;
}

/** Messages as kafkajs passes them on, with what belongs to all of them. */
export type FetchedMessages = ReceivedMessage[] & { range?: FetchedRange };

interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

interface FetchAnswer {
  readonly errorCode: number;
}

interface Protocol {
  readonly request: unknown;
  readonly response: {
    decode(bytes: Buffer): Promise<FetchAnswer>;
    parse(answer: FetchAnswer): Promise<FetchAnswer>;
  };
}

interface FetchDefinition {
  protocol: (this: void, version: { version: number }) => (request: FetchRequest) => Protocol;
}

/** The first version with record batches, which every broker since Kafka 0.11 speaks. */
const BATCHES_SINCE = 4;
const OFFSET_OUT_OF_RANGE = 1;
/** Records and headers that one answer becomes: some tens of megabytes, and some tens of milliseconds. */
const OBJECTS_MAX = 20_000;

export function repairFetch(): void {
  const definition = internal<FetchDefinition>('protocol/requests/fetch/index.js');
  const { protocol } = definition;
  definition.protocol = ({ version }) => {
    const original = protocol({ version });
    if (version < BATCHES_SINCE) return original;
    return (request) => {
      const made = original(request);
      const decode = (bytes: Buffer): Promise<FetchAnswer> => decodeAnswer(bytes, version, request);
      return { ...made, response: { decode, parse } };
    };
  };
}

/** An error of a partition belongs to that partition alone (`range`); only one of the whole answer is thrown. */
function parse(answer: FetchAnswer): Promise<FetchAnswer> {
  return answer.errorCode === 0 ? Promise.resolve(answer) : Promise.reject(protocolError(answer.errorCode));
}

function faultOf(errorCode: number): string | null {
  if (errorCode === 0 || errorCode === OFFSET_OUT_OF_RANGE) return null;
  const { type, message } = protocolError(errorCode);
  return `${type} (${message})`;
}

interface RawPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly preferredReadReplica: number;
  readonly bytes: Buffer;
}

/** Counts the answers. */
let answers = 0;
/**
 * Where reading of a partition stands, and the first answer to a fetch from there. Partitions that have stood there longest
 * go first, in reading and in processing: those that pause, and those whose batch needs the whole budget. The others take
 * turns.
 */
const standing = new Map<string, { readonly position: number; readonly since: number }>();

async function decodeAnswer(bytes: Buffer, version: number, request: FetchRequest): Promise<FetchAnswer> {
  const { throttleTime, errorCode, sessionId, partitions } = readAnswer(bytes, version);
  const positions = new Map<string, number>(
    request.topics.flatMap(({ topic, partitions: asked }) =>
      asked.map(({ partition, fetchOffset }) => [`${topic}/${partition}`, Number(fetchOffset)] as const),
    ),
  );
  const left = { bytes: UNPACKED_BYTES_MAX, objects: OBJECTS_MAX, partitions: partitions.filter(hasRecords).length };
  const read = new Map<RawPartition, FetchedMessages>();
  answers += 1;
  for (const [place, position] of positions) {
    if (standing.get(place)?.position !== position) standing.set(place, { position, since: answers });
  }
  for (const raw of longestStandingFirst(partitions)) {
    const place = placeOf(raw.topic, raw.partition);
    const position = positions.get(place) ?? 0;
    // Each gets an equal share of the objects, and what those before it left over: all get on with every answer.
    const share = Math.ceil(left.objects / Math.max(left.partitions, 1));
    const budget = { bytes: left.bytes, objects: share };
    const { messages, nextOffset } = await readPartition(
      { ...raw, place, position, aborted: abortedTransactions(raw.aborted) },
      budget,
    );
    left.bytes = budget.bytes;
    left.objects = Math.max(left.objects - (share - budget.objects), 0);
    if (hasRecords(raw)) left.partitions -= 1;
    const { highWatermark, lastStableOffset } = raw;
    const isOutOfRange = raw.errorCode === OFFSET_OUT_OF_RANGE;
    read.set(
      raw,
      Object.assign([...messages], {
        range: { position, nextOffset, highWatermark, lastStableOffset, isOutOfRange, fault: faultOf(raw.errorCode) },
      }),
    );
  }
  // kafkajs processes them in this order.
  const topics = Map.groupBy(read.keys(), ({ topic }) => topic);
  const answer = {
    // Since version 8 the broker does not wait itself, and expects the client to.
    throttleTime: version < 8 ? throttleTime : 0,
    clientSideThrottleTime: version < 8 ? undefined : throttleTime,
    errorCode,
    sessionId,
    responses: [...topics].map(([topicName, raws]) => ({
      topicName,
      partitions: raws.map((raw) => ({
        partition: raw.partition,
        errorCode: raw.errorCode,
        highWatermark: String(raw.highWatermark),
        lastStableOffset: String(raw.lastStableOffset),
        // They are left out already.
        abortedTransactions: null,
        preferredReadReplica: raw.preferredReadReplica,
        messages: read.get(raw) ?? [],
      })),
    })),
  };
  return answer;
}

function longestStandingFirst(partitions: readonly RawPartition[]): RawPartition[] {
  const turn = answers % Math.max(partitions.length, 1);
  const since = ({ topic, partition }: RawPartition): number => standing.get(placeOf(topic, partition))?.since ?? 0;
  return [...partitions.slice(turn), ...partitions.slice(0, turn)].toSorted((a, b) => since(a) - since(b));
}

function hasRecords({ bytes }: RawPartition): boolean {
  return bytes.length > 0;
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** The answer without its records; fields as the protocol has them from version 4 to 11. */
function readAnswer(bytes: Buffer, version: number) {
  let at = 0;
  const int16 = (): number => bytes.readInt16BE((at += 2) - 2);
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4);
  const int64 = (): bigint => bytes.readBigInt64BE((at += 8) - 8);
  const take = (length: number): Buffer => bytes.subarray(at, (at += Math.max(length, 0)));
  const list = <T>(read: () => T): T[] => Array.from({ length: Math.max(int32(), 0) }, read);

  const throttleTime = int32();
  const errorCode = version < 7 ? 0 : int16();
  const sessionId = version < 7 ? 0 : int32();
  const partitions = list(() => {
    const topic = take(int16()).toString('utf8');
    return list((): RawPartition => {
      const [partition, code] = [int32(), int16()];
      const [highWatermark, lastStableOffset] = [Number(int64()), Number(int64())];
      if (version >= 5) int64();
      const aborted = list(() => ({ producerId: int64(), firstOffset: Number(int64()) }));
      const preferredReadReplica = version < 11 ? -1 : int32();
      const records = take(int32());
      return {
        topic,
        partition,
        errorCode: code,
        highWatermark,
        lastStableOffset,
        aborted,
        preferredReadReplica,
        bytes: records,
      };
    });
  }).flat();
  return { throttleTime, errorCode, sessionId, partitions };
}
