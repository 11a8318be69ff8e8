import type { Service, Subscription } from '../events/crm.generated.ts';
import { hasNothingToRevoke, isEffective } from '../planning/snapshot.ts';
import { comparableServiceCaId } from '../planning/command.ts';
import { type IdentifierProblem, shown } from './problem.ts';

export type ProductIdentifier =
  | { readonly id: string }
  | { readonly code: string }
  | { readonly alternative_code: string };

/** A service that the CAS knows. */
export type CasService = Service & { readonly caId: string };

/**
 * The service of the subscription that a product identifier means. `id` is a service's own id or that of its product.
 * Of several services of one product it is, first, those of the given distributor, the smart card's; then the effective
 * ones; then those that could be cancelled; whichever of these leaves some. If several are left that would send the
 * same command, any of them will do. Otherwise the identifier is ambiguous, and the id of the service itself decides.
 */
export function resolveService(
  { number, services }: Subscription,
  identifier: ProductIdentifier,
  distributor?: string | null,
): CasService | IdentifierProblem {
  const { field, value, fit } = fitting(services, identifier);
  if (fit.length === 0) {
    return {
      code: 'SERVICE_NOT_FOUND',
      field,
      problem: `subscription ${number} has no service of a product with the ${field} ${shown(value)}`,
      remedy: 'check it, and that the product is a service of this subscription',
    };
  }
  const candidates = [
    (service: Service) => distributor === undefined || service.distributor === distributor,
    isEffective,
    (service: Service) => !hasNothingToRevoke(service),
  ].reduce(narrowed, fit);
  const [service] = candidates;
  if (service === undefined || new Set(candidates.map(toldToTheCas)).size > 1)
    return ambiguous(field, value, candidates);
  if (service.caId !== null) return { ...service, caId: service.caId };
  return {
    code: 'SERVICE_WITHOUT_CA_ID',
    field,
    problem: `the service ${shown(service.id)} (${service.productCode}) has no service CA id`,
    remedy: 'give the product its CA id in the CRM if the CAS has to do with it',
  };
}

function fitting(
  services: readonly Service[],
  identifier: ProductIdentifier,
): { field: string; value: string; fit: readonly Service[] } {
  if ('id' in identifier) {
    const { id } = identifier;
    const itself = services.filter((service) => service.id === id);
    const fit = itself.length > 0 ? itself : services.filter(({ productId }) => productId === id);
    return { field: 'id', value: id, fit };
  }
  if ('code' in identifier) {
    const { code } = identifier;
    return { field: 'code', value: code, fit: services.filter(({ productCode }) => productCode === code) };
  }
  const { alternative_code: value } = identifier;
  const fit = services.filter(({ productAlternativeCode }) => productAlternativeCode === value);
  return { field: 'alternative_code', value, fit };
}

/** Returns those that the condition holds for, or all if it holds for none. */
function narrowed(services: readonly Service[], holds: (service: Service) => boolean): readonly Service[] {
  const left = services.filter(holds);
  return left.length > 0 ? left : services;
}

function toldToTheCas({ caId, distributor }: Service): string {
  return JSON.stringify([caId === null ? null : comparableServiceCaId(caId), distributor]);
}

/** How many of the services that fit a problem names at most. */
const NAMED_MAX = 5;

function ambiguous(field: string, value: string, services: readonly Service[]): IdentifierProblem {
  const named = services
    .slice(0, NAMED_MAX)
    .map(
      ({ id, state, distributor }) =>
        `${shown(id)} (${state}, ${distributor === null ? 'no' : shown(distributor)} distributor)`,
    );
  return {
    code: 'SERVICE_AMBIGUOUS',
    field,
    problem: `${services.length} services fit ${shown(value)}: ${named.join(', ')}${services.length > NAMED_MAX ? ', …' : ''}`,
    remedy: 'give the id of the service that is meant',
  };
}
