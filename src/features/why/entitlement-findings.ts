import type { Service, Subscription } from '../../events/crm.generated.ts';
import { MISSING_REASONS } from '../../outcomes/action-outcome.ts';
import { comparableServiceCaId } from '../../planning/command.ts';
import { casDevices, isEffective } from '../../planning/snapshot.ts';
import { type EntitlementLine, groupLines, serviceKey } from './entitlements.ts';
import type { Facts, RequestFact, WithheldFact } from './facts.ts';
import { type Finding, finding } from './finding-codes.ts';
import { pairOf, reconcileOf, resyncOf, showRequestOf } from './remedy-calls.ts';

/** Returns what is wrong with the services and the pairing, between the CRM, our record and the CAS. */
export function entitlementFindings(facts: Facts, lines: readonly EntitlementLine[]): Finding[] {
  const found = [
    ...refused(facts, lines),
    ...withheld(facts, lines),
    ...notEntitled(facts, lines),
    ...unknownInCas(facts),
    ...servicesDiffer(facts, lines),
    ...pairingDiffers(facts),
  ];
  const differs = found.some(({ code, severity }) => severity === 'blocking' || code === 'TOO_MUCH_IN_CAS');
  return [...found, ...(differs ? [] : allEqual(facts, lines))];
}

const PAIRING: ReadonlySet<string> = new Set(['CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING']);

/** What a resync sends again. A message or a fingerprint is none of it. */
const RESYNCED: ReadonlySet<string> = new Set([...PAIRING, 'ADD_SUBSCRIPTIONS']);

/** How long after it a message or fingerprint that may not have come is worth a look. */
const MESSAGE_MS = 7 * 86_400_000;

/**
 * Reports the last command for what the CRM decided, and the last pairing of a card, if the CAS refused it. Does not
 * report a refused command if the CAS agrees with the CRM by now: somebody else corrected it.
 */
function refused({ cards, requests, now }: Facts, lines: readonly EntitlementLine[]): Finding[] {
  const entitling = lines.flatMap(({ crm, cas, request }) => {
    const isDone = (crm === 'entitled' ? 'active' : 'missing') === cas;
    return request !== null && !isDone && (crm === 'entitled') === (request.type === 'ADD_SUBSCRIPTIONS')
      ? [request]
      : [];
  });
  const pairing = cards.flatMap((card) => requests.find((one) => isPairingOf(one, card)) ?? []);
  const messages = requests.filter(
    (one) =>
      one.code === 'OUTCOME_UNKNOWN' && !PAIRING.has(one.type) && now.getTime() - one.submitted.getTime() < MESSAGE_MS,
  );
  return [...new Set([...entitling, ...pairing, ...messages.slice(0, 1)])]
    .filter(({ state }) => state === 'REJECTED')
    .map((request) => {
      const { number, type, code, description, executed: since, subscription } = request;
      const evidence = { request: number, code, description, service_ca_id: serviceKey(request) };
      if (code === 'OUTCOME_UNKNOWN' || (code === 'WITHDRAWN' && request.doubtful)) {
        // A message that did not come makes no screen black.
        const severity = messages.includes(request) ? 'attention' : 'blocking';
        const sentence = `Nobody knows whether the CAS did ${type} (request ${number}).`;
        const again = RESYNCED.has(type) ? resyncOf(subscription) : [];
        const calls = [...showRequestOf(number), ...again];
        return finding('OUTCOME_UNKNOWN', sentence, { severity, since, evidence, calls });
      }
      const text = description === null ? '' : `, ${description.replace(/\.$/, '')}`;
      const sentence =
        code === 'WITHDRAWN'
          ? `${type} (request ${number}) was withdrawn by ${request.updatedBy ?? 'somebody'} before it was done.`
          : `The CAS refused ${type} (request ${number}): ${code ?? 'no code'}${text}.`;
      const as = code === 'CLIENT_NOT_FOUND' ? 'CARD_UNKNOWN_IN_CAS' : 'REFUSED';
      return finding(as, sentence, { since, evidence, calls: resyncOf(subscription) });
    });
}

