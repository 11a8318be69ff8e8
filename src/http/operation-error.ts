import type { WebApiCodeName } from './codes.ts';

/**
 * Why an operation is not done, before anything was stored or sent. The operations API answers with the code, the
 * command line names its own option in place of the field.
 */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: WebApiCodeName;
  /** The input's field, such as `smartcards[1]`; null if no single one is at fault. */
  readonly field: string | null;
  /** What is wrong and the remedy, without the field's name and without secrets. */
  readonly problem: string;

  constructor(code: WebApiCodeName, field: string | null, problem: string) {
    super(field === null ? problem : `${field}: ${problem}`);
    this.code = code;
    this.field = field;
    this.problem = problem;
  }
}
