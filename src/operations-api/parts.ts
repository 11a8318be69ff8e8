import type { FindWriterSchema } from '../events/decode.ts';
import type { ApiParts } from '../http/parts.ts';
import type { PlanningRules } from '../planning/types.ts';
import type { FinalWatch } from '../requests/await-final.ts';

/** What the operations API needs of the others. */
export interface OperationsParts extends ApiParts {
  readonly finalWatch: Pick<FinalWatch, 'awaitFinal'>;
  readonly rules: PlanningRules;
  readonly stalePolicy: 'plan' | 'hold';
  readonly facetWaitMs: number;
  readonly findWriterSchema: FindWriterSchema;
  /** Topics that outcomes are not replayed into by name. */
  readonly ownTopics: readonly string[];
}
