/**
 * Prints figures of the code and the documents, to compare two commits: `node dev/count.ts [directory]`. The directory,
 * by default the present one, holds `src` and `docs`.
 */
import { globSync, readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';
import { closing, type Import, moduleOf, readImports } from './imports/graph.ts';

/** Modules that lead to the core: what people and other systems ask for, and how they ask. */
const RIM = new Set(['commands', 'cli', 'operations', 'operations-api', 'web-api', 'http', 'replay', 'features']);

/** Wordings that plain English avoids. */
const WORDINGS: readonly (readonly [string, RegExp])[] = [
  ['starts with "Of those", "Of these"', /^of (?:those|these|them)\b/i],
  ['starts with "Gives"', /^gives\b/i],
  ['"whoever", "who comes"', /\bwhoever\b|\bwho comes\b/i],
  ['"where there is none"', /\bwhere (?:there (?:is|are|was|were)|it has) (?:none|no|not)\b/i],
  ['"null where"', /\b(?:null|undefined|false|true) where\b/i],
  ['"is to be sent"', /\b(?:is|are|was|were|has|have) (?:not )?to be\b|\b(?:is|are) not to\b/i],
  ['"behind"', /\bbehind\b/i],
  ['"begin", "anew"', /\bbeg[aiu]n(?:s|ning)?\b|\banew\b/i],
  ['"mend"', /\bmend(?:s|ed|ing)?\b/i],
  ['"beside"', /\bbeside\b/i],
  ['"tell", "say"', /\btells?\b|\btold\b|\bsays?\b|\bsaid\b/i],
  ['"so many", "as it comes", "all the same"', /\bso many\b|\bas (?:it|they) comes?\b|\ball the same\b/i],
  ['"room", "way of an event"', /\brooms?\b|\bway of an event\b/i],
];

const root = process.argv[2] ?? '.';
const files = globSync('src/**/*.ts', { cwd: root }).map((path) => {
  const text = readFileSync(`${root}/${path}`, 'utf8');
  return { path, text, lines: text.split('\n').length - 1, module: moduleOf(path.slice('src/'.length)) };
});
const imports = readImports(`${root}/src`);
const documents = globSync('docs/**/*.md', { cwd: root }).map((path) => readFileSync(`${root}/${path}`, 'utf8'));
const sentences = [...files.flatMap(commentsOf), ...documents.map(proseOf)].flatMap(sentencesOf);

const lines = sum(files);
const plain = sentences.filter((sentence) => WORDINGS.every(([, wording]) => !wording.test(sentence)));
console.table(
  Object.fromEntries([
    ['lines in src', lines],
    ['files in src', files.length],
    ['lines in the rim, %', Math.round((100 * sum(files.filter(({ module }) => RIM.has(module)))) / lines)],
    ['files under 20 lines', files.filter((file) => file.lines < 20).length],
    ['files over 300 lines', files.filter((file) => file.lines > 300).length],
    ['imports between files', imports.length],
    ['circles of files', circlesOf(closing(imports))],
    ['words in docs', documents.reduce((words, text) => words + wordsOf(text), 0)],
    ['sentences in comments and docs', sentences.length],
    ['of these: with more than 20 words', sentences.filter((sentence) => wordsOf(sentence) > 20).length],
    ['of these: with a wording below', sentences.length - plain.length],
    ...WORDINGS.map(([name, wording]) => [name, sentences.filter((sentence) => wording.test(sentence)).length]),
  ]),
);

function sum(some: readonly { readonly lines: number }[]): number {
  return some.reduce((total, file) => total + file.lines, 0);
}

/** Counts groups of files that reach each other: a closing import connects files of one group only. */
function circlesOf(edges: readonly Import[]): number {
  const groups: Set<string>[] = [];
  for (const { from, to } of edges) {
    const joined = groups.filter((group) => group.has(from) || group.has(to));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push(new Set([from, to, ...joined.flatMap((group) => [...group])]));
  }
  return groups.length;
}

/** Neighbouring line comments are one text. */
function commentsOf({ path, text }: { readonly path: string; readonly text: string }): string[] {
  return parseSync(path, text)
    .comments.filter(({ value }) => !/^\s*(?:sql|eslint-|oxlint-)/.test(value))
    .reduce<{ end: number; value: string }[]>((all, { start, end, value }) => {
      const last = all.at(-1);
      if (last && text.slice(last.end, start).trim() === '')
        all.splice(-1, 1, { end, value: `${last.value}\n${value}` });
      else all.push({ end, value });
      return all;
    }, [])
    .map(({ value }) => value.replaceAll(/^[ *]+/gm, ''));
}

/** A document without code and headings; each cell of a table is a paragraph. */
function proseOf(markdown: string): string {
  return markdown
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/^#.*$|^<!--.*-->$/gm, '')
    .replaceAll(/ *\| */g, '\n\n');
}

function sentencesOf(text: string): string[] {
  return text
    .replaceAll(/`[^`\n]*`/g, 'code')
    .split(/\n\s*\n|\n(?=[-@])|(?<=[.!?])\s+(?=[A-Z`*[])/)
    .map((sentence) => sentence.replaceAll(/\s+/g, ' ').trim())
    .filter((sentence) => wordsOf(sentence) > 3);
}

function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => /\w/.test(word)).length;
}
