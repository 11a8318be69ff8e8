import { readFileSync } from 'node:fs';
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

const BLOCK = /(<!-- generated: the values -->\n).*(<!-- end of generated -->)/s;

/**
 * docs/kubernetes.md, with the table of the chart's values in its block: each value with its default and its comment in
 * values.yaml. A map whose members have comments has a row for each of them.
 * @throws Error if the page has lost the marks of the block.
 */
export function chartDoc(): string {
  const page = readFileSync('docs/kubernetes.md', 'utf8');
  if (!BLOCK.test(page)) throw new Error(`docs/kubernetes.md must contain ${BLOCK.source}`);
  const values = parseDocument(readFileSync('deploy/helm/conax-provisioning/values.yaml', 'utf8')).contents as YAMLMap;
  const rows = values.items.flatMap((pair) => rowsOf('', pair));
  const table = ['| value | default | meaning |', '|---|---|---|', ...rows].join('\n');
  return page.replace(BLOCK, (_block, start: string, end: string) => `${start}${table}\n${end}`);
}

function rowsOf(prefix: string, { key, value }: Pair): string[] {
  if (!isScalar(key)) throw new Error('A key of values.yaml is no text');
  const path = `${prefix}${String(key.value)}`;
  // A map's first comment belongs to the map.
  const members = isMap(value) ? value.items : [];
  if (members.some((member) => commentOf(member.key) !== '') || (isMap(value) && value.commentBefore)) {
    return members.flatMap((member, index) => {
      if (index === 0 && isScalar(member.key)) member.key.commentBefore ??= (value as YAMLMap).commentBefore ?? null;
      return rowsOf(`${path}.`, member);
    });
  }
  const shown = JSON.stringify((value as { toJSON(): unknown }).toJSON());
  return [`| \`${path}\` | \`${shown}\` | ${commentOf(key).replaceAll('|', '\\|')} |`];
}

/** The last paragraph of the comment before a key: what is before it belongs to the value before. */
function commentOf(key: unknown): string {
  const comment = isScalar(key) ? (key.commentBefore ?? '') : '';
  const paragraph = comment.split(/\n\s*\n/).at(-1) ?? '';
  return paragraph.replaceAll(/\s*\n\s*/g, ' ').trim();
}
