import type { Device, PairingCommand } from './command.ts';
import { isWellFormed, misfit } from './ca-ids.ts';
import { before } from './moves.ts';
import type { Before } from './moves.ts';
import { describeDistributor, send, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import { presentService, servicesNamed } from './situation.ts';
import type { Situation } from './situation.ts';
import { casDevices } from './snapshot.ts';
import type { CasDevice, Distributor } from './snapshot.ts';
import type { CreateCell, ExtendCell } from './trigger-matrix.ts';
import type { KnownPairings, Pairing, WithheldReason } from './types.ts';

type PairingType = PairingCommand['type'];

/** What a cell selects: the distributors whose groups must be paired, and devices that have since left the subscription. */
interface Selection {
  readonly distributors: readonly Distributor[];
  readonly departed: readonly CasDevice[];
}

const NOTHING: Selection = { distributors: [], departed: [] };

const SELECTORS: Readonly<Record<CreateCell | ExtendCell, (situation: Situation) => Selection>> = {
  '': () => NOTHING,
  'all devices': (situation) => ofDevices(situation, situation.own.devices()),
  'devices not yet paired': ofIncomingServices,
  "new distributor's devices": ofMoved,
  "the item's distributor": ofIncomingItems,
  "the new item's distributor": ofIncomingItems,
};

/**
 * Returns the pairing commands that the cells of an action's row select, sent or withheld (R7-R9). A row may trigger
 * only CREATE_PAIRING or only ADD_TO_EXISTING_PAIRING. If it triggers both, R8 chooses for each group.
 */
export function pairingProposals(
  situation: Situation,
  cells: { readonly create: CreateCell; readonly extend: ExtendCell },
  knownPairings: KnownPairings,
): Proposal[] {
  const selections = [SELECTORS[cells.create](situation), SELECTORS[cells.extend](situation)];
  const distributors = new Set(selections.flatMap((selection) => selection.distributors));
  const departed = new Map(
    selections.flatMap((selection) => selection.departed).map((device) => [device.caId, device]),
  );
  const past = before(situation);
  const only = cells.extend === '' ? 'CREATE_PAIRING' : cells.create === '' ? 'ADD_TO_EXISTING_PAIRING' : null;

  const proposals = [...distributors].flatMap((distributor) =>
    pairGroup(situation, groupAt(situation, past, distributor, knownPairings), only),
  );
  const superseded = [...departed.values()].map((device) => departedDevice(situation, device, only));
  if (proposals.length === 0 && superseded.length === 0 && cells.create === 'all devices') {
    return [withhold('CREATE_PAIRING', 'NOTHING_TO_PAIR', null, null, 'The subscription has no device with a CA id.')];
  }
  return [...proposals, ...superseded];
}

/**
 * Returns CREATE_PAIRING of the whole group of each distributor, whatever is known about it; withheld if there is nothing to
 * pair (R7).
 */
export function createProposals(situation: Situation, distributors: Iterable<Distributor>): Proposal[] {
  const past = before(situation);
  return [...distributors].flatMap((distributor) =>
    pairGroup(situation, groupAt(situation, past, distributor, new Map()), 'CREATE_PAIRING'),
  );
}

/** The devices of one distributor (R7) and their known pairing. */
interface Group {
  readonly distributor: Distributor;
  readonly smartcards: readonly CasDevice[];
  readonly setTopBoxes: readonly CasDevice[];
  /** Devices left out because of their CA id. */
  readonly malformed: readonly CasDevice[];
  /** The group's known pairing and the card that it comes from; null if none is known. */
  readonly known: { readonly card: CasDevice; readonly pairing: Pairing } | null;
}

/**
 * Returns the group of a distributor in the present snapshot. Its known pairing comes from the first card, in the
 * snapshot's order, that the group had before the event. Without such a card it comes from the first one that came from
 * elsewhere in the subscription (R8).
 */
function groupAt(situation: Situation, past: Before, distributor: Distributor, known: KnownPairings): Group {
  const devices = uniqueByCaId(situation.present.devicesAt(distributor));
  const sound = devices.filter((device) => isWellFormed(situation.rules, device));
  const smartcards = sound.filter((device) => device.kind === 'SMARTCARD');
  const stayed = smartcards.filter((card) => !past.itemMoved(card));
  const card = [...stayed, ...smartcards].find((candidate) => known.has(candidate.caId));
  const pairing = card === undefined ? undefined : known.get(card.caId);
  return {
    distributor,
    smartcards,
    setTopBoxes: sound.filter((device) => device.kind === 'SET_TOP_BOX'),
    malformed: devices.filter((device) => !sound.includes(device)),
    known: card === undefined || pairing === undefined ? null : { card, pairing },
  };
}

function pairGroup(situation: Situation, group: Group, only: PairingType | null): Proposal[] {
  const type = only ?? (group.known === null ? 'CREATE_PAIRING' : 'ADD_TO_EXISTING_PAIRING');
  const leftOut = group.malformed.map((device) => malformedDevice(situation, device, type));
  return [...leftOut, type === 'CREATE_PAIRING' ? create(group) : extend(group)];
}

function create(group: Group): Proposal {
  if (!hasBothKinds(group)) return nothingToPair(group, 'CREATE_PAIRING');
  const { smartcards, setTopBoxes } = group;
  return send(
    { type: 'CREATE_PAIRING', smartcards: smartcards.map(toDevice), setTopBoxes: setTopBoxes.map(toDevice) },
    describeGroup(group),
  );
}

/** Returns ADD_TO_EXISTING_PAIRING of only the missing devices, identified by the card with the known pairing (R8). */
function extend(group: Group): Proposal {
  const type = 'ADD_TO_EXISTING_PAIRING';
  if (!hasBothKinds(group)) return nothingToPair(group, type);
  if (group.known === null) {
    return unpaired(group, type, 'NOTHING_TO_PAIR', 'the action only adds to a pairing, and none is known');
  }
  const { card, pairing } = group.known;
  const smartcards = group.smartcards.filter((device) => !pairing.smartcards.includes(device.caId));
  const setTopBoxes = group.setTopBoxes.filter((device) => !pairing.setTopBoxes.includes(device.caId));
  if (smartcards.length === 0 && setTopBoxes.length === 0) {
    return withhold(type, 'ALREADY_PAIRED', card.caId, null, `All paired already: ${describeGroup(group)}.`);
  }
  return send(
    {
      type,
      existingSmartcard: toDevice(card),
      smartcards: smartcards.map(toDevice),
      setTopBoxes: setTopBoxes.map(toDevice),
    },
    describeGroup(group),
  );
}

function hasBothKinds(group: Group): boolean {
  return group.smartcards.length > 0 && group.setTopBoxes.length > 0;
}

function nothingToPair(group: Group, type: PairingType): Proposal {
  return unpaired(group, type, 'NOTHING_TO_PAIR', 'a pairing needs a smart card and a set-top box');
}

function unpaired(group: Group, type: PairingType, reason: WithheldReason, why: string): Proposal {
  return withhold(type, reason, group.smartcards[0]?.caId ?? null, null, `Of ${describeGroup(group)}: ${why}.`);
}

function malformedDevice(situation: Situation, device: CasDevice, type: PairingType): Proposal {
  const { smartcardPattern, setTopBoxPattern } = situation.rules;
  const isCard = device.kind === 'SMARTCARD';
  const problem = isCard
    ? misfit('smart card CA id', device.caId, smartcardPattern)
    : misfit('STB CA id', device.caId, setTopBoxPattern);
  return withhold(
    type,
    'INVALID_CA_ID',
    isCard ? device.caId : null,
    null,
    `Of installed item ${device.id}: ${problem}.`,
  );
}

function departedDevice(situation: Situation, device: CasDevice, only: PairingType | null): Proposal {
  const { number, version } = situation.present;
  const detail = `Installed item ${device.id} (${device.caId}) is no longer in version ${version} of ${number}.`;
  const smartcard = device.kind === 'SMARTCARD' ? device.caId : null;
  return withhold(only ?? 'CREATE_PAIRING', 'SUPERSEDED', smartcard, null, detail);
}

/** Selects the present groups of these devices of the own snapshot; names devices that left. */
function ofDevices(situation: Situation, devices: readonly CasDevice[]): Selection {
  if (!situation.late) return { distributors: devices.map((device) => device.distributor), departed: [] };
  const present = situation.present.devices();
  const found = devices.map((device) => ({
    device,
    now: present.find((other) => other.id === device.id) ?? present.find((other) => other.caId === device.caId),
  }));
  return {
    distributors: found.flatMap(({ now }) => (now === undefined ? [] : [now.distributor])),
    departed: found.flatMap(({ device, now }) => (now === undefined ? [device] : [])),
  };
}

function ofIncomingItems(situation: Situation): Selection {
  return ofDevices(situation, casDevices(situation.incomingItems));
}

/** Selects the groups of the incoming services, for V: ADD_SERVICE (R8). */
function ofIncomingServices(situation: Situation): Selection {
  const services = servicesNamed(situation, situation.lists.incomingServices);
  return {
    distributors: services.map((service) => (presentService(situation, service) ?? service).distributor),
    departed: [],
  };
}

/** Selects the groups that devices or services moved to (R10). */
function ofMoved(situation: Situation): Selection {
  const past = before(situation);
  const movedDevices = situation.own.devices().filter((device) => past.itemMoved(device));
  const movedServices = situation.own.services.filter((service) => past.serviceMoved(service));
  const ofServices = movedServices.map((service) => (presentService(situation, service) ?? service).distributor);
  const { distributors, departed } = ofDevices(situation, movedDevices);
  return { distributors: [...distributors, ...ofServices], departed };
}

function describeGroup({ distributor, smartcards, setTopBoxes }: Group): string {
  const cards = smartcards.map((device) => device.caId).join(', ') || 'none';
  const boxes = setTopBoxes.map((device) => device.caId).join(', ') || 'none';
  return `the devices with ${describeDistributor(distributor)} (cards: ${cards}; STBs: ${boxes})`;
}

function uniqueByCaId(devices: readonly CasDevice[]): CasDevice[] {
  return devices.filter(
    (device, index) => devices.findIndex((other) => other.kind === device.kind && other.caId === device.caId) === index,
  );
}

function toDevice({ caId, distributor }: CasDevice): Device {
  return { caId, distributor };
}
