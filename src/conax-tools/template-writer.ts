import { listConditions, mustBeSent, requestFields } from '../conax/field-names.ts';
import type { CommandType } from '../planning/command.ts';
import { type QName, soapNamespaces } from '../soap/envelope.ts';
import { escapeXml } from '../soap/xml.ts';
import { type Guess, guessFields, type RequestGuesses } from './field-guesses.ts';
import type { OutlineElement, OutlineItem } from './schema-outline.ts';
import type { OutlineAttribute } from './schema-texts.ts';
import type { OutlineOperation } from './wsdl-outline.ts';

export interface WrittenTemplate {
  readonly text: string;
  /** `smartcard in CardNo`, for each field that was guessed. */
  readonly guessed: readonly string[];
  /** What a person must look at, with its line; 0 for the whole template. */
  readonly unsure: readonly { readonly line: number; readonly problem: string }[];
  /** The command's fields that no element looks like, and that need not be sent. */
  readonly notSent: readonly string[];
}

/** Returns the prefix for a namespace. */
export type PrefixOf = (ns: string) => string;

/**
 * Writes a whole envelope for an operation, with every element in the order of the schema. A value that nobody can guess
 * is `{{?Name}}`, which no command has, so that `conax check` refuses the template until somebody has replaced it.
 */
export function writeTemplate(type: CommandType, operation: OutlineOperation, prefixOf: PrefixOf): WrittenTemplate {
  const { input, soapVersion } = operation;
  const guesses = guessFields(type, input);
  const writer = createWriter(guesses, prefixOf);
  writer.open('soap:Body', () => {
    if (input.body !== null) return writer.element(input.body);
    writer.unsure('the WSDL has no element for the body', 'write the element that the CAS wants', 'here');
  });
  const body = writer.take();
  if (input.headers.length > 0) {
    writer.open('soap:Header', () => input.headers.forEach((header) => writer.element(header)));
  }
  const header = writer.take();
  const used = [...writer.used]
    .filter((ns) => ns !== '')
    .map((ns) => `\n    xmlns:${prefixOf(ns)}="${escapeXml(ns)}"`)
    .join('');
  const head = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    ...`<soap:Envelope xmlns:soap="${soapNamespaces[soapVersion]}"${used}>`.split('\n'),
  ];
  const lines = [...head, ...header.lines, ...body.lines, '</soap:Envelope>'];
  const unsure = [
    ...header.unsure.map(({ line, problem }) => ({ line: head.length + line, problem })),
    ...body.unsure.map(({ line, problem }) => ({ line: head.length + header.lines.length + line, problem })),
  ];
  const sent = new Set([...guesses.fields.values()].map(({ field }) => field).concat([...guesses.lists.values()]));
  const missing = Object.entries(requestFields[type]).filter(
    ([field]) => !sent.has(field) && listConditions[field] === undefined,
  );
  for (const [field, count] of missing) {
    if (!mustBeSent(field, count)) continue;
    unsure.push({ line: 0, problem: `no element looks like ${field}; write its tag into the one that is for it` });
  }
  const notSent = missing.flatMap(([field, count]) => (mustBeSent(field, count) ? [] : [field]));
  return { text: `${lines.join('\n')}\n`, guessed: writer.guessed, unsure, notSent };
}

interface Lines {
  readonly lines: readonly string[];
  readonly unsure: readonly { readonly line: number; readonly problem: string }[];
}

