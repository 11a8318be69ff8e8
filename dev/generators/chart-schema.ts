import { z } from 'zod';
import { isSecret, numberKindOf } from '../../src/platform/setting-kinds.ts';
import { SERVICE_SETTINGS, settingGroups } from '../../src/settings.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** Set by the chart itself, which has to know them for probes, ports and policies. */
const OWNED_BY_THE_CHART = new Set(['HTTP_HOST', 'HTTP_PORT', 'MANAGEMENT_HOST', 'MANAGEMENT_PORT']);

/** Draft 7, because Helm 3 knows no newer one. */
const DRAFT = 'http://json-schema.org/draft-07/schema#';

const flag = { type: 'boolean' };
const text = { type: 'string' };
const name = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 };
const nameOrEmpty = { anyOf: [{ const: '' }, name] };
const duration = { type: 'string', pattern: '^([0-9]+(ms|s|m|h))+$' };
const quantity = { type: ['string', 'number'], pattern: '^[0-9.]+([KMGTPE]i?|[mk])?$' };
/** What Kubernetes itself checks. */
const ofKubernetes = { type: 'object' };
const listOfKubernetes = { type: 'array', items: { type: 'object' } };
const labels = { type: 'object', additionalProperties: text };
const resources = { type: 'object', properties: { requests: ofKubernetes, limits: ofKubernetes } };
const reference = {
  ...object({ name, key: { type: 'string', pattern: '^[-._a-zA-Z0-9]+$' } }),
  required: ['name', 'key'],
};
const serviceSettings = SERVICE_SETTINGS.flatMap((group) => Object.entries<z.ZodType>(settingGroups[group])).filter(
  ([setting]) => !OWNED_BY_THE_CHART.has(setting),
);
const references = object(Object.fromEntries(serviceSettings.map(([setting]) => [setting, reference])));

/** values.schema.json of the chart: Helm refuses unknown values and settings, and those outside their range, by name. */
export function chartSchema(): string {
  const schema = {
    $schema: DRAFT,
    $comment: 'Generated from dev/generators/chart-schema.ts and src/settings.ts by `npm run generate`; do not edit.',
    ...object({
      image: object({
        repository: { ...text, minLength: 1 },
        tag: text,
        digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      }),
      imagePullSecrets: listOfKubernetes,
      replicas: whole(0, 100),
      settings: settingsSchema(),
      secrets: references,
      casDefinition: object({ configMap: nameOrEmpty, items: listOfKubernetes }),
      migrate: object({
        enabled: flag,
        secrets: references,
        waitSeconds: whole(0, 99_999),
        activeDeadlineSeconds: whole(60, 604_800),
        serviceAccountName: nameOrEmpty,
        resources,
      }),
      preStopSeconds: whole(0, 300),
      resources,
      service: object({
        type: { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
        port: whole(1, 65_535),
        managementPort: whole(1, 65_535),
        annotations: labels,
      }),
      serviceAccount: object({ create: flag, name: nameOrEmpty, annotations: labels }),
      podDisruptionBudget: object({
        enabled: flag,
        maxUnavailable: { anyOf: [whole(0, 100), { type: 'string', pattern: '^[0-9]+%$' }] },
      }),
      autoscaling: object({
        enabled: flag,
        // One instance at least: also without events it sends what waits, and publishes outcomes.
        minReplicas: whole(1, 100),
        maxReplicas: whole(1, 100),
        lagThreshold: whole(1, 1_000_000_000),
        pollingIntervalSeconds: whole(1, 3_600),
        cooldownSeconds: whole(0, 3_600),
      }),
      networkPolicy: object({
        enabled: flag,
        apiFrom: listOfKubernetes,
        managementFrom: listOfKubernetes,
        egress: listOfKubernetes,
      }),
      serviceMonitor: object({ enabled: flag, interval: duration, labels }),
      prometheusRule: object({ enabled: flag, labels }),
      podSecurityContext: ofKubernetes,
      tmpSizeLimit: quantity,
      extraVolumes: listOfKubernetes,
      extraVolumeMounts: listOfKubernetes,
      extraEnv: listOfKubernetes,
      podAnnotations: labels,
      podLabels: labels,
      nodeSelector: labels,
      tolerations: listOfKubernetes,
      affinity: ofKubernetes,
      topologySpreadConstraints: listOfKubernetes,
      priorityClassName: text,
      nameOverride: nameOrEmpty,
      fullnameOverride: nameOrEmpty,
      // Helm adds it if the chart is part of another one.
      global: ofKubernetes,
    }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The settings of the service as values. A secret is accepted only as the path of a file. */
function settingsSchema(): JsonSchema {
  return object(
    Object.fromEntries(
      serviceSettings.flatMap(([setting, schema]): [string, JsonSchema][] => [
        ...(isSecret(schema) ? [] : ([[setting, valueSchema(schema)]] satisfies [string, JsonSchema][])),
        [`${setting}_FILE`, { type: 'string', minLength: 1 }],
      ]),
    ),
  );
}

function valueSchema(schema: z.ZodType): JsonSchema {
  const number = numberKindOf(schema);
  if (number !== null) return { ...number };
  const { enum: choices, format } = z.toJSONSchema(schema, { io: 'input' });
  if (choices?.includes('true')) return { enum: [true, false, 'true', 'false'] };
  if (choices !== undefined) return { enum: choices };
  // Without a password: everybody who may see a pod sees its settings.
  if (format === 'uri') return { type: 'string', pattern: '^https?://[^@]*$' };
  return { type: 'string', minLength: 1 };
}

function object(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', additionalProperties: false, properties };
}

function whole(minimum: number, maximum: number): JsonSchema {
  return { type: 'integer', minimum, maximum };
}
