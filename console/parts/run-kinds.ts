import type { Input, Output } from '../api/client.ts';
import { commandCounts } from './command.ts';
import { counted } from './progress.tsx';

export type RunKind = Input<'runs.start'>['kind'];

interface KindText {
  readonly kind: RunKind;
  readonly name: string;
  /** What its targets are. */
  readonly target: string;
  /** What a run does to this many of them, before somebody starts it. */
  readonly effect: (targets: string) => string;
}

/** The kinds of runs, in the words of the console. */
export const KINDS: readonly [KindText, ...KindText[]] = [
  {
    kind: 'MESSAGE',
    name: 'Message',
    target: 'card',
    effect: (all) => `This shows a message on the screen of ${all}.`,
  },
  {
    kind: 'FINGERPRINT',
    name: 'Fingerprint',
    target: 'card',
    effect: (all) => `This shows a fingerprint on the screen of ${all}.`,
  },
  {
    kind: 'QUEUE',
    name: 'Message queue',
    target: 'message',
    effect: (all) => `This sends ${all} that wait in the message queue.`,
  },
  {
    kind: 'RESYNC',
    name: 'Resync',
    target: 'subscription',
    effect: (all) =>
      `This sends the CAS again what the CRM entitles ${all} to: pairings, then services. It removes nothing.`,
  },
  {
    kind: 'RECONCILE',
    name: 'Reconcile',
    target: 'card',
    effect: (all) => `This asks the CAS what is active on ${all}, and compares it with the CRM. It changes nothing.`,
  },
  {
    kind: 'RECONCILE_FIX',
    name: 'Fix of a reconcile',
    target: 'card',
    effect: (all) =>
      `This adds the missing services and cancels the surplus ones of ${all}, each planned again in its turn.`,
  },
];

/** The texts of a kind. A kind that this console does not know is called by its name. */
export function kindText(kind: string): Omit<KindText, 'kind'> {
  const known = KINDS.find((one) => one.kind === kind);
  return known ?? { name: kind, target: 'target', effect: (all) => `This starts a run for ${all}.` };
}

/** `3 cards`, or `1 subscription`, as the kind calls its targets. */
export function targetsText(kind: string, targets: number): string {
  return counted(targets, kindText(kind).target);
}

/** What a run does, with its numbers, as its estimate knows them. */
export function effectText(kind: RunKind, { targets, exact, sample }: Output<'runs.estimate'>): string {
  const effect = kindText(kind).effect(`${exact ? '' : 'about '}${targetsText(kind, targets)}`);
  const commands = sample.flatMap((one) => one.commands ?? []);
  if (sample.every((one) => one.commands === null)) return effect;
  const whose = sample.length === targets ? 'In all' : `For the first ${sample.length}`;
  const sent = commands.length === 0 ? 'nothing' : commandCounts(commands.map(({ type }) => type));
  return `${effect} ${whose} it sends ${sent}.`;
}
