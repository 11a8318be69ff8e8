import { OPERATIONS_PATH } from '../http/calls.ts';
import { commandsOf, type Feature, type Operation } from './operation.ts';

/** docs/operations.md, whole. */
export function operationsDocument(features: readonly Feature[]): string {
  return `# Operations

Generated from \`src/features\` by \`npm run generate\`; do not edit.

Each operation is an HTTP call under \`${OPERATIONS_PATH}\` ([operations-api.md](operations-api.md)) and a command
(\`npx conax-provisioning …\`) with the same input and the same data. \`/docs\` and \`--help\` describe the input.
A call without a command here has one of its own kind, which works in the command's process.

${features.map(section).join('\n')}`;
}

function section(feature: Feature): string {
  const { name, summary, operations } = feature;
  const alone = operations.filter(({ hasCommand = true }) => !hasCommand);
  const rows = [
    ...commandsOf(feature).map((one) => row(`\`${one.name}\``, one.operation, one)),
    ...alone.map((one) => row('-', one, one)),
  ];
  return `## ${name}\n\n${summary}\n\n| command | call | role | what it does |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function row(command: string, { route, role }: Operation, { summary, description }: Texts): string {
  return `| ${command} | \`${route}\` | ${role} | ${summary}. ${description} |`;
}

type Texts = Pick<Operation, 'summary' | 'description'>;
