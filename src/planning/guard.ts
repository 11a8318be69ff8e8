import type { Service } from '../events/crm.generated.ts';
import { describeService, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import type { Situation } from './situation.ts';
import { pairKey } from './snapshot.ts';
import type { WithheldReason } from './types.ts';

/** The pair that a CANCEL would take away, and the service in whose name. */
export interface Cancellation {
  readonly smartcard: string;
  readonly service: Service;
  readonly serviceCaId: string;
  /** True where the action itself ends the service: then the service does not keep its own pair entitled (R4). */
  readonly outgoing: boolean;
}

/**
 * R4, and for late events what the newest snapshot says: the withheld CANCEL of a pair that stays entitled, null where
 * nothing entitles it. For a late event the newest snapshot decides: SUPERSEDED where it entitles the pair and the
 * event's own did not, so that the event would have sent the CANCEL had it come in time.
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
