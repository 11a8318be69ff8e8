/** The keys that a JSON text has twice within one object, which JSON.parse passes over. */
export function duplicateKeys(json: string): string[] {
  const found: string[] = [];
  const open: (Set<string> | null)[] = [];
  // Strings whole, so that a bracket or a colon within one is not taken for structure.
  for (const [token, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) found.push(key);
      keys?.add(key);
    }
  }
  return found;
}
