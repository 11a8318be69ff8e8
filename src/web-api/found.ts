import { WebApiError } from '../http/envelope.ts';
import type { IdentifierProblem } from '../identifiers/problem.ts';

/**
 * What an identifier resolved to.
 * @throws WebApiError where it did not, naming the parameter.
 */
export function found<T extends object>(parameter: string, resolved: T | IdentifierProblem): T {
  if (!isProblem(resolved)) return resolved;
  const { code, field, problem, remedy } = resolved;
  const name = field === undefined ? parameter : `${parameter}.${field}`;
  throw new WebApiError(code, `${name}: ${problem}; ${remedy}`);
}

function isProblem(resolved: object): resolved is IdentifierProblem {
  return 'code' in resolved && 'problem' in resolved;
}
