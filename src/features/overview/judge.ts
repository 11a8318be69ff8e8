import { COUNT_MAX, type Facts } from './facts.ts';
import type { ReportedPart } from './report.ts';

export const PARTS = ['DATABASE', 'KAFKA', 'SCHEMA_REGISTRY', 'CAS', 'INTAKE', 'DISPATCH', 'OUTCOMES'] as const;
export type Part = (typeof PARTS)[number];
/** The worst last. */
export const STATES = ['OK', 'ATTENTION', 'DOWN'] as const;
export type State = (typeof STATES)[number];

/** How one part of the whole service is doing, and what a person should know of it. */
export interface Judgement {
  readonly part: Part;
  readonly state: State;
  readonly sentence: string;
  /** Since when it is so, if that is known. */
  readonly since: Date | null;
}

type Reason = Omit<Judgement, 'part'>;

/** Later than this something that should be done at once is late. */
const LATE_MS = 60_000;

/** Returns how each part is doing: the worst that is known of it. */
export function judge(facts: Facts): Judgement[] {
  return PARTS.map((part) => {
    const reasons = REASONS[part](facts);
    const [worst] = reasons.toSorted((one, other) => STATES.indexOf(other.state) - STATES.indexOf(one.state));
    return { part, ...(worst ?? { state: 'OK', sentence: WELL[part](facts), since: null }) };
  });
}

/** Returns the state of the worst part. */
export function verdictOf(judgements: readonly Judgement[]): State {
  return STATES.findLast((state) => judgements.some((one) => one.state === state)) ?? 'OK';
}

const WELL: Readonly<Record<Part, (facts: Facts) => string>> = {
  DATABASE: () => 'It answers.',
  KAFKA: () => 'It is read.',
  SCHEMA_REGISTRY: () => 'Nothing waits for it.',
  CAS: () => 'It answers.',
  INTAKE: () => 'Events are processed as they come.',
  DISPATCH: () => 'Commands are sent.',
  OUTCOMES: () => 'Outcomes are published.',
};

const REASONS: Readonly<Record<Part, (facts: Facts) => Reason[]>> = {
  DATABASE: (facts) => reported(facts, 'clock', 'ATTENTION'),
  KAFKA: (facts) => reported(facts, 'kafka', 'DOWN'),
  SCHEMA_REGISTRY: (facts) => reported(facts, 'schema-registry', 'DOWN'),
  CAS: (facts) => [...casReasons(facts), ...reported(facts, 'cas', facts.provider.paused ? 'OK' : 'ATTENTION')],
  INTAKE: intakeReasons,
  DISPATCH: (facts) => [
    ...dispatchReasons(facts),
    ...reported(facts, 'dispatch', 'DOWN'),
    ...reported(facts, 'pins', 'ATTENTION'),
  ],
  OUTCOMES: (facts) => [...outcomeReasons(facts), ...reported(facts, 'outcomes', 'DOWN')],
};

/** What the instances reported of a part that is not ready: `state` if all of them did, else ATTENTION. */
function reported({ instances }: Facts, name: string, state: State): Reason[] {
  const alive = instances.filter((one) => one.alive);
  const found = alive.flatMap(({ host, parts }) =>
    parts.filter(({ part, ready }) => part === name && !ready).map((part) => ({ host, part })),
  );
  const [first] = found.toSorted((one, other) => (one.part.since < other.part.since ? -1 : 1));
  if (first === undefined || state === 'OK') return [];
  const whole = found.length === alive.length;
  const where = whole ? '' : `${found.length} of ${alive.length} instances, such as ${first.host}: `;
  return [reason(whole ? state : 'ATTENTION', `${where}${first.part.detail}`, sinceOf(first.part))];
}

function casReasons({ provider }: Facts): Reason[] {
  const { breaker, breakerOpenUntil, paused, pausedBy, pausedReason, changedAt } = provider;
  if (paused) {
    // A person who pauses says why; the service does it only if the CAS does not accept its credentials.
    return isInstance(pausedBy)
      ? [reason('DOWN', `It does not accept the credentials: ${pausedReason}`, changedAt)]
      : [];
  }
  if (breaker === 'closed') return [];
  const next = breakerOpenUntil === null ? '' : `; the next try is at ${breakerOpenUntil.toISOString()}`;
  const text =
    breaker === 'open' ? `The breaker is open: it cannot be reached, or its answers cannot be read${next}` : '';
  return [reason('DOWN', text || 'The breaker is half-open: one request tries whether it answers again')];
}

