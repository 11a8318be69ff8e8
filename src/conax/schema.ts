import type { ElementModel, Particle, TypeModel } from './content-model.ts';
import { builtInCheck, type Facet, restrict, type TextCheck } from './simple-types.ts';
import { namespaceOf, type XmlElement } from './xml.ts';

/** The namespace of XML Schema itself. */
export const schemaNamespace = 'http://www.w3.org/2001/XMLSchema';

/** One <schema> element, and the namespace that its declarations belong to (an included one takes its includer's). */
export interface SchemaDocument {
  readonly root: XmlElement;
  readonly targetNamespace: string;
}

/** The global declarations of some schemas, each under `{namespace}name`. */
export interface Schemas {
  /** The model of a global element, undefined where the schemas have none of that name. */
  element(ns: string, name: string): ElementModel | undefined;
}

interface Declared {
  readonly node: XmlElement;
  readonly schema: SchemaDocument;
}

const declarationKinds = new Set(['element', 'complexType', 'simpleType', 'group']);

/**
 * Turns schemas into models. Known: elements (local and by ref), named and anonymous types, sequence, choice, all, any,
 * groups, extension and restriction, the built-in simple types with their facets. Something else, or a name that is
 * declared nowhere, is an Error when the declaration that uses it is first looked at.
 */
export function readSchemas(documents: readonly SchemaDocument[]): Schemas {
  const declared = new Map<string, Declared>();
  for (const schema of documents) {
    for (const node of schema.root.children) {
      const name = node.attributes['name'];
      if (node.ns === schemaNamespace && declarationKinds.has(node.name) && name !== undefined) {
        declared.set(keyOf(kindOf(node), schema.targetNamespace, name), { node, schema });
      }
    }
  }

  function global(kind: string, from: Declared, qualifiedName: string): Declared {
    const [ns, name] = resolve(from.node, qualifiedName);
    const found = declared.get(keyOf(kind, ns, name));
    if (found === undefined) throw new Error(`no schema declares the ${kind} ${qualifiedName} ({${ns}}${name})`);
    return found;
  }

  function element(at: Declared, isGlobal: boolean): ElementModel {
    const { node, schema } = at;
    const { ref, name } = node.attributes;
    const occurs = occursOf(node);
    if (ref !== undefined) {
      const target = element(global('element', at, ref), true);
      return { ...target, ...occurs };
    }
    if (name === undefined) throw new Error('an element has neither name nor ref');
    const form = node.attributes['form'] ?? schema.root.attributes['elementFormDefault'] ?? 'unqualified';
    return {
      ns: isGlobal || form === 'qualified' ? schema.targetNamespace : '',
      name,
      ...occurs,
      nillable: node.attributes['nillable'] === 'true',
      type: once(() => typeOfElement(at)),
    };
  }

  function typeOfElement(at: Declared): TypeModel {
    const inline = parts(at.node).find((node) => node.name === 'complexType' || node.name === 'simpleType');
    if (inline !== undefined) return type({ node: inline, schema: at.schema });
    const name = at.node.attributes['type'];
    return name === undefined ? { kind: 'text', check: () => null } : namedType(at, name);
  }

  function namedType(at: Declared, qualifiedName: string): TypeModel {
    const [ns, name] = resolve(at.node, qualifiedName);
    if (ns === schemaNamespace) {
      const check = builtInCheck(name);
      if (check !== undefined) return { kind: 'text', check };
      if (name === 'anyType') return { kind: 'elements', content: anything, requiredAttributes: [] };
      throw new Error(`the type xs:${name} is not known`);
    }
    return type(global('type', at, qualifiedName));
  }

  function type(at: Declared): TypeModel {
    return at.node.name === 'simpleType' ? { kind: 'text', check: simpleType(at) } : complexType(at);
  }

  function simpleType(at: Declared): TextCheck {
    const [definition] = parts(at.node);
    if (definition?.name !== 'restriction') return () => null;
    const inline = parts(definition).find((node) => node.name === 'simpleType');
    const base = definition.attributes['base'];
    const from = { node: definition, schema: at.schema };
    const baseType = base === undefined ? undefined : namedType(from, base);
    if (baseType?.kind === 'elements') throw new Error(`a simple type restricts the complex type ${base}`);
    const baseCheck = baseType?.check ?? (inline === undefined ? () => null : simpleType({ ...from, node: inline }));
    return restrict(baseCheck, facetsOf(definition));
  }

  function complexType(at: Declared): TypeModel {
    const wrapped = parts(at.node).find((node) => node.name === 'complexContent' || node.name === 'simpleContent');
    if (wrapped === undefined) {
      return { kind: 'elements', content: contentOf(at), requiredAttributes: requiredAttributes(at.node) };
    }
    const [derivation] = parts(wrapped);
    const base = derivation?.attributes['base'];
    if (derivation === undefined || base === undefined) throw new Error('a derived type names no base');
    const from = { node: derivation, schema: at.schema };
    const baseType = namedType(from, base);
    if (baseType.kind === 'text') {
      return derivation.name === 'restriction'
        ? { kind: 'text', check: restrict(baseType.check, facetsOf(derivation)) }
        : baseType;
    }
    const own = contentOf(from);
    const inherited = derivation.name === 'extension' ? baseType.content : null;
    const items = [inherited, own].filter((item) => item !== null);
    return {
      kind: 'elements',
      content: items.length < 2 ? (items[0] ?? null) : { kind: 'sequence', minOccurs: 1, maxOccurs: 1, items },
      requiredAttributes: [...baseType.requiredAttributes, ...requiredAttributes(derivation)],
    };
  }

  function contentOf(at: Declared): Particle | null {
    const node = parts(at.node).find((part) => ['sequence', 'choice', 'all', 'group'].includes(part.name));
    return node === undefined ? null : particle({ node, schema: at.schema });
  }

  function particle(at: Declared): Particle {
    const { node } = at;
    switch (node.name) {
      case 'element':
        return { kind: 'element', element: element(at, false) };
      case 'any':
        return { kind: 'any', ...occursOf(node) };
      case 'group': {
        const ref = node.attributes['ref'];
        const content = ref === undefined ? null : contentOf(global('group', at, ref));
        return { kind: 'sequence', ...occursOf(node), items: content === null ? [] : [content] };
      }
      case 'sequence':
      case 'choice':
      case 'all':
        return {
          kind: node.name,
          ...occursOf(node),
          items: parts(node).map((part) => particle({ node: part, schema: at.schema })),
        };
      default:
        throw new Error(`the schema element ${node.name} is not known here`);
    }
  }

  return {
    element(ns, name) {
      const found = declared.get(keyOf('element', ns, name));
      return found === undefined ? undefined : element(found, true);
    },
  };
}

