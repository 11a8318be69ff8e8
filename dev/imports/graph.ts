import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync } from 'oxc-parser';

/** One import of a file by another one: paths below `src`. A file outside `src` is written as `../test/file.ts`. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** A module is a folder of `src`, or a file that lies directly in it. All paths are those below `src`. */
export interface ImportRules {
  /**
   * Each module with what it may import besides itself: whole modules, or single files of one. A folder of a module may
   * be listed with what it may import in addition.
   */
  readonly allowed: Readonly<Record<string, readonly string[]>>;
  /** Files outside `src` that it may import, by their paths in the repository. */
  readonly allowedOutside: readonly string[];
  /** Imports that are not allowed and occur, as `importer -> imported`, each a module or a file. */
  readonly exceptions: readonly string[];
  /** Imports that close a circle between files and occur, written in the same way. */
  readonly circles: readonly string[];
}

/**
 * Reads every import of a file in `src` by another one: of values and of types, re-exports and `import()`.
 * @throws Error if a file cannot be parsed, or has an import() of anything but a literal.
 */
export function readImports(src: string): Import[] {
  return globSync('**/*.ts', { cwd: src })
    .toSorted()
    .flatMap((from) => {
      const targets = specifiersOf(`${src}/${from}`)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.join(posix.dirname(from), specifier));
      return [...new Set(targets)].map((to) => ({ from, to }));
    });
}

function specifiersOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const { module, errors } = parseSync(path, text);
  const [error] = errors;
  if (error) throw new Error(`${path} cannot be parsed: ${error.message}`);
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => {
      const [, specifier] = /^(['"])(.*)\1$/.exec(text.slice(start, end))?.slice(1) ?? [];
      if (specifier === undefined) throw new Error(`${path}: import() must have a literal, so that the rules see it`);
      return specifier;
    }),
  ];
}

/** Returns the module that a file belongs to: its folder in `src`, or itself. */
export function moduleOf(path: string): string {
  return path.includes('/') && !path.startsWith('../') ? path.slice(0, path.indexOf('/')) : path;
}

/** Returns what breaks the rules, one sentence with its remedy each. */
export function problemsOf(imports: readonly Import[], rules: ImportRules): string[] {
  const forbidden = imports.filter((one) => !isAllowed(one, rules));
  const unknown = forbidden.filter((one) => !rules.exceptions.some((exception) => covers(exception, one)));
  const circling = closing(
    imports.filter((one) => !unknown.includes(one) && !rules.circles.some((exception) => covers(exception, one))),
  );
  const isGone = (occurring: readonly Import[]) => (exception: string) =>
    !occurring.some((one) => covers(exception, one));
  return [
    ...unknown.map((one) => `${nameOf(one)}: is not allowed; move the code to where both may import it`),
    ...circling.map((one) => `${nameOf(one)}: closes a circle; move what both need to a file that imports neither`),
    ...rules.exceptions
      .filter(isGone(forbidden))
      .map((exception) => `${exception}: no longer occurs; remove it from the exceptions`),
    ...rules.circles
      .filter(isGone(closing(imports)))
      .map((exception) => `${exception}: closes no circle any more; remove it from the circles`),
  ];
}

/** Whether the rules allow an import, exceptions aside. */
export function isAllowed({ from, to }: Import, { allowed, allowedOutside }: ImportRules): boolean {
  if (to.startsWith('../')) return allowedOutside.includes(to.slice('../'.length));
  if (moduleOf(from) === moduleOf(to)) return true;
  return [moduleOf(from), posix.dirname(from)].some((importer) => {
    const may = allowed[importer] ?? [];
    return may.includes(moduleOf(to)) || may.includes(to);
  });
}

/** Writes an import as the exceptions do. */
export function nameOf({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

function covers(exception: string, { from, to }: Import): boolean {
  const [importer = '', imported = ''] = exception.split(' -> ');
  return [from, moduleOf(from)].includes(importer) && [to, moduleOf(to)].includes(imported);
}

/** Returns the imports from whose target a path of imports leads back. */
export function closing(imports: readonly Import[]): Import[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  return imports.filter(({ from, to }) => {
    const seen = new Set([to]);
    for (const path of seen) for (const next of targets.get(path) ?? []) seen.add(next.to);
    return seen.has(from);
  });
}
