import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ACTION_NAME, type EventSelection, FAMILY_LETTERS, SELECTABLE } from '../features/replay/select-events.ts';
import { UsageError } from './exit-codes.ts';
import { oneOf, textOf, timeOf, wholeNumberOf } from './options.ts';

export interface SelectionArguments {
  readonly from?: string;
  readonly to?: string;
  readonly disposition?: string;
  readonly topic?: string;
  readonly partition?: string;
  readonly fromOffset?: string;
  readonly toOffset?: string;
  readonly file?: string;
  readonly subscription?: string;
  readonly action?: string;
  readonly type?: string;
}

/** The options that say which events. */
export function withSelection(command: Command): Command {
  return command
    .option('--from <time>', 'events received from this time on; of a topic, messages with this time or a later one')
    .option('--to <time>', 'events received before this time; of a topic, messages with an earlier one')
    .option('--disposition <disposition>', 'PLANNED, NOTHING_TO_DO or STALE')
    .option('--topic <name>', 'from this Kafka topic instead of the inbox')
    .option('--partition <number>', 'one partition of it')
    .option('--from-offset <offset>', 'from this offset of the partition on')
    .option('--to-offset <offset>', 'up to the message before this offset')
    .option('--file <path>', 'from this file instead of the inbox: one event as JSON on each line')
    .option('--subscription <number>', 'of one subscription')
    .option('--action <id>', "of one CRM action, by the CRM's id of it")
    .option('--type <type>', 'of one action type, for instance "V: ADD_SERVICE"');
}

/** The selection that the options ask for. @throws UsageError */
export function selectionOf(given: SelectionArguments): EventSelection {
  const { topic, file, type, partition } = given;
  const from = given.from === undefined ? null : timeOf('--from', given.from);
  const to = given.to === undefined ? null : timeOf('--to', given.to);
  const offsets = [given.fromOffset, given.toOffset].some((one) => one !== undefined);
  if (topic !== undefined && file !== undefined) throw new UsageError('Give one of --topic and --file');
  if (topic === undefined && (partition !== undefined || offsets)) {
    throw new UsageError('--partition, --from-offset and --to-offset belong to --topic');
  }
  if (offsets && partition === undefined) throw new UsageError('--from-offset and --to-offset need --partition');
  if ((topic !== undefined || file !== undefined) && given.disposition !== undefined) {
    throw new UsageError('--disposition is for events of the inbox');
  }
  if (file !== undefined && (from !== null || to !== null)) throw new UsageError('--from and --to are not for files');
  if (type !== undefined && !ACTION_NAME.test(type)) {
    const letters = Object.keys(FAMILY_LETTERS).join(', ');
    throw new UsageError(
      `--type is ${JSON.stringify(type)}: give ${letters}, a colon, a blank and the type: "V: ADD_SERVICE"`,
    );
  }
  const number = (option: string, text: string | undefined): number | null =>
    text === undefined ? null : wholeNumberOf(option, text, 0, Number.MAX_SAFE_INTEGER);
  const filter = {
    subscription: given.subscription === undefined ? null : textOf('--subscription', given.subscription),
    action: given.action === undefined ? null : textOf('--action', given.action),
    type: type ?? null,
  };
  if (file !== undefined) {
    if (!existsSync(file)) throw new UsageError(`--file is ${JSON.stringify(file)}: there is no such file`);
    return { ...filter, source: { kind: 'file', path: resolve(file) } };
  }
  if (topic === undefined) {
    const disposition = given.disposition === undefined ? null : oneOf('--disposition', given.disposition, SELECTABLE);
    return { ...filter, source: { kind: 'inbox', from, to, disposition } };
  }
  const range = {
    partition: number('--partition', partition),
    fromOffset: number('--from-offset', given.fromOffset),
    toOffset: number('--to-offset', given.toOffset),
  };
  return { ...filter, source: { kind: 'kafka', topic, ...range, from, to } };
}
