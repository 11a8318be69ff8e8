import { readFileSync } from 'node:fs';
import { Registry } from '@prometheus-io/client';
import { serviceMetrics } from '../../src/metrics.ts';
import { labelsOf, type PossibleValues } from '../../src/platform/metrics.ts';
import { PROCESS_METRICS } from '../../src/platform/process-metrics.ts';

const BLOCK = /(<!-- generated: the metrics -->\n).*?(<!-- end of generated -->)/s;

/** The groups of metrics, by the starts of their names. */
const GROUPS: readonly (readonly [title: string, names: RegExp])[] = [
  ['The instance', /^conax_(build|part|database|clock)_/],
  ['Reading events', /^conax_intake_/],
  ['Sending commands', /^conax_(dispatch|cas)_/],
  ['Publishing outcomes', /^conax_(outbox|outcome|actions)_/],
  ['What waits, runs, replays, retention', /^conax_(waiting|runs|replays|retention)/],
  ['HTTP', /^conax_(web_api|http)_/],
  ['Tracing', /^conax_trace_/],
  ['The process', /^(process|nodejs)_/],
];

/** More values than these stand below the tables. */
const SHORT = 6;

export interface DocumentedMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, PossibleValues>>;
}

/** Returns every metric of the service, in the order in which `/metrics` has them; those of the process as on Linux. */
export function documentedMetrics(): DocumentedMetric[] {
  const registry = new Registry();
  serviceMetrics(registry, { revision: '', pools: () => null, parts: () => [] });
  const own = registry
    .getMetricsAsArray()
    .filter(({ name }) => !(name in PROCESS_METRICS))
    .map((metric) => ({ ...describe(metric), labels: labelsOf(metric) }));
  const ofProcess = Object.entries(PROCESS_METRICS).map(([name, [type, help, labels = {}]]) => ({
    name,
    type,
    help,
    labels,
  }));
  return [...own, ...ofProcess];
}

function describe(metric: unknown): Pick<DocumentedMetric, 'name' | 'type' | 'help'> {
  const { name, type, help } = metric as Pick<DocumentedMetric, 'name' | 'type' | 'help'>;
  return { name, type, help };
}

/**
 * docs/monitoring.md, with today's metrics in its block.
 * @throws Error if the page has lost the marks of the block, or a metric belongs to no group.
 */
export function monitoringDoc(): string {
  const page = readFileSync('docs/monitoring.md', 'utf8');
  if (!BLOCK.test(page)) throw new Error(`docs/monitoring.md must contain ${BLOCK.source}`);
  const tables = tablesOf(documentedMetrics());
  return page.replace(BLOCK, (_block, start: string, end: string) => `${start}\n${tables}\n${end}`);
}

function tablesOf(metrics: readonly DocumentedMetric[]): string {
  const groupOf = ({ name }: DocumentedMetric): string => {
    const group = GROUPS.find(([, names]) => names.test(name));
    if (group === undefined)
      throw new Error(`${name} belongs to no group: add its start to GROUPS in ${import.meta.filename}`);
    return group[0];
  };
  const long = new Map<string, { readonly label: string; readonly values: readonly string[]; readonly of: string[] }>();
  const shown = (metric: string, label: string, values: PossibleValues): string => {
    if (typeof values === 'string') return `\`${label}\`: ${values}`;
    if (values.length <= SHORT) return `\`${label}\`: ${values.map(code).join(', ')}`;
    const list = long.get(values.join()) ?? { label, values, of: [] };
    long.set(values.join(), { ...list, of: [...list.of, metric] });
    return `\`${label}\`: ${values.length} values ([below](#label-values))`;
  };
  const row = ({ name, type, help, labels }: DocumentedMetric): string => {
    const cells = Object.entries(labels).map(([label, values]) => shown(name, label, values));
    return `| \`${name}\` | ${type} | ${cells.join('; ')} | ${help} |`;
  };
  const byGroup = Map.groupBy(metrics, groupOf);
  const sections = GROUPS.map(([title]) =>
    [
      `### ${title}`,
      '',
      '| name | type | labels | what it means |',
      '|---|---|---|---|',
      ...(byGroup.get(title) ?? []).map(row),
      '',
    ].join('\n'),
  );
  const lists = [...long.values()].map(
    ({ label, values, of }) => `| \`${label}\` | ${of.map(code).join(', ')} | ${values.map(code).join(', ')} |`,
  );
  return [
    ...sections,
    ['### Label values', '', '| label | of | values |', '|---|---|---|', ...lists, ''].join('\n'),
  ].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
