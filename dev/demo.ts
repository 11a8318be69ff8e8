/**
 * `npm run demo`: the main job on a machine with nothing set up. Plays sample customer journeys into Kafka and shows
 * what became of each action as it comes back out of Kafka. Exit code 0 only when every outcome is the expected one.
 */
import { styleText } from 'node:util';
import type { Journey } from './demo/journey.ts';
import { demoJourneys } from './demo/journeys.ts';
import { play, type PlayedStep } from './demo/play.ts';
import { entitlementLines, stepLines } from './demo/report.ts';
import { connectCrm } from './demo/wire.ts';
import { type Installation, startInstallation } from './installation.ts';

const startedAt = performance.now();
const installation = await startInstallation((line) => console.log(line));
let wrong: number;
try {
  wrong = await Promise.race([
    demo(installation),
    installation.ended.then((sentence) => Promise.reject(new Error(sentence))),
  ]);
} finally {
  await installation.stop();
}
console.log(`everything is stopped; the demo took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
process.exit(wrong === 0 ? 0 : 1);

async function demo({ stack, simulatorUrl }: Installation): Promise<number> {
  const wire = await connectCrm({
    brokers: stack.kafkaBrokers,
    registryUrl: stack.schemaRegistryUrl,
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
