import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Journey } from '../../dev/demo/journey.ts';
import { demoJourneys } from '../../dev/demo/journeys.ts';
import { play, type PlayedStep } from '../../dev/demo/play.ts';
import { discardStale, releaseStale } from '../../src/intake/stale.ts';
import { plan } from '../../src/planning/plan.ts';
import { TRIGGER_MATRIX } from '../../src/planning/trigger-matrix.ts';
import type { PlanningRules } from '../../src/planning/types.ts';
import { metricsOf, outcomeOf } from '../support/scene.ts';
import { startWorld, type World } from '../support/world.ts';
import { facetJourneys, HELD_SUBSCRIPTION } from './facet-journeys.ts';
import { ruleJourneys } from './rule-journeys.ts';
import { notSeen } from './seen.ts';

const journeys = [...ruleJourneys(), ...demoJourneys()];

const worlds: World[] = [];

/** Plays a journey and gives the steps that did not end as expected. */
async function differing(journey: Journey, world: World, steps: PlayedStep[] = []): Promise<object[]> {
  const played: PlayedStep[] = [];
  await play(journey, world.wire, world.simulatorUrl, (step) => played.push(step));
  steps.push(...played);
  return played
    .map(({ step, outcome, lines, differences }) => ({ says: step.says, outcome, lines, differences }))
    .filter(({ differences }) => differences.length > 0);
}

async function startNext(settings: Readonly<Record<string, string>>): Promise<World> {
  const world = await startWorld(settings);
  worlds.push(world);
  return world;
}

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()));
});

describe('customer journeys through Kafka, PostgreSQL and SOAP', () => {
  let world: World;
  const steps: PlayedStep[] = [];

  beforeAll(async () => {
    world = await startNext({ BREAKER_OPEN_MS: '300' });
  });

  test.each(journeys.map((journey) => [journey.title, journey] as const))('%s', async (_title, journey) => {
    expect(await differing(journey, world, steps)).toEqual([]);
  });

  test('every cell of the trigger matrix was seen in the outcome topic and in the journal of the CAS', async () => {
    const journal = await world.journal();
    const inJournal = new Set(journal.filter(({ statusCode }) => statusCode === 'OK').map(({ command }) => command));
    const actions = new Map(
      (
        await world.db.query<{ event_id: string; family: string; type: string }>(
          'select event_id, family, type from inbox where event_id is not null',
        )
      ).map(({ event_id: id, family, type }) => [id, `${family === 'SERVICE' ? 'V' : family.slice(0, 1)}: ${type}`]),
    );
    const seen = new Set(
      world.wire.arrivals.requestOutcomes
        .filter(({ value }) => value.outcome === 'COMPLETED' && inJournal.has(value.type))
        .map(({ value }) => `${actions.get(value.causationEventId ?? '')} -> ${value.type}`),
    );
    const cells = matrixCells();
    expect(cells.length).toBeGreaterThan(35);
    expect(cells.filter((cell) => !seen.has(cell))).toEqual([]);
  });

  test('every call that the CAS saw is written down as an attempt of a request, and the other way round', async () => {
    const attempts = await world.db.query<{ command: string; calls: number }>(
      'select command, count(*) as calls from attempt group by command order by command',
    );
    const seen = Map.groupBy(await world.journal(), ({ command }) => command);
    expect(attempts).toEqual(
      [...seen]
        .map(([command, all]) => ({ command, calls: all.length }))
        .toSorted((a, b) => (a.command < b.command ? -1 : 1)),
    );
  });

  test('the metrics count what was stored: messages, unknown actions, requests and calls', async () => {
    const counted = await metricsOf(world.service);
    const stored = await world.db.query<{ sample: string; count: number }>(`
      select 'conax_intake_messages_total{disposition="' || disposition || '"}' as sample, count(*) from inbox group by 1
      union all
      select 'conax_intake_dead_letters_total{reason="' || dead_letter_reason || '"}', count(*) from inbox
       where dead_letter_reason is not null group by 1
      union all
      select 'conax_intake_unknown_actions_total{family="SERVICE",type="UPGRADE_SERVICE"}', 1
      union all
      select 'conax_dispatch_finished_total{command="' || type || '",outcome="' || life_cycle_state || '",code="' ||
         coalesce(error_code, '') || '"}', count(*) from request group by 1
      union all
      select 'conax_dispatch_calls_total{command="' || command || '",answer="' || answer || '"}', count(*)
       from attempt group by 1`);
    expect(stored.length).toBeGreaterThan(15);
    expect(stored.map(({ sample }) => ({ sample, count: counted.get(sample) }))).toEqual(stored);
  });

  test('in the end every card has exactly what the last snapshots entitle', async () => {
    const cards = await world.simulator<{ smartcard: string; entitlements: string[] }[]>('GET', 'cards');
    const wrong = cards
      .map(({ smartcard, entitlements }) => ({
        smartcard,
        cas: entitlements.map(comparable),
        crm: entitled(smartcard),
      }))
      .filter(({ cas, crm }) => JSON.stringify(cas.toSorted()) !== JSON.stringify(crm));
    // One product was refused for good, and NOT_TRIGGERED ones wait for the CRM: those are what the outcomes said.
    const explained = new Set(
      steps
        .flatMap(({ lines }) => lines.filter((line) => /NOT_TRIGGERED/.test(line)))
        .map((line) => line.match(/\d{11}/)?.[0]),
    );
    expect(wrong.filter(({ smartcard }) => !explained.has(smartcard))).toEqual([]);
  });
});

