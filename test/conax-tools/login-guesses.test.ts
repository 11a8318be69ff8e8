/** What `conax init` takes for the password in a Header. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acme, directoryWith, initialised } from './support.ts';

test.each<[names: string, password: string]>([
  ['User Secret', 'Secret'],
  ['User Pwd', 'Pwd'],
  ['User Passphrase', 'Passphrase'],
  ['ClientSecret User', 'ClientSecret'],
  ['ApiKey User Password', 'Password'],
  ['Secret ApiKey', 'Secret'],
])('of a Header with %s guesses the password in %s', (names, password) => {
  const elements = names.split(' ').map((name) => `<xs:element name="${name}" type="xs:string"/>`);
  const xsd = (acme['acme.xsd'] ?? '').replace(
    /(<xs:complexType name="Login"><xs:sequence>).*?(<\/xs:sequence>)/,
    `$1${elements.join('')}$2`,
  );
  const directory = directoryWith({ ...acme, 'acme.xsd': xsd });
  initialised(join(directory, 'acme.wsdl'), directory, [['ChangePin', 'UPDATE_CA_PIN_TO_GIVEN_VALUE']]);
  const template = readFileSync(join(directory, 'requests/UPDATE_CA_PIN_TO_GIVEN_VALUE.xml'), 'utf8');
  const sent = Array.from(template.matchAll(/<t:(\w+)>\{\{(.*?)\}\}</g), ([, name, field]) => `${name} ${field}`);
  const header = names.split(' ').map((name) => {
    if (name === 'User') return 'User username';
    return name === password ? `${name} password` : `${name} ?${name}`;
  });
  expect(sent).toEqual([...header, 'Card smartcard', 'NewPin pin']);
});
