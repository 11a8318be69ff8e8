import { z } from 'zod';
import { text } from '../../http/input-kinds.ts';
import { OperationError } from '../../http/operation-error.ts';
import { isReadOnlyRefusal } from '../../platform/database-errors.ts';
import { type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { showProgress } from '../../operations/shown-request.ts';
import { askCas, whyNotAsked } from './cas.ts';
import { entitlementLines, groupLines } from './entitlements.ts';
import { type Explanation, explanation } from './explanation.ts';
import { type Facts, readFacts } from './facts.ts';
import { FINDING_CODES } from './finding-codes.ts';
import { findingsOf, verdictOf } from './findings.ts';
import { findSubjects, type Subject } from './subject.ts';
import { PLACE, readTimeline } from './timeline.ts';
import { whyText } from './why-text.ts';

/** `why`: from any number that somebody reads out to the verdict and the next step. */
export const why: Feature = {
  name: 'why',
  summary: 'Explains why a screen is black (docs/why.md).',
  operations: [
    operation({
      name: 'why',
      summary: 'Explain what is wrong with a card, an STB, a subscription, a request, an action or an event',
      description:
        'Answers from what is stored, and asks the CAS about up to 8 cards unless it is told not to. The questions do not wait behind other requests of the card.',
      role: 'viewer',
      route: 'GET /why',
      input: z.strictObject({
        of: text(200)
          .trim()
          .min(1, 'give the number that the customer reads out')
          .describe('A smart card, STB, subscription, request, action or reference number, or the id of an event.'),
        ask: z.boolean('give true or false').default(true).describe('Ask the CAS.'),
        after: text(60)
          .regex(PLACE, 'give timeline_next of the answer before')
          .optional()
          .describe('Shows the next page of the timeline: timeline_next of the answer before. The CAS is not asked.'),
      }),
      output: explanation,
      example: { of: '20000000329', ask: false },
      cli: { arguments: ['of'], options: { ask: 'no-ask' }, text: whyText },
      handle: explain,
    }),
  ],
};

async function explain(
  context: OperationContext,
  input: { readonly of: string; readonly ask: boolean; readonly after?: string | undefined },
): Promise<Explanation> {
  const found = await findSubjects(context.db, input.of);
  const known = found[0] ?? unknownSubject(context, input.of);
  const { after = null } = input;
  const stored = await readFacts(context.db, known, found.length > 0);
  const timeline = await readTimeline(context.db, { ...stored, kind: known.kind }, after);
  const { facts, notAsked } =
    after === null
      ? await withCas(context, stored, input.ask)
      : { facts: stored, notAsked: 'this is a further page of the timeline' };
  const findings = findingsOf(facts);
  return {
    subject: { kind: known.kind, id: known.id },
    also: found.slice(1, 20).map(({ kind, id }) => ({ kind, id })),
    verdict: verdictOf(findings),
    findings: findings.map(({ code, command, calls, since, evidence, ...one }) => ({
      code,
      ...one,
      since: since?.toISOString() ?? null,
      evidence: { ...evidence },
      remedy: { sentence: FINDING_CODES[code].remedy, command, calls: [...calls] },
    })),
    subscriptions: facts.subscriptions.map(({ number, state, version }) => ({ number, state, version })),
    cas_not_asked: notAsked,
    ...tablesOf(facts),
    timeline: timeline.moments,
    timeline_next: timeline.next,
  };
}

/** Adds what the CAS answers, if it can be asked: the questions are stored, which a standby refuses. */
async function withCas(
  context: OperationContext,
  facts: Facts,
  isWanted: boolean,
): Promise<{ facts: Facts; notAsked: string | null }> {
  const notAsked = whyNotAsked(facts, isWanted);
  if (notAsked !== null) return { facts, notAsked };
  try {
    return { facts: { ...facts, cas: await askCas(context, facts.cards) }, notAsked };
  } catch (error) {
    if (isReadOnlyRefusal(error)) return { facts, notAsked: 'the database takes no writes now' };
    throw error;
  }
}

/**
 * A number that nothing has. A card or a subscription that never came is the finding UNKNOWN_TO_US, or has a dead letter
 * with its number as key; other texts are a mistake of the asker.
 * @throws OperationError if it can be neither.
 */
function unknownSubject({ patterns }: OperationContext, of: string): Subject {
  const id = of.replaceAll(/[\s-]/g, '');
  if (patterns.smartcard.test(id)) return { kind: 'smartcard', id, cards: [id], subscriptions: [id] };
  if (/^[\p{L}\p{N}._/-]{1,100}$/u.test(of.trim()))
    return { kind: 'subscription', id: of, cards: [], subscriptions: [of] };
  throw new OperationError(
    'PARAMETER_INVALID',
    'of',
    `it is ${JSON.stringify(of)}: give a card, STB, subscription, request, action or reference number, or the id of an event`,
  );
}

function tablesOf(facts: Facts): Pick<Explanation, 'entitlements' | 'pairings' | 'queue'> {
  return {
    entitlements: entitlementLines(facts).map((line) => ({
      smartcard_ca_id: line.card,
      service_ca_id: line.serviceCaId,
      product_code: line.productCode,
      distributor: line.distributor,
      crm: line.crm,
      last_sent: line.lastSent,
      cas: line.cas,
      request: line.request?.number ?? null,
      request_phase: line.request?.phase ?? null,
    })),
    pairings: groupLines(facts).map(({ card, subscription, setTopBoxes }) => {
      const known = facts.knownPairings.find((one) => one.card === card && one.subscription === subscription);
      const cas = facts.cas.find((one) => one.card === card && one.pairingAnswered);
      return {
        smartcard_ca_id: card,
        crm: [...setTopBoxes],
        known: known?.setTopBoxes ? [...known.setTopBoxes] : null,
        cas: cas === undefined ? null : [...(cas.pairing?.setTopBoxes ?? [])],
      };
    }),
    queue: facts.requests
      .filter(({ state }) => state === 'PENDING')
      .toReversed()
      .map((request) => ({ number: request.number, type: request.type, ...showProgress(request) })),
  };
}
