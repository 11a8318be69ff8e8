import type { Transaction } from '../platform/database.ts';

/** Where it is told (NOTIFY) that a request that somebody waits for is final: its number and its state. */
export const FINAL_CHANNEL = 'conax_final';

export type FinalState = 'COMPLETED' | 'REJECTED';

/**
 * Tells those who wait that these requests are final, with the transaction's commit. Only for requests whose work row
 * said `awaited`: transactions that tell something commit one after the other, in the whole server.
 */
export async function tellFinal(
  tx: Transaction,
  requests: readonly { readonly number: number; readonly state: FinalState }[],
): Promise<void> {
  if (requests.length === 0) return;
  await tx.query(TELL, [requests.map(({ number, state }) => `${number} ${state}`)]);
}

const TELL = /* sql */ `select pg_notify('${FINAL_CHANNEL}', message) from unnest($1::text[]) message`;

/** What `tellFinal` said; null for anything else. */
export function readTold(message: string): { readonly number: number; readonly state: FinalState } | null {
  const [, number, state] = /^(\d{1,15}) (COMPLETED|REJECTED)$/.exec(message) ?? [];
  return number === undefined ? null : { number: Number(number), state: state as FinalState };
}
