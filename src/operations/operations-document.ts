import { OPERATIONS_PATH } from '../http/calls.ts';
import { commandsOf, type Feature, type Operation } from './operation.ts';

/** Returns the whole text of docs/operations.md. Descriptions are in `/docs` and `--help`. */
export function operationsDocument(features: readonly Feature[]): string {
  return `# Operations

Generated from \`src/features\` by \`npm run generate\`; do not edit.

Each operation is an HTTP call under \`${OPERATIONS_PATH}\` and a command (\`npx conax-provisioning …\`) with the same input
and the same data. \`/docs\` and \`--help\` describe them. A call without a command here has one of its own kind
([0009](decisions/0009-one-definition-per-operation.md)).

The calls share users, tokens, envelope and [error codes](errors-web-api.md) with [the Web API](web-api.md), where you log
in. A GET has parameters in the query, a POST in a JSON body, which may be absent if nothing is required.
The answer of a GET has an \`ETag\`: send it as \`If-None-Match\`, and an answer that is the same comes as 304 without a body.

\`\`\`
API=http://127.0.0.1:8080
curl -s $API${OPERATIONS_PATH}/utilities/messages -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '{"type":"BARK","message":"Your new package is on","smartcard_ca_ids":["20000000329"]}'
\`\`\`

| command | call | role | what it does |
|---|---|---|---|
${features.flatMap(rowsOf).join('\n')}
`;
}

function rowsOf(feature: Feature): string[] {
  const alone = feature.operations.filter(({ hasCommand = true }) => !hasCommand);
  return [
    ...commandsOf(feature).map((one) => row(`\`${one.name}\``, one.operation, one.summary)),
    ...alone.map((one) => row('-', one, one.summary)),
  ];
}

function row(command: string, { route, role }: Operation, summary: string): string {
  return `| ${command} | \`${route}\` | ${role} | ${summary} |`;
}
