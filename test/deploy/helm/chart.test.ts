import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { problemsOf } from '../../../dev/helm/validate.ts';
import { readSettings, SERVICE_SETTINGS, settingGroups } from '../../../src/settings.ts';
import {
  CHART,
  MINIMAL,
  type PodSpec,
  podOf,
  PRODUCTION,
  rendered,
  tools,
  variableOf,
  type Workload,
  workload,
  workloads,
} from './rendered.ts';

const SETS = readdirSync(new URL('values/', import.meta.url)).map((file) => `test/deploy/helm/values/${file}`);

describe.each(SETS)('with %s', (file) => {
  test('helm lint has nothing to say', async () => {
    const report = await (await tools).helm(['lint', '--strict', CHART, '--values', file]);
    expect(report).not.toMatch(/\[(?:ERROR|WARNING)\]/);
    expect(report).toMatch(/1 chart\(s\) linted, 0 chart\(s\) failed/);
  });

  test('every document follows the schema of its kind, without a member that Kubernetes does not know', async () => {
    const { schemas } = await tools;
    const manifests = await rendered('--values', file);
    expect(manifests.length).toBeGreaterThan(2);
    for (const manifest of manifests) {
      expect({
        of: `${manifest.kind} ${manifest.metadata.name}`,
        problems: await problemsOf(manifest, schemas),
      }).toEqual({
        of: `${manifest.kind} ${manifest.metadata.name}`,
        problems: [],
      });
    }
  });

  test('the service takes the settings of the pods, with what the Secrets have', async () => {
    for (const found of await workloads('--values', file)) {
      const { env } = podOf(found).containers[0];
      const names = env.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      const known = new Set(['NODE_OPTIONS', ...SETTINGS, ...SETTINGS.map((name) => `${name}_FILE`)]);
      expect(names.filter((name) => !known.has(name))).toEqual([]);
      const values = env.map(({ name, value = '' }) =>
        name.endsWith('_FILE') && name !== 'CONAX_MAPPING_FILE'
          ? [name.slice(0, -'_FILE'.length), FROM_SECRETS[name.slice(0, -'_FILE'.length)] ?? '']
          : [name, value],
      );
      const groups = found.kind === 'Job' ? (['database', 'kafka', 'log'] as const) : SERVICE_SETTINGS;
      expect(() => readSettings(groups, Object.fromEntries(values) as Record<string, string>)).not.toThrow();
    }
  });

  test('pods keep the strictest of the Pod Security Standards, as any user, without a token of Kubernetes', async () => {
    for (const found of await workloads('--values', file)) {
      const pod = podOf(found);
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});

const SETTINGS = SERVICE_SETTINGS.flatMap((group) => Object.keys(settingGroups[group]));
/** What the Secrets have. Certificates are not set: a test would need real ones. */
const FROM_SECRETS: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://conax:secret@db/conax',
  KAFKA_BROKERS: 'kafka:9092',
  SCHEMA_REGISTRY_URL: 'http://user:secret@registry',
  CONAX_BASE_URL: 'http://user:secret@cas',
  KAFKA_SASL_USERNAME: 'conax',
  KAFKA_SASL_PASSWORD: 'secret',
  PIN_KEY: '0'.repeat(64),
};

test('the NetworkPolicy opens the two ports, each for its callers, and lets pods out to DNS and the given neighbours', async () => {
  const policy = (await rendered('--values', PRODUCTION)).find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && !metadata.name.endsWith('migrate'),
  );
  const from = (namespace: string) => [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
  ];
  expect(policy?.spec).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { ports: [{ port: 'http' }], from: from('crm') },
      { ports: [{ port: 'management' }], from: from('monitoring') },
    ],
    egress: [
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
      { to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: [{ port: 5432 }, { port: 9093 }, { port: 443 }] },
    ],
  });
});

