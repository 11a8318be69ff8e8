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
import { acme, acmeChoice, directoryWith, initialised, messages, types } from './support.ts';

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
