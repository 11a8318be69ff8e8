import { createHash } from 'node:crypto';
import { comparableServiceCaId, type CommandType } from '../planning/command.ts';
import type { CasClock, Settings } from './settings.ts';
import { type CasState, entitle, isPairing, type Pairing, revoke, shownMax } from './state.ts';

/** A command as it came in: the texts of each field, in the order of the request. */
export type ReceivedFields = Readonly<Record<string, readonly string[]>>;

/** What the CAS makes of a command. */
export interface Verdict {
  readonly statusCode: string;
  readonly message: string;
  /** The state changed, or the text went to the screen. */
  readonly effect: boolean;
  /** The lists of the answer, by the names of the mapping. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/** What exists when the inventory is `listed`. */
export interface Inventory {
  readonly smartcards: ReadonlySet<string>;
  readonly setTopBoxes: ReadonlySet<string>;
  /** Without leading zeros. */
  readonly services: ReadonlySet<string>;
}

export interface Cas {
  readonly state: CasState;
  readonly clock: CasClock;
  readonly settings: Settings;
  readonly inventory: Inventory;
}

const noLists = {};
const wellFormed = {
  smartcard: /^\d{1,20}$/,
  setTopBox: /^[^\s\p{C}]{1,30}$/u,
  service: /^\d{1,8}$/,
  pin: /^\d{4,8}$/,
};

/** Does the work of one command on the CAS's state, or refuses it as a whole. */
export function work(cas: Cas, type: CommandType, fields: ReceivedFields): Verdict {
  const refusal = unknownOrMalformed(cas, fields);
  if (refusal !== null) return refusal;
  const { state } = cas;
  const cards = listed(fields, 'smartcard');
  switch (type) {
    case 'ADD_SUBSCRIPTIONS':
      return addProducts(cas, cards, fields);
    case 'CANCEL_SUBSCRIPTIONS':
      return done(
        anyOf(cards, (smartcard) => {
          const card = state.peek(smartcard);
          return card !== undefined && anyOf(listed(fields, 'service'), (caId) => revoke(card, caId));
        }),
      );
    case 'CREATE_PAIRING':
      return createPairing(cas, listed(fields, 'smartcards'), listed(fields, 'setTopBoxes'));
    case 'ADD_TO_EXISTING_PAIRING':
      return addToPairing(cas, fields);
    case 'GET_ACTIVE_SUBSCRIPTIONS': {
      const products = cards.flatMap((smartcard) => [...(state.peek(smartcard)?.entitlements.values() ?? [])]);
      return done(false, { activeServices: products.toSorted() });
    }
    case 'GET_PAIRING_STATUS_FOR_CARD':
      return paired(cards.flatMap((smartcard) => state.peek(smartcard)?.pairing ?? []));
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return paired(listed(fields, 'setTopBox').flatMap((setTopBox) => [...state.pairingsOf(setTopBox)]));
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
      return show(state, cards, 'messages', { type, ...withoutCards(fields) }, messageProblem(type, fields));
    case 'DISPLAY_FINGERPRINT':
      return show(state, cards, 'fingerprints', withoutCards(fields), null);
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
      return done(anyOf(cards, (smartcard) => setPin(state, smartcard, 'default')));
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE': {
      const pin = fields['pin']?.[0] ?? '';
      if (!wellFormed.pin.test(pin)) return refuse('INPUT_VALIDATION_ERROR', 'the PIN is not 4 to 8 digits');
      return done(anyOf(cards, (smartcard) => setPin(state, smartcard, pinSha256(pin))));
    }
  }
}

/** A PIN as journal and state keep it. */
export function pinSha256(pin: string): string {
  return createHash('sha256').update(pin, 'utf8').digest('hex');
}

/** An end replaces the one that the product had, and an ADD without an end takes it away. */
function addProducts({ state, clock }: Cas, cards: readonly string[], fields: ReceivedFields): Verdict {
  const text = fields['entitledUntil']?.[0];
  const end = text === undefined ? null : Date.parse(text);
  if (Number.isNaN(end)) return refuse('INPUT_VALIDATION_ERROR', 'the end is no time');
  if (end !== null && end <= clock.now()) return refuse('INPUT_VALIDATION_ERROR', `the end ${text} has passed`);
  return done(
    anyOf(cards, (smartcard) => {
      const card = state.card(smartcard);
      return anyOf(listed(fields, 'service'), (caId) => entitle(card, caId, end));
    }),
  );
}

function setPin(state: CasState, smartcard: string, pin: string): boolean {
  const card = state.card(smartcard);
  const isChanged = card.pin !== pin;
  card.pin = pin;
  return isChanged;
}

function createPairing(
  { state, settings }: Cas,
  smartcards: readonly string[],
  setTopBoxes: readonly string[],
): Verdict {
  const present = smartcards.map((smartcard) => state.peek(smartcard)?.pairing ?? null);
  if (present.every((pairing) => pairing !== null && isPairing(pairing, smartcards, setTopBoxes))) return done(false);
  const taken = smartcards.find((_, index) => present[index] !== null);
  if (taken !== undefined && settings.pairingConflict === 'refuse') return alreadyPaired(taken);
  return done(state.join({ smartcards: new Set(), setTopBoxes: new Set() }, smartcards, setTopBoxes));
}

