import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { defaultCasFile, inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { commandLike } from '../../src/conax-tools/command-guesses.ts';
import { sampleRequests } from '../../src/conax-tools/show-request.ts';
import { readOutline } from '../../src/conax-tools/wsdl-outline.ts';
import { type CommandType, commandTypes } from '../../src/planning/command.ts';
import { fileLimits, readXml, type XmlElement } from '../../src/soap/xml.ts';
import { acme, acmeChoice, directoryWith, initialised, messages, types, wsdlOf } from './support.ts';

const XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"';
const areas = ['authorization', 'pairing', 'user-text-messaging', 'fingerprinting', 'ca-pin'];
const ownWsdl = (area: string): string => join(defaultCasFile, '..', 'wsdl', `${area}.wsdl`);

/** What an element says, whatever its prefixes. */
function said({ ns, name, attributes, children, text }: XmlElement): unknown {
  return { ns, name, attributes, text: text.trim(), children: children.map(said) };
}

function replaceIn(file: string, changes: Readonly<Record<string, string>>): void {
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of Object.entries(changes)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  writeFileSync(file, text);
}

describe('conax init', () => {
  test("of the project's WSDLs, one after the other, writes what the project's templates send", () => {
    const directory = directoryWith({});
    const results = areas.map((area) => {
      const { operations } = readOutline(ownWsdl(area));
      const choice = operations.map(({ name }) => [name, commandLike(name) ?? 'missing'] as [string, CommandType]);
      return initialised(ownWsdl(area), directory, choice);
    });
    expect(results.map(({ unsupported }) => unsupported.length)).toEqual([10, 6, 3, 2, 0]);
    // The schema says only that a status code is a text.
    expect(new Set(results.flatMap(({ unsure }) => unsure))).toEqual(
      new Set([
        `${directory}/conax.json: answers: success: write the status codes that mean success; the WSDL does not say which (string)`,
        `${directory}/conax.json: answers: refused, tryLater, notAuthorised: write the codes that the CAS documents; one that is in no list refuses and is for review`,
      ]),
    );
    replaceIn(join(directory, 'conax.json'), { '"success": []': '"success": ["OK"]' });
    const made = inspectCas(join(directory, 'conax.json'));
    expect([...made.mistakes, ...made.unchecked, ...made.warnings]).toEqual([]);
    const own = inspectCas(defaultCasFile).commands;
    for (const type of commandTypes) {
      const [mine, theirs] = [made.commands[type], own[type]];
      if (mine === undefined || theirs === undefined) throw new Error(`${type} is missing`);
      const { path, soapAction, soapVersion } = theirs;
      expect(mine).toMatchObject({ path, soapAction, soapVersion });
      expect(mine.answer.paths).toEqual(theirs.answer.paths);
      for (const size of ['smallest', 'largest'] as const) {
        const read = (of: typeof mine): unknown => said(readXml(sampleRequests(of)[size], fileLimits));
        expect(read(mine)).toEqual(read(theirs));
      }
    }
  });

  test('of a CAS of another style leaves five places to a person, and then everything fits the WSDL', () => {
    const directory = directoryWith(acme);
    const { unsure } = initialised(join(directory, 'acme.wsdl'), join(directory, 'conax'), acmeChoice);
    const file = (name: string): string => join(directory, 'conax', name);
    const add = file('requests/ADD_SUBSCRIPTIONS.xml');
    expect(unsure.map((line) => line.replace(`${directory}/conax/`, ''))).toEqual([
      'requests/ADD_SUBSCRIPTIONS.xml:16: Action (string, one of GRANT, REVOKE); write a field, or the text that the CAS wants',
      'requests/CANCEL_SUBSCRIPTIONS.xml:16: Action (string, one of GRANT, REVOKE); write a field, or the text that the CAS wants',
      'requests/SEND_MAIL_MESSAGE_TO_CLIENT.xml:16: Language (language); write a field, or the text that the CAS wants',
      expect.stringMatching(/^conax.json: answers: success: .*\(int\)$/),
      expect.stringMatching(/^conax.json: answers: refused, tryLater, notAuthorised: /),
      expect.stringMatching(/^conax.json: basicAuth: false, as the templates send user and password; write true/),
    ]);
    // Until a person has looked at them, the check refuses.
    expect(inspectCas(file('conax.json')).mistakes.join('\n')).toMatch(
      /conax\.json:\d+: answers\.success: is missing[^\n]*\n[^\n]*ADD_SUBSCRIPTIONS\.xml:16: \{\{\?Action\}\} stands for what nobody could guess/,
    );
    replaceIn(add, { '{{?Action}}': 'Grant' });
    replaceIn(file('requests/CANCEL_SUBSCRIPTIONS.xml'), { '{{?Action}}': 'REVOKE' });
    replaceIn(file('requests/SEND_MAIL_MESSAGE_TO_CLIENT.xml'), { '{{?Language}}': 'en' });
    replaceIn(file('conax.json'), { '"success": []': '"success": ["0"]' });
    const [mistake, ...more] = inspectCas(file('conax.json')).mistakes;
    expect(more).toEqual([]);
    expect(mistake).toMatch(/ADD_SUBSCRIPTIONS\.xml:16: .*'Grant' is not an element of the set/);
    replaceIn(add, { Grant: 'GRANT' });
    const { mistakes, warnings, commands } = inspectCas(file('conax.json'));
    expect({ mistakes, warnings }).toEqual({ mistakes: [], warnings: [] });
    expect(
      commands.GET_PAIRING_STATUS_FOR_CARD?.answer.paths['pairedSetTopBoxes']?.map(({ ns, name }) => ns + name),
    ).toEqual([`${messages}QueryPairingByCardReply`, `${types}Boxes`, `${types}Serial`]);
  });

  test('of a login that looks like a card and a product guesses these in the Body only, and the login in the Header', () => {
    const login =
      '<xs:element name="ProductId" type="xs:string"/><xs:element name="Text" type="xs:string"/></xs:sequence><xs:attribute name="client" type="xs:string" use="required"/></xs:complexType>';
    const xsd = (acme['acme.xsd'] ?? '').replace(
      /(<xs:complexType name="Login">.*?)<\/xs:sequence><\/xs:complexType>/,
      `$1${login}`,
    );
    const directory = directoryWith({ ...acme, 'acme.xsd': xsd });
    initialised(join(directory, 'acme.wsdl'), directory, [
      ['SetEntitlement', 'ADD_SUBSCRIPTIONS'],
      ['SendMail', 'SEND_MAIL_MESSAGE_TO_CLIENT'],
    ]);
    const template = (name: string): string => readFileSync(join(directory, `requests/${name}.xml`), 'utf8');
    const [header = '', body = ''] = template('ADD_SUBSCRIPTIONS').split('</soap:Header>');
    expect(header.match(/\{\{.*?\}\}/g)).toEqual([
      '{{?client}}',
      '{{username}}',
      '{{password}}',
      '{{?ProductId}}',
      '{{?Text}}',
    ]);
    expect(body.match(/\{\{.*?\}\}/g)).toEqual(expect.arrayContaining(['{{smartcard}}', '{{service}}']));
    expect(template('SEND_MAIL_MESSAGE_TO_CLIENT').split('</soap:Header>')[1]).toContain(
      '<t:Text>{{message}}</t:Text>',
    );
  });

  test('of an answer whose status code has an odd name leaves a path that is refused: else every refusal is a success', () => {
    const odd = Object.fromEntries(
      Object.entries(acme).map(([name, text]) => [name, text.replaceAll('"Result"', '"Rc"')]),
    );
    const directory = directoryWith(odd);
    const { unsure } = initialised(join(directory, 'acme.wsdl'), join(directory, 'conax'), acmeChoice);
    expect(unsure).toContainEqual(
      expect.stringMatching(/no element looks like a status code; write the path of statusCode, which may be .*Rc/),
    );
    const { mistakes } = inspectCas(join(directory, 'conax/conax.json'));
    expect(mistakes).toContainEqual(
      expect.stringMatching(
        /commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: ".*\/\?": "\?" is no name; write prefix:name/,
      ),
    );
  });

  test('overwrites nothing without --force, and then only what was chosen', () => {
    const directory = directoryWith(acme);
    const wsdl = join(directory, 'acme.wsdl');
    initialised(wsdl, directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    const template = join(directory, 'requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml');
    writeFileSync(template, 'mine');
    replaceIn(join(directory, 'conax.json'), { '"success": []': '"success": ["0"]', '"acme"': '"cas"' });
    const both: [string, CommandType][] = [
      ['ChangePin', 'UPDATE_CA_PIN_TO_GIVEN_VALUE'],
      ['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'],
    ];
    expect(() => initialised(wsdl, directory, both)).toThrow(
      /already has UPDATE_CA_PIN_TO_DEFAULT_VALUE\. Nothing was written/,
    );
    expect(existsSync(join(directory, 'requests/UPDATE_CA_PIN_TO_GIVEN_VALUE.xml'))).toBe(false);
    // One that is only declared as unsupported is replaced.
    const { unsupported } = initialised(wsdl, directory, both.slice(0, 1));
    expect(unsupported).toHaveLength(11);
    expect(readFileSync(template, 'utf8')).toBe('mine');
    const cas = JSON.parse(readFileSync(join(directory, 'conax.json'), 'utf8')) as Record<string, object>;
    const written = Object.entries(cas['commands'] ?? {}).filter(([, entry]) => 'template' in (entry as object));
    expect(written.map(([command]) => command).toSorted()).toEqual(both.map(([, command]) => command).toSorted());
    expect(cas['commands']).toMatchObject({
      DISPLAY_FINGERPRINT: { unsupported: 'conax init: no operation of acme.wsdl was chosen for it' },
    });
    // The area of the same path and WSDL is used, whatever its name; what a person wrote stays.
    expect(cas).toMatchObject({ answers: { success: ['0'] } });
    expect(cas['areas']).toEqual({ cas: { path: '/cas/soap', wsdl: 'acme.wsdl' } });
    initialised(wsdl, directory, both, true);
    expect(readFileSync(template, 'utf8')).toContain('{{smartcard}}');
  });

  test('copies the WSDL and what it refers to, so that the folder stays whole wherever it is moved', () => {
    const directory = directoryWith({
      'cas/acme.wsdl': (acme['acme.wsdl'] ?? '').replace('"acme.xsd"', '"../types/acme.xsd"'),
      'types/acme.xsd': acme['acme.xsd'] ?? '',
    });
    const wsdl = join(directory, 'cas/acme.wsdl');
    const choice: [string, CommandType][] = [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']];
    initialised(wsdl, join(directory, 'out'), choice);
    // A file of the same name that is another one stays.
    const copy = join(directory, 'out/wsdl/cas/acme.wsdl');
    const before = readFileSync(copy);
    writeFileSync(copy, 'mine');
    expect(() => initialised(wsdl, join(directory, 'out'), [['ChangePin', 'UPDATE_CA_PIN_TO_GIVEN_VALUE']])).toThrow(
      /wsdl\/cas\/acme\.wsdl is another file than the one of the WSDL\. Nothing was written/,
    );
    writeFileSync(copy, before);
    renameSync(join(directory, 'out'), join(directory, 'moved'));
    rmSync(join(directory, 'types'), { recursive: true });
    replaceIn(join(directory, 'moved/conax.json'), { '"success": []': '"success": ["0"]' });
    const { mistakes, unchecked, commands } = inspectCas(join(directory, 'moved/conax.json'));
    expect([...mistakes, ...unchecked]).toEqual([]);
    expect(commands.UPDATE_CA_PIN_TO_DEFAULT_VALUE?.wsdlFile).toBe(join(directory, 'moved/wsdl/cas/acme.wsdl'));
  });

  test('writes HTTP Basic off if the templates send the login, unless other commands stay', () => {
    const withoutLogin = { 'plain.wsdl': (acme['acme.wsdl'] ?? '').replaceAll(/<soap:header [^>]*>/g, '') };
    const directory = directoryWith({ ...acme, ...withoutLogin });
    const basicAuth = (): unknown =>
      (JSON.parse(readFileSync(join(directory, 'conax.json'), 'utf8')) as { basicAuth?: boolean }).basicAuth;
    initialised(join(directory, 'plain.wsdl'), directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    expect(basicAuth()).toBeUndefined();
    const second: [string, CommandType][] = [['ChangePin', 'UPDATE_CA_PIN_TO_GIVEN_VALUE']];
    expect(initialised(join(directory, 'acme.wsdl'), directory, second).unsure).toContainEqual(
      expect.stringMatching(
        /basicAuth: the new templates send .* if UPDATE_CA_PIN_TO_DEFAULT_VALUE need no HTTP Basic/,
      ),
    );
    expect(basicAuth()).toBeUndefined();
    const both: [string, CommandType][] = [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'], ...second];
    replaceIn(join(directory, 'conax.json'), { '"namespaces"': '"basicAuth": true, "namespaces"' });
    initialised(join(directory, 'acme.wsdl'), directory, both, true);
    expect(basicAuth()).toBe(false);
  });

  test("keeps the query of a port's address, and leaves the SOAPAction to the WSDL unless it has several", () => {
    const wsdl = (acme['acme.wsdl'] ?? '').replace('/cas/soap"', '/cas/soap?port=2&amp;v=1"');
    const second = wsdl
      .replace('</wsdl:binding>', `</wsdl:binding>${/<wsdl:binding [^]*<\/wsdl:binding>/.exec(wsdl)?.[0] ?? ''}`)
      .replace('name="CasSoap"', 'name="CasSoapB"')
      .replace('"urn:acme/ResetPin"', '"urn:acme/b/ResetPin"')
      .replace('<wsdl:port ', '<wsdl:port name="B" binding="s:CasSoapB"/><wsdl:port ');
    const directory = directoryWith({ ...acme, 'acme.wsdl': wsdl, 'two.wsdl': second });
    const entryOf = (file: string): unknown => {
      const out = join(directory, file);
      initialised(join(directory, `${file}.wsdl`), out, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
      replaceIn(join(out, 'conax.json'), { '"success": []': '"success": ["0"]' });
      const { mistakes, commands } = inspectCas(join(out, 'conax.json'));
      expect(mistakes).toEqual([]);
      const { path, soapAction } = commands.UPDATE_CA_PIN_TO_DEFAULT_VALUE ?? {};
      return { path, soapAction, isWritten: readFileSync(join(out, 'conax.json'), 'utf8').includes('soapAction') };
    };
    expect(entryOf('acme')).toEqual({
      path: '/cas/soap?port=2&v=1',
      soapAction: 'urn:acme/ResetPin',
      isWritten: false,
    });
    expect(entryOf('two')).toMatchObject({ soapAction: 'urn:acme/b/ResetPin', isWritten: true });
  });

  test('fetches nothing, and names what lies at an address', async () => {
    let asked = 0;
    const server = createServer((_request, response) => void ((asked += 1), response.end())).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((listening) => server.once('listening', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/acme-types?xsd=1`;
    const directory = directoryWith({
      ...acme,
      'acme.wsdl': (acme['acme.wsdl'] ?? '').replace('"acme.xsd"', `"${url}"`),
    });
    const { outline } = initialised(join(directory, 'acme.wsdl'), directory, [
      ['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'],
    ]);
    expect(outline.remarks.join('\n')).toContain(url);
    expect(asked).toBe(0);
  });
});

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

test.each([
  ['AddSubscriptions', 'ADD_SUBSCRIPTIONS'],
  ['revokeProduct', 'CANCEL_SUBSCRIPTIONS'],
  ['ListEntitlements', 'GET_ACTIVE_SUBSCRIPTIONS'],
  ['ListCardContents', 'GET_ACTIVE_SUBSCRIPTIONS'],
  ['ListPairings', 'GET_PAIRING_STATUS_FOR_CARD'],
  ['ListCards', null],
  ['ListMessages', null],
  ['GetActiveSubscriptions', 'GET_ACTIVE_SUBSCRIPTIONS'],
  ['getPairingStatusForSTB', 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE'],
  ['SetPIN', 'UPDATE_CA_PIN_TO_GIVEN_VALUE'],
  ['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'],
  ['ShowFingerprint', 'DISPLAY_FINGERPRINT'],
  ['DeletePairing', null],
  ['CancelMessage', null],
  ['Ping', null],
])('the operation %s looks like %s', (name, command) => {
  expect(commandLike(name)).toBe(command);
});
