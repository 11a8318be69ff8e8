/** Checks one text against a type; null where it fits, else what is wrong, without the text (it may be a secret). */
export type TextCheck = (text: string) => string | null;

/** A facet of an XSD restriction: its name and its value. */
export interface Facet {
  readonly name: string;
  readonly value: string;
}

const integerRanges: Readonly<Record<string, readonly [bigint | null, bigint | null]>> = {
  integer: [null, null],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  short: [-32_768n, 32_767n],
  byte: [-128n, 127n],
  nonNegativeInteger: [0n, null],
  positiveInteger: [1n, null],
  nonPositiveInteger: [null, 0n],
  negativeInteger: [null, -1n],
  unsignedLong: [0n, 2n ** 64n - 1n],
  unsignedInt: [0n, 2n ** 32n - 1n],
  unsignedShort: [0n, 65_535n],
  unsignedByte: [0n, 255n],
};

const forms: Readonly<Record<string, RegExp>> = {
  boolean: /^(?:true|false|0|1)$/,
  decimal: /^[+-]?(?:\d+\.?\d*|\.\d+)$/,
  double: /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NaN)$/,
  float: /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NaN)$/,
  dateTime: /^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/,
  date: /^-?\d{4,}-\d\d-\d\d(?:Z|[+-]\d\d:\d\d)?$/,
  time: /^\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/,
};

const texts = new Set([
  'string',
  'normalizedString',
  'token',
  'anySimpleType',
  'anyURI',
  'NMTOKEN',
  'Name',
  'NCName',
  'ID',
  'language',
  'QName',
  'base64Binary',
  'hexBinary',
  'duration',
  'gYear',
  'gYearMonth',
  'gMonth',
  'gMonthDay',
  'gDay',
  'NMTOKENS',
  'IDREF',
  'IDREFS',
]);

/** The check of a type built into XML Schema, undefined where the name is none that is known. */
export function builtInCheck(name: string): TextCheck | undefined {
  const range = integerRanges[name];
  if (range !== undefined) return (text) => checkInteger(text.trim(), name, range);
  const form = forms[name];
  if (form !== undefined) return (text) => (form.test(text.trim()) ? null : `is no xs:${name}`);
  return texts.has(name) ? () => null : undefined;
}

function checkInteger(text: string, name: string, [min, max]: readonly [bigint | null, bigint | null]): string | null {
  if (!/^[+-]?\d{1,40}$/.test(text)) return `is no xs:${name}`;
  const value = BigInt(text.replace(/^\+/, ''));
  return (min !== null && value < min) || (max !== null && value > max) ? `is out of the range of xs:${name}` : null;
}

/** A base type's check and its facets together. A facet or a pattern that cannot be checked here allows everything. */
export function restrict(base: TextCheck, facets: readonly Facet[]): TextCheck {
  const enumeration = facets.filter((facet) => facet.name === 'enumeration').map((facet) => facet.value);
  const patterns = facets.filter((facet) => facet.name === 'pattern').map((facet) => facet.value);
  const checks: TextCheck[] = [base];
  if (enumeration.length > 0) {
    checks.push((text) => (enumeration.includes(text) ? null : `is none of ${enumeration.join(', ')}`));
  }
  if (patterns.length > 0) {
    const pattern = patternOf(patterns);
    if (pattern !== null) {
      checks.push((text) => (pattern.test(text) ? null : `does not fit the pattern ${patterns.join(' or ')}`));
    }
  }
  for (const { name, value } of facets) {
    if (name !== 'enumeration' && name !== 'pattern') checks.push(facetCheck(name, value));
  }
  return (text) => {
    for (const check of checks) {
      const problem = check(text);
      if (problem !== null) return problem;
    }
    return null;
  };
}

// XML Schema's patterns are nearly JavaScript's; a few forms (\i, [a-z-[aeiou]]) are not.
function patternOf(patterns: readonly string[]): RegExp | null {
  try {
    return new RegExp(`^(?:${patterns.join('|')})$`, 'u');
  } catch {
    return null;
  }
}

function facetCheck(name: string, value: string): TextCheck {
  const limit = Number(value);
  switch (name) {
    case 'length':
      return (text) => (lengthOf(text) === limit ? null : `must have exactly ${value} characters`);
    case 'minLength':
      return (text) => (lengthOf(text) >= limit ? null : `has fewer than ${value} characters`);
    case 'maxLength':
      return (text) => (lengthOf(text) <= limit ? null : `has more than ${value} characters`);
    case 'minInclusive':
      return (text) => (Number(text) >= limit ? null : `is less than ${value}`);
    case 'maxInclusive':
      return (text) => (Number(text) <= limit ? null : `is more than ${value}`);
    case 'minExclusive':
      return (text) => (Number(text) > limit ? null : `is not more than ${value}`);
    case 'maxExclusive':
      return (text) => (Number(text) < limit ? null : `is not less than ${value}`);
    default:
      return () => null;
  }
}

// XSD counts characters, not UTF-16 units.
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
