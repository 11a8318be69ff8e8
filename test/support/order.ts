import { cardsOf } from './scene.ts';
import type { JournalEntry, Surroundings } from './world.ts';

/** Smart cards that saw other calls than those of their requests, or saw them in another order (promise P3). */
export async function cardsOutOfOrder({ db }: Surroundings, calls: readonly JournalEntry[]): Promise<string[]> {
  const requests = await db.query<{ card: string; call: string }>(`
    select card, type || ' ' || coalesce(command -> 'service' ->> 'caId', '') as call
    from request cross join unnest(cards) card order by number`);
  const wanted = byCard(requests.map(({ card, call }) => [card, call]));
  const seen = byCard(
    calls.flatMap(({ command, parameters }) =>
      cardsOf(parameters).map((card) => [card, `${command} ${parameters.serviceCaId ?? ''}`] as const),
    ),
  );
  const cards = new Set([...wanted.keys(), ...seen.keys()]);
  return [...cards].filter((card) => JSON.stringify(wanted.get(card)) !== JSON.stringify(seen.get(card)));
}

/**
 * The calls without those that only repeat the card's call before them, as a call with an unknown outcome is repeated,
 * and without questions.
 */
export function withoutRepeats(calls: readonly JournalEntry[]): JournalEntry[] {
  const last = new Map<string, string>();
  return calls.filter(({ command, parameters }) => {
    if (command.startsWith('GET_')) return false;
    const text = JSON.stringify([command, parameters]);
    const cards = cardsOf(parameters);
    const repeats = cards.every((card) => last.get(card) === text);
    for (const card of cards) last.set(card, text);
    return !repeats;
  });
}

function byCard(calls: readonly (readonly [card: string, call: string])[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [card, call] of calls) {
    const known = found.get(card);
    if (known) known.push(call);
    else found.set(card, [call]);
  }
  return found;
}
