import { describe, expect, it } from 'vitest';
import {
  type ActionFacts,
  composeActionOutcome,
  type FacetFact,
  type RequestFact,
  type WithheldFact,
} from '../../src/outcomes/action-outcome.ts';
import { commandKey, type EntitlementCommand } from '../../src/planning/command.ts';

const facet = (disposition: FacetFact['disposition'], family: FacetFact['family'] = 'SERVICE'): FacetFact => ({
  family,
  type: 'SWAP_INSTALLED_ITEM',
  disposition,
});

const planned = facet('PLANNED');
const deadFacet = facet('DEAD_LETTERED', 'INSTALLED_ITEM');

function add(service: string, card = '1'): EntitlementCommand {
  return { type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: { caId: service, distributor: null } };
}

function request(
  number: number,
  lifeCycleState: RequestFact['lifeCycleState'],
  command = add(`${number}`),
): RequestFact {
  const errorCode = lifeCycleState === 'REJECTED' ? 'CLIENT_NOT_FOUND' : null;
  return { number, lifeCycleState, errorCode, command, commandKey: commandKey(command) };
}

const completed = request(1, 'COMPLETED');
const rejected = request(2, 'REJECTED');

function withheld(reason: WithheldFact['reason'], serviceCaId: string | null = '9'): WithheldFact {
  return { type: 'ADD_SUBSCRIPTIONS', reason, smartcard: '1', serviceCaId };
}

function facts(more: Partial<ActionFacts>): ActionFacts {
  return { facets: [planned], requests: [], withheld: [], ...more };
}

const outcomeOf = (more: Partial<ActionFacts>): string => composeActionOutcome(facts(more)).outcome;

describe('The outcome of an action is', () => {
  it.each<[string, string, Partial<ActionFacts>]>([
    ['INVALID', 'its only facet was readable and dead-lettered', { facets: [facet('DEAD_LETTERED')] }],
    ['HELD', 'a facet is held for a person', { facets: [facet('STALE')] }],
    [
      'HELD',
      'a facet is held and another was planned',
      { facets: [planned, facet('STALE', 'SUBSCRIPTION')], requests: [completed] },
    ],
    ['PROVISIONED', 'all requests were completed', { requests: [completed] }],
    ['PROVISIONED', 'beside what needed no sending', { requests: [completed], withheld: [withheld('STILL_ENTITLED')] }],
    [
      'PROVISIONED',
      'beside a service without CA id',
      { requests: [completed], withheld: [withheld('NO_SERVICE_CA_ID')] },
    ],
    ['PARTLY_PROVISIONED', 'one was completed and one rejected', { requests: [completed, rejected] }],
    [
      'PARTLY_PROVISIONED',
      'one was completed beside a dead-lettered facet',
      { facets: [planned, deadFacet], requests: [completed] },
    ],
    [
      'PARTLY_PROVISIONED',
      'a service has no card',
      { requests: [completed], withheld: [withheld('NO_CARD_FOR_SERVICE')] },
    ],
    ['PARTLY_PROVISIONED', 'a CA id is malformed', { requests: [completed], withheld: [withheld('INVALID_CA_ID')] }],
    [
      'PARTLY_PROVISIONED',
      'a service is still effective',
      { requests: [completed], withheld: [withheld('STILL_EFFECTIVE')] },
    ],
    [
      'PARTLY_PROVISIONED',
      'the matrix does not trigger an ADD',
      { requests: [completed], withheld: [withheld('NOT_TRIGGERED')] },
    ],
    ['FAILED', 'all were rejected', { requests: [rejected] }],
    ['FAILED', 'nothing was sent and something is missing', { withheld: [withheld('NO_CARD_FOR_SERVICE')] }],
    ['FAILED', 'nothing was sent and a facet was dead-lettered', { facets: [facet('NOTHING_TO_DO'), deadFacet] }],
    ['NOTHING_TO_DO', 'nothing was to be sent', { facets: [facet('NOTHING_TO_DO')] }],
    ['NOTHING_TO_DO', 'all was withheld as superseded', { withheld: [withheld('SUPERSEDED')] }],
    ['NOTHING_TO_DO', 'all is paired already', { withheld: [withheld('ALREADY_PAIRED', null)] }],
  ])('%s where %s', (expected, _why, more) => {
    expect(outcomeOf(more)).toBe(expected);
  });
});

