import { expect, test } from 'vitest';
import { MINIMAL, rendered } from './rendered.ts';

test.each([
  ['settings.KAFKA_SLL=true', "at '/settings': additional properties 'KAFKA_SLL' not allowed"],
  ['settings.LEASE_MS=5', "at '/settings/LEASE_MS': minimum: got 5, want 1,000"],
  ['settings.STALE_POLICY=drop', "at '/settings/STALE_POLICY': value must be one of 'plan', 'hold'"],
  ['settings.PIN_KEY=0000', "at '/settings': additional properties 'PIN_KEY' not allowed"],
  ['settings.HTTP_PORT=80', "at '/settings': additional properties 'HTTP_PORT' not allowed"],
  [
    'settings.CONAX_BASE_URL=https://user:secret@cas',
    "at '/settings/CONAX_BASE_URL': 'https://user:secret@cas' does not match",
  ],
  ['replica=3', "at '': additional properties 'replica' not allowed"],
  ['service.port=web', "at '/service/port': got string, want integer"],
  ['secrets.PIN_KEY.name=a', "at '/secrets/PIN_KEY': missing property 'key'"],
  ['settings.DATABASE_URL_FILE=/a', 'DATABASE_URL is in settings and in secrets: keep one of them'],
])('helm refuses %s by name', async (value, message) => {
  await expect(rendered('--values', MINIMAL, '--set', value)).rejects.toThrow(message);
});

test('one message names every required setting that is missing, with the remedy', async () => {
  await expect(rendered()).rejects.toThrow(
    [
      'These settings are wrong (docs/kubernetes.md describes them):',
      'DATABASE_URL is missing: name its Secret in secrets.DATABASE_URL, or set settings.DATABASE_URL_FILE',
      'KAFKA_BROKERS is missing: name its Secret in secrets.KAFKA_BROKERS, or set settings.KAFKA_BROKERS',
      'SCHEMA_REGISTRY_URL is missing: name its Secret in secrets.SCHEMA_REGISTRY_URL, or set settings.SCHEMA_REGISTRY_URL',
      'CONAX_BASE_URL is missing: name its Secret in secrets.CONAX_BASE_URL, or set settings.CONAX_BASE_URL',
    ].join('\n  '),
  );
});
