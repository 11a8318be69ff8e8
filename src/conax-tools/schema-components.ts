import type { SchemaDocument } from '../conax-checks/wsdl-documents.ts';
import { nameOf, type QName } from '../soap/envelope.ts';
import { fileLimits, namespaceOf, readXml, type XmlElement, XmlError } from '../soap/xml.ts';

/** The namespace of XML Schema. */
export const schemaNamespace = 'http://www.w3.org/2001/XMLSchema';

/** What a schema document says about everything in it. */
export interface SchemaContext {
  /** The namespace of its names; a schema without one takes that of the schema that includes it. */
  readonly ns: string;
  readonly hasOwnNamespace: boolean;
  readonly qualifiesElements: boolean;
  readonly qualifiesAttributes: boolean;
}

export type ComponentKind = 'element' | 'type' | 'group' | 'attribute' | 'attributeGroup';

/** A global element, type, group or attribute of a schema. */
export interface Component {
  readonly kind: ComponentKind;
  readonly name: QName;
  readonly node: XmlElement;
  readonly schema: SchemaContext;
  /** What a redefinition redefines. */
  readonly original: Component | null;
}

export interface Components {
  readonly one: (kind: ComponentKind, name: QName) => Component | undefined;
  readonly all: (kind: ComponentKind) => readonly Component[];
  /** The prefixes that the schemas use, by namespace. */
  readonly prefixes: ReadonlyMap<string, string>;
}

const kinds: Readonly<Record<string, ComponentKind>> = {
  element: 'element',
  complexType: 'type',
  simpleType: 'type',
  group: 'group',
  attribute: 'attribute',
  attributeGroup: 'attributeGroup',
};

/** Finds the global components of a WSDL's schemas by kind and name. */
export function indexComponents(documents: readonly SchemaDocument[], remarks: string[]): Components {
  const found = new Map<string, Component>();
  const prefixes = new Map<string, string>();
  const roots = new Map<string, XmlElement>();
  for (const { id, file, text } of documents) {
    try {
      roots.set(id, readXml(text, fileLimits));
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      remarks.push(`${file}:1: a schema of it ${error.message}; what it declares is missing`);
    }
  }

  function addSchema(root: XmlElement, includer: string, around: readonly XmlElement[]): void {
    const own = root.attributes['targetNamespace'];
    const schema: SchemaContext = {
      ns: own ?? includer,
      hasOwnNamespace: own !== undefined,
      qualifiesElements: root.attributes['elementFormDefault'] === 'qualified',
      qualifiesAttributes: root.attributes['attributeFormDefault'] === 'qualified',
    };
    for (const node of root.children) {
      if (node.ns !== schemaNamespace) continue;
      const included = node.name === 'import' ? undefined : roots.get(node.attributes['schemaLocation'] ?? '');
      if (included !== undefined && !around.includes(included)) addSchema(included, schema.ns, [...around, included]);
      // The children of a redefinition replace what was just included.
      for (const child of node.name === 'redefine' ? node.children : [node]) addComponent(child, schema);
    }
  }

  function addComponent(node: XmlElement, schema: SchemaContext): void {
    const kind = kinds[node.name];
    const { name } = node.attributes;
    if (node.ns !== schemaNamespace || kind === undefined || name === undefined) return;
    const qname = { ns: schema.ns, name };
    const key = `${kind} ${nameOf(qname)}`;
    found.set(key, { kind, name: qname, node, schema, original: found.get(key) ?? null });
  }

  for (const { id, isRoot, isRedefined } of documents) {
    const root = roots.get(id);
    if (root === undefined) continue;
    collectPrefixes(root, prefixes);
    if (isRoot && !isRedefined) addSchema(root, '', [root]);
  }
  return {
    one: (kind, name) => found.get(`${kind} ${nameOf(name)}`),
    all: (kind) => [...found.values()].filter((component) => component.kind === kind),
    prefixes,
  };
}

/** Returns the name that an attribute of a schema refers to. */
export function referredName(node: XmlElement, text: string, schema: SchemaContext): QName {
  const at = text.indexOf(':');
  const ns = namespaceOf(node, at < 0 ? '' : text.slice(0, at)) ?? '';
  return { ns: ns === '' && !schema.hasOwnNamespace ? schema.ns : ns, name: text.slice(at + 1) };
}

/** Names that say nothing about what is in the namespace. */
const meaningless = new Set(['', 'tns', 'this', 'xs', 'xsd', 'xml', 'soap', 'soap12', 'wsdl', 'soapenv', 'xsi']);

function collectPrefixes({ scope, children }: XmlElement, found: Map<string, string>): void {
  for (const [prefix, ns] of Object.entries(scope?.declared ?? {})) {
    if (!meaningless.has(prefix) && !/^ns\d*$/.test(prefix) && !found.has(ns)) found.set(ns, prefix);
  }
  for (const child of children) collectPrefixes(child, found);
}
