import type { Service } from '../events/crm.generated.ts';
import { describeService, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import type { Situation } from './situation.ts';
import { pairKey } from './snapshot.ts';
import type { WithheldReason } from './types.ts';

/** The pair that a CANCEL would revoke, and the service that it is for. */
export interface Cancellation {
  readonly smartcard: string;
  readonly service: Service;
  readonly serviceCaId: string;
  /** True if the action itself ends the service: then the service does not keep its own pair entitled (R4). */
  readonly outgoing: boolean;
}

/**
 * Returns the withheld CANCEL of a pair that stays entitled (R4); null if nothing entitles it. For a late event the
 * newest snapshot decides. It is SUPERSEDED if that entitles the pair and the event's own snapshot did not: in time,
 * the event would have sent the CANCEL.
 */
export function guarded(situation: Situation, cancellation: Cancellation): Proposal | null {
  const { smartcard, service, serviceCaId, outgoing } = cancellation;
  const key = pairKey(smartcard, serviceCaId);
  const keptByOwn = (situation.own.entitlements().get(key) ?? []).find((other) => !outgoing || other.id !== service.id);
  const withheld = (reason: WithheldReason, detail: string): Proposal =>
    withhold('CANCEL_SUBSCRIPTIONS', reason, smartcard, serviceCaId, `Of ${describeService(service)}: ${detail}.`);

  const keptNow = situation.late ? situation.present.entitlements().get(key)?.[0] : keptByOwn;
  if (keptNow !== undefined && keptByOwn === undefined) {
    const { number, version } = situation.present;
    return withheld(
      'SUPERSEDED',
      `version ${version} of ${number} entitles the card through ${describeService(keptNow)}`,
    );
  }
  if (keptNow !== undefined) {
    return withheld('STILL_ENTITLED', `the card stays entitled through ${describeService(keptNow)}`);
  }
  for (const { number, entitlements } of situation.others) {
    const kept = entitlements().get(key)?.[0];
    if (kept !== undefined) {
      return withheld('STILL_ENTITLED', `subscription ${number} entitles the card through ${describeService(kept)}`);
    }
  }
  return null;
}
