import type { Withheld } from '../../planning/types.ts';
import type { Json } from './kind.ts';

/** Returns a withheld command (R11) for the result of a run's target. */
export function withheldJson({ type, reason, smartcard, serviceCaId, detail }: Withheld): Json {
  return { type, reason, smartcard, service_ca_id: serviceCaId, detail };
}
