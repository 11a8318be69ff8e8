import { type AnswerShape, textsAt } from '../conax/answer-shape.ts';
import { readEnvelope } from '../conax/soap-envelope.ts';
import { XmlError } from '../conax/xml.ts';

/** Returns what each path of an answer finds in it; null if the answer has no SOAP body that can be read. */
export function textsByPath(shape: AnswerShape, answer: string | null): Record<string, string[]> | null {
  // A multipart answer has more around its envelope.
  const envelope = /<(?:[\w.-]+:)?Envelope[\s>][^]*<\/(?:[\w.-]+:)?Envelope\s*>/.exec(answer ?? '');
  if (envelope === null) return null;
  try {
    const { content } = readEnvelope(envelope[0]);
    if (content === null) return null;
    const isExpected = shape.element?.ns === content.ns && shape.element.name === content.name;
    return Object.fromEntries(
      Object.entries(shape.paths).map(([field, path]) => [field, isExpected ? textsAt(content, path) : []]),
    );
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
}
