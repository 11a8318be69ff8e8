import { OperationError } from '../http/operation-error.ts';

/** Why an identifier does not resolve: the closed list. docs/errors-web-api.md has them with what to do. */
export type IdentifierCode =
  | 'SUBSCRIPTION_NOT_FOUND'
  | 'SUBSCRIPTION_AMBIGUOUS'
  | 'SERVICE_NOT_FOUND'
  | 'SERVICE_AMBIGUOUS'
  | 'SERVICE_WITHOUT_CA_ID'
  | 'ITEM_NOT_FOUND'
  | 'ITEM_AMBIGUOUS'
  | 'ITEM_IS_NO_SMARTCARD'
  | 'SMARTCARD_WITHOUT_CA_ID'
  | 'SMARTCARD_NOT_OF_SUBSCRIPTION'
  | 'STB_NOT_OF_SUBSCRIPTION';

/** An identifier that does not resolve, for people: `<parameter>.<field>: <problem>; <remedy>`. */
export interface IdentifierProblem {
  readonly code: IdentifierCode;
  /** The field of the identifier; absent if the parameter is a plain CA id. */
  readonly field?: string;
  readonly problem: string;
  readonly remedy: string;
}

/**
 * Returns what an identifier resolved to.
 * @throws OperationError naming the input's field if it did not resolve.
 */
export function found<T extends object>(field: string, resolved: T | IdentifierProblem): T {
  if (!('code' in resolved && 'problem' in resolved)) return resolved;
  const { code, field: part, problem, remedy } = resolved;
  throw new OperationError(code, part === undefined ? field : `${field}.${part}`, `${problem}; ${remedy}`);
}

/** Longest part of a value or a list that a problem repeats. */
const SHOWN_MAX = 80;

/** A value as a problem shows it: quoted, and cut if it is long. */
export function shown(value: string): string {
  return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX).toWellFormed()}…` : value);
}
