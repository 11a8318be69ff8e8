import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { fileLimits, readXml } from '../../src/soap/xml.ts';
import { directoryWith, initialised, messages, wsdlOf } from './support.ts';

const XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"';

describe('a construct of XML Schema', () => {
  /** The template for ADD_SUBSCRIPTIONS with this in its Body's element. */
  function templateOf(content: string, more = '', schema = 'elementFormDefault="qualified"'): string {
    const directory = directoryWith({
      'cas.wsdl': wsdlOf({
        operations: ['Grant'],
        schema: `<xs:schema ${XS} xmlns:m="${messages}" targetNamespace="${messages}" ${schema}><xs:element name="Grant">${content}</xs:element><xs:element name="GrantReply" type="xs:string"/>${more}</xs:schema>`,
      }),
    });
    initialised(join(directory, 'cas.wsdl'), directory, [['Grant', 'ADD_SUBSCRIPTIONS']]);
    const text = readFileSync(join(directory, 'requests/ADD_SUBSCRIPTIONS.xml'), 'utf8');
    // Whatever a person must still write, it is well-formed.
    readXml(text, fileLimits);
    return /<soap:Body>\n\s*([^]*?)\s*<\/soap:Body>/.exec(text)?.[1]?.replaceAll(/\n\s*/g, '\n') ?? '';
  }
  const typed = (inner: string): string => `<xs:complexType>${inner}</xs:complexType>`;
  const card = '<xs:element name="Card" type="xs:string"/>';
  const product = '<xs:element name="Product" type="xs:string"/>';

  test('required attributes are written, optional ones are not', () => {
    const number = `<xs:element name="Card">${typed('<xs:attribute name="number" type="xs:string" use="required"/><xs:attribute name="kind" type="xs:string" use="required"/><xs:attribute name="note" type="xs:string"/>')}</xs:element>`;
    expect(templateOf(typed(`<xs:sequence>${number}</xs:sequence>`))).toContain(
      '<m:Card number="{{smartcard}}" kind="{{?kind}}"/>',
    );
  });

  test('a choice keeps the alternative that has fields, and names the others', () => {
    const choice = `<xs:choice><xs:element name="Subscriber" type="xs:string"/>${card}</xs:choice>`;
    const text = templateOf(typed(`<xs:sequence>${choice}${product}</xs:sequence>`));
    expect(text).toContain('<m:Card>{{smartcard}}</m:Card>');
    expect(text).toContain('<!-- one of several: Card: keep it, or write instead Subscriber -->');
    expect(text).not.toContain('<m:Subscriber>');
  });

  test('an abstract type takes its one derived type by xsi:type, with the elements of both', () => {
    const base = `<xs:complexType name="Base" abstract="true"><xs:sequence>${card}</xs:sequence></xs:complexType>`;
    const derived = `<xs:complexType name="Full"><xs:complexContent><xs:extension base="m:Base"><xs:sequence>${product}</xs:sequence></xs:extension></xs:complexContent></xs:complexType>`;
    const text = templateOf(typed('<xs:sequence><xs:element name="req" type="m:Base"/></xs:sequence>'), base + derived);
    expect(text).toContain(
      '<m:req xsi:type="m:Full">\n<m:Card>{{smartcard}}</m:Card>\n<m:Product>{{service}}</m:Product>\n</m:req>',
    );
  });

  test('an abstract element takes its one substitute', () => {
    const more = `<xs:element name="Key" abstract="true" type="xs:string"/><xs:element name="CardNumber" substitutionGroup="m:Key" type="xs:string"/>`;
    expect(templateOf(typed(`<xs:sequence><xs:element ref="m:Key"/></xs:sequence>`), more)).toContain(
      '<m:CardNumber>{{smartcard}}</m:CardNumber>',
    );
  });

  test('groups, constants, nillable and optional elements stand in the order of the schema', () => {
    const content = `<xs:sequence><xs:group ref="m:Both"/><xs:element name="Mode" type="xs:string" fixed="FULL"/><xs:element name="Until" type="xs:date" nillable="true"/><xs:element name="Note" type="xs:string" minOccurs="0"/><xs:any namespace="##other"/></xs:sequence>`;
    const text = templateOf(
      typed(content),
      `<xs:group name="Both"><xs:sequence>${card}${product}</xs:sequence></xs:group>`,
    );
    expect(text.split('\n')).toEqual([
      '<m:Grant>',
      '<m:Card>{{smartcard}}</m:Card>',
      '<m:Product>{{service}}</m:Product>',
      '<m:Mode>FULL</m:Mode>',
      '<!-- Until is sent without a value: the WSDL allows that; it may be date -->',
      '<m:Until xsi:nil="true"/>',
      '<!-- optional: Note (string) -->',
      '<!-- any element of the namespace ##other may stand here: write what the CAS wants -->',
      '{{?element}}',
      '</m:Grant>',
    ]);
  });

  test('what must be there and has no outline is a place that the check refuses, unless it is optional', () => {
    const any = (occurs: string): string =>
      templateOf(typed(`<xs:sequence>${card}${product}<xs:any namespace="##other"${occurs}/></xs:sequence>`));
    expect(any('')).toContain('{{?element}}');
    expect(any(' minOccurs="0"')).not.toContain('{{?');
    const device = `${card}${product}<xs:element ref="m:Device"/>`;
    const one = (name: string, more: string): string => `<xs:element name="${name}" type="xs:string"${more}/>`;
    const substitutes = one('Stick', ' substitutionGroup="m:Device"') + one('Box', ' substitutionGroup="m:Device"');
    const written = templateOf(
      typed(`<xs:sequence>${device}</xs:sequence>`),
      one('Device', ' abstract="true"') + substitutes,
    );
    expect(written).toMatch(/Device is abstract.*\n\{\{\?element\}\}/);
  });

  test('a nillable end of an entitlement is nil if the command has none', () => {
    const until = '<xs:element name="Until" type="xs:dateTime" nillable="true"/>';
    expect(templateOf(typed(`<xs:sequence>${card}${product}${until}</xs:sequence>`)).split('\n')).toEqual([
      '<m:Grant>',
      '<m:Card>{{smartcard}}</m:Card>',
      '<m:Product>{{service}}</m:Product>',
      '{{#entitledUntil}}<m:Until>{{entitledUntil}}</m:Until>{{/entitledUntil}}',
      '{{^entitledUntil}}<m:Until xsi:nil="true"/>{{/entitledUntil}}',
      '</m:Grant>',
    ]);
  });

  const time = (name: string, more = ''): string => `<xs:element name="${name}" type="xs:dateTime"${more}/>`;
  const period = (more: string, from: string, to: string): string =>
    `<xs:element name="Window"${more}>${typed(`<xs:sequence>${from}${to}</xs:sequence>`)}</xs:element>`;

  test('an optional element around the period is left out without a period, and so is one in it', () => {
    const dated = (more: string, from: string, to: string): string[] =>
      templateOf(typed(`<xs:sequence>${card}${product}${period(more, from, to)}</xs:sequence>`))
        .split('\n')
        .slice(3, -1);
    const optional = ' minOccurs="0"';
    const window = ['<m:Window>', '<m:From>{{entitledFrom}}</m:From>', '<m:To>{{entitledUntil}}</m:To>', '</m:Window>'];
    const section = ['{{#entitledFrom}}', ...window, '{{/entitledFrom}}'];
    expect(dated(optional, time('From'), time('To'))).toEqual(section);
    expect(dated(optional, time('From', optional), time('To', optional))).toEqual(section);
    expect(dated(' nillable="true"', time('From'), time('To'))).toEqual([
      ...section,
      '{{^entitledFrom}}<m:Window xsi:nil="true"/>{{/entitledFrom}}',
    ]);
    expect(dated('', time('From', optional), time('To', optional))).toEqual([
      '<m:Window>',
      '{{#entitledFrom}}<m:From>{{entitledFrom}}</m:From>{{/entitledFrom}}',
      '{{#entitledUntil}}<m:To>{{entitledUntil}}</m:To>{{/entitledUntil}}',
      '</m:Window>',
    ]);
    // A start that must be there is the time of the call, with and without a period.
    expect(dated('', time('From'), time('To', optional))).toContain('<m:From>{{now}}</m:From>');
  });

  test('a room of a device is left out of its entry with the element around it, and the entry stays', () => {
    const room = `<xs:element name="Room" minOccurs="0">${typed('<xs:attribute name="distributorId" type="xs:string" use="required"/>')}</xs:element>`;
    const entry = `<xs:element name="Card" maxOccurs="unbounded" minOccurs="0">${typed(`<xs:sequence><xs:element name="Number" type="xs:string"/>${room}</xs:sequence>`)}</xs:element>`;
    const directory = directoryWith({
      'cas.wsdl': wsdlOf({
        operations: ['Pair'],
        schema: `<xs:schema ${XS} targetNamespace="${messages}"><xs:element name="Pair">${typed(`<xs:sequence>${entry}</xs:sequence>`)}</xs:element><xs:element name="PairReply" type="xs:string"/></xs:schema>`,
      }),
    });
    initialised(join(directory, 'cas.wsdl'), directory, [['Pair', 'CREATE_PAIRING']]);
    const text = readFileSync(join(directory, 'requests/CREATE_PAIRING.xml'), 'utf8').replaceAll(/\n\s*/g, '\n');
    expect(text).toContain(
      '{{#smartcards}}\n<Card>\n<Number>{{caId}}</Number>\n{{#distributor}}<Room distributorId="{{distributor}}"/>{{/distributor}}\n</Card>\n{{/smartcards}}',
    );
  });

  test.each([
    ['optional', ' minOccurs="0"', 0, 0],
    ['demanded', '', 0, 1],
  ])('a period that is %s fits the WSDL as the settings say', (_how, more, withPeriod, without) => {
    const directory = directoryWith({
      'cas.wsdl': wsdlOf({
        operations: ['Grant'],
        schema: `<xs:schema ${XS} targetNamespace="${messages}" elementFormDefault="qualified"><xs:element name="Grant">${typed(`<xs:sequence>${card}${product}${period(more, time('From'), time('To'))}</xs:sequence>`)}</xs:element><xs:element name="GrantReply" type="xs:string"/></xs:schema>`,
      }),
    });
    const { unsure } = initialised(join(directory, 'cas.wsdl'), directory, [['Grant', 'ADD_SUBSCRIPTIONS']]);
    const mistakes = (entitled: boolean): string[] =>
      inspectCas(join(directory, 'conax.json'), entitled).mistakes.filter((one) => one.includes('does not fit'));
    expect([mistakes(true).length, mistakes(false).length]).toEqual([withPeriod, without]);
    expect(unsure.filter((one) => one.includes('ENTITLEMENT_MONTHS'))).toHaveLength(without);
  });

  test('a type that contains itself ends', () => {
    const node =
      '<xs:complexType name="Node"><xs:sequence><xs:element name="Inner" type="m:Node"/></xs:sequence></xs:complexType>';
    expect(templateOf(typed('<xs:sequence><xs:element name="Top" type="m:Node"/></xs:sequence>'), node)).toContain(
      'its types may contain themselves',
    );
  });

  test('elements of a schema with unqualified elements have no namespace', () => {
    expect(templateOf(typed(`<xs:sequence>${card}</xs:sequence>`), '', '')).toBe(
      '<m:Grant>\n<Card>{{smartcard}}</Card>\n</m:Grant>',
    );
  });

  test('SOAP 1.2, rpc style and a schema without a namespace of its own are written', () => {
    const included = `<xs:schema ${XS} elementFormDefault="qualified"><xs:complexType name="Req"><xs:sequence>${card}</xs:sequence></xs:complexType></xs:schema>`;
    const schema = `<xs:schema ${XS} xmlns:m="${messages}" targetNamespace="${messages}"><xs:include schemaLocation="inc.xsd"/><xs:element name="Grant" type="m:Req"/><xs:element name="GrantReply" type="m:Req"/></xs:schema>`;
    const wsdl = wsdlOf({ operations: ['Grant'], schema, soap: '12' });
    const directory = directoryWith({
      'inc.xsd': included,
      'cas.wsdl': wsdl,
      'rpc.wsdl': wsdl
        .replace(
          '<wsdl:part name="p" element="m:Grant"/>',
          '<wsdl:part name="Card" type="xs:string"/><wsdl:part name="mode" type="m:Req"/>',
        )
        .replace('<soap:binding ', '<soap:binding style="rpc" ')
        .replaceAll('<soap:body use="literal"/>', '<soap:body use="literal" namespace="urn:rpc"/>')
        .replace('<wsdl:definitions ', `<wsdl:definitions ${XS} `),
    });
    const body = (file: string, out: string): string => {
      initialised(join(directory, file), join(directory, out), [['Grant', 'ADD_SUBSCRIPTIONS']]);
      const text = readFileSync(join(directory, out, 'requests/ADD_SUBSCRIPTIONS.xml'), 'utf8');
      expect(text).toContain('http://www.w3.org/2003/05/soap-envelope');
      return text.replaceAll(/\n\s*/g, '\n');
    };
    expect(body('cas.wsdl', 'a')).toContain('<m:Grant>\n<m:Card>{{smartcard}}</m:Card>\n</m:Grant>');
    expect(body('rpc.wsdl', 'b')).toContain(':Grant>\n<Card>{{smartcard}}</Card>\n<mode>');
  });
});