function createWriter({ fields, lists, conditions }: RequestGuesses, prefixOf: PrefixOf) {
  let lines: string[] = [];
  let unsures: { line: number; problem: string }[] = [];
  let depth = 1;
  const used = new Set<string>();
  const guessed: string[] = [];

  const put = (text: string): void => void lines.push(`${'  '.repeat(depth)}${text}`);

  function inner(write: () => void): void {
    depth += 1;
    write();
    depth -= 1;
  }

  function open(tag: string, write: () => void): void {
    put(`<${tag}>`);
    inner(write);
    put(`</${tag.replace(/ [^]*/, '')}>`);
  }

  /** Writes a comment about what stands in the next line, or about what is missing here. */
  function unsure(what: string, remedy: string, about: 'next' | 'here' = 'next'): void {
    put(comment(`${what}: ${remedy}`));
    unsures.push({ line: lines.length + (about === 'next' ? 1 : 0), problem: `${what}; ${remedy}` });
  }

  function qualified({ ns, name }: QName): string {
    if (ns === '') return name;
    used.add(ns);
    return `${prefixOf(ns)}:${name}`;
  }

  function element(node: OutlineElement): void {
    const list = lists.get(node);
    const condition = conditions.get(node);
    if (list === undefined && condition === undefined) return bare(node);
    const section = list ?? condition ?? '';
    put(`{{#${section}}}`);
    const from = lines.length;
    inner(() => bare(node));
    const [only = '', ...more] = lines.slice(from);
    if (list === undefined && more.length === 0) {
      lines.length = from - 1;
      put(`{{#${section}}}${only.trim()}{{/${section}}}`);
    } else put(`{{/${section}}}`);
    if (list !== undefined) guessed.push(`${list} in ${node.name.name}`);
    else if (!node.isOptional) {
      used.add(schemaInstance);
      put(`{{^${section}}}<${qualified(node.name)} ${prefixOf(schemaInstance)}:nil="true"/>{{/${section}}}`);
    }
  }

  function bare(node: OutlineElement): void {
    if (node.isOptional && !isGuessed(node)) return optional(node);
    const tag = `${qualified(node.name)}${attributesOf(node)}`;
    if (node.text === null && node.content.length > 0) return open(tag, () => items(node.content));
    const end = `</${qualified(node.name)}>`;
    const guess = fields.get(node);
    if (guess !== undefined) return put(`<${tag}>${tagOf(guess, node.name.name, node.name.name)}${end}`);
    if (node.text === null) return put(`<${tag}/>`);
    if (node.text.constant !== null) {
      if (node.text.values.length !== 1) unsure(`${node.name.name} is its default`, `it may be ${node.text.type}`);
      return put(`<${tag}>${escapeXml(node.text.constant)}${end}`);
    }
    if (node.isNillable) {
      used.add(schemaInstance);
      unsure(`${node.name.name} is sent without a value`, `the WSDL allows that; it may be ${node.text.type}`);
      return put(`<${tag} ${prefixOf(schemaInstance)}:nil="true"/>`);
    }
    unsure(`${node.name.name} (${node.text.type})`, 'write a field, or the text that the CAS wants');
    put(`<${tag}>{{?${node.name.name}}}${end}`);
  }

  /** Returns the tag of what was guessed. A command may not have the field, and what has it must be sent: then it says so. */
  function tagOf({ field, isConditional }: Guess, place: string, name: string): string {
    // A period starts at the time of the call, whether it ends or not.
    const sent = isConditional && field === 'entitledFrom' ? 'now' : field;
    if (field !== 'caId') guessed.push(`${sent} in ${place}`);
    if (isConditional && sent === 'entitledUntil') {
      const remedy = 'set it, or write a time that is far away if entitlements do not end';
      unsure(`the WSDL demands ${name}, and without ENTITLEMENT_MONTHS no command has entitledUntil`, remedy);
    } else if (isConditional && sent !== 'now') {
      const remedy = 'write a section around it if the CAS refuses that';
      unsure(`${name} is sent empty if a command has no ${field}`, remedy);
    }
    return `{{${sent}}}`;
  }

  /** An element that may be missing and that no field fills is left out, and shown. */
  function optional(node: OutlineElement): void {
    const what = node.text === null ? elementNames(node.content) || 'elements' : node.text.type;
    put(comment(`optional: ${node.name.name} (${what})`));
  }

  function items(all: readonly OutlineItem[]): void {
    for (const item of all) {
      if (item.kind === 'element') element(item);
      else if (item.kind === 'remark') {
        unsure(item.text, 'write what the CAS wants', 'here');
        if (item.isRequired) put('{{?element}}');
      } else choice(item.alternatives);
    }
  }

  function choice(alternatives: readonly (readonly OutlineItem[])[]): void {
    const [best = []] = alternatives.toSorted((a, b) => guessesIn(b) - guessesIn(a));
    const others = alternatives.filter((one) => one !== best).map(elementNames);
    if (guessesIn(best) > 0 || !best.every((item) => item.kind === 'element' && item.isOptional)) {
      unsure(`one of several: ${elementNames(best)}`, `keep it, or write instead ${others.join(' or ')}`);
    }
    items(best);
  }

  function attributesOf(node: OutlineElement): string {
    const texts = node.attributes.map((attribute) => attributeText(attribute, node)).join('');
    if (node.xsiType === null) return texts;
    used.add(schemaInstance);
    return ` ${prefixOf(schemaInstance)}:type="${qualified(node.xsiType)}"${texts}`;
  }

  function attributeText(attribute: OutlineAttribute, { name: of }: OutlineElement): string {
    if (!attribute.isRequired) return '';
    const { name, text } = attribute;
    const guess = fields.get(attribute);
    if (guess === undefined && text.constant === null) {
      unsure(
        `the attribute ${name.name} of ${of.name} (${text.type})`,
        'write a field, or the text that the CAS wants',
      );
    }
    const value =
      guess === undefined
        ? text.constant === null
          ? `{{?${name.name}}}`
          : escapeXml(text.constant)
        : tagOf(guess, `${of.name}/@${name.name}`, `the attribute ${name.name} of ${of.name}`);
    return ` ${qualified(name)}="${value}"`;
  }

  function isGuessed(node: OutlineElement): boolean {
    return (
      lists.has(node) ||
      conditions.has(node) ||
      fields.has(node) ||
      guessesIn(node.content) + attributeGuesses(node) > 0
    );
  }

  function guessesIn(all: readonly OutlineItem[]): number {
    let count = 0;
    for (const item of all) {
      if (item.kind === 'choice') for (const alternative of item.alternatives) count += guessesIn(alternative);
      if (item.kind !== 'element') continue;
      count += (fields.has(item) ? 1 : 0) + attributeGuesses(item) + guessesIn(item.content);
    }
    return count;
  }

  function attributeGuesses({ attributes }: OutlineElement): number {
    return attributes.filter((attribute) => fields.has(attribute)).length;
  }

  return {
    open,
    element,
    unsure,
    used,
    guessed,
    /** Returns what was written since the last call. */
    take(): Lines {
      const taken = { lines, unsure: unsures };
      lines = [];
      unsures = [];
      return taken;
    },
  };
}

/** The namespace of xsi:type and xsi:nil. */
export const schemaInstance = 'http://www.w3.org/2001/XMLSchema-instance';

function elementNames(items: readonly OutlineItem[]): string {
  return items
    .map((item) => {
      if (item.kind === 'element') return item.name.name;
      return item.kind === 'remark' ? item.text : item.alternatives.map(elementNames).join(' or ');
    })
    .join(', ');
}

/** Two hyphens end a comment. */
function comment(text: string): string {
  return `<!-- ${text.replaceAll(/-(?=-)|-$/g, '- ')} -->`;
}
