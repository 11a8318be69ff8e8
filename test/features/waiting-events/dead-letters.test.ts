import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addService, type CrmEvent, events, setService } from '../../../dev/demo/crm.ts';
import type { FindWriterSchema } from '../../../src/events/decode.ts';
import { discardDeadLetter, releaseDeadLetter } from '../../../src/intake/release-dead-letter.ts';
import { plan } from '../../../src/planning/plan.ts';
import { readDeadLetterAgain, showEvent } from '../../../src/features/waiting-events/show.ts';
import { listWaiting, readEvent } from '../../../src/features/waiting-events/stored.ts';
import {
  dispositions,
  encoded,
  findSchema,
  openTestIntake,
  RULES,
  schemaType,
  type TestIntake,
  writerOf,
} from '../../intake/support.ts';
import { household } from '../../support/scene.ts';

/** An id that the registry learns of later. */
const NEW_SCHEMA = 99;

describe('A dead letter', () => {
  let intake: TestIntake;
  beforeAll(async () => {
    intake = await openTestIntake();
  });
  afterAll(() => intake.close());

  const options = { plan, rules: RULES, facetWaitMs: 30_000 };
  const registryNow: FindWriterSchema = (id) =>
    id === NEW_SCHEMA
      ? Promise.resolve(writerOf(schemaType('com.crm.subscription.v1.ServiceActionEvent')))
      : findSchema(id);

  /** The event's bytes under another schema id, or cut. */
  function spoilt(event: CrmEvent, how: { readonly schema?: number; readonly bytes?: number }): Buffer {
    const value = encoded(event);
    if (how.schema !== undefined) value.writeUInt32BE(how.schema, 1);
    return value.subarray(0, how.bytes ?? value.length);
  }

  /** An ADD_SERVICE of a household that lives, not yet sent. */
  async function addition(number: string, card: string) {
    const subscription = household(number, card, ['1001']);
    await intake.apply(events(subscription, [{ action: 'S:BECOME_SUBSCRIBER' }]));
    addService(subscription, 'films', '1003');
    const [event] = events(subscription, [{ action: 'V:ADD_SERVICE', incomingServices: ['films'] }]);
    if (!event) throw new Error('no event');
    return { subscription, event };
  }

  async function deadLettered(raw: Buffer, key: string): Promise<number> {
    expect(dispositions(await intake.apply([{ raw, key }]))).toEqual(['DEAD_LETTERED']);
    return (await listWaiting(intake.db, 'DEAD_LETTERED', { after: 0, limit: 100 })).at(-1)?.id ?? 0;
  }

  async function release(id: number, registry = registryNow, schemaId: number | null = null) {
    const stored = await readEvent(intake.db, id);
    if (!stored) throw new Error(`no event ${id}`);
    const read = await readDeadLetterAgain(intake.db, stored, registry, schemaId);
    return releaseDeadLetter(intake.db, { inboxId: id, ...read }, 'released by ann: the schema is there', options);
  }

  const made = (inboxId: number) =>
    intake.db.query<{ type: string }>('select type from request where inbox_id = $1 order by number', [inboxId]);

  test('is released once its schema is registered: planned as its event, once, and the trail says who did it', async () => {
    const { event } = await addition('S0000052001', '52000000001');
    const id = await deadLettered(spoilt(event, { schema: NEW_SCHEMA }), 'S0000052001');
    await expect(release(id, findSchema)).rejects.toThrow(/still cannot be processed: UNKNOWN_SCHEMA/);
    expect(await release(id)).toBe('PLANNED');
    expect(await made(id)).toEqual([{ type: 'ADD_SUBSCRIPTIONS' }]);
    expect(await readEvent(intake.db, id)).toMatchObject({
      disposition: 'PLANNED',
      event_id: event.value.eventId,
      version: 2,
      resolution: 'released by ann: the schema is there',
      event: { eventId: event.value.eventId },
    });
    await expect(release(id)).rejects.toThrow(/is no dead letter/);
    expect(dispositions(await intake.apply([event]))).toEqual(['DUPLICATE']);
  });

  test('is read with another schema where the producer named the wrong one', async () => {
    const { event } = await addition('S0000052002', '52000000002');
    const id = await deadLettered(spoilt(event, { schema: 1 }), 'S0000052002');
    await expect(release(id)).rejects.toThrow(/still cannot be processed/);
    expect(await release(id, registryNow, NEW_SCHEMA)).toBe('PLANNED');
  });

  test('undoes nothing that is newer: what the newest snapshot contradicts is withheld', async () => {
    const { subscription, event } = await addition('S0000052003', '52000000003');
    const id = await deadLettered(spoilt(event, { schema: NEW_SCHEMA }), 'S0000052003');
    setService(subscription, 'films', 'REMOVED');
    await intake.apply(events(subscription, [{ action: 'V:REMOVE_SERVICE', outgoingServices: ['films'] }]));
    expect(await release(id)).toBe('NOTHING_TO_DO');
    expect(await intake.db.query('select reason from withheld where inbox_id = $1', [id])).toContainEqual({
      reason: 'SUPERSEDED',
    });
  });

  test('whose event came again and was processed is not processed twice', async () => {
    const { event } = await addition('S0000052004', '52000000004');
    const id = await deadLettered(spoilt(event, { schema: NEW_SCHEMA }), 'S0000052004');
    await intake.apply([event]);
    await expect(release(id)).rejects.toThrow(/was processed meanwhile.*discard this one/);
    expect(await made(id)).toEqual([]);
  });

  test('is shown decoded as far as it goes, with its bytes beside, and is discarded with a reason', async () => {
    const { event } = await addition('S0000052005', '52000000005');
    const id = await deadLettered(spoilt(event, { bytes: 150 }), 'S0000052005');
    const shown = await showEvent(intake.db, id, findSchema);
    expect(shown).toMatchObject({
      reason: 'UNREADABLE',
      message: {
        key: 'S0000052005',
        bytes: 150,
        cause: { reason: 'UNREADABLE' },
        decoded: {
          value: { eventId: event.value.eventId },
          stopped_at: expect.stringMatching(/^(action|sub)/) as string,
        },
      },
    });
    expect(shown?.message?.hex[0]).toMatch(/^000000 {2}00 00 00 00 02( [\da-f]{2}){11} {2}\S{16}$/);
    await discardDeadLetter(intake.db, id, 'discarded by ann: the CRM sent it again');
    await expect(discardDeadLetter(intake.db, id, 'again')).rejects.toThrow(/is no dead letter/);
    const ids = async (all: boolean) =>
      (await listWaiting(intake.db, 'DEAD_LETTERED', { all, after: 0, limit: 100 })).map((letter) => letter.id);
    expect(await ids(false)).not.toContain(id);
    expect(await ids(true)).toContain(id);
  });
});
