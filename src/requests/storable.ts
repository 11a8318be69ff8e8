/**
 * Makes a text storable in PostgreSQL as text and jsonb. What a CAS answers may contain U+0000 and lone surrogates,
 * which become U+FFFD.
 */
export function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.toWellFormed().replaceAll('\u0000', '\uFFFD')) as T;
}
