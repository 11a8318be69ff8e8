import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { Code } from '../../parts/code.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Fold } from '../../parts/fold.tsx';
import { Link, Why } from '../../parts/link.tsx';
import { State } from '../../parts/state.tsx';
import { age, Time } from '../../parts/time.tsx';
import { type Call, Remedy } from './remedy.tsx';
import type { Explanation } from './use-explanation.ts';

type Finding = Explanation['findings'][number];
type Evidence = Finding['evidence'];

const TONES = { blocking: 'bad', attention: 'waits', info: 'good' } as const;

/** The findings in their order. Those with the same code are one, with every button once. */
export function Findings({ findings }: Pick<Explanation, 'findings'>) {
  const groups = [...Map.groupBy(findings, ({ code, severity }) => `${code} ${severity}`)];
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Findings
      </Title>
      {groups.length === 0 && <Text>Nothing that is stored explains it.</Text>}
      <Stack gap="sm">
        {groups.map(([key, alike]) => (
          <Alike key={key} alike={alike} />
        ))}
      </Stack>
    </section>
  );
}

function Alike({ alike }: { alike: readonly Finding[] }) {
  const [first] = alike;
  if (first === undefined) return null;
  const { code, severity, remedy } = first;
  const calls = new Map(alike.flatMap((one) => one.remedy.calls).map((call): [string, Call] => [keyOf(call), call]));
  const commands = [...new Set(alike.flatMap((one) => one.remedy.command ?? []))];
  return (
    <Paper withBorder p="sm" role="group" aria-label={code}>
      <Group gap="md" mb={4}>
        <State of={severity} tone={TONES[severity]} />
        <Text size="sm" fw={600}>
          {code}
        </Text>
      </Group>
      {alike.map(({ sentence, since, evidence }) => (
        <div key={thingOf(evidence)}>
          <Text className="breaks">{sentence}</Text>
          <Group gap="md" mb={6}>
            {since !== null && (
              <Text size="sm" span>
                since <Time at={since} /> ({age(since)})
              </Text>
            )}
            {Object.keys(evidence).length > 0 && (
              <Fold summary="Evidence">
                <Facts
                  rows={Object.entries(evidence).map(([name, value]) => [
                    name,
                    <Value key={name} {...{ name, value }} />,
                  ])}
                />
              </Fold>
            )}
          </Group>
        </div>
      ))}
      <Text size="sm" mb={6} className="breaks">
        {remedy.sentence}
      </Text>
      <Group gap="xs">
        {[...calls].map(([key, call]) => (
          <Remedy key={key} call={call} />
        ))}
      </Group>
      {commands.length > 0 && (
        <Fold summary="On the command line">
          <Code
            label="Command"
            value={commands.map((command) => `npx --no conax-provisioning ${command}`).join('\n')}
          />
        </Fold>
      )}
    </Paper>
  );
}

/** What a finding is about. Its sentence may change while somebody reads the evidence. */
function thingOf({ request, event, subscription, smartcard_ca_id: card, service_ca_id: service }: Evidence): string {
  return JSON.stringify([request, event, subscription, card, service]);
}

function keyOf({ operation, input }: Call): string {
  return `${operation} ${JSON.stringify(input)}`;
}

/** Numbers of things lead to them. */
function Value({ name, value }: { name: string; value: Evidence[string] }) {
  if (value === null) return '–';
  const text = String(value);
  if (name === 'request' || name === 'behind') return <Link to={`/requests/${text}`}>{text}</Link>;
  if (name === 'event') return <Link to={`/events/${text}`}>{text}</Link>;
  if (name === 'smartcard_ca_id' || name === 'subscription') return <Why of={text} />;
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? <Time at={text} /> : text;
}
