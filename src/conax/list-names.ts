/** What entries of each list are often called, as alternatives of a pattern. */
export const usualNames: Readonly<Record<string, string>> = {
  activeServices: 'product|service|entitlement|subscription|package',
  pairedSmartcards: 'card|smartcard|client',
  pairedSetTopBoxes: 'box|stb|settopbox|module|device|decoder',
};

/** How a name describes the size of a list: `more`, a flag or token for further pages; `whole`, a flag for the last page; `pages` and `count`, numbers. */
export type Extent = 'more' | 'whole' | 'pages' | 'count';

const noun = `(?:result|entry|entrie|record|item|row|element|data|list|page|${Object.values(usualNames).join('|')})(?:e?s)?`;
const patterns: readonly (readonly [Extent, RegExp])[] = [
  ['more', new RegExp(`^(?:has|is|are)?more(?:${noun})*(?:available|exists?|left|follows?|pending)?$`)],
  ['more', /^(?:has)?next(?:(?:page|start|result|record|row|item|entry|batch)s?)?$/],
  ['more', /^next(?:page|start|result|record|row|item|entry|batch)?(?:token|cursor|offset|index|link|marker|number)$/],
  ['more', /^(?:continu(?:e|ation)|resum(?:e|ption))(?:token|cookie|marker|key|point)?$/],
  ['more', new RegExp(`^(?:is)?(?:${noun})?(?:is)?(?:truncated|incomplete|partial)(?:${noun})?$`)],
  ['more', new RegExp(`^remaining(?:${noun})?(?:count)?$|^(?:limit|max|maximum)(?:reached|exceeded)$`)],
  [
    'whole',
    /^(?:is)?(?:last|final)(?:page|batch|part)?$|^(?:is)?complete(?:list)?$|^endof(?:list|data|results|records)$/,
  ],
  ['pages', /^(?:total|num(?:ber)?of|noof)pages?(?:count)?$|^pages?(?:count|total)$|^pages$/],
  [
    'count',
    new RegExp(
      `^(?:total|overall)?(?:(?:num(?:ber)?|no|count)of|count|total(?:number)?(?:of)?)(?:${noun})*(?:count)?$`,
    ),
  ],
  ['count', new RegExp(`^(?:total|overall)?(?:${noun})+(?:count|total|found)$|^totalsize$`)],
];

/** Returns how the name of an element or attribute describes the size of a list; null if it does not. */
export function extentNamed(name: string): Extent | null {
  const plain = plainName(name);
  return patterns.find(([, pattern]) => pattern.test(plain))?.[0] ?? null;
}

/** Returns the lists whose entries a count of this name counts; null if the name does not show it. */
export function listsCounted(name: string): readonly string[] | null {
  const plain = plainName(name);
  const isOf = (list: string): boolean =>
    new RegExp(`^(?:.*of|total)?(?:${usualNames[list]})(?:e?s)?(?:count|total|found)?$`).test(plain);
  // A card is a device as well.
  const found = plain.includes('device')
    ? ['pairedSmartcards', 'pairedSetTopBoxes']
    : Object.keys(usualNames).filter(isOf);
  return found.length > 0 ? found : null;
}

/** Words in the names of elements that never hold entries of a list. */
const asideName =
  /transaction|request|sequence|correlation|trace|session|reference|ticket|version|time|date|since|until|duration|server|node|host|page|count|total|offset|limit|size|(?:reason|error|status|result|return|response|sub|detail)code|message|elapsed|severity|success|distributor|(?:operator|provider|customer|subscriber|account|user|tenant)(?:id|no|number|code)$/;

/** Whether an element or attribute of this name never holds an entry of a list. */
export function isAside(name: string): boolean {
  return asideName.test(plainName(name)) || extentNamed(name) !== null;
}

/** Whether an element or attribute of this name may void an entry: `active` with no, `expired` with yes, any `state`. */
export function mayNotCount(name: string, text: string): boolean {
  const plain = plainName(name);
  const value = text.trim().toLowerCase();
  if (value === '') return false;
  if (/^(?:is)?(?:active|current|effective|enabled|entitled|valid|authori[sz]ed)$/.test(plain))
    return !/^(?:1|true|y|yes)$/.test(value);
  if (
    /^(?:is)?(?:inactive|expired|suspended|cancell?ed|disabled|deleted|removed|blocked|revoked|terminated)$/.test(plain)
  )
    return !/^(?:0|false|no?)$/.test(value);
  return /stat(?:e|us)$/.test(plain);
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/^\{.*\}|[-_.]/g, '');
}

/** Returns a name without the ending of a plural or an id. */
export function stemOf(name: string): string {
  return plainName(name)
    .replace(/s$/, '')
    .replace(/(?<=.)(?:id|no|number|code)$/, '');
}
