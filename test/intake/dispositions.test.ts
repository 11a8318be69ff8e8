import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addItem,
  addService,
  type CrmEvent,
  type CrmSubscription,
  events,
  newSubscription,
  removeItem,
  setServices,
} from '../../dev/demo/crm.ts';
import { discardStale, NotHeldError, releaseStale } from '../../src/intake/stale.ts';
import { plan } from '../../src/planning/plan.ts';
import { dispositions, openTestIntake, RULES, type TestIntake, TOPIC } from './support.ts';

let intake: TestIntake;
let counter = 0;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

/** A subscription with one card, one STB and one effective service. */
function household(): CrmSubscription {
  counter += 1;
  const subscription = newSubscription(`S${String(counter).padStart(8, '0')}`);
  addItem(subscription, 'card', 'SMARTCARD', cardOf(subscription));
  addItem(subscription, 'stb', 'SET_TOP_BOX', `STB-${subscription.number}`);
  addService(subscription, 'sports', '101');
  return subscription;
}

function cardOf({ number }: CrmSubscription): string {
  return number.slice(1).padStart(11, '1');
}

function activate(subscription: CrmSubscription): CrmEvent {
  return only(events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]));
}

function deactivate(subscription: CrmSubscription): CrmEvent {
  setServices(subscription, 'NOT_EFFECTIVE');
  return only(events(subscription, [{ action: 'S:DEACTIVATE_SUBSCRIPTION' }]));
}

function only<T>(all: readonly T[]): T {
  const [one] = all;
  if (one === undefined || all.length > 1) throw new Error(`${all.length} instead of one`);
  return one;
}

async function commandsOf({ number }: CrmSubscription): Promise<string[]> {
  const rows = await intake.db.query<{ type: string }>(
    'select type from request where subscription_number = $1 order by number',
    [number],
  );
  return rows.map(({ type }) => type);
}

async function withheldOf({ number }: CrmSubscription): Promise<string[]> {
  const rows = await intake.db.query<{ type: string; reason: string }>(
    'select type, reason from withheld where subscription_number = $1 order by inbox_id, ordinal',
    [number],
  );
  return rows.map(({ type, reason }) => `${type} ${reason}`);
}

async function deadLettersOf(offsets: readonly number[]) {
  return intake.db.query<{ disposition: string; reason: string | null; detail: string | null }>(
    `select disposition, dead_letter_reason as reason, dead_letter_detail as detail
     from inbox where message_offset = any($1::bigint[]) order by id`,
    [offsets],
  );
}

async function deadLetterMessages(): Promise<number> {
  const [row] = await intake.db.query<{ count: number }>(`select count(*) from outbox where kind = 'DEAD_LETTER'`);
  return row?.count ?? 0;
}

