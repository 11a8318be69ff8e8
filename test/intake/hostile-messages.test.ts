import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import { incomingMessage, nextOffsetAfter } from '../../src/intake/message.ts';
import type { ReceivedMessage } from '../../src/platform/kafkajs/unreadable.ts';
import { readDeadLetterAgain } from '../../src/features/waiting-events/show.ts';
import { listWaiting } from '../../src/features/waiting-events/stored.ts';
import { dispositions, encoded, findSchema, openTestIntake, type TestIntake, TOPIC } from './support.ts';

let intake: TestIntake;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

function activation(number: string, services = 1, cards = 1): CrmEvent {
  const subscription = newSubscription(number);
  for (let card = 0; card < cards; card += 1)
    addItem(subscription, `c${card}`, 'SMARTCARD', String(60000000000 + card));
  for (let service = 0; service < services; service += 1) addService(subscription, `s${service}`, String(service + 1));
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('no event');
  return event;
}

function consumed(more: Partial<ReceivedMessage>): ReceivedMessage {
  return {
    offset: '5',
    timestamp: '0',
    key: null,
    value: null,
    attributes: 0,
    ...more,
  } as ReceivedMessage;
}

async function causeOf(offset: number) {
  const [row] = await intake.db.query<{ reason: string; detail: string }>(
    `select dead_letter_reason as reason, dead_letter_detail as detail from inbox where message_offset = $1`,
    [offset],
  );
  return row;
}

describe('A hostile message', () => {
  it('with a record timestamp outside the years 1 to 9999 counts as one of 1970', () => {
    const timeOf = (timestamp: string): string =>
      incomingMessage('t', 0, consumed({ timestamp })).timestamp.toISOString();
    expect(['-210866803200001', '-62135596800001', '253402300800000', 'x'].map(timeOf)).toEqual(
      Array.from({ length: 4 }, () => '1970-01-01T00:00:00.000Z'),
    );
    expect(timeOf('-1')).toBe('1969-12-31T23:59:59.999Z');
  });

  it('whose headers cannot even be encoded is dead-lettered without them, which the detail names', async () => {
    // What a parser makes of a header that is named like a member of every object.
    const headers = JSON.parse('{"constructor":{}}') as Record<string, Buffer>;
    const bad = intake.message({ raw: null }, { headers });
    const good = intake.message(activation('S-after-header'));
    expect(dispositions(await intake.applyMessages([bad, good]))).toEqual(['DEAD_LETTERED', 'PLANNED']);
    expect(await causeOf(bad.offset)).toMatchObject({
      reason: 'EMPTY_MESSAGE',
      detail: expect.stringContaining('left out, as they cannot be stored: the headers') as string,
    });
  });

  it('that the transport could not read is dead-lettered by its position, and reading goes on after its range', async () => {
    const { offset } = intake.message({ raw: null });
    const unreadable = { detail: 'offsets 100 to 120: the batch is too large unpacked', lastOffset: offset + 20 };
    const message = incomingMessage(TOPIC, 0, consumed({ offset: String(offset), unreadable }));
    expect(nextOffsetAfter(message)).toBe(offset + 21);
    expect(dispositions(await intake.applyMessages([message]))).toEqual(['DEAD_LETTERED']);
    expect(await causeOf(offset)).toEqual({ reason: 'UNREADABLE_RECORD', detail: unreadable.detail });
    const [stored] = await intake.db.query('select next_offset from consumer_offset');
    expect(stored).toEqual({ next_offset: offset + 21 });
  });

  it('with its schema in a header says so, and is read with the schema that a person names', async () => {
    const event = activation('S-guid');
    const whole = encoded(event);
    const header = Buffer.from('010d9f7b1c6a5e4c1f9b1e3a4f5b6c7d8e', 'hex');
    const message = intake.message({ raw: whole.subarray(5) }, { headers: { __value_schema_id: header } });
    await intake.applyMessages([message]);
    expect(await causeOf(message.offset)).toMatchObject({
      reason: 'NOT_AVRO',
      detail: expect.stringContaining(
        '__value_schema_id names the schema with the GUID 0d9f7b1c-6a5e-4c1f-9b1e-3a4f5b6c7d8e',
      ) as string,
    });
    const letter = (await listWaiting(intake.db, 'DEAD_LETTERED', { after: 0, limit: 100 })).at(-1);
    if (!letter) throw new Error('no dead letter');
    const read = await readDeadLetterAgain(intake.db, letter, findSchema, whole.readUInt32BE(1));
    expect(read.event.eventId).toBe(event.value.eventId);
  });

  it('that would make more commands than one event may is refused before the work, and names the bound', async () => {
    const message = intake.message(activation('S-huge', 300, 100));
    const startedAt = performance.now();
    expect(dispositions(await intake.applyMessages([message]))).toEqual(['DEAD_LETTERED']);
    expect(await causeOf(message.offset)).toMatchObject({
      reason: 'TOO_MANY_COMMANDS',
      detail: expect.stringMatching(/up to 30000 commands, more than the 20000/) as string,
    });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  it('with thousands of headers keeps the first 1,000 in its dead letter, and says how many are left out', async () => {
    const headers = Object.fromEntries(Array.from({ length: 20_000 }, (_none, index) => [`h${index}`, Buffer.of(1)]));
    await intake.applyMessages([intake.message({ raw: null }, { headers })]);
    const [row] = await intake.db.query<{ headers: [string, string][] }>(
      `select headers from outbox where kind = 'DEAD_LETTER' order by id desc limit 1`,
    );
    const leftOut = row?.headers.find(([name]) => name === 'dead-letter-left-out')?.[1] ?? '';
    expect(Buffer.from(leftOut, 'base64').toString()).toBe('19000 headers beyond 1000');
  });
});
