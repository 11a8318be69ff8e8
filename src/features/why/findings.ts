import { entitlementLines } from './entitlements.ts';
import { entitlementFindings } from './entitlement-findings.ts';
import type { Facts, RequestFact } from './facts.ts';
import { type Finding, finding, sorted } from './finding-codes.ts';
import { serviceFindings, unreadOf } from './service-findings.ts';
import { decideOn, processOf, resyncOf, showEventOf, showRequestOf, withdrawOf } from './remedy-calls.ts';

/**
 * Returns the findings, the most important first: a pure function of the facts, so that it says the same wherever they
 * were read.
 */
export function findingsOf(facts: Facts): Finding[] {
  return sorted([
    ...unknown(facts),
    ...serviceFindings(facts),
    ...waiting(facts),
    ...waitingEvents(facts),
    ...history(facts),
    ...entitlementFindings(facts, entitlementLines(facts)),
  ]);
}

/**
 * What the whole answer says in one sentence: the first finding. When the last event came (NOTHING_NEW) is true of every
 * subscription, and explains nothing by itself.
 */
export function verdictOf(findings: readonly Finding[]): string {
  const telling = findings.find(({ code }) => code !== 'NOTHING_NEW');
  return telling?.sentence ?? 'Nothing that is stored explains it: ask the CAS, and look at the set-top box.';
}

function unknown({ known, subscriptions, requests, events, deadLetters, forgets }: Facts): Finding[] {
  const seen = subscriptions.length + requests.length + events.length + deadLetters.length;
  if (known || seen > 0) return [];
  const older = forgets ? ' Retention removes old requests and events, so an older one may have had it.' : '';
  const sentence = `No subscription, device, request, action or event with this number is known.${older}`;
  return [finding('UNKNOWN_TO_US', sentence)];
}

/** The first unfinished request of each phase, since the others wait for it. */
function waiting(facts: Facts): Finding[] {
  const pending = facts.requests.filter(({ state }) => state === 'PENDING').toReversed();
  const first = (phase: RequestFact['phase']): RequestFact[] =>
    pending.filter((one) => one.phase === phase).slice(0, 1);
  return [
    ...first('RETRYING').flatMap(retrying),
    ...first('WAITING_BEHIND').flatMap((request) => waitingBehind(request, pending)),
    ...first('SCHEDULED').map(scheduled),
    // An open breaker holds it back, not the line.
    ...(facts.provider.breaker === 'closed' ? first('IN_LINE').map((request) => inLine(request, facts)) : []),
  ];
}

function retrying(request: RequestFact): Finding[] {
  const { number, type, attempts, lastCode, lastDescription, nextTryAt, submitted: since } = request;
  const error = lastCode === null ? '' : `, last with ${lastCode}`;
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  const next = nextTryAt === null ? '' : ` at ${nextTryAt.toISOString().slice(11, 19)} UTC`;
  const evidence = {
    request: number,
    attempts,
    last_code: lastCode,
    last_error: lastDescription,
    next_try: nextTryAt?.toISOString() ?? null,
  };
  const sentence = `${type} (request ${number}) was tried ${times}${error}, and is tried again${next}.`;
  const again = finding('RETRYING', sentence, {
    since,
    evidence,
    calls: [...processOf(number), ...withdrawOf(number)],
  });
  if (lastCode !== 'CAS_ANSWER_UNREADABLE') return [again];
  const unreadable = `The CAS answers request ${number}, but its answer cannot be read: ${lastDescription ?? 'see its attempts'}.`;
  return [finding('CAS_UNREADABLE', unreadable, { since, evidence, calls: showRequestOf(number) }), again];
}

function waitingBehind({ number, type, behind, submitted }: RequestFact, pending: readonly RequestFact[]): Finding[] {
  if (behind === null) return [];
  const first = pending.find((one) => one.number === behind);
  const why = first === undefined ? '' : `, which is ${PHASE_WORDS[first.phase]}`;
  const error = (first?.lastCode ?? null) === null ? '' : ` (${first?.lastCode})`;
  return [
    finding('WAITING_BEHIND', `${type} (request ${number}) waits for request ${behind}${why}${error}.`, {
      since: submitted,
      evidence: {
        request: number,
        behind,
        behind_phase: first?.phase ?? null,
        behind_attempts: first?.attempts ?? null,
        behind_error: first?.lastDescription ?? null,
      },
      calls: [...showRequestOf(behind), ...processOf(behind), ...withdrawOf(behind)],
    }),
  ];
}

