import mustache from 'mustache';
import type { CommandType, Device } from '../requests/command.ts';
import { commonFields, type FieldCounts, itemFields, requestFields } from './field-names.ts';
import { NotEncodable } from './fields.ts';
import { lineAt, type Report } from './mistakes.ts';
import { escapeXml, fitsXml } from './xml.ts';

/** A device of a list. */
export type FieldItem = Device;

/** A field's value: null if the command has none; a list for `smartcards` and `setTopBoxes`. */
export type FieldValue = string | null | readonly FieldItem[];
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** A whole SOAP envelope whose tags are replaced by the fields of a command. */
export interface Template {
  readonly file: string;
  /** The fields that its tags name; those of a list's devices as `smartcards.caId`. */
  readonly uses: ReadonlySet<string>;
  /** Returns what is sent, as text for UTF-8. @throws NotEncodable if XML cannot carry a value. */
  render(values: FieldValues): string;
  /** Renders, and returns the template's line for a position in what was rendered. For errors. */
  trace(values: FieldValues): { readonly text: string; readonly lineOf: (position: number) => number };
}

type Part =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly name: string; readonly at: number }
  | { readonly kind: 'section' | 'inverted'; readonly name: string; readonly parts: readonly Part[] };

const declaration = '<?xml version="1.0" encoding="utf-8"?>';
/** Stands for each character of a comment until the tags are parsed, so that positions stay. No XML may hold it. */
const FILLER = '\uFFFF';

/**
 * Parses a template of Mustache tags. Comments, the XML declaration and line breaks between elements are dropped. Reports
 * every mistake with its line: tags that are not escaped or load other files, unknown fields, lists that are no section.
 */
