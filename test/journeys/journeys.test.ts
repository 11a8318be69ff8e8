import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoJourneys } from '../../dev/demo/journeys.ts';
import { play, type PlayedStep } from '../../dev/demo/play.ts';
import { TRIGGER_MATRIX } from '../../src/planning/trigger-matrix.ts';
import { startWorld, type World } from '../support/world.ts';
import { ruleJourneys } from './rule-journeys.ts';

const journeys = [...ruleJourneys(), ...demoJourneys()];

describe('customer journeys through Kafka, PostgreSQL and SOAP', () => {
  let world: World;
  const steps: PlayedStep[] = [];

  beforeAll(async () => {
    world = await startWorld({ BREAKER_OPEN_MS: '300' });
  });
  afterAll(() => world.close());

  test.each(journeys.map((journey) => [journey.title, journey] as const))('%s', async (_title, journey) => {
    const played: PlayedStep[] = [];
    await play(journey, world.wire, world.simulatorUrl, (step) => played.push(step));
    steps.push(...played);
    const asPlayed = played.map(({ step, outcome, lines, differences }) => ({
      says: step.says,
      outcome,
      lines,
      differences,
    }));
    expect(asPlayed.filter(({ differences }) => differences.length > 0)).toEqual([]);
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
