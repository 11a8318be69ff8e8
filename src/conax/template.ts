import type { Device } from '../planning/command.ts';
import { escapeXml, fitsXml } from '../soap/xml.ts';

/** A device of a list. */
export type FieldItem = Device;

/** A field's value: null if the command has none; a list for `smartcards` and `setTopBoxes`. */
export type FieldValue = string | null | readonly FieldItem[];
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** A command cannot be put into SOAP. The message names the field and what is wrong, never a secret. */
export class NotEncodable extends Error {
  override readonly name = 'NotEncodable';
  readonly code: 'COMMAND_NOT_ENCODABLE' | 'PIN_MISSING';
  constructor(message: string, code: 'COMMAND_NOT_ENCODABLE' | 'PIN_MISSING' = 'COMMAND_NOT_ENCODABLE') {
    super(message);
    this.code = code;
  }
}

/** A whole SOAP envelope whose tags are replaced by the fields of a command. */
export interface Template {
  readonly file: string;
  /** The fields that its tags name, with the line of the first tag; those of a list's devices as `smartcards.caId`. */
  readonly uses: ReadonlyMap<string, number>;
  readonly parts: readonly Part[];
}

/** A piece of a template, with its position in the source. */
export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly name: string; readonly at: number }
  | {
      readonly kind: 'section' | 'inverted';
      readonly name: string;
      readonly at: number;
      readonly parts: readonly Part[];
    };

const declaration = '<?xml version="1.0" encoding="utf-8"?>';

/**
 * Returns what is sent, as text for UTF-8.
 * @param onPart is called with each part that is sent and its position in the text.
 * @throws NotEncodable if XML cannot carry a value.
 */
export function render(
  { parts }: Pick<Template, 'parts'>,
  values: FieldValues,
  onPart?: (from: number, part: Part) => void,
): string {
  return declaration + write(parts, values, null, onPart, declaration.length);
}

function write(
  parts: readonly Part[],
  values: FieldValues,
  item: FieldItem | null,
  onPart?: (from: number, part: Part) => void,
  before = 0,
): string {
  let out = '';
  for (const part of parts) {
    if (part.kind === 'text') {
      onPart?.(before + out.length, part);
      out += part.text;
      continue;
    }
    const value = valueOf(part.name, values, item);
    if (part.kind === 'value') {
      onPart?.(before + out.length, part);
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
