import { isSecretName } from '../conax-checks/security-check.ts';
import { requestFields } from '../conax/field-names.ts';
import type { CommandType } from '../planning/command.ts';
import type { OutlineElement, OutlineItem } from './schema-outline.ts';
import type { OutlineAttribute, OutlineText } from './schema-texts.ts';
import type { OutlineMessage } from './wsdl-outline.ts';

/** What a template sends in an element or attribute. */
export interface Guess {
  /** The field, or `caId` or `distributor` of a list's device. */
  readonly field: string;
  /** The command may not have it, and no section leaves it out then: it is sent empty. */
  readonly isConditional: boolean;
}

export interface RequestGuesses {
  readonly fields: ReadonlyMap<OutlineElement | OutlineAttribute, Guess>;
  /** The elements that are repeated for a list, with its name. */
  readonly lists: ReadonlyMap<OutlineElement, string>;
  /** Elements that must not be sent without a field, or without a device of a list. */
  readonly conditions: ReadonlyMap<OutlineElement, string>;
}

type Kind = 'text' | 'number' | 'time';
const ids = '(?:ca)?(?:serial)?(?:ids?|numbers?|nos?|nrs?|codes?|refs?|references?|values?|s)?';
const cardName = new RegExp(`^(?:ca)?(?:(?:smart|viewing)?card|client|sc)s?${ids}$`);
const boxName = new RegExp(`^(?:stb|settopbox|pairingmodule|decoder|receiver|device|ird|box)(?:es|s)?${ids}$`);
const serviceName = new RegExp(`^(?:ca)?(?:product|service|package|entitlement|bouquet|offer)s?${ids}$`);
/** Names that say no more than that a device or service is named: the element around it says which. */
const plainName = new RegExp(`^${ids}$|^(?:item|entry|element|string|key|name)$`);
const distributorName = /^(?:.*)distributor(?:id|code|number|no)?$/;

/** The names of other fields, and the kinds of text that they may have. A name in another unit is no match. */
const otherNames: readonly (readonly [field: string, name: RegExp, kinds: readonly Kind[]])[] = [
  ['message', /^(?:message|msg|text)(?:text|body|content)?$|^(?:textmessage|content|body)$/, ['text']],
  [
    'startAt',
    /^(?:start|send|display|show|delivery|broadcast|begin|schedule)(?:ed|indication)?(?:at|time|date|datetime|on)?$/,
    ['time'],
  ],
  ['displayAt', /^(?:start|send|display|show|begin|schedule)(?:ed)?(?:at|time|date|datetime|on)?$/, ['time']],
  ['durationSeconds', /^(?:display|show)?(?:duration|seconds)(?:in)?(?:s|sec|secs|seconds)?$/, ['number', 'text']],
  [
    'repetitions',
    /^(?:num|number|no)?(?:of)?(?:repeat|repetition|repeating)s?(?:count|number)?$|^(?:numberof)?times$/,
    ['number', 'text'],
  ],
  [
    'intervalSeconds',
    /^(?:repeat|repetition)?(?:interval|pause|gap)(?:in)?(?:s|sec|secs|seconds)?$/,
    ['number', 'text'],
  ],
  ['x', /^(?:pos|position|coordinate|screen|offset)?x(?:pos|position|coordinate|offset)?$/, ['number', 'text']],
  ['y', /^(?:pos|position|coordinate|screen|offset)?y(?:pos|position|coordinate|offset)?$/, ['number', 'text']],
  ['height', /^(?:text|font|character)?height$/, ['number', 'text']],
  ['queueNumber', /^(?:communication|message)?queue(?:number|no|nr|id)?$/, ['number', 'text']],
  ['slot', /^(?:fingerprint)?slot(?:id|number|no)?$/, ['number', 'text']],
  ['pin', /^(?:new|ca|user|given)*pin(?:code|value|number)?$/, ['text', 'number']],
  [
    'entitledFrom',
    /^(?:valid|entitled|entitlement|active|start)?(?:from|start|begin)(?:at|date|time|datetime)?$/,
    ['time'],
  ],
  [
    'entitledUntil',
    /^(?:valid|entitled|entitlement|active)?(?:to|until|till|end|expiry|expiration|expires)(?:at|date|time|datetime)?$/,
    ['time'],
  ],
  [
    'requestNumber',
    /^(?:sequence|seq|request|transaction|correlation|client(?:request|transaction)|message)(?:number|no|nr|id|ref)$/,
    ['text', 'number'],
  ],
  ['now', /^(?:timestamp|created|requesttime|requestdate|sent|sentat)$/, ['time']],
  ['username', /^(?:user|login)(?:name|id)?$/, ['text']],
  ['password', /^(?:password|passwd|pwd)$/, ['text']],
];

/** The fields that a login or a route in the Header may have: it never says what the operation works on. */
const headerFields: ReadonlySet<string> = new Set(['requestNumber', 'now', 'username', 'password']);

/**
 * Returns which field stands in which element of a request, by their names, as far as that is sure. Each field is used
 * once: a second element that looks like it is left for a person. The command's own fields are guessed in the Body only, and
 * any secret in the Header is taken for the password if no element has a name of it.
 */
