import { expect, test } from 'vitest';
import type { ActionEvent } from '../../../src/events/action-event.ts';
import type { InstalledItem, Move, Service, ServiceState, Subscription } from '../../../src/events/crm.generated.ts';
import { plan } from '../../../src/planning/plan.ts';
import type { EarlierCommand, Pairing, PlannedCommand, PlanningRules, Withheld } from '../../../src/planning/types.ts';
import { commandKey } from '../../../src/planning/command.ts';
import type { Device } from '../../../src/planning/command.ts';
import { DEFAULT_RULES } from './in-memory.ts';

/**
 * One example of what an event makes of the matrix and the rules, as short lines.
 *
 * A snapshot is a list of lines. A service: "sport 101 EFFECTIVE living" (name, service CA id, state, distributor); a
 * device: "K1 living" (a smart card), "B1 living" (a set-top box), "X1 living" (other hardware). "-" stands for no
 * distributor and for no CA id ("sport - EFFECTIVE living", "K1=- living"); "K1=12 living" gives a device another CA id.
 *
 * A command: "CANCEL 101 K1 @living", "PAIR K1 K2 + B1 @living", "EXTEND K1 with K2 + B2 @living", "ADD 101 K1 @living".
 * A withheld one: "ADD 101 K1: NOT_EFFECTIVE", "PAIR K1: NOTHING_TO_PAIR", with "-" where no card or service is named.
 */
export interface Example {
  readonly title: string;
  /** The snapshot of the version before, where one is known. */
  readonly before?: readonly string[];
  /** "V: STOP_SERVICE". */
  readonly action: string;
  /** The snapshot after the action. */
  readonly after: readonly string[];
  /** Set for a late event: the newest snapshot. */
  readonly newest?: readonly string[];
  /** Names of incoming services and devices, and of outgoing services, in `after`. */
  readonly incoming?: readonly string[];
  readonly outgoing?: readonly string[];
  /** Lines of removed devices. */
  readonly removed?: readonly string[];
  /** "sport: living -> bedroom", services and devices. */
  readonly moved?: readonly string[];
  /** Snapshots of other subscriptions that hold a card of this one. */
  readonly others?: readonly (readonly string[])[];
  /** Known pairings: "K1 K2 + B1". */
  readonly known?: readonly string[];
  /** Commands that earlier events of the same action made; "rejected: ADD 101 K1 @living" for one that was refused. */
  readonly earlier?: readonly string[];
  readonly rules?: Partial<PlanningRules>;
  readonly sends: readonly string[];
  readonly withholds?: readonly string[];
}

/** Makes a test of every example: exactly these commands in this order, and exactly these withheld ones. */
export function examples(list: readonly Example[]): void {
  test.each(list.map((example) => [example.title, example] as const))('%s', (_title, example) => {
    const result = planExample(example);
    expect({
      sends: result.commands.map(commandLine),
      withholds: result.withheld.map(withheldLine).toSorted(),
    }).toEqual({ sends: example.sends, withholds: (example.withholds ?? []).toSorted() });
  });
}

/** Plans an example. */
export function planExample(example: Example): ReturnType<typeof plan> {
  const known = (example.known ?? []).map(pairingOf);
  return plan({
    event: eventOf(example),
    previous: example.before === undefined ? null : snapshotOf(example.before, 'S1', 1),
    newest: example.newest === undefined ? null : snapshotOf(example.newest, 'S1', 3),
    others: (example.others ?? []).map((lines, index) => snapshotOf(lines, `S${index + 2}`, 1)),
    knownPairings: new Map(known.flatMap((pairing) => pairing.smartcards.map((card) => [card, pairing] as const))),
    earlier: (example.earlier ?? []).map(earlierOf),
    rules: { ...DEFAULT_RULES, ...example.rules },
  });
}

/** The event of an example. */
export function eventOf(example: Example): ActionEvent {
  const subscription = snapshotOf(example.after, 'S1', 2);
  const at = Date.UTC(2026, 0, 1);
  const [letter = '', type = ''] = example.action.split(': ');
  const services = new Set(subscription.services.map((service) => service.id));
  const incoming = example.incoming ?? [];
  const moves = (example.moved ?? []).map(moveOf);
  const event = {
    eventId: 'event-1',
    occurredAt: at,
    action: {
      id: 'action-1',
      number: '1',
      transactionReference: null,
      executedAt: at,
      executedBy: null,
      facets: null,
    },
    type,
    writerType: type,
    subscription,
    incomingServices: incoming.filter((id) => services.has(id)),
    outgoingServices: example.outgoing ?? [],
    incomingInstalledItems: incoming.filter((id) => !services.has(id)),
    removedInstalledItems: (example.removed ?? []).map(itemOf),
    movedServices: moves.filter((move) => services.has(move.id)),
    movedInstalledItems: moves.filter((move) => !services.has(move.id)),
    family: { S: 'SUBSCRIPTION', V: 'SERVICE', I: 'INSTALLED_ITEM' }[letter],
  };
  return event as unknown as ActionEvent;
}

/** A snapshot from its lines. */
export function snapshotOf(lines: readonly string[], number: string, version: number): Subscription {
  return {
    id: `id-${number}`,
    number,
    version,
    state: 'EFFECTIVE',
    services: lines.filter((line) => !isDevice(line)).map(serviceOf),
    installedItems: lines.filter(isDevice).map(itemOf),
  };
}

/** The CA id of a card by its short name: "K1" is card 00000000001; anything else is a CA id already. */
export function cardCaId(name: string): string {
  return /^K\d+$/.test(name) ? name.slice(1).padStart(11, '0') : name;
}

