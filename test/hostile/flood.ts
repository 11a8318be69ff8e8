import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Message, Producer } from 'kafkajs';
import kafkajs, { CompressionTypes, Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { randomFrom, type Random } from '../support/random.ts';
import {
  goodRecord,
  ODD_TIMESTAMPS,
  hostileRecord,
  type OutgoingRecord,
  RECORD_NAMES,
  type RecordName,
  schemaText,
} from './records.ts';

export interface FloodOptions {
  readonly brokers: string;
  readonly registryUrl: string;
  readonly topic: string;
  readonly partitions: number;
  readonly seed: number;
  /** How many hostile records; a tenth as many good ones come between them. */
  readonly records: number;
  /** Batches of zeros that unpack to this many megabytes each. */
  readonly bombsMb: readonly number[];
  /** Called before each batch; resolves when more may be sent. */
  readonly onPace: () => Promise<void>;
}

/** What Kafka acknowledged. Positions are `partition/offset`. */
export interface Flooded {
  /** Each of these must have exactly one disposition. */
  readonly committed: ReadonlySet<string>;
  /** Rolled back: none of these may have a disposition. */
  readonly aborted: ReadonlySet<string>;
  /** Subscription numbers of the good events. */
  readonly good: ReadonlySet<string>;
}

const BATCH_MAX = 150;
const TRANSACTIONAL = 0.05;
const MEGABYTE = 1024 * 1024;

/** Sends hostile records between good ones, in batches of all codecs, some of them in transactions. */
export async function flood(options: FloodOptions): Promise<Flooded> {
  const random = randomFrom(options.seed);
  writeEveryCodec();
  const kafka = new Kafka({ brokers: options.brokers.split(','), clientId: 'hostile', logLevel: logLevel.NOTHING });
  const ids = await registerSchemas(options);
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  const transactional = kafka.producer({
    allowAutoTopicCreation: false,
    transactionalId: `hostile-${options.topic}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await Promise.all([producer.connect(), transactional.connect()]);
  const committed = new Set<string>();
  const aborted = new Set<string>();
  const good = new Set<string>();
  const bombs = [...options.bombsMb];
  try {
    for (let sent = 0, goodSent = 0; sent < options.records;) {
      await options.onPace();
      const batch: OutgoingRecord[] = [];
      for (let left = 1 + random.int(BATCH_MAX); left > 0 && sent < options.records; left -= 1, sent += 1) {
        batch.push(hostileRecord(sent, ids, random));
        if (random.chance(0.1)) batch.push(goodRecord((goodSent += 1), ids, random));
      }
      const dueBombs = Math.floor((sent / options.records) * options.bombsMb.length);
      while (options.bombsMb.length - bombs.length < dueBombs) {
        const megabytes = bombs.shift() ?? 0;
        for (const place of await sendBatch(producer, options, random, bomb(megabytes))) committed.add(place);
      }
      if (!random.chance(TRANSACTIONAL)) {
        for (const place of await sendBatch(producer, options, random, batch)) committed.add(place);
        for (const { good: isGood, key } of batch) if (isGood) good.add(String(key));
        continue;
      }
      const transaction = await transactional.transaction();
      const places = await sendBatch(transaction, options, random, batch);
      const commits = random.chance(0.5);
      await (commits ? transaction.commit() : transaction.abort());
      for (const place of places) (commits ? committed : aborted).add(place);
      if (commits) for (const { good: isGood, key } of batch) if (isGood) good.add(String(key));
    }
  } finally {
    await Promise.all([producer.disconnect(), transactional.disconnect()]);
  }
  return { committed, aborted, good };
}

function bomb(megabytes: number): OutgoingRecord[] {
  const value = Buffer.alloc(MEGABYTE);
  return Array.from({ length: megabytes }, () => ({ key: Buffer.from('bomb'), value, headers: {}, good: false }));
}

/** Sends the records as one batch to one partition, and returns their positions. */
async function sendBatch(
  producer: Pick<Producer, 'send'>,
  { topic, partitions }: FloodOptions,
  random: Random,
  records: readonly OutgoingRecord[],
): Promise<string[]> {
  const partition = random.int(partitions);
  const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const large = [CompressionTypes.GZIP, CompressionTypes.ZSTD];
  const small = [...large, CompressionTypes.None, CompressionTypes.LZ4, CompressionTypes.Snappy];
  const compression = random.pick(bytes > MEGABYTE / 2 ? large : small);
  // One time for the whole batch: kafkajs computes differences of times as JavaScript numbers.
  const timestamp = random.chance(0.15) ? { timestamp: random.pick(ODD_TIMESTAMPS) } : {};
  const messages = records.map(({ key, value, headers }) => ({
    partition,
    key,
    value,
    headers,
    ...timestamp,
  })) as Message[];
  let answer;
  try {
    [answer] = await producer.send({ topic, compression, messages });
  } catch (error) {
    // Random bytes do not compress: the broker refuses what is larger than a message may be, and nothing is stored.
    if (records.length > 1 && (error as { type?: string }).type?.endsWith('_TOO_LARGE')) {
      const half = Math.ceil(records.length / 2);
      const first = await sendBatch(producer, { topic, partitions } as FloodOptions, random, records.slice(0, half));
      return [
        ...first,
        ...(await sendBatch(producer, { topic, partitions } as FloodOptions, random, records.slice(half))),
      ];
    }
    throw error;
  }
  const base = Number(answer?.baseOffset);
  return records.map((_record, index) => `${partition}/${base + index}`);
}

async function registerSchemas({ registryUrl, topic }: FloodOptions): Promise<ReadonlyMap<RecordName, number>> {
  const registry = new SchemaRegistry({ host: registryUrl });
  const ids = new Map<RecordName, number>();
  for (const name of RECORD_NAMES) {
    const schema = { type: SchemaType.AVRO as const, schema: schemaText(name) };
    ids.set(name, (await registry.register(schema, { subject: `${topic}-${name}` })).id);
  }
  return ids;
}

/** kafkajs writes only gzip by itself. Snappy and LZ4 are written here as bare literals, which their formats allow. */
function writeEveryCodec(): void {
  const { CompressionCodecs } = kafkajs;
  const codec = (compress: (bytes: Buffer) => Promise<Buffer>) => () => ({
    compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
    decompress: (bytes: Buffer) => Promise.resolve(bytes),
  });
  CompressionCodecs[CompressionTypes.GZIP] = codec((bytes) => promisify(gzip)(bytes));
  CompressionCodecs[CompressionTypes.ZSTD] = codec((bytes) => promisify(zstdCompress)(bytes));
  CompressionCodecs[CompressionTypes.Snappy] = codec((bytes) => Promise.resolve(snappyLiterals(bytes)));
  CompressionCodecs[CompressionTypes.LZ4] = codec((bytes) => Promise.resolve(lz4Literals(bytes)));
}

const BLOCK_BYTES = 64 * 1024;

function blocks(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / BLOCK_BYTES) }, (_, at) =>
    bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES),
  );
}

function snappyLiterals(bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  const parts = blocks(bytes).flatMap((block) => {
    const tag = Buffer.from([61 << 2, 0, 0]);
    tag.writeUInt16LE(block.length - 1, 1);
    return [tag, block];
  });
  return Buffer.concat([Buffer.from(length), ...parts]);
}

/** Frame: magic, version 1 with independent blocks of 64 KB, the descriptor's checksum; uncompressed blocks; end mark. */
function lz4Literals(bytes: Buffer): Buffer {
  const parts = blocks(bytes).flatMap((block) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE((block.length | 0x80000000) >>> 0);
    return [size, block];
  });
  return Buffer.concat([Buffer.from('04224d18604082', 'hex'), ...parts, Buffer.alloc(4)]);
}