function addToPairing({ state, settings }: Cas, fields: ReceivedFields): Verdict {
  const smartcards = listed(fields, 'smartcards');
  const setTopBoxes = listed(fields, 'setTopBoxes');
  const existing = fields['existingSmartcard']?.[0] ?? '';
  if (smartcards.length + setTopBoxes.length === 0) {
    return refuse('INPUT_VALIDATION_ERROR', 'there is neither a smart card nor a set-top box to add');
  }
  const pairing = state.peek(existing)?.pairing ?? null;
  if (pairing === null) return refuse('CLIENT_NOT_FOUND', `smart card ${existing} is in no pairing`);
  const taken = smartcards.find((smartcard) => ![null, undefined, pairing].includes(state.peek(smartcard)?.pairing));
  if (taken !== undefined && settings.pairingConflict === 'refuse') return alreadyPaired(taken);
  return done(state.join(pairing, smartcards, setTopBoxes));
}

function alreadyPaired(smartcard: string): Verdict {
  return refuse('INPUT_VALIDATION_ERROR', `smart card ${smartcard} is in another pairing`);
}

function paired(pairings: readonly Pairing[]): Verdict {
  const all = (kind: keyof Pairing): string[] =>
    [...new Set(pairings.flatMap((pairing) => [...pairing[kind]]))].toSorted();
  return done(false, { pairedSmartcards: all('smartcards'), pairedSetTopBoxes: all('setTopBoxes') });
}

function show(
  state: CasState,
  smartcards: readonly string[],
  kind: 'messages' | 'fingerprints',
  shown: object,
  problem: string | null,
): Verdict {
  if (problem !== null) return refuse('INPUT_VALIDATION_ERROR', problem);
  for (const smartcard of smartcards) {
    const list = state.card(smartcard)[kind];
    list.push(shown);
    if (list.length > shownMax) list.shift();
  }
  return done(true);
}

function messageProblem(type: CommandType, fields: ReceivedFields): string | null {
  const length = Array.from(fields['message']?.[0] ?? '').length;
  const longest = type === 'SEND_MAIL_MESSAGE_TO_CLIENT' ? 141 : 129;
  if (length === 0 || length > longest) return `the message has ${length} characters, it may have 1 to ${longest}`;
  const interval = fields['intervalSeconds']?.[0];
  const seconds = Number(interval);
  return interval !== undefined && (seconds < 10 || seconds > 2550 || seconds % 10 !== 0)
    ? `the repetition interval is ${interval} s, it may be 10 to 2550 s in steps of 10`
    : null;
}

function unknownOrMalformed({ settings, inventory }: Cas, fields: ReceivedFields): Verdict | null {
  const isOpen = settings.inventory === 'open';
  for (const field of ['smartcard', 'smartcards', 'existingSmartcard']) {
    for (const smartcard of fields[field] ?? []) {
      if (!wellFormed.smartcard.test(smartcard)) return refuse('INPUT_VALIDATION_ERROR', `${field} is malformed`);
      if (!isOpen && !inventory.smartcards.has(smartcard)) {
        return refuse('CLIENT_NOT_FOUND', `smart card ${smartcard} is unknown`);
      }
    }
  }
  for (const field of ['setTopBox', 'setTopBoxes']) {
    for (const setTopBox of fields[field] ?? []) {
      if (!wellFormed.setTopBox.test(setTopBox)) return refuse('INPUT_VALIDATION_ERROR', `${field} is malformed`);
      if (!isOpen && !inventory.setTopBoxes.has(setTopBox)) {
        return refuse('CLIENT_NOT_FOUND', `set-top box ${setTopBox} is unknown`);
      }
    }
  }
  for (const caId of fields['service'] ?? []) {
    if (!wellFormed.service.test(caId)) return refuse('INPUT_VALIDATION_ERROR', 'the product is malformed');
    if (!isOpen && !inventory.services.has(comparableServiceCaId(caId))) {
      return refuse('INPUT_VALIDATION_ERROR', `product ${caId} is unknown`);
    }
  }
  return null;
}

function withoutCards(fields: ReceivedFields): object {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, [text]]) => (name.startsWith('smartcard') ? [] : [[name, text]])),
  );
}

function listed(fields: ReceivedFields, name: string): readonly string[] {
  return fields[name] ?? [];
}

// Not Array.some: every one must be done.
function anyOf<T>(items: readonly T[], act: (item: T) => boolean): boolean {
  let isAny = false;
  for (const item of items) isAny = act(item) || isAny;
  return isAny;
}

function done(effect: boolean, lists: Verdict['lists'] = noLists): Verdict {
  return { statusCode: 'OK', message: '', effect, lists };
}

function refuse(statusCode: string, message: string): Verdict {
  return { statusCode, message, effect: false, lists: noLists };
}