describe('The union over the facets', () => {
  it('takes the last of several requests for one command', () => {
    const again = request(5, 'COMPLETED', add('2'));
    const first = request(2, 'REJECTED', add('2'));
    const composed = composeActionOutcome(facts({ requests: [first, again] }));
    expect(composed.outcome).toBe('PROVISIONED');
    expect(composed.requests.map(({ requestNumber }) => requestNumber)).toEqual([5]);
    expect(
      outcomeOf({
        requests: [
          { ...again, number: 2 },
          { ...first, number: 5 },
        ],
      }),
    ).toBe('FAILED');
  });

  it('drops a NOT_TRIGGERED that a facet sent after all, leading zeros or not', () => {
    const composed = composeActionOutcome(
      facts({
        requests: [request(1, 'COMPLETED', add('7'))],
        withheld: [withheld('NOT_TRIGGERED', '007'), withheld('ALREADY_REQUESTED', '007')],
      }),
    );
    expect(composed.outcome).toBe('PROVISIONED');
    expect(composed.withheld.map(({ reason }) => reason)).toEqual(['ALREADY_REQUESTED']);
  });

  it('keeps a NOT_TRIGGERED for another card or service', () => {
    expect(
      outcomeOf({ requests: [request(1, 'COMPLETED', add('7', '2'))], withheld: [withheld('NOT_TRIGGERED', '7')] }),
    ).toBe('PARTLY_PROVISIONED');
  });

  it('names what two facets withheld for one reason once', () => {
    const composed = composeActionOutcome(
      facts({
        withheld: [withheld('STILL_ENTITLED', '7'), withheld('STILL_ENTITLED', '07'), withheld('SUPERSEDED', '7')],
      }),
    );
    expect(composed.withheld.map(({ reason }) => reason)).toEqual(['STILL_ENTITLED', 'SUPERSEDED']);
  });

  it('counts a dead-lettered facet until a corrected one of its family is there', () => {
    const corrected = facet('PLANNED', 'INSTALLED_ITEM');
    const composed = composeActionOutcome(facts({ facets: [planned, deadFacet, corrected], requests: [completed] }));
    expect(composed.outcome).toBe('PROVISIONED');
    expect(composed.facets.map(({ family, disposition }) => `${family} ${disposition}`)).toEqual([
      'SERVICE PLANNED',
      'INSTALLED_ITEM PLANNED',
    ]);
  });

  it('shows of every request what the CRM looks it up by', () => {
    const pairing: RequestFact = {
      number: 3,
      lifeCycleState: 'REJECTED',
      errorCode: 'PAIRED_ELSEWHERE',
      commandKey: 'key',
      command: {
        type: 'CREATE_PAIRING',
        smartcards: [
          { caId: '1', distributor: null },
          { caId: '2', distributor: null },
        ],
        setTopBoxes: [{ caId: 'B', distributor: null }],
      },
    };
    expect(composeActionOutcome(facts({ requests: [completed, pairing] })).requests).toEqual([
      {
        requestNumber: 1,
        type: 'ADD_SUBSCRIPTIONS',
        outcome: 'COMPLETED',
        errorCode: null,
        smartcard: '1',
        serviceCaId: '1',
      },
      {
        requestNumber: 3,
        type: 'CREATE_PAIRING',
        outcome: 'REJECTED',
        errorCode: 'PAIRED_ELSEWHERE',
        smartcard: '1',
        serviceCaId: null,
      },
    ]);
  });
});