const PHASE_WORDS = {
  SCHEDULED: 'scheduled',
  WAITING_BEHIND: 'waiting itself',
  IN_LINE: 'in line',
  RETRYING: 'being retried',
  BEING_SENT: 'being sent',
  PAUSED: 'paused',
  COMPLETED: 'done',
  REJECTED: 'refused',
} as const satisfies Record<RequestFact['phase'], string>;

function scheduled({ number, type, nextTryAt, submitted }: RequestFact): Finding {
  const due = nextTryAt?.toISOString() ?? null;
  return finding('SCHEDULED', `${type} (request ${number}) is scheduled for ${due ?? 'now'}.`, {
    since: submitted,
    evidence: { request: number, due },
    calls: [...processOf(number), ...withdrawOf(number)],
  });
}

function inLine({ number, type, urgency, submitted }: RequestFact, { ahead, provider }: Facts): Finding {
  const rate = provider.instances.reduce((sum, one) => sum + one.requestsPerSecond, 0);
  const seconds = rate > 0 ? Math.ceil(ahead / rate) : null;
  const about = seconds === null ? '' : `, about ${seconds} s`;
  return finding(
    'WAITING_IN_LINE',
    `${type} (request ${number}, ${urgency}) is in line after ${ahead} requests of other cards${about}.`,
    {
      since: submitted,
      evidence: { request: number, urgency, ahead, requests_per_second: Math.round(rate), seconds },
      calls: processOf(number),
    },
  );
}

/** At most three of each: they are listed in full by the commands. */
function waitingEvents({ events, deadLetters }: Facts): Finding[] {
  const held = events
    .filter(({ disposition }) => disposition === 'STALE')
    .map(({ id, type, version, actionId, received }) =>
      finding('EVENT_HELD', `Event ${id} (${type}, version ${version}) came late and is held for a decision.`, {
        since: received,
        evidence: { event: id, action: actionId, version },
        calls: decideOn(id),
      }),
    );
  const letters = deadLetters.map(({ id, place, reason, detail, received }) =>
    finding('DEAD_LETTER', `A message of this subscription could not be used: ${reason ?? 'unknown reason'}.`, {
      since: received,
      evidence: { event: id, place, reason, detail },
      calls: decideOn(id),
    }),
  );
  return [...held.slice(0, 3), ...letters.slice(0, 3)];
}

function history(facts: Facts): Finding[] {
  const { cards, subscriptions, events, now } = facts;
  const found: Finding[] = [];
  for (const card of cards) {
    const holders = subscriptions.filter(({ installedItems }) => installedItems.some(({ caId }) => caId === card));
    if (holders.length < 2) continue;
    const numbers = holders.map(({ number }) => number).join(', ');
    const evidence = { smartcard_ca_id: card, subscriptions: numbers };
    found.push(
      finding('CARD_HELD_TWICE', `Card ${card} is in ${holders.length} subscriptions: ${numbers}.`, { evidence }),
    );
  }
  for (const [subscription, own] of Map.groupBy(events, (event) => event.subscription)) {
    const versions = [...new Set(own.map(({ version }) => version))];
    const gap = versions.findIndex((version, index) => index > 0 && (versions[index - 1] ?? version) > version + 1);
    if (gap > 0) {
      const [higher = 0, lower = 0] = [versions[gap - 1], versions[gap]];
      const sentence = `Between versions ${lower} and ${higher} of subscription ${subscription} an event may be missing.`;
      const since = own.find(({ version }) => version === higher)?.received ?? null;
      const evidence = { subscription, lower, higher };
      found.push(finding('VERSION_GAP', sentence, { since, evidence, calls: resyncOf(subscription) }));
    }
    const late = own.find((event) => event.late);
    if (late !== undefined) {
      const { id, type, version, received: since } = late;
      const sentence = `Event ${id} (${type}, version ${version}) came after a newer one.`;
      found.push(finding('LATE_EVENT', sentence, { since, evidence: { event: id, version }, calls: showEventOf(id) }));
    }
    const [last] = own;
    if (last === undefined) continue;
    const hours = Math.round((now.getTime() - last.received.getTime()) / 3_600_000);
    const unread = unreadOf(facts, own);
    const behind = unread === null || unread === 0 ? '' : ` ${unread} messages are not read yet.`;
    const sentence = `The last event of subscription ${subscription} is version ${last.version} (${last.type}) of ${last.occurred.toISOString()}. If the CRM acted later, its event has not arrived.${behind}`;
    const evidence = { event: last.id, version: last.version, hours_ago: hours, unread };
    found.push(finding('NOTHING_NEW', sentence, { since: last.received, evidence }));
  }
  return found;
}
