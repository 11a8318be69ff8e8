import type { AnswerShape } from '../conax/cas-definition.types.ts';
import type { AnswerPath, AnswerStep } from '../soap/xml-path.ts';
import { answerLists } from '../conax/field-names.ts';
import type { CommandType } from '../planning/command.ts';
import { didYouMean } from '../platform/near-name.ts';
import type { QName } from '../soap/envelope.ts';

export interface AnswerEntry {
  readonly success?: readonly string[] | undefined;
  readonly refused?: readonly string[] | undefined;
  readonly tryLater?: readonly string[] | undefined;
  readonly notAuthorised?: readonly string[] | undefined;
  readonly emptySuccess?: boolean | undefined;
  readonly element?: string | undefined;
  readonly ignored?: readonly string[] | undefined;
}

/** Takes what is wrong with one member of the answer. */
export type ReportMember = (member: string, problem: string) => void;

/** Codes of lists that conax.json does not have. WS-Security names this one for a wrong user or password. */
const usualCodes = { success: [], refused: [], tryLater: [], notAuthorised: ['FailedAuthentication'] } as const;

const plainFields = ['statusCode', 'message', 'referenceNumber'];

/** The members of an answer's entry that are paths. */
export const answerFields = [...plainFields, ...new Set(Object.values(answerLists).flat())];

/** By prefix. null: what the prefix means is wrong, and reported already. */
export type Namespaces = Readonly<Record<string, string | null>>;

/** Reads how a command is answered: `entry` of the command, and what `common` says for all of them. */
export function parseAnswerShape(
  type: CommandType,
  entry: AnswerEntry & Readonly<Record<string, unknown>>,
  common: AnswerEntry,
  namespaces: Namespaces,
  report: ReportMember,
): AnswerShape {
  const lists = answerLists[type] ?? [];
  const paths: Record<string, AnswerPath> = {};
  for (const field of answerFields) {
    const text = entry[field];
    if (typeof text !== 'string') continue;
    if (!plainFields.includes(field) && !lists.includes(field)) {
      report(field, `is no list of this command's answer; it has ${[...plainFields, ...lists].join(', ')}`);
      continue;
    }
    const path = parsePath(text, namespaces, (problem) => report(field, problem));
    if (path === null) continue;
    const same = Object.keys(paths).find((other) => JSON.stringify(paths[other]) === JSON.stringify(path));
    if (same !== undefined)
      report(
        field,
        `has the path of ${same}; correct one of them${lists.includes(field) ? '' : `, or remove ${field}`}`,
      );
    paths[field] = path;
  }
  for (const field of lists) {
    if (entry[field] === undefined) report(field, 'is missing; write the path of its elements');
  }
  for (const [index, text] of (entry.ignored ?? []).entries()) {
    const path = parsePath(text, namespaces, (problem) => report('ignored', problem));
    if (path !== null) paths[`ignored.${index}`] = path;
  }
  if (entry.ignored !== undefined && lists.length === 0) {
    report('ignored', 'is only for the answer of a question: nothing else has lists; remove it');
  }
  const element = elementOf(entry, paths, namespaces, report);
  const emptySuccess = entry.emptySuccess ?? false;
  if (emptySuccess && lists.length > 0) {
    report(
      'emptySuccess',
      `is true, and an empty answer does not say whether ${lists.join(' and ')} are empty; remove it`,
    );
  }
  // Never silently: without a status code, whatever comes back is a success.
  if (entry['statusCode'] === undefined && entry.element === undefined && !emptySuccess) {
    report('statusCode', 'is missing; write its path, or "element" or "emptySuccess" if the CAS answers without one');
  }
  const codes = (name: keyof typeof usualCodes): ReadonlySet<string> =>
    new Set(entry[name] ?? common[name] ?? usualCodes[name]);
  const shape = {
    success: codes('success'),
    refused: codes('refused'),
    tryLater: codes('tryLater'),
    notAuthorised: codes('notAuthorised'),
  };
  // A list of a command may take a code out of a list of all commands.
  for (const given of [entry, common]) {
    const names = ['success', 'refused', 'tryLater', 'notAuthorised'] as const;
    for (const [index, name] of names.entries()) {
      for (const other of names.slice(0, index)) {
        const twice = given[name]?.find((code) => given[other]?.includes(code));
        if (twice !== undefined)
          report(name, `has the code ${twice}, as ${other} has; leave it in one of the two lists`);
      }
    }
  }
  if (paths['statusCode'] !== undefined && shape.success.size === 0) {
    report('success', 'is missing; write the status codes that mean success');
  }
  return { ...shape, emptySuccess, element, paths };
}

function elementOf(
  entry: AnswerEntry & Readonly<Record<string, unknown>>,
  paths: Readonly<Record<string, AnswerPath>>,
  namespaces: Namespaces,
  report: ReportMember,
): QName | null {
  let element: QName | null = null;
  let first = '';
  if (entry.element !== undefined) {
    const [step, more] = parsePath(entry.element, namespaces, (problem) => report('element', problem)) ?? [];
    if (more !== undefined || step?.isAttribute)
      report('element', 'is the one element in the SOAP body; write prefix:name');
    if (step !== undefined) element = { ns: step.ns, name: step.name };
    first = 'element';
  }
  for (const [field, [step]] of Object.entries(paths)) {
    if (step === undefined) continue;
    if (element === null) {
      element = { ns: step.ns, name: step.name };
      first = field;
    } else if (element.ns !== step.ns || element.name !== step.name) {
      report(
        field,
        `starts with another element than ${first}; every path starts with the one element in the SOAP body`,
      );
    }
  }
  return element;
}

function parsePath(text: string, namespaces: Namespaces, report: (problem: string) => void): AnswerPath | null {
  const steps: AnswerStep[] = [];
  const names = text.split('/');
  for (const [index, step] of names.entries()) {
    const [, at, prefix, name] = /^(@?)(?:([\p{L}_][\p{L}\p{N}._-]*):)?([\p{L}_][\p{L}\p{N}._-]*)$/u.exec(step) ?? [];
    if (name === undefined) {
      report(`"${text}": "${step}" is no name; write prefix:name, or @name for an attribute, with / between the steps`);
      return null;
    }
    const ns = prefix === undefined ? '' : namespaces[prefix];
    if (ns === undefined) {
      const meant = didYouMean(prefix ?? '', Object.keys(namespaces));
      report(
        `"${text}": the prefix ${String(prefix)} is not in "namespaces"; ${meant}write one that is there, or add it`,
      );
      return null;
    }
    if (ns === null) return null;
    const isAttribute = at === '@';
    if (isAttribute && (index === 0 || index < names.length - 1)) {
      report(`"${text}": only the last step may be an attribute`);
      return null;
    }
    steps.push({ ns, name, isAttribute });
  }
  return steps;
}
