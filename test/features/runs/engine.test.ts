import { Registry } from '@prometheus-io/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addItem, newSubscription } from '../../../dev/demo/crm.ts';
import { recordOutcomes } from '../../../src/outcomes/record.ts';
import type { Database } from '../../../src/platform/database.ts';
import { resumeRun, stopRun } from '../../../src/features/runs/control.ts';
import { type AnyKind, runKind } from '../../../src/features/runs/kind.ts';
import { messageKind } from '../../../src/features/messages/message-kind.ts';
import { RUN_LIFE_CYCLE } from '../../../src/features/runs/life-cycle.ts';
import { runMetrics, startRunWorker } from '../../../src/features/runs/worker.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { eventually } from '../../support/scene.ts';
import { findRun, lockRun, moveRun, runChanges } from '../../../src/features/runs/store.ts';
import { audit, claim, openTestRequests, type TestRequests } from '../../requests/support.ts';
import { AGENT, cardsFrom, counts, create, know, RULES, send, stateOf, stepParts, warm, work } from './support.ts';
import { stepRun } from '../../../src/features/runs/step.ts';

let requests: TestRequests;
let db: Database;
beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
/** The runs stay: what they went through is judged in the end. */
beforeEach(async () => {
  await db.query(`
    with runs as (update run set open = false), requests as (delete from request), finals as (delete from request_final),
      lanes as (delete from lane), pins as (delete from lane_pin), cards as (delete from subscription_card),
      subscriptions as (delete from subscription)
    delete from work`);
});

const stop = (id: number): Promise<number> => stopRun(db, id, AGENT, recordOutcomes);
const barks = async (): Promise<string[]> =>
  (await db.query<{ card: string }>(`select cards[1] as card from request order by number`)).map(({ card }) => card);

describe('a run', () => {
  test('sends to each card of a list once, however often the list names it', async () => {
    const cards = cardsFrom('1', 5);
    const id = await create(db, { selection: { cards: [...cards, ...cards] } });
    expect(await work(db, id)).toBe('wait');
    expect((await send(db)).toSorted()).toEqual(cards);
    await work(db, id);
    expect(await stateOf(db, id)).toBe('COMPLETED');
    expect(await counts(db, id)).toEqual({ targets: 5, waiting: 0, pending: 0, outcomes: { COMPLETED: 5 } });
    const [kept] = await db.query<{ counts: unknown }>('select counts from run where id = $1', [id]);
    expect(kept?.counts).toEqual({ COMPLETED: 5 });
  });

  test('makes bulk requests that name the run, its maker and their places in it', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 3) } });
    await work(db, id);
    expect(
      await db.query(`
        select bulk, priority, process_name, process_id, created_by_user, created_by_unit, sequence_number as place
          from request order by number`),
    ).toEqual(
      [1, 2, 3].map((place) => ({
        bulk: true,
        priority: 'REGULAR',
        process_name: 'MAIL_BARK_MESSAGE_RUN',
        process_id: String(id),
        created_by_user: 'agent',
        created_by_unit: 'Nicosia',
        place,
      })),
    );
  });

  test('has no more requests pending than its window', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 450) } });
    const left: number[] = [];
    for (let sent = 0; sent < 450;) {
      await work(db, id, { window: 100 });
      const [{ pending } = { pending: 0 }] = await db.query<{ pending: number }>(
        'select count(*) as pending from work',
      );
      left.push(pending);
      sent += (await send(db, 70)).length;
    }
    expect(Math.max(...left)).toBe(100);
    await work(db, id);
    expect((await counts(db, id)).outcomes).toEqual({ COMPLETED: 450 });
  });

  test('that many workers are at makes one request for each target', async () => {
    const cards = cardsFrom('1', 400);
    const id = await create(db, { selection: { cards } });
    await warm(db, 8);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        // Together to the end: who finds the run taken tries again.
        while ((await barks()).length < cards.length) await stepRun(id, stepParts(db));
      }),
    );
    await work(db, id);
    expect((await barks()).toSorted()).toEqual(cards);
    expect(await counts(db, id)).toMatchObject({ targets: 400, waiting: 0, pending: 400 });
  });

  test('makes no more requests a second than its rate', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 100) } });
    const made = async (): Promise<number> => (await barks()).length;
    await work(db, id, { perSecond: 20 });
    expect(await made()).toBeLessThanOrEqual(6);
    const [before] = [await made()];
    await db.query(`update run set next_at = now() + interval '1 hour' where id = $1`, [id]);
    expect(await work(db, id, { perSecond: 20 })).toBe('wait');
    expect(await made()).toBe(before);
    await db.query(`update run set next_at = now() - interval '1 hour' where id = $1`, [id]);
    await work(db, id, { perSecond: 20 });
    // The hour is not made up for.
    expect(await made()).toBeLessThanOrEqual(before + 10);
  });

  test('counts by outcome: accepted, refused by code, unknown, and malformed ones of a snapshot that were not sent', async () => {
    const [known, malformed] = [newSubscription('S1'), newSubscription('S2')];
    addItem(known, 'card', 'SMARTCARD', '10000000001');
    addItem(malformed, 'card', 'SMARTCARD', '123');
    await know(db, [known, malformed]);
    const first = await create(db, { selection: { all: true } });
    await work(db, first);
    expect(await send(db)).toEqual(['10000000001']);
    await work(db, first);
    expect((await counts(db, first)).outcomes).toEqual({ COMPLETED: 1, INVALID_CA_ID: 1 });

    const second = await create(db, { selection: { cards: cardsFrom('2', 4) } });
    await work(db, second);
    await send(db, 10, { '20000000002': 'CLIENT_NOT_FOUND', '20000000003': 'OUTCOME_UNKNOWN' });
    await work(db, second);
    expect((await counts(db, second)).outcomes).toEqual({ COMPLETED: 2, CLIENT_NOT_FOUND: 1, OUTCOME_UNKNOWN: 1 });
  });

  test('that is held waits for a person once its targets are there', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 3) }, hold: true });
    await work(db, id);
    expect(await stateOf(db, id)).toBe('READY');
    expect(await counts(db, id)).toMatchObject({ targets: 3, waiting: 3, pending: 0 });
    await resumeRun(db, id, AGENT);
    await work(db, id);
    expect(await barks()).toHaveLength(3);
  });
});

