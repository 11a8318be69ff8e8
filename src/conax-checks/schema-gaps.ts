import { nameOf, type QName } from '../soap/envelope.ts';
import { fileLimits, namespaceOf, readXml, type XmlElement } from '../soap/xml.ts';
import { type WsdlDocuments, wsdlNamespaces } from './wsdl-documents.ts';

/** Why a message is not checked, or only in part. */
export interface Gap {
  readonly isWhole: boolean;
  /** The files that are missing; empty if libxml2 cannot read what is there. */
  readonly missing: readonly string[];
}

/** The attributes of XML Schema that name other declarations. */
const references = ['type', 'ref', 'base', 'itemType', 'memberTypes', 'substitutionGroup'];

/**
 * Returns a function that says what is missing in the schemas for an element and everything that it may hold; null if
 * nothing is.
 * @param leftOut what the validator does not have although a schema declares it, as {namespace}name.
 */
export function createGaps(
  { schemas, missingOf }: Pick<WsdlDocuments, 'schemas' | 'missingOf'>,
  leftOut: ReadonlySet<string>,
): (element: QName) => Gap | null {
  const declared = new Map<string, XmlElement[]>();
  for (const { text, targetNamespace: ns } of schemas) {
    for (const declaration of readXml(text, fileLimits).children) {
      const key = nameOf({ ns, name: declaration.attributes['name'] ?? '' });
      declared.set(key, [...(declared.get(key) ?? []), declaration]);
    }
  }
  return (element) => {
    const names = [element];
    const seen = new Set<string>();
    const missing = new Set<string>();
    let isLeftOut = false;
    for (const name of names) {
      const key = nameOf(name);
      if (seen.has(key) || name.ns === wsdlNamespaces.xs) continue;
      seen.add(key);
      isLeftOut ||= leftOut.has(key);
      // What a schema without a namespace declares belongs to the one that includes it.
      const found = declared.get(key) ?? declared.get(name.name);
      if (found === undefined) for (const file of missingOf(name.ns)) missing.add(file);
      else names.push(...found.flatMap(namedIn));
    }
    if (missing.size === 0 && !isLeftOut) return null;
    const key = nameOf(element);
    return { isWhole: leftOut.has(key) || !(declared.has(key) || declared.has(element.name)), missing: [...missing] };
  };
}

function namedIn(declaration: XmlElement): QName[] {
  const own = references.flatMap((attribute) => declaration.attributes[attribute]?.trim().split(/\s+/) ?? []);
  const names = own.map((text) => {
    const [prefix, name] = text.includes(':') ? text.split(':', 2) : ['', text];
    return { ns: namespaceOf(declaration, prefix ?? '') ?? '', name: name ?? '' };
  });
  return [...names, ...declaration.children.flatMap(namedIn)];
}