function intakeReasons({ now, intake, waiting }: Facts): Reason[] {
  const reasons: Reason[] = [];
  if (intake.length === 0) reasons.push(reason('DOWN', 'No instance reads events'));
  const stopped = intake.filter(({ problem }) => problem !== null);
  const [first] = stopped;
  if (first !== undefined) {
    const all = stopped.length === intake.length;
    reasons.push(reason(all ? 'DOWN' : 'ATTENTION', `Nothing is read: ${first.problem}`, first.since));
  }
  const stuck = intake.flatMap(({ partitions, reported: at }) =>
    partitions.flatMap((one) => (one.problem === null ? [] : [{ ...one, since: ago(at, one.problem_ms) }])),
  );
  const [worst] = stuck;
  if (worst !== undefined) {
    const place = `Partition ${worst.topic}[${worst.partition}]`;
    const others = stuck.length > 1 ? `, and ${stuck.length - 1} more partitions` : '';
    reasons.push(reason('ATTENTION', `${place} is not read${others}: ${worst.problem}`, worst.since));
  }
  const { unread, behindSince } = unreadOf(intake);
  if (behindSince !== null && now.getTime() - behindSince.getTime() > LATE_MS) {
    reasons.push(reason('ATTENTION', `${several(unread ?? 0, 'message')} not read yet`, behindSince));
  }
  if (waiting.deadLetters > 0) {
    const text = `${several(waiting.deadLetters, 'message', COUNT_MAX)} could not be processed: decide about them`;
    reasons.push(reason('ATTENTION', text, waiting.oldestDeadLetter));
  }
  if (waiting.heldEvents > 0) {
    reasons.push(
      reason('ATTENTION', `${several(waiting.heldEvents, 'late event', COUNT_MAX)} held: decide about them`),
    );
  }
  return reasons;
}

/** Returns how many messages are not read yet, and since when there have been some; nulls if nobody knows. */
export function unreadOf(intake: Facts['intake']): { unread: number | null; behindSince: Date | null } {
  const places = intake.flatMap(({ partitions, reported: at }) => partitions.map((one) => ({ ...one, at })));
  if (places.length === 0) return { unread: null, behindSince: null };
  const behind = places.flatMap(({ at, behind_ms: ms }) => (ms === null ? [] : [ago(at, ms)]));
  const [first = null] = behind.toSorted((one, other) => one.getTime() - other.getTime());
  return { unread: places.reduce((sum, { unread }) => sum + (unread ?? 0), 0), behindSince: first };
}

function dispatchReasons({ now, provider, backlog }: Facts): Reason[] {
  const { paused, pausedBy, pausedReason, changedAt, instances } = provider;
  if (instances.length === 0) return [reason('DOWN', 'No instance sends commands')];
  if (paused) {
    const state = isInstance(pausedBy) ? 'DOWN' : 'ATTENTION';
    return [reason(state, `Sending is paused by ${pausedBy}: ${pausedReason}`, changedAt)];
  }
  return backlog.flatMap(({ class: requestClass, ready, oldest }) => {
    // Cancellations and bulk work may wait for the others.
    if (requestClass > 1 || oldest === null || now.getTime() - oldest.getTime() < LATE_MS) return [];
    return [
      reason('ATTENTION', `${several(ready, 'request', COUNT_MAX)} could be sent and wait for a free call`, oldest),
    ];
  });
}

function outcomeReasons({ now, waiting }: Facts): Reason[] {
  const { parked, unpublished, oldestUnpublished: oldest } = waiting;
  const reasons: Reason[] = [];
  if (parked > 0) reasons.push(reason('ATTENTION', `${several(parked, 'message', COUNT_MAX)} can never be published`));
  if (oldest !== null && now.getTime() - oldest.getTime() > LATE_MS) {
    reasons.push(reason('DOWN', `${several(unpublished, 'message', COUNT_MAX)} wait to be published`, oldest));
  }
  return reasons;
}

function reason(state: State, text: string, since: Date | null = null): Reason {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return { state, sentence: /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`, since };
}

/** @param most how far the count is exact. */
function several(count: number, what: string, most = Infinity): string {
  if (count > most) return `More than ${most.toLocaleString('en')} ${what}s`;
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

/** Whole seconds: reports measure it anew each time. */
function ago(at: Date, ms: number | null): Date {
  return new Date(Math.round((at.getTime() - (ms ?? 0)) / 1000) * 1000);
}

function sinceOf({ since }: ReportedPart): Date | null {
  const at = new Date(since);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** Whether the service itself paused sending: it signs with the id of an instance. */
function isInstance(by: string | null): boolean {
  return by !== null && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(by);
}
