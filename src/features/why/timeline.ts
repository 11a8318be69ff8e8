import type { Facts, RequestFact } from './facts.ts';

/** How many moments are shown. */
const MOMENTS = 100;

/** Something that happened, in words. */
export interface Moment {
  readonly at: string;
  readonly what: string;
  readonly text: string;
}

/** Returns what is known, the newest first: events, commands that were not sent, requests with their attempts, letters. */
export function timelineOf({ events, withheld, requests, deadLetters }: Facts): Moment[] {
  const moments: [Date, string, string][] = [
    ...events.map(({ received, id, type, version, subscription, disposition, late }): [Date, string, string] => [
      received,
      'event',
      `${type}, version ${version} of ${subscription}: ${disposition}${late ? ', late' : ''} (event ${id})`,
    ]),
    ...withheld.map(({ at, type, reason, detail }): [Date, string, string] => [
      at,
      'withheld',
      `${type}: ${reason}. ${detail}`,
    ]),
    ...requests.map((request): [Date, string, string] => [
      request.executed ?? request.submitted,
      'request',
      wordsOf(request),
    ]),
    ...deadLetters.map(({ received, id, reason, place }): [Date, string, string] => [
      received,
      'dead letter',
      `${reason ?? 'unreadable'} at ${place} (event ${id})`,
    ]),
  ];
  return moments
    .toSorted(([one], [other]) => other.getTime() - one.getTime())
    .slice(0, MOMENTS)
    .map(([at, what, text]) => ({ at: at.toISOString(), what, text }));
}

/** A request in one line, its attempts folded. */
function wordsOf({
  number,
  type,
  command,
  phase,
  attempts,
  code,
  description,
  lastCode,
  lastDescription,
}: RequestFact): string {
  const service = 'service' in command ? ` of service ${command.service.caId}` : '';
  const error = code ?? lastCode;
  const why = error === null ? '' : `, ${error}: ${description ?? lastDescription ?? ''}`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  return `${type}${service}: ${phase}${tries}${why} (request ${number})`;
}
