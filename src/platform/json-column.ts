/**
 * JSON texts as one parameter of a statement, for `jsonColumn`. As an array parameter every quotation mark in them is
 * escaped here and unescaped by the server: twice the time of reading the JSON itself. U+0001 never stands raw in what
 * JSON.stringify writes.
 */
export function jsonTexts(texts: readonly (string | null)[]): string {
  return texts.map((text) => text ?? '').join('\u0001');
}

/** The SQL of a jsonb[] out of a parameter that `jsonTexts` made, for `unnest`; null if the text was null. */
export function jsonColumn(parameter: string): string {
  return `string_to_array(${parameter}::text, e'\\x01', '')::jsonb[]`;
}
