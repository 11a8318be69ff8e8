/**
 * Writes every file that is derived from another one, or, with `--check`, fails naming those that differ.
 * A generated file is never edited by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { conaxCodesDocument } from '../src/conax/code-meanings.ts';
import { errorCodesDocument } from '../src/dispatch/error-codes.ts';
import { intakeCodesDocument } from '../src/intake/codes-document.ts';
import { FEATURES } from '../src/features/features.ts';
import { operationsDocument } from '../src/operations/operations-document.ts';
import { lifeCycleDocument } from '../src/requests/life-cycle.ts';
import { runLifeCycleDocument } from '../src/features/runs/life-cycle.ts';
import { webApiCodesDocument } from '../src/http/codes.ts';
import { architectureDoc } from './generators/architecture-doc.ts';
import { chartDoc } from './generators/chart-doc.ts';
import { chartSchema } from './generators/chart-schema.ts';
import { consoleApiTypes } from './generators/console-api.ts';
import { consoleTexts } from './generators/console-texts.ts';
import { contractTypes } from './generators/contract-types.ts';
import { monitoringDoc } from './generators/monitoring-doc.ts';
import { settingsDoc } from './generators/settings-doc.ts';

/** path -> what it has to contain */
const generated = new Map<string, () => string | Promise<string>>([
  ['console/api/operations.generated.ts', consoleApiTypes],
  ['console/api/texts.generated.ts', consoleTexts],
  ['src/events/crm.generated.ts', () => contractTypes('com.crm.subscription.v1')],
  ['src/outcomes/outcome.generated.ts', () => contractTypes('com.conax.provisioning.v1')],
  ['docs/architecture.md', architectureDoc],
  ['docs/monitoring.md', monitoringDoc],
  ['docs/settings.md', settingsDoc],
  ['docs/kubernetes.md', chartDoc],
  ['deploy/helm/conax-provisioning/values.schema.json', chartSchema],
  ['docs/life-cycle.md', lifeCycleDocument],
  ['docs/runs-life-cycle.md', runLifeCycleDocument],
  ['docs/errors-conax.md', conaxCodesDocument],
  ['docs/errors-dispatch.md', errorCodesDocument],
  ['docs/errors-intake.md', intakeCodesDocument],
  ['docs/errors-web-api.md', webApiCodesDocument],
  ['docs/operations.md', () => operationsDocument(FEATURES)],
]);

const check = process.argv.includes('--check');
const drifted: string[] = [];
for (const [path, content] of generated) {
  const wanted = await content();
  if (wanted === readOrEmpty(path)) continue;
  if (check) drifted.push(path);
  else writeFileSync(path, wanted);
}
if (drifted.length > 0) {
  console.error(`Out of step with their sources: ${drifted.join(', ')}. Run "npm run generate" and commit the result.`);
  process.exitCode = 1;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
