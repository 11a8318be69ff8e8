/**
 * A text as PostgreSQL takes it, in text and in jsonb: what a CAS answers may hold U+0000 and lone surrogates, which
 * become U+FFFD.
 */
export function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.toWellFormed().replaceAll('\u0000', '\uFFFD')) as T;
}
