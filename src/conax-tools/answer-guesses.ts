import { answerLists } from '../conax/field-names.ts';
import type { CommandType } from '../planning/command.ts';
import type { QName } from '../soap/envelope.ts';
import { deviceField, plain } from './field-guesses.ts';
import { besideEntries, pagingDoubt, type Place, placesOf, shownPath } from './outline-places.ts';
import type { OutlineElement } from './schema-outline.ts';
import type { OutlineAttribute, OutlineText } from './schema-texts.ts';
import type { PrefixOf } from './template-writer.ts';
import type { OutlineOperation } from './wsdl-outline.ts';

export interface AnswerGuesses {
  /** The command's `answer` in conax.json. */
  readonly entry: Readonly<Record<string, string | boolean | readonly string[]>>;
  /** The status codes that the schema lists, and their type for people. */
  readonly codes: readonly string[];
  readonly codeType: string | null;
  /** The namespaces of the paths. */
  readonly namespaces: ReadonlySet<string>;
  readonly unsure: readonly string[];
}

/** The names of the plain fields, the surest first. */
const plainNames: Readonly<Record<string, readonly RegExp[]>> = {
  statusCode: [
    /^(?:status|result|return|response|completion)code$/,
    /^(?:status|error|return)$/,
    /^(?:code|result|errorcode|faultcode)$/,
    /^(?:success|ok)$/,
  ],
  message: [
    /^(?:status|result|return|response|error)?(?:message|description|text|msg)$/,
    /^(?:reason|info|details?|explanation)$/,
  ],
  referenceNumber: [
    /^(?:reference|ref|ticket|confirmation|tracking)(?:number|no|nr|id)?$/,
    /^(?:transaction|order|job)(?:number|no|nr|id)$/,
  ],
};

const listDevices: Readonly<Record<string, string>> = {
  activeServices: 'service',
  pairedSmartcards: 'smartcard',
  pairedSetTopBoxes: 'setTopBox',
};

/** Returns the paths of a command's answer, by the names of its elements, and what is not sure about them. */
export function guessAnswer(
  type: CommandType,
  { input, output }: Pick<OutlineOperation, 'input' | 'output'>,
  prefixOf: PrefixOf,
): AnswerGuesses {
  const namespaces = new Set<string>();
  const unsure: string[] = [];
  const entry: Record<string, string | boolean | readonly string[]> = {};
  const qualified = ({ ns, name }: QName): string => {
    if (ns !== '') namespaces.add(ns);
    return `${ns === '' ? '' : `${prefixOf(ns)}:`}${name}`;
  };
  if (output === null) {
    unsure.push('the WSDL names no answer; emptySuccess says that an empty one is a success');
    return { entry: { emptySuccess: true }, codes: [], codeType: null, namespaces, unsure };
  }
  if (output.body === null) {
    // Refused by the check: an empty answer must not count as a success only because a file is missing.
    entry['statusCode'] = output.element === null ? '?' : `${qualified(output.element)}/?`;
    const what = output.element === null ? 'the answer' : output.element.name;
    unsure.push(
      `${what} is in no schema that was read; write the paths of the answer, or add the file and start again`,
    );
    return { entry, codes: [], codeType: null, namespaces, unsure };
  }
  const places = placesOf(output.body);
  const step = ({ kind, name }: OutlineElement | OutlineAttribute): string =>
    `${kind === 'attribute' ? '@' : ''}${qualified(name)}`;
  const pathOf = ({ node, path }: Place): string => [...path, node].map(step).join('/');
  let status: OutlineText | null = null;
  let code: Place | undefined;
  const taken = new Set<Place>();
  for (const [field, patterns] of Object.entries(plainNames)) {
    const found = patterns
      .map((pattern) =>
        places.filter((place) => !place.isList && !taken.has(place) && pattern.test(plain(place.node.name.name))),
      )
      .find((matching) => matching.length > 0);
    const [place, ...others] = found ?? [];
    if (place === undefined) continue;
    taken.add(place);
    entry[field] = pathOf(place);
    if (others.length > 0) unsure.push(`${field} may also be ${others.map(pathOf).join(' or ')}`);
    if (field === 'statusCode') [code, status] = [place, place.node.text];
  }
  const lists: Place[] = [];
  for (const field of answerLists[type] ?? []) {
    const all = places.filter(({ node, path, isList }) => {
      const names = [node, ...path.slice(1).toReversed()].map(({ name }) => plain(name.name));
      return isList && deviceField(names) === listDevices[field];
    });
    const ids = all.filter((one) => !describes(one));
    const [place, ...others] = ids.length > 0 ? ids : all;
    if (place === undefined) unsure.push(`no repeated element looks like ${field}; write its path`);
    else {
      entry[field] = pathOf(place);
      lists.push(place);
    }
    if (others.length > 0) unsure.push(`${field} may also be ${others.map(pathOf).join(' or ')}`);
  }
  const isNamed = (place: Place): boolean => lists.includes(place) || taken.has(place);
  const beside = lists.flatMap((list) => besideEntries(places, list, code, isNamed));
  const [harmless, others] = [true, false].map((is) => beside.filter((place) => describes(place) === is));
  if (harmless !== undefined && harmless.length > 0) {
    entry['ignored'] = harmless.map(pathOf);
    unsure.push(`ignored: look whether ${harmless.map(shownPath).join(', ')} never say that an entry does not count`);
  }
  if (others !== undefined && others.length > 0) {
    unsure.push(
      `an answer with ${others.map(shownPath).join(', ')} is unreadable; write the path of each into "ignored" that never says that an entry does not count`,
    );
  }
  if (answerLists[type] !== undefined) {
    const doubt = pagingDoubt(places, isNamed, input.body);
    if (doubt !== null) unsure.push(doubt);
  }
  if (entry['statusCode'] === undefined && output.body.text !== null) {
    entry['statusCode'] = step(output.body);
    status = output.body.text;
  } else if (entry['statusCode'] === undefined) {
    const candidates = places.filter((place) => !place.isList && !taken.has(place)).map(pathOf);
    if (candidates.length === 0) {
      entry['element'] = step(output.body);
      unsure.push(`${output.body.name.name} has no status code: every one is a success`);
    } else {
      // Refused by the check: without a status code, every refusal of the CAS would count as a success.
      entry['statusCode'] = `${step(output.body)}/?`;
      unsure.push(
        `no element looks like a status code; write the path of statusCode, which may be ${candidates.join(' or ')}; ` +
          `only if the answer has none, write "element": "${step(output.body)}" instead`,
      );
    }
  }
  return { entry, codes: status?.values ?? [], codeType: status?.type ?? null, namespaces, unsure };
}

/** Whether the name of a place shows that it only describes the entry next to it. */
function describes({ node }: Place): boolean {
  return /(?:name|description|title|text|label|caption)$/.test(plain(node.name.name));
}

/** Whether a place has a name that status codes have. */
export function isNamedLikeStatusCode({ node }: Place): boolean {
  return plainNames['statusCode']?.some((pattern) => pattern.test(plain(node.name.name))) ?? false;
}
