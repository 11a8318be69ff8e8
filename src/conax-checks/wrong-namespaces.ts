import { type QName } from '../soap/envelope.ts';
import type { ReportAt } from './json-members.ts';
import { alsoAt, type Report } from './mistakes.ts';
import type { Problem, Validator } from './wsdl-validator.ts';

/** An element that the WSDL has, but in another namespace. */
export interface WrongNamespace {
  readonly name: string;
  /** Its namespace, and the one that the WSDL has it in; empty: none. */
  readonly is: string;
  readonly wanted: string;
  /** Whether the WSDL has the namespace, with other elements. */
  readonly isOfWsdl: boolean;
}

/** Returns the wrong namespace that a problem is about; null if it is about something else. */
export function wrongNamespaceOf({ unexpected }: Problem, { namespaces }: Validator): WrongNamespace | null {
  if (unexpected === null) return null;
  const { element, expected } = unexpected;
  return wrongNamespace(element, expected, namespaces);
}

/** The same for an element, and those that may be there. */
export function wrongNamespace(
  { ns, name }: QName,
  expected: readonly QName[],
  namespaces: ReadonlySet<string>,
): WrongNamespace | null {
  if (expected.some((one) => one.name === name && one.ns === ns)) return null;
  const meant = expected.find((one) => one.name === name);
  return meant === undefined ? null : { name, is: ns, wanted: meant.ns, isOfWsdl: ns === '' || namespaces.has(ns) };
}

interface Cause extends WrongNamespace {
  readonly names: Set<string>;
  readonly places: Set<string>;
}

/** Collects elements in wrong namespaces, so that each cause is one mistake, however many places it has. */
export function createNamespaceMistakes(report: Report, reportAt: ReportAt) {
  const inTemplates = new Map<string, Cause>();
  const inAnswers = new Map<string, Cause>();
  const add = (causes: Map<string, Cause>, wrong: WrongNamespace, place: string): void => {
    const key = JSON.stringify([wrong.is, wrong.wanted]);
    const cause = causes.get(key) ?? { ...wrong, names: new Set(), places: new Set() };
    causes.set(key, cause);
    cause.names.add(wrong.name);
    cause.places.add(place);
  };
  return {
    addInTemplate: (wrong: WrongNamespace, file: string, line: number) => add(inTemplates, wrong, `${file}:${line}`),
    /** @param path that of the answer's member in conax.json. */
    addInAnswer: (wrong: WrongNamespace, path: readonly string[]) => add(inAnswers, wrong, path.join('.')),
    /** Reports each cause once. `prefixes`: those of conax.json. */
    reportAll(prefixes: Readonly<Record<string, string | null>>): void {
      for (const cause of inTemplates.values()) {
        const [first = '', ...others] = cause.places;
        const [, file = '', line = ''] = /^(.*):(\d+)$/.exec(first) ?? [];
        report(file, Number(line), `${said(cause)}; correct the namespace of its prefix${alsoAt(others)}`);
      }
      for (const cause of inAnswers.values()) {
        const { is, wanted, isOfWsdl, places, names } = cause;
        const [first = '', ...others] = places;
        const prefixOf = (ns: string): string | undefined => Object.keys(prefixes).find((one) => prefixes[one] === ns);
        const [own, right] = [prefixOf(is), prefixOf(wanted)];
        if (own !== undefined && right === undefined && !isOfWsdl && wanted !== '') {
          const paths = places.size === 1 ? 'one path uses' : `${places.size} paths use`;
          const problem = `the WSDL has ${listed(names)} in ${shown(wanted)}, not in ${shown(is)}`;
          reportAt(['namespaces', own], `${problem}; correct it: ${paths} this prefix`);
          continue;
        }
        const remedy =
          wanted === ''
            ? 'write it without a prefix'
            : right === undefined
              ? `add a prefix for it to "namespaces" and write PREFIX:${cause.name}`
              : `write ${right}:${cause.name}`;
        reportAt(first.split('.'), `${said(cause)}; ${remedy}${alsoAt(others)}`);
      }
    },
  };
}

export type NamespaceMistakes = ReturnType<typeof createNamespaceMistakes>;

const shownMax = 3;

function said({ names, is, wanted }: Cause): string {
  const elements = names.size === 1 ? 'the element' : 'the elements';
  const [be, it] = names.size === 1 ? ['is', 'it'] : ['are', 'them'];
  return `${elements} ${listed(names)} ${be} in ${shown(is)}; the WSDL has ${it} in ${shown(wanted)}`;
}

function shown(ns: string): string {
  return ns === '' ? 'no namespace' : `the namespace "${ns}"`;
}

function listed(names: ReadonlySet<string>): string {
  const [...all] = names;
  const more = all.length - shownMax;
  return more > 0 ? `${all.slice(0, shownMax).join(', ')} and ${more} more` : all.join(', ');
}
