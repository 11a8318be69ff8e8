import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addItem, addService, type CrmSubscription, newSubscription } from '../../../dev/demo/crm.ts';
import type { Database } from '../../../src/platform/database.ts';
import { kindOf } from '../../../src/features/runs/kinds.ts';
import { type Filters, filterValues } from '../../../src/features/runs/selection.ts';
import { addTo, openTestRequests, requestFor, submit, type TestRequests } from '../../requests/support.ts';
import { create, know, RULES, send, work } from './support.ts';

let requests: TestRequests;
let db: Database;
beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate run, work, lane, lane_pin, request, subscription cascade');
});

describe('a selection', () => {
  /** Two rooms, one product in each, and states. */
  function customer(number: string, card: string, change: (one: CrmSubscription) => void = () => {}): CrmSubscription {
    const one = newSubscription(number);
    one.state = 'EFFECTIVE';
    addItem(one, 'card', 'SMARTCARD', card, 'living');
    addItem(one, 'other', 'SMARTCARD', card.replace(/^1/, '2'), 'sleeping');
    addService(one, 'sport', '1001', { distributor: 'living' });
    addService(one, 'film', '1002', { distributor: 'sleeping' });
    change(one);
    return one;
  }
  const selected = async (selection: object): Promise<string[]> => {
    const id = await create(db, { selection });
    await work(db, id);
    const estimate = await kindOf('MESSAGE').source.estimate(db, selection as never, { rules: RULES });
    const found = await db.query<{ target: string }>('select target from run_target where run_id = $1 order by 1', [
      id,
    ]);
    expect(estimate).toMatchObject({ targets: found.length, exact: true });
    return found.map(({ target }) => target);
  };
  const [ONE, TWO, THREE] = ['10000000001', '10000000002', '10000000003'];

  test('goes by product on the very card, by state and by distributor, and by all of them together', async () => {
    await know(db, [
      customer('S1', ONE),
      customer('S2', TWO, (one) => (one.state = 'NOT_EFFECTIVE')),
      customer('S3', THREE, (one) => {
        for (const service of one.services) if (service.id === 'sport') service.state = 'NOT_EFFECTIVE';
      }),
    ]);
    expect(await selected({ product: { code: 'P1001' } })).toEqual([ONE, TWO]);
    expect(await selected({ product: { id: 'product-1002' } })).toEqual(['20000000001', '20000000002', '20000000003']);
    expect(await selected({ product: { id: 'film' }, distributor: 'living' })).toEqual([]);
    expect(await selected({ subscription_states: ['NOT_EFFECTIVE'] })).toEqual([TWO, '20000000002']);
    expect(await selected({ distributor: null })).toEqual([]);
    expect(
      await selected({ product: { code: 'P1001' }, subscription_states: ['EFFECTIVE'], distributor: 'living' }),
    ).toEqual([ONE]);
    expect(await selected({ all: true })).toHaveLength(6);
  });

  test('has a card that is in two subscriptions once', async () => {
    await know(db, [customer('S1', ONE), customer('S2', ONE)]);
    expect(await selected({ all: true })).toEqual([ONE, '20000000001']);
  });

  test('of subscriptions goes by the code and the time of their refusals', async () => {
    await know(db, [customer('S1', ONE), customer('S2', TWO), customer('S3', THREE)]);
    const ids = { S1: 'id-S1', S2: 'id-S2', S3: 'id-S3', S4: 'id-S4' };
    const refuse = { [ONE]: 'CLIENT_NOT_FOUND', [TWO]: 'SOAP_FAULT', [THREE]: 'CLIENT_NOT_FOUND' };
    const submitted = Object.entries(ids).map(([number, id], index) =>
      requestFor(addTo([ONE, TWO, THREE, THREE][index] ?? ''), { subscription: { id, number } }),
    );
    await submit(db, ...submitted);
    while ((await send(db, 10, refuse)).length > 0);
    await db.query(`update request set submitted_at = now() - interval '3 days' where subscription_number = 'S1'`);
    const resync = async (refused_since: string) => {
      const selection = { refused_with: 'CLIENT_NOT_FOUND', refused_since };
      const kind = kindOf('RESYNC');
      const parsed = kind.source.schema.parse(selection);
      const estimate = await kind.source.estimate(db, parsed, { rules: RULES });
      const id = await create(db, { kind: 'RESYNC', parameters: {}, selection: parsed, hold: true });
      await work(db, id);
      const found = await db.query<{ target: string }>('select target from run_target where run_id = $1 order by 1', [
        id,
      ]);
      const targets = found.map(({ target }) => target);
      expect(estimate).toMatchObject({ targets: targets.length, exact: true });
      expect(estimate.sample.map(({ target }) => target)).toEqual(targets);
      return targets;
    };
    const hour = new Date(Date.now() - 3_600_000).toISOString();
    // S4 is not known, and its refusal selects nothing.
    expect(await resync(hour)).toEqual(['S3']);
    expect(await resync('2026-01-01')).toEqual(['S1', 'S3']);
    // An instance of the version before refusals reads a selection so, and must not take this one for everybody.
    const [stored] = await db.query<{ selection: Filters }>('select selection from run order by id desc limit 1');
    expect(() => filterValues(stored?.selection ?? {})).toThrow(TypeError);
    const refused = (selection: object): string =>
      JSON.stringify(kindOf('RESYNC').source.schema.safeParse(selection).error?.issues ?? 'taken');
    expect(refused({ refused_with: 'X' })).toContain('give {refused_with} and {refused_since} together');
    expect(refused({ refused_since: hour })).toContain('give {refused_with} and {refused_since} together');
    expect(refused({ refused_with: 'X', refused_since: hour, all: true })).toContain('{refused_with} alone');
    expect(refused({ refused_with: 'X', refused_since: hour, distributor: 'x' })).toContain('{refused_with} alone');
  });

  test('that is none, contradicts itself, or has malformed cards is refused before anything is there', async () => {
    const [before] = await db.query('select count(*) from run');
    const wrong = async (selection: unknown): Promise<string> =>
      await create(db, { selection }).then(
        () => 'taken',
        (error: unknown) => String(error),
      );
    expect(await wrong({})).toContain('give {cards} alone, or {all} alone');
    expect(await wrong({ all: true, distributor: 'x' })).toContain('give {cards} alone, or {all} alone');
    expect(await wrong({ cards: [ONE], product: { code: 'P' } })).toContain('give {cards} alone');
    expect(await wrong({ product: { code: 'P', id: 'p' } })).toContain(
      'give exactly one of {id}, {code} and {alternative_code}',
    );
    expect(await wrong({ subscription_states: ['DEAD'] })).toContain('give states out of DRAFT');
    expect(await wrong({ colour: 'red' })).toContain('colour');
    const malformed = await wrong({ cards: [ONE, '123', TWO, 'x'.repeat(50)] });
    expect(malformed).toContain('2 of 4 are no smart card CA ids (no. 2: "123", no. 4: "xxx');
    expect(malformed).not.toContain('x'.repeat(41));
    expect(await db.query('select count(*) from run')).toEqual([before]);
  });

  test.each([
    [{ type: 'BARK', message: 'x'.repeat(130) }, 'at most 129'],
    [{ type: 'MAIL', message: 'x'.repeat(142) }, 'at most 141'],
    [{ type: 'REPEATING_BARK', message: 'x', repetition_count: 1, repetition_interval: 15 }, 'in steps of 10'],
    [{ type: 'BARK', message: '' }, 'give the text'],
    [{ type: 'BARK', message: 'x\u0001' }, 'a control character'],
  ])('with a message beyond the limits (%j) is refused before anything is there', async (parameters, problem) => {
    const [before] = await db.query('select count(*) from run');
    await expect(create(db, { parameters, selection: { all: true } })).rejects.toThrow(problem);
    expect(await db.query('select count(*) from run')).toEqual([before]);
  });
});
