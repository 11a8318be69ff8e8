/** The state of a run. */
export type RunState = 'PREPARING' | 'READY' | 'RUNNING' | 'STOPPED' | 'COMPLETED' | 'FAILED';

/** What each state means, and who acts next. */
export const RUN_STATES = {
  PREPARING: 'The worker collects its targets; nothing is sent. The worker acts next.',
  READY: 'Its targets are collected and counted. A person acts next and starts it (`runs resume`).',
  RUNNING: 'The worker makes requests for its targets, a limited number at a time. The worker acts next.',
  STOPPED:
    'Nothing more is sent: requests that nobody had claimed are withdrawn, claimed ones finish. A person resumes it.',
  COMPLETED: 'Final: every target is done, and the counts by outcome are stored.',
  FAILED: 'The worker failed several times in a row; `failure` has the error. A person fixes the cause and resumes it.',
} as const satisfies Record<RunState, string>;

export const runStates = Object.keys(RUN_STATES) as readonly RunState[];

/** What changes a run's state. */
export const RUN_EVENTS = {
  created: 'a person or a schedule asks for it',
  prepared: 'every target is collected',
  resumed: 'a person starts or resumes it',
  stopped: 'a person stops it',
  completed: 'the last target is done',
  failed: 'the worker gave up',
} as const;

export type RunEvent = keyof typeof RUN_EVENTS;

export interface RunTransition {
  /** Null: the run did not exist. */
  readonly from: RunState | null;
  readonly to: RunState;
  readonly event: RunEvent;
}

/** All transitions; nothing else changes a run's state. */
export const RUN_LIFE_CYCLE: readonly RunTransition[] = [
  { from: null, to: 'PREPARING', event: 'created' },
  { from: 'PREPARING', to: 'READY', event: 'prepared' },
  { from: 'PREPARING', to: 'RUNNING', event: 'prepared' },
  { from: 'PREPARING', to: 'STOPPED', event: 'stopped' },
  { from: 'PREPARING', to: 'FAILED', event: 'failed' },
  { from: 'READY', to: 'RUNNING', event: 'resumed' },
  { from: 'READY', to: 'STOPPED', event: 'stopped' },
  { from: 'RUNNING', to: 'STOPPED', event: 'stopped' },
  { from: 'RUNNING', to: 'COMPLETED', event: 'completed' },
  { from: 'RUNNING', to: 'FAILED', event: 'failed' },
  { from: 'STOPPED', to: 'PREPARING', event: 'resumed' },
  { from: 'STOPPED', to: 'RUNNING', event: 'resumed' },
  { from: 'FAILED', to: 'STOPPED', event: 'stopped' },
  { from: 'FAILED', to: 'PREPARING', event: 'resumed' },
  { from: 'FAILED', to: 'RUNNING', event: 'resumed' },
];

/** Returns whether the event may move a run from one state to the other. */
export function mayGo(from: RunState | null, to: RunState, event: RunEvent): boolean {
  return RUN_LIFE_CYCLE.some((one) => one.from === from && one.to === to && one.event === event);
}

/** Returns the whole text of docs/runs-life-cycle.md. */
export function runLifeCycleDocument(): string {
  return [
    '# Life cycle of a run',
    '',
    'Generated from the table in `src/features/runs/life-cycle.ts`; [runs.md](runs.md) explains how to use runs. A test drives runs through every transition, and fails if one is not reached or another one happens.',
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...RUN_LIFE_CYCLE.map(({ from, to, event }) => `  ${from ?? '[*]'} --> ${to}: ${event}`),
    '  COMPLETED --> [*]',
    '```',
    '',
    '| state | meaning |',
    '|---|---|',
    ...Object.entries(RUN_STATES).map(([state, meaning]) => `| ${state} | ${meaning} |`),
    '',
    '| event | what happens |',
    '|---|---|',
    ...Object.entries(RUN_EVENTS).map(([event, meaning]) => `| ${event} | ${meaning} |`),
    '',
  ].join('\n');
}
