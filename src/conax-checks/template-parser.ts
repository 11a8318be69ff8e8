import mustache from 'mustache';
import { commonFields, type FieldCounts, itemFields, requestFields } from '../conax/field-names.ts';
import { type FieldValues, type Part, render, type Template } from '../conax/template.ts';
import type { CommandType } from '../planning/command.ts';
import { didYouMean, nearName } from '../platform/near-name.ts';
import { reportDeadTags } from './dead-tags.ts';
import { lineAt, type Report } from './mistakes.ts';

/** A template with what its checks need. */
export interface ParsedTemplate extends Template {
  readonly source: string;
  /** Lines with a tag that is a mistake, by their numbers: nothing is sent in its place. */
  readonly badLines: ReadonlyMap<number, string>;
  /**
   * Whether a section starts or ends nowhere: then its part is always there, and a part of a list has no device. After a
   * comment that is not closed, nothing is known of the rest.
   */
  readonly broken: 'section' | 'list' | 'rest' | null;
}

/** Stands for each character of a comment until the tags are parsed, so that positions stay. No XML may hold it. */
const FILLER = '\uFFFF';

/**
 * Parses a template of Mustache tags. Comments, the XML declaration and line breaks between elements are dropped. Reports
 * every mistake with its line: tags that are not closed, not escaped or load other files, unknown fields, lists that are
 * no section. The template is made without these tags, so that the rest can still be checked. Warns of tags that can send
 * nothing.
 */
export function parseTemplate(
  file: string,
  source: string,
  type: CommandType,
  report: Report,
  warn: Report = () => undefined,
): ParsedTemplate {
  const openAt: number[] = [];
  let text = source
    .replace(/^\s*<\?xml\s[^>]*\?>/, (start) => FILLER.repeat(start.length))
    .replaceAll(/<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<!--[\s\S]*?(?:-->|$)/g, (piece, at: number) => {
      const isComment = piece.startsWith('<!--');
      if (isComment ? !piece.endsWith('-->') || piece.includes('<!--', 4) : !piece.endsWith(']]>')) openAt.push(at);
      return isComment ? FILLER.repeat(piece.length) : piece;
    });
  const badLines = new Map<number, string>();
  const lines = source.split('\n');
  const mistake = (at: number, problem: string): void => {
    const line = lineAt(source, at);
    badLines.set(line, lines[line - 1] ?? '');
    report(file, line, problem);
  };
  const fields = { ...Object.fromEntries(commonFields.map((name) => [name, 'one' as const])), ...requestFields[type] };
  const [firstOpen] = openAt;
  if (firstOpen !== undefined) {
    const [what, end] = source.startsWith('<!--', firstOpen) ? ['comment', '-->'] : ['CDATA section', ']]>'];
    mistake(firstOpen, `a ${what} is not closed; write ${end} where it ends`);
    return { file, source, uses: new Map(), badLines, broken: 'rest', parts: [] };
  }
  let broken: ParsedTemplate['broken'] = null;
  for (const { at, length, problem, section } of [...brokenMarks(text), ...brokenTags(text)]) {
    if (problem !== null) mistake(at, problem);
    if (section !== undefined) broken = broken === 'list' || meantList(section, fields) !== null ? 'list' : 'section';
    text = text.slice(0, at) + FILLER.repeat(length) + text.slice(at + length);
  }
  const uses = new Map<string, number>();
  const parts = partsOf(mustache.parse(text) as Token[], {
    fields,
    use: (name, at) => uses.set(name, uses.get(name) ?? lineAt(source, at)),
    report: mistake,
    isListBroken: broken === 'list',
  });
  reportDeadTags(parts, fields, (at, problem) => warn(file, lineAt(source, at), problem));
  return { file, source, uses, badLines, broken, parts };
}

