import { styleText } from 'node:util';
import type { Journey } from './journey.ts';
import { demoJourneys } from './journeys.ts';
import { play, type PlayedStep } from './play.ts';
import { entitlementLines, stepLines } from './report.ts';
import { connectCrm } from './wire.ts';

/** Where the neighbours of a running installation are. */
export interface Neighbours {
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
  readonly simulatorUrl: string;
}

/**
 * Plays the journeys of the demo's customers into Kafka and prints what became of each action. Returns how many outcomes are
 * not the expected ones and how many cards the CAS has otherwise than the CRM.
 */
export async function playDemo({ kafkaBrokers, schemaRegistryUrl, simulatorUrl }: Neighbours): Promise<number> {
  const wire = await connectCrm({
    brokers: kafkaBrokers,
    registryUrl: schemaRegistryUrl,
    topics: {
      events: 'crm.subscription-events',
      requestOutcomes: 'conax.provisioning-outcomes',
      actionOutcomes: 'conax.action-outcomes',
      deadLetters: 'crm.subscription-events.dead-letter',
    },
  });
  const journeys = demoJourneys();
  const steps: PlayedStep[] = [];
  try {
    for (const journey of journeys) {
      console.log(`\n${styleText('bold', journey.title)} (${journey.subscription.number})`);
      await play(journey, wire, simulatorUrl, (step) => {
        steps.push(step);
        for (const line of stepLines(step)) console.log(line);
      });
    }
  } finally {
    await wire.close();
  }
  const cards = await entitlements(journeys, simulatorUrl);
  console.log(`\n${styleText('bold', 'Entitlements in the end')}`);
  for (const line of entitlementLines(cards)) console.log(line);
  const wrongSteps = steps.filter((step) => step.differences.length > 0).length;
  const wrongCards = cards.filter(({ crm, cas }) => JSON.stringify(crm) !== JSON.stringify(cas)).length;
  console.log(
    `\n${steps.length} actions of ${journeys.length} customers: ${wrongSteps} outcomes not as expected, ${wrongCards} of ${cards.length} cards not as the CRM says`,
  );
  return wrongSteps + wrongCards;
}

/** For every card that a journey ever had: what the CRM's last snapshot entitles, and what the CAS does. */
async function entitlements(
  journeys: readonly Journey[],
  simulatorUrl: string,
): Promise<{ card: string; crm: string[]; cas: string[] }[]> {
  const response = await fetch(`${simulatorUrl}/simulator/cards`);
  const all = (await response.json()) as { smartcard: string; entitlements: string[] }[];
  return all.map(({ smartcard, entitlements: cas }) => ({
    card: smartcard,
    crm: journeys.flatMap(({ subscription }) => entitledBy(subscription, smartcard)).toSorted(),
    cas,
  }));
}

function entitledBy({ services, installedItems }: Journey['subscription'], smartcard: string): string[] {
  const card = installedItems.find((item) => item.kind === 'SMARTCARD' && item.caId === smartcard);
  if (!card) return [];
  const effective = services.filter(
    (service) =>
      service.state.endsWith('EFFECTIVE') && !service.state.includes('NOT') && service.distributor === card.distributor,
  );
  return [...new Set(effective.flatMap((service) => (service.caId === null ? [] : [service.caId])))];
}
