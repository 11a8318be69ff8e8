import { OPERATIONS_PATH } from '../http/calls.ts';
import { commandsOf, type Feature } from './operation.ts';

/** docs/operations.md, whole. */
export function operationsDocument(features: readonly Feature[]): string {
  return `# Operations

Generated from \`src/features\` by \`npm run generate\`; do not edit.

Each operation is an HTTP call under \`${OPERATIONS_PATH}\` ([operations-api.md](operations-api.md)) and a command
(\`npx conax-provisioning …\`) with the same input and the same data. \`/docs\` and \`--help\` describe the input.
Operations that are not here yet are in [operations-api.md](operations-api.md).

${features.map(section).join('\n')}`;
}

function section(feature: Feature): string {
  const rows = commandsOf(feature).map(
    ({ name, summary, description, operation: { route, role } }) =>
      `| \`${name}\` | \`${route}\` | ${role} | ${summary}. ${description} |`,
  );
  const { name, summary } = feature;
  return `## ${name}\n\n${summary}\n\n| command | call | role | what it does |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}
