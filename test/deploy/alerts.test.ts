import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { beforeAll, expect, test } from 'vitest';
import { documentedMetrics } from '../../dev/generators/monitoring-doc.ts';
import { createProgram } from '../../src/commands/program.ts';
import { alertsOf, groupingOf, queriesOfDashboards, selectorsOf } from './monitoring-files.ts';

const alerts = alertsOf();
const runbook = readFileSync('docs/runbook.md', 'utf8');
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

/** What Prometheus adds to every series, of the target that it reads. */
const OF_TARGETS = new Set(['namespace', 'job', 'instance']);

/** Metric names of queries to their labels; a histogram has its three series. */
const known = new Map(
  documentedMetrics().flatMap(({ name, type, labels }) =>
    type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((end) => [name + end, { ...labels, le: 'bounds' }] as const)
      : [[name, labels] as const],
  ),
);

/** Returns what a query names that the service does not have. */
function unknownIn(expr: string): string[] {
  const ofMetrics = selectorsOf(expr);
  if (ofMetrics.length === 0) return [`no metric of the service in ${expr}`];
  const names = ofMetrics.flatMap(({ name, labels }) => {
    const has = known.get(name);
    if (has === undefined) return [name];
    return Object.entries(labels).flatMap(([label, values]) => {
      const allowed = has[label];
      if (allowed === undefined) return OF_TARGETS.has(label) ? [] : [`${name}{${label}}`];
      if (typeof allowed === 'string') return [];
      return values
        .filter((value) => !value.startsWith('$') && !allowed.includes(value))
        .map((value) => `${name}{${label}="${value}"}`);
    });
  });
  const labels = groupingOf(expr).filter(
    (label) => !OF_TARGETS.has(label) && !ofMetrics.some(({ name }) => label in (known.get(name) ?? {})),
  );
  return [...names, ...labels];
}

test('every alert has a section of the runbook, and every section an alert, in the same order', () => {
  expect([...sections.keys()]).toEqual(alerts.map(({ name }) => name));
  expect(alerts.map(({ runbook: at }) => at)).toEqual(
    alerts.map(({ name }) => `docs/runbook.md#${name.toLowerCase()}`),
  );
});

test('a section begins with the severity of its alert, and has what it means, what to look at and what to do', () => {
  const wrong = alerts.filter(({ name, severity }) => {
    const section = sections.get(name) ?? '';
    return (
      !/^\w+\n\n(page|ticket)\. \*\*Means:\*\*.*\*\*Look at:\*\*.*\*\*Do:\*\*/s.test(section) ||
      !section.includes(`\n${severity}. `)
    );
  });
  expect(wrong).toEqual([]);
});

test('the alerts name only metrics, labels and values that the service has', () => {
  expect(alerts.flatMap(({ name, expr }) => unknownIn(expr).map((what) => `${name}: ${what}`))).toEqual([]);
});

test('the dashboards name only metrics, labels and values that the service has, and leave the data source to Grafana', () => {
  const queries = queriesOfDashboards();
  expect(queries.length).toBeGreaterThan(20);
  expect(queries.flatMap(({ panel, expr }) => unknownIn(expr).map((what) => `${panel}: ${what}`))).toEqual([]);
  expect(queries.filter(({ datasource }) => datasource !== '${datasource}')).toEqual([]);
});

test('a metric whose meaning says ALERT has an alert, or one that it names', () => {
  const used = new Set(alerts.flatMap(({ expr }) => selectorsOf(expr).map(({ name }) => name)));
  const marked = documentedMetrics().filter(({ help }) => /\bALERT\b/.test(help));
  expect(marked.length).toBeGreaterThan(10);
  // Parked messages are seen in the database, until nothing is parked.
  expect(marked.map(({ name }) => name).filter((name) => !used.has(name))).toEqual(['conax_outbox_parked_total']);
});

test('the unit tests of the alerts, which promtool runs, test each one', () => {
  const tests = readFileSync('deploy/alerts.test.yaml', 'utf8');
  expect(alerts.map(({ name }) => name).filter((name) => !tests.includes(`alertname="${name}"`))).toEqual([]);
});

test('the metrics and settings that the runbook names exist', () => {
  const settings = readFileSync('docs/settings.md', 'utf8');
  const names = [...runbook.matchAll(/`((?:conax|process|nodejs)_\w+)/g)].map(([, name = '']) => name);
  expect(names.filter((name) => !known.has(name) && !known.has(`${name}_count`))).toEqual([]);
  const words = [...runbook.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`/g)].map(([, name = '']) => name);
  const codes = new Set(['OUTCOME_UNKNOWN', 'SYSTEM_ERROR']);
  const missing = words.filter((name) => !codes.has(name) && !settings.includes(`\`${name.replace(/_FILE$/, '')}\``));
  expect(missing).toEqual([]);
});

let program: Command;
beforeAll(async () => {
  program = await createProgram();
});

/** Returns what is wrong with a command line, by the commands' own definitions. */
function problemOf(line: string): string | null {
  const words = line.split(/\s+/).slice(2);
  let command: Command = program;
  const rest = words.slice();
  while (rest[0] !== undefined) {
    const next = command.commands.find((one) => one.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest.shift();
  }
  if (command === program || command.commands.length > 0) return `no command: ${line}`;
  const places: string[] = [];
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    if (!word.startsWith('--')) places.push(word);
    else {
      const option = command.options.find(({ long }) => long === word);
      if (option === undefined) return `no option ${word}: ${line}`;
      if (option.required && rest.shift() === undefined) return `${word} needs a value: ${line}`;
    }
  }
  const { registeredArguments: wanted } = command;
  const required = wanted.filter((argument) => argument.required).length;
  const fits = places.length >= required && places.length <= wanted.length;
  const missing = command.options.filter(({ mandatory, long }) => mandatory && !words.includes(long ?? ''));
  return fits && missing.length === 0 ? null : `other arguments are needed: ${line}`;
}

test('the commands of the runbook exist, with their options and arguments', () => {
  const lines = [...runbook.matchAll(/`(npx conax-provisioning[^`]*)`/g)].map(([, line = '']) => line);
  expect(lines.length).toBeGreaterThan(30);
  expect(lines.map(problemOf).filter((problem) => problem !== null)).toEqual([]);
});
