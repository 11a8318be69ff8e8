import { readFileSync } from 'node:fs';
import avro, { type Type } from 'avsc';
import type { CrmEvent } from '../../dev/demo/crm.ts';
import { createEventDecoder, type EventDecoder, type FindWriterSchema } from '../../src/events/decode.ts';
import type { WriterSchema } from '../../src/platform/schema-look-ups.ts';
import type { Applied } from '../../src/intake/apply.ts';
import { createExperiment } from '../../src/intake/experiment.ts';
import type { IncomingMessage } from '../../src/intake/message.ts';
import { readMessages } from '../../src/intake/read.ts';
import { type Source, trialOf, type TrialOptions } from '../../src/intake/trial.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { plan } from '../../src/planning/plan.ts';
import type { PlanningRules } from '../../src/planning/types.ts';
import { createTestDatabase } from '../support/database.ts';

export const RULES: PlanningRules = {
  entitleAddedCards: false,
  smartcardPattern: /^\d{11}$/,
  setTopBoxPattern: /^[!-~]{1,30}$/,
  servicePattern: /^\d{1,8}$/,
};

/** The contract's schemas under made-up ids, in place of a registry. */
const SCHEMAS = new Map(
  ['SubscriptionActionEvent', 'ServiceActionEvent', 'InstalledItemActionEvent'].map((record, index) => [
    index + 1,
    schemaType(`com.crm.subscription.v1.${record}`),
  ]),
);

const WRITERS = new Map([...SCHEMAS].map(([id, type]) => [id, writerOf(type)]));

export const findSchema: FindWriterSchema = (id) => Promise.resolve(WRITERS.get(id) ?? { kind: 'unknown' });

/** What the registry answers about a schema. */
export function writerOf(type: Type): WriterSchema {
  return { kind: 'schema', schema: type.schema({ exportAttrs: true }) };
}

/** An event in the wire format. */
export function encoded(event: CrmEvent): Buffer {
  const [id, type] = [...SCHEMAS].find(([, candidate]) => candidate.name === event.schema) ?? [];
  if (id === undefined || !type) throw new Error(`No schema ${event.schema}`);
  return wire(id, type.toBuffer(event.value));
}

/** Magic byte, schema id, payload. */
export function wire(schemaId: number, payload: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(schemaId, 1);
  return Buffer.concat([prefix, payload]);
}

export function schemaType(fullName: string): Type {
  const text = readFileSync(new URL(`../../schemas/${fullName}.avsc`, import.meta.url), 'utf8');
  return avro.Type.forSchema(JSON.parse(text) as avro.Schema);
}

export type Incoming = CrmEvent | { readonly raw: Buffer | null; readonly key?: string };

/** Another decoder is used for reading and for the control. */
export type TestOptions = Partial<Omit<TrialOptions, 'decoder' | 'onApplied'>> & { readonly decoder?: EventDecoder };

/** Intake without Kafka: messages of one partition, in the order in which they are given. */
export interface TestIntake {
  readonly url: string;
  readonly db: Database;
  readonly decoder: EventDecoder;
  /** Processes messages as one batch at the next offsets. */
  apply(messages: readonly Incoming[], options?: TestOptions): Promise<Applied>;
  /** Processes messages that were prepared by the test itself. */
  applyMessages(messages: readonly IncomingMessage[], options?: TestOptions): Promise<Applied>;
  /** The message at the next offset. */
  message(incoming: Incoming, more?: Partial<IncomingMessage>): IncomingMessage;
  close(): Promise<void>;
}

export const TOPIC = 'crm.subscription-events';

export async function openTestIntake(): Promise<TestIntake> {
  const database = await createTestDatabase();
  const { url } = database;
  const db = openDatabase({ url, maxConnections: 8, applicationName: 'test' });
  const decoder = createEventDecoder(findSchema);
  let nextOffset = 0;

  return {
    url,
    db,
    decoder,
    message,
    apply: (incoming, options) =>
      applyMessages(
        incoming.map((one) => message(one)),
        options,
      ),
    applyMessages,
    close: async () => {
      await db.close();
      await database.drop();
    },
  };

  function message(incoming: Incoming, more: Partial<IncomingMessage> = {}): IncomingMessage {
    const isEvent = 'schema' in incoming;
    const key = isEvent ? incoming.value.subscription.number : (incoming.key ?? null);
    const offset = nextOffset;
    nextOffset += 1;
    return {
      topic: TOPIC,
      partition: 0,
      offset,
      timestamp: new Date(1_700_000_000_000 + offset),
      key: key === null ? null : Buffer.from(key),
      value: isEvent ? encoded(incoming) : incoming.raw,
      headers: {},
      ...more,
    };
  }

  async function applyMessages(messages: readonly IncomingMessage[], options: TestOptions = {}): Promise<Applied> {
    const results: Applied[] = [];
    const source: Source<IncomingMessage> = {
      topic: TOPIC,
      partition: messages[0]?.partition ?? 0,
      offsetOf: ({ offset }) => offset,
      incoming: (one) => one,
      read: (some) => readMessages(options.decoder ?? decoder, some),
    };
    const steps = trialOf(source, {
      ...defaults(),
      ...options,
      onApplied: (_chunk, applied) => {
        results.push(applied);
        return Promise.resolve(true);
      },
    });
    await createExperiment(Infinity).process('test', messages, steps);
    return {
      decisions: results.flatMap(({ decisions }) => decisions),
      outboxMessages: results.reduce((sum, { outboxMessages }) => sum + outboxMessages, 0),
    };
  }

  function defaults(): Omit<TrialOptions, 'onApplied'> {
    return {
      decoder,
      database: db,
      consumerGroup: 'test',
      plan,
      rules: RULES,
      stalePolicy: 'plan',
      facetWaitMs: 30_000,
      onFailure: () => {},
    };
  }
}

/** What became of the messages, in their order. */
export function dispositions({ decisions }: Applied): string[] {
  return decisions.map(({ disposition }) => disposition);
}
