import { type QName } from '../soap/envelope.ts';
import { escapeXml, type XmlElement } from '../soap/xml.ts';

/** What is written in another way than it was read. */
export interface Corrections {
  /** The namespace of an element. */
  readonly namespaceOf: (element: XmlElement) => string;
  readonly isLeftOut: (element: XmlElement) => boolean;
}

const xml = 'http://www.w3.org/XML/1998/namespace';

/**
 * Writes an element with a line for each start tag, so that a line in an error tells the element. Returns the elements by
 * their lines, the first at 1. Namespaces get prefixes of their own; those that were declared stay, for qualified names in
 * texts.
 */
export function writeLines(
  root: XmlElement,
  { namespaceOf, isLeftOut }: Corrections,
): { text: string; byLine: XmlElement[] } {
  const byLine: XmlElement[] = [root];
  const write = (element: XmlElement, outer: XmlElement['scope']): string => {
    const { name, attributes, children, text, scope } = element;
    byLine.push(element);
    const own = scope === null || scope === outer ? {} : scope.declared;
    const given = Object.entries(attributes).map(([key, value], index) => {
      const { ns, name: local } = nameIn(key);
      if (ns === '' || ns === xml) return ` ${ns === xml ? 'xml:' : ''}${local}="${escapeXml(value)}"`;
      return `${declaration(`_a${index}`, ns)} _a${index}:${local}="${escapeXml(value)}"`;
    });
    const ns = namespaceOf(element);
    // An element in no namespace must not get the one that is the default there.
    const declared = Object.entries({ ...own, ...(ns === '' ? { '': '' } : {}) }).map(([prefix, of]) =>
      declaration(prefix, of),
    );
    const tag = ns === '' ? name : `_e:${name}`;
    const written = [ns === '' ? '' : declaration('_e', ns), ...declared, ...given].join('');
    const inner = children.filter((child) => !isLeftOut(child)).map((child) => write(child, scope));
    return `\n<${tag}${written}>${escapeXml(text.trim() === '' && inner.length > 0 ? '' : text)}${inner.join('')}</${tag}>`;
  };
  return { text: write(root, null).trimStart(), byLine };
}

function declaration(prefix: string, ns: string): string {
  return prefix === 'xml' ? '' : ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeXml(ns)}"`;
}

/** Reads {namespace}name. */
function nameIn(key: string): QName {
  const [, ns = '', name = key] = /^\{(.*)\}(.*)$/s.exec(key) ?? [];
  return { ns, name };
}