describe('What becomes of a message', () => {
  it('is PLANNED where it makes requests, in the order CANCEL, pairing, ADD', async () => {
    const subscription = household();
    expect(dispositions(await intake.apply([activate(subscription)]))).toEqual(['PLANNED']);
    expect(await commandsOf(subscription)).toEqual(['CREATE_PAIRING', 'ADD_SUBSCRIPTIONS']);
  });

  it('is NOTHING_TO_DO where every command is withheld, and says why', async () => {
    const subscription = household();
    const applied = await intake.apply(events(subscription, [{ action: 'S:TERMINATE_SUBSCRIPTION' }]));
    expect(dispositions(applied)).toEqual(['NOTHING_TO_DO']);
    expect(await withheldOf(subscription)).toEqual(['CANCEL_SUBSCRIPTIONS STILL_EFFECTIVE']);
  });

  it('is NOTHING_TO_DO for an action that we do not know, and its snapshot counts', async () => {
    const subscription = household();
    const event = activate(subscription);
    const applied = await intake.apply([{ ...event, value: { ...event.value, type: 'UNKNOWN' } } as CrmEvent]);
    expect(applied.decisions).toMatchObject([{ disposition: 'NOTHING_TO_DO', remarks: ['UNKNOWN_ACTION'] }]);
    const [row] = await intake.db.query('select version from subscription where number = $1', [subscription.number]);
    expect(row).toEqual({ version: 1 });
  });

  it('is DUPLICATE where the eventId was seen, in the same batch or in an earlier one', async () => {
    const subscription = household();
    const event = activate(subscription);
    expect(dispositions(await intake.apply([event, event]))).toEqual(['PLANNED', 'DUPLICATE']);
    expect(dispositions(await intake.apply([event]))).toEqual(['DUPLICATE']);
    expect(await commandsOf(subscription)).toHaveLength(2);
  });

  it('is late where the version is lower than the newest, and never undoes the newer one', async () => {
    const subscription = household();
    const older = activate(subscription);
    const applied = await intake.apply([deactivate(subscription), older]);
    expect(applied.decisions.map(({ late }) => late)).toEqual([false, true]);
    expect(await commandsOf(subscription)).toEqual(['CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING']);
    expect(await withheldOf(subscription)).toContain('ADD_SUBSCRIPTIONS SUPERSEDED');
    const [row] = await intake.db.query('select version from subscription where number = $1', [subscription.number]);
    expect(row).toEqual({ version: 2 });
  });

  it('sees the snapshot before it, also where that is an older one from the inbox (R1)', async () => {
    const subscription = household();
    const first = activate(subscription);
    setServices(subscription, 'CANCELLED');
    removeItem(subscription, 'card');
    const terminate = only(events(subscription, [{ action: 'S:TERMINATE_SUBSCRIPTION' }]));
    subscription.installedItems.length = 0;
    const last = only(events(subscription, [{ action: 'I:ADD_INSTALLED_ITEM' }]));
    await intake.apply([first]);
    await intake.apply([last]);
    await intake.apply([terminate]);
    const rows = await intake.db.query<{ cards: string[] }>(
      `select cards from request where subscription_number = $1 and type = 'CANCEL_SUBSCRIPTIONS'`,
      [subscription.number],
    );
    expect(rows).toEqual([{ cards: [cardOf(subscription)] }]);
  });

  it('records a gap in versions, two actions with one version, and a foreign key or ce_id, and plans all the same', async () => {
    const subscription = household();
    const first = activate(subscription);
    subscription.version += 3;
    const gap = activate(subscription);
    subscription.version -= 1;
    const shared = activate(subscription);
    const applied = await intake.applyMessages([
      intake.message(first, { key: Buffer.from('somebody else'), headers: { ce_id: 'another' } }),
      intake.message(gap, { headers: { ce_id: Buffer.from(gap.value.eventId) } }),
      intake.message(shared, { key: null }),
    ]);
    expect(applied.decisions.map(({ remarks }) => remarks)).toEqual([
      ['KEY_MISMATCH', 'CE_ID_MISMATCH'],
      ['VERSION_GAP'],
      ['SHARED_VERSION', 'KEY_MISMATCH'],
    ]);
    expect(dispositions(applied)).toEqual(['PLANNED', 'PLANNED', 'PLANNED']);
  });

  it('the facets of one action share a version without a remark', async () => {
    const subscription = household();
    const facets = events(subscription, [
      { action: 'V:ADD_SERVICE', incomingServices: ['sports'] },
      { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card'] },
    ]);
    const applied = [
      ...(await intake.apply(facets.slice(0, 1))).decisions,
      ...(await intake.apply(facets.slice(1))).decisions,
    ];
    expect(applied.map(({ remarks, late }) => ({ remarks, late }))).toEqual([
      { remarks: [], late: false },
      { remarks: [], late: false },
    ]);
  });
});

describe('A dead letter', () => {
  it('goes out as it came, with why and whence, and the messages around it go on', async () => {
    const [before, after] = [household(), household()];
    const before1 = intake.message(activate(before));
    const bad = intake.message(
      { raw: Buffer.from('nonsense'), key: 'K1' },
      { headers: { traceparent: 'x', tries: [Buffer.from('1'), Buffer.from('2')] } },
    );
    const after1 = intake.message(activate(after));
    const applied = await intake.applyMessages([before1, bad, after1]);
    expect(dispositions(applied)).toEqual(['PLANNED', 'DEAD_LETTERED', 'PLANNED']);
    const [row] = await intake.db.query<{ message_key: Buffer; body: Buffer; headers: [string, string][] }>(
      `select message_key, body, headers from outbox where kind = 'DEAD_LETTER' order by id desc limit 1`,
    );
    expect(row?.body.toString()).toBe('nonsense');
    expect(row?.message_key.toString()).toBe('K1');
    const headers = row?.headers.map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]);
    expect(headers).toEqual([
      ['traceparent', 'x'],
      ['tries', '1'],
      ['tries', '2'],
      ['dead-letter-reason', 'NOT_AVRO'],
      ['dead-letter-detail', 'the value starts with 6e6f6e7365'],
      ['dead-letter-topic', TOPIC],
      ['dead-letter-partition', '0'],
      ['dead-letter-offset', String(bad.offset)],
      ['dead-letter-timestamp', bad.timestamp.toISOString()],
    ]);
  });

  it('that is read again from the same place is published once', async () => {
    const bad = intake.message({ raw: null });
    expect(dispositions(await intake.applyMessages([bad]))).toEqual(['DEAD_LETTERED']);
    const published = await deadLetterMessages();
    expect(dispositions(await intake.applyMessages([bad]))).toEqual(['DUPLICATE']);
    expect(await deadLetterMessages()).toBe(published);
  });

  it('that contradicts itself does not use up its eventId: the corrected event is processed', async () => {
    const subscription = household();
    const event = only(events(subscription, [{ action: 'V:ADD_SERVICE', incomingServices: ['nowhere'] }]));
    const corrected = { ...event, value: { ...event.value, incomingServices: ['sports'] } } as CrmEvent;
    const applied = await intake.apply([event]);
    expect(applied.decisions).toMatchObject([{ disposition: 'DEAD_LETTERED', cause: { reason: 'CONTRADICTORY' } }]);
    const [row] = await intake.db.query('select 1 from subscription where number = $1', [subscription.number]);
    expect(row).toBeUndefined();
    expect(dispositions(await intake.apply([corrected]))).toEqual(['PLANNED']);
  });

  it('without a subscription number is INVALID for the CRM all the same', async () => {
    const event = renumbered(activate(household()), '');
    const applied = await intake.apply([event]);
    expect(applied.decisions).toMatchObject([{ disposition: 'DEAD_LETTERED', cause: { reason: 'CONTRADICTORY' } }]);
    const [row] = await intake.db.query(`select record ->> 'outcome' as outcome from outbox where action_id = $1`, [
      event.value.action.id,
    ]);
    expect(row).toEqual({ outcome: 'INVALID' });
  });

  it('is what U+0000 within the snapshot makes of an event: PostgreSQL cannot keep it', async () => {
    const subscription = household();
    addService(subscription, 'a\u0000b', '102');
    const applied = await intake.apply([activate(subscription)]);
    const detail = 'subscription.services[].id: has U+0000, which PostgreSQL cannot store';
    const cause = { reason: 'PROCESSING_FAILED', detail };
    expect(applied.decisions).toMatchObject([{ disposition: 'DEAD_LETTERED', cause }]);
  });

  it.each([
    ['subscription number', (event: CrmEvent, text: string) => renumbered(event, text)],
    ['event id', (event: CrmEvent, text: string) => ({ ...event, value: { ...event.value, eventId: text } })],
    [
      'action id',
      (event: CrmEvent, text: string) => ({
        ...event,
        value: { ...event.value, action: { ...event.value.action, id: text } },
      }),
    ],
  ])('a %s that PostgreSQL refuses is PROCESSING_FAILED, alone, wherever it stands', async (_what, spoil) => {
    for (const text of ['nul \u0000', 'long '.padEnd(1_000_000, Math.random().toString(36))]) {
      const neighbours = Array.from({ length: 7 }, () => household());
      const spoilt = spoil(activate(household()), incompressible(text));
      const messages = neighbours.map((subscription) => intake.message(activate(subscription)));
      messages.splice(3, 0, intake.message(spoilt));
      const failures: unknown[] = [];
      const applied = await intake.applyMessages(messages, { onFailure: (_read, error) => failures.push(error) });
      expect(dispositions(applied)).toEqual(messages.map((_one, index) => (index === 3 ? 'DEAD_LETTERED' : 'PLANNED')));
      expect(applied.decisions[3]?.cause?.reason).toBe('PROCESSING_FAILED');
      // U+0000 is found while the message is read; the length only by PostgreSQL.
      expect(failures).toHaveLength(text.includes('\u0000') ? 0 : 1);
      for (const subscription of neighbours) expect(await commandsOf(subscription)).toHaveLength(2);
    }
  });

  it('that planning throws on is PROCESSING_FAILED, and the others of the batch go on', async () => {
    const [fine, fatal, alsoFine] = [household(), household(), household()];
    const messages = [fine, fatal, alsoFine].map((subscription) => intake.message(activate(subscription)));
    const applied = await intake.applyMessages(messages, {
      plan(input) {
        if (input.event.subscription.number === fatal.number) throw new TypeError('cannot digest');
        return plan(input);
      },
    });
    expect(dispositions(applied)).toEqual(['PLANNED', 'DEAD_LETTERED', 'PLANNED']);
    expect(await deadLettersOf(messages.map(({ offset }) => offset))).toMatchObject([
      { reason: null },
      { reason: 'PROCESSING_FAILED', detail: 'cannot digest' },
      { reason: null },
    ]);
  });

  it('is not what a missing table makes of messages: that is no fault of theirs', async () => {
    const broken = {
      ...intake.db,
      transaction: () => Promise.reject(Object.assign(new Error('gone'), { code: '42P01' })),
    };
    const outboxBefore = await deadLetterMessages();
    await expect(intake.apply([activate(household())], { database: broken })).rejects.toMatchObject({
      cause: { message: 'gone' },
    });
    expect(await deadLetterMessages()).toBe(outboxBefore);
  });
});

