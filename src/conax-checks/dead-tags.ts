import { type FieldCounts, itemFields, listConditions } from '../conax/field-names.ts';
import type { Part } from '../conax/template.ts';

/** Whether a field is there, as far as the command and the sections around a tag say. */
type Known = ReadonlyMap<string, boolean>;

/**
 * Reports the tags of a template that can send nothing: a section whose condition is never true, and a field inside the
 * section for its absence.
 */
export function reportDeadTags(
  parts: readonly Part[],
  fields: FieldCounts,
  report: (at: number, problem: string) => void,
): void {
  const always = Object.keys(fields).filter((name) => fields[name] === 'one' || fields[name] === 'many');
  const visit = (inner: readonly Part[], known: Known, list: string | null): void => {
    for (const part of inner) {
      if (part.kind === 'text') continue;
      const { kind, name, at } = part;
      const isItem = list !== null && (itemFields as readonly string[]).includes(name);
      const field = isItem ? `${list}.${name}` : (listConditions[name] ?? name);
      const isThere = isItem && name === 'caId' ? true : known.get(field);
      if (kind === 'value') {
        if (isThere === false) {
          report(at, `{{${name}}} sends nothing: it stands in the section for a command without it; move it out`);
        }
        continue;
      }
      const wants = kind === 'section';
      if (isThere !== undefined && isThere !== wants) {
        const tag = `{{${wants ? '#' : '^'}${name}}}`;
        const why = always.includes(field) || isItem ? 'is always there' : 'is asked for by a section around it';
        const because = isThere ? `${name} ${why}` : `the section around it is for a command without ${name}`;
        report(at, `${tag} is never true: ${because}, so nothing in it is sent; remove or correct it`);
        continue;
      }
      const isList = !isItem && wants && (fields[name] === 'many' || fields[name] === 'any');
      visit(part.parts, new Map(known).set(field, wants), isList ? name : list);
    }
  };
  visit(parts, new Map(always.map((name) => [name, true])), null);
}
