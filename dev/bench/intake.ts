import { createEventDecoder } from '../../src/events/decode.ts';
import type { WriterSchema } from '../../src/platform/schema-look-ups.ts';
import { applyChunk, type ApplyOptions } from '../../src/intake/apply.ts';
import { CHUNK_MESSAGES_MAX, chunksOf, slicesOf } from '../../src/intake/chunks.ts';
import type { IncomingMessage, ReadMessage } from '../../src/intake/message.ts';
import { readMessages } from '../../src/intake/read.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { indexWalking } from '../../src/platform/planner-settings.ts';
import { plan } from '../../src/planning/plan.ts';
import { encodeEvent, type Load, makeLoad, unregisteredWriters } from './load.ts';
import { loadLine, type Report } from './report.ts';
import { openRowCopies } from './row-copies.ts';
import { openSite } from './site.ts';

/** As many as the service works on at once. */
const PARTITIONS = 3;

/**
 * Intake without Kafka: decoding, planning and the transaction of each chunk, against two floors in the same run. Bare:
 * decode and insert the inbox rows alone. Rows: decode and insert every row that intake leaves behind, each table by one
 * statement a chunk, as texts that are already there: nothing read, locked or planned.
 */
export async function intake(
  report: Report,
  options: { events: number; subscriptions: number; analysed: boolean },
): Promise<void> {
  const load = makeLoad({ ...options, seed: 1 });
  const intakes = intakeOf();
  const partitions = intakes.partitionsOf(load.events);
  const site = await openSite(report, { parts: ['postgres'] });
  if (options.analysed) await site.db.query('vacuum analyze');
  try {
    const perSecond = async (work: (chunk: readonly ReadMessage[]) => Promise<unknown>): Promise<number> => {
      const begunAt = performance.now();
      await Promise.all(
        partitions.map(async (messages) => {
          for await (const chunk of intakes.chunksRead(messages)) await work(chunk);
        }),
      );
      return load.events.length / ((performance.now() - begunAt) / 1000);
    };

    const db = openForIntake(site.databaseUrl);
    const real = await perSecond((chunk) => applyChunk(chunk, intakes.applying(db)));
    const copies = await openRowCopies(site.db, CHUNK_MESSAGES_MAX);
    const rowsDb = openForIntake(await site.anotherDatabase());
    const rows = await perSecond((chunk) => {
      const [first] = chunk;
      return first
        ? copies.insert(rowsDb, first.message.partition, first.message.offset, chunk.length)
        : Promise.resolve();
    });
    const bareDb = openForIntake(await site.anotherDatabase());
    const bare = await perSecond((chunk) => insertEvents(bareDb, chunk));
    report.line(
      `intake ${Math.round(real)} events/s; its rows alone ${Math.round(rows)}/s, ratio ${(real / rows).toFixed(2)}; ` +
        `decode and inbox alone ${Math.round(bare)}/s, ratio ${(real / bare).toFixed(2)}; ` +
        `${load.events.length} events, ${PARTITIONS} partitions at once; ${loadLine()}`,
    );
    const [counted] = await db.query<{ events: number; requests: number }>(
      `select (select count(*) from inbox where disposition in ('PLANNED', 'NOTHING_TO_DO')) as events,
              (select count(*) from request) as requests`,
    );
    const [copied] = await rowsDb.query<{ requests: number }>('select count(*) as requests from request');
    report.check('every event is planned', counted?.events === load.events.length, `${counted?.events}`);
    report.check(
      'the floor wrote as many requests',
      copied?.requests === counted?.requests,
      `${counted?.requests} and ${copied?.requests}`,
    );
    report.check('at least 0.35 of its rows alone', real / rows >= 0.35, `${(real / rows).toFixed(2)}, aim 0.7`);
    await Promise.all([db, rowsDb, bareDb].map((one) => one.close()));
  } finally {
    await site.close();
  }
}

async function insertEvents(db: Database, chunk: readonly ReadMessage[]): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(
      `insert into inbox (event_id, disposition, topic, partition, message_offset, message_timestamp, event)
       select event_id, 'PLANNED', 'bench', partition, message_offset, now(), event
         from unnest($1::text[], $2::int[], $3::bigint[], $4::jsonb[]) as m (event_id, partition, message_offset, event)`,
      [
        chunk.map(({ event }) => event?.eventId),
        chunk.map(({ message }) => message.partition),
        chunk.map(({ message }) => message.offset),
        chunk.map(({ event }) => JSON.stringify(event)),
      ],
    );
  });
}

/** The pool that the service's intake has. */
export function openForIntake(url: string): Database {
  return openDatabase({
    url,
    settings: indexWalking({ joinByIndex: true }),
    maxConnections: PARTITIONS,
    applicationName: 'bench-intake',
    prepared: true,
  });
}

/** Intake without Kafka and registry. */
export function intakeOf(): {
  /** The messages of events by partition, in their order. */
  partitionsOf(events: Load['events']): IncomingMessage[][];
  chunksRead(messages: readonly IncomingMessage[]): AsyncGenerator<ReadMessage[]>;
  applying(database: Database): ApplyOptions;
} {
  const writers = unregisteredWriters();
  const schemas = new Map(
    [...writers.values()].map(({ id, type }): [number, WriterSchema] => [
      id,
      { kind: 'schema', schema: type.schema({ exportAttrs: true }) },
    ]),
  );
  const decoder = createEventDecoder((id) => Promise.resolve(schemas.get(id) ?? { kind: 'unknown' }));
  const offsets = Array.from({ length: PARTITIONS }, () => 0);
  return {
    partitionsOf(events) {
      const partitions: IncomingMessage[][] = Array.from({ length: PARTITIONS }, () => []);
      for (const event of events) {
        const partition = Number(event.subscription.number.replaceAll(/\D/g, '')) % PARTITIONS;
        const offset = offsets[partition] ?? 0;
        offsets[partition] = offset + 1;
        partitions[partition]?.push({
          topic: 'bench',
          partition,
          offset,
          timestamp: new Date(event.occurredAt),
          key: Buffer.from(event.subscription.number),
          value: encodeEvent(writers, event).value,
          headers: {},
        });
      }
      return partitions;
    },
    async *chunksRead(messages) {
      for (const slice of slicesOf(messages)) yield* chunksOf(await readMessages(decoder, slice));
    },
    applying: (database) => ({
      database,
      consumerGroup: 'bench',
      plan,
      rules: {
        entitleAddedCards: false,
        smartcardPattern: /^\d{11}$/,
        setTopBoxPattern: /^[!-~]{1,30}$/,
        servicePattern: /^\d{1,8}$/,
      },
      stalePolicy: 'plan',
      facetWaitMs: 30_000,
    }),
  };
}
