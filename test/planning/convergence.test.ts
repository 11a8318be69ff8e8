import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { plan } from '../../src/planning/plan.ts';
import { comparableServiceCaId } from '../../src/planning/command.ts';
import { expectedEntitlements, expectedPairings } from '../support/expected-state.ts';
import { carelesslyDelivered, randomHistories } from '../support/histories.ts';
import type { Histories } from '../support/histories.ts';
import { DEFAULT_RULES, planAll } from './support/in-memory.ts';
import type { MemoryCas, Planned } from './support/in-memory.ts';

/** A PLANNING_SEED repeats a run. */
const seed = Number(process.env['PLANNING_SEED'] ?? randomInt(2 ** 31));
const RUNS = 150;

/** A number from which a test makes its histories; each run of a property gets another one. */
const historySeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

function check(property: (seedOfHistory: number) => void, runs = RUNS): void {
  fc.assert(fc.property(historySeed, property), { seed, numRuns: runs });
}

/** Cards whose entitlements in the CAS are not those of the last snapshots, cards that nobody holds included. */
function misentitled(histories: Histories, cas: MemoryCas): { card: string; crm: string[]; cas: string[] }[] {
  const expected = expectedEntitlements(histories.finalSnapshots);
  const cards = new Set([...expected.keys(), ...cas.entitlements.keys()]);
  return [...cards]
    .map((card) => ({
      card,
      crm: expected.get(card) ?? [],
      cas: [...(cas.entitlements.get(card) ?? [])].toSorted(),
    }))
    .filter((compared) => compared.crm.join() !== compared.cas.join());
}

/** Cards that are not paired with every set-top box of their group. */
function unpaired(histories: Histories, cas: MemoryCas): { card: string; lacks: string[] }[] {
  return [...expectedPairings(histories.finalSnapshots, histories.wanderedCards)]
    .map(([card, boxes]) => ({
      card,
      lacks: boxes.filter((box) => cas.pairings.get(card)?.setTopBoxes.includes(box) !== true),
    }))
    .filter(({ lacks }) => lacks.length > 0);
}

describe(`the CAS converges to the CRM's last snapshots (PLANNING_SEED=${seed})`, () => {
  test.each([
    ['as the CRM made them', {}],
    ['each one to three times', { repeats: true }],
    ['with late facets and whole late actions', { late: true }],
    ['both late and repeated', { late: true, repeats: true }],
    ['in any order at all', { shuffled: true, repeats: true }],
  ])('for one subscription, and for four that share cards, with events delivered %s', (_how, how) => {
    check((history) => {
      const alone = randomHistories(history, { actions: 14 });
      const own = planAll(carelesslyDelivered(history, alone.events, how));
      expect(misentitled(alone, own.cas)).toEqual([]);
      expect(unpaired(alone, own.cas)).toEqual([]);
      expect(own.cas.complaints).toEqual([]);

      const together = randomHistories(history, { subscriptions: 4, sharedCards: true, actions: 14 });
      const shared = planAll(carelesslyDelivered(history, together.events, how));
      expect(misentitled(together, shared.cas)).toEqual([]);
    });
  });

  test('for subscriptions that get returned cards: a card that nobody else had stays paired', () => {
    check((history) => {
      const histories = randomHistories(history, { subscriptions: 4, sharedCards: 'returned', actions: 14 });
      const { cas } = planAll(histories.events);
      expect(unpaired(histories, cas)).toEqual([]);
      expect(misentitled(histories, cas)).toEqual([]);
    });
  });
});

