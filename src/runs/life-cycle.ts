/** Where a run is. */
export type RunState = 'PREPARING' | 'READY' | 'RUNNING' | 'STOPPED' | 'COMPLETED' | 'FAILED';

/** What each state means, and who has the next word. */
export const RUN_STATES = {
  PREPARING: 'Its targets are being collected; nothing is sent. The next word has the worker.',
  READY: 'Its targets are there and counted. The next word has a person, who starts it (`runs resume`).',
  RUNNING: 'Requests are made for its targets, so many at a time. The next word has the worker.',
  STOPPED:
    'Nothing more is sent: what nobody had begun to send is withdrawn, what was being sent ends. A person resumes it.',
  COMPLETED: 'Final: every target is done, and the counts by outcome are kept.',
  FAILED:
    'The worker failed several times in a row; `failure` says with what. A person resumes it once that is mended.',
} as const satisfies Record<RunState, string>;

export const runStates = Object.keys(RUN_STATES) as readonly RunState[];

/** What moves a run. */
export const RUN_EVENTS = {
  created: 'a person or a schedule asks for it',
  prepared: 'every target is there',
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

/** Every transition there is; nothing else changes a run's state. */
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

/** Whether the event may bring a run from one state to the other. */
export function mayGo(from: RunState | null, to: RunState, event: RunEvent): boolean {
  return RUN_LIFE_CYCLE.some((one) => one.from === from && one.to === to && one.event === event);
}

/** The diagram and tables of docs/runs-life-cycle.md, whole. */
export function runLifeCycleDocument(): string {
  return [
    '# Life cycle of a run',
    '',
    'Generated from the table in `src/runs/life-cycle.ts`; [runs.md](runs.md) says how to use runs. A test drives runs through all of it, and fails when a transition is not reached or when another one happens.',
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
