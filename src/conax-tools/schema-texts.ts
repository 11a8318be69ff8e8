import { type QName } from '../soap/envelope.ts';
import type { XmlElement } from '../soap/xml.ts';
import { type Components, referredName, type SchemaContext, schemaNamespace } from './schema-components.ts';

/** A text that an element or attribute holds. */
export interface OutlineText {
  /** The built-in type that it comes from, such as `dateTime`. */
  readonly base: string;
  /** The type for people: `string, at most 11 characters`. */
  readonly type: string;
  /** The only text that it may have, or its default. */
  readonly constant: string | null;
  /** The texts that it may have, if they are listed. */
  readonly values: readonly string[];
}

export interface OutlineAttribute {
  readonly kind: 'attribute';
  readonly name: QName;
  readonly isRequired: boolean;
  readonly text: OutlineText;
}

/** Types that refer to each other more often are not followed. */
export const depthMax = 20;
/** The text of what has no type. */
export const anyText: OutlineText = { base: 'string', type: 'string', constant: null, values: [] };

/** Returns what the simple types and attributes of the schemas say. */
export function createTexts(components: Components) {
  function attributesOf(node: XmlElement, schema: SchemaContext): OutlineAttribute[] {
    const { ref, use, type, fixed, default: preset } = node.attributes;
    if (use === 'prohibited') return [];
    const referred = ref === undefined ? undefined : referredName(node, ref, schema);
    if (node.name === 'attributeGroup') {
      const group = referred && components.one('attributeGroup', referred);
      return (group?.node.children ?? []).flatMap((child) =>
        isSchemaNode(child, 'attribute', 'attributeGroup') ? attributesOf(child, group?.schema ?? schema) : [],
      );
    }
    const global = referred && components.one('attribute', referred);
    const declared = global?.node ?? node;
    const context = global?.schema ?? schema;
    const form = node.attributes['form'];
    const isQualified = form === undefined ? schema.qualifiesAttributes : form === 'qualified';
    const name = referred ?? { ns: isQualified ? schema.ns : '', name: node.attributes['name'] ?? '' };
    const typeName = declared.attributes['type'] ?? type;
    const inner = declared.children.find((child) => isSchemaNode(child, 'simpleType'));
    const text =
      typeName === undefined ? (inner ? simpleText(inner, context) : anyText) : textOf(declared, typeName, context);
    const constant = fixed ?? declared.attributes['fixed'] ?? preset ?? text.constant;
    return [{ kind: 'attribute', name, isRequired: use === 'required', text: { ...text, constant } }];
  }

  function textOf(node: XmlElement, type: string, schema: SchemaContext): OutlineText {
    const found = components.one('type', referredName(node, type, schema));
    return found?.node.name === 'simpleType' ? simpleText(found.node, found.schema) : builtIn(node, type, schema);
  }

  function simpleText(type: XmlElement, schema: SchemaContext, depth = 0): OutlineText {
    const derivation = type.children.find((child) => isSchemaNode(child, 'restriction', 'list', 'union'));
    if (derivation === undefined || depth > depthMax) return anyText;
    if (derivation.name !== 'restriction') return { ...anyText, base: '', type: `a ${derivation.name} of texts` };
    const { base } = derivation.attributes;
    const inner = derivation.children.find((child) => isSchemaNode(child, 'simpleType'));
    const from =
      base === undefined ? (inner ? simpleText(inner, schema, depth + 1) : anyText) : textOf(derivation, base, schema);
    const facet = (name: string): string[] =>
      derivation.children.filter((child) => isSchemaNode(child, name)).map((child) => child.attributes['value'] ?? '');
    const values = facet('enumeration').length > 0 ? facet('enumeration') : from.values;
    const limits = [
      ...facet('length').map((value) => `${value} characters`),
      ...facet('minLength').map((value) => `at least ${value} characters`),
      ...facet('maxLength').map((value) => `at most ${value} characters`),
      ...facet('pattern').map((value) => `like ${value}`),
      ...facet('minInclusive').map((value) => `from ${value}`),
      ...facet('maxInclusive').map((value) => `to ${value}`),
      ...(facet('enumeration').length > 0 ? [`one of ${values.join(', ')}`] : []),
    ];
    return {
      base: from.base,
      type: [from.type, ...limits].join(', '),
      constant: values.length === 1 ? (values[0] ?? null) : from.constant,
      values,
    };
  }

  function builtIn(node: XmlElement, type: string, schema: SchemaContext): OutlineText {
    const { ns, name } = referredName(node, type, schema);
    const isKnown = ns === schemaNamespace;
    return {
      base: isKnown ? name : '',
      type: isKnown ? name : `${name}, which is declared in no file that was read`,
      constant: null,
      values: [],
    };
  }

  return { attributesOf, simpleText, builtIn };
}

/** Whether a node is one of these elements of XML Schema. */
export function isSchemaNode(node: XmlElement, ...names: readonly string[]): boolean {
  return node.ns === schemaNamespace && names.includes(node.name);
}
