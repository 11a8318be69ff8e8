import { counted } from './progress.tsx';

/** A command as estimates and plans show it. */
export interface ShownCommand {
  readonly type: string | null;
  readonly smartcard_ca_id: string | null;
  readonly stb_ca_ids: readonly string[];
  readonly service_ca_id: string | null;
}

/** `ADD_SUBSCRIPTIONS 7 on 20000000329`, or `CREATE_PAIRING of 20000000329 with 30000000001`. */
export function commandText({
  type,
  smartcard_ca_id: card,
  stb_ca_ids: boxes,
  service_ca_id: service,
}: ShownCommand): string {
  if (service !== null) return `${type} ${service} on ${card}`;
  return boxes.length === 0 ? `${type} ${card ?? ''}` : `${type} of ${card} with ${boxes.join(', ')}`;
}

/** `3 ADD_SUBSCRIPTIONS, 1 CREATE_PAIRING`, the most first. */
export function commandCounts(types: readonly (string | null)[]): string {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type ?? '–', (counts.get(type ?? '–') ?? 0) + 1);
  return countsText(Object.fromEntries(counts));
}

/** `3 ADD_SUBSCRIPTIONS, 1 CREATE_PAIRING` of counts by name, the most first. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .toSorted(([, one], [, other]) => other - one)
    .map(([type, number]) => counted(number, type, type))
    .join(', ');
}
