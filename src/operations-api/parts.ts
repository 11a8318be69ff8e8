import type { FindWriterSchema } from '../events/decode.ts';
import type { PlanningRules } from '../planning/types.ts';
import type { WebApiParts } from '../web-api/parts.ts';

/** What the operations API needs of the others: the Web API's pool, PIN seal, patterns and watch on final states. */
export type OperationsParts = Pick<
  WebApiParts,
  'db' | 'finalWatch' | 'seal' | 'pinKey' | 'patterns' | 'immediateTimeoutMs' | 'logger'
> & {
  readonly rules: PlanningRules;
  readonly stalePolicy: 'plan' | 'hold';
  readonly facetWaitMs: number;
  readonly findWriterSchema: FindWriterSchema;
  /** Topics that outcomes are not replayed into by name. */
  readonly ownTopics: readonly string[];
};
