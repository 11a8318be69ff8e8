import { readFileSync } from 'node:fs';
import { closing, type Import, isAllowed, moduleOf, nameOf, readImports } from '../imports/graph.ts';
import { IMPORT_RULES } from '../imports/rules.ts';

const BLOCK = /(<!-- generated: the imports between modules -->\n).*(<!-- end of generated -->)/s;

/**
 * docs/architecture.md, with the chart of today's imports in its block.
 * @throws Error if the page has lost the marks of the block.
 */
export function architectureDoc(): string {
  const page = readFileSync('docs/architecture.md', 'utf8');
  if (!BLOCK.test(page)) throw new Error(`docs/architecture.md must contain ${BLOCK.source}`);
  const chart = importsChart(readImports('src'));
  return page.replace(BLOCK, (_block, start: string, end: string) => `${start}${chart}\n${end}`);
}

/**
 * Returns a Mermaid flowchart. An arrow that a path of other arrows implies is left out; an import that only an exception
 * allows is dotted.
 */
function importsChart(imports: readonly Import[]): string {
  const between = imports.filter(({ from, to }) => moduleOf(from) !== moduleOf(to) && !to.startsWith('../'));
  const arrowsOf = (some: readonly Import[]): Import[] => {
    const arrows = some.map(({ from, to }) => ({ from: moduleOf(from), to: moduleOf(to) }));
    return [...new Map(arrows.map((arrow) => [nameOf(arrow), arrow])).values()];
  };
  const solid = arrowsOf(between.filter((one) => isAllowed(one, IMPORT_RULES)));
  const dotted = arrowsOf(between.filter((one) => !isAllowed(one, IMPORT_RULES)));
  const isImplied = (arrow: Import): boolean => {
    const back = { from: arrow.to, to: arrow.from };
    return closing([...solid.filter((other) => other !== arrow), back]).includes(back);
  };
  return [
    '```mermaid',
    'flowchart TD',
    ...solid.filter((arrow) => !isImplied(arrow)).map(({ from, to }) => `  ${from} --> ${to}`),
    ...dotted.map(({ from, to }) => `  ${from} -.-> ${to}`),
    '```',
  ].join('\n');
}