describe('actions that do not come as a whole, and late ones that are held', () => {
  let world: World;
  beforeAll(async () => {
    world = await startNext({ STALE_POLICY: 'hold', ACTION_FACET_WAIT_MS: '300' });
  });

  test.each(facetJourneys().map((journey) => [journey.title, journey] as const))('%s', async (_title, journey) => {
    expect(await differing(journey, world)).toEqual([]);
  });

  test('a held event is planned once a person releases it, and comes to nothing where a person discards it', async () => {
    const held = await world.db.query<{ id: number; action_id: string }>(
      `select id, action_id from inbox where subscription_number = $1 and disposition = 'STALE' order by id`,
      [HELD_SUBSCRIPTION],
    );
    const [released, discarded] = held;
    if (!released || !discarded) throw new Error('Two events are held');
    const { ACTION_FACET_WAIT_MS: facetWaitMs } = world.settings;
    await releaseStale(
      world.db,
      { inboxId: released.id, by: 'anna' },
      { plan, rules: rulesOf(world.settings), facetWaitMs },
    );
    await discardStale(world.db, { inboxId: discarded.id, by: 'anna', reason: 'entered twice' }, { facetWaitMs });

    const second = async ({ action_id: id }: { action_id: string }) =>
      (await outcomeOf(world, { id, events: [] }, 2)).value;
    expect(await second(released)).toMatchObject({
      outcome: 'NOTHING_TO_DO',
      facets: [{ type: 'ADD_SERVICE', disposition: 'NOTHING_TO_DO' }],
      withheld: [{ reason: 'ALREADY_PAIRED' }, { reason: 'SUPERSEDED', serviceCaId: '1002' }],
    });
    expect(await second(discarded)).toMatchObject({ outcome: 'NOTHING_TO_DO', withheld: [] });
  });

  test('each further outcome of an action has a new ce_id and says all that the one before said', async () => {
    const byAction = Map.groupBy(world.wire.arrivals.actionOutcomes, ({ value }) => value.actionId);
    const repeated = [...byAction.values()].filter((outcomes) => outcomes.length > 1);
    expect(repeated.length).toBeGreaterThanOrEqual(7);
    // Three went out without all their facets; one whose request takes longer than the wait goes out with that instead.
    const incomplete = (await metricsOf(world.service)).get('conax_actions_incomplete_total') ?? 0;
    expect([1, 2, 3]).toContain(incomplete);
    for (const outcomes of repeated) {
      expect(new Set(outcomes.map(({ headers }) => headers['ce_id'])).size).toBe(outcomes.length);
      const requests = outcomes.map(({ value }) => value.requests.map(({ requestNumber }) => requestNumber));
      expect(requests.at(-1)).toEqual(expect.arrayContaining(requests[0] ?? []));
    }
  });
});

describe('over all journeys', () => {
  test('every outcome, withheld reason, disposition and dead letter reason came out of Kafka', async () => {
    expect(notSeen(worlds.map(({ wire }) => wire.arrivals))).toEqual([]);
    const duplicates = await Promise.all(
      worlds.map(({ db }) => db.query(`select from inbox where disposition = 'DUPLICATE'`)),
    );
    expect(duplicates.flat().length).toBeGreaterThan(0);
  });

  test('every message is about its key, and tells its ce_id in the record too', () => {
    for (const { wire } of worlds) {
      const { requestOutcomes, actionOutcomes } = wire.arrivals;
      for (const { key, headers, value } of [...requestOutcomes, ...actionOutcomes]) {
        expect(key).toBe(value.subscriptionNumber);
        expect(headers).toMatchObject({ ce_id: value.eventId, ce_subject: key, ce_correlationid: value.actionId });
      }
    }
  });
});

function matrixCells(): string[] {
  const commands = ['CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING', 'ADD_SUBSCRIPTIONS'];
  return TRIGGER_MATRIX.flatMap(([action, ...cells]) =>
    cells.flatMap((cell, index) => (cell === '' ? [] : [`${action} -> ${commands[index]}`])),
  );
}

function comparable(caId: string): string {
  return caId.replace(/^0+/, '');
}

function entitled(smartcard: string): string[] {
  const found = journeys.flatMap(({ subscription }) =>
    subscription.installedItems
      .filter((item) => item.kind === 'SMARTCARD' && item.caId === smartcard)
      .flatMap((card) =>
        subscription.services.filter(
          ({ state, distributor, caId }) =>
            ['EFFECTIVE', 'SHORT_TERM_EFFECTIVE'].includes(state) &&
            distributor === card.distributor &&
            caId !== null &&
            /^\d+$/.test(caId),
        ),
      )
      .map(({ caId }) => comparable(caId ?? '')),
  );
  return [...new Set(found)].toSorted();
}

function rulesOf(settings: World['settings']): PlanningRules {
  return {
    entitleAddedCards: settings.ENTITLE_ADDED_CARDS,
    smartcardPattern: settings.SMARTCARD_CA_ID_PATTERN,
    setTopBoxPattern: settings.STB_CA_ID_PATTERN,
    servicePattern: settings.SERVICE_CA_ID_PATTERN,
  };
}
