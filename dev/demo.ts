/**
 * `npm run demo`: the main job on a machine with nothing set up. Plays sample customer journeys into Kafka and shows
 * what became of each action as it comes back out of Kafka. Exit code 0 only when every outcome is the expected one.
 */
import { playDemo } from './demo/whole.ts';
import { startInstallation } from './installation.ts';

const startedAt = performance.now();
const installation = await startInstallation((line) => console.log(line));
const { stack, simulatorUrl } = installation;
let wrong: number;
try {
  wrong = await Promise.race([
    playDemo({ kafkaBrokers: stack.kafkaBrokers, schemaRegistryUrl: stack.schemaRegistryUrl, simulatorUrl }),
    installation.ended.then((sentence) => Promise.reject(new Error(sentence))),
  ]);
} finally {
  await installation.stop();
}
console.log(`everything is stopped; the demo took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
process.exit(wrong === 0 ? 0 : 1);
