/** A name with more wrong letters is another one. */
const FAR = 2;

/** Returns the name that was probably meant; null if none is near. */
export function nearName(written: string, names: readonly string[]): string | null {
  const near = (name: string): number => {
    const [one, other] = [written.toLowerCase(), name.toLowerCase()];
    const isPart = Math.min(one.length, other.length) > 3 && (other.includes(one) || one.includes(other));
    if (isPart && one !== other) return 1;
    // As many letters have to be inserted or removed at least.
    return Math.abs(one.length - other.length) > FAR ? FAR + 1 : distance(one, other);
  };
  const [closest] = names.map((name) => ({ name, at: near(name) })).toSorted((a, b) => a.at - b.at);
  return closest !== undefined && closest.at <= Math.min(FAR, written.length / 2) ? closest.name : null;
}

/** Returns the name that was probably meant, as a question in front of a remedy; empty if none is near. */
export function didYouMean(written: string, names: readonly string[]): string {
  const name = nearName(written, names);
  return name === null ? '' : `did you mean ${name}? `;
}

/** Letters to insert, remove or replace. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(one).entries()) {
    const next = [at + 1];
    for (const [index, wanted] of Array.from(other).entries()) {
      const replaced = (row[index] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