export function parseTemplate(file: string, source: string, type: CommandType, report: Report): Template | null {
  const text = source
    .replace(/^\s*<\?xml[^>]*\?>/, (start) => FILLER.repeat(start.length))
    .replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>|<!--[\s\S]*?-->/g, (piece) =>
      piece.startsWith('<!--') ? FILLER.repeat(piece.length) : piece,
    );
  let tokens: Token[];
  try {
    // Mustache would take everything up to the next }} as the tag's name.
    const unclosed = /\{\{[^{}]*(?:\{\{|$)/.exec(text);
    if (unclosed !== null) throw new Error(`Unclosed tag at ${unclosed.index}`);
    tokens = mustache.parse(text) as Token[];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const at = Number(/ at (\d+)$/.exec(message)?.[1] ?? 0);
    report(
      file,
      lineAt(source, at),
      `${message.replace(/ at \d+$/, '')}; close every {{ with }} and every {{#x}} with {{/x}}`,
    );
    return null;
  }
  const uses = new Set<string>();
  let mistakes = 0;
  const parts = partsOf(tokens, {
    fields: { ...Object.fromEntries(commonFields.map((name) => [name, 'one' as const])), ...requestFields[type] },
    uses,
    report: (at, problem) => {
      mistakes += 1;
      report(file, lineAt(source, at), problem);
    },
  });
  if (mistakes > 0) return null;
  return {
    file,
    uses,
    render: (values) => declaration + write(parts, values, null),
    trace(values) {
      const places: { readonly from: number; readonly at: number }[] = [];
      const rendered =
        declaration + write(parts, values, null, (from, at) => places.push({ from: from + declaration.length, at }));
      return {
        text: rendered,
        lineOf: (position) => {
          const place = places.findLast(({ from }) => from <= position);
          return lineAt(source, place === undefined ? 0 : place.at + position - place.from);
        },
      };
    },
  };
}

/** Kind, value, start, end, parts. */
type Token = [kind: string, value: string, start: number, end: number, parts?: Token[]];

interface Scope {
  readonly fields: FieldCounts;
  readonly uses: Set<string>;
  readonly report: (at: number, problem: string) => void;
}

function partsOf(tokens: readonly Token[], scope: Scope, list: string | null = null): Part[] {
  return tokens.flatMap(([kind, value, start, , inner], index): Part[] => {
    if (kind === 'text') {
      const isEdge = (token: Token | undefined): boolean => token === undefined || '#^!'.includes(token[0]);
      return textParts(value, start, isEdge(tokens[index - 1]), isEdge(tokens[index + 1]));
    }
    if (kind === '!') return [];
    const problem = problemOf(kind, value, scope, list);
    if (problem !== null) {
      scope.report(start, problem);
      return [];
    }
    const isItem = list !== null && isItemField(value);
    scope.uses.add(isItem ? `${list}.${value}` : value);
    if (kind === 'name') return [{ kind: 'value', name: value, at: start }];
    const isList = !isItem && isListField(scope.fields, value);
    const parts = partsOf(inner ?? [], scope, isList && kind === '#' ? value : list);
    return [{ kind: kind === '#' ? 'section' : 'inverted', name: value, parts }];
  });
}

function problemOf(kind: string, name: string, { fields }: Scope, list: string | null): string | null {
  if (kind === '&') return `{{{${name}}}} would send a text unescaped; write {{${name}}}`;
  if (kind === '>') return `{{>${name}}} loads another file; write its content here`;
  if (kind === '=') return `{{=${name}=}} changes the marks of the tags; keep {{ and }}`;
  if (isItemField(name)) {
    return list === null
      ? `{{${name}}} is a field of a list's devices; write it inside {{#smartcards}} or {{#setTopBoxes}}`
      : null;
  }
  if (!Object.hasOwn(fields, name)) {
    const known = [...Object.keys(fields), ...(list === null ? [] : itemFields)].join(', ');
    if (name.startsWith('?')) {
      return `{{${name}}} stands for what nobody could guess; write the text that the CAS wants, or one of the fields ${known}`;
    }
    return `{{${name}}} is no field of this command; it has ${known}`;
  }
  if (kind === 'name' && isListField(fields, name)) {
    return `{{${name}}} is a list; write {{#${name}}}…{{caId}}…{{/${name}}}`;
  }
  return null;
}

function isItemField(name: string): boolean {
  return (itemFields as readonly string[]).includes(name);
}

function isListField(fields: FieldCounts, name: string): boolean {
  return fields[name] === 'many' || fields[name] === 'any';
}

/** Takes comments out of a text, and the white space with which lines are broken and indented between elements. */
function textParts(text: string, start: number, isEdgeBefore: boolean, isEdgeAfter: boolean): Part[] {
  const parts: Part[] = [];
  let kept = 0;
  const keepTo = (end: number): void => {
    if (end > kept) parts.push({ kind: 'text', text: text.slice(kept, end), at: start + kept });
  };
  for (const { 0: run, index } of text.matchAll(/[\s\uFFFF]+/g)) {
    const end = index + run.length;
    const isBetween =
      (index === 0 ? isEdgeBefore : text[index - 1] === '>') && (end === text.length ? isEdgeAfter : text[end] === '<');
    // Mustache takes the line break after a section's mark away, and leaves the indentation.
    if (isBetween && (index === 0 || end === text.length || /[\n\uFFFF]/.test(run))) {
      keepTo(index);
      kept = end;
      continue;
    }
    for (const filled of run.matchAll(/\uFFFF+/g)) {
      keepTo(index + filled.index);
      kept = index + filled.index + filled[0].length;
    }
  }
  keepTo(text.length);
  return parts;
}

function write(
  parts: readonly Part[],
  values: FieldValues,
  item: FieldItem | null,
  onPart?: (from: number, at: number) => void,
  before = 0,
): string {
  let out = '';
  for (const part of parts) {
    if (part.kind === 'text') {
      onPart?.(before + out.length, part.at);
      out += part.text;
      continue;
    }
    const value = valueOf(part.name, values, item);
    if (part.kind === 'value') {
      onPart?.(before + out.length, part.at);
      if (typeof value === 'string') out += escaped(part.name, value);
      continue;
    }
    const isThere = value !== null && value.length > 0;
    if (part.kind === 'inverted') {
      if (!isThere) out += write(part.parts, values, item, onPart, before + out.length);
    } else if (typeof value === 'string') {
      if (isThere) out += write(part.parts, values, item, onPart, before + out.length);
    } else if (value !== null) {
      for (const one of value) out += write(part.parts, values, one, onPart, before + out.length);
    }
  }
  return out;
}

function valueOf(name: string, values: FieldValues, item: FieldItem | null): FieldValue {
  if (item !== null && name === 'caId') return item.caId;
  if (item !== null && name === 'distributor') return item.distributor;
  return values[name] ?? null;
}

function escaped(name: string, value: string): string {
  if (!fitsXml(value)) throw new NotEncodable(`${name}: has a character that XML cannot carry; take it out`);
  return escapeXml(value);
}
