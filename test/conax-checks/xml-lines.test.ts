import { expect, test } from 'vitest';
import { writeLines } from '../../src/conax-checks/xml-lines.ts';
import { fileLimits, namespaceOf, readXml, type XmlElement } from '../../src/soap/xml.ts';

const asRead = { namespaceOf: ({ ns }: XmlElement) => ns, isLeftOut: () => false };

/** What an element says, whatever its prefixes, its place, and the line breaks between elements. */
function said({ ns, name, attributes, text, children }: XmlElement): unknown {
  const own = children.length > 0 && text.trim() === '' ? '' : text;
  return { ns, name, attributes, text: own, children: children.map(said) };
}

test.each([
  '<a>text &amp; more</a>',
  '<p:a xmlns:p="urn:p" xmlns="urn:d"><b c="1" p:c="2"><c xmlns="">x</c><c/></b></p:a>',
  '<a xmlns="urn:d" xml:lang="en"><b xmlns:t="urn:t" xmlns:i="urn:i" i:type="t:Some">\n one\ttwo</b></a>',
])('an XML that is written in lines says the same: %s', (xml) => {
  const root = readXml(xml, fileLimits);
  const { text, byLine } = writeLines(root, asRead);
  const again = readXml(text, fileLimits);
  expect(said(again)).toEqual(said(root));
  const lines = text.split('\n');
  expect(lines.map((line, index) => line.includes(byLine[index + 1]?.name ?? '?'))).toEqual(lines.map(() => true));
  const typed = again.children.find(({ attributes }) => attributes['{urn:i}type'] !== undefined);
  expect(typed === undefined ? null : namespaceOf(typed, 't')).toBe(typed === undefined ? null : 'urn:t');
});

test('elements are written in another namespace, and others left out', () => {
  const root = readXml('<a xmlns="urn:a"><b><c/></b><d/></a>', fileLimits);
  const { text } = writeLines(root, {
    namespaceOf: ({ name, ns }) => (name === 'b' ? '' : name === 'c' ? 'urn:c' : ns),
    isLeftOut: ({ name }) => name === 'd',
  });
  const [b] = readXml(text, fileLimits).children;
  expect(readXml(text, fileLimits).children).toHaveLength(1);
  expect([b?.ns, b?.children[0]?.ns]).toEqual(['', 'urn:c']);
});
