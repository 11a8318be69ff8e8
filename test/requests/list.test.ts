import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { indexWalking } from '../../src/platform/planner-settings.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { findRequest } from '../../src/requests/find.ts';
import { finishRequests } from '../../src/requests/finish.ts';
import { LIST_LIMITS, type ListFilter, listRequests } from '../../src/requests/list.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import { exchangeOf, ACCEPTED, refused } from '../dispatch/support.ts';
import {
  addTo,
  claim,
  completed,
  openTestRequests,
  pairingOf,
  PARTS,
  requestFor,
  submit,
  type TestRequests,
} from './support.ts';

let store: TestRequests;
let db: Database;
beforeAll(async () => {
  store = await openTestRequests();
  db = store.db;
});
beforeEach(() => db.query('truncate request, work, lane, lane_pin, request_final cascade'));
afterAll(() => store.close());

/** Every page to the end by `after`, as numbers. */
async function walked(filter: ListFilter, limit: number, first: 'oldest' | 'newest' = 'oldest'): Promise<number[]> {
  const all: number[] = [];
  for (;;) {
    const page = await listRequests(db, { filter, limit, first, after: all.at(-1) ?? null });
    if (page.length === 0) return all;
    all.push(...page.map(({ number }) => number));
  }
}

async function listed(filter: ListFilter, more: Partial<Parameters<typeof listRequests>[1]> = {}): Promise<number[]> {
  return (await listRequests(db, { filter, limit: 100, ...more })).map(({ number }) => number);
}

/** Claims what is ready and ends it, by its card: the refused and the done. */
async function endAll(rejectedCards: readonly string[], referenceNumber: string | null = null): Promise<void> {
  const claimed = await claim(db, 1_000);
  await db.transaction((tx) =>
    finishRequests(
      tx,
      claimed.map((request) =>
        rejectedCards.includes(request.cards[0] ?? '')
          ? completed(request, { state: 'REJECTED', errorCode: 'CLIENT_NOT_FOUND', errorDescription: 'no such card' })
          : completed(request, { referenceNumber }),
      ),
      PARTS,
    ),
  );
}

