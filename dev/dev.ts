/** `npm run dev`: servers, simulator and service on this machine, until Ctrl-C. */
import { parseArgs } from 'node:util';
import { untilToldToStop } from '../src/commands/signals.ts';
import { startInstallation } from './installation.ts';

const HELP = `Usage: npm run dev

Starts PostgreSQL, Kafka, the schema registry, the CAS simulator and the service on this machine, until Ctrl-C. It prints
the settings for commands in another terminal. What the environment names (DATABASE_URL, KAFKA_BROKERS,
SCHEMA_REGISTRY_URL, CONAX_BASE_URL and other settings) is used as it is: with CONAX_BASE_URL no simulator is started.`;

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
if (values.help === true) {
  console.log(HELP);
  process.exit(0);
}
const installation = await startInstallation((line) => console.log(line), process.env['CONAX_BASE_URL']);
console.log('\nSettings for commands in another terminal:');
for (const [name, value] of Object.entries(installation.env)) console.log(`  export ${name}='${value}'`);
console.log('\nCtrl-C stops everything.');
const reason = await Promise.race([untilToldToStop(), installation.ended]);
console.log(`stopping: ${reason}`);
await installation.stop();
process.exit(reason === 'SIGINT' || reason === 'SIGTERM' ? 0 : 1);
