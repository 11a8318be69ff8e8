import type { CrmActionOutcome } from '../../src/outcomes/outcome.generated.ts';
import type { CasFault, ExpectedOutcome, Journey, Step } from './journey.ts';
import type { CrmWire } from './wire.ts';

export interface PlayedStep {
  readonly step: Step;
  readonly outcome: string;
  readonly lines: readonly string[];
  /** From the write into Kafka until the outcome came out of it. */
  readonly tookMs: number;
  /** What differs from the expected outcome; empty where nothing does. */
  readonly differences: readonly string[];
}

/** How long a step may take before it counts as lost. */
const STEP_DEADLINE_MS = 30_000;

/** Plays one journey, step after step; `onStep` sees each as soon as its outcome is there. */
export async function play(
  journey: Journey,
  wire: CrmWire,
  simulatorUrl: string,
  onStep: (played: PlayedStep) => void,
): Promise<void> {
  for (const step of journey.steps) {
    if (step.before) await breakTheCas(simulatorUrl, step.before);
    const startedAt = performance.now();
    const seen = { letters: wire.arrivals.deadLetters.length, outcomes: wire.arrivals.actionOutcomes.length };
    await wire.send(step.messages.map((message) => ({ key: step.subscriptionNumber, message })));
    onStep(await resultOf(step, wire, startedAt, seen));
  }
}

/** How much had arrived before the step: what comes later is its own. */
interface Seen {
  readonly letters: number;
  readonly outcomes: number;
}

async function resultOf(step: Step, wire: CrmWire, startedAt: number, seen: Seen): Promise<PlayedStep> {
  const what = `${step.journey}: the outcome of "${step.says}"`;
  if ('deadLetter' in step.expected || step.actionId === null) {
    const letter = await wire.until(
      ({ deadLetters }) => deadLetters.slice(seen.letters).find(({ key }) => key === step.subscriptionNumber),
      what,
      STEP_DEADLINE_MS,
    );
    const reason = letter.headers['dead-letter-reason'] ?? '';
    const wanted = 'deadLetter' in step.expected ? step.expected.deadLetter : '';
    return played(
      step,
      startedAt,
      `DEAD_LETTERED ${reason}`,
      [],
      reason === wanted ? [] : [`expected the dead letter ${wanted}`],
    );
  }
  const { value: outcome } = await wire.until(
    ({ actionOutcomes }) => actionOutcomes.slice(seen.outcomes).find(({ value }) => value.actionId === step.actionId),
    what,
    STEP_DEADLINE_MS,
  );
  const requests = outcome.requests.map(requestText);
  const withheld = outcome.withheld.map(withheldText);
  return played(
    step,
    startedAt,
    outcome.outcome,
    [...requests, ...withheld.map((line) => `withheld ${line}`)],
    differences(step.expected, outcome, requests, withheld),
  );
}

function played(
  step: Step,
  startedAt: number,
  outcome: string,
  lines: readonly string[],
  found: readonly string[],
): PlayedStep {
  return { step, outcome, lines, tookMs: performance.now() - startedAt, differences: found };
}

function requestText(request: CrmActionOutcome['requests'][number]): string {
  return [request.type, pairText(request.smartcard, request.serviceCaId), request.errorCode].filter(Boolean).join(' ');
}

function withheldText(withheld: CrmActionOutcome['withheld'][number]): string {
  return [withheld.type, withheld.reason, pairText(withheld.smartcard, withheld.serviceCaId)].filter(Boolean).join(' ');
}

function pairText(smartcard: string | null, serviceCaId: string | null): string {
  if (serviceCaId === null) return smartcard ?? '';
  return `${smartcard ?? '-'}/${serviceCaId}`;
}

function differences(
  expected: ExpectedOutcome,
  outcome: CrmActionOutcome,
  requests: readonly string[],
  withheld: readonly string[],
): string[] {
  const found: string[] = [];
  if (outcome.outcome !== expected.outcome) found.push(`expected ${expected.outcome}`);
  if (!same(requests, expected.requests ?? [])) found.push(`expected the requests ${list(expected.requests)}`);
  if (!same(withheld.toSorted(), (expected.withheld ?? []).toSorted())) {
    found.push(`expected withheld ${list(expected.withheld)}`);
  }
  const facets = outcome.facets.map(({ family, type, disposition }) => `${family} ${type} ${disposition}`);
  if (expected.facets && !same(facets, expected.facets)) {
    found.push(`expected the facets ${list(expected.facets)}, not ${list(facets)}`);
  }
  return found;
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

function list(all: readonly string[] | undefined): string {
  return all === undefined || all.length === 0 ? 'none' : all.join(', ');
}

async function breakTheCas(simulatorUrl: string, fault: CasFault): Promise<void> {
  await call(simulatorUrl, 'POST', fault.rules);
  if (fault.healsAfterMs !== undefined) setTimeout(() => void call(simulatorUrl, 'DELETE'), fault.healsAfterMs);
}

async function call(simulatorUrl: string, method: 'POST' | 'DELETE', rules?: readonly object[]): Promise<void> {
  const response = await fetch(`${simulatorUrl}/simulator/faults`, {
    method,
    ...(rules ? { body: JSON.stringify(rules), headers: { 'content-type': 'application/json' } } : {}),
  });
  if (!response.ok) throw new Error(`The simulator answers ${response.status} to its faults: ${await response.text()}`);
}
