import { globSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { isSecret } from '../../src/platform/setting-kinds.ts';
import { SERVICE_SETTINGS, settingGroups } from '../../src/settings.ts';

/** The chart as files. What Helm makes of it: `npm run test:helm`. */
const CHART = 'deploy/helm/conax-provisioning';
const read = (file: string): string => readFileSync(file, 'utf8');
const settings = SERVICE_SETTINGS.flatMap((group) => Object.entries<z.ZodType>(settingGroups[group]));
const names = new Set(settings.map(([name]) => name));
const isSecretName = (name: string): boolean => settings.some(([one, kind]) => one === name && isSecret(kind));
const values = parse(read(`${CHART}/values.yaml`)) as Readonly<Record<string, unknown>>;
const schema = JSON.parse(read(`${CHART}/values.schema.json`)) as { properties: Record<string, unknown> };
const validate: ValidateFunction = new Ajv({ strict: false }).compile(schema);

test('every setting that the templates name exists', () => {
  const named = globSync(`${CHART}/templates/*`)
    .flatMap((file) => [...read(file).matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([name]) => name))
    .map((name) => (names.has(name) ? name : name.replace(/_FILE$/, '')));
  expect(named.length).toBeGreaterThan(10);
  // Or their beginnings, such as KAFKA_.
  const isKnown = (name: string): boolean => names.has(name) || [...names].some((one) => one.startsWith(`${name}_`));
  expect(named.filter((name) => !isKnown(name))).toEqual([]);
});

test('`migrate` gets those secrets that it reads', () => {
  const [, beginnings = ''] = /regexMatch "([^"]+)"/.exec(read(`${CHART}/templates/_helpers.tpl`)) ?? [];
  const ofMigrate = Object.keys({ ...settingGroups.database, ...settingGroups.kafka }).filter((name) =>
    isSecretName(name),
  );
  expect(ofMigrate.length).toBeGreaterThan(2);
  expect([...names].filter((name) => isSecretName(name) && new RegExp(beginnings).test(name))).toEqual(ofMigrate);
});

test('the chart requires the settings that the service requires', () => {
  const required = settings.filter(([, kind]) => !kind.safeParse(undefined).success).map(([name]) => name);
  const [, listed = ''] = /range list ((?:"[A-Z_]+" ?)+)/.exec(read(`${CHART}/templates/_helpers.tpl`)) ?? [];
  expect(listed.match(/[A-Z_]+/g)?.toSorted()).toEqual(required.toSorted());
});

describe('values.schema.json', () => {
  test('takes the default values, and knows each of them', () => {
    expect(validate(values) ? [] : validate.errors).toEqual([]);
    expect(
      Object.keys(schema.properties)
        .filter((name) => name !== 'global')
        .toSorted(),
    ).toEqual(Object.keys(values).toSorted());
  });

  test.each([
    [{ settings: { LEASE_MS: 60_000, KAFKA_SSL: true, STALE_POLICY: 'hold', PIN_KEY_FILE: '/pin' } }, true],
    [{ settings: { LEASE_MS: 1 } }, false],
    [{ settings: { PIN_KEY: '0'.repeat(64) } }, false],
    [{ settings: { SIMULATOR_PORT: 8090 } }, false],
    [{ settings: { BULK_SHARE: 1.5 } }, false],
    [{ secrets: { PIN_KEY: { name: 'conax', key: 'pin-key' } } }, true],
    [{ secrets: { PIN_KEY: '0'.repeat(64) } }, false],
    [{ secrets: { PIN_CODE: { name: 'conax', key: 'pin-key' } } }, false],
    [{ replica: 2 }, false],
  ])('%j: %j', (given, isValid) => {
    expect(validate({ ...values, ...given })).toBe(isValid);
  });
});

test('chart and product have one version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(parse(read(`${CHART}/Chart.yaml`))).toMatchObject({ version, appVersion: version });
});

test('ports and probes are those of the image and of its document', () => {
  const deployment = read(`${CHART}/templates/deployment.yaml`);
  expect(read('Dockerfile')).toMatch(/^EXPOSE 8080 /m);
  expect(settingGroups.http.HTTP_PORT.parse(undefined)).toBe(8080);
  expect(deployment).toContain('containerPort: 8080');
  for (const path of ['/health/live', '/health/ready']) {
    expect(deployment).toContain(`path: ${path}`);
    expect(read('docs/image.md')).toContain(`\`GET ${path}\``);
  }
});

test('the alerts are a rule file for the job that the ServiceMonitor makes', () => {
  const { groups } = parse(read(`${CHART}/rules/alerts.yaml`)) as {
    groups: { name: string; rules: { alert?: string; expr: string }[] }[];
  };
  expect(groups.flatMap(({ rules }) => rules).length).toBeGreaterThan(0);
  for (const { expr } of groups.flatMap(({ rules }) => rules)) {
    for (const [, job] of expr.matchAll(/job="([^"]*)"/g)) expect(job).toBe('conax-provisioning');
  }
  expect(read(`${CHART}/templates/servicemonitor.yaml`)).toContain('jobLabel: app.kubernetes.io/name');
  expect(read(`${CHART}/templates/_helpers.tpl`)).toContain('app.kubernetes.io/name: conax-provisioning');
});
