import { readFile } from 'node:fs/promises';

/** What one kind of thing takes of a heap. */
interface Taken {
  readonly count: number;
  readonly bytes: number;
}

/** A kind of thing (`object Map`, `code`) and by how much its share of the heap changed between two snapshots. */
export interface HeapChange {
  readonly kind: string;
  readonly count: number;
  readonly bytes: number;
}

/** Places of a node's fields in a snapshot of V8. */
const [TYPE, NAME, SIZE] = [0, 1, 3];
/** Their names are the values themselves. */
const NAMELESS = new Set(['string', 'concatenated string', 'sliced string', 'number', 'code', 'bigint', 'regexp']);

/** What grew most between two heap snapshots of V8 (files), the largest first; at most `most` of them. */
export async function heapGrowth(earlier: string, later: string, most: number): Promise<HeapChange[]> {
  const [before, after] = [await taken(earlier), await taken(later)];
  return [...after]
    .map(([kind, { count, bytes }]) => ({
      kind,
      count: count - (before.get(kind)?.count ?? 0),
      bytes: bytes - (before.get(kind)?.bytes ?? 0),
    }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, most);
}

interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: string[]; readonly node_types: [string[], ...unknown[]] };
  };
  readonly nodes: number[];
  readonly strings: string[];
}

async function taken(file: string): Promise<Map<string, Taken>> {
  const { snapshot, nodes, strings } = JSON.parse(await readFile(file, 'utf8')) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  if (fields[TYPE] !== 'type' || fields[NAME] !== 'name' || fields[SIZE] !== 'self_size') {
    throw new Error(`${file}: its nodes have the fields ${fields.join(', ')}, which this does not know`);
  }
  const found = new Map<string, Taken>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const type = types[0][nodes[at + TYPE] ?? 0] ?? '?';
    const kind = NAMELESS.has(type) ? type : `${type} ${(strings[nodes[at + NAME] ?? 0] ?? '').slice(0, 60)}`;
    const { count, bytes } = found.get(kind) ?? { count: 0, bytes: 0 };
    found.set(kind, { count: count + 1, bytes: bytes + (nodes[at + SIZE] ?? 0) });
  }
  return found;
}
