import type { XmlElement } from 'libxml2-wasm';
import { FileError } from '../platform/files.ts';
import { nameOf, type QName } from '../soap/envelope.ts';
import { elements, type WsdlDocuments } from './wsdl-documents.ts';

/** The attributes of a WSDL that name something, and where that stands; null if it stands in a schema. */
const references: readonly (readonly [path: string, attribute: string, target: string | null])[] = [
  ['wsdl:message/wsdl:part', 'element', null],
  ['wsdl:message/wsdl:part', 'type', null],
  ['wsdl:portType/wsdl:operation/*', 'message', 'wsdl:message'],
  ['wsdl:binding', 'type', 'wsdl:portType'],
  ['wsdl:binding//soap11:header|wsdl:binding//soap12:header', 'message', 'wsdl:message'],
  ['wsdl:service/wsdl:port', 'binding', 'wsdl:binding'],
];

/**
 * Checks the names with which the parts of a WSDL refer to each other. Warns of those that are nowhere.
 * @throws FileError if a name has a prefix that is declared nowhere: then nobody knows what the WSDL says.
 */
export function checkReferences(documents: WsdlDocuments, warnings: string[]): void {
  const undeclared: string[] = [];
  for (const { file, root } of documents.definitions) {
    for (const [path, attribute, target] of references) {
      for (const from of elements(root, path)) {
        const text = from.attr(attribute)?.value.trim();
        if (text === undefined) continue;
        const place = `${file}:${documents.lineOf(file, from)}: ${attribute}="${text}"`;
        const prefix = /^(.*?):/.exec(text)?.[1];
        if (prefix !== undefined && from.namespaceForPrefix(prefix) === null) {
          undeclared.push(
            `${place} has the prefix ${prefix}, which is declared nowhere; write xmlns:${prefix}="…" there`,
          );
        } else if (target !== null) {
          const problem = missing(documents, from, target, qname(from, attribute));
          if (problem !== null) warnings.push(`${place} of ${from.name}: ${problem}; correct it, or it is not checked`);
        }
      }
    }
  }
  if (undeclared.length > 0) throw new FileError(undeclared.join('; '));
}

/** What is wrong with a reference; null if nothing is, or if a file that is missing may have what it names. */
function missing(documents: WsdlDocuments, from: XmlElement, target: string, name: QName | null): string | null {
  if (name === null || documents.missingOf(name.ns).length > 0) return null;
  const found = findIn(documents, target, name)?.found;
  if (found === undefined) return `the WSDL has no ${target.replace('wsdl:', '')} ${nameOf(name)}`;
  if (from.name !== 'header') return null;
  const part = from.attr('part')?.value ?? '';
  const parts = elements(found, 'wsdl:part').map((one) => one.attr('name')?.value);
  return parts.includes(part)
    ? null
    : `the message ${name.name} has no part "${part}", but ${parts.join(', ') || 'none'}`;
}

/** Returns what has a name, with its file; null if there is none. */
export function findIn(
  { definitions }: WsdlDocuments,
  path: string,
  name: QName | null,
): { readonly file: string; readonly found: XmlElement } | null {
  for (const { file, root } of definitions) {
    if (name === null || (root.attr('targetNamespace')?.value ?? '') !== name.ns) continue;
    const found = elements(root, path).find((one) => one.attr('name')?.value === name.name);
    if (found !== undefined) return { file, found };
  }
  return null;
}

/** The qualified name in an attribute; null if it is not there. */
export function qname(element: XmlElement, attribute: string): QName | null {
  const text = element.attr(attribute)?.value.trim();
  if (text === undefined) return null;
  const colon = text.indexOf(':');
  const ns = element.namespaceForPrefix(colon < 0 ? '' : text.slice(0, colon)) ?? '';
  return { ns, name: text.slice(colon + 1) };
}
