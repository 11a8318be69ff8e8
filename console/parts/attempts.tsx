import { Group, Paper, Stack, Text } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { Code } from './code.tsx';
import { Fold } from './fold.tsx';
import { counted } from './progress.tsx';
import { State } from './state.tsx';
import { Time } from './time.tsx';

type Attempt = Output<'requests.show'>['attempts'][number];

/** What was sent for a request and what came back, the newest first. Attempts in a row with the same result are one. */
export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  if (attempts.length === 0) return <Text size="sm">Nothing was sent for it.</Text>;
  return (
    <Stack gap="sm">
      {folded(attempts)
        .toReversed()
        .map(({ first, last, count }) => (
          <Paper key={last.attempt} withBorder p="sm">
            <Group gap="md">
              <Text size="sm" fw={600}>
                {count === 1 ? `Attempt ${last.attempt}` : `Attempts ${first.attempt} to ${last.attempt}`}
              </Text>
              <State of={last.answer} tone={last.answer === 'accepted' ? 'good' : 'bad'} />
              <Text size="sm" span>
                <Time at={first.started_date} />
                {count > 1 && (
                  <>
                    {' '}
                    to <Time at={last.started_date} />
                  </>
                )}
              </Text>
              <Text size="sm" span>
                {Math.round(last.duration_ms)} ms
              </Text>
            </Group>
            <Text size="sm" className="breaks" my={4}>
              {[
                last.command,
                `operation ${last.operation} at ${last.url}`,
                last.http_status === null ? 'no HTTP answer' : `HTTP ${last.http_status}`,
                last.code,
                last.description,
              ]
                .filter((part) => part !== null)
                .join(' · ')}
            </Text>
            <Fold
              summary={
                count === 1
                  ? 'SOAP request and answer'
                  : `SOAP request and answer of the last of ${counted(count, 'attempt')}`
              }
            >
              <Bodies attempt={last} />
            </Fold>
          </Paper>
        ))}
    </Stack>
  );
}

/** The SOAP bodies of an attempt, secrets masked by the API. */
export function Bodies({ attempt }: { attempt: Attempt }) {
  const { attempt: number, request_body: sent, response_body: received } = attempt;
  return (
    <Stack gap="sm">
      {sent !== null && <Code label={`SOAP request of attempt ${number}`} value={sent} />}
      {received === null ? (
        <Text size="sm">No answer is stored.</Text>
      ) : (
        <Code label={`SOAP answer to attempt ${number}`} value={received} />
      )}
    </Stack>
  );
}

interface Folded {
  readonly first: Attempt;
  readonly last: Attempt;
  readonly count: number;
}

/** A CAS that is away for a day makes hundreds of attempts with the same result. */
function folded(attempts: readonly Attempt[]): Folded[] {
  const groups: Folded[] = [];
  for (const attempt of attempts) {
    const group = groups.at(-1);
    if (group !== undefined && resultOf(group.last) === resultOf(attempt))
      groups[groups.length - 1] = { ...group, last: attempt, count: group.count + 1 };
    else groups.push({ first: attempt, last: attempt, count: 1 });
  }
  return groups;
}

function resultOf({ command, answer, code, description }: Attempt): string {
  return JSON.stringify([command, answer, code, description]);
}