/** A qualified name as an attribute of `node` writes it: its namespace and its local name. */
export function resolve(node: XmlElement, qualifiedName: string): readonly [string, string] {
  const colon = qualifiedName.indexOf(':');
  const prefix = colon < 0 ? '' : qualifiedName.slice(0, colon);
  const ns = namespaceOf(node, prefix);
  if (ns === undefined && prefix !== '') throw new Error(`the prefix of ${qualifiedName} is declared nowhere`);
  return [ns ?? '', qualifiedName.slice(colon + 1)];
}

const anything: Particle = { kind: 'any', minOccurs: 0, maxOccurs: Infinity };

function kindOf(node: XmlElement): string {
  return node.name.endsWith('Type') ? 'type' : node.name;
}

function keyOf(kind: string, ns: string, name: string): string {
  return `${kind} {${ns}}${name}`;
}

function parts(node: XmlElement): XmlElement[] {
  return node.children.filter((child) => child.ns === schemaNamespace && child.name !== 'annotation');
}

function facetsOf(node: XmlElement): Facet[] {
  return parts(node)
    .filter((part) => part.attributes['value'] !== undefined)
    .map((part) => ({ name: part.name, value: part.attributes['value'] ?? '' }));
}

function requiredAttributes(node: XmlElement): string[] {
  return parts(node)
    .filter((part) => part.name === 'attribute' && part.attributes['use'] === 'required')
    .map((part) => part.attributes['name'] ?? part.attributes['ref'] ?? 'an attribute');
}

function occursOf(node: XmlElement): { minOccurs: number; maxOccurs: number } {
  const { minOccurs, maxOccurs } = node.attributes;
  return {
    minOccurs: minOccurs === undefined ? 1 : Number(minOccurs),
    maxOccurs: maxOccurs === undefined ? 1 : maxOccurs === 'unbounded' ? Infinity : Number(maxOccurs),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
