import type { Transaction } from '../platform/database.ts';

/** The channel (NOTIFY) that announces the number and state of awaited requests that became final. */
export const FINAL_CHANNEL = 'conax_final';

export type FinalState = 'COMPLETED' | 'REJECTED';

/**
 * Announces with the transaction's commit that these requests are final. Call it only for requests whose work row has
 * `awaited`: transactions that notify commit one after the other in the whole server.
 */
export function announceFinal(
  tx: Transaction,
  requests: readonly { readonly number: number; readonly state: FinalState }[],
): void {
  if (requests.length > 0) tx.send(ANNOUNCE, [requests.map(({ number, state }) => `${number} ${state}`)]);
}

const ANNOUNCE = /* sql */ `select pg_notify('${FINAL_CHANNEL}', message) from unnest($1::text[]) message`;

/** Parses what `announceFinal` sent; null for anything else. */
export function readFinalNotice(message: string): { readonly number: number; readonly state: FinalState } | null {
  const [, number, state] = /^(\d{1,15}) (COMPLETED|REJECTED)$/.exec(message) ?? [];
  return number === undefined ? null : { number: Number(number), state: state as FinalState };
}