export function guessFields(type: CommandType, { headers, body }: OutlineMessage): RequestGuesses {
  const fields = new Map<OutlineElement | OutlineAttribute, Guess>();
  const lists = new Map<OutlineElement, string>();
  const conditions = new Map<OutlineElement, string>();
  const known = requestFields[type];
  const used = new Set<string>();
  let isHeader = true;
  let mayBeSecret = false;

  function take(node: OutlineElement | OutlineAttribute, field: string, isConditional = false): void {
    used.add(field);
    fields.set(node, { field, isConditional });
  }

  function leaf(node: OutlineElement | OutlineAttribute, text: OutlineText, path: readonly OutlineElement[]): void {
    if (text.constant !== null) return;
    const names = [node, ...path.toReversed()].map(({ name }) => plain(name.name));
    const section = [node, ...path.toReversed()].find((one) => one.kind === 'element' && one.isList);
    const list = section === undefined || section.kind !== 'element' ? null : section;
    const [own = ''] = names;
    if (distributorName.test(own)) {
      const of = list === null ? null : lists.get(list);
      if (of !== null && of !== undefined) fields.set(node, { field: 'distributor', isConditional: true });
      return;
    }
    const device = isHeader ? null : deviceField(names);
    if (device !== null) return takeDevice(node, device, list, path);
    const kind = kindOf(text.base);
    const found = otherNames.find(([field, name, kinds]) => {
      const isField = headerFields.has(field) || (!isHeader && known[field] !== undefined);
      return isField && name.test(own) && kind !== null && kinds.includes(kind);
    });
    if (found !== undefined && !used.has(found[0])) take(node, found[0], known[found[0]] === 'optional');
    else if (mayBeSecret && kind === 'text' && isSecretName(node.name.name) && !used.has('password'))
      take(node, 'password');
  }

  function takeDevice(
    node: OutlineElement | OutlineAttribute,
    device: 'smartcard' | 'setTopBox' | 'service',
    list: OutlineElement | null,
    path: readonly OutlineElement[],
  ): void {
    const many = `${device}${device === 'setTopBox' ? 'es' : 's'}`;
    if (device === 'smartcard' && known['existingSmartcard'] !== undefined && list === null) {
      if (!used.has('existingSmartcard')) take(node, 'existingSmartcard');
    } else if (known[device] !== undefined) {
      if (!used.has(device)) take(node, device);
    } else if (known[many] !== undefined && list !== null && !used.has(many)) {
      used.add(many);
      lists.set(list, many);
      fields.set(node, { field: 'caId', isConditional: false });
      const around = path[path.indexOf(list) < 0 ? path.length - 1 : path.indexOf(list) - 1];
      const isAlone = around?.content.length === 1 && path.indexOf(around) > 0;
      if (known[many] === 'any' && around?.isOptional === true && isAlone) {
        conditions.set(around, device === 'setTopBox' ? 'hasSetTopBoxes' : 'hasSmartcards');
      }
    }
  }

  function walk(items: readonly OutlineItem[], path: readonly OutlineElement[]): void {
    for (const item of items) {
      if (item.kind === 'choice') for (const alternative of item.alternatives) walk(alternative, path);
      if (item.kind !== 'element') continue;
      for (const attribute of item.attributes) {
        if (attribute.isRequired) leaf(attribute, attribute.text, [...path, item]);
      }
      if (item.text !== null) leaf(item, item.text, path);
      walk(item.content, [...path, item]);
    }
  }
  walk(headers, []);
  isHeader = false;
  if (body !== null) walk([body], []);
  isHeader = true;
  mayBeSecret = true;
  walk(headers, []);
  for (const root of [...headers, ...(body === null ? [] : [body])]) addSections(root);
  return { fields, lists, conditions };

  /**
   * Leaves out each element that may be missing or nil and has nothing but a field that a command may not have. The
   * outermost one counts: what else it demands is not wanted without the field.
   */
  function addSections(node: OutlineElement): void {
    const inside = lists.has(node) ? [] : nodesIn(node);
    const own = inside.flatMap((one) => fields.get(one) ?? []);
    const [first] = own;
    const isAlone = own.every((guess) => guess.isConditional && presenceOf(guess) === presenceOf(first ?? guess));
    const hasList = inside.some((one) => one.kind === 'element' && (lists.has(one) || conditions.has(one)));
    if ((node.isOptional || node.isNillable) && first !== undefined && isAlone && !hasList) {
      conditions.set(node, first.field);
      for (const one of inside) {
        const guess = fields.get(one);
        if (guess !== undefined) fields.set(one, { ...guess, isConditional: false });
      }
    } else for (const child of elementsIn(node.content)) addSections(child);
  }
}

/** A command has start and end of a period, or none of both. */
function presenceOf({ field }: Guess): string {
  return field.startsWith('entitled') ? 'entitled' : field;
}

/** An element, its attributes, and all in it. */
function nodesIn(node: OutlineElement): (OutlineElement | OutlineAttribute)[] {
  return [node, ...node.attributes, ...elementsIn(node.content).flatMap(nodesIn)];
}

/** The elements of a content, those of every alternative included. */
export function elementsIn(items: readonly OutlineItem[]): OutlineElement[] {
  return items.flatMap((item) => {
    if (item.kind === 'element') return [item];
    return item.kind === 'choice' ? item.alternatives.flatMap(elementsIn) : [];
  });
}

/** What the names of an element and of those around it, from the inside out, say that it identifies. */
export function deviceField(names: readonly string[]): 'smartcard' | 'setTopBox' | 'service' | null {
  for (const name of names) {
    const bare = name.replace(/^(?:existing|current|paired|bound|known|active|master|main|new)(?=.)/, '');
    if (cardName.test(bare)) return 'smartcard';
    if (boxName.test(bare)) return 'setTopBox';
    if (serviceName.test(bare)) return 'service';
    if (!plainName.test(name)) return null;
  }
  return null;
}

/** A name without what divides its words. */
export function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function kindOf(base: string): Kind | null {
  if (base === 'dateTime') return 'time';
  if (/^(?:integer|int|long|short|byte|decimal|unsigned\w+|positiveInteger|nonNegativeInteger)$/.test(base))
    return 'number';
  return /^(?:string|normalizedString|token|anySimpleType|anyType)$/.test(base) ? 'text' : null;
}
