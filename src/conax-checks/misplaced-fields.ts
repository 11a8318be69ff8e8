import type { AnswerShape } from '../conax/cas-definition.types.ts';
import type { XmlElement } from '../soap/xml.ts';

/** A meaning that the name of an element may have, and the fields that it fits. */
interface Meaning {
  /** Only fields of one kind are taken for each other. */
  readonly kind: 'period' | 'login' | 'device' | 'number';
  readonly what: string;
  readonly fields: readonly string[];
  readonly name: RegExp;
}

const id = '(?:ca)?(?:serial)?(?:ids?|numbers?|nos?|nrs?|codes?|values?|lists?)?';
const when = '(?:at|on)?(?:date|time|datetime)?';
const period = '(?:valid|entitled|entitlement|active|activation|subscription|period)?';
const axis = '(?:pos|position|coordinate|screen|offset)?';

/** Whole names without what divides their words. A name that may mean anything else is not here, such as device or client. */
const meanings: readonly Meaning[] = [
  {
    kind: 'period',
    what: 'a start',
    fields: ['entitledFrom', 'startAt', 'displayAt'],
    name: new RegExp(`^${period}(?:from|start|begin|starts|begins)${when}$`),
  },
  {
    kind: 'period',
    what: 'an end',
    fields: ['entitledUntil'],
    name: new RegExp(`^${period}(?:to|until|till|end|ends|expiry|expiration|expires)${when}$`),
  },
  { kind: 'login', what: 'a user', fields: ['username'], name: /^(?:user|login)(?:name|id)$|^user$/ },
  { kind: 'login', what: 'a password', fields: ['password'], name: /^(?:user|login)?(?:password|passwd|pwd)$/ },
  {
    kind: 'device',
    what: 'a smart card',
    fields: ['smartcard', 'smartcards', 'existingSmartcard', 'pairedSmartcards'],
    name: new RegExp(`^(?:existing|new|paired)?(?:(?:ca)?(?:smart|viewing)?card|caclient)s?${id}$`),
  },
  {
    kind: 'device',
    what: 'a set-top box',
    fields: ['setTopBox', 'setTopBoxes', 'pairedSetTopBoxes'],
    name: new RegExp(`^(?:existing|new|paired)?(?:stb|settopbox|box|decoder|pairingmodule)(?:es|s)?${id}$`),
  },
  {
    kind: 'device',
    what: 'a product',
    fields: ['service', 'activeServices'],
    name: new RegExp(`^(?:product|package|bouquet)s?${id}$`),
  },
  { kind: 'number', what: 'x', fields: ['x'], name: new RegExp(`^${axis}x${axis}$`) },
  { kind: 'number', what: 'y', fields: ['y'], name: new RegExp(`^${axis}y${axis}$`) },
  { kind: 'number', what: 'a height', fields: ['height'], name: /^(?:text|font)?height$/ },
  { kind: 'number', what: 'a slot', fields: ['slot'], name: /^(?:fingerprint)?slot(?:id|number|no)?$/ },
  {
    kind: 'number',
    what: 'a duration',
    fields: ['durationSeconds'],
    name: /^(?:display|show)?duration(?:in)?(?:seconds|secs?)?$/,
  },
  {
    kind: 'number',
    what: 'an interval',
    fields: ['intervalSeconds'],
    name: /^(?:repeat|repetition)?interval(?:in)?(?:seconds|secs?)?$/,
  },
  {
    kind: 'number',
    what: 'repetitions',
    fields: ['repetitions'],
    name: /^(?:numberof)?(?:repeats|repetitions)$|^repe(?:at|tition)count$/,
  },
];

/** A name without a meaning of its own: then the element around it counts. */
const plain = new RegExp(`^${id}$|^(?:item|entry|value|string|key|name|date|time|datetime)$`);

/**
 * Returns what the name of a place clearly means if it is another field of the same kind than the one that is there, such
 * as a set-top box in `CardNumber`: no schema finds that. null if the name fits, or has no clear meaning.
 * @param names those of the place and of the elements around it, from the inside out.
 */
function misplaced(field: string, names: readonly string[]): (Meaning & { readonly written: string }) | null {
  const written = names.find((name) => !plain.test(bare(name))) ?? '';
  const meant = meanings.find(({ name }) => name.test(bare(written)));
  const own = meanings.find(({ fields }) => fields.includes(field));
  if (meant === undefined || own === undefined || own === meant || own.kind !== meant.kind) return null;
  return { ...meant, written };
}

/**
 * Reports the fields of a request that stand in an element or attribute named for another one.
 * @param known the fields of the command.
 * @param fieldsIn returns the fields in a text, each with the mark that stands for it.
 */
export function reportMisplaced(
  root: XmlElement,
  known: readonly string[],
  fieldsIn: (text: string) => readonly { readonly field: string; readonly mark: string }[],
  report: (mark: string, at: number, problem: string) => void,
): void {
  const look = (text: string, names: readonly string[], at: number): void => {
    for (const { field, mark } of fieldsIn(text)) {
      const found = misplaced(field, names);
      if (found === null) continue;
      const right = found.fields.find((one) => known.includes(one));
      const remedy =
        right === undefined ? 'look whether the CAS wants it there' : `look whether ${right} belongs there`;
      report(mark, at, `${field} is sent in ${found.written}, a name for ${found.what}; ${remedy}`);
    }
  };
  const visit = ({ name, attributes, text, children, at }: XmlElement, around: readonly string[]): void => {
    const names = [name, ...around];
    look(text, names, at);
    for (const [key, value] of Object.entries(attributes)) look(value, [key.replace(/^\{.*\}/s, ''), ...names], at);
    for (const child of children) visit(child, names);
  };
  visit(root, []);
}

/** Reports the lists of an answer whose path ends at a name for another list. */
export function reportMisplacedLists({ paths }: AnswerShape, report: (list: string, problem: string) => void): void {
  for (const [list, path] of Object.entries(paths)) {
    const found = misplaced(list, path.map(({ name }) => name).toReversed());
    if (found !== null)
      report(list, `is read from ${found.written}, a name for ${found.what}; look whether it is the right path`);
  }
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
