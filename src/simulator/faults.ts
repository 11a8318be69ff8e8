import { z } from 'zod';
import { commandTypes } from '../planning/command.ts';
import { comparableServiceCaId, type CommandType } from '../planning/command.ts';
import type { ReceivedFields } from './rules.ts';

/**
 * The faults that have a name of their own, and whether the work is done before the CAS misbehaves. Also:
 * `status:CODE`, `soap-fault:CODE`, `soap-fault-code:CODE` and `http:NUMBER`, none of which does the work. Documented
 * in docs/simulator.md.
 */
export const namedFaults = {
  none: true,
  latency: true,
  'soap-fault': false,
  'soap-fault-200': false,
  'cut-before': false,
  'cut-after': true,
  hang: false,
  'hang-after': true,
  'half-open': true,
  'slow-body': true,
  drip: true,
  endless: true,
  garbage: true,
  empty: true,
  truncated: true,
  'half-xml': true,
  'other-element': true,
  'wrong-namespace': true,
  'two-envelopes': true,
  latin1: true,
  'wrong-charset': true,
  'entity-bomb': true,
  'tag-flood': true,
  deep: true,
  'too-large': true,
  html500: false,
  xml500: false,
} as const;

export type NamedFault = keyof typeof namedFaults;

const faultForm =
  /^(?:(?:status|soap-fault):[A-Za-z0-9_.-]{1,100}|soap-fault-code:[A-Za-z_][A-Za-z0-9_.-]{0,99}|http:[2-5]\d\d)$/;

function refusalOf(fault: string): string {
  const [, code] = /^soap-fault-code:(.*)$/s.exec(fault) ?? [];
  if (code !== undefined) {
    return `soap-fault-code has ${JSON.stringify(code)}, and the own code of a Fault must be an XML name: a letter or _, then letters, digits, _ . -, at most 100; write for example soap-fault-code:FailedAuthentication, or soap-fault:17 for a code in its detail`;
  }
  return `${fault} is no fault; there are ${Object.keys(namedFaults).join(', ')}, status:CODE, soap-fault:CODE, soap-fault-code:CODE, http:NUMBER`;
}

const ruleSchema = z.strictObject({
  match: z
    .strictObject({
      command: z.enum(commandTypes as [CommandType, ...CommandType[]]).optional(),
      smartcard: z.string().optional(),
      serviceCaId: z.string().optional(),
      setTopBox: z.string().optional(),
    })
    .default({}),
  /** How many calls it spoils; null: all. */
  times: z.number().int().min(1).nullable().default(null),
  fault: z
    .string()
    .refine((fault) => Object.hasOwn(namedFaults, fault) || faultForm.test(fault), {
      error: ({ input }) => refusalOf(String(input)),
    })
    .default('none'),
  /** Milliseconds between the work and the answer, on top of the setting's. */
  latencyMs: z.number().int().min(0).max(3_600_000).optional(),
  /** Milliseconds that a slow body takes. */
  durationMs: z.number().int().min(0).max(3_600_000).default(2_000),
  /** Whether the work is done, in place of what the fault decides. */
  work: z.boolean().optional(),
});

/** One rule, or a list of them. */
export const rulesSchema = z.preprocess(
  (body) => (isObject(body) && 'rules' in body ? body.rules : isObject(body) ? [body] : body),
  z.array(ruleSchema),
);

export type FaultRule = z.infer<typeof ruleSchema>;

/** A rule in force, with the calls that it still spoils. */
export type StandingRule = FaultRule & { readonly id: number; left: number | null };

export interface Faults {
  add(rules: readonly FaultRule[]): readonly StandingRule[];
  /** The first rule that matches, one of its times used up. */
  take(command: CommandType | null, fields: ReceivedFields): StandingRule | null;
  list(): readonly StandingRule[];
  clear(): void;
}

export function createFaults(): Faults {
  let standing: StandingRule[] = [];
  let nextId = 1;
  return {
    add(rules) {
      const added = rules.map((rule) => ({ ...rule, id: nextId++, left: rule.times }));
      standing = [...standing, ...added];
      return added;
    },
    take(command, fields) {
      if (standing.length === 0) return null;
      const rule = standing.find(({ match }) => matches(match, command, fields));
      if (rule === undefined) return null;
      if (rule.left !== null && --rule.left === 0) standing = standing.filter((other) => other !== rule);
      return rule;
    },
    list: () => standing,
    clear() {
      standing = [];
    },
  };
}

/** True if the work is done although the call goes wrong. */
export function doesWork(rule: FaultRule): boolean {
  return rule.work ?? (namedFaults as Readonly<Record<string, boolean>>)[rule.fault] ?? false;
}

function matches(match: FaultRule['match'], command: CommandType | null, fields: ReceivedFields): boolean {
  const has = (names: readonly string[], wanted: string): boolean =>
    names.some((name) => fields[name]?.includes(wanted) === true);
  if (match.command !== undefined && match.command !== command) return false;
  if (match.smartcard !== undefined && !has(['smartcard', 'smartcards', 'existingSmartcard'], match.smartcard)) {
    return false;
  }
  if (match.setTopBox !== undefined && !has(['setTopBox', 'setTopBoxes'], match.setTopBox)) return false;
  const { serviceCaId } = match;
  return (
    serviceCaId === undefined ||
    fields['service']?.some((caId) => comparableServiceCaId(caId) === comparableServiceCaId(serviceCaId)) === true
  );
}

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}