describe('lists', () => {
  test('each life cycle state lists the requests that are in it, and no other', async () => {
    const ended = await submit(db, requestFor(addTo('1')), requestFor(addTo('2')), requestFor(addTo('3')));
    await endAll(['2']);
    const pending = await submit(db, requestFor(addTo('4')), requestFor(addTo('4')), requestFor(addTo('5')));
    expect(await listed({ lifeCycleState: 'PENDING' })).toEqual(pending);
    expect(await listed({ lifeCycleState: 'COMPLETED' })).toEqual([ended[0], ended[2]]);
    expect(await listed({ lifeCycleState: 'REJECTED' })).toEqual([ended[1]]);
  });

  test('a withdrawn request is listed as REJECTED', async () => {
    const [number = 0] = await submit(db, requestFor(addTo('1')));
    await db.transaction((tx) => withdrawRequest(tx, number, { user: 'anna', unit: null }, PARTS.recordOutcomes));
    expect(await listed({ lifeCycleState: 'REJECTED' })).toEqual([number]);
    expect(await listed({ lifeCycleState: 'PENDING' })).toEqual([]);
  });

  test('a type lists its requests in every state', async () => {
    const numbers = await submit(
      db,
      requestFor(pairingOf(['1'])),
      requestFor(addTo('2')),
      requestFor(pairingOf(['3'])),
    );
    await endAll(['3']);
    expect(await listed({ type: 'CREATE_PAIRING' })).toEqual([numbers[0], numbers[2]]);
    expect(await listed({ type: 'ADD_SUBSCRIPTIONS' })).toEqual([numbers[1]]);
    expect(await listed({ type: 'DISPLAY_FINGERPRINT' })).toEqual([]);
  });

  test('a reference number lists all requests that carry it, however long it is', async () => {
    const long = 'R'.repeat(5_000);
    const [first] = await submit(db, requestFor(addTo('1')));
    await endAll([], long);
    const [second] = await submit(db, requestFor(addTo('1')));
    await endAll([], `${long}-another`);
    const twice = await submit(db, requestFor(addTo('1')), requestFor(addTo('2')));
    await endAll([], 'twice');
    expect(await listed({ referenceNumber: long })).toEqual([first]);
    expect(await listed({ referenceNumber: `${long}-another` })).toEqual([second]);
    expect(await listed({ referenceNumber: 'twice' })).toEqual(twice);
    expect(await listed({ referenceNumber: 'R' })).toEqual([]);
  });

  test('several parts of a filter list what fits all of them', async () => {
    const of = (number: string) => ({ subscription: { id: null, number } });
    const numbers = await submit(
      db,
      requestFor(addTo('1'), of('S1')),
      requestFor(pairingOf(['2']), of('S1')),
      requestFor(addTo('3'), of('S2')),
      requestFor(addTo('4'), of('S1')),
    );
    await endAll(['1', '3']);
    const later = await submit(db, requestFor(addTo('5'), of('S1')));
    expect(await listed({ subscription: 'S1' })).toEqual([numbers[0], numbers[1], numbers[3], ...later]);
    expect(await listed({ subscription: 'S1', type: 'CREATE_PAIRING' })).toEqual([numbers[1]]);
    expect(await listed({ subscription: 'S1', lifeCycleState: 'PENDING' })).toEqual(later);
    expect(await listed({ code: 'CLIENT_NOT_FOUND' })).toEqual([numbers[0], numbers[2]]);
    expect(await listed({ code: 'CLIENT_NOT_FOUND', subscription: 'S2' })).toEqual([numbers[2]]);
    expect(await listed({ code: 'CLIENT_NOT_FOUND', lifeCycleState: 'COMPLETED' })).toEqual([]);
    expect(await listed({ type: 'ADD_SUBSCRIPTIONS', lifeCycleState: 'COMPLETED' })).toEqual([numbers[3]]);
    expect(await listed({ lifeCycleState: 'REJECTED', subscription: 'S3' })).toEqual([]);
  });

  test('a card lists what touches it, once, also among others and in either order', async () => {
    const numbers = await submit(
      db,
      requestFor(addTo('1')),
      requestFor(pairingOf(['1', '2'])),
      requestFor(pairingOf(['2', '1'])),
      requestFor(addTo('2')),
    );
    expect(await listed({ card: '1' })).toEqual(numbers.slice(0, 3));
    expect(await listed({ card: '2' }, { first: 'newest' })).toEqual(numbers.slice(1).toReversed());
    expect(await listed({ card: '2', type: 'CREATE_PAIRING' })).toEqual(numbers.slice(1, 3));
    expect(await listed({ card: '3' })).toEqual([]);
  });

  test('times list what was submitted between them, in either order', async () => {
    const numbers = await submit(db, requestFor(addTo('1')), requestFor(addTo('2')), requestFor(addTo('3')));
    const at = (hour: number): Date => new Date(Date.UTC(2026, 0, 1, hour));
    for (const [index, number] of numbers.entries()) {
      await db.query('update request set submitted_at = $2 where number = $1', [number, at(index)]);
    }
    expect(await listed({ since: at(1) })).toEqual(numbers.slice(1));
    expect(await listed({ until: at(1) })).toEqual(numbers.slice(0, 1));
    expect(await listed({ since: at(1), until: at(2), type: 'ADD_SUBSCRIPTIONS' })).toEqual([numbers[1]]);
    expect(await listed({ since: at(1) }, { first: 'newest' })).toEqual(numbers.slice(1).toReversed());
    expect(await listed({ lifeCycleState: 'PENDING', since: at(3) })).toEqual([]);
  });

  test('pages by keyset and by offset hold everything once, in either order, while more comes in', async () => {
    const numbers = await submit(db, ...Array.from({ length: 23 }, (_, index) => requestFor(addTo(String(index)))));
    const filter: ListFilter = { type: 'ADD_SUBSCRIPTIONS' };
    expect(await walked(filter, 5)).toEqual(numbers);
    expect(await walked(filter, 5, 'newest')).toEqual(numbers.toReversed());
    expect(await listed(filter, { limit: 5, offset: 20 })).toEqual(numbers.slice(20));
    expect(await listed(filter, { limit: 3, after: numbers[4] ?? 0, offset: 2 })).toEqual(numbers.slice(7, 10));

    const page = await listed(filter, { limit: 10 });
    await submit(db, requestFor(addTo('99')));
    expect(await listed(filter, { limit: 10 })).toEqual(page);
    expect(await listed(filter, { limit: 10, offset: 10 })).toEqual(numbers.slice(10, 20));
  });

  test('limit, offset and after out of their ranges are refused with the remedy', async () => {
    const filter: ListFilter = { lifeCycleState: 'PENDING' };
    await expect(listRequests(db, { filter, limit: 0 })).rejects.toThrow(
      'limit is 0: it has to be a whole number from 1',
    );
    await expect(listRequests(db, { filter, limit: LIST_LIMITS.limit + 1 })).rejects.toThrow(RangeError);
    await expect(listRequests(db, { filter, limit: 1, offset: LIST_LIMITS.offset + 1 })).rejects.toThrow(
      'give the last number of the page before as after',
    );
    await expect(listRequests(db, { filter, limit: 1, after: 1.5 })).rejects.toThrow('after is 1.5');
  });
});

