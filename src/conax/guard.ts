import { NotEncodable } from './fields.ts';
import { escapeXml, fitsXml } from './xml.ts';

/** What `soap` says that an element holds: a type's name, or its children (`X[]` where X may be repeated), in order. */
export interface SoapDescription {
  readonly [element: string]: string | SoapDescription;
}

/** What an element is to hold: text, children by name, or one of these for each repetition. */
export type BodyValue = string | BodyNode | readonly (string | BodyNode)[];
export interface BodyNode {
  [element: string]: BodyValue;
}

// What `describe()` mixes in among the children.
const noElements = new Set(['targetNSAlias', 'targetNamespace']);

/**
 * What may be handed to the package's serialiser. It would send keys in the order in which they were set, send unknown
 * ones, raw XML under `_xml` and `$xml`, dates as empty elements, and control characters as they are. So: every element
 * in the order of the WSDL, none that it does not know, only strings, each escaped. Throws NotEncodable.
 */
export function guardedArguments(node: BodyNode, description: SoapDescription, path: string): BodyNode {
  const ordered: BodyNode = {};
  let found = 0;
  for (const key of Object.keys(description)) {
    const inner = description[key];
    if (noElements.has(key) || inner === undefined) continue;
    const isRepeated = key.endsWith('[]');
    const name = isRepeated ? key.slice(0, -2) : key;
    const value = node[name];
    if (value === undefined) continue;
    found++;
    const at = `${path}/${name}`;
    if (!isList(value)) ordered[name] = guardedValue(value, inner, at);
    else if (isRepeated) ordered[name] = value.map((item) => guardedValue(item, inner, at));
    else throw new NotEncodable(`${at}: is a list, and the WSDL does not repeat it`);
  }
  if (found !== Object.keys(node).length) {
    const unknown = Object.keys(node).filter((name) => ordered[name] === undefined);
    throw new NotEncodable(`${path}: the WSDL knows no ${unknown.join(', ')} here`);
  }
  return ordered;
}

function guardedValue(value: string | BodyNode, description: string | SoapDescription, at: string): string | BodyNode {
  if (typeof value === 'string') {
    if (typeof description !== 'string') throw new NotEncodable(`${at}: is text where elements stand`);
    if (!fitsXml(value)) throw new NotEncodable(`${at}: has a character that XML cannot carry; take it out`);
    return escapeXml(value);
  }
  if (typeof description === 'string') throw new NotEncodable(`${at}: holds elements where text stands`);
  return guardedArguments(value, description, at);
}

function isList(value: BodyValue): value is readonly (string | BodyNode)[] {
  return Array.isArray(value);
}