/** A known pairing from "K1 K2 + B1". */
export function pairingOf(line: string): Pairing {
  const [cards = '', boxes = ''] = line.split('+').map((part) => part.trim());
  return { smartcards: words(cards).map(cardCaId), setTopBoxes: words(boxes) };
}

/** A pairing as "K1 K2 + B1". */
export function pairingLine(pairing: Pairing): string {
  return `${pairing.smartcards.map(cardName).join(' ')} + ${pairing.setTopBoxes.join(' ')}`.trim();
}

/** A command from the line that `commandLine` writes. */
export function commandOf(line: string): PlannedCommand {
  const [text = '', place = '-'] = line.split(' @');
  const distributor = placeOf(place);
  const devices = (names: readonly string[]): Device[] =>
    names.map((name) => ({ caId: cardCaId(name), distributor: distributor }));
  const [verb, ...rest] = words(text);
  if (verb === 'ADD' || verb === 'CANCEL') {
    const [service = '', card = ''] = rest;
    return {
      type: verb === 'ADD' ? 'ADD_SUBSCRIPTIONS' : 'CANCEL_SUBSCRIPTIONS',
      smartcard: cardCaId(card),
      service: { caId: service, distributor },
    };
  }
  const plus = rest.indexOf('+');
  const setTopBoxes = devices(plus === -1 ? [] : rest.slice(plus + 1));
  const cards = rest.slice(0, plus === -1 ? rest.length : plus);
  if (verb === 'PAIR') return { type: 'CREATE_PAIRING', smartcards: devices(cards), setTopBoxes };
  const [existingSmartcard] = devices(cards.slice(0, 1));
  if (verb !== 'EXTEND' || existingSmartcard === undefined) throw new Error(`Not a command: ${line}`);
  return { type: 'ADD_TO_EXISTING_PAIRING', existingSmartcard, smartcards: devices(cards.slice(2)), setTopBoxes };
}

/** A command as a short line. */
export function commandLine(command: PlannedCommand): string {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return `${VERBS[command.type]} ${command.service.caId} ${cardName(command.smartcard)} @${command.service.distributor ?? '-'}`;
    case 'CREATE_PAIRING':
      return `PAIR ${deviceNames(command.smartcards)} + ${deviceNames(command.setTopBoxes)} ${placesOf([...command.smartcards, ...command.setTopBoxes])}`;
    case 'ADD_TO_EXISTING_PAIRING': {
      const { existingSmartcard, smartcards, setTopBoxes } = command;
      const added = [deviceNames(smartcards), ...(setTopBoxes.length > 0 ? ['+', deviceNames(setTopBoxes)] : [])];
      const devices = added.filter((part) => part !== '').join(' ');
      return `EXTEND ${cardName(existingSmartcard.caId)} with ${devices} ${placesOf([existingSmartcard, ...smartcards, ...setTopBoxes])}`;
    }
  }
}

const VERBS: Readonly<Record<string, string>> = {
  ADD_SUBSCRIPTIONS: 'ADD',
  CANCEL_SUBSCRIPTIONS: 'CANCEL',
  CREATE_PAIRING: 'PAIR',
  ADD_TO_EXISTING_PAIRING: 'EXTEND',
};

/** A withheld command as a short line. */
export function withheldLine({ type, reason, smartcard, serviceCaId }: Withheld): string {
  const card = smartcard === null ? '-' : cardName(smartcard);
  const isPairing = type === 'CREATE_PAIRING' || type === 'ADD_TO_EXISTING_PAIRING';
  return `${VERBS[type] ?? type} ${isPairing ? '' : `${serviceCaId ?? '-'} `}${card}: ${reason}`;
}

function earlierOf(line: string): EarlierCommand {
  const rejected = line.startsWith('rejected: ');
  const command = commandOf(rejected ? line.slice('rejected: '.length) : line);
  return { key: commandKey(command), rejected };
}

function isDevice(line: string): boolean {
  return /^[KBX]\d/.test(line);
}

function serviceOf(line: string): Service {
  const [id = '', caId = '', state = '', place = ''] = words(line);
  return {
    id,
    productId: `product-${id}`,
    productCode: id,
    productAlternativeCode: null,
    caId: caId === '-' ? null : caId,
    state: state as ServiceState,
    distributor: placeOf(place),
  };
}

function itemOf(line: string): InstalledItem {
  const [device = '', place = ''] = words(line);
  const [id = '', override] = device.split('=');
  const kinds = { K: 'SMARTCARD', B: 'SET_TOP_BOX', X: 'OTHER' } as const;
  const caId = override ?? cardCaId(id);
  return {
    id,
    serialNumber: `serial-${id}`,
    alternativeCode: null,
    kind: kinds[id.charAt(0) as 'K' | 'B' | 'X'],
    caId: caId === '-' ? null : caId,
    distributor: placeOf(place),
  };
}

function moveOf(line: string): Move {
  const [id = '', from = '', to = ''] = line.split(/: | -> /);
  return { id, fromDistributor: placeOf(from), toDistributor: placeOf(to) };
}

function placeOf(place: string): string | null {
  return place === '-' ? null : place;
}

function cardName(caId: string): string {
  return /^\d{11}$/.test(caId) ? `K${Number(caId)}` : caId;
}

function deviceNames(devices: readonly Device[]): string {
  return devices.map((device) => cardName(device.caId)).join(' ');
}

function placesOf(devices: readonly Device[]): string {
  return `@${[...new Set(devices.map((device) => device.distributor ?? '-'))].join(',')}`;
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
