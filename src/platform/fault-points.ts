/**
 * Named places at which a test may stop the process: before and after everything that another system sees. Outside of
 * tests nobody listens, and passing one costs a look at a variable.
 */
export const FAULT_POINTS = [
  'intake: before commit',
  'intake: after commit',
  'intake: after offsets',
  'dispatch: after claim',
  'dispatch: after renewal',
  'dispatch: before mark',
  'dispatch: after mark',
  'dispatch: before send',
  'dispatch: after send',
  'settle: before commit',
  'settle: after commit',
  'put-off: before commit',
  'put-off: after commit',
  'activation: before commit',
  'activation: after commit',
  'share: before commit',
  'share: after commit',
  'relay: before publish',
  'relay: after publish',
  'relay: after marking',
  'relay: before parking',
  'relay: after parking',
  'facets: before commit',
  'facets: after commit',
  'run: before commit',
  'run: after commit',
  'schedule: before commit',
  'schedule: after commit',
  'replay: before commit',
  'replay: after commit',
  'retention: before seal',
  'retention: after seal',
  'retention: before commit',
  'retention: after commit',
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

let listener: ((point: FaultPoint) => void) | null = null;

/** Reports that a named place is reached. */
export function faultPoint(point: FaultPoint): void {
  listener?.(point);
}

/** Listens to every place that is reached from now on; for tests. Null ends it. */
export function onFaultPoint(listen: ((point: FaultPoint) => void) | null): void {
  listener = listen;
}
