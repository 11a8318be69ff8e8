import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listen } from 'soap';
import { describe, expect, onTestFinished, test } from 'vitest';
import { acme, acmeChoice, directoryWith, initialised } from '../conax-tools/support.ts';
import { runCli } from '../support/cli.ts';

/** The files of acme as `conax init` writes them and a person completes them; and their conax.json. */
function acmeFiles(): { directory: string; file: string } {
  const wsdl = join(directoryWith(acme), 'acme.wsdl');
  const directory = join(wsdl, '..', 'conax');
  initialised(wsdl, directory, acmeChoice);
  const complete = (name: string, from: string, to: string): void => {
    const text = readFileSync(join(directory, name), 'utf8');
    expect(text).toContain(from);
    writeFileSync(join(directory, name), text.replaceAll(from, to));
  };
  complete('requests/ADD_SUBSCRIPTIONS.xml', '{{?Action}}', 'GRANT');
  complete('requests/CANCEL_SUBSCRIPTIONS.xml', '{{?Action}}', 'REVOKE');
  complete('requests/SEND_MAIL_MESSAGE_TO_CLIENT.xml', '{{?Language}}', 'en');
  complete('conax.json', '"success": []', '"success": ["0"]');
  complete('conax.json', '"refused": []', '"refused": ["4"]');
  return { directory, file: join(directory, 'conax.json') };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => server.close().closeAllConnections());
  await new Promise((ready) => server.once('listening', ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The package `soap` as the CAS of acme. It writes names with a prefix as they are. */
async function acmeServer(): Promise<string> {
  const server = createServer((_request, response) => void response.writeHead(404).end());
  const url = await listening(server);
  const CasPort = {
    ListEntitlements: ({ Card }: { Card: string }) =>
      Card === '00000000004'
        ? { 't:Result': 4, 't:Info': 'no such card' }
        : Card === '00000000005'
          ? { 't:Result': 0 }
          : Card === '00000000006'
            ? { 't:Result': 0, Package: [101] }
            : { 't:Result': 0, 't:Info': 'fine', 't:Ticket': 'T-1', 't:Package': [101, 202] },
    QueryPairingByCard: ({ Card }: { Card: string }) => ({
      't:Result': 0,
      't:Cards': { 't:No': [Card] },
      't:Boxes': { 't:Serial': ['STB1'] },
    }),
    // The package's own idea of the namespaces, which is not that of the WSDL.
    QueryPairingByBox: ({ Box }: { Box: string }) => {
      if (Box === 'STB2') throw { Fault: { faultcode: 'soap:Client', faultstring: 'no such box' } };
      return { Result: 0 };
    },
  };
  const directory = directoryWith(acme);
  await new Promise<void>((ready, failed) => {
    listen(server, {
      path: '/cas/soap',
      services: { CasService: { CasPort } },
      xml: acme['acme.wsdl'] ?? '',
      uri: join(directory, 'acme.wsdl'),
      callback: (error: Error | null) => (error ? failed(error) : ready()),
    });
  });
  return url;
}

describe('conax check', () => {
  test("shows what the project's files send, without any settings, and ends with 0", async () => {
    const { exitCode, stdout, stderr } = await runCli(['conax', 'check', '--command', 'ADD_SUBSCRIPTIONS']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(
      /^ADD_SUBSCRIPTIONS\n {2}area {8}authorization, .*authorization\.wsdl\n {2}path {8}\/authorization\n/,
    );
    expect(stdout).toContain(
      '  SOAPAction  "http://www.conax.com/cas/authorization/v1/AddSubscriptions"\n  SOAP        1.1\n',
    );
    expect(stdout).toContain('            <area:ProductId>101</area:ProductId>\n');
    // Only what is sent: a period if entitlements end.
    expect(stdout).not.toContain('EntitledUntil');
    const ending = await runCli(['conax', 'check', '--command', 'ADD_SUBSCRIPTIONS'], { ENTITLEMENT_MONTHS: '3' });
    expect(ending.stdout).toContain('<area:EntitledUntil>');
    expect(stdout).toMatch(/conax\.json: nothing is wrong\n$/);
    const every = await runCli(['conax', 'check', '--requests']);
    expect(every.stdout.match(/^[A-Z_]+\n {2}area /gm)).toHaveLength(13);
    expect(every.stdout).toMatch(/ {2}smallest request\n[^]* {2}largest request\n/);
  });

  test('prints no request unless it is asked for, so that mistakes are read at once', async () => {
    const sound = await runCli(['conax', 'check']);
    expect(sound.stdout).toMatch(/^\S+conax\.json: nothing is wrong\n$/);
    const { directory, file } = acmeFiles();
    writeFileSync(join(directory, 'requests/CANCEL_SUBSCRIPTIONS.xml'), '');
    const { exitCode, stdout } = await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: file });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^1 to fix:\n- .*CANCEL_SUBSCRIPTIONS\.xml:1: .*\n$/);
  });

  test('has every command in --json', async () => {
    const { stdout } = await runCli(['conax', 'check', '--json']);
    const shown = JSON.parse(stdout) as { mistakes: unknown[]; commands: Record<string, unknown>[] };
    expect(shown.mistakes).toEqual([]);
    expect(shown.commands).toHaveLength(13);
    expect(shown.commands.find(({ command }) => command === 'DISPLAY_FINGERPRINT')).toMatchObject({
      area: 'fingerprinting',
      operation: 'DisplayFingerprint',
      soap_version: '1.1',
      requests: { smallest: expect.stringContaining('<area:FingerprintSlot>4<') as string },
    });
  });

  test('names mistakes of other commands too, shows what can be shown, and ends with 1', async () => {
    const { directory, file } = acmeFiles();
    writeFileSync(join(directory, 'requests/CANCEL_SUBSCRIPTIONS.xml'), '<a>{{smartcart}}</a>');
    const { exitCode, stdout } = await runCli(['conax', 'check', '--command', 'ADD_SUBSCRIPTIONS'], {
      CONAX_MAPPING_FILE: file,
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('<t:Action>GRANT</t:Action>');
    expect(stdout).toMatch(
      /2 to fix:\n- .*CANCEL_SUBSCRIPTIONS\.xml:1: \{\{smartcart\}\} is no field of this command; did you mean smartcard\? it/,
    );
  });

  test('does not say that nothing is wrong if something was not checked, and says what and why', async () => {
    const { directory, file } = acmeFiles();
    const text = readFileSync(file, 'utf8');
    const without = text.replace(/,\s*"wsdl": "[^"]*"/, '').replaceAll('"template":', '"soapAction": "", "template":');
    writeFileSync(file, without);
    const { exitCode, stdout } = await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: file });
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(
      /1 not checked:\n- .*conax\.json:\d+: areas\.acme: has no wsdl, so its requests and answers/,
    );
    expect(stdout).toMatch(
      /conax\.json: nothing is wrong in what was checked; see above what was not, and these commands are unchecked: ADD_SUBSCRIPTIONS, [A-Z_, ]+\n$/,
    );
    const json = await runCli(['conax', 'check', '--json'], { CONAX_MAPPING_FILE: file });
    expect(json.exitCode).toBe(4);
    expect(JSON.parse(json.stdout)).toMatchObject({
      mistakes: [],
      unchecked_commands: expect.arrayContaining(['ADD_SUBSCRIPTIONS']) as string[],
    });
    // A schema that is missing as well.
    writeFileSync(file, text);
    unlinkSync(join(directory, 'wsdl/acme.xsd'));
    expect(await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: file })).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(
        /^(?![^]*ENOENT)[^]*SUBSCRIPTIONS\.template: the request is .*acme\.xsd is missing/,
      ) as string,
    });
    // A schema that is no XML is a mistake.
    writeFileSync(join(directory, 'wsdl/acme.xsd'), '<broken');
    const broken = await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: file });
    expect(broken.exitCode).toBe(1);
    expect(broken.stdout).toMatch(/1 to fix:\n- .*acme\.xsd:1: is no XML: [^\n]*; correct it\n$/);
  });

  test('names the commands that the CAS does not have in one line', async () => {
    const { file } = acmeFiles();
    const content = JSON.parse(readFileSync(file, 'utf8')) as { commands: Record<string, unknown> };
    content.commands['DISPLAY_FINGERPRINT'] = { unsupported: 'not bought' };
    writeFileSync(file, JSON.stringify(content));
    const { exitCode, stdout } = await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: file });
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').filter((line) => line.includes('DISPLAY_FINGERPRINT'))).toEqual([
      'not supported by the CAS, and refused with FEATURE_NOT_AVAILABLE: DISPLAY_FINGERPRINT (not bought)',
    ]);
  });

  test.each([
    ['{ "areas": ', /conax\.json:1: is no JSON/],
    [
      null,
      /to fix:\n- .*no such file.*; correct CONAX_MAPPING_FILE, or write the file with npx conax-provisioning conax init\n$/,
    ],
    [
      Buffer.from('{ "é": 1 }', 'latin1'),
      /to fix:\n- .*conax\.json is not UTF-8: byte 0xE9 at position 3 \(line 1\); save it as UTF-8\n$/,
    ],
  ])('a conax.json that cannot be read is a mistake like others: %s', async (text, says) => {
    const directory = directoryWith(text === null ? {} : { 'conax.json': text });
    const ran = await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: join(directory, 'conax.json') });
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(says);
  });
});

