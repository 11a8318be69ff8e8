import { setTimeout as wait } from 'node:timers/promises';
import type { Dispatcher, DispatcherState } from './dispatch/dispatcher.ts';
import type { Intake } from './intake/intake.ts';
import type { Outcomes } from './outcomes/outcomes.ts';
import { type Database } from './platform/database.ts';
import { isDatabaseOutage } from './platform/database-errors.ts';
import type { ClockWatch } from './platform/clock-watch.ts';
import { messageOf } from './platform/errors.ts';
import { requireFitDatabase, schemaProblem, UnfitDatabaseError } from './platform/fitness.ts';
import type { PartState } from './platform/http.ts';
import type { Logger } from './platform/logging.ts';
import { patiently } from './platform/repeat.ts';
import type { Seal } from './platform/seal.ts';
import { pinKeyProblem } from './requests/pin-key.ts';

/** Those who ask for the health want to know soon. */
const HEALTH_ANSWER_MS = 1_500;
/** A call that takes longer may still be answered; the CAS is reported as silent nevertheless. */
const CAS_SILENT_MS = 3_000;

/**
 * Resolves once the database is there and the service may work with it, or `signal` aborts.
 * @throws UnfitDatabaseError, or the error of a server that refuses us; waiting would not help.
 */
export async function untilFit(
  databaseUrl: string,
  database: Database,
  seal: Seal | null,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const check = async (): Promise<void> => {
    await requireFitDatabase(databaseUrl);
    const problem = await pinKeyProblem(database, seal);
    if (problem !== null) throw new UnfitDatabaseError(problem);
  };
  await patiently(check, {
    problemOf: (error) => (error instanceof UnfitDatabaseError || !isDatabaseOutage(error) ? null : messageOf(error)),
    onProblem: (problem) => logger.warn({ problem }, 'the service waits for the database'),
    signal,
  });
}

/** Whether the database answers, with tables and a PIN key that this instance may work with. */
export async function databaseState(database: Database, seal: Seal | null): Promise<PartState> {
  const late = new AbortController();
  const problem = async (): Promise<string | null> =>
    (await schemaProblem(database)) ?? (await pinKeyProblem(database, seal));
  const answers = problem().then(
    (found) => ({ part: 'database', ready: found === null, detail: found ?? 'answers' }),
    (error: unknown) => ({ part: 'database', ready: false, detail: messageOf(error) }),
  );
  const detail = `has not answered for ${HEALTH_ANSWER_MS} ms`;
  const silent = wait(HEALTH_ANSWER_MS, { part: 'database', ready: false, detail }, { signal: late.signal });
  // Once the answer is there the wait is cut short, and nobody listens to that.
  silent.catch(() => {});
  const state = await Promise.race([answers, silent]);
  late.abort();
  return state;
}

/** What reads and sends, as far as its health goes. */
interface Work {
  readonly intake: Pick<Intake, 'state'>;
  readonly dispatcher: Pick<Dispatcher, 'state' | 'pins'>;
  readonly outcomes: Pick<Outcomes, 'state'>;
  readonly clock: Pick<ClockWatch, 'state'>;
}

/** The parts that read and send. */
export const WORKING_PARTS = ['intake', 'dispatch', 'pins', 'cas', 'outcomes', 'clock'] as const;

/** How the parts that read and send are doing; undefined: they have not started. */
export function workState(work: Work | undefined): PartState[] {
  if (work === undefined) {
    return WORKING_PARTS.map((part) => ({
      part,
      ready: false,
      detail: 'starting',
    }));
  }
  const { intake, dispatcher, outcomes, clock } = work;
  return [
    { part: 'intake', ...intake.state() },
    dispatcher.state(),
    dispatcher.pins(),
    casState(dispatcher.state()),
    { part: 'outcomes', ...outcomes.state() },
    clock.state(),
  ];
}

/** What an instance reports of itself for the overview: its parts, and the neighbours that reading waits for. */
export function reportedState(work: Work): PartState[] {
  const { waitsFor, detail } = work.intake.state();
  const neighbour = (part: string, isAway: boolean): PartState => ({
    part,
    ready: !isAway,
    detail: isAway ? detail : 'reading does not wait for it',
  });
  return [
    ...workState(work),
    neighbour('kafka', waitsFor === 'KAFKA'),
    neighbour('schema-registry', waitsFor === 'SCHEMA_REGISTRY'),
  ];
}

/** An absent CAS is reported and leaves the service ready: events are taken in and kept, and nothing here can fix it. */
function casState({ mode, detail, casSilentMs }: DispatcherState): PartState {
  const silent = casSilentMs >= CAS_SILENT_MS;
  return {
    part: 'cas',
    ready: mode === 'open' && !silent,
    detail: silent ? `the CAS has answered no call for ${Math.round(casSilentMs)} ms` : detail,
    required: false,
  };
}
