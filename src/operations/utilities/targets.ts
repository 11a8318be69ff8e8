import type { Subscription } from '../../events/crm.generated.ts';
import type { IdentifierProblem } from '../../identifiers/problem.ts';
import { resolveSmartcardByCaId } from '../../identifiers/smartcard.ts';
import { type KnownSubscription, resolveSubscription } from '../../identifiers/subscription.ts';
import { misfit } from '../../planning/ca-ids.ts';
import { casDevices, type CasDevice } from '../../planning/snapshot.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Device } from '../../requests/command.ts';
import { lockSubscriptions } from '../../requests/lock-subscriptions.ts';
import type { OneOf } from '../../http/input-kinds.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { UtilityPatterns } from './inputs.ts';

/** A subscription as requests name it. */
export interface SubscriptionName {
  readonly id: string;
  readonly number: string;
}

/** Something that was asked for and is not sent, with the reason, one of R11's. */
export interface LeftOut {
  readonly smartcard: string | null;
  readonly setTopBox: string | null;
  readonly reason: 'INVALID_CA_ID' | 'NOTHING_TO_PAIR' | 'ALREADY_PAIRED';
  readonly detail: string;
}

/** A smart card to send to, in whose subscription's name; null where no subscription, or several, hold the card. */
export interface TargetCard {
  readonly smartcard: Device;
  readonly subscription: SubscriptionName | null;
}

export interface CardsInput {
  readonly subscription_identifier?: OneOf<'id' | 'number'> | undefined;
  readonly smartcard_ca_ids?: readonly string[] | undefined;
}

/**
 * The cards that are meant: all of a subscription, those that are named of it, or those that are named alone. Locks the
 * subscriptions of the cards, so that their snapshots stay until the transaction's end.
 * @throws OperationError where something does not resolve, or no card is left.
 */
export async function targetCards(
  tx: Transaction,
  input: CardsInput,
  patterns: UtilityPatterns,
): Promise<{ cards: TargetCard[]; leftOut: LeftOut[] }> {
  const { subscription_identifier: identifier, smartcard_ca_ids: named } = input;
  if (identifier === undefined) return { cards: await cardsOfAnybody(tx, named ?? []), leftOut: [] };
  const subscription = await lockedSubscription(tx, identifier);
  if (named !== undefined) {
    const cards = named.map((caId, index) => {
      const { distributor } = found(`smartcard_ca_ids[${index}]`, resolveSmartcardByCaId(subscription, caId));
      return { smartcard: { caId, distributor }, subscription };
    });
    return { cards, leftOut: [] };
  }
  const { sound, malformed } = devicesOf(subscription, patterns);
  const cards = sound
    .filter(({ kind }) => kind === 'SMARTCARD')
    .map((device) => ({ smartcard: deviceOf(device), subscription }));
  if (cards.length > 0) return { cards, leftOut: malformed.filter(({ smartcard }) => smartcard !== null) };
  throw new OperationError(
    'NO_DEVICE',
    'subscription_identifier',
    `subscription ${subscription.number} has no smart card with a CA id that fits ${patterns.smartcard.source}; check it in the CRM`,
  );
}

/** The subscription that an identifier means, locked, as it is once the lock is held. */
export async function lockedSubscription(
  tx: Transaction,
  identifier: OneOf<'id' | 'number'>,
): Promise<KnownSubscription> {
  const before = found('subscription_identifier', await resolveSubscription(tx, identifier));
  await lockSubscriptions(tx, [before.number]);
  return found('subscription_identifier', await resolveSubscription(tx, { number: before.number }));
}

/** The subscriptions that hold some of these cards, locked, by card; a card that several hold is in none. */
export async function lockedHolders(
  tx: Transaction,
  cards: readonly string[],
): Promise<ReadonlyMap<string, KnownSubscription>> {
  const before = await tx.query<Holding>(FIND_HOLDERS, [cards]);
  await lockSubscriptions(tx, [...new Set(before.map(({ number }) => number))]);
  // A statement of its own: it sees what was committed until the locks were there.
  const now = await tx.query<Holding & KnownSubscription>(READ_HOLDERS, [cards]);
  const locked = new Set(before.map(({ number }) => number));
  const byCard = Map.groupBy(now, ({ card }) => card);
  const holders = new Map<string, KnownSubscription>();
  for (const [card, [holder, ...others]] of byCard) {
    if (holder && others.length === 0 && locked.has(holder.number)) holders.set(card, holder);
  }
  return holders;
}

interface Holding extends Record<string, unknown> {
  readonly card: string;
  readonly number: string;
}

async function cardsOfAnybody(tx: Transaction, caIds: readonly string[]): Promise<TargetCard[]> {
  const holders = await lockedHolders(tx, caIds);
  return caIds.map((caId) => {
    const subscription = holders.get(caId) ?? null;
    const distributor = deviceIn(subscription?.snapshot, 'SMARTCARD', caId)?.distributor ?? null;
    return { smartcard: { caId, distributor }, subscription };
  });
}

/** The device of a snapshot with this CA id; null where it has none. */
export function deviceIn(snapshot: Subscription | undefined, kind: CasDevice['kind'], caId: string): CasDevice | null {
  return casDevices(snapshot?.installedItems ?? []).find((one) => one.kind === kind && one.caId === caId) ?? null;
}

/** The devices of a subscription, each CA id once, and those that are left out since their CA id does not fit. */
export function devicesOf(
  { snapshot }: KnownSubscription,
  patterns: UtilityPatterns,
): { sound: CasDevice[]; malformed: LeftOut[] } {
  const once = new Map(
    casDevices(snapshot.installedItems)
      .toReversed()
      .map((device) => [`${device.kind} ${device.caId}`, device]),
  );
  const devices = [...once.values()].toReversed();
  const fits = ({ kind, caId }: CasDevice): boolean =>
    (kind === 'SMARTCARD' ? patterns.smartcard : patterns.setTopBox).test(caId);
  return {
    sound: devices.filter(fits),
    malformed: devices
      .filter((device) => !fits(device))
      .map(({ id, kind, caId }) => {
        const isCard = kind === 'SMARTCARD';
        const problem = isCard
          ? misfit('smart card CA id', caId, patterns.smartcard)
          : misfit('STB CA id', caId, patterns.setTopBox);
        return {
          smartcard: isCard ? caId : null,
          setTopBox: isCard ? null : caId,
          reason: 'INVALID_CA_ID',
          detail: `Of installed item ${id}: ${problem}.`,
        };
      }),
  };
}

export function deviceOf({ caId, distributor }: CasDevice): Device {
  return { caId, distributor };
}

/**
 * What an identifier resolved to.
 * @throws OperationError where it did not.
 */
export function found<T extends object>(field: string, resolved: T | IdentifierProblem): T {
  if (!('code' in resolved && 'problem' in resolved)) return resolved;
  const { code, field: part, problem, remedy } = resolved;
  throw new OperationError(code, part === undefined ? field : `${field}.${part}`, `${problem}; ${remedy}`);
}

/** Walks subscription_card's primary key. */
const FIND_HOLDERS = /* sql */ `
select card, subscription_number as number from subscription_card where card = any($1::text[])`;

/** Walks subscription_card's primary key, then subscription's. */
const READ_HOLDERS = /* sql */ `
select c.card, s.number, s.crm_id as id, s.snapshot
  from subscription_card c join subscription s on s.number = c.subscription_number
 where c.card = any($1::text[])`;