describe('With STALE_POLICY=hold a late event', () => {
  const hold = { stalePolicy: 'hold' } as const;
  const options = { plan, rules: RULES, facetWaitMs: 30_000 };

  async function held(): Promise<{ subscription: CrmSubscription; inboxId: number }> {
    const subscription = household();
    const older = activate(subscription);
    const applied = await intake.apply([deactivate(subscription), older], hold);
    expect(dispositions(applied)).toEqual(['PLANNED', 'STALE']);
    const [row] = await intake.db.query<{ id: number }>(
      `select id from inbox where subscription_number = $1 and disposition = 'STALE'`,
      [subscription.number],
    );
    return { subscription, inboxId: row?.id ?? 0 };
  }

  it('is STALE: nothing is planned for it, and its action is HELD', async () => {
    const { subscription } = await held();
    expect(await commandsOf(subscription)).toEqual(['CANCEL_SUBSCRIPTIONS']);
    const outcomes = await intake.db.query<{ outcome: string }>(
      `select record ->> 'outcome' as outcome from outbox
       where kind = 'ACTION_OUTCOME' and record ->> 'subscriptionNumber' = $1`,
      [subscription.number],
    );
    expect(outcomes).toEqual([{ outcome: 'HELD' }]);
  });

  it('is planned as a late one when a person releases it, once', async () => {
    const { subscription, inboxId } = await held();
    expect(await releaseStale(intake.db, { inboxId, by: 'anna' }, options)).toBe('PLANNED');
    expect(await commandsOf(subscription)).toEqual(['CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING']);
    expect(await withheldOf(subscription)).toContain('ADD_SUBSCRIPTIONS SUPERSEDED');
    const [row] = await intake.db.query('select disposition, late, resolution from inbox where id = $1', [inboxId]);
    expect(row).toEqual({ disposition: 'PLANNED', late: true, resolution: 'released by anna' });
    await expect(releaseStale(intake.db, { inboxId, by: 'ben' }, options)).rejects.toThrow(NotHeldError);
  });

  it('comes to nothing when a person discards it, and the outcome says so', async () => {
    const { subscription, inboxId } = await held();
    await discardStale(intake.db, { inboxId, by: 'anna', reason: 'entered twice' }, options);
    const [row] = await intake.db.query('select disposition, resolution from inbox where id = $1', [inboxId]);
    expect(row).toEqual({ disposition: 'NOTHING_TO_DO', resolution: 'discarded by anna: entered twice' });
    const [last] = await intake.db.query<{ outcome: string }>(
      `select record ->> 'outcome' as outcome from outbox where kind = 'ACTION_OUTCOME'
       and record ->> 'subscriptionNumber' = $1 order by id desc limit 1`,
      [subscription.number],
    );
    expect(last).toEqual({ outcome: 'NOTHING_TO_DO' });
    await expect(discardStale(intake.db, { inboxId, by: 'b', reason: '' }, options)).rejects.toThrow(NotHeldError);
  });

  it('is not held where it is a late facet of an action already planned', async () => {
    const subscription = household();
    const facets = events(subscription, [
      { action: 'V:ADD_SERVICE', incomingServices: ['sports'] },
      { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['card'] },
    ]);
    const [first, second] = facets;
    if (!first || !second) throw new Error('two facets');
    const applied = await intake.apply([first, deactivate(subscription), second], hold);
    expect(applied.decisions.map(({ disposition, late }) => [disposition === 'STALE', late])).toEqual([
      [false, false],
      [false, false],
      [false, true],
    ]);
  });
});