describe('the complete request', () => {
  test('is the same by id, by number and in a list', async () => {
    const [number = 0] = await submit(
      db,
      requestFor(addTo('1'), {
        subscription: { id: 'A'.repeat(32), number: 'S1' },
        userDefined: { udf_string_1: 'x', udf_float_1: 1.5 },
        createdBy: { user: 'anna', unit: 'Care' },
        process: { name: 'MANUAL', id: 'call-7' },
      }),
    );
    const found = await findRequest(db, { number });
    expect(found).toMatchObject({
      number,
      id: expect.stringMatching(/^[0-9A-F]{32}$/) as string,
      type: 'ADD_SUBSCRIPTIONS',
      command: addTo('1'),
      sequenceNumber: 1,
      priority: 'REGULAR',
      lifeCycleState: 'PENDING',
      executedAt: null,
      request: null,
      response: null,
      processName: 'MANUAL',
      processId: 'call-7',
      subscriptionNumber: 'S1',
      subscriptionId: 'A'.repeat(32),
      userDefined: { udf_string_1: 'x', udf_float_1: 1.5 },
      createdByUser: 'anna',
      createdByUnit: 'Care',
      updatedByUser: 'anna',
    });
    expect(await findRequest(db, { id: (found?.id ?? '').toLowerCase() })).toEqual(found);
    expect(await listRequests(db, { filter: { type: 'ADD_SUBSCRIPTIONS' }, limit: 10 })).toEqual([found]);
  });

  test('shows the bodies of the last try of the command itself, not of the questions about it', async () => {
    const [number = 0] = await submit(db, requestFor(pairingOf(['1'])));
    const [claimed] = await claim(db);
    if (!claimed) throw new Error('nothing was claimed');
    const { command } = claimed;
    const tries = ['first', 'second'].map((text) => ({
      ...exchangeOf({ command, requestNumber: number }, refused()),
      requestBody: `<${text}/>`,
      responseBody: `<${text}-answer/>`,
    }));
    const question = exchangeOf(
      {
        command: { type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: { caId: '1', distributor: null } },
        requestNumber: number,
      },
      ACCEPTED,
    );
    await db.transaction((tx) => finishRequests(tx, [completed(claimed, { exchanges: [...tries, question] })], PARTS));
    expect(await findRequest(db, { number })).toMatchObject({ request: '<second/>', response: '<second-answer/>' });
    const filter: ListFilter = { lifeCycleState: 'COMPLETED' };
    expect(await listRequests(db, { filter, limit: 1 })).toMatchObject([{ request: '<second/>' }]);
    expect(await listRequests(db, { filter, limit: 1, bodies: false })).toMatchObject([
      { request: null, response: null },
    ]);
  });

  test('what is no identifier finds nothing', async () => {
    await submit(db, requestFor(addTo('1')));
    for (const id of ['', 'x', 'G'.repeat(32), `${'A'.repeat(32)} `]) expect(await findRequest(db, { id })).toBeNull();
    for (const number of [Number.NaN, 1.5, 2 ** 60, -1]) expect(await findRequest(db, { number })).toBeNull();
  });
});

