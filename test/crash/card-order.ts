import type { Command } from '../../src/planning/command.ts';
import type { Surroundings } from '../support/world.ts';

/** A SOAP call as the simulator's journal has it. */
export interface Call {
  readonly seq: number;
  readonly at: string;
  readonly command: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly statusCode: string | null;
  readonly effect: boolean;
}

/** A request as it has to show in the journal. */
interface Wanted {
  readonly number: number;
  readonly call: string;
  /** It may end without any call on this card: it was never sent, or the CAS was asked and had it already. */
  readonly maybeUnsent: boolean;
  /** Whether the CAS may be asked about the card's pairing in its turn (R8). */
  readonly pairing: boolean;
}

/**
 * Cards whose calls are not those of their requests in the order of their numbers (P3), with what was seen. A call may be
 * repeated in its own turn, before the card's next request begins, and a pairing may be asked about there; never later.
 */
export async function cardsOutOfTurn({ db }: Surroundings, journal: readonly Call[]): Promise<string[]> {
  const rows = await db.query<RequestRow>(`
    select number, command, cards, error_code, error_description from request where cards <> '{}' order by number`);
  const wanted = new Map<string, Wanted[]>();
  for (const row of rows) {
    for (const card of row.cards) push(wanted, card, wantedOf(row));
  }
  const seen = new Map<string, string[]>();
  for (const { command, parameters } of journal) {
    for (const card of cardsOf(parameters)) push(seen, card, callOf(command, parameters));
  }
  return [...new Set([...wanted.keys(), ...seen.keys()])].flatMap((card) => {
    const mine = wanted.get(card) ?? [];
    const calls = seen.get(card) ?? [];
    return inTurn(mine, calls, card)
      ? []
      : [`${card}: wanted ${mine.map(({ number, call }) => `#${number} ${call}`).join(', ')}; saw ${calls.join(', ')}`];
  });
}

/** Walks the calls with every position at which the card's queue can be: the same call may stand for two requests. */
function inTurn(wanted: readonly Wanted[], calls: readonly string[], card: string): boolean {
  let positions = new Set([-1]);
  for (const call of calls) {
    const next = new Set<number>();
    for (const position of positions) {
      if (fits(wanted[position], call, card)) next.add(position);
      for (let ahead = position + 1; ahead < wanted.length; ahead += 1) {
        if (fits(wanted[ahead], call, card)) next.add(ahead);
        if (wanted[ahead]?.maybeUnsent !== true) break;
      }
    }
    positions = next;
  }
  return [...positions].some((position) => wanted.slice(position + 1).every(({ maybeUnsent }) => maybeUnsent));
}

function fits(wanted: Wanted | undefined, call: string, card: string): boolean {
  if (wanted === undefined) return false;
  return call === wanted.call || (wanted.pairing && call === question(card));
}

interface RequestRow {
  number: number;
  command: Command;
  cards: string[];
  error_code: string | null;
  error_description: string | null;
}

function wantedOf({ number, command, error_code, error_description }: RequestRow): Wanted {
  const pairing = command.type === 'CREATE_PAIRING' || command.type === 'ADD_TO_EXISTING_PAIRING';
  return {
    number,
    call: callOf(command.type, parametersOf(command)),
    maybeUnsent: error_code === 'OUTCOME_UNKNOWN' || (pairing && error_description !== null),
    pairing,
  };
}

/** A command's parameters under the journal's names, as far as they tell calls apart. */
function parametersOf(command: Command): Record<string, unknown> {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return { smartcard: command.smartcard, serviceCaId: command.service.caId };
    case 'CREATE_PAIRING':
      return { smartcards: caIds(command.smartcards), setTopBoxes: caIds(command.setTopBoxes) };
    case 'ADD_TO_EXISTING_PAIRING':
      return {
        existingSmartcard: command.existingSmartcard.caId,
        smartcards: caIds(command.smartcards),
        setTopBoxes: caIds(command.setTopBoxes),
      };
    case 'DISPLAY_FINGERPRINT':
      return { smartcard: command.smartcard.caId, displayAt: new Date(command.displayAt).toISOString() };
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return { setTopBox: command.setTopBox.caId };
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
      return { smartcard: command.smartcard.caId, message: command.message };
    case 'GET_ACTIVE_SUBSCRIPTIONS':
    case 'GET_PAIRING_STATUS_FOR_CARD':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return { smartcard: command.smartcard.caId };
  }
}

function caIds(devices: readonly { readonly caId: string }[]): string[] {
  return devices.map(({ caId }) => caId);
}

function callOf(command: string, parameters: Readonly<Record<string, unknown>>): string {
  const { smartcard, serviceCaId, existingSmartcard, smartcards, setTopBoxes, setTopBox, message, displayAt } =
    parameters;
  const told = [smartcard, serviceCaId, existingSmartcard, smartcards, setTopBoxes, setTopBox, message, displayAt];
  return [command, ...told.filter((one) => one !== undefined).map((one) => JSON.stringify(one))].join(' ');
}

function question(card: string): string {
  return callOf('GET_PAIRING_STATUS_FOR_CARD', { smartcard: card });
}

/** The smart cards that a call is about. */
export function cardsOf(parameters: Readonly<Record<string, unknown>>): string[] {
  const { smartcard, existingSmartcard, smartcards } = parameters;
  return [...new Set([smartcard, existingSmartcard, ...(Array.isArray(smartcards) ? smartcards : [])])].filter(
    (card) => typeof card === 'string',
  );
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
