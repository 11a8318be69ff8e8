import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type AsyncAPIDocumentInterface, fromFile, Parser } from '@asyncapi/parser';
import avro from 'avsc';
import { beforeAll, describe, expect, it } from 'vitest';
import { CRM_RECORDS } from '../../src/events/decode.ts';
import { deadLetterReasons } from '../../src/events/dead-letter-reasons.ts';
import { deadLetter } from '../../src/intake/dead-letter.ts';
import { createEncoder } from '../../src/outcomes/encode.ts';
import type { OutboxMessage } from '../../src/outcomes/outbox.ts';
import { OUTCOME_RECORDS } from '../../src/platform/topics.ts';
import { settingGroups } from '../../src/settings.ts';

const file = fileURLToPath(new URL('../../schemas/asyncapi.yaml', import.meta.url));

/** Severities of diagnostics: errors and warnings. */
const COUNTING: ReadonlySet<number> = new Set([0, 1]);

let document: AsyncAPIDocumentInterface;
let problems: unknown[];
beforeAll(async () => {
  const parsed = await fromFile(new Parser(), file).parse();
  problems = parsed.diagnostics
    .filter(({ severity }) => COUNTING.has(severity))
    .map(({ message, path }) => ({ message, path }));
  if (!parsed.document) throw new Error(`schemas/asyncapi.yaml cannot be read: ${JSON.stringify(problems)}`);
  document = parsed.document;
});

/** name of a header -> whether it is always there */
function headersOf(messageName: string): Record<string, boolean> {
  const message = document
    .allMessages()
    .all()
    .find((one) => one.name() === messageName);
  const schema = message?.headers()?.json() as { properties: object; required?: string[] } | undefined;
  return Object.fromEntries(
    Object.keys(schema?.properties ?? {}).map((name) => [name, schema?.required?.includes(name) ?? false]),
  );
}

