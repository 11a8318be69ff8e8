import type { z } from 'zod';
import { isSecret } from '../../src/platform/setting-kinds.ts';
import { settingGroups } from '../../src/settings.ts';

const TITLES: Record<keyof typeof settingGroups, string> = {
  database: 'Database',
  kafka: 'Kafka and schema registry',
  rules: 'Rules',
  conax: 'The CAS',
  mapping: 'The CAS interface (the service and the simulator)',
  dispatch: 'Sending',
  http: 'HTTP',
  webApi: 'Web API',
  runs: 'Runs',
  retention: 'Retention',
  log: 'Logs',
  tracing: 'Tracing',
  simulator: 'CAS simulator (only the command `simulator`)',
};

/** docs/settings.md: every setting with its default and meaning. */
export function settingsDoc(): string {
  const sections = Object.entries(settingGroups).map(([group, settings]) => {
    const rows = Object.entries<z.ZodType>(settings).map(
      ([name, schema]) =>
        `| \`${name}\` | ${defaultOf(schema)} | ${schema.description ?? ''}${isSecret(schema) ? ' Secret.' : ''} |`,
    );
    return `## ${TITLES[group as keyof typeof TITLES]}\n\n| setting | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Settings

Generated from \`src/settings.ts\` by \`npm run generate\`; do not edit.

Settings come from the environment. A command checks the settings it needs when it starts, and one message names every
mistake. Append \`_FILE\` to a name to read the value from a file, as is usual for secrets and PEM
(\`CONAX_PASSWORD_FILE=/run/secrets/conax\`). An empty value counts as not set.

${sections.join('\n')}`;
}

function defaultOf(schema: z.ZodType): string {
  const fallback = schema.safeParse(undefined);
  if (!fallback.success) return '**required**';
  if (fallback.data === undefined) return 'not set';
  if (Array.isArray(fallback.data)) return `\`${fallback.data.join(',')}\``;
  if (fallback.data instanceof RegExp) return `\`${fallback.data.source}\``;
  return `\`${typeof fallback.data === 'string' ? fallback.data : JSON.stringify(fallback.data)}\``;
}