function isPairingOf({ type, cards }: RequestFact, card: string): boolean {
  return PAIRING.has(type) && cards.includes(card);
}

/** Commands that were not sent although the customer lacks something, and for which nothing was sent since (R11). */
function withheld({ withheld: all, cards, subscriptions }: Facts, lines: readonly EntitlementLine[]): Finding[] {
  const effective = new Set(
    subscriptions.flatMap((one) =>
      one.services.filter(isEffective).map(({ caId }) => comparableServiceCaId(caId ?? '')),
    ),
  );
  const latest = new Map<string, WithheldFact>();
  for (const one of all) {
    const key = `${one.type} ${one.smartcard} ${one.serviceCaId}`;
    if (!latest.has(key)) latest.set(key, one);
  }
  return [...latest.values()]
    .filter(
      (one) => (one.smartcard === null || cards.includes(one.smartcard)) && !lines.some((line) => isSince(line, one)),
    )
    .flatMap(({ type, reason, smartcard, serviceCaId, detail, at, event, subscription }) => {
      const about = [
        serviceCaId === null ? [] : `service ${serviceCaId}`,
        smartcard === null ? [] : `card ${smartcard}`,
      ];
      const command = [type, about.flat().join(' on ')].filter((part) => part !== '').join(' of ');
      const evidence = { event, reason, smartcard_ca_id: smartcard, service_ca_id: serviceCaId, detail };
      if (reason === 'SUPERSEDED') {
        const sentence = `${command} was not sent, because a newer action decided otherwise.`;
        return [finding('SUPERSEDED', sentence, { since: at, evidence })];
      }
      if (!MISSING_REASONS.has(reason)) return [];
      // The CRM corrected the number, or took the service out.
      const isOver = serviceCaId !== null && !effective.has(comparableServiceCaId(serviceCaId));
      if (type === 'ADD_SUBSCRIPTIONS' && isOver) return [];
      const sentence = `${command} was not sent: ${reason}. ${detail}`;
      return [finding('WITHHELD', sentence, { since: at, evidence, calls: resyncOf(subscription) })];
    });
}

/** Whether a command for the same service and card was made after the withheld one. */
function isSince({ card, serviceCaId, request }: EntitlementLine, one: WithheldFact): boolean {
  if (one.serviceCaId === null || request === null || (one.smartcard !== null && one.smartcard !== card)) return false;
  const isSame = comparableServiceCaId(serviceCaId) === comparableServiceCaId(one.serviceCaId);
  return isSame && request.submitted >= one.at;
}

function notEntitled({ cards, subscriptions, events }: Facts, lines: readonly EntitlementLine[]): Finding[] {
  const cardless = subscriptions.flatMap((subscription) =>
    servicesWithoutCard(subscription).map(({ caId, productCode, distributor }) => {
      const where =
        distributor === null ? 'has no distributor, and so has no' : `is in distributor ${distributor}, which has no`;
      const evidence = { subscription: subscription.number, service_ca_id: caId, distributor };
      return finding('NO_CARD_IN_DISTRIBUTOR', `Service ${caId} (${productCode}) ${where} smart card.`, { evidence });
    }),
  );
  if (subscriptions.length === 0 || lines.some(({ crm }) => crm === 'entitled')) return cardless;
  const states = subscriptions.map(({ number, state }) => `subscription ${number} is ${state}`).join(', ');
  const what = cards.length === 0 ? 'There is no smart card' : 'The CRM entitles nothing on the card';
  const [last] = events;
  const evidence = { action: last?.actionId ?? null, action_type: last?.type ?? null };
  return [...cardless, finding('NOT_ENTITLED', `${what}: ${states}.`, { since: last?.occurred ?? null, evidence })];
}

/** The effective services whose distributor has no card, so that no card is entitled to them (R1, R2). */
function servicesWithoutCard({ services, installedItems }: Subscription): Service[] {
  const cards = casDevices(installedItems).filter(({ kind }) => kind === 'SMARTCARD');
  const distributors = new Set(cards.map(({ distributor }) => distributor));
  return services.filter((one) => isEffective(one) && one.caId !== null && !distributors.has(one.distributor));
}