/** Renders, and returns the template's line for a position in what was rendered. For errors. */
export function trace(
  template: ParsedTemplate,
  values: FieldValues,
): { readonly text: string; readonly lineOf: (position: number) => number } {
  const places: { readonly from: number; readonly part: Part }[] = [];
  const text = render(template, values, (from, part) => places.push({ from, part }));
  return {
    text,
    lineOf: (position) => {
      const place = places.findLast(({ from }) => from <= position);
      // A value may be longer than its tag.
      const beyond = place?.part.kind === 'text' ? position - place.from : 0;
      return lineAt(template.source, place === undefined ? 0 : place.part.at + beyond);
    },
  };
}

/** Kind, value, start, end, parts. */
type Token = [kind: string, value: string, start: number, end: number, parts?: Token[]];

interface BrokenTag {
  readonly at: number;
  readonly length: number;
  /** null if another tag has the mistake. */
  readonly problem: string | null;
  /** The name of a section that starts or ends nowhere. */
  readonly section?: string;
}

/** A `&` that starts no reference: a parser would lose its place there, and report what follows. */
function brokenMarks(text: string): BrokenTag[] {
  const marks = /\{\{[^{}]*\}\}|<!\[CDATA\[[\s\S]*?\]\]>|&(?!#\d+;|#x[\da-f]+;|(?:amp|lt|gt|quot|apos);)(\w+;)?/gi;
  return Array.from(text.matchAll(marks), ({ 0: mark, 1: name, index: at }) => {
    const remedy = name === undefined ? 'write &amp;' : `XML has no entity of this name; write the character itself`;
    return { at, length: mark.length, problem: mark.startsWith('&') ? `${mark} cannot be read; ${remedy}` : '' };
  }).filter(({ problem }) => problem !== '');
}

/** Tags and sections that are not closed, or change the marks: Mustache would name the first alone, at its end. */
function brokenTags(text: string): BrokenTag[] {
  const problems: BrokenTag[] = [];
  const open: { readonly at: number; readonly mark: string; readonly name: string; readonly length: number }[] = [];
  const leftOpen = (sections: typeof open): void => {
    for (const { at, mark, name, length } of sections) {
      const problem = `{{${mark}${name}}} is not closed; write {{/${name}}} where the section ends`;
      problems.push({ at, length, problem, section: name });
    }
  };
  const whole = String.raw`\{\{![^{}]*\}\}|\{\{\{[^{}<>]*\}\}\}|\{\{\s*(?:(?<mark>[#^/])\s*)?>?(?<name>[^{}<>]*?)\s*\}\}`;
  const tags = new RegExp(String.raw`(?<marks>\{\{=[^{}]*\}\})|${whole}|(?<unclosed>\{\{+[\w.#^/>&!?=]*)`, 'g');
  for (const { 0: tag, index: at, groups = {} } of text.matchAll(tags)) {
    const { length } = tag;
    const { marks, unclosed, mark, name = '' } = groups;
    if (marks !== undefined) {
      problems.push({ at, length, problem: 'a tag {{=…=}} changes the marks of the tags; keep {{ and }}' });
    } else if (unclosed !== undefined) {
      problems.push({ at, length, problem: 'a tag is not closed; close every {{ with }}' });
    } else if (mark === '/') {
      const opened = open.findLastIndex((section) => section.name === name);
      const last = open.at(-1);
      if (opened >= 0) leftOpen(open.splice(opened).slice(1));
      else if (last !== undefined && !text.includes(`{{/${last.name}}}`, at)) {
        const problem = `${tag} closes {{${last.mark}${last.name}}}, which has another name; correct one of them`;
        problems.push({ at, length, problem, section: name }, { ...last, problem: null, section: last.name });
        open.pop();
      } else {
        const problem = `${tag} closes nothing; write {{#${name}}} where the section starts`;
        problems.push({ at, length, problem, section: name });
      }
    } else if (mark !== undefined) {
      open.push({ at, length, mark, name });
    }
  }
  leftOpen(open);
  return problems;
}

interface Scope {
  readonly fields: FieldCounts;
  readonly use: (name: string, at: number) => void;
  readonly report: (at: number, problem: string) => void;
  /** Whether devices may stand outside their list because its section starts or ends nowhere. */
  readonly isListBroken: boolean;
}

function partsOf(tokens: readonly Token[], scope: Scope, list: string | null = null): Part[] {
  return tokens.flatMap(([kind, value, start, , inner], index): Part[] => {
    if (kind === 'text') {
      const isEdge = (token: Token | undefined): boolean => token === undefined || '#^!'.includes(token[0]);
      return textParts(value, start, isEdge(tokens[index - 1]), isEdge(tokens[index + 1]));
    }
    if (kind === '!') return [];
    const problem = problemOf(kind, value, scope, list);
    if (problem !== null) {
      scope.report(start, problem);
      // The last member of a token of another kind than a section is a text.
      return Array.isArray(inner) ? partsOf(inner, scope, list ?? meantList(value, scope.fields)) : [];
    }
    const isItem = list !== null && isItemField(value);
    scope.use(isItem ? `${list}.${value}` : value, start);
    if (kind === 'name') return [{ kind: 'value', name: value, at: start }];
    const isList = !isItem && isListField(scope.fields, value);
    const parts = partsOf(inner ?? [], scope, isList && kind === '#' ? value : list);
    return [{ kind: kind === '#' ? 'section' : 'inverted', name: value, at: start, parts }];
  });
}

function problemOf(kind: string, name: string, { fields, isListBroken }: Scope, list: string | null): string | null {
  if (kind === '&') return `{{{${name}}}} would send a text unescaped; write {{${name}}}`;
  if (kind === '>') return `{{>${name}}} loads another file; write its content here`;
  if (isItemField(name)) {
    return list === null && !isListBroken
      ? `{{${name}}} is a field of a list's devices; write it inside {{#smartcards}} or {{#setTopBoxes}}`
      : null;
  }
  if (!Object.hasOwn(fields, name)) {
    const names = [...Object.keys(fields), ...(list === null ? [] : itemFields)];
    const known = names.join(', ');
    if (name.startsWith('?')) {
      return `{{${name}}} stands for what nobody could guess; write the text that the CAS wants, or one of the fields ${known}`;
    }
    return `{{${name}}} is no field of this command; ${didYouMean(name, names)}it has ${known}`;
  }
  if (kind === 'name' && isListField(fields, name)) {
    return `{{${name}}} is a list; write {{#${name}}}…{{caId}}…{{/${name}}}`;
  }
  return null;
}

function isItemField(name: string): boolean {
  return (itemFields as readonly string[]).includes(name);
}

/** The list that a name was probably meant for. */
function meantList(name: string, fields: FieldCounts): string | null {
  return nearName(
    name,
    Object.keys(fields).filter((field) => isListField(fields, field)),
  );
}

function isListField(fields: FieldCounts, name: string): boolean {
  return fields[name] === 'many' || fields[name] === 'any';
}

/** Takes comments out of a text, and the white space with which lines are broken and indented between elements. */
function textParts(text: string, start: number, isEdgeBefore: boolean, isEdgeAfter: boolean): Part[] {
  const parts: Part[] = [];
  let kept = 0;
  const keepTo = (end: number): void => {
    if (end > kept) parts.push({ kind: 'text', text: text.slice(kept, end), at: start + kept });
  };
  for (const { 0: run, index } of text.matchAll(/[\s\uFFFF]+/g)) {
    const end = index + run.length;
    const isBetween =
      (index === 0 ? isEdgeBefore : text[index - 1] === '>') && (end === text.length ? isEdgeAfter : text[end] === '<');
    // Mustache takes the line break after a section's mark away, and leaves the indentation.
    if (isBetween && (index === 0 || end === text.length || /[\n\uFFFF]/.test(run))) {
      keepTo(index);
      kept = end;
      continue;
    }
    for (const filled of run.matchAll(/\uFFFF+/g)) {
      keepTo(index + filled.index);
      kept = index + filled.index + filled[0].length;
    }
  }
  keepTo(text.length);
  return parts;
}
