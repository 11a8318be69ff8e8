import type { ApiParts } from '../http/parts.ts';
import type { FinalWatch } from '../requests/await-final.ts';

/** What the Web API needs of the others. */
export interface WebApiParts extends ApiParts {
  readonly finalWatch: Pick<FinalWatch, 'awaitFinal'>;
  /** How long a token lives without a call (WEB_API_TOKEN_IDLE_MS). */
  readonly tokenIdleMs: number;
}
