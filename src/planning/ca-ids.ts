import type { Service } from '../events/crm.generated.ts';
import type { EntitlementCommand } from './command.ts';
import { describeService, withhold } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import type { CasDevice } from './snapshot.ts';
import type { PlanningRules } from './types.ts';

/** Returns whether a device's CA id fits its pattern. */
export function isWellFormed(rules: PlanningRules, device: CasDevice): boolean {
  const pattern = device.kind === 'SMARTCARD' ? rules.smartcardPattern : rules.setTopBoxPattern;
  return pattern.test(device.caId);
}

/** Returns the entitlement command withheld for a CA id that does not fit its pattern (R11); null if both fit. */
export function invalidPair(
  rules: PlanningRules,
  type: EntitlementCommand['type'],
  smartcard: string,
  service: Service,
  serviceCaId: string,
): Proposal | null {
  const misfits = [
    ...(rules.smartcardPattern.test(smartcard) ? [] : [misfit('smart card CA id', smartcard, rules.smartcardPattern)]),
    ...(rules.servicePattern.test(serviceCaId) ? [] : [misfit('service CA id', serviceCaId, rules.servicePattern)]),
  ];
  if (misfits.length === 0) return null;
  const detail = `Of ${describeService(service)}: ${misfits.join('; ')}.`;
  return withhold(type, 'INVALID_CA_ID', smartcard, serviceCaId, detail);
}

/** Describes a misfit: "the smart card CA id "12" does not fit ^\d{11}$". */
export function misfit(what: string, caId: string, pattern: RegExp): string {
  return `the ${what} ${JSON.stringify(caId)} does not fit ${pattern.source}`;
}
