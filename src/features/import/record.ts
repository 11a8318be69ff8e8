import { z } from 'zod';
import { snapshotContradictionsOf } from '../../events/contradictions.ts';
import type { Subscription } from '../../events/crm.generated.ts';
import { casDevices } from '../../planning/snapshot.ts';
import type { Pairing } from '../../planning/types.ts';
import { messageOf } from '../../platform/errors.ts';
import { inOurWords } from '../../platform/schema-words.ts';

/** What is wrong with a line, and the remedy. */
export interface LineProblem {
  /** The path of the field, such as `services[2].state`; empty for the line as a whole. */
  readonly field: string;
  readonly problem: string;
  readonly remedy: string;
}

/** The content of a valid line. */
export interface ImportedSubscription {
  readonly snapshot: Subscription;
  /** Devices that the CAS has paired already; empty if the line names none. */
  readonly pairings: readonly Pairing[];
}

/** Longest name or number: it has to fit an index of PostgreSQL. */
const TEXT_CHARS_MAX = 500;

function text(what: string): z.ZodType<string> {
  return z
    .string(`give ${what} as text`)
    .max(TEXT_CHARS_MAX, `give at most ${TEXT_CHARS_MAX} characters`)
    .refine((value) => !value.includes('\u0000') && value.isWellFormed(), 'leave out U+0000 and halves of characters');
}

function named(what: string): z.ZodType<string> {
  return text(what).refine((value) => value.trim() !== '', `give ${what}, not blanks`);
}

function optional(what: string): z.ZodType<string | null> {
  return text(what).nullable().default(null);
}

function oneOf<const T extends string>(...states: readonly T[]): z.ZodType<T> {
  return z.enum(states, `give one of ${states.join(', ')}`);
}

const service = z.strictObject({
  id: named("the service's id"),
  productId: text("the product's id"),
  productCode: text("the product's code"),
  productAlternativeCode: optional("the product's alternative code"),
  caId: optional('the service CA id'),
  state: oneOf(
    'DRAFT',
    'EFFECTIVE',
    'NOT_EFFECTIVE',
    'SHORT_TERM_EFFECTIVE',
    'SHORT_TERM_NOT_EFFECTIVE',
    'IN_RESTING',
    'CANCELLED',
    'REGRETTED',
    'SWAPPED',
    'REMOVED',
  ),
  distributor: optional('the distributor'),
});

const installedItem = z.strictObject({
  id: named("the installed item's id"),
  serialNumber: text('the serial number'),
  alternativeCode: optional('the alternative code'),
  kind: oneOf('SMARTCARD', 'SET_TOP_BOX', 'OTHER'),
  caId: optional('the CA id'),
  distributor: optional('the distributor'),
});

const devices = (what: string): z.ZodType<string[]> =>
  z.array(named(`the CA id of a ${what}`), `give a list of CA ids`).min(1, `name at least one ${what}`);

/** The contract's Subscription, with the pairings of the CAS if the operator knows them. */
const record = z.strictObject({
  id: named("the subscription's id"),
  number: named("the subscription's number"),
  version: z.int('give the version as a whole number').min(0, 'give a version of 0 or more'),
  state: oneOf(
    'DRAFT',
    'EFFECTIVE',
    'NOT_EFFECTIVE',
    'SHORT_TERM_EFFECTIVE',
    'SHORT_TERM_NOT_EFFECTIVE',
    'IN_RESTING',
    'TERMINATED',
  ),
  services: z.array(service, 'give a list of services').default([]),
  installedItems: z.array(installedItem, 'give a list of installed items').default([]),
  pairings: z
    .array(
      z.strictObject({ smartcards: devices('smart card'), setTopBoxes: devices('set-top box') }),
      'give a list of pairings',
    )
    .default([]),
});

/** How many problems of one line are reported. */
const PROBLEMS_MAX = 20;

/** Reads one line. Nullable fields may be left out; an unknown field is a problem. */
export function readRecord(line: string): ImportedSubscription | readonly LineProblem[] {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    return [{ field: '', problem: `is not JSON: ${messageOf(error)}`, remedy: 'write one JSON object on each line' }];
  }
  const parsed = record.safeParse(json, { error: inOurWords });
  if (!parsed.success) return parsed.error.issues.slice(0, PROBLEMS_MAX).flatMap((issue) => problemsOf(issue, json));
  const { pairings, ...snapshot } = parsed.data;
  const problems = [
    ...snapshotContradictionsOf(snapshot).map((problem) => ({
      field: '',
      problem,
      remedy: 'give each its own id, as the CRM has it',
    })),
    ...pairingProblems(snapshot, pairings),
  ];
  return problems.length > 0 ? problems.slice(0, PROBLEMS_MAX) : { snapshot, pairings };
}

function problemsOf(issue: z.core.$ZodIssue, json: unknown): LineProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const remedies = issue.message.split('\n').map((line) => line.replace(/^not known here; /, ''));
    return issue.keys.slice(0, PROBLEMS_MAX).map((key, index) => ({
      field: fieldOf([...issue.path, key]),
      problem: 'is not a field of the record',
      remedy: remedies[index] ?? '',
    }));
  }
  const value = issue.path.reduce<unknown>(
    (inside, key) => (Object(inside) as Record<PropertyKey, unknown>)[key],
    json,
  );
  const remedy = issue.path.length === 0 ? 'write one JSON object on each line' : issue.message;
  return [{ field: fieldOf(issue.path), problem: value === undefined ? 'is missing' : `is ${shown(value)}`, remedy }];
}

/** Finds pairings that name a device of no installed item, or a card twice. */
function pairingProblems(snapshot: Subscription, pairings: readonly Pairing[]): LineProblem[] {
  if (pairings.length === 0) return [];
  const held = casDevices(snapshot.installedItems);
  const known = {
    smartcards: new Set(held.filter(({ kind }) => kind === 'SMARTCARD').map(({ caId }) => caId)),
    setTopBoxes: new Set(held.filter(({ kind }) => kind === 'SET_TOP_BOX').map(({ caId }) => caId)),
  };
  const paired = new Set<string>();
  const problems: LineProblem[] = [];
  for (const [index, pairing] of pairings.entries()) {
    for (const kind of ['smartcards', 'setTopBoxes'] as const) {
      for (const [position, caId] of pairing[kind].entries()) {
        const field = `pairings[${index}].${kind}[${position}]`;
        if (!known[kind].has(caId)) {
          problems.push({
            field,
            problem: `is ${shown(caId)}, which is not among the installed items`,
            remedy: 'name devices of this subscription by their CA ids',
          });
        } else if (kind === 'smartcards' && paired.has(caId)) {
          problems.push({
            field,
            problem: `is ${shown(caId)}, which is named before`,
            remedy: 'name a card once: it is in at most one pairing',
          });
        }
        if (kind === 'smartcards') paired.add(caId);
      }
    }
  }
  return problems;
}

/** `services[2].state` */
function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, key) => {
    if (typeof key === 'number') return `${field}[${key}]`;
    return field === '' ? String(key) : `${field}.${String(key)}`;
  }, '');
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 60 ? `${json.slice(0, 60).toWellFormed()}…` : json;
}
