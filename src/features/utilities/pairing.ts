import type { Subscription } from '../../events/crm.generated.ts';
import { heldCard, lockedDevices, lockedHolders } from '../../identifiers/holders.ts';
import { lockedSubscription } from '../../identifiers/subscription.ts';
import { readKnownPairings } from '../../pairings/store.ts';
import { describeDistributor } from '../../planning/proposal.ts';
import { type CasDevice, type Distributor, snapshotCards } from '../../planning/snapshot.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Device } from '../../planning/command.ts';
import { lockCards } from '../../requests/locks.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { InputPatterns } from '../../http/parts.ts';
import type { UtilityInput } from './inputs.ts';
import { deviceOf, devicesOf } from './targets.ts';
import type { LeftOut, Planned, PlannedRequest } from './utility.ts';

/**
 * CREATE_PAIRING of the named devices together, or of a subscription's groups, one a distributor (R7): a group that lacks
 * a kind is left out.
 */
export async function planCreatePairing(
  tx: Transaction,
  input: UtilityInput<'createPairing'>,
  patterns: InputPatterns,
): Promise<Planned> {
  if (input.smartcard_ca_ids !== undefined) {
    const { subscription, smartcards, setTopBoxes } = await namedDevices(tx, input, null);
    return { requests: [{ command: { type: 'CREATE_PAIRING', smartcards, setTopBoxes }, subscription }], leftOut: [] };
  }
  const subscription = await lockedSubscription(tx, subscriptionOf(input));
  const { sound, malformed } = devicesOf(subscription, patterns);
  const requests: PlannedRequest[] = [];
  const leftOut: LeftOut[] = [...malformed];
  for (const group of groupsOf(sound)) {
    const { smartcards, setTopBoxes } = group;
    if (smartcards.length === 0 || setTopBoxes.length === 0) leftOut.push(nothingToPair(group));
    else requests.push({ command: { type: 'CREATE_PAIRING', smartcards, setTopBoxes }, subscription });
  }
  return somethingOf(subscription, requests, leftOut);
}

/**
 * ADD_TO_EXISTING_PAIRING of the named devices to the pairing of a card, or of what the known pairings of a subscription's
 * groups lack (R7, R8): a group without a known pairing, or with nothing missing, is left out.
 */
export async function planAddToPairing(
  tx: Transaction,
  input: UtilityInput<'addToPairing'>,
  patterns: InputPatterns,
): Promise<Planned> {
  if (input.existing_smartcard_ca_id !== undefined) {
    const named = await namedDevices(tx, input, input.existing_smartcard_ca_id);
    const [existingSmartcard, ...smartcards] = named.smartcards;
    if (existingSmartcard === undefined) throw new Error('A card was named and is not among the devices');
    const { subscription, setTopBoxes } = named;
    const command = { type: 'ADD_TO_EXISTING_PAIRING', existingSmartcard, smartcards, setTopBoxes } as const;
    return { requests: [{ command, subscription }], leftOut: [] };
  }
  const subscription = await lockedSubscription(tx, subscriptionOf(input));
  lockCards(tx, snapshotCards(subscription));
  const known = await readKnownPairings(tx, subscription.number);
  const { sound, malformed } = devicesOf(subscription, patterns);
  const requests: PlannedRequest[] = [];
  const leftOut: LeftOut[] = [...malformed];
  for (const group of groupsOf(sound)) {
    const existingSmartcard = group.smartcards.find(({ caId }) => known.has(caId));
    const pairing = existingSmartcard === undefined ? undefined : known.get(existingSmartcard.caId);
    if (existingSmartcard === undefined || pairing === undefined || group.setTopBoxes.length === 0) {
      leftOut.push(nothingToPair(group, 'a known pairing'));
      continue;
    }
    const smartcards = group.smartcards.filter(({ caId }) => !pairing.smartcards.includes(caId));
    const setTopBoxes = group.setTopBoxes.filter(({ caId }) => !pairing.setTopBoxes.includes(caId));
    if (smartcards.length + setTopBoxes.length === 0) {
      const detail = `All devices with ${describeDistributor(group.place)} are paired, as far as is known.`;
      leftOut.push({ smartcard_ca_id: existingSmartcard.caId, stb_ca_id: null, reason: 'ALREADY_PAIRED', detail });
    } else {
      const command = { type: 'ADD_TO_EXISTING_PAIRING', existingSmartcard, smartcards, setTopBoxes } as const;
      requests.push({ command, subscription });
    }
  }
  return somethingOf(subscription, requests, leftOut);
}