describe('on 100,000 requests', () => {
  const FILTERS: readonly [string, ListFilter][] = [
    ['type', { type: 'CREATE_PAIRING' }],
    ['PENDING', { lifeCycleState: 'PENDING' }],
    ['COMPLETED', { lifeCycleState: 'COMPLETED' }],
    ['REJECTED', { lifeCycleState: 'REJECTED' }],
    ['reference number', { referenceNumber: 'ref-77777' }],
    ['card', { card: 'card' }],
    ['card and state', { card: 'card', lifeCycleState: 'COMPLETED' }],
    ['subscription', { subscription: 'S7' }],
    ['subscription and type', { subscription: 'S7', type: 'ADD_SUBSCRIPTIONS' }],
    ['state and time', { lifeCycleState: 'COMPLETED', since: new Date(Date.now() - 3_600_000) }],
    ['time', { until: new Date(Date.now() + 3_600_000) }],
  ];

  test('every list walks indexes, sorts no more than its page, and reads few pages of the table', async () => {
    await fillMany(100_000);
    const pools = [{}, { prepared: true, settings: indexWalking({ joinByIndex: true }) }].map((more) =>
      openDatabase({ url: store.url, maxConnections: 1, applicationName: 'test-list', ...more }),
    );
    for (const pool of pools) {
      for (const [name, filter] of FILTERS) {
        for (const first of ['oldest', 'newest'] as const) {
          const plan = await planOf(pool, { filter, limit: 20, first });
          expect(plan.text, `${name}, ${first}`).not.toContain('Seq Scan');
          expect(plan.sorted, `${name}, ${first}: rows sorted\n${plan.text}`).toBeLessThanOrEqual(20);
          expect(plan.buffers, `${name}, ${first}: buffers\n${plan.text}`).toBeLessThan(600);
        }
      }
      await pool.close();
    }
  });
});

/** One in 1,000 is REJECTED, one in 1,000 PENDING, one in 500 a pairing; each kind all over the table. */
async function fillMany(count: number): Promise<void> {
  await db.query(
    `insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name, reference_number,
                          subscription_number)
     select n, case when n % 500 = 7 then 'CREATE_PAIRING' else 'ADD_SUBSCRIPTIONS' end, 1,
            case n % 1000 when 3 then 'REJECTED' when 5 then 'PENDING' else 'COMPLETED' end,
            '{}', array['card'], 'TRIGGER', case when n % 1000 not in (3, 5) then 'ref-' || n end, 'S' || n % 5000
       from generate_series(1, $1::int) n`,
    [count],
  );
  await db.query(`insert into work (number, waits, rank, ready_at, cards)
    select number, 0, 3, now(), cards from request where life_cycle_state = 'PENDING'`);
  await db.query(`insert into request_final (state, number, reference_key)
    select life_cycle_state, number, reference_number from request where life_cycle_state <> 'PENDING'`);
  await db.query(`insert into attempt (request_number, attempt, command, operation, url, answer, started_at, duration_ms, instance)
    select number, 1, type, 'Operation', 'http://cas.invalid/', 'accepted', now(), 1, 'test' from request
     where life_cycle_state <> 'PENDING'`);
  await db.query('analyze request, work, request_final, attempt');
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Node[];
}

/** The plan of a list's statement, with what it really did. */
async function planOf(
  pool: Database,
  options: Parameters<typeof listRequests>[1],
): Promise<{ text: string; sorted: number; buffers: number }> {
  let plan: Node | undefined;
  const explaining: Database = {
    ...pool,
    transaction: (work) =>
      pool.transaction((tx) =>
        work({
          ...tx,
          query: async (text, values) => {
            if (values === undefined) return await tx.query(text);
            const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
              `explain (analyze, buffers, format json) ${text}`,
              values,
            );
            plan = row?.['QUERY PLAN'][0].Plan;
            return [];
          },
        }),
      ),
  };
  await listRequests(explaining, options);
  if (!plan) throw new Error('no plan');
  const nodes = flat(plan);
  return {
    text: nodes.map((node) => `${node['Node Type']} ${node['Actual Rows']} x ${node['Actual Loops']}`).join('\n'),
    sorted: Math.max(
      0,
      ...nodes.filter((node) => node['Node Type'].includes('Sort')).map((node) => node['Actual Rows']),
    ),
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
  };
}

function flat(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}