describe('a stop', () => {
  test('takes back what nobody has begun to send, and a resume sends exactly that and the rest', async () => {
    const cards = cardsFrom('1', 300);
    const id = await create(db, { selection: { cards } });
    await work(db, id, { window: 200 });
    const before = await send(db, 40);
    const held = await claim(db, 10);
    expect(await stop(id)).toBe(150);
    expect(await audit(db)).toEqual([]);
    expect(await counts(db, id)).toMatchObject({ targets: 300, waiting: 250 });
    expect(await work(db, id)).toBe('wait');
    expect(await claim(db, 100)).toEqual([]);
    expect(await db.query(`select distinct error_code from request where life_cycle_state = 'REJECTED'`)).toEqual([
      { error_code: 'WITHDRAWN' },
    ]);

    const during = held.flatMap(({ cards: own }) => own);
    await db.query('update work set token = null, ready_at = now()');
    expect((await send(db)).toSorted()).toEqual(during.toSorted());
    expect(await work(db, id)).toBe('not ours');
    expect(await resumeRun(db, id, AGENT)).toBe('RUNNING');
    await work(db, id);
    const after = await send(db);
    await work(db, id);
    expect([...before, ...during, ...after].toSorted()).toEqual(cards);
    expect(await counts(db, id)).toEqual({ targets: 300, waiting: 0, pending: 0, outcomes: { COMPLETED: 300 } });
    expect((await runChanges(db, id)).map(({ event, user }) => [event, user])).toEqual([
      ['created', 'agent'],
      ['prepared', null],
      ['stopped', 'agent'],
      ['resumed', 'agent'],
      ['completed', null],
    ]);
  });

  test('whose maker dies over it is finished by the worker', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 250) } });
    await work(db, id);
    await db.transaction(async (tx) => {
      const run = await lockRun(tx, id);
      await moveRun(tx, run ?? { id, state: 'RUNNING' }, { to: 'STOPPED', event: 'stopped', by: AGENT });
    });
    expect(await work(db, id)).toBe('not ours');
    expect(await counts(db, id)).toMatchObject({ waiting: 250, pending: 0 });
    expect(await audit(db)).toEqual([]);
  });

  test('hands the cards of what it takes back to whoever waits behind', async () => {
    const [card = ''] = cardsFrom('1', 1);
    const first = await create(db, { selection: { cards: [card] } });
    const second = await create(db, { selection: { cards: [card] } });
    await work(db, first);
    await work(db, second);
    expect(await stop(first)).toBe(1);
    expect(await audit(db)).toEqual([]);
    expect(await send(db)).toEqual([card]);
    await work(db, second);
    expect(await stateOf(db, second)).toBe('COMPLETED');
  });

  test('that comes while the targets are collected is gone on from there by a resume', async () => {
    const subscriptions = cardsFrom('1', 2_500).map((card) => {
      const one = newSubscription(`S${card}`);
      addItem(one, 'card', 'SMARTCARD', card);
      return one;
    });
    await know(db, subscriptions);
    const id = await create(db, { selection: { all: true } });
    await stop(id);
    expect(await resumeRun(db, id, AGENT)).toBe('PREPARING');
    await work(db, id);
    expect(await counts(db, id)).toMatchObject({ targets: 2_500, waiting: 2_000, pending: 500 });
  });

  test('of a run that is final, that does not exist, or a second resume is refused', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 1) } });
    await work(db, id);
    await expect(resumeRun(db, id, AGENT)).rejects.toThrow(`run ${id} is RUNNING: it cannot be resumed`);
    await send(db);
    await work(db, id);
    await expect(stop(id)).rejects.toThrow(`run ${id} is COMPLETED: it cannot be stopped`);
    await expect(stop(id + 1)).rejects.toThrow(`there is no run ${id + 1}`);
  });
});

