import { nameOf, type QName } from '../soap/envelope.ts';
import type { XmlElement } from '../soap/xml.ts';
import {
  type Component,
  type Components,
  referredName,
  type SchemaContext,
  schemaNamespace,
} from './schema-components.ts';
import {
  anyText,
  createTexts,
  depthMax,
  isSchemaNode,
  type OutlineAttribute,
  type OutlineText,
} from './schema-texts.ts';

/** An element as a request or an answer may have it. */
export interface OutlineElement {
  readonly kind: 'element';
  readonly name: QName;
  readonly isOptional: boolean;
  readonly isList: boolean;
  readonly isNillable: boolean;
  /** The text in it; null if it has elements, or nothing. */
  readonly text: OutlineText | null;
  /** The type for `xsi:type`, if the declared one is abstract. */
  readonly xsiType: QName | null;
  readonly attributes: readonly OutlineAttribute[];
  readonly content: readonly OutlineItem[];
}

export type OutlineItem =
  | OutlineElement
  | { readonly kind: 'choice'; readonly alternatives: readonly (readonly OutlineItem[])[] }
  /** A construct that has no outline, for people. A request without it is wrong if it is required. */
  | { readonly kind: 'remark'; readonly text: string; readonly isRequired: boolean };

/** How often something is there, the elements around it without a name of their own included. */
interface Occurrence {
  readonly isOptional: boolean;
  readonly isList: boolean;
}
const once: Occurrence = { isOptional: false, isList: false };

const elementsMax = 2_000;

/** Returns what may stand in a global element. A construct that it cannot show becomes a remark in its place. */
export function outlineElement(components: Components, name: QName): OutlineElement | null {
  const component = components.one('element', name);
  return component === undefined ? null : createWalk(components).element(component.node, component.schema, once, 0);
}

/** Returns the same for an element that has no declaration but a type, as the parts of rpc style. */
export function outlineOfType(components: Components, name: QName, type: QName): OutlineElement {
  return createWalk(components).typed(name, type);
}