describe('conax try', () => {
  test('asks the CAS once and shows request, answer and verdict, without the password', async () => {
    const { file } = acmeFiles();
    const env = {
      CONAX_MAPPING_FILE: file,
      CONAX_BASE_URL: await acmeServer(),
      CONAX_USERNAME: 'sms',
      CONAX_PASSWORD: 's3cret&more',
    };
    const asked = await runCli(['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '20000000001'], env);
    expect({ exitCode: asked.exitCode, stderr: asked.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(asked.stdout).toMatch(
      /^POST http:\/\/127\.0\.0\.1:\d+\/cas\/soap\nSOAPAction: "urn:acme\/ListEntitlements"\n/,
    );
    expect(asked.stdout).toContain('<t:Password>****</t:Password>');
    expect(asked.stdout).toContain('<t:Package>202</t:Package>');
    expect(asked.stdout).toContain('  activeServices    "101" "202"\n');
    expect(asked.stdout).toContain(
      'verdict: accepted\n  the CAS answered the question\n  reference number  T-1\n  active services   101 202\n',
    );
    expect(asked.stdout).not.toContain('s3cret');

    const paired = await runCli(
      ['conax', 'try', 'GET_PAIRING_STATUS_FOR_CARD', '--smartcard', '20000000001', '--json'],
      env,
    );
    expect(paired.exitCode).toBe(0);
    expect(JSON.parse(paired.stdout)).toMatchObject({
      http_status: 200,
      verdict: { kind: 'accepted', pairing: { smartcards: ['20000000001'], setTopBoxes: ['STB1'] } },
    });

    const refused = await runCli(['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '00000000004'], env);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain(
      'verdict: refused 4\n  the CAS refuses; the service would not ask again\n  no such card\n',
    );

    const empty = await runCli(['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '00000000005'], env);
    expect(empty.exitCode).toBe(0);
    expect(empty.stdout).toContain('  activeServices    none in this answer\n');
    expect(empty.stdout).toContain('  active services   none\n');
    expect(empty.stdout).not.toMatch(/finds nothing/);

    // The list is in no namespace, and the path asks for one.
    const misread = await runCli(['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '00000000006'], env);
    expect(misread.exitCode).toBe(1);
    expect(misread.stdout).toMatch(
      /activeServices {4}finds nothing at \S+types:2\}Package\n +the answer has {2}\{\S+messages:2\}ListEntitlementsReply\/Package\n/,
    );
    expect(misread.stdout).toMatch(
      /verdict: unknown CAS_ANSWER_UNREADABLE\n.*\n {2}.* the answer has Package, where conax\.json expects activeServices; correct its path or namespace, or write the path of what has no entries into "ignored"\n$/,
    );

    const fault = await runCli(['conax', 'try', 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', '--set-top-box', 'STB2'], env);
    expect(fault.exitCode).toBe(1);
    expect(fault.stdout).toContain('\n\npaths: the answer is a SOAP Fault, which is read without paths\n\n');
    expect(fault.stdout).toMatch(
      /verdict: refused SOAP_FAULT\n {2}the CAS refuses; .*flag the request for review: the Fault names no code that conax\.json has in a list\n {2}.*no such box\n$/,
    );

    // A CAS that answers in another namespace than its WSDL says: the place is shown.
    const other = await runCli(['conax', 'try', 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', '--set-top-box', 'STB1'], env);
    expect(other.exitCode).toBe(1);
    expect(other.stdout).toMatch(
      /statusCode {8}finds nothing at \{\S+messages:2\}QueryPairingByBoxReply\/\{\S+types:2\}Result\n +the answer has {2}\{\S+messages:2\}QueryPairingByBoxReply\/Result\n/,
    );
    expect(other.stdout).toContain('verdict: unknown CAS_ANSWER_UNREADABLE\n');
  });

  test('shows the action where SOAP 1.2 has it, and warns of no other command that the CAS lacks', async () => {
    const { directory, file } = acmeFiles();
    const content = JSON.parse(readFileSync(file, 'utf8')) as { commands: Record<string, Record<string, unknown>> };
    content.commands['DISPLAY_FINGERPRINT'] = { unsupported: 'not bought' };
    content.commands['GET_ACTIVE_SUBSCRIPTIONS'] = {
      ...content.commands['GET_ACTIVE_SUBSCRIPTIONS'],
      soapAction: 'urn:acme/ListEntitlements',
    };
    writeFileSync(file, JSON.stringify(content));
    const template = join(directory, 'requests/GET_ACTIVE_SUBSCRIPTIONS.xml');
    const text = readFileSync(template, 'utf8');
    writeFileSync(
      template,
      text.replace('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
    );
    const { stdout, stderr } = await runCli(
      ['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '20000000001'],
      {
        CONAX_MAPPING_FILE: file,
        CONAX_BASE_URL: 'http://127.0.0.1:1',
        CONAX_USERNAME: 'sms',
        CONAX_PASSWORD: 's3cret',
      },
    );
    expect(stdout).toMatch(
      /^POST \S+\nContent-Type: application\/soap\+xml; charset=utf-8; action="urn:acme\/ListEntitlements"\n/,
    );
    expect(stdout).not.toContain('SOAPAction');
    expect(stderr).not.toContain('unsupported');
  });

  test.each([
    ['part of a service and of the card', '1'],
    ['part of the namespaces', 'acme'],
    ['part of the names of elements', 'Package'],
  ])('reads the paths from the answer as it came if the password is %s', async (_name, password) => {
    const { file } = acmeFiles();
    const env = {
      CONAX_MAPPING_FILE: file,
      CONAX_BASE_URL: await acmeServer(),
      CONAX_USERNAME: 'sms',
      CONAX_PASSWORD: password,
    };
    const asked = await runCli(['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '20000000001'], env);
    expect(asked.stdout).toContain('<t:Password>****</t:Password>');
    expect(asked.stdout).toContain('  statusCode        "0"\n');
    expect(asked.stdout).toContain('  activeServices    "101" "202"\n');
    expect(asked.stdout).toContain('  message           "fine"\n');
  });

  test.each([
    ['a whole value', 'fine'],
    ['a long part of a word', '00000001'],
  ])('what the paths find is shown without the password: %s', async (_name, password) => {
    const { file } = acmeFiles();
    const env = {
      CONAX_MAPPING_FILE: file,
      CONAX_BASE_URL: await acmeServer(),
      CONAX_USERNAME: 'sms',
      CONAX_PASSWORD: password,
    };
    const [command, field] =
      password === 'fine'
        ? ['GET_ACTIVE_SUBSCRIPTIONS', 'message           "****"']
        : ['GET_PAIRING_STATUS_FOR_CARD', 'pairedSmartcards  "200****"'];
    const asked = await runCli(['conax', 'try', command ?? '', '--smartcard', '20000000001'], env);
    expect(asked.stdout).toContain(`  ${field}\n`);
  });

  test('neither it nor the check shows a secret that is a constant of a template, and both name its place', async () => {
    const { directory, file } = acmeFiles();
    const template = join(directory, 'requests/GET_ACTIVE_SUBSCRIPTIONS.xml');
    writeFileSync(template, readFileSync(template, 'utf8').replace('{{password}}', 'fine'));
    const mapping = readFileSync(file, 'utf8').replace('"/cas/soap"', '"/cas/soap?api_key=k3y"');
    writeFileSync(file, mapping);
    const env = {
      CONAX_MAPPING_FILE: file,
      CONAX_BASE_URL: await acmeServer(),
      CONAX_USERNAME: 'sms',
      CONAX_PASSWORD: 'other',
    };
    const question = 'GET_ACTIVE_SUBSCRIPTIONS';
    const asked = await runCli(['conax', 'try', question, '--smartcard', '20000000001'], env);
    expect(asked.stdout).toMatch(/^POST \S+\/cas\/soap\?api_key=\*{4}\n/);
    expect(asked.stdout).toContain('  message           "****"\n');
    expect(asked.stdout).toContain('<t:Info>****</t:Info>');
    const json = await runCli(['conax', 'check', '--command', question, '--json'], env);
    const text = await runCli(['conax', 'check', '--command', question], env);
    expect(text.stdout).toContain('  path        /cas/soap?api_key=****\n');
    for (const shown of [asked.stdout + asked.stderr, json.stdout, text.stdout]) {
      expect(shown).toContain('<Password> has a secret as a constant');
      expect(shown).toContain('Password>****<');
      expect(shown).not.toMatch(/\bfine\b|k3y/);
    }
  });

  test('a CAS that is away ends with 1 and says so', async () => {
    const { exitCode, stdout } = await runCli(
      ['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '20000000001'],
      {
        CONAX_BASE_URL: 'http://127.0.0.1:1',
      },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain('verdict: not-sent CAS_CONNECTION_REFUSED\n');
  });

  test('templates with a login need its settings, named once', async () => {
    const { file } = acmeFiles();
    const { exitCode, stdout, stderr } = await runCli(
      ['conax', 'try', 'GET_ACTIVE_SUBSCRIPTIONS', '--smartcard', '20000000001'],
      {
        CONAX_MAPPING_FILE: file,
        CONAX_BASE_URL: 'http://127.0.0.1:1',
      },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr.match(/set CONAX_\w+/g)).toEqual(['set CONAX_USERNAME', 'set CONAX_PASSWORD']);
  });

  test.each([
    ['ADD_SUBSCRIPTIONS --smartcard 1', /is no command that changes nothing: give one of GET_ACTIVE_SUBSCRIPTIONS/],
    ['GET_ACTIVE_SUBSCRIPTIONS', /--smartcard is missing: give the device that GET_ACTIVE_SUBSCRIPTIONS asks about/],
    [
      'GET_ACTIVE_SUBSCRIPTIONS --smartcard 20000000001 --set-top-box STB1',
      /--set-top-box does not fit GET_ACTIVE_SUBSCRIPTIONS, which asks about --smartcard: leave it out/,
    ],
    ['GET_PAIRING_STATUS_FOR_PAIRING_MODULE --smartcard 1', /--set-top-box is missing: give the device that/],
    ['GET_ACTIVE_SUBSCRIPTION --smartcard 1', /did you mean GET_ACTIVE_SUBSCRIPTIONS\?/],
    [
      'GET_ACTIVE_SUBSCRIPTIONS --smartcard 123',
      /--smartcard is "123": the service would never send it: give one that fits SMARTCARD_CA_ID_PATTERN/,
    ],
    [`GET_PAIRING_STATUS_FOR_PAIRING_MODULE --set-top-box ${'x'.repeat(31)}`, /fits STB_CA_ID_PATTERN/],
  ])('wrong usage ends with 2 and sends nothing: %s', async (line, says) => {
    const ran = await runCli(['conax', 'try', ...line.split(' ')], { CONAX_BASE_URL: 'http://127.0.0.1:1' });
    expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toMatch(says);
  });
});