describe('a kind', () => {
  /** Asks each card up to three times, and has nothing to do for one of them. */
  const asking = runKind({
    ...(messageKind as unknown as Parameters<typeof runKind>[0]),
    name: 'MESSAGE',
    planRequests: (_tx, _run, targets) =>
      Promise.resolve(
        targets.map(({ target, card }) =>
          target.endsWith('1')
            ? { target, requests: [], outcome: 'NOTHING_TO_DO' }
            : {
                target,
                requests: [
                  {
                    command: { type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: { caId: card ?? '', distributor: null } },
                    subscription: null,
                  },
                ],
              },
        ),
      ),
    settle: (_tx, _run, targets) =>
      Promise.resolve(
        targets.map(({ target, tries, requests: asked }) =>
          tries < 3
            ? { target, again: true as const, result: { asked: asked.length } }
            : { target, outcome: 'CHANGING', result: { asked: asked.length } },
        ),
      ),
  });

  test('may have nothing to do for a target, ask again, and say what came of it', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 3) } });
    const parts = { kinds: new Map<string, AnyKind>([['MESSAGE', asking]]) };
    for (let round = 0; round < 3; round += 1) {
      await work(db, id, parts);
      expect(await send(db)).toHaveLength(2);
    }
    await work(db, id, parts);
    expect(await stateOf(db, id)).toBe('COMPLETED');
    expect((await counts(db, id)).outcomes).toEqual({ CHANGING: 2, NOTHING_TO_DO: 1 });
    expect(await db.query(`select result from run_target where outcome = 'CHANGING'`)).toEqual([
      { result: { asked: 3 } },
      { result: { asked: 3 } },
    ]);
  });
});

describe('the life cycle', () => {
  test('refuses what is not in its table', async () => {
    const id = await create(db, { selection: { cards: cardsFrom('1', 1) } });
    await db.transaction(async (tx) => {
      const run = await lockRun(tx, id);
      await expect(
        moveRun(tx, run ?? { id, state: 'READY' }, { to: 'COMPLETED', event: 'completed', by: null }),
      ).rejects.toThrow(`Run ${id} is PREPARING`);
    });
  });

  test('goes on from a failure, at either end of collecting, or is stopped after one', async () => {
    for (const prepared of [false, true]) {
      for (const then of [resumeRun, stopRun]) {
        const id = await create(db, { selection: { cards: cardsFrom('1', 1) } });
        if (prepared) await work(db, id, { window: 0 });
        await failUntilGivenUp(id);
        expect(await findRun(db, id)).toMatchObject({ state: 'FAILED', failure: 'out of order', open: false });
        await then(db, id, AGENT, recordOutcomes);
        expect(await stateOf(db, id)).toBe(then === stopRun ? 'STOPPED' : prepared ? 'RUNNING' : 'PREPARING');
        if (then === stopRun) await resumeRun(db, id, AGENT);
      }
    }
    const held = await create(db, { selection: { cards: cardsFrom('1', 1) }, hold: true });
    await work(db, held);
    await stop(held);
  });

  test('went through every transition of its table here, and through no other', async () => {
    const seen = await db.query<{ from: string | null; to: string; event: string }>(`
      select distinct lag(state) over (partition by run_id order by id) as from, state as to, event from run_change`);
    const text = ({ from, to, event }: { from: string | null; to: string; event: string }): string =>
      `${from} -> ${to}: ${event}`;
    expect(seen.map(text).toSorted()).toEqual(RUN_LIFE_CYCLE.map(text).toSorted());
  });
});

/** A worker whose kind fails at every step. */
async function failUntilGivenUp(id: number): Promise<void> {
  const fail = (): never => {
    throw new Error('out of order');
  };
  const failing = { ...messageKind, planRequests: fail, source: { ...messageKind.source, collect: fail } } as AnyKind;
  // A list is collected when the run is created: as if it had been a filter.
  await db.query(`update run set cursor = '["",""]' where id = $1 and state = 'PREPARING'`, [id]);
  const worker = startRunWorker({
    db,
    context: { rules: RULES },
    startDue: () => Promise.resolve(0),
    recordOutcomes,
    window: 10,
    perSecond: 1_000,
    kinds: new Map([['MESSAGE', failing]]),
    metrics: runMetrics(new Registry()),
    logger: createLogger('silent'),
    restMs: 1,
  });
  await eventually(async () => ((await stateOf(db, id)) === 'FAILED' ? true : undefined), `run ${id} FAILED`);
  await worker.stop();
}
