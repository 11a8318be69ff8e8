/** `npm run dev`: servers, simulator and service on this machine, until Ctrl-C. */
import { untilToldToStop } from '../src/commands/signals.ts';
import { startInstallation } from './installation.ts';

const installation = await startInstallation((line) => console.log(line));
console.log('\nSettings for commands in another terminal:');
for (const [name, value] of Object.entries(installation.env)) console.log(`  export ${name}='${value}'`);
console.log('\nCtrl-C stops everything.');
const reason = await Promise.race([untilToldToStop(), installation.ended]);
console.log(`stopping: ${reason}`);
await installation.stop();
process.exit(reason === 'SIGINT' || reason === 'SIGTERM' ? 0 : 1);
