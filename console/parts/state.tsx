import type { ReactNode } from 'react';

/** How good a state is: each tone has a dot of its own colour and shape before the word. */
type Tone = 'good' | 'bad' | 'busy' | 'waits' | 'none';

const TONES: Readonly<Record<string, Tone>> = {
  COMPLETED: 'good',
  EQUAL: 'good',
  STARTED: 'good',
  PLANNED: 'good',
  NOTHING_TO_DO: 'good',
  NOTHING_TO_SEND: 'good',
  NOTHING_TO_MEND: 'good',
  COMPLETED_AND_REMOVED: 'none',
  DUPLICATE: 'none',
  REMOVED: 'none',
  PREPARING: 'busy',
  RUNNING: 'busy',
  PENDING: 'busy',
  WAITING: 'waits',
  READY: 'waits',
  STALE: 'waits',
  STOPPED: 'waits',
  SKIPPED: 'waits',
  CHANGING: 'waits',
};

/** A state or an outcome as the API names it. Words that are not known to be good are shown as trouble. */
export function State({ of, tone, title }: { of: string; tone?: Tone; title?: string }): ReactNode {
  return (
    <span className="state" data-tone={tone ?? TONES[of] ?? 'bad'} title={title}>
      {of}
    </span>
  );
}