describe('The AsyncAPI document', () => {
  it('is valid AsyncAPI 3, without errors and warnings', () => {
    expect(problems).toEqual([]);
    expect(document.version()).toBe('3.0.0');
  });

  it('has the topics that the settings have by default, and nothing else', () => {
    const { CRM_TOPICS, OUTCOME_TOPIC, ACTION_OUTCOME_TOPIC, DEAD_LETTER_TOPIC } = settingGroups.kafka;
    const defaults = [CRM_TOPICS, OUTCOME_TOPIC, ACTION_OUTCOME_TOPIC, DEAD_LETTER_TOPIC].flatMap((setting) =>
      setting.parse(undefined),
    );
    const addresses = document
      .channels()
      .all()
      .map((channel) => channel.address());
    expect(new Set(addresses)).toEqual(new Set(defaults));
  });

  it('names the records of the contract, each with its Avro file', () => {
    const records = [...Object.values(CRM_RECORDS), ...Object.values(OUTCOME_RECORDS)];
    const described = document
      .allMessages()
      .all()
      .filter((message) => message.name() !== 'deadLetter');
    expect(new Set(described.map((message) => message.name()))).toEqual(new Set(records));
    // Each payload is a reference to the Avro file of the record's own name.
    const text = readFileSync(file, 'utf8');
    for (const record of records) {
      expect(text).toContain(`$ref: ./${record}.avsc`);
      const schema = readFileSync(fileURLToPath(new URL(`../../schemas/${record}.avsc`, import.meta.url)), 'utf8');
      expect(avro.Type.forSchema(JSON.parse(schema) as avro.Schema).name).toBe(record);
    }
  });

  it('has the headers that outcomes are published with', async () => {
    const encoder = createEncoder({
      registry: { registeredId: () => Promise.resolve(7) },
      outcomeTopic: 'o',
      actionOutcomeTopic: 'a',
      deadLetterTopic: 'd',
      source: '/conax-provisioning',
    });
    const stored: OutboxMessage = {
      id: 1,
      kind: 'ACTION_OUTCOME',
      event_id: 'e',
      message_key: Buffer.from('S1'),
      record: {
        eventId: 'e',
        occurredAt: 1,
        actionId: 'a',
        actionNumber: '1',
        facets: [],
        subscriptionNumber: 'S1',
        outcome: 'NOTHING_TO_DO',
        requests: [],
        withheld: [],
        receivedAt: 1,
      },
      body: null,
      headers: { ce_time: '1', ce_subject: 'S1', ce_correlationid: 'a', ce_causationid: 'c', traceparent: 't' },
    };
    const [encoded] = await encoder.encode([stored]);
    const all = headersOf(OUTCOME_RECORDS.ACTION_OUTCOME);
    expect(new Set(Object.keys(encoded?.message.headers ?? {}))).toEqual(new Set(Object.keys(all)));
    expect(headersOf(OUTCOME_RECORDS.REQUEST_OUTCOME)).toEqual(all);
    const optional = Object.keys(all).filter((name) => !all[name]);
    expect(new Set(optional)).toEqual(new Set(['ce_causationid', 'ce_correlationid', 'traceparent']));
  });

  it('has the headers and reasons that dead letters are published with', () => {
    const namesWith = (headers: Record<string, string[]>): string[] => {
      const message = deadLetter(
        { topic: 't', partition: 0, offset: 1, timestamp: new Date(0), key: null, value: null, headers },
        { reason: 'EMPTY_MESSAGE', detail: 'd' },
      );
      return message.kind === 'DEAD_LETTER' ? [...new Set(message.headers.map(([name]) => name))].toSorted() : [];
    };
    const all = headersOf('deadLetter');
    expect(namesWith({ own: Array.from({ length: 1_001 }, String) })).toEqual([...Object.keys(all), 'own'].toSorted());
    expect(namesWith({})).toEqual(
      Object.keys(all)
        .filter((name) => all[name])
        .toSorted(),
    );
    const schema = document
      .allMessages()
      .all()
      .find((one) => one.name() === 'deadLetter')
      ?.headers();
    expect(schema?.property('dead-letter-reason')?.enum()).toEqual(Object.keys(deadLetterReasons));
  });
});

describe('The Avro files', () => {
  const records = [...Object.values(CRM_RECORDS), ...Object.values(OUTCOME_RECORDS)];

  it.each(records)('%s has a doc on every record, enum and field, and UNKNOWN as default of every enum', (record) => {
    const text = readFileSync(fileURLToPath(new URL(`../../schemas/${record}.avsc`, import.meta.url)), 'utf8');
    const lacking: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (Array.isArray(schema)) {
        for (const branch of schema) visit(branch, path);
        return;
      }
      if (typeof schema !== 'object' || schema === null) return;
      const { type, doc, name, fields, items, symbols, default: fallback } = schema as Record<string, unknown>;
      if ((type === 'record' || type === 'enum') && !doc) lacking.push(`${path}: ${String(name)} has no doc`);
      if (type === 'enum' && (fallback !== 'UNKNOWN' || !(symbols as string[]).includes('UNKNOWN'))) {
        lacking.push(`${path}: ${String(name)} has no default UNKNOWN`);
      }
      for (const field of (fields ?? []) as { name: string; doc?: string; type: unknown; default?: unknown }[]) {
        if (!field.doc) lacking.push(`${path}.${field.name} has no doc`);
        const isNullable = Array.isArray(field.type);
        if (isNullable && field.default !== null) lacking.push(`${path}.${field.name} has no default null`);
        if (!isNullable && Object(field.type).type === 'array' && !Array.isArray(field.default)) {
          lacking.push(`${path}.${field.name} has no default []`);
        }
        visit(field.type, `${path}.${field.name}`);
      }
      visit(items, path);
    };
    visit(JSON.parse(text), '');
    expect(lacking).toEqual([]);
  });
});
