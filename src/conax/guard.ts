import { childrenOf, type ElementModel } from './content-model.ts';
import { NotEncodable } from './fields.ts';
import { escapeXml, fitsXml } from './xml.ts';

/** What an element is to hold: text, children by name, or one of these for each repetition. */
export type BodyValue = string | BodyNode | readonly (string | BodyNode)[];
export interface BodyNode {
  [element: string]: BodyValue;
}

/**
 * What may be handed to the package's serialiser. It would send keys in the order in which they were set, send unknown
 * ones, raw XML under `_xml` and `$xml`, dates as empty elements, and control characters as they are. So: every element
 * in the order of the WSDL, none that it does not know, only strings, each escaped. Throws NotEncodable.
 */
export function guardedArguments(node: BodyNode, model: ElementModel, path: string): BodyNode {
  const ordered: BodyNode = {};
  let found = 0;
  for (const child of childrenOf(model)) {
    const { name } = child;
    const value = node[name];
    if (value === undefined || ordered[name] !== undefined) continue;
    found++;
    const at = `${path}/${name}`;
    if (!isList(value)) ordered[name] = guardedValue(value, child, at);
    else if (value.length <= child.maxOccurs) ordered[name] = value.map((item) => guardedValue(item, child, at));
    else throw new NotEncodable(`${at}: has ${value.length} values, and the WSDL allows ${child.maxOccurs}`);
  }
  if (found !== Object.keys(node).length) {
    const unknown = Object.keys(node).filter((name) => ordered[name] === undefined);
    throw new NotEncodable(`${path}: the WSDL knows no ${unknown.join(', ')} here`);
  }
  return ordered;
}

function guardedValue(value: string | BodyNode, model: ElementModel, at: string): string | BodyNode {
  const isText = model.type().kind === 'text';
  if (typeof value === 'string') {
    if (!isText) throw new NotEncodable(`${at}: is text where elements stand`);
    if (!fitsXml(value)) throw new NotEncodable(`${at}: has a character that XML cannot carry; take it out`);
    return escapeXml(value);
  }
  if (isText) throw new NotEncodable(`${at}: holds elements where text stands`);
  return guardedArguments(value, model, at);
}

function isList(value: BodyValue): value is readonly (string | BodyNode)[] {
  return Array.isArray(value);
}