function createWalk(components: Components) {
  const { attributesOf, simpleText, builtIn } = createTexts(components);
  let elements = 0;

  function element(node: XmlElement, schema: SchemaContext, around: Occurrence, depth: number): OutlineElement {
    const occurrence = occurrenceOf(node, around);
    const { ref } = node.attributes;
    const referred = ref === undefined ? undefined : components.one('element', referredName(node, ref, schema));
    if (ref !== undefined && referred === undefined) {
      return leaf(referredName(node, ref, schema), occurrence, [remark(`${ref} is declared in no file that was read`)]);
    }
    const declared = referred?.node ?? node;
    const context = referred?.schema ?? schema;
    const isGlobal = referred !== undefined || depth === 0;
    const form = declared.attributes['form'];
    const isQualified = isGlobal || (form === undefined ? context.qualifiesElements : form === 'qualified');
    const name = { ns: isQualified ? context.ns : '', name: declared.attributes['name'] ?? '' };
    elements += 1;
    if (depth > depthMax || elements > elementsMax) {
      return leaf(name, occurrence, [remark('has more elements than can be shown; its types may contain themselves')]);
    }
    if (isGlobal && declared.attributes['abstract'] === 'true') {
      const substitutes = components
        .all('element')
        .filter((one) => isNamed(one.node, 'substitutionGroup', one.schema, name));
      const [only, second] = substitutes;
      if (only !== undefined && second === undefined) {
        return { ...element(only.node, only.schema, occurrence, depth + 1), name: only.name };
      }
      const names = substitutes.map((one) => nameOf(one.name)).join(', ') || 'no element that was read';
      return leaf(name, occurrence, [
        remark(`${name.name} is abstract: write one of its substitutes instead: ${names}`),
      ]);
    }
    const { type } = declared.attributes;
    const inner = declared.children.find((child) => isSchemaNode(child, 'complexType', 'simpleType'));
    const found = type === undefined ? undefined : components.one('type', referredName(declared, type, context));
    const made =
      type !== undefined && found === undefined
        ? { ...nothing, text: builtIn(declared, type, context) }
        : contentOf(found?.node ?? inner, found?.schema ?? context, depth, found ?? null);
    const { fixed, default: preset, nillable } = declared.attributes;
    const constant = fixed ?? preset ?? made.text?.constant ?? null;
    return {
      kind: 'element',
      name,
      ...occurrence,
      isNillable: nillable === 'true' || nillable === '1',
      ...made,
      text:
        made.text === null
          ? null
          : { ...made.text, constant, values: fixed === undefined ? made.text.values : [fixed] },
    };
  }

  function typed(name: QName, type: QName): OutlineElement {
    const found = components.one('type', type);
    const made =
      found === undefined
        ? { ...nothing, text: { base: type.name, type: type.name, constant: null, values: [] } }
        : contentOf(found.node, found.schema, 0, found);
    return { kind: 'element', name, ...once, isNillable: false, ...made };
  }

  function contentOf(
    type: XmlElement | undefined,
    schema: SchemaContext,
    depth: number,
    component: Component | null,
  ): Content {
    if (type === undefined) return nothing;
    if (type.name === 'simpleType') return { ...nothing, text: simpleText(type, schema) };
    if (type.attributes['abstract'] === 'true' && component !== null) {
      const derived = components.all('type').filter((one) => derivesFrom(one, component.name));
      const [only, second] = derived;
      if (only !== undefined && second === undefined) {
        return { ...contentOf(only.node, only.schema, depth + 1, only), xsiType: only.name };
      }
      const names = derived.map((one) => nameOf(one.name)).join(', ') || 'no type that was read';
      return {
        ...nothing,
        content: [
          remark(`its type ${component.name.name} is abstract: write xsi:type and the elements of one of ${names}`),
        ],
      };
    }
    const attributes: OutlineAttribute[] = [];
    const content: OutlineItem[] = [];
    let text: OutlineText | null =
      type.attributes['mixed'] === 'true' ? { ...anyText, type: 'text between elements' } : null;
    for (const child of type.children) {
      if (isSchemaNode(child, 'complexContent', 'simpleContent')) {
        const derivation = child.children.find((one) => isSchemaNode(one, 'extension', 'restriction'));
        if (derivation === undefined) continue;
        const made = derivedContent(derivation, schema, depth, component);
        attributes.push(...made.attributes);
        content.push(...made.content);
        text = made.text ?? text;
      } else if (isSchemaNode(child, 'attribute', 'attributeGroup')) attributes.push(...attributesOf(child, schema));
      else content.push(...particle(child, schema, once, depth));
    }
    return { text: content.length > 0 ? null : text, xsiType: null, attributes, content };
  }

  function derivedContent(
    derivation: XmlElement,
    schema: SchemaContext,
    depth: number,
    component: Component | null,
  ): Content {
    const baseName = derivation.attributes['base'] ?? '';
    const base = components.one('type', referredName(derivation, baseName, schema));
    // A redefinition names the type that it redefines.
    const from = base?.node === component?.node ? component?.original : base;
    const own = contentOfParticles(derivation, schema, depth);
    const inherited =
      from === undefined || from === null
        ? { ...nothing, text: baseName === '' || isAnyType(baseName) ? null : builtIn(derivation, baseName, schema) }
        : contentOf(withoutAbstract(from.node), from.schema, depth + 1, from);
    const names = new Set(own.attributes.map(({ name }) => nameOf(name)));
    return {
      text: inherited.text,
      xsiType: null,
      attributes: [...inherited.attributes.filter(({ name }) => !names.has(nameOf(name))), ...own.attributes],
      content: derivation.name === 'restriction' ? own.content : [...inherited.content, ...own.content],
    };
  }

  function contentOfParticles(node: XmlElement, schema: SchemaContext, depth: number): Content {
    const attributes = node.children.flatMap((child) =>
      isSchemaNode(child, 'attribute', 'attributeGroup') ? attributesOf(child, schema) : [],
    );
    return { ...nothing, attributes, content: node.children.flatMap((child) => particle(child, schema, once, depth)) };
  }

  function particle(node: XmlElement, schema: SchemaContext, around: Occurrence, depth: number): OutlineItem[] {
    if (node.ns !== schemaNamespace) return [];
    const { maxOccurs, ref, namespace = 'any' } = node.attributes;
    if (maxOccurs === '0') return [];
    const occurrence = occurrenceOf(node, around);
    switch (node.name) {
      case 'element':
        return [element(node, schema, around, depth + 1)];
      case 'sequence':
      case 'all':
        return node.children.flatMap((child) => particle(child, schema, occurrence, depth));
      case 'group': {
        const name = referredName(node, ref ?? '', schema);
        const group = components.one('group', name);
        if (group === undefined) return [remark(`the group ${name.name} is declared in no file that was read`)];
        return group.node.children.flatMap((child) => particle(child, group.schema, occurrence, depth));
      }
      case 'choice': {
        const alternatives = node.children
          .map((child) => particle(child, schema, occurrence, depth))
          .filter((items) => items.length > 0);
        return alternatives.length < 2 ? alternatives.flat() : [{ kind: 'choice', alternatives }];
      }
      case 'any':
        return [remark(`any element of the namespace ${namespace} may stand here`, !occurrence.isOptional)];
      default:
        return [];
    }
  }

  function derivesFrom({ node, schema }: Component, name: QName): boolean {
    const derivation = node.children.flatMap((child) => (isSchemaNode(child, 'complexContent') ? child.children : []));
    return node.attributes['abstract'] !== 'true' && derivation.some((one) => isNamed(one, 'base', schema, name));
  }

  return { element, typed };
}

type Content = Pick<OutlineElement, 'text' | 'xsiType' | 'attributes' | 'content'>;
const nothing: Content = { text: null, xsiType: null, attributes: [], content: [] };

function leaf(name: QName, occurrence: Occurrence, content: readonly OutlineItem[]): OutlineElement {
  return { kind: 'element', name, ...occurrence, isNillable: false, ...nothing, content };
}

function remark(text: string, isRequired = true): OutlineItem {
  return { kind: 'remark', text, isRequired };
}

function occurrenceOf({ attributes }: XmlElement, around: Occurrence): Occurrence {
  const { minOccurs = '1', maxOccurs = '1' } = attributes;
  return {
    isOptional: around.isOptional || minOccurs === '0',
    isList: around.isList || maxOccurs === 'unbounded' || Number(maxOccurs) > 1,
  };
}

function isAnyType(name: string): boolean {
  return name.slice(name.indexOf(':') + 1) === 'anyType';
}

function isNamed(node: XmlElement, attribute: string, schema: SchemaContext, { ns, name }: QName): boolean {
  const text = node.attributes[attribute];
  if (text === undefined) return false;
  const referred = referredName(node, text, schema);
  return referred.ns === ns && referred.name === name;
}

/** An extension of an abstract type is no abstract type. */
function withoutAbstract(node: XmlElement): XmlElement {
  return { ...node, attributes: { ...node.attributes, abstract: 'false' } };
}
