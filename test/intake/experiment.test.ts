import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import type { EventDecoder } from '../../src/events/decode.ts';
import { ControlFailedError, createExperiment, type Steps } from '../../src/intake/experiment.ts';
import type { IncomingMessage } from '../../src/intake/message.ts';
import { describeOutage } from '../../src/intake/outage.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { plan } from '../../src/planning/plan.ts';
import { openTestIntake, type TestIntake, type TestOptions } from './support.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const POISON = 'POISON';

let intake: TestIntake;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterEach(() => withoutTriggers());
afterAll(() => intake.close());

let counter = 0;

/** The first action of a new subscription with one card and one service; a poisoned one says so in its number. */
function activation(poisoned: boolean): CrmEvent {
  counter += 1;
  const subscription = newSubscription(`${poisoned ? POISON : 'S'}${String(counter).padStart(8, '0')}`);
  addItem(subscription, 'card', 'SMARTCARD', String(counter).padStart(11, '7'));
  addService(subscription, 'sports', '101');
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('no event');
  return event;
}

function isPoison(message: IncomingMessage): boolean {
  return message.value?.includes(POISON) === true;
}

/** Where something fails, and how it is made to: for the poisoned messages alone, or for everything. */
const PLACES: Record<string, (everything: boolean) => TestOptions | Promise<TestOptions>> = {
  decode: (everything) => ({ decoder: failing(everything) }),
  plan: (everything) => ({
    plan(input) {
      if (everything || input.event.subscription.number.startsWith(POISON)) throw new RangeError('planning failed');
      return plan(input);
    },
  }),
  store: async (everything) => trigger(everything, 'create trigger breaks before insert on inbox'),
  commit: async (everything) =>
    trigger(
      everything,
      'create constraint trigger breaks after insert or update on DEFERRED deferrable initially deferred',
    ),
};

function failing(everything: boolean): EventDecoder {
  return {
    decode(values) {
      if (everything || values.some((value) => value?.includes(POISON) === true)) {
        return Promise.reject(new TypeError('decoding failed'));
      }
      return intake.decoder.decode(values);
    },
    control() {
      if (everything) throw new TypeError('decoding failed');
      return intake.decoder.control();
    },
  };
}

/** The row of the offset is the one that the control leaves written at COMMIT, so it fails there if everything does. */
async function trigger(everything: boolean, create: string): Promise<TestOptions> {
  const table = everything ? 'consumer_offset' : 'inbox';
  const condition = everything
    ? 'true'
    : `new.subscription_number like '${POISON}%' and new.disposition <> 'DEAD_LETTERED'`;
  await intake.db.query(
    `create or replace function breaks() returns trigger language plpgsql as $$
     begin if ${condition} then raise exception 'storing failed'; end if; return new; end $$`,
  );
  await intake.db.query(`drop trigger if exists breaks on inbox`);
  await intake.db.query(`drop trigger if exists breaks on consumer_offset`);
  await intake.db.query(
    `${everything && create.includes('before') ? 'create trigger breaks before update or insert on consumer_offset' : create.replace('DEFERRED', table)} for each row execute function breaks()`,
  );
  return {};
}

async function withoutTriggers(): Promise<void> {
  for (const table of WRITTEN_TABLES) await intake.db.query(`drop trigger if exists breaks on ${table}`);
}

/** Every table that intake writes to. */
const WRITTEN_TABLES = [
  'inbox',
  'consumer_offset',
  'subscription',
  'subscription_card',
  'past_card',
  'request',
  'work',
  'lane',
  'withheld',
  'crm_action',
  'outbox',
];

/** Lets a statement of PL/pgSQL run before each row that is written to a table. */
async function breakTable(table: string, condition: string, statement: string): Promise<void> {
  await intake.db.query(
    `create or replace function breaks() returns trigger language plpgsql as $$
     begin if ${condition} then ${statement}; end if; return new; end $$`,
  );
  await intake.db.query(
    `create trigger breaks before insert or update on ${table} for each row execute function breaks()`,
  );
}

