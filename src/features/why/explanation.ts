import { z } from 'zod';
import { instant } from '../../operations/fields.ts';
import { progressFields } from '../../operations/shown-request.ts';
import { commandTypes } from '../../planning/command.ts';
import { FINDING_CODES, type FindingCode, SEVERITIES } from './finding-codes.ts';
import { SUBJECT_KINDS } from './subject.ts';
import { remedyCall } from './remedy-calls.ts';
import { moment } from './timeline.ts';

const subject = z.strictObject({ kind: z.enum(SUBJECT_KINDS), id: z.string() });
const codes = Object.keys(FINDING_CODES) as [FindingCode, ...FindingCode[]];
const finding = z.strictObject({
  code: z.enum(codes).describe('docs/why.md'),
  severity: z.enum(SEVERITIES),
  sentence: z.string(),
  since: instant().nullable(),
  evidence: z.record(z.string(), z.union([z.string(), z.number()]).nullable()),
  remedy: z.strictObject({
    sentence: z.string(),
    command: z.string().nullable(),
    calls: z
      .array(remedyCall)
      .describe('What a person may do: operations with their inputs. The command makes the first.'),
  }),
});
const entitlement = z.strictObject({
  smartcard_ca_id: z.string(),
  service_ca_id: z.string(),
  product_code: z.string().nullable(),
  distributor: z.string().nullable(),
  crm: z.enum(['entitled', 'not entitled']),
  last_sent: z.enum(['ADD', 'CANCEL', 'none']),
  cas: z.enum(['active', 'missing', 'not asked', 'no answer']),
  request: z.int().nullable().describe('The last command for it.'),
  request_phase: z.string().nullable(),
});
const pairing = z.strictObject({
  smartcard_ca_id: z.string(),
  crm: z.array(z.string()).describe("The set-top boxes of the card's group."),
  known: z.array(z.string()).nullable().describe('Those of our last pairing that was done; null: none is known (R7).'),
  cas: z.array(z.string()).nullable().describe('Null: not asked, or no answer.'),
});
const queued = z.strictObject({ number: z.int(), type: z.enum(commandTypes), ...progressFields });
/** What `why` answers. */
export const explanation = z
  .strictObject({
    subject,
    also: z.array(subject).describe('Other things with this number.'),
    verdict: z.string(),
    findings: z.array(finding).describe('The most important first.'),
    subscriptions: z.array(z.strictObject({ number: z.string(), state: z.string(), version: z.int() })),
    cas_not_asked: z.string().nullable().describe('Why the CAS was not asked; null if it was.'),
    entitlements: z.array(entitlement),
    pairings: z.array(pairing),
    queue: z.array(queued).describe('What is unfinished for the cards, the first one first.'),
    timeline: z.array(moment).describe('What happened, the newest first: a page of it.'),
    timeline_next: z
      .string()
      .nullable()
      .describe('`after` for the next page of the timeline; null: this is the last one.'),
  })
  .meta({ id: 'Explanation', description: 'Why a screen is black, as far as it is known.' });
export type Explanation = z.output<typeof explanation>;