describe('the Deployment', () => {
  test('probes ask the management port, which the container serves and the Service leads to', async () => {
    const manifests = await rendered('--values', MINIMAL);
    const { containers } = podOf(manifests.find(({ kind }) => kind === 'Deployment') as Workload);
    expect(containers[0]).toMatchObject({
      ports: [
        { name: 'http', containerPort: 8080 },
        { name: 'management', containerPort: 8081 },
      ],
      startupProbe: { httpGet: { path: '/health/live', port: 'management' } },
      livenessProbe: { httpGet: { path: '/health/live', port: 'management' } },
      readinessProbe: { httpGet: { path: '/health/ready', port: 'management' } },
      env: expect.arrayContaining([
        { name: 'HTTP_PORT', value: '8080' },
        { name: 'MANAGEMENT_PORT', value: '8081' },
      ]) as unknown,
    });
    expect(manifests.find(({ kind }) => kind === 'Service')?.spec).toMatchObject({
      selector: { 'app.kubernetes.io/component': 'serve' },
      ports: [
        { port: 8080, targetPort: 'http' },
        { port: 8081, targetPort: 'management' },
      ],
    });
  });

  test('a pod that stops has time for the proxies, for SHUTDOWN_TIMEOUT_MS and for the rest', async () => {
    expect(podOf(await workload('Deployment', '--values', MINIMAL)).terminationGracePeriodSeconds).toBe(5 + 20 + 10);
    const pod = podOf(await workload('Deployment', '--values', PRODUCTION));
    expect(pod.terminationGracePeriodSeconds).toBe(5 + 46 + 10);
    expect(pod.containers[0].lifecycle?.preStop.sleep.seconds).toBe(5);
  });

  test('large numbers stay whole numbers, and fractions fractions', async () => {
    const pod = podOf(await workload('Deployment', '--values', PRODUCTION));
    expect(variableOf(pod, 'CANCEL_PATIENCE_MS')).toBe('604800000');
    expect(variableOf(pod, 'BULK_SHARE')).toBe('0.25');
    expect(variableOf(pod, 'KAFKA_SSL')).toBe('true');
  });

  test('a secret is a file of its Secret, and `migrate` gets only what it reads, with the owner of the tables', async () => {
    const [serve, migrate] = [
      podOf(await workload('Deployment', '--values', PRODUCTION)),
      podOf(await workload('Job', '--values', PRODUCTION)),
    ];
    const filesOf = (pod: PodSpec): string[] =>
      pod.volumes.flatMap(({ name, secret }) => {
        const mount = pod.containers[0].volumeMounts.find((one) => one.name === name);
        return (secret?.items ?? []).map(({ key, path }) => `${mount?.mountPath}/${path} ${secret?.secretName}:${key}`);
      });
    expect(filesOf(serve).toSorted()).toEqual([
      '/run/secrets/conax/conax-cas/CONAX_CLIENT_CERT conax-cas:tls.crt',
      '/run/secrets/conax/conax-cas/CONAX_CLIENT_KEY conax-cas:tls.key',
      '/run/secrets/conax/conax-database/DATABASE_URL conax-database:service',
      '/run/secrets/conax/conax-kafka/KAFKA_SASL_PASSWORD conax-kafka:password',
      '/run/secrets/conax/conax-kafka/KAFKA_SSL_CA conax-kafka:ca.crt',
      '/run/secrets/conax/conax-provisioning/PIN_KEY conax-provisioning:pin-key',
    ]);
    expect(filesOf(migrate).toSorted()).toEqual([
      '/run/secrets/conax/conax-database/DATABASE_URL conax-database:owner',
      '/run/secrets/conax/conax-kafka/KAFKA_SASL_PASSWORD conax-kafka:password',
      '/run/secrets/conax/conax-kafka/KAFKA_SSL_CA conax-kafka:ca.crt',
    ]);
    for (const pod of [serve, migrate]) {
      for (const file of filesOf(pod).map((line) => line.split(' ')[0] ?? '')) {
        expect(variableOf(pod, `${basename(file)}_FILE`)).toBe(file);
      }
    }
  });

  test('the image is named by tag or digest', async () => {
    const imageOf = async (...args: string[]) => podOf(await workload('Deployment', ...args)).containers[0].image;
    expect(await imageOf('--values', MINIMAL)).toBe('conax-provisioning:0.1.0');
    expect(await imageOf('--values', PRODUCTION)).toMatch(
      /^registry\.example\/tv\/conax-provisioning@sha256:[0-9a-f]{64}$/,
    );
  });
});

test('`migrate` is a hook before installation and upgrade, and stays only if it failed', async () => {
  const job = await workload('Job', '--values', PRODUCTION);
  expect(job.metadata.annotations).toEqual({
    'helm.sh/hook': 'pre-install,pre-upgrade',
    'helm.sh/hook-weight': '0',
    'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
  });
  expect(podOf(job).containers[0].args).toEqual(['migrate', '--wait', '60']);
  expect(podOf(job).serviceAccountName).toBe('migrations');
  // Its NetworkPolicy is there before it.
  const policy = (await rendered('--values', PRODUCTION)).find(({ metadata }) => metadata.name.endsWith('migrate'));
  expect(policy?.metadata.annotations).toMatchObject({ 'helm.sh/hook-weight': '-5' });
});

test('with autoscaling KEDA decides the number of pods, by the lag of each topic and with the login of the service', async () => {
  const manifests = await rendered('--values', 'test/deploy/helm/values/autoscaling.yaml');
  const deployment = manifests.find(({ kind }) => kind === 'Deployment') as Workload;
  expect(deployment.spec.replicas).toBeUndefined();
  const trigger = (topic: string) => ({
    type: 'kafka',
    authenticationRef: { name: deployment.metadata.name },
    metadata: {
      bootstrapServers: 'kafka:9093',
      consumerGroup: 'tv',
      topic,
      lagThreshold: '1000000',
      offsetResetPolicy: 'earliest',
      tls: 'enable',
      sasl: 'plaintext',
    },
  });
  expect(manifests.find(({ kind }) => kind === 'ScaledObject')?.spec).toMatchObject({
    scaleTargetRef: { name: deployment.metadata.name },
    triggers: [trigger('crm.north'), trigger('crm.south')],
  });
  expect(manifests.find(({ kind }) => kind === 'TriggerAuthentication')?.spec).toEqual({
    secretTargetRef: [
      { parameter: 'password', name: 'kafka', key: 'password' },
      { parameter: 'username', name: 'kafka', key: 'user' },
    ],
  });
});

test('the PrometheusRule has the rules of rules/alerts.yaml', async () => {
  const rule = (await rendered('--values', PRODUCTION)).find(({ kind }) => kind === 'PrometheusRule');
  expect(rule?.spec).toEqual(parse(readFileSync(`${CHART}/rules/alerts.yaml`, 'utf8')));
});
