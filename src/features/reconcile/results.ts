import { z } from 'zod';
import { readStored } from '../../http/problems.ts';
import type { Difference } from '../../planning/reconcile.ts';

/** The result of a card while its question is open: what the CRM entitled when it was asked. */
export const asked = z.strictObject({ entitled: z.array(z.string()) });

export const differenceFindings = ['MISSING_IN_CAS', 'TOO_MUCH_IN_CAS'] as const satisfies Difference['finding'][];

const difference = z.strictObject({ finding: z.enum(differenceFindings), service_ca_id: z.string() });

/** The result of a card that is DIFFERENT or CHANGING. */
export const different = z.strictObject({ differences: z.array(difference) });
export type Different = z.output<typeof different>;

/** The result of a card that is NOT_READABLE. */
export const unreadable = z.strictObject({ code: z.string().nullable(), description: z.string().nullable() });

export function differentResult(differences: readonly Difference[]): Different {
  return {
    differences: differences.map(({ finding, serviceCaId }) => ({ finding, service_ca_id: serviceCaId })),
  };
}

/** Reads a part of the result that a card has in a RECONCILE run. @throws Error that names card and mistake. */
export function readResult<S extends z.ZodType>(schema: S, result: unknown, card: string): z.output<S> {
  return readStored(schema, result, `The result of card ${card}`);
}

/** Returns the differences in a card's result. */
export function differencesOf(result: unknown, card: string): Difference[] {
  const { differences } = readResult(different, result, card);
  return differences.map(({ finding, service_ca_id: serviceCaId }) => ({ finding, serviceCaId }));
}

/** Returns the differences that a fix should correct; null: all. */
export function wanted(differences: readonly Difference[], only: Difference['finding'] | null): Difference[] {
  return differences.filter(({ finding }) => only === null || finding === only);
}
