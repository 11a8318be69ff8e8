import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlannedCommand } from '../../../src/planning/types.ts';
import { pairOf } from '../../../src/features/replay/history.ts';
import { isDifference } from '../../../src/features/replay/plan-events.ts';
import { commandKey } from '../../../src/planning/command.ts';
import { openTestIntake, type TestIntake } from '../../intake/support.ts';
import { avroRecord, randomHistories } from '../../support/histories.ts';
import {
  accept,
  contentsOf,
  entitlementsInCas,
  misentitled,
  noting,
  planned,
  ran,
  withoutGuard,
  withoutOutgoingCancels,
} from './support.ts';

/** A REPLAY_SEED repeats a run. */
const seed = Number(process.env['REPLAY_SEED'] ?? randomInt(2 ** 31));
/** About so many events; REPLAY_EVENTS=10000 is the full size. */
const EVENTS = Number(process.env['REPLAY_EVENTS'] ?? 400);

describe(`A fault in the rules, processed over ${EVENTS} events, then the right rules (REPLAY_SEED=${seed})`, () => {
  let intake: TestIntake;
  beforeEach(async () => {
    intake = await openTestIntake();
  });
  afterEach(() => intake.close());

  test.each([
    ['what service actions take away was not cancelled', withoutOutgoingCancels],
    ['the guard was off: what another service entitles was cancelled', withoutGuard],
  ])(
    '%s: the plan names exactly the customers and commands that differ, the run mends exactly those, stopped or not',
    async (_what, faulty) => {
      const fault = noting(faulty);
      // An action has some two events.
      const { events } = randomHistories(seed, {
        subscriptions: Math.ceil(EVENTS / 15),
        actions: 12,
        sharedCards: true,
      });
      const records = events.map(avroRecord);
      for (let from = 0; from < records.length; from += 200) {
        await intake.apply(records.slice(from, from + 200), { plan: fault.plan });
        await accept(intake.db);
      }
      const before = await contentsOf(intake.db);
      const beganAt = performance.now();
      const { rows, summary } = await planned(intake.db);
      console.log(
        `plan of ${summary.events} events in ${Math.round(performance.now() - beganAt)} ms: ${summary.differing} customers differ, ${summary.mended} to mend`,
        summary.send,
        summary.unsent,
      );
      expect(await contentsOf(intake.db)).toBe(before);

      const named = rows.filter(isDifference).map(({ actionId, now, made }) => `${actionId} ${keyOf(now ?? made)}`);
      expect(named.toSorted()).toEqual([...(await trulyDiffering(fault))].toSorted());
      const sent = rows.flatMap(({ effects }) => effects.flatMap((one) => (one.kind === 'send' ? [one.command] : [])));
      const dark = await misentitled(intake.db);
      // A CANCEL that should have been made is made, also where nothing was ever added.
      const held = await everRequested();
      const mended = new Set(
        sent.flatMap((command) => (held.has(pairText(command)) ? (pairOf(command)?.card ?? []) : [])),
      );
      expect([...mended].toSorted()).toEqual(dark);
      expect(named.length).toBeGreaterThan(0);

      const { replay, counts, stopped } = await ran(intake.db, { stops: true });
      expect(stopped).toBeGreaterThan(0);
      const made = await intake.db.query<{ command: PlannedCommand; bulk: boolean; by: string }>(
        `select command, bulk, created_by_user as by from request
         where process_name = 'REPLAY' and process_id = $1 order by number`,
        [String(replay)],
      );
      expect(made.map(({ command }) => commandKey(command)).toSorted()).toEqual(sent.map(keyOf).toSorted());
      expect(made.every(({ bulk, by }) => bulk && by === 'ann')).toBe(true);
      expect(counts).toMatchObject({ events: summary.events, differing: summary.differing, requests: sent.length });
      expect(await misentitled(intake.db)).toEqual([]);
      await accept(intake.db);
      const after = await planned(intake.db);
      expect(after.summary).toMatchObject({ mended: 0, send: {} });
      expect((await ran(intake.db)).counts).toMatchObject({ requests: 0 });
      expect((await entitlementsInCas(intake.db)).size).toBeGreaterThan(0);
    },
    600_000,
  );

  async function everRequested(): Promise<Set<string>> {
    const made = await intake.db.query<{ command: PlannedCommand }>('select command from request');
    return new Set(made.map(({ command }) => pairText(command)));
  }

  /** What the fault left out and no other facet of the action made, and what it made too much. */
  async function trulyDiffering({ missing, extra }: ReturnType<typeof noting>): Promise<Set<string>> {
    const made = await intake.db.query<{ key: string }>(
      `select action_id || ' ' || command_key as key from request where action_id is not null`,
    );
    const makes = new Set(made.map(({ key }) => key));
    return new Set([...[...missing].filter((key) => !makes.has(key)), ...extra]);
  }
});

function pairText(command: PlannedCommand): string {
  return JSON.stringify(pairOf(command));
}

function keyOf(command: PlannedCommand | null): string {
  return command === null ? '' : commandKey(command);
}