function unknownInCas({ cas, subscriptions }: Facts): Finding[] {
  return cas
    .filter(({ code }) => code === 'CLIENT_NOT_FOUND')
    .map(({ card, code, description }) => {
      const evidence = { smartcard_ca_id: card, code, description };
      return finding('CARD_UNKNOWN_IN_CAS', `The CAS does not know smart card ${card}.`, {
        evidence,
        calls: resyncOf(holderOf(card, subscriptions)),
      });
    });
}

/** What differs between the CRM and the CAS. A service with an unfinished command does not: it may still change. */
function servicesDiffer({ subscriptions }: Facts, lines: readonly EntitlementLine[]): Finding[] {
  return lines.flatMap(({ card, serviceCaId, crm, cas, request }) => {
    const isMissing = crm === 'entitled' && cas === 'missing';
    const isTooMuch = crm === 'not entitled' && cas === 'active';
    if (request?.state === 'PENDING' || (!isMissing && !isTooMuch)) return [];
    const last =
      request === null
        ? 'No command for it is kept.'
        : `The last command was ${request.type} (request ${request.number}, ${request.state}).`;
    const evidence = { smartcard_ca_id: card, service_ca_id: serviceCaId, request: request?.number ?? null };
    const since = request?.executed ?? null;
    if (isTooMuch) {
      const sentence = `The CAS has service ${serviceCaId} on card ${card}, and the CRM does not entitle it. ${last}`;
      return [
        finding('TOO_MUCH_IN_CAS', sentence, {
          since,
          evidence,
          calls: reconcileOf(card),
        }),
      ];
    }
    const sentence = `The CRM entitles service ${serviceCaId} on card ${card}, and the CAS does not have it. ${last}`;
    return [finding('MISSING_IN_CAS', sentence, { since, evidence, calls: resyncOf(holderOf(card, subscriptions)) })];
  });
}

function holderOf(card: string, subscriptions: Facts['subscriptions']): string | null {
  return subscriptions.find(({ installedItems }) => installedItems.some(({ caId }) => caId === card))?.number ?? null;
}

function pairingDiffers(facts: Facts): Finding[] {
  const { cas, requests } = facts;
  return groupLines(facts).flatMap(({ card, subscription, setTopBoxes }) => {
    const answer = cas.find((one) => one.card === card);
    const isChanging = requests.some((one) => isPairingOf(one, card) && one.state === 'PENDING');
    if (answer === undefined || !answer.pairingAnswered || isChanging) return [];
    const missing = setTopBoxes.filter((stb) => answer.pairing?.setTopBoxes.includes(stb) !== true);
    if (missing.length === 0) return [];
    const present = answer.pairing?.setTopBoxes.join(', ') ?? '';
    const sentence = `The CAS has card ${card} paired with ${present === '' ? 'nothing' : present}, and the CRM has it with ${setTopBoxes.join(', ')}.`;
    const evidence = { smartcard_ca_id: card, subscription, missing: missing.join(', '), present };
    return [
      finding('PAIRING_DIFFERS', sentence, {
        evidence,
        calls: pairOf(subscription, present === '' ? null : { card, boxes: missing }),
      }),
    ];
  });
}

/** All sides agree: only if we know the cards, the CAS answered for every one, and nothing is under way. */
function allEqual({ known, cards, cas, requests, subscriptions }: Facts, lines: readonly EntitlementLine[]): Finding[] {
  const isAnswered = (card: string): boolean => cas.some((one) => one.card === card && one.services !== null);
  const isChanging = requests.some(({ state }) => state === 'PENDING');
  if (!known || cards.length === 0 || isChanging || !cards.every(isAnswered)) return [];
  const services = lines.filter(({ crm }) => crm === 'entitled').length;
  const what = services === 1 ? '1 service' : `${services} services`;
  const sentence = `The CRM, our record and the CAS agree on ${what}: refresh the card, or look at the set-top box.`;
  return [
    finding('ALL_EQUAL', sentence, { evidence: { services }, calls: resyncOf(subscriptions[0]?.number ?? null) }),
  ];
}
