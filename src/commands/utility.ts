import type { Command } from 'commander';
import type { z } from 'zod';
import { localUser } from '../operations/actor.ts';
import { awaitOutcome, type Outcome } from '../operations/outcome.ts';
import { requestTable, showRequest } from '../operations/shown-request.ts';
import { type SendingInput, utilityInputs, type UtilityPatterns, waits } from '../features/utilities/inputs.ts';
import type { Caller, Submitted } from '../features/utilities/submit.ts';
import type { LeftOut } from '../features/utilities/targets.ts';
import { type Utilities, utilities } from '../features/utilities/utilities.ts';
import type { Database } from '../platform/database.ts';
import { createLogger } from '../platform/logging.ts';
import { createSeal } from '../platform/seal.ts';
import { createFinalWatch, type FinalWatch } from '../requests/await-final.ts';
import { readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { tellingWhy } from './sending-teller.ts';
import { inputOf, operated, type OptionNames } from './operation.ts';
import { print, printJson, report } from './output.ts';

/** What every utility takes on the command line. */
export interface UtilityOptions {
  readonly card?: readonly string[];
  readonly stb?: readonly string[];
  readonly subscription?: string;
  readonly schedule?: string;
  /** False with --no-wait. */
  readonly wait?: boolean;
  readonly timeout: string;
  readonly by: string;
  readonly json?: boolean;
}

/** The options of the fields that all utilities share. */
const NAMES: OptionNames = {
  smartcard_ca_ids: '--card',
  stb_ca_ids: '--stb',
  subscription_identifier: '--subscription',
  scheduled_date: '--schedule',
  wait: '--wait',
};

/** Adds the options that say for whom: cards, and where the utility knows them set-top boxes. */
export function forWhom(command: Command, withBoxes = false): Command {
  command.option('--card <ca id>', 'a smart card; may be given several times', collected);
  if (withBoxes) command.option('--stb <ca id>', 'a set-top box; may be given several times', collected);
  return command.option('--subscription <number>', 'all devices of a subscription, or the subscription of those named');
}

/** Adds the options of waiting for the outcome. */
export function waiting(command: Command): Command {
  return command
    .option('--no-wait', 'do not wait for the outcome')
    .option('--timeout <seconds>', 'how long to wait for the outcome', '60')
    .option('--by <name>', 'who does it', localUser())
    .option('--json', 'print JSON');
}

/** Adds the options of sending, now or later. */
export function sent(command: Command): Command {
  return waiting(command.option('--schedule <date>', 'not before this time, like 2030-11-28T15:05:20 (UTC)'));
}

/** The input's fields that all utilities share, as they were typed. */
export function sharedFields({ card, stb, subscription, schedule, wait }: UtilityOptions): object {
  return given({
    smartcard_ca_ids: card,
    stb_ca_ids: stb,
    subscription_identifier: subscription === undefined ? undefined : { number: subscription },
    scheduled_date: schedule,
    wait: wait === false ? false : undefined,
  });
}

/** The fields that have a value. */
export function given(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What commands that make requests need. */
export interface OperationsAtHand {
  readonly db: Database;
  readonly patterns: UtilityPatterns;
  readonly utilities: Utilities;
  readonly finalWatch: FinalWatch;
}

/** Runs one command's work with the utilities on the database of the settings, and closes all of it. */
export async function withOperations<T>(work: (parts: OperationsAtHand) => Promise<T>): Promise<T> {
  const { DATABASE_URL, PIN_KEY } = readSettings(['database', 'rules']);
  const patterns = casPatterns();
  const seal = PIN_KEY === undefined ? null : createSeal(PIN_KEY);
  return await withDatabase(async (db) => {
    const finalWatch = createFinalWatch({ databaseUrl: DATABASE_URL, db, logger: createLogger('silent') });
    try {
      return await work({ db, patterns, utilities: utilities({ db, patterns, seal }), finalWatch });
    } finally {
      await finalWatch.stop();
    }
  });
}

/** What CA ids and PINs look like, by the settings. */
export function casPatterns(): UtilityPatterns {
  const settings = readSettings(['rules']);
  return {
    smartcard: settings.SMARTCARD_CA_ID_PATTERN,
    setTopBox: settings.STB_CA_ID_PATTERN,
    pin: settings.PIN_PATTERN,
  };
}

/**
 * One call of a utility: reads the input by its schema, makes the requests, waits for their outcome and prints it.
 * Ends with 1 where a request was rejected, or is still pending after the time.
 * @param fields the input's fields beside the shared ones, as they were typed.
 * @param more the options of these fields.
 * @param further what the utility shows beside its requests: for people, and as members of the JSON.
 */
export async function callUtility(
  name: keyof Utilities,
  fields: object,
  options: UtilityOptions,
  more: OptionNames = {},
  further?: (parts: OperationsAtHand, outcome: Outcome) => Promise<{ text: string; json: object }>,
): Promise<void> {
  const names = { ...NAMES, ...more };
  const timeoutMs = timeoutOf(options);
  const schema: z.ZodType<object> = utilityInputs(casPatterns())[name];
  const input: SendingInput = inputOf(schema, { ...sharedFields(options), ...fields }, names);
  const awaited = waits(input);
  await withOperations(async (parts) => {
    // The schema of the same name gives what the utility takes.
    const operation = parts.utilities[name] as (input: SendingInput, caller: Caller) => Promise<Submitted>;
    const caller: Caller = { by: { user: options.by, unit: null }, idempotent: null };
    const { processId, numbers, leftOut } = await operated(names, () => operation(input, caller));
    const outcome = await tellingWhy(parts.db, awaited, () => awaitOutcome(parts, numbers, awaited ? timeoutMs : 0));
    const shown = await further?.(parts, outcome);
    if (options.json) {
      await printJson({ processId, ...outcome, leftOut, ...shown?.json });
    } else {
      await print(`${outcomeText(outcome)}${leftOut.map(leftOutText).join('')}${shown?.text ?? ''}`);
    }
    judge(outcome, awaited);
  });
}

/** Tells on standard error why requests are pending, and ends with 1 where one was rejected or was waited for in vain. */
export function judge({ requests, notice }: Outcome, waited: boolean): void {
  // Who waited was told while waiting.
  if (notice !== null && !waited) report(notice);
  const rejected = requests.filter(({ lifeCycleState }) => lifeCycleState === 'REJECTED').length;
  const pending = requests.filter(({ lifeCycleState }) => lifeCycleState === 'PENDING').length;
  if (rejected > 0) throw new Error(`${rejected} of ${requests.length} requests were rejected`);
  if (waited && pending > 0) {
    throw new Error(`${pending} of ${requests.length} requests are PENDING still: see "requests show" later`);
  }
}

/** A table of the requests, and what was said about them. */
export function outcomeText({ requests }: Outcome): string {
  const said = requests.flatMap(({ number, errorCode, errorDescription }) =>
    errorDescription === null ? [] : [`${number}  ${[errorCode, errorDescription].filter(Boolean).join(': ')}\n`],
  );
  return `${requestTable(requests.map(showRequest))}${said.join('')}`;
}

function leftOutText({ smartcard, setTopBox, reason, detail }: LeftOut): string {
  return `left out  ${[smartcard, setTopBox].filter(Boolean).join(' ') || '-'}  ${reason}: ${detail}\n`;
}

/** In milliseconds. */
export function timeoutOf({ timeout }: Pick<UtilityOptions, 'timeout'>): number {
  if (/^\d{1,5}$/.test(timeout) && Number(timeout) >= 1 && Number(timeout) <= 86_400) return Number(timeout) * 1_000;
  throw new UsageError(`--timeout is ${JSON.stringify(timeout)}: give seconds from 1 to 86400`);
}

function collected(one: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), one];
}