async function withTimeOut<T>(statementTimeoutMs: number, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({ url: intake.url, maxConnections: 2, applicationName: 'test', statementTimeoutMs });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function storedOf(messages: readonly IncomingMessage[]): Promise<{ offset: number; disposition: string }[]> {
  return intake.db.query(
    'select message_offset as offset, disposition from inbox where message_offset = any($1::bigint[]) order by id',
    [messages.map(({ offset }) => offset)],
  );
}

describe('Messages of which some are poisoned', () => {
  it.each(Object.keys(PLACES))(
    'are processed in their order, and exactly the poisoned ones are dead-lettered, once: failing at %s',
    { timeout: 120_000 },
    async (place) => {
      console.log(`seed ${SEED}`);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 }), async (dice) => {
          const messages = dice.map((die) => intake.message(activation(die === 0)));
          const failures: unknown[] = [];
          await intake.applyMessages(messages, {
            ...(await PLACES[place]?.(false)),
            onFailure: (_read, error) => failures.push(error),
          });
          await withoutTriggers();
          expect(await storedOf(messages)).toEqual(
            messages.map((message) => ({
              offset: message.offset,
              disposition: isPoison(message) ? 'DEAD_LETTERED' : 'PLANNED',
            })),
          );
          expect(failures).toHaveLength(messages.filter(isPoison).length);
        }),
        { seed: SEED, numRuns: 6 },
      );
    },
  );

  it.each(Object.keys(PLACES))(
    'are all left alone while an event of our own fails too, at %s, and are processed afterwards',
    async (place) => {
      const messages = Array.from({ length: 5 }, () => intake.message(activation(false)));
      // The row that the control writes to is there.
      await intake.applyMessages([intake.message(activation(false))]);
      const broken = await PLACES[place]?.(true);
      await expect(intake.applyMessages(messages, broken)).rejects.toThrow(ControlFailedError);
      expect(await storedOf(messages)).toEqual([]);
      await withoutTriggers();
      await intake.applyMessages(messages);
      expect((await storedOf(messages)).map(({ disposition }) => disposition)).toEqual(messages.map(() => 'PLANNED'));
    },
  );

  it.each(WRITTEN_TABLES)('are all left alone while nothing can be written to %s', async (table) => {
    await intake.applyMessages([intake.message(activation(false))]);
    await breakTable(table, 'true', `raise exception 'storing failed'`);
    const messages = [intake.message(activation(false))];
    // Only they fail for a reason that is theirs.
    const broken: TestOptions = {
      plan(input) {
        if (!input.event.subscription.number.startsWith('control')) throw new RangeError('planning failed');
        return plan(input);
      },
    };
    await expect(intake.applyMessages(messages, broken)).rejects.toThrow(ControlFailedError);
    await withoutTriggers();
    expect(await storedOf(messages)).toEqual([]);
  });

  it('are not blamed for a time-out while an event of our own is slow, too', async () => {
    await breakTable('inbox', 'true', `perform pg_sleep(case when new.message_offset < 0 then 0.3 else 2 end)`);
    const messages = [intake.message(activation(false))];
    const error = await withTimeOut(1_500, (database) => intake.applyMessages(messages, { database })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ControlFailedError);
    expect(describeOutage(error)).toMatch(
      /^PostgreSQL: canceling statement due to statement timeout \(57014\); an event of our own took \d\.\d s: the storage is slow$/,
    );
    expect(await storedOf(messages)).toEqual([]);
    await withoutTriggers();
    await intake.applyMessages(messages);
    expect(await storedOf(messages)).toMatchObject([{ disposition: 'PLANNED' }]);
  });

  it('are blamed for a time-out if an event of our own is fast', async () => {
    await breakTable('inbox', `new.message_offset >= 0 and new.disposition <> 'DEAD_LETTERED'`, 'perform pg_sleep(5)');
    const messages = [intake.message(activation(false))];
    await withTimeOut(500, (database) => intake.applyMessages(messages, { database }));
    await withoutTriggers();
    expect(await storedOf(messages)).toMatchObject([{ disposition: 'DEAD_LETTERED' }]);
  });

  it('leave nothing of the control behind', async () => {
    await intake.applyMessages([intake.message(activation(true))], await PLACES['plan']?.(false));
    expect(await intake.db.query(`select 1 from request where subscription_number like 'control%'`)).toEqual([]);
    expect(await intake.db.query(`select 1 from inbox where event_id like 'control%'`)).toEqual([]);
    expect(await intake.db.query(`select 1 from subscription where number like 'control%'`)).toEqual([]);
  });
});

