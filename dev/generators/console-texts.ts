import type { OpenAPIV3_1 } from 'openapi-types';
import { deadLetterReasons } from '../../src/events/dead-letter-reasons.ts';
import { RUN_STATES } from '../../src/features/runs/life-cycle.ts';
import { openApiDocument } from './console-api.ts';

type Schema = OpenAPIV3_1.SchemaObject & Readonly<Record<'anyOf' | 'oneOf', readonly Schema[] | undefined>>;

/** How a value is written: the console's inputs see to it themselves. */
const FORMS_OF_VALUES =
  / Fits the regular expression .*$| Without zone UTC; an offset is accepted\.$|: ISO 8601, in UTC without a zone; or a date(?=\.$)/;

/** The calls that have a form in the console. */
const FORMS = new Set(['queue.add', 'replay.outcomes', 'replay.plan', 'replay.run', 'runs.start', 'schedules.add']);

/** The texts that the console shows beside fields and codes: those of the OpenAPI document and of the closed lists. */
export async function consoleTexts(): Promise<string> {
  const { paths = {} } = await openApiDocument();
  const fields: Record<string, Record<string, string>> = {};
  for (const item of Object.values(paths)) {
    const { operationId: name, requestBody } = item?.post ?? {};
    const content = (requestBody as OpenAPIV3_1.RequestBodyObject | undefined)?.content['application/json'];
    if (name === undefined || !FORMS.has(name) || content?.schema === undefined) continue;
    fields[name] = fieldTexts(content.schema as Schema);
  }
  const remedies = Object.fromEntries(Object.entries(deadLetterReasons).map(([code, { remedy }]) => [code, remedy]));
  return [
    '// Generated from the OpenAPI document and the closed lists by `npm run generate`; do not edit.\n',
    '/** The description of each field of a body, by call and path; of a kind of run as `kind.MESSAGE`. */',
    `export const FIELD_TEXTS = ${JSON.stringify(fields, null, 2)} as const;\n`,
    '/** What to do about a dead letter, by its reason. */',
    `export const DEAD_LETTER_REMEDIES: Readonly<Record<string, string>> = ${JSON.stringify(remedies, null, 2)};\n`,
    '/** What each state of a run means. */',
    `export const RUN_STATES = ${JSON.stringify(RUN_STATES, null, 2)} as const;\n`,
  ].join('\n');
}

/** The descriptions of all fields below a schema; of a field with several, the first. */
function fieldTexts(schema: Schema, path = ''): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const member of schema.oneOf ?? schema.anyOf ?? []) {
    const [kind] = ((member.properties?.['kind'] as Schema | undefined)?.enum ?? []) as string[];
    if (kind !== undefined)
      texts[`kind.${kind}`] = (member.description ?? '').replace(/^./, (first) => first.toUpperCase());
    Object.assign(texts, { ...fieldTexts(member, path), ...texts });
  }
  for (const [name, field] of Object.entries(schema.properties ?? {}) as [string, Schema][]) {
    const below = path === '' ? name : `${path}.${name}`;
    if (field.description !== undefined) texts[below] ??= field.description.replace(FORMS_OF_VALUES, '');
    Object.assign(texts, { ...fieldTexts(field, below), ...texts });
  }
  return texts;
}
