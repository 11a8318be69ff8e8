/**
 * The service as `serve` runs it, in a process that a test may stop anywhere: `node service-process.ts [POINT PASS]`
 * kills itself with SIGKILL when the named fault point is passed for the PASSth time. Settings come from the environment.
 */
import { flushCompileCache } from 'node:module';
import { serveCommand } from '../../src/commands/serve.ts';
import { onFaultPoint } from '../../src/platform/fault-points.ts';

const [point, pass] = process.argv.slice(2);
// Hundreds of these are started, and none that is killed would leave its compiled modules to the next one.
flushCompileCache();

if (point !== undefined) {
  let left = Number(pass);
  onFaultPoint((passed) => {
    if (passed === point && (left -= 1) === 0) process.kill(process.pid, 'SIGKILL');
  });
}
// Ends with the test that started it.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

await serveCommand().parseAsync([], { from: 'user' });
process.removeAllListeners('disconnect');
process.disconnect();