/** Steps over numbers: those in `poison` fail. Counts the attempts. */
function numbers(poison: ReadonlySet<number>, more: Partial<Steps<number>> = {}) {
  const buried: number[] = [];
  const done: number[] = [];
  let attempts = 0;
  const steps: Steps<number> = {
    attempt(messages, stored) {
      attempts += 1;
      if (messages.some((message) => poison.has(message))) return Promise.reject(new Error('poison'));
      done.push(...messages);
      stored(messages.length);
      return Promise.resolve(true);
    },
    control: () => Promise.resolve(),
    bury(message) {
      buried.push(message);
      return Promise.resolve();
    },
    isOutage: () => false,
    isTimeOut: () => false,
    ...more,
  };
  return { steps, buried, done, attempts: () => attempts };
}

const UP_TO_200 = Array.from({ length: 200 }, (_none, index) => index);

describe('The experiment', () => {
  it('costs at most 2 · log2(n) + 6 attempts a culprit, wherever it stands', async () => {
    for (const culprit of UP_TO_200) {
      const { steps, buried, done, attempts } = numbers(new Set([culprit]));
      expect(await createExperiment().process('p', UP_TO_200, steps)).toBe(true);
      expect(buried).toEqual([culprit]);
      expect(done).toEqual(UP_TO_200.filter((message) => message !== culprit));
      expect(attempts()).toBeLessThanOrEqual(2 * Math.log2(200) + 6);
    }
  });

  it('blames nobody where the second attempt alone goes through', async () => {
    let failures = 0;
    const { steps, buried } = numbers(new Set());
    const attempt: Steps<number>['attempt'] = (messages, stored) => {
      failures += 1;
      return failures <= 2 ? Promise.reject(new Error('once')) : steps.attempt(messages, stored);
    };
    await createExperiment().process('p', [1], { ...steps, attempt });
    await createExperiment().process('p', [1, 2], { ...steps, attempt });
    expect(buried).toEqual([1]);
  });

  it('throws a known outage as it is, whenever it comes, and the next call goes on where this one stopped', async () => {
    const outage = new Error('away');
    const experiment = createExperiment();
    const { steps, buried, done, attempts } = numbers(new Set([150]));
    let calls = 0;
    const attempt: Steps<number>['attempt'] = (messages, stored) => {
      calls += 1;
      return calls === 5 ? Promise.reject(outage) : steps.attempt(messages, stored);
    };
    const isOutage = (error: unknown): boolean => error === outage;
    await expect(experiment.process('p', UP_TO_200, { ...steps, attempt, isOutage })).rejects.toBe(outage);
    const rest = UP_TO_200.slice(done.length);
    await experiment.process('p', rest, { ...steps, attempt, isOutage });
    expect(buried).toEqual([150]);
    expect(done).toHaveLength(199);
    expect(attempts()).toBeLessThanOrEqual(2 * Math.log2(200) + 7);
  });

  it('lets others go first once its time is over, and ends all the same', async () => {
    const experiment = createExperiment(0);
    const { steps, buried, done } = numbers(new Set([3, 90, 91]));
    let calls = 0;
    for (let rest: readonly number[] = UP_TO_200; ; calls += 1) {
      if (await experiment.process('p', rest, steps)) break;
      rest = UP_TO_200.filter((message) => !done.includes(message) && !buried.includes(message));
    }
    expect(calls).toBeGreaterThan(3);
    expect(buried).toEqual([3, 90, 91]);
    expect(done).toHaveLength(197);
  });
});