function renumbered(event: CrmEvent, number: string): CrmEvent {
  return { ...event, value: { ...event.value, subscription: { ...event.value.subscription, number } } };
}

/** PostgreSQL compresses index entries: only what does not compress is too long for one. */
function incompressible(text: string): string {
  if (text.length < 1000) return text;
  return Array.from({ length: text.length / 10 }, () => Math.random().toString(36).slice(2, 12)).join('');
}

describe('urgency', () => {
  it('makes the actions of the users in BULK_EXECUTED_BY bulk work, and no others', async () => {
    const [billed, served] = [household(), household()];
    await intake.apply([activate(billed), activate(served)]);
    const billing = deactivate(billed);
    const event = {
      ...billing,
      value: { ...billing.value, action: { ...billing.value.action, executedBy: 'BILLING' } },
    };
    await intake.apply([event, deactivate(served)], { bulkExecutedBy: new Set(['BILLING']) });
    const rows = await intake.db.query<{ number: string; bulk: boolean; user: string; rank: number }>(
      `select r.subscription_number as number, r.bulk, r.created_by_user as user, w.rank
         from request r join work w using (number)
        where r.type = 'CANCEL_SUBSCRIPTIONS' and r.subscription_number = any($1::text[]) order by 1`,
      [[billed.number, served.number]],
    );
    expect(rows).toEqual([
      { number: billed.number, bulk: true, user: 'BILLING', rank: 7 },
      { number: served.number, bulk: false, user: 'demo', rank: 5 },
    ]);
  });
});
