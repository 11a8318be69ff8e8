import { readdirSync, readFileSync } from 'node:fs';

type Schema = string | Schema[] | NamedSchema;
interface NamedSchema {
  type: 'record' | 'enum' | 'array' | 'long';
  name?: string;
  doc?: string;
  fields?: { name: string; type: Schema; doc?: string }[];
  symbols?: string[];
  items?: Schema;
}

const PRIMITIVES: Record<string, string> = {
  string: 'string',
  long: 'number',
  int: 'number',
  boolean: 'boolean',
  null: 'null',
};

/**
 * TypeScript types for all Avro schemas of a namespace in `schemas/`.
 * A record or enum that stands in several files must be the same in each: a difference throws, naming it.
 */
export function contractTypes(namespace: string): string {
  const declarations = new Map<string, { text: string; file: string }>();
  const files = readdirSync('schemas').filter((file) => file.startsWith(namespace) && file.endsWith('.avsc'));
  for (const file of files.toSorted()) {
    declare(JSON.parse(readFileSync(`schemas/${file}`, 'utf8')) as NamedSchema, file);
  }
  const header = `// Generated from schemas/${namespace}.*.avsc by "npm run generate". Do not edit.\n`;
  return [header, ...[...declarations.values()].map(({ text }) => text)].join('\n');

  function declare(schema: NamedSchema, file: string): string {
    const name = schema.name ?? '';
    const text = schema.type === 'enum' ? enumText(name, schema) : recordText(name, schema, file);
    const known = declarations.get(name);
    if (known && known.text !== text)
      throw new Error(`${name} differs between ${known.file} and ${file}; make them the same`);
    declarations.set(name, { text, file });
    return name;
  }

  function recordText(name: string, schema: NamedSchema, file: string): string {
    const fields = (schema.fields ?? []).map(
      (field) => `${comment(field.doc, '  ')}  ${field.name}: ${typeText(field.type, file)};\n`,
    );
    return `${comment(schema.doc, '')}export interface ${name} {\n${fields.join('')}}\n`;
  }

  function enumText(name: string, schema: NamedSchema): string {
    const symbols = (schema.symbols ?? []).map((symbol) => `  | '${symbol}'`);
    return `${comment(schema.doc, '')}export type ${name} =\n${symbols.join('\n')};\n`;
  }

  function typeText(schema: Schema, file: string): string {
    if (typeof schema === 'string') return PRIMITIVES[schema] ?? schema;
    if (Array.isArray(schema)) return schema.map((member) => typeText(member, file)).join(' | ');
    if (schema.type === 'array') return `readonly ${typeText(schema.items ?? 'null', file)}[]`;
    if (schema.type === 'record' || schema.type === 'enum') return declare(schema, file);
    return PRIMITIVES[schema.type] ?? 'never';
  }
}

function comment(doc: string | undefined, indent: string): string {
  return doc ? `${indent}/** ${doc} */\n` : '';
}