/** Both GET_PAIRING_STATUS: of the named cards and set-top boxes, or of all devices of a subscription. */
export async function planPairingStatus(
  tx: Transaction,
  input: UtilityInput<'pairingStatus'>,
  patterns: InputPatterns,
): Promise<Planned> {
  const { subscription_identifier: identifier, smartcard_ca_ids: cardIds = [], stb_ca_ids: boxIds = [] } = input;
  if (identifier !== undefined && cardIds.length + boxIds.length === 0) {
    const subscription = await lockedSubscription(tx, identifier);
    const { sound, malformed } = devicesOf(subscription, patterns);
    const requests = sound.map((device) => statusOf(device.kind, deviceOf(device), subscription));
    return somethingOf(subscription, requests, malformed);
  }
  if (identifier !== undefined) {
    const { subscription, smartcards, setTopBoxes } = await namedDevices(tx, input, null);
    return {
      requests: [
        ...smartcards.map((card) => statusOf('SMARTCARD', card, subscription)),
        ...setTopBoxes.map((box) => statusOf('SET_TOP_BOX', box, subscription)),
      ],
      leftOut: [],
    };
  }
  const holders = await lockedHolders(tx, cardIds);
  return {
    requests: [
      ...cardIds.map((caId) => {
        const { smartcard, subscription } = heldCard(holders.get(caId) ?? null, caId);
        return statusOf('SMARTCARD', smartcard, subscription);
      }),
      ...boxIds.map((caId) => statusOf('SET_TOP_BOX', { caId, distributor: null }, null)),
    ],
    leftOut: [],
  };
}

interface NamedInput {
  readonly subscription_identifier?: UtilityInput<'createPairing'>['subscription_identifier'];
  readonly smartcard_ca_ids?: readonly string[] | undefined;
  readonly stb_ca_ids?: readonly string[] | undefined;
}

/** The named devices, the existing card first; see `lockedDevices`. */
function namedDevices(tx: Transaction, input: NamedInput, existing: string | null) {
  const cards = [
    ...(existing === null ? [] : [{ field: 'existing_smartcard_ca_id', caId: existing }]),
    ...(input.smartcard_ca_ids ?? []).map((caId, index) => ({ field: `smartcard_ca_ids[${index}]`, caId })),
  ];
  const boxes = (input.stb_ca_ids ?? []).map((caId, index) => ({ field: `stb_ca_ids[${index}]`, caId }));
  return lockedDevices(tx, input.subscription_identifier, cards, boxes);
}

interface Group {
  readonly place: Distributor;
  readonly smartcards: readonly Device[];
  readonly setTopBoxes: readonly Device[];
}

/** R7: the devices of each distributor, in the snapshot's order. */
function groupsOf(devices: readonly CasDevice[]): Group[] {
  return [...Map.groupBy(devices, ({ distributor }) => distributor)].map(([place, members]) => ({
    place,
    smartcards: members.filter(({ kind }) => kind === 'SMARTCARD').map(deviceOf),
    setTopBoxes: members.filter(({ kind }) => kind === 'SET_TOP_BOX').map(deviceOf),
  }));
}

function nothingToPair({ place, smartcards, setTopBoxes }: Group, more?: string): LeftOut {
  const needs = `a smart card and a set-top box${more === undefined ? '' : `, and ${more}`}`;
  return {
    smartcard_ca_id: smartcards[0]?.caId ?? null,
    stb_ca_id: smartcards.length === 0 ? (setTopBoxes[0]?.caId ?? null) : null,
    reason: 'NOTHING_TO_PAIR',
    detail: `Of the devices with ${describeDistributor(place)}: it needs ${needs}.`,
  };
}

function statusOf(
  kind: CasDevice['kind'],
  device: Device,
  subscription: PlannedRequest['subscription'],
): PlannedRequest {
  const command =
    kind === 'SMARTCARD'
      ? ({ type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: device } as const)
      : ({ type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', setTopBox: device } as const);
  return { command, subscription };
}

function somethingOf(
  { number }: Subscription,
  requests: readonly PlannedRequest[],
  leftOut: readonly LeftOut[],
): Planned {
  if (requests.length > 0) return { requests, leftOut };
  const reasons = leftOut.slice(0, 3).map(({ reason, detail }) => `${reason}: ${detail}`);
  const why = reasons.length === 0 ? 'it has no device with a CA id' : reasons.join(' ');
  throw new OperationError(
    'NO_DEVICE',
    'subscription_identifier',
    `nothing to send for subscription ${number}; ${why}`,
  );
}

/** The schema makes sure that there is one if no device is named. */
function subscriptionOf<T>({ subscription_identifier: identifier }: { subscription_identifier?: T | undefined }): T {
  if (identifier === undefined) throw new Error('Neither devices nor a subscription are named: it was not checked');
  return identifier;
}
