import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addFields, fieldsOf } from '../../../src/commands/command-fields.ts';
import { givenInput } from '../../../src/commands/command-input.ts';
import { FEATURES } from '../../../src/features/features.ts';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import type {
  EventFact,
  Facts,
  IntakeFact,
  PartitionFact,
  RequestFact,
  WithheldFact,
} from '../../../src/features/why/facts.ts';
import { FINDING_CODES, type FindingCode } from '../../../src/features/why/finding-codes.ts';
import { findingsOf, verdictOf } from '../../../src/features/why/findings.ts';
import { commandsOf, inputSchemaOf } from '../../../src/operations/operation.ts';
import { commandOf, resyncOf } from '../../../src/features/why/remedy-calls.ts';

const NOW = new Date('2026-11-28T12:00:00Z');
const EARLIER = new Date('2026-11-28T11:00:00Z');
const CARD = '20000000101';

const subscription: Subscription = {
  id: 'crm-1',
  number: 'S1',
  version: 7,
  state: 'EFFECTIVE',
  services: [
    {
      id: 's1',
      productId: 'p1',
      productCode: 'SPORT',
      productAlternativeCode: null,
      caId: '0101',
      state: 'EFFECTIVE',
      distributor: null,
    },
  ],
  installedItems: [
    { id: 'i1', serialNumber: 'n1', alternativeCode: null, kind: 'SMARTCARD', caId: CARD, distributor: null },
    { id: 'i2', serialNumber: 'n2', alternativeCode: null, kind: 'SET_TOP_BOX', caId: 'STB1', distributor: null },
  ],
};
const add: RequestFact = {
  number: 90,
  command: { type: 'ADD_SUBSCRIPTIONS', smartcard: CARD, service: { caId: '101', distributor: null } },
  type: 'ADD_SUBSCRIPTIONS',
  cards: [CARD],
  subscription: 'S1',
  state: 'COMPLETED',
  phase: 'COMPLETED',
  attempts: 1,
  submitted: EARLIER,
  executed: EARLIER,
  nextTryAt: null,
  code: null,
  description: null,
  updatedBy: null,
  doubtful: false,
  lastCode: null,
  lastDescription: null,
  behind: null,
  urgency: null,
};
const pending: RequestFact = {
  ...add,
  state: 'PENDING',
  phase: 'IN_LINE',
  urgency: 'GIVING',
  executed: null,
  attempts: 0,
};
const event: EventFact = {
  id: 5,
  subscription: 'S1',
  version: 7,
  type: 'ADD_SERVICE',
  actionId: 'a1',
  disposition: 'PLANNED',
  late: false,
  topic: 'crm',
  partition: 3,
  occurred: EARLIER,
  received: EARLIER,
};
const answer = {
  card: CARD,
  services: ['101'],
  pairing: { smartcards: [CARD], setTopBoxes: ['STB1'] },
  pairingAnswered: true,
  code: null,
  description: null,
};
const healthy: Facts = {
  now: NOW,
  known: true,
  provider: {
    paused: false,
    pausedReason: null,
    pausedBy: null,
    changedAt: EARLIER,
    breaker: 'closed',
    failuresInARow: 0,
    breakerOpenUntil: null,
    instances: [{ id: 'x', slots: 16, requestsPerSecond: 100, startedAt: EARLIER, expiresAt: NOW }],
  },
  intake: [],
  cards: [CARD],
  numbers: ['S1'],
  subscriptions: [subscription],
  knownPairings: [{ card: CARD, subscription: 'S1', smartcards: [CARD], setTopBoxes: ['STB1'] }],
  requests: [add],
  ahead: 0,
  events: [event],
  withheld: [],
  deadLetters: [],
  cas: [answer],
  forgets: false,
};
const partition: PartitionFact = {
  topic: 'crm',
  partition: 3,
  unread: 0,
  behind_ms: null,
  problem: null,
  problem_ms: null,
};
const instance: IntakeFact = { problem: null, since: EARLIER, partitions: [partition], reported: NOW, alive: true };
/** One that does not read at all, and one that does not read the partition. */
const cut: IntakeFact = { ...instance, problem: 'waiting for Kafka: the topic crm does not exist' };
const stalled: IntakeFact = {
  ...instance,
  partitions: [{ ...partition, unread: 12, problem: 'the registry does not answer', problem_ms: 60_000 }],
};
/** Stands for a message: a command without a service that the machine may not repeat. */
const pinReset = {
  type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
  command: { type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE', smartcard: { caId: CARD, distributor: null } },
} as const;
const withheld: WithheldFact = {
  event: 5,
  subscription: 'S1',
  type: 'ADD_SUBSCRIPTIONS',
  reason: 'INVALID_CA_ID',
  smartcard: CARD,
  serviceCaId: 'x1',
  detail: 'Service CA id x1 does not fit.',
  at: NOW,
};
const misspelt = { ...subscription, services: [{ ...subscription.services[0], caId: 'x1' }] } as Subscription;
const unpaired = { ...subscription, services: [{ ...subscription.services[0], distributor: 'ROOM2' }] } as Subscription;

/** What differs from a card with which all is well, and the findings that come of it, the last event left out. */
const CASES: readonly (readonly [string, Partial<Facts>, readonly FindingCode[]])[] = [
  ['nothing', {}, ['ALL_EQUAL']],
  ['the CAS was not asked', { cas: [] }, []],
  [
    'nobody knows the number',
    { known: false, subscriptions: [], requests: [], events: [], cas: [] },
    ['UNKNOWN_TO_US'],
  ],
  [
    'nobody knows the number, and the CAS has nothing on it',
    { known: false, subscriptions: [], requests: [], events: [], cas: [{ ...answer, services: [] }] },
    ['UNKNOWN_TO_US'],
  ],
  ['no instance runs', { provider: { ...healthy.provider, instances: [] } }, ['INTAKE_STOPPED', 'ALL_EQUAL']],
  ['everything is read', { intake: [instance] }, ['ALL_EQUAL']],
  ['no instance reads', { intake: [cut, cut] }, ['INTAKE_STOPPED', 'ALL_EQUAL']],
  ['one instance does not read, and another one reads its partitions', { intake: [cut, instance] }, ['ALL_EQUAL']],
  ['its partition is not read', { intake: [stalled, cut] }, ['INTAKE_STOPPED', 'ALL_EQUAL']],
  [
    'reading is a minute behind',
    { intake: [{ ...instance, partitions: [{ ...partition, unread: 900, behind_ms: 61_000 }] }] },
    ['INTAKE_STOPPED', 'ALL_EQUAL'],
  ],
  [
    'reading is a moment behind',
    { intake: [{ ...instance, partitions: [{ ...partition, unread: 900, behind_ms: 5_000 }] }] },
    ['ALL_EQUAL'],
  ],
  ['an instance that ended did not read', { intake: [{ ...cut, alive: false }, instance] }, ['ALL_EQUAL']],
  [
    'sending is paused, and a request waits',
    {
      provider: { ...healthy.provider, paused: true, pausedBy: 'olga' },
      requests: [{ ...pending, phase: 'PAUSED' }],
      cas: [],
    },
    ['PROVIDER_PAUSED'],
  ],
  [
    'sending is paused, and nothing waits',
    { provider: { ...healthy.provider, paused: true, pausedBy: 'olga' } },
    ['PROVIDER_PAUSED', 'ALL_EQUAL'],
  ],
  [
    'the breaker is open',
    { provider: { ...healthy.provider, breaker: 'open' }, requests: [{ ...pending, phase: 'RETRYING' }], cas: [] },
    ['BREAKER_OPEN', 'RETRYING'],
  ],
  [
    'the CAS answers unreadably',
    { requests: [{ ...pending, phase: 'RETRYING', attempts: 61, lastCode: 'CAS_ANSWER_UNREADABLE' }], cas: [] },
    ['CAS_UNREADABLE', 'RETRYING'],
  ],
  [
    'a request waits for another one of the card',
    {
      requests: [
        { ...pending, number: 91, phase: 'WAITING_BEHIND', behind: 90 },
        { ...pending, phase: 'RETRYING' },
      ],
      cas: [],
    },
    ['WAITING_BEHIND', 'RETRYING'],
  ],
  [
    'the breaker is open, and a request was not tried',
    { provider: { ...healthy.provider, breaker: 'half-open' }, requests: [pending], cas: [] },
    ['BREAKER_OPEN'],
  ],
  ['a request is in line', { requests: [pending], ahead: 5_000, cas: [] }, ['WAITING_IN_LINE']],
  ['a request is scheduled', { requests: [{ ...pending, phase: 'SCHEDULED' }] }, ['SCHEDULED']],
  ['an event is held', { events: [{ ...event, disposition: 'STALE' }] }, ['EVENT_HELD', 'ALL_EQUAL']],
  [
    'a message is a dead letter',
    { deadLetters: [{ id: 6, place: 't[0]@1', reason: 'NOT_AVRO', detail: null, received: NOW }] },
    ['DEAD_LETTER', 'ALL_EQUAL'],
  ],
  [
    'the CAS refused the last ADD',
    { requests: [{ ...add, state: 'REJECTED', code: 'FEATURE_NOT_AVAILABLE' }], cas: [{ ...answer, services: [] }] },
    ['REFUSED', 'MISSING_IN_CAS'],
  ],
  [
    'the CAS refused the last ADD, and has the service nevertheless',
    { requests: [{ ...add, state: 'REJECTED', code: 'FEATURE_NOT_AVAILABLE' }] },
    ['ALL_EQUAL'],
  ],
  [
    'a person withdrew the last ADD',
    { requests: [{ ...add, state: 'REJECTED', code: 'WITHDRAWN', updatedBy: 'olga' }], cas: [] },
    ['REFUSED'],
  ],
  [
    'a person withdrew the last ADD, which the CAS may have done',
    { requests: [{ ...add, state: 'REJECTED', code: 'WITHDRAWN', updatedBy: 'olga', doubtful: true }], cas: [] },
    ['OUTCOME_UNKNOWN'],
  ],
  [
    'nobody knows whether a message of today was shown',
    { requests: [{ ...add, ...pinReset, state: 'REJECTED', code: 'OUTCOME_UNKNOWN' }, add] },
    ['OUTCOME_UNKNOWN', 'ALL_EQUAL'],
  ],
  [
    'an older ADD was refused, and the last one was done',
    { requests: [add, { ...add, number: 80, state: 'REJECTED', code: 'FEATURE_NOT_AVAILABLE' }] },
    ['ALL_EQUAL'],
  ],
  [
    'nobody knows whether the last ADD was done',
    { requests: [{ ...add, state: 'REJECTED', code: 'OUTCOME_UNKNOWN' }], cas: [] },
    ['OUTCOME_UNKNOWN'],
  ],
  [
    'the CAS does not know the card',
    { cas: [{ ...answer, services: null, pairing: null, pairingAnswered: false, code: 'CLIENT_NOT_FOUND' }] },
    ['CARD_UNKNOWN_IN_CAS'],
  ],
  [
    'a service is in a room without a card',
    { subscriptions: [unpaired], cas: [{ ...answer, services: [] }] },
    ['NO_CARD_IN_DISTRIBUTOR', 'NOT_ENTITLED'],
  ],
  ['a command was withheld', { subscriptions: [misspelt], withheld: [withheld], cas: [] }, ['WITHHELD']],
  ['a command was withheld, and the CRM corrected it', { withheld: [withheld] }, ['ALL_EQUAL']],
  [
    'a command was withheld, and the customer lacks nothing',
    { withheld: [{ ...withheld, reason: 'ALREADY_PAIRED' }] },
    ['ALL_EQUAL'],
  ],
  [
    'a command was withheld, and a later one was sent',
    { withheld: [{ ...withheld, serviceCaId: '101', at: new Date(0) }] },
    ['ALL_EQUAL'],
  ],
  ['a late command was withheld', { withheld: [{ ...withheld, reason: 'SUPERSEDED' }] }, ['SUPERSEDED', 'ALL_EQUAL']],
  [
    'the subscription is terminated',
    {
      subscriptions: [{ ...subscription, state: 'TERMINATED', services: [] }],
      requests: [],
      cas: [{ ...answer, services: [] }],
    },
    ['NOT_ENTITLED'],
  ],
  ['the CAS lost a service', { cas: [{ ...answer, services: [] }] }, ['MISSING_IN_CAS']],
  [
    'the CAS lacks a service that is on its way',
    { cas: [{ ...answer, services: [] }], requests: [pending] },
    ['WAITING_IN_LINE'],
  ],
  ['the CAS has a service too much', { cas: [{ ...answer, services: ['101', '999'] }] }, ['TOO_MUCH_IN_CAS']],
  [
    'the CAS has another pairing',
    { cas: [{ ...answer, pairing: { smartcards: [CARD], setTopBoxes: ['STB9'] } }] },
    ['PAIRING_DIFFERS'],
  ],
  ['the CAS has no pairing', { cas: [{ ...answer, pairing: null }] }, ['PAIRING_DIFFERS']],
  [
    'two subscriptions have the card',
    { subscriptions: [subscription, { ...subscription, number: 'S2' }] },
    ['CARD_HELD_TWICE', 'ALL_EQUAL'],
  ],
  ['versions 7 and 9 were seen', { events: [{ ...event, version: 9 }, event] }, ['VERSION_GAP', 'ALL_EQUAL']],
  ['an event came late', { events: [event, { ...event, id: 6, version: 6, late: true }] }, ['LATE_EVENT', 'ALL_EQUAL']],
];

test.each(CASES)('of a card with which all is well, but %s', (_what, differs, codes) => {
  const findings = findingsOf({ ...healthy, ...differs });
  expect(findings.map(({ code }) => code).filter((code) => code !== 'NOTHING_NEW')).toEqual(codes);
  const first = findings.find(({ code }) => code !== 'NOTHING_NEW');
  expect(verdictOf(findings)).toBe(first?.sentence ?? verdictOf([]));
  for (const { sentence } of findings) expect(sentence).toMatch(/^[A-Z].*\.$|^[A-Z].*set-top box\.$/s);
});

test('every code has a case, and a row in docs/why.md with its severity and remedy', () => {
  const codes = Object.keys(FINDING_CODES);
  expect([...new Set([...CASES.flatMap(([, , found]) => found), 'NOTHING_NEW'])].toSorted()).toEqual(codes.toSorted());
  const page = readFileSync('docs/why.md', 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \| (.*) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(
    Object.entries(FINDING_CODES).map(([code, { severity, meaning, remedy }]) => [code, severity, meaning, remedy]),
  );
});

const otherPlace = { ...stalled, partitions: stalled.partitions.map((one) => ({ ...one, partition: 4 })) };

test.each([
  [[cut], 'blocking', 'No events are read: waiting for Kafka: the topic crm does not exist.'],
  [
    [stalled],
    'blocking',
    'Events of partition crm/3 are not read: the registry does not answer. At least 12 messages are not read yet.',
  ],
  [
    [instance, otherPlace],
    'attention',
    'Events of partition crm/4, from which no event of this number came, are not read: the registry does not answer. At least 12 messages are not read yet.',
  ],
] as const)(
  'reading stopped: why, since when, how far behind, and whether it matters here: %#',
  (intake, severity, text) => {
    const found = findingsOf({ ...healthy, intake }).find(({ code }) => code === 'INTAKE_STOPPED');
    expect(found).toMatchObject({ severity, sentence: text });
    expect(found?.since?.getTime()).toBeLessThan(NOW.getTime());
  },
);

test('a command to paste is one word where the CRM chose the text', () => {
  expect(resyncOf("S1'; rm -rf ~").map(commandOf)).toEqual([
    String.raw`resync --subscription 'S1'\''; rm -rf ~' --yes`,
  ]);
  expect(resyncOf('S0000000329').map(commandOf)).toEqual(['resync --subscription S0000000329 --yes']);
});

/** Every call that a finding of the cases names. */
const CALLS = CASES.flatMap(([, differs]) => findingsOf({ ...healthy, ...differs }).flatMap(({ calls }) => calls));

test('a remedy names calls of the operations API with inputs that fit them', () => {
  for (const { operation, input } of CALLS) {
    const one = FEATURES.flatMap(({ operations }) => operations).find(({ name }) => name === operation);
    if (one === undefined) throw new Error(`There is no operation ${operation}`);
    const given = operation === 'events.discard' ? { ...input, reason: 'a person gives it' } : input;
    expect(inputSchemaOf(one).safeParse(given)).toMatchObject({ success: true });
  }
});

test.each([...new Map(CALLS.map((call) => [commandOf(call), call] as const))])(
  'the command `%s` makes the call that the console makes',
  async (text, call) => {
    const one = FEATURES.flatMap(commandsOf).find(({ name }) => text === name || text.startsWith(`${name} `));
    if (one === undefined) throw new Error('There is no such command');
    const fields = fieldsOf(one);
    const command = new Command().option('--yes');
    addFields(command, fields, one.cli);
    command.parse(text.slice(one.name.length).split(' ').filter(Boolean), { from: 'user' });
    const { input } = await givenInput(command, fields, one);
    expect({ operation: one.operation.name, input }).toMatchObject(call);
  },
);

test('a stuck request tells how often it was tried, with what, and when it is tried again', () => {
  const stuck = {
    ...pending,
    phase: 'RETRYING',
    attempts: 61,
    lastCode: 'SYSTEM_ERROR',
    lastDescription: 'busy',
    nextTryAt: new Date('2026-11-28T12:00:07Z'),
  } as const;
  const [found] = findingsOf({ ...healthy, requests: [stuck], cas: [] });
  expect(found).toMatchObject({
    sentence:
      'ADD_SUBSCRIPTIONS (request 90) was tried 61 times, last with SYSTEM_ERROR, and is tried again at 12:00:07 UTC.',
    evidence: { attempts: 61, last_error: 'busy', next_try: '2026-11-28T12:00:07.000Z' },
    command: 'requests process 90',
  });
});