describe(`every plan of a random history (PLANNING_SEED=${seed})`, () => {
  function checkPlans(property: (planned: Planned) => void, runs = 60): void {
    check((history) => {
      const { events } = randomHistories(history, { subscriptions: 3, sharedCards: true });
      planAll(carelesslyDelivered(history, events, { late: true, repeats: true })).planned.forEach(property);
    }, runs);
  }

  test('has CANCEL before pairing before ADD', () => {
    const rank = { CANCEL_SUBSCRIPTIONS: 0, CREATE_PAIRING: 1, ADD_TO_EXISTING_PAIRING: 1, ADD_SUBSCRIPTIONS: 2 };
    checkPlans(({ plan: { commands } }) => {
      const ranks = commands.map((command) => rank[command.type]);
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    });
  });

  test('cancels no pair that another effective service of the newest snapshots entitles', () => {
    checkPlans(({ input, plan: { commands } }) => {
      const newest = input.newest ?? input.event.subscription;
      const outgoing = input.event.family === 'SERVICE' ? input.event.outgoingServices : [];
      const entitled = [withoutServices(newest, outgoing), ...input.others].map(pairsOf);
      const cancelled = commands.flatMap((command) =>
        command.type === 'CANCEL_SUBSCRIPTIONS'
          ? [`${command.smartcard} ${comparableServiceCaId(command.service.caId)}`]
          : [],
      );
      expect(cancelled.filter((pair) => entitled.some((pairs) => pairs.has(pair)))).toEqual([]);
    });
  });

  test('adds no pair that the newest snapshot does not entitle', () => {
    checkPlans(({ input, plan: { commands } }) => {
      const entitled = pairsOf(input.newest ?? input.event.subscription);
      const added = commands.flatMap((command) =>
        command.type === 'ADD_SUBSCRIPTIONS'
          ? [`${command.smartcard} ${comparableServiceCaId(command.service.caId)}`]
          : [],
      );
      expect(added.filter((pair) => !entitled.has(pair))).toEqual([]);
    });
  });

  test('is the same when it is made again', () => {
    checkPlans(({ input, plan: first }) => {
      expect(plan(structuredClone(input))).toEqual(first);
    });
  });

  test('leaves its input as it was', () => {
    checkPlans(({ input }) => {
      const copy = structuredClone(input);
      plan(input);
      expect(input).toEqual(copy);
    }, 20);
  });

  test('pairs only devices of the newest snapshot, all of one distributor', () => {
    checkPlans(({ input, plan: { commands } }) => {
      const { installedItems } = input.newest ?? input.event.subscription;
      for (const command of commands) {
        if (command.type !== 'CREATE_PAIRING' && command.type !== 'ADD_TO_EXISTING_PAIRING') continue;
        const existing = command.type === 'CREATE_PAIRING' ? [] : [command.existingSmartcard];
        const devices = [...existing, ...command.smartcards, ...command.setTopBoxes];
        const found = devices.filter((device) =>
          installedItems.some((item) => item.caId === device.caId && item.distributor === device.distributor),
        );
        expect(found).toEqual(devices);
        expect(new Set(devices.map((device) => device.distributor)).size).toBe(1);
      }
    });
  });
});

describe('the history generator', () => {
  test('makes the same histories of the same seed', () => {
    const options = { subscriptions: 3, sharedCards: true };
    expect(randomHistories(seed, options)).toEqual(randomHistories(seed, options));
  });

  test('reaches every action of the matrix, and every reason that sound CA ids can have', () => {
    const histories = randomHistories(1, { subscriptions: 150, sharedCards: true });
    const { planned } = planAll(carelesslyDelivered(1, histories.events, { late: true, repeats: true }));
    const actions = new Set(histories.events.map((event) => `${event.family} ${event.type}`));
    const reasons = new Set(planned.flatMap(({ plan: { withheld } }) => withheld.map(({ reason }) => reason)));
    expect(actions.size).toBe(25);
    expect([...reasons].toSorted()).toEqual([
      'ALREADY_PAIRED',
      'ALREADY_REQUESTED',
      'NOTHING_TO_PAIR',
      'NOT_EFFECTIVE',
      'NOT_TRIGGERED',
      'NO_CARD_FOR_SERVICE',
      'NO_SERVICE_CA_ID',
      'STILL_EFFECTIVE',
      'STILL_ENTITLED',
      'SUPERSEDED',
    ]);
  });

  test('ENTITLE_ADDED_CARDS converges too', () => {
    check((history) => {
      const histories = randomHistories(history, { subscriptions: 2 });
      const { cas } = planAll(histories.events, { ...DEFAULT_RULES, entitleAddedCards: true });
      expect(misentitled(histories, cas)).toEqual([]);
    }, 40);
  });
});

/** The pairs that a snapshot entitles, written from the domain alone. */
function pairsOf(subscription: Subscription): Set<string> {
  return new Set(
    [...expectedEntitlements([subscription])].flatMap(([card, services]) =>
      services.map((service) => `${card} ${service}`),
    ),
  );
}

function withoutServices(subscription: Subscription, ids: readonly string[]): Subscription {
  return { ...subscription, services: subscription.services.filter((service) => !ids.includes(service.id)) };
}
